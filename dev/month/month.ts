import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { billDateOf, daysAfter } from '../../domain/bill-day.ts';
import { runPaysaga } from '../paysaga-command.ts';
import { positive } from '../positive.ts';
import { runOnStack } from '../stack-program.ts';
import { summary } from './report.ts';
import { runMonth } from './run.ts';
import { SCENARIO, shopsOf } from './scenario.ts';

/** `npm run month`: a month of trade, reconciled each morning, while processes are killed. */

/** Gateway orders live for ninety days: the month has to be over before, and long enough ago for no night to look at it. */
const LONGEST = 60;
const AGO = 21;
const days = (text: string): number => {
  const value = positive(text);
  if (value > LONGEST) throw new InvalidArgumentError(`must be at most ${LONGEST}.`);
  return value;
};

const options = new Command('npm run month --')
  .description(
    'shops that trade for a month on a simulated clock, by all products, with everything wrong that can be wrong, while workers and APIs are killed; each day is reconciled on the morning after',
  )
  .option('--seed <number>', 'of all that happens', positive, 1)
  .option('--days <number>', 'how many', days, 30)
  .option('--payments <number>', 'ordinary payments of each shop and day', positive, 4)
  .option('--wrong <number>', 'discrepancies of each shop and day', positive, 3)
  .option('--kills <number>', 'workers killed in a night, at most; and processes killed by day', positive, 2)
  .option('--json <file>', 'write the report as JSON too')
  .option('--data <folder>', 'folder of the stack; emptied first', '.paysaga/month')
  .addHelpText(
    'after',
    `
Two merchants, and a service provider with two sub-merchants. Each morning every line of every account must be what the month has made of it: precision and recall
of the discrepancies are 1, and all figures add up. In the end each day once more changes nothing, and only what never came right is open.

The exit code is 1 unless nothing was violated.`,
  )
  .parse()
  .opts<{
    seed: number;
    days: number;
    payments: number;
    wrong: number;
    kills: number;
    json?: string;
    data: string;
  }>();

// Beside the folder of the stack, which is emptied.
const scenario = `${resolve(options.data)}.scenario.json`;
mkdirSync(dirname(scenario), { recursive: true });
writeFileSync(scenario, JSON.stringify(SCENARIO));
const { data, json } = options;
const variables = { RECONCILIATION_CRON: 'off' };
const report = await runOnStack({ data, json, scenario, variables }, async (stack, say) => {
  const shops = await shopsOf((mchid, role) =>
    runPaysaga(
      {
        args: [
          ...['merchant', 'upsert', '--tenant', 'demo', '--role', role],
          ...['--credentials', join(stack.credentialsDir, mchid)],
        ],
        env: stack.environment,
      },
      /^mch_\w+$/,
    ),
  );
  return runMonth(stack, {
    ...options,
    firstDay: daysAfter(billDateOf(new Date()), -(AGO + options.days)),
    shops,
    carryDays: 3,
    nightKills: options.kills,
    dayKills: options.kills,
    say,
  });
});
if (report) console.log(`\n${summary(report)}`);
const ok = report?.violations.length === 0;
if (!ok) {
  const { seed, days, payments, wrong, kills } = options;
  console.error(
    `once more: npm run month -- --seed ${seed} --days ${days} --payments ${payments} --wrong ${wrong} --kills ${kills}`,
  );
}
process.exit(ok ? 0 : 1);
