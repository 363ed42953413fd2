import type { PaymentStatus } from '../domain/payment.ts';
import { isRefundFinal, REFUND_STATUSES } from '../domain/refund.ts';
import { appendEvent } from './events.ts';
import type { Queryable } from './pool.ts';

/** A payment or a refund, by its public id. */
export type Subject = { paymentId: string } | { refundId: string };

const REASON = 'credentials_refused';

/** Statuses in which the gateway is still needed: what has ended shows nothing new. */
const OPEN = {
  payment: ['CREATED', 'PENDING'] satisfies PaymentStatus[],
  refund: REFUND_STATUSES.filter((status) => !isRefundFinal(status)),
};

function tableOf(subject: Subject) {
  return 'refundId' in subject
    ? ({ table: 'refunds', kind: 'refund', id: subject.refundId, paymentId: 'payment_id' } as const)
    : ({ table: 'payments', kind: 'payment', id: subject.paymentId, paymentId: 'id' } as const);
}

/** The merchant whose credentials they are. @throws Error when there is no such payment or refund. */
export async function merchantOf(db: Queryable, subject: Subject): Promise<string> {
  const { table, id } = tableOf(subject);
  const { rows } = await db.query<{ merchant_id: string }>(`select merchant_id from ${table} where id = $1`, [
    id,
  ]);
  const row = rows[0];
  if (!row) throw new Error(`there is no ${id}`);
  return row.merchant_id;
}

/** Whether it shows that the credentials are refused. */
export async function isCredentialsRefused(db: Queryable, subject: Subject): Promise<boolean> {
  const { table, id } = tableOf(subject);
  const { rowCount } = await db.query(`select 1 from ${table} where id = $1 and attention_reason = $2`, [
    id,
    REASON,
  ]);
  return rowCount === 1;
}

/**
 * Shows to an operator that WeChat Pay refuses the merchant's credentials, with an event. What needs a person for another reason goes on
 * showing that one. Call it in a transaction.
 * @param code the gateway's.
 */
export async function showCredentialsRefused(db: Queryable, subject: Subject, code: string): Promise<void> {
  await change(
    db,
    subject,
    { attention: 'needs_operator', reason: REASON, gateway_code: code },
    `attention = 'needs_operator', attention_reason = '${REASON}'`,
    "attention = 'none'",
  );
}

/** Shows that the credentials are taken again, with an event. Call it in a transaction. */
export async function clearCredentialsRefused(db: Queryable, subject: Subject): Promise<void> {
  await change(
    db,
    subject,
    { attention: 'none', reason: REASON },
    "attention = 'none', attention_reason = null",
    `attention_reason = '${REASON}'`,
  );
}

async function change(
  db: Queryable,
  subject: Subject,
  data: { attention: 'none' | 'needs_operator'; reason: string; gateway_code?: string },
  to: string,
  from: string,
): Promise<void> {
  const { table, kind, id, paymentId } = tableOf(subject);
  const { rows } = await db.query<{ tenant_id: string; payment_id: string; version: number }>(
    `update ${table} set ${to}, version = version + 1, updated_at = now() where id = $1 and ${from} and status = any($2)
     returning tenant_id, ${paymentId} payment_id, version`,
    [id, OPEN[kind]],
  );
  const row = rows[0];
  if (!row) return;
  await appendEvent(db, {
    tenantId: row.tenant_id,
    type: `${kind}.${data.attention === 'none' ? 'attention_cleared' : 'needs_operator'}`,
    paymentId: row.payment_id,
    ...(kind === 'refund' && { refundId: id }),
    version: row.version,
    data,
  });
}
