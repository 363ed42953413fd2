import { setTimeout as sleep } from 'node:timers/promises';
import { inTransaction, type Pool } from '../../database/pool.ts';
import type { BillDate } from '../../domain/bill-day.ts';
import type { ReconciliationTiming } from '../../domain/reconciliation.ts';
import { type ReconciliationResult, reconciliationStart } from '../../workflows/reconciliation-start.ts';
import { kill } from '../crashes/kill.ts';
import type { Doors } from './market.ts';
import type { Shop } from './shop.ts';

/** When a worker is killed: just before it writes into one of these tables, or after so many milliseconds. */
export type Moment = { before: (typeof STEPS)[number] } | { afterMs: number };

/** What a reconciliation writes into, in the order of its steps. */
export const STEPS = [
  'bill_files',
  'bill_file_bytes',
  'reconciliation_runs',
  'reconciliation_lines',
  'ledger_transactions',
  'ledger_entries',
  'reconciliation_items',
  'reconciliation_item_events',
] as const;

/** How a night went. */
export interface Night {
  results: Map<Shop, ReconciliationResult>;
  /** Workers that were killed while a day was being reconciled. */
  kills: number;
}

/** Who reconciles. */
export interface NightWorkers extends Pick<Doors, 'pool' | 'client'> {
  tenantId: string;
  taskQueue: string;
  timing: ReconciliationTiming;
  pids(): { name: string; pid: number }[];
}

/** The dead worker's work is given to the next one after this. */
const PATIENCE = { creatingGapMs: 1_000, againMs: 200, silenceMs: 4_000 };

/** Reconciles a day of all these shops at once, while workers are killed at these moments, one after the other. */
export async function night(
  workers: NightWorkers,
  shops: readonly Shop[],
  date: BillDate,
  moments: readonly Moment[] = [],
): Promise<Night> {
  const results = new Map<Shop, ReconciliationResult>();
  const running = Promise.all(
    shops.map(async (shop) => {
      const { workflowType, ...start } = reconciliationStart(
        { ...shop, tenantId: workers.tenantId, billDate: date },
        { taskQueue: workers.taskQueue, patience: PATIENCE, timing: workers.timing },
      );
      results.set(shop, await workers.client.workflow.execute(workflowType, start));
    }),
  );
  const isOver = () => results.size === shops.length;
  let kills = 0;
  const killing = (async () => {
    for (const moment of moments) {
      if (await killAt(workers, moment, isOver)) kills += 1;
    }
  })();
  await Promise.all([running, killing]);
  return { results, kills };
}

/** Kills the worker at a moment. @returns whether something was being reconciled. */
async function killAt({ pool, pids }: NightWorkers, moment: Moment, isOver: () => boolean): Promise<boolean> {
  // The one before it was killed a moment ago.
  while (!pids().some(({ name }) => name === 'worker')) await sleep(20);
  if ('before' in moment)
    return await heldBefore(pool, moment.before, isOver, () => kill({ pids }, 'worker'));
  await sleep(moment.afterMs);
  return !isOver() && kill({ pids }, 'worker');
}

/** Lets nobody write into a table until somebody waits for it, then does something, and lets go of the table. */
async function heldBefore(
  pool: Pool,
  table: string,
  isOver: () => boolean,
  then: () => boolean,
): Promise<boolean> {
  return await inTransaction(pool, async (db) => {
    // A worker may take long to come back.
    await db.query('set local idle_in_transaction_session_timeout = 0');
    await db.query(`lock table ${table} in share row exclusive mode`);
    while (!isOver()) {
      const { rows } = await pool.query(
        'select 1 from pg_locks where relation = $1::regclass and not granted limit 1',
        [table],
      );
      if (rows.length > 0) return then();
      await sleep(10);
    }
    // Nobody has had anything to write there.
    return false;
  });
}
