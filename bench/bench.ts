import { writeFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { version } from '../cli/version.ts';
import { positive } from '../dev/positive.ts';
import { benchBills, formatBills } from './bills.ts';
import { benchLedger, formatLedger } from './ledger.ts';
import { benchOutage, OUTAGES, type OutageLoad } from './outage.ts';
import { formatOutage } from './outage-report.ts';
import { benchPayments } from './payments.ts';
import { benchProtocol } from './protocol.ts';
import { formatProtocol } from './protocol-report.ts';
import { benchReconciliation, formatReconciliation } from './reconciliation.ts';
import { formatPayments } from './report.ts';
import { benchSimulator, type SimulatorLoad } from './simulator.ts';
import { formatSimulator } from './simulator-report.ts';

/** `npm run bench -- <benchmark>`: each has its baseline in the same run. */

/** Payments before each measurement that do not count. */
const WARM_UP = 50;
/** Requests before each round that do not count. */
const WARM_UP_REQUESTS = 300;
/** Orders of the simulator before each part that do not count. */
const WARM_UP_ORDERS = 1000;
/** A day of any size has no more events than this in its history. */
const RECONCILIATION_EVENTS = 24;
/** Reading a bill of any size takes less than this above the start, in MiB. */
const BILL_MEMORY_MIB = 128;

/** A payment that nothing disturbs has up to five workflow tasks; one with many more was tried again and again. */
const STORM = 15;

/** Progress; the report alone goes to standard output. */
const say = (line: string) => console.error(line);

const writeJson = (file: string, report: object) =>
  writeFile(file, `${JSON.stringify(report, undefined, 2)}\n`);

// Children have guards and end with this process; the folder and the order of stopping need the abort.
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => interrupted.abort(new Error(`stopped by ${signal}`)));
}

const program = new Command('npm run bench --')
  .description('benchmarks of paysaga, each with its baseline in the same run')
  .version(version())
  .showHelpAfterError('(--help tells what there is)');

program
  .command('payments')
  .description('payments from the order to PAID, against a bare workflow of the same shape')
  .option('--payments <number>', 'payments in each part of the run', positive, 500)
  .option('--concurrency <number>', 'payments in flight', positive, 50)
  .option('--json <file>', 'write the report as JSON, too')
  .addHelpText(
    'after',
    `
Environment:
  DATABASE_URL      use this empty PostgreSQL instead of an own one; its cost is then not measured
  TEMPORAL_ADDRESS  use this Temporal server instead of an own one; its cost is then not measured
  DATABASE_POOL_MAX, WORKER_MAX_WORKFLOW_TASKS, WORKER_MAX_ACTIVITIES, WORKER_MAX_CACHED_WORKFLOWS
                    reach paysaga's processes as they are; see .env.example

The exit code is 1 unless every payment reached PAID.`,
  )
  .action(async ({ json, ...load }: { payments: number; concurrency: number; json?: string }) => {
    const report = await benchPayments({ ...load, warmUp: WARM_UP }, say, interrupted.signal);
    console.log(formatPayments(report));
    if (json) await writeJson(json, report);
    if (report.dropped > 0) process.exitCode = 1;
  });

program
  .command('outage')
  .description(
    'payments and refunds under way while gateway or database is frozen, against waiting undisturbed',
  )
  .addOption(new Option('--of <part>', 'what is away').choices(Object.keys(OUTAGES)).default('gateway'))
  .option('--payments <number>', 'payments in flight when it begins', positive, 200)
  .option('--minutes <number>', 'how long it lasts', positive, 10)
  .option('--json <file>', 'write the report as JSON, too')
  .addHelpText(
    'after',
    `
A quarter each is paid without a notification, expires during the outage, is paid after it, and is paid and being refunded.
The exit code is 1 unless gateway, rows, ledger and events agree afterwards and no workflow had more than ${STORM} tasks.`,
  )
  .action(async ({ json, ...load }: OutageLoad & { json?: string }) => {
    const report = await benchOutage(load, say, interrupted.signal);
    console.log(formatOutage(report));
    if (json) await writeJson(json, report);
    if (report.violations.length > 0 || report.workflows.mostTasks > STORM) process.exitCode = 1;
  });

