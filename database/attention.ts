import type { PaymentAttention, RefundAttention } from '../domain/attention.ts';
import { appendEvent } from './events.ts';
import { OPEN_STATUSES } from './intents.ts';
import type { Queryable } from './pool.ts';

/** A payment, a combined one, or a refund, by its public id. */
export type Subject = { paymentId: string } | { combinedId: string } | { refundId: string };

/** Reasons that come and go by themselves, without a change of status. */
type PassingReason = 'credentials_refused' | 'workflow_ended';

/** Where a subject is, and how other tables refer to it. */
export function rowOf(subject: Subject) {
  if ('refundId' in subject)
    return { table: 'refunds', column: 'refund_id', kind: 'refund', id: subject.refundId } as const;
  return 'combinedId' in subject
    ? ({
        table: 'combined_payments',
        column: 'combined_id',
        kind: 'combined_payment',
        id: subject.combinedId,
      } as const)
    : ({ table: 'payments', column: 'payment_id', kind: 'payment', id: subject.paymentId } as const);
}

/** The merchant who speaks to the gateway about it. @throws Error when there is no such row. */
export async function merchantOf(db: Queryable, subject: Subject): Promise<string> {
  const { table, id } = rowOf(subject);
  const { rows } = await db.query<{ merchant_id: string }>(`select merchant_id from ${table} where id = $1`, [
    id,
  ]);
  const row = rows[0];
  if (!row) throw new Error(`there is no ${id}`);
  return row.merchant_id;
}

/** Whether it shows this reason. */
export async function showsAttention(
  db: Queryable,
  subject: Subject,
  reason: PassingReason,
): Promise<boolean> {
  const { table, id } = rowOf(subject);
  const { rowCount } = await db.query(`select 1 from ${table} where id = $1 and attention_reason = $2`, [
    id,
    reason,
  ]);
  return rowCount === 1;
}

/**
 * Shows to an operator that WeChat Pay refuses the merchant's credentials, with an event. What needs a person for another reason goes on
 * showing that one. Call it in a transaction.
 * @param code the gateway's.
 */
export async function showCredentialsRefused(db: Queryable, subject: Subject, code: string): Promise<void> {
  const { table, kind, id } = rowOf(subject);
  const reason: PassingReason = 'credentials_refused';
  const { rows } = await db.query<Changed>(
    `update ${table} set attention = 'needs_operator', attention_reason = $2, version = version + 1, updated_at = now()
     where id = $1 and attention = 'none' and status = any($3) returning *`,
    [id, reason, OPEN_STATUSES[table]],
  );
  await tell(db, subject, rows[0], `${kind}.needs_operator`, {
    attention: 'needs_operator',
    reason,
    gateway_code: code,
  });
}

/** Shows that the reason is gone, with an event; nothing when it shows another one. Call it in a transaction. */
export async function clearAttention(
  db: Queryable,
  subject: Subject,
  reason: PaymentAttention | RefundAttention,
  { operatorAction }: { operatorAction?: string } = {},
): Promise<void> {
  const { table, kind, id } = rowOf(subject);
  const details = table === 'payments' ? 'attention_details = null,' : '';
  const { rows } = await db.query<Changed>(
    `update ${table} set attention = 'none', attention_reason = null, ${details} version = version + 1, updated_at = now()
     where id = $1 and attention_reason = $2 returning *`,
    [id, reason],
  );
  await tell(db, subject, rows[0], `${kind}.attention_cleared`, {
    attention: 'none',
    reason,
    ...(operatorAction && { operator_action: operatorAction }),
  });
}

/** A workflow was begun anew by hand: a relay looks after it again, once it should have ended. */
export async function ensureLater(
  db: Queryable,
  subject: { paymentId: string } | { combinedId: string },
): Promise<void> {
  const { table, id } = rowOf(subject);
  await db.query(
    `update ${table} set ensure_at = greatest(now(), time_expire) + interval '10 minutes' where id = $1 and status = any($2)`,
    [id, OPEN_STATUSES[table]],
  );
}

interface Changed {
  tenant_id: string;
  /** Of refunds. */
  payment_id?: string;
  version: number;
}

async function tell(
  db: Queryable,
  subject: Subject,
  row: Changed | undefined,
  type: Parameters<typeof appendEvent>[1]['type'],
  data: Record<string, unknown>,
): Promise<void> {
  if (!row) return;
  const about =
    'refundId' in subject ? { paymentId: String(row.payment_id), refundId: subject.refundId } : subject;
  await appendEvent(db, { tenantId: row.tenant_id, type, ...about, version: row.version, data });
}
