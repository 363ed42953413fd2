import { isLatePaymentFinal, LATE_PAYMENT_STATUSES } from '../domain/late-payment.ts';
import type { PaymentStatus } from '../domain/payment.ts';
import { isRefundFinal, REFUND_STATUSES } from '../domain/refund.ts';
import type { Queryable } from './pool.ts';

/**
 * Intents are rows that were accepted and whose workflow has to run: `ensure_at` says when a relay looks whether it does. It is in the future of a
 * row that somebody is starting right now, and null of one that needs no workflow any more.
 */

/** How long the API has to start a workflow before a relay does it. */
export const ENSURE_AFTER = "interval '30 seconds'";

/** What has a workflow. */
export type IntentTable = 'payments' | 'combined_payments' | 'refunds' | 'late_payments';

const OPEN_PAYMENT = ['CREATED', 'PENDING'] satisfies PaymentStatus[];

/** Statuses in which a saga still works on a row. */
export const OPEN_STATUSES = {
  payments: OPEN_PAYMENT,
  combined_payments: OPEN_PAYMENT,
  refunds: REFUND_STATUSES.filter((status) => !isRefundFinal(status)),
  late_payments: LATE_PAYMENT_STATUSES.filter((status) => !isLatePaymentFinal(status)),
} as const satisfies Record<IntentTable, readonly string[]>;

/** Whether a saga still works on the row, which goes on until the transaction ends: what has ended shows nothing of a saga any more. */
export async function lockOpen(db: Queryable, table: IntentTable, id: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `select 1 from ${table} where id = $1 and status = any($2) for no key update`,
    [id, OPEN_STATUSES[table]],
  );
  return rowCount === 1;
}

/**
 * Claims rows whose workflow should be running by now but may not be, oldest first. A claimed row comes up again after a minute, so a relay that
 * dies loses nothing and another process does not take the same rows.
 * @param read the rows of the ids in `claimed`, as their workflow is started with: `select … from claimed join …`.
 */
export async function claimOrphaned<Intent extends object>(
  db: Queryable,
  table: IntentTable,
  read: string,
  limit: number,
): Promise<Intent[]> {
  const { rows } = await db.query<Intent>(
    `with due as (
       select id from ${table} where ensure_at <= now() order by ensure_at limit $1 for update skip locked
     ), claimed as (
       update ${table} intent set ensure_at = now() + interval '1 minute' from due
        where intent.id = due.id returning intent.id
     )
     ${read}`,
    [limit],
  );
  return rows;
}

/** After the relay has looked: again in an hour while the workflow runs, or never when only a person can help. */
export async function ensured(
  db: Queryable,
  table: IntentTable,
  id: string,
  { again }: { again: boolean },
): Promise<void> {
  await db.query(
    `update ${table} set ensure_at = case when $2 then now() + interval '1 hour' end where id = $1 and ensure_at is not null`,
    [id, again],
  );
}

/** Asks the relay to look at an open order now: its workflow did not answer, perhaps because it has ended. */
export async function ensureSoon(
  db: Queryable,
  table: 'payments' | 'combined_payments',
  id: string,
): Promise<void> {
  await db.query(`update ${table} set ensure_at = now() where id = $1 and status in ('CREATED', 'PENDING')`, [
    id,
  ]);
}
