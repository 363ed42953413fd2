import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { billDateOf, daysAfter } from '../../domain/bill-day.ts';
import { killAllChildren } from '../child.ts';
import { HASTE } from '../crashes/run.ts';
import { runPaysaga } from '../paysaga-command.ts';
import { type Stack, startStack } from '../stack.ts';
import { deleteStackFolder } from '../stack-folder.ts';
import { type MonthReport, summary } from './report.ts';
import { runMonth } from './run.ts';
import { SCENARIO, shopsOf } from './scenario.ts';

/** `npm run month`: a month of trade, reconciled each morning, while processes are killed. */

const positive = (text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('must be a whole number above 0.');
  return value;
};

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

const say = (line: string) => console.log(`  ${line}`);
const folder = resolve(options.data);
const abort = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => abort.abort(new Error('interrupted')));

let stack: Stack | undefined;
let report: MonthReport | undefined;
try {
  deleteStackFolder(folder);
  // Beside the folder of the stack, which is emptied when it is taken.
  const scenario = `${folder}.scenario.json`;
  mkdirSync(dirname(folder), { recursive: true });
  writeFileSync(scenario, JSON.stringify(SCENARIO));
  const started = await startStack({
    dir: folder,
    say,
    signal: abort.signal,
    ...HASTE,
    scenario,
    variables: { RECONCILIATION_CRON: 'off' },
  });
  stack = started;
  const shops = await shopsOf((mchid, role) =>
    runPaysaga(
      {
        args: [
          ...['merchant', 'upsert', '--tenant', 'demo', '--role', role],
          ...['--credentials', join(started.credentialsDir, mchid)],
        ],
        env: started.environment,
      },
      /^mch_\w+$/,
    ),
  );
  const interrupted = new Promise<never>((_, reject) =>
    abort.signal.addEventListener('abort', () => reject(abort.signal.reason)),
  );
  report = await Promise.race([
    runMonth(started, {
      ...options,
      firstDay: daysAfter(billDateOf(new Date()), -(AGO + options.days)),
      shops,
      carryDays: 3,
      nightKills: options.kills,
      dayKills: options.kills,
      say,
    }),
    interrupted,
  ]);
  console.log(`\n${summary(report)}`);
  if (options.json) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
} catch (error) {
  console.error(`\n${(error as Error).message}`);
} finally {
  await stack?.stop();
  killAllChildren();
}
const ok = report?.violations.length === 0;
if (!ok) {
  const { seed, days, payments, wrong, kills } = options;
  console.error(
    `once more: npm run month -- --seed ${seed} --days ${days} --payments ${payments} --wrong ${wrong} --kills ${kills}`,
  );
}
process.exit(ok ? 0 : 1);