program
  .command('protocol')
  .description('signed requests and verified answers of wechatpay/, against both npm peers')
  .option('--requests <number>', 'requests in each round', positive, 3000)
  .option('--concurrency <number>', 'requests in flight', positive, 32)
  .option('--json <file>', 'write the report as JSON, too')
  .addHelpText(
    'after',
    `
The exit code is 1 unless every request was answered, every client noticed a forged answer (but for the one
that is measured without verification) and paysaga made more requests a second than both peers.`,
  )
  .action(async ({ json, ...load }: { requests: number; concurrency: number; json?: string }) => {
    const report = await benchProtocol({ ...load, warmUp: WARM_UP_REQUESTS }, say, interrupted.signal);
    console.log(formatProtocol(report));
    if (json) await writeJson(json, report);
    if (!report.passed) process.exitCode = 1;
  });

program
  .command('bills')
  .description('a trade bill read with wechatpay/, against readline and a peer: rows a second and memory')
  .option('--rows <number>', 'rows of the bill', positive, 1_000_000)
  .option('--rounds <number>', 'how often each way reads it', positive, 3)
  .option('--plain', 'not compressed')
  .option('--json <file>', 'write the report as JSON, too')
  .addHelpText(
    'after',
    `
The exit code is 1 unless every way found every row and paysaga's stayed below ${BILL_MEMORY_MIB} MiB above their start.`,
  )
  .action(async ({ json, plain, ...load }: { rows: number; rounds: number; plain?: true; json?: string }) => {
    const report = await benchBills({ ...load, gzip: !plain }, say, interrupted.signal);
    console.log(formatBills(report));
    if (json) await writeJson(json, report);
    const ours = report.parts.filter(({ name }) => name.startsWith('paysaga'));
    if (ours.some(({ memoryMib }) => memoryMib.peak >= BILL_MEMORY_MIB)) process.exitCode = 1;
  });

program
  .command('ledger')
  .description(
    'what the chain of hashes costs those who post, and what the exports take: rows a second, memory',
  )
  .option('--transactions <number>', 'transactions posted in each way', positive, 8000)
  .option('--concurrency <number>', 'transactions in flight', positive, 16)
  .option('--rows <number>', 'transactions sealed, verified and exported', positive, 200_000)
  .option('--json <file>', 'write the report as JSON, too')
  .addHelpText('after', `\nThe exit code is 1 unless the chain verifies.`)
  .action(
    async ({ json, ...load }: { transactions: number; concurrency: number; rows: number; json?: string }) => {
      const report = await benchLedger(load, say, interrupted.signal);
      console.log(formatLedger(report));
      if (json) await writeJson(json, report);
    },
  );

program
  .command('simulator')
  .description(
    'orders accepted and paid by the simulator with signatures on, against RSA alone; memory and starts',
  )
  .option('--orders <number>', 'orders in memory', positive, 20_000)
  .option('--kept-orders <number>', 'orders with --data', positive, 100_000)
  .option('--concurrency <number>', 'orders in flight', positive, 64)
  .option('--bill-rows <number>', 'rows of the bill that it makes', positive, 1_000_000)
  .option('--json <file>', 'write the report as JSON, too')
  .addHelpText(
    'after',
    `\nThe exit code is 1 unless every order was accepted, paid and told of with right signatures.`,
  )
  .action(async ({ json, ...load }: Omit<SimulatorLoad, 'warmUp'> & { json?: string }) => {
    const report = await benchSimulator({ ...load, warmUp: WARM_UP_ORDERS }, say, interrupted.signal);
    console.log(formatSimulator(report));
    if (json) await writeJson(json, report);
    if (report.inMemory.failed + report.kept.failed > 0) process.exitCode = 1;
  });

program
  .command('reconciliation')
  .description('days of growing size reconciled, against COPY and one join of the same rows; memory, events')
  .option('--rows <numbers>', 'rows of the trade bills, with commas', '10000,100000,1000000')
  .option('--json <file>', 'write the report as JSON, too')
  .addHelpText(
    'after',
    `\nThe exit code is 1 unless every line was matched, in ${RECONCILIATION_EVENTS} events or fewer for each day.`,
  )
  .action(async ({ rows, json }: { rows: string; json?: string }) => {
    const sizes = rows.split(',').map(positive);
    const report = await benchReconciliation({ sizes }, say, interrupted.signal);
    console.log(formatReconciliation(report));
    if (json) await writeJson(json, report);
    if (report.parts.some(({ historyEvents }) => historyEvents > RECONCILIATION_EVENTS)) process.exitCode = 1;
  });

try {
  await program.parseAsync();
} catch (error) {
  console.error(interrupted.signal.aborted ? (interrupted.signal.reason as Error).message : error);
  process.exitCode = 1;
}
