import { Command } from 'commander';
import { positive } from '../positive.ts';
import { runOnStack } from '../stack-program.ts';
import { runCrashes } from './run.ts';

/** `npm run crashes`: kills processes between any two steps, and looks whether a fen was lost. */

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

const report = await runOnStack(options, (stack, say) => runCrashes(stack, { ...options, say }));
if (report) {
  const { seeds, from, payments, kills, violations } = report;
  console.log(
    `\nseeds ${from} to ${from + seeds - 1}: ${payments} payments, ${kills} kills, ${violations} violations`,
  );
}
process.exit(report?.violations === 0 ? 0 : 1);
