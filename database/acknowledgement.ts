import type { PaymentAttention } from '../domain/attention.ts';
import { clearAttention, rowOf } from './attention.ts';
import { lockOpen } from './intents.ts';
import { recordOperatorAction } from './operator-actions.ts';
import { requestAttention } from './payment-changes.ts';
import type { Queryable } from './pool.ts';

/** What became of an acknowledgement. */
export type Acknowledgement =
  | { kind: 'acknowledged'; reason: PaymentAttention }
  | { kind: 'refused'; why: string };

/**
 * Somebody has seen to what a payment, or a combined one, that has ended is shown for: it needs nobody any more, and who and why is on record.
 * What a saga still works on, or late money, is decided instead. Late money that waits behind the reason is shown from then on. Call it in a
 * transaction.
 */
export async function acknowledge(
  db: Queryable,
  subject: { paymentId: string } | { combinedId: string },
  by: { tenantId: string; actor: string; reason: string },
): Promise<Acknowledgement> {
  const { table, id } = rowOf(subject);
  if (await lockOpen(db, table, id))
    return refused('it has not ended: mend the cause and recheck it, or resolve it');
  const { rows } = await db.query<{ reason: PaymentAttention | null }>(
    `select attention_reason reason from ${table} where id = $1 for no key update`,
    [id],
  );
  const reason = rows[0]?.reason ?? null;
  if (reason === null) {
    const before = await isAcknowledged(db, subject, by);
    return before ? { kind: 'acknowledged', reason: before } : refused('nothing of it needs anybody');
  }
  if (reason === 'late_money') return refused('decide what becomes of the late money');
  const operatorAction = await recordOperatorAction(db, {
    ...subject,
    ...by,
    action: 'acknowledge',
    result: reason,
  });
  await clearAttention(db, subject, reason, { operatorAction });
  if ('paymentId' in subject) await showLateMoney(db, subject.paymentId);
  return { kind: 'acknowledged', reason };
}

/** Whether the same person has said the same before, whose answer was lost. @returns what it was shown for. */
async function isAcknowledged(
  db: Queryable,
  subject: { paymentId: string } | { combinedId: string },
  { actor, reason }: { actor: string; reason: string },
): Promise<PaymentAttention | undefined> {
  const { column, id } = rowOf(subject);
  const { rows } = await db.query<{ result: PaymentAttention }>(
    `select result from operator_actions where ${column} = $1 and action = 'acknowledge' and actor = $2 and reason = $3 order by at desc limit 1`,
    [id, actor, reason],
  );
  return rows[0]?.result;
}

async function showLateMoney(db: Queryable, paymentId: string): Promise<void> {
  const { rows } = await db.query<{ id: string }>(
    `select id from late_payments where payment_id = $1 and attention <> 'none' order by created_at, id limit 1`,
    [paymentId],
  );
  for (const { id } of rows)
    await requestAttention(db, paymentId, 'late_money', { data: { late_payment_id: id } });
}

const refused = (why: string) => ({ kind: 'refused', why }) as const;
