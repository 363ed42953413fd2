import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { killAllChildren } from '../child.ts';
import { type Stack, startStack } from '../stack.ts';
import { deleteStackFolder } from '../stack-folder.ts';
import { type CrashReport, HASTE, runCrashes } from './run.ts';

/** `npm run crashes`: kills processes between any two steps, and looks whether a fen was lost. */

const positive = (text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('must be a whole number above 0.');
  return value;
};

const options = new Command('npm run crashes --')
  .description(
    'payments and refunds with lost answers and notifications while processes are killed, on a stack of its own',
  )
  .option(
    '--seeds <number>',
    'how many seeds; each is three payments, a combined one of two orders, one that is paid too late, two for one order, a charge at the till, and one or two kills',
    positive,
    20,
  )
  .option('--from <number>', 'the first seed', positive, 1)
  .option('--parallel <number>', 'seeds at a time; a kill hits all of them', positive, 20)
  .option('--json <file>', 'write the report as JSON too')
  .option('--data <folder>', 'folder of the stack; emptied first', '.paysaga/crashes')
  .addHelpText(
    'after',
    `
After each seed the gateway's orders and refunds, the rows, the ledger and the events must agree; one number at the gateway for each
payment, no refund beyond it, late money and duplicates given back, every event once. One seed again: npm run crashes -- --from SEED --seeds 1

The exit code is 1 unless nothing was violated.`,
  )
  .parse()
  .opts<{ seeds: number; from: number; parallel: number; json?: string; data: string }>();

const say = (line: string) => console.log(`  ${line}`);
const folder = resolve(options.data);
const abort = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => abort.abort(new Error('interrupted')));

let stack: Stack | undefined;
let report: CrashReport | undefined;
try {
  deleteStackFolder(folder);
  stack = await startStack({ dir: folder, say, signal: abort.signal, ...HASTE });
  const interrupted = new Promise<never>((_, reject) =>
    abort.signal.addEventListener('abort', () => reject(abort.signal.reason)),
  );
  report = await Promise.race([runCrashes(stack, { ...options, say }), interrupted]);
  const { seeds, from, payments, kills, violations } = report;
  console.log(
    `\nseeds ${from} to ${from + seeds - 1}: ${payments} payments, ${kills} kills, ${violations} violations`,
  );
  if (options.json) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
} catch (error) {
  console.error(`\n${(error as Error).message}`);
} finally {
  await stack?.stop();
  killAllChildren();
}
process.exit(report?.violations === 0 ? 0 : 1);
