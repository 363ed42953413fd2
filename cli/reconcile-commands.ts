import type { Command } from 'commander';

const EXAMPLES = `
Examples:
  paysaga reconcile --from 2026-03-01 --to 2026-03-31
  paysaga reconciliation breaks --status break --age 8+
  paysaga reconciliation resolve brk_… --actor li.na --resolution to_suspense --reason "no such order here"
Days are those of Asia/Shanghai; a period has its last day in it.`;

/** Every command about reconciliations may name a merchant the same way. */
const ofMerchant = (command: Command) =>
  command.option('--merchant <id>', 'its mch_… or its mchid (default: all of them)');

const listed = (command: Command) =>
  command
    .option('--limit <number>', 'how many, 1 to 100 (default: 20)')
    .option('--starting-after <id>', 'after this one');

const JSON_OPTION = ['--json', 'print what the API answers'] as const;

const load = () => import('./reconciliation.ts');

/** `paysaga reconcile` and `paysaga reconciliation …` */
export function addReconciliationCommands(program: Command): void {
  ofMerchant(program.command('reconcile'))
    .description('reconcile days, one after the other; a day can be reconciled again at any time')
    .requiredOption('--from <day>', 'first day')
    .option('--to <day>', 'last day (default: the first)')
    .addHelpText('after', EXAMPLES)
    .action(async (options) => (await import('./reconcile.ts')).reconcile(options));

  const reconciliation = program
    .command('reconciliation')
    .description('read reconciliations, and work on their breaks');
  listed(ofMerchant(reconciliation.command('list')))
    .description('list what was reconciled, newest first')
    .option('--bill-date <day>', 'of this day')
    .option(...JSON_OPTION)
    .action(async (options) => (await load()).printRuns(options));
  reconciliation
    .command('show')
    .description('show one: its sums, its files, and whether it adds up')
    .argument('<id>', 'rec_…')
    .action(async (id) => (await load()).printRun(id));
  listed(reconciliation.command('lines'))
    .description('list the lines of one, in the order of the bill')
    .argument('<id>', 'rec_…')
    .option('--state <name>', 'in this state only')
    .option(...JSON_OPTION)
    .action(async (id, options) => (await load()).printLines(id, options));
  listed(ofMerchant(reconciliation.command('breaks')))
    .description('list what does not agree, newest first')
    .option('--status <name>', 'carried, break, closed or resolved')
    .option('--state <name>', 'in this state only')
    .option('--owner <person>', 'of this person')
    .option('--age <days>', '0-1, 2-3, 4-7 or 8+')
    .option(...JSON_OPTION)
    .action(async (options) => (await load()).printBreaks(options));
  reconciliation
    .command('break')
    .description('show a break with its history')
    .argument('<id>', 'brk_…')
    .action(async (id) => (await load()).printBreak(id));

  const byPerson = (command: Command) =>
    command.argument('<id>', 'brk_…').requiredOption('--actor <person>', 'who says so');
  byPerson(reconciliation.command('comment'))
    .description('say something about a break')
    .requiredOption('--text <words>', 'what')
    .action(async (id, options) => (await load()).comment(id, options));
  byPerson(reconciliation.command('assign'))
    .description('make somebody the owner of a break')
    .requiredOption('--owner <person>', 'who')
    .action(async (id, options) => (await load()).assign(id, options));
  byPerson(reconciliation.command('resolve'))
    .description('decide on a break; what the decision posts is in the ledger at once')
    .requiredOption('--resolution <name>', 'no_action, to_suspense, to_fees or to_bank')
    .requiredOption('--reason <words>', 'why')
    .action(async (id, options) => (await load()).resolve(id, options));
}
