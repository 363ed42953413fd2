import type { PaymentAttention } from '../domain/attention.ts';
import type { BothSides } from '../domain/both-sides.ts';
import type { EventType } from '../domain/events.ts';
import type { Fen } from '../domain/money.ts';
import { canTransition, endedUnpaid, PAYMENT_STATUSES, type PaymentStatus } from '../domain/payment.ts';
import type { Prepaid } from '../domain/product.ts';
import { appendEvent } from './events.ts';
import { OPEN_STATUSES } from './intents.ts';
import { post } from './ledger.ts';
import type { Queryable } from './pool.ts';

/** Fields that arrive with a change of status. */
export interface PaymentChange {
  prepaid?: Prepaid;
  transactionId?: string;
  payerTotal?: Fen;
  /** What has arrived, where it is not the payment's amount. */
  paidAmount?: Fen;
  successTime?: Date;
  failureCode?: string;
  failureMessage?: string;
  /** The late money that pays a payment which had ended without. */
  latePaymentId?: string;
  /** The operators' action that has settled it, `act_…`. */
  operatorAction?: string;
}

const EVENT_OF_STATUS = {
  CREATED: 'payment.created',
  PENDING: 'payment.pending',
  PAID: 'payment.paid',
  PARTIALLY_REFUNDED: 'payment.partially_refunded',
  REFUNDED: 'payment.refunded',
  CLOSED: 'payment.closed',
  FAILED: 'payment.failed',
} as const satisfies Record<PaymentStatus, EventType>;

/** When a relay should look whether the workflow of a payment in this status runs. */
function ensureAt(status: PaymentStatus): string {
  // A pending payment has a workflow, unless it is a sub-order; one that outlived its window by ten minutes has lost it.
  return status === 'PENDING'
    ? "case when combined_id is null then time_expire + interval '10 minutes' end"
    : 'null';
}

/**
 * Moves a payment to a status, if the life cycle allows it from where it is, writes the event and, when it is paid, the ledger. Call it in a
 * transaction. While a reversal may be under way nothing becomes PAID. An open payment needs nobody for what it was shown for before; what an ended
 * one is shown for is another thing than its refunds.
 * @returns the new version, or undefined when nothing changed: a repeat, or a status the payment has left behind.
 */
export async function transitionPayment(
  db: Queryable,
  id: string,
  to: PaymentStatus,
  change: PaymentChange = {},
): Promise<number | undefined> {
  // An end is left only by a decision about late money, never by the news of it.
  const late = change.latePaymentId !== undefined;
  const from = PAYMENT_STATUSES.filter((status) => canTransition(status, to) && endedUnpaid(status) === late);
  const { rows } = await db.query<{
    tenant_id: string;
    version: number;
    amount: Fen;
    currency: string;
    success_time: Date | null;
  }>(
    `update payments set
       status = $2, version = version + 1, updated_at = now(), ensure_at = ${ensureAt(to)}, sealed_code = null,
       attention = case when status = any($14) then 'none' else attention end,
       attention_reason = case when status = any($14) then null else attention_reason end,
       attention_details = case when status = any($14) then null else attention_details end,
       code_url = coalesce($4, code_url), transaction_id = coalesce($5, transaction_id),
       payer_total = coalesce($6, payer_total), success_time = coalesce($7, success_time),
       failure_code = case when $2 <> 'PAID' then coalesce($8, failure_code) end,
       failure_message = case when $2 <> 'PAID' then coalesce($9, failure_message) end,
       prepay_id = coalesce($10, prepay_id), h5_url = coalesce($11, h5_url), prepay_issued_at = coalesce($12, prepay_issued_at),
       paid_amount = coalesce($13, paid_amount)
     where id = $1 and status = any($3) and ($2 <> 'PAID' or reverse_sent_at is null)
     returning tenant_id, version, amount, currency, success_time`,
    [
      id,
      to,
      from,
      change.prepaid?.codeUrl ?? null,
      change.transactionId ?? null,
      change.payerTotal ?? null,
      change.successTime ?? null,
      change.failureCode ?? null,
      change.failureMessage ?? null,
      change.prepaid?.prepayId ?? null,
      change.prepaid?.h5Url ?? null,
      change.prepaid?.prepayIssuedAt ?? null,
      change.paidAmount ?? null,
      OPEN_STATUSES.payments,
    ],
  );
  const row = rows[0];
  if (!row) return undefined;
  await appendEvent(db, {
    tenantId: row.tenant_id,
    type: EVENT_OF_STATUS[to],
    paymentId: id,
    version: row.version,
    data: {
      status: to,
      ...(change.transactionId && { transaction_id: change.transactionId }),
      ...(change.failureCode && { failure_code: change.failureCode }),
      ...(late && { late_payment_id: change.latePaymentId }),
      ...(change.operatorAction && { operator_action: change.operatorAction }),
    },
  });
  if (to === 'PAID') {
    const { amount, currency, success_time: successTime } = row;
    await post(db, {
      step: late ? 'payment.late_accepted' : 'payment.paid',
      causeId: id,
      paymentId: id,
      amount,
      currency,
      effectiveAt: successTime ?? undefined,
    });
  }
  return row.version;
}

/**
 * Shows the payment to an operator, once per reason and what there is to compare, with an event. Late money has a row of its own that is shown, and
 * replaces no other reason. Call it in a transaction.
 * @returns whether it was news.
 */
export async function requestAttention(
  db: Queryable,
  id: string,
  reason: PaymentAttention,
  { sides, data = {} }: { sides?: BothSides | undefined; data?: Record<string, unknown> } = {},
): Promise<boolean> {
  const { rows } = await db.query<{ tenant_id: string; version: number }>(
    `update payments set attention = 'needs_operator', attention_reason = $2, attention_details = $3, version = version + 1,
       updated_at = now()
     where id = $1 and (attention_reason is distinct from $2 or attention_details is distinct from $3)
       and (attention = 'none' or $2 <> 'late_money')
     returning tenant_id, version`,
    [id, reason, sides ? JSON.stringify(sides) : null],
  );
  const row = rows[0];
  if (!row) return false;
  await appendEvent(db, {
    tenantId: row.tenant_id,
    type: 'payment.needs_operator',
    paymentId: id,
    version: row.version,
    data: { attention: 'needs_operator', reason, ...data },
  });
  return true;
}
