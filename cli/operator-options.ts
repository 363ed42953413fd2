import { type Command, InvalidArgumentError } from 'commander';

/** What the commands of operators have in common. */

/** What every command of an operator ends with. */
const EXIT_CODES = `
Exit codes: 0 done, 1 it could not be done (the reason is printed), 2 understood, and nothing was changed.`;

/** How an operator is known. */
const KEY = `
You are known by your operator key: PAYSAGA_OPERATOR_KEY, --operator-key-file, or typed in. Who, why and when is on record.`;

/** Why somebody does something. */
const words = (text: string): string => {
  if (text.trim() === '' || text.length > 500)
    throw new InvalidArgumentError('must have 1 to 500 characters.');
  return text;
};

/** Adds how an operator says who she is, and who reads the answer. */
export function keyed(command: Command): Command {
  return command
    .option('--operator-key-file <file>', 'where your operator key is, unless it is in PAYSAGA_OPERATOR_KEY')
    .option('--json', 'for programs')
    .addHelpText('after', `${KEY}${EXIT_CODES}`);
}

/** Makes commands that act on a subject, and say why. @param subject how the argument is called, and what it may be. */
export function actionsOn(
  parent: Command,
  subject: [argument: string, description: string],
): (name: string, description: string) => Command {
  return (name, description) =>
    keyed(
      parent
        .command(name)
        .description(description)
        .argument(...subject)
        .requiredOption('--reason <text>', 'why; it stays on record', words),
    );
}
