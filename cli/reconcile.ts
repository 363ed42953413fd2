import { Client, Connection } from '@temporalio/client';
import { dataConverter } from '../codec/data-converter.ts';
import { openPool } from '../database/pool.ts';
import { listAccounts } from '../database/reconciliation/account.ts';
import { billDateOf, billDay, daysFrom } from '../domain/bill-day.ts';
import { readEnvironment, TEMPORAL_VARIABLES, temporalConnection } from '../process/environment.ts';
import { resultLine } from '../workflows/reconciliation-details.ts';
import {
  RECONCILIATION_SETTINGS,
  type ReconciliationResult,
  reconciliationStart,
} from '../workflows/reconciliation-start.ts';
import { merchantsNamed } from './query.ts';
import { UsageError } from './usage-error.ts';

/**
 * `paysaga reconcile`: reconciles days through the same workflow as the nights, one after the other, and prints a line for each. What is interrupted here
 * goes on in the worker. The exit code is 1 when a bill was not to be believed, or something does not add up.
 */
export async function reconcile(options: { merchant?: string; from: string; to?: string }): Promise<void> {
  const environment = readEnvironment([
    'DATABASE_URL',
    ...TEMPORAL_VARIABLES,
    'TEMPORAL_TASK_QUEUE',
    'PAYSAGA_CODEC_KEYS',
    'RECONCILIATION_CARRY_DAYS',
  ]);
  const days = period(options.from, options.to ?? options.from);
  const pool = openPool(environment.DATABASE_URL, { max: 2 });
  const connection = await Connection.connect(temporalConnection(environment));
  const client = new Client({
    connection,
    namespace: environment.TEMPORAL_NAMESPACE,
    dataConverter: dataConverter(environment.PAYSAGA_CODEC_KEYS),
  });
  const settings = {
    ...RECONCILIATION_SETTINGS,
    timing: { ...RECONCILIATION_SETTINGS.timing, carryDays: environment.RECONCILIATION_CARRY_DAYS },
  };
  try {
    for (const merchant of await merchantsNamed(pool, options.merchant)) {
      for (const account of await listAccounts(pool, merchant.id)) {
        for (const [index, billDate] of days.entries()) {
          const whose =
            account.subMchid === null ? account.mchid : `${account.mchid} for ${account.subMchid}`;
          const place = days.length > 1 ? `${index + 1}/${days.length} ` : '';
          process.stderr.write(`${place}${whose} ${billDate} …\n`);
          const { workflowType, ...start } = reconciliationStart(
            { ...account, billDate },
            { taskQueue: environment.TEMPORAL_TASK_QUEUE, ...settings },
          );
          const notice = setTimeout(() => process.stderr.write(stillWaiting(start.workflowId)), WAITING_MS);
          const result: ReconciliationResult = await client.workflow
            .execute(workflowType, { ...start, workflowIdConflictPolicy: 'USE_EXISTING' })
            .finally(() => clearTimeout(notice));
          const id = result.kind === 'broken' ? '' : `  ${result.runId}`;
          console.log(`${whose}  ${billDate}${id}  ${resultLine(result)}`);
          if (result.kind !== 'done' || Object.values(result.checks).includes(false)) process.exitCode = 1;
        }
      }
    }
  } finally {
    await connection.close();
    await pool.end();
  }
}

/** After so long somebody who waits is told what for. */
const WAITING_MS = 15_000;

function stillWaiting(workflowId: string): string {
  return `  still waiting. WeChat Pay makes the bills of a day on the morning after, from nine o'clock on (Asia/Shanghai); until then it is asked
  every half hour. Ctrl-C leaves it to itself: ${workflowId} goes on, and tells in the Temporal UI how far it is.\n`;
}

function period(from: string, to: string): string[] {
  for (const day of [from, to]) {
    try {
      billDay(day);
    } catch (error) {
      throw new UsageError((error as Error).message);
    }
  }
  const days = daysFrom(from, to);
  if (days.length === 0) throw new UsageError('--to is before --from');
  if (to >= billDateOf(new Date())) throw new UsageError(`${to} is not over yet`);
  return days;
}
