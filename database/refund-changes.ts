import type { RefundAttention } from '../domain/attention.ts';
import type { EventType } from '../domain/events.ts';
import type { LedgerStep } from '../domain/ledger.ts';
import type { Fen } from '../domain/money.ts';
import {
  canRefundTransition,
  ENDED_STATUSES,
  isRefundFinal,
  REFUND_STATUSES,
  type RefundCause,
  type RefundStatus,
} from '../domain/refund.ts';
import { appendEvent } from './events.ts';
import { followRefund } from './late-payments.ts';
import { post } from './ledger.ts';
import type { Queryable } from './pool.ts';
import { recordAttempt } from './refund-attempts.ts';
import { voidPayouts } from './refund-payouts.ts';
import { showDuplicate } from './refund-source.ts';

/** Fields that arrive with a change of status. */
export interface RefundChange {
  refundId?: string;
  userReceivedAccount?: string;
  successTime?: Date;
  settledOffline?: boolean;
  failureCode?: string;
  failureMessage?: string;
}

const EVENT_OF_STATUS = {
  // Only `insertRefund` and `retryRefund` begin an attempt.
  CREATED: 'refund.created',
  RESERVED: 'refund.reserved',
  PROCESSING: 'refund.processing',
  SUCCEEDED: 'refund.succeeded',
  FAILED: 'refund.failed',
  ABNORMAL: 'refund.abnormal',
} as const satisfies Record<RefundStatus, EventType>;

/** A reason that no change of status takes away, and no other reason: money may have moved twice. */
const STAYS: RefundAttention = 'gateway_contradicts';

/**
 * Moves a refund to a status, if the life cycle allows it from where it is, and writes the event. Call it in a transaction.
 * @returns the new version, or undefined when nothing changed.
 */
export async function transitionRefund(
  db: Queryable,
  id: string,
  to: RefundStatus,
  change: RefundChange = {},
): Promise<number | undefined> {
  const from = REFUND_STATUSES.filter((status) => canRefundTransition(status, to));
  const attention = to === 'ABNORMAL' ? 'needs_operator' : 'none';
  const { rows } = await db.query<{
    tenant_id: string;
    payment_id: string;
    version: number;
    attempt: number;
    amount: Fen;
    currency: string;
    success_time: Date | null;
    was: RefundStatus;
    cause: RefundCause;
    late_payment_id: string | null;
    late_transaction_id: string | null;
  }>(
    `update refunds r set
       status = $2, version = r.version + 1, updated_at = now(),
       ensure_at = case when $2 = any($8) then null else now() + interval '1 day' end,
       attention = case when r.attention_reason = $9 then 'needs_operator' else $4 end,
       attention_reason = case when r.attention_reason = $9 then $9 when $4 <> 'none' then 'refund_abnormal' end,
       user_received_account = coalesce($5, r.user_received_account), success_time = coalesce($6, r.success_time), settled_offline = $7
     from payments p, (select status from refunds where id = $1 for update) before
     where r.id = $1 and r.status = any($3) and p.id = r.payment_id
     returning r.tenant_id, r.payment_id, r.version, r.attempt, r.amount, p.currency, r.success_time, before.status was, r.cause, r.late_payment_id,
       (select l.transaction_id from late_payments l where l.id = r.late_payment_id) late_transaction_id`,
    [
      id,
      to,
      from,
      attention,
      change.userReceivedAccount ?? null,
      change.successTime ?? null,
      change.settledOffline ?? false,
      ENDED_STATUSES,
      STAYS,
    ],
  );
  const row = rows[0];
  if (!row) return undefined;
  await recordAttempt(db, id, row.attempt, {
    refundId: change.refundId,
    outcome: isRefundFinal(to) ? to : undefined,
    failureCode: change.failureCode,
    failureMessage: change.failureMessage,
  });
  if (isRefundFinal(to)) await voidPayouts(db, id);
  await appendEvent(db, {
    tenantId: row.tenant_id,
    type: EVENT_OF_STATUS[to],
    paymentId: row.payment_id,
    refundId: id,
    version: row.version,
    data: {
      status: to,
      ...(change.refundId && { refund_id: change.refundId }),
      ...(change.failureCode && { failure_code: change.failureCode }),
      ...(change.settledOffline && { settled_offline: true }),
    },
  });
  const late = row.late_payment_id !== null;
  if (row.late_payment_id) await followRefund(db, row.late_payment_id, to);
  if (row.cause === 'duplicate' && to === 'FAILED') await showDuplicate(db, row.payment_id);
  const step = ledgerStep(row.was, to, { ...change, late });
  if (step) {
    await post(db, {
      step,
      // Each attempt sets aside anew, and gives back or pays what it has set aside.
      causeId: row.attempt === 1 ? id : `${id}/${row.attempt}`,
      paymentId: row.payment_id,
      refundId: id,
      transactionId: row.late_transaction_id ?? undefined,
      amount: row.amount,
      currency: row.currency,
      effectiveAt: (to === 'SUCCEEDED' && row.success_time) || undefined,
    });
  }
  return row.version;
}

/** What a change of status means to the ledger. */
function ledgerStep(
  from: RefundStatus,
  to: RefundStatus,
  { settledOffline, late }: RefundChange & { late: boolean },
): LedgerStep | undefined {
  if (to === 'RESERVED') return late ? 'late_refund.reserved' : 'refund.reserved';
  if (to === 'SUCCEEDED') return settledOffline ? 'refund.settled_offline' : 'refund.succeeded';
  // One that fails before its amount was set aside has moved nothing.
  if (to === 'FAILED' && from !== 'CREATED') return late ? 'late_refund.released' : 'refund.released';
  return undefined;
}

/** Shows the refund to an operator, once per reason, with an event, unless it waits for one because of `STAYS`. Call it in a transaction. */
export async function requestRefundAttention(
  db: Queryable,
  id: string,
  reason: RefundAttention,
): Promise<boolean> {
  const { rows } = await db.query<{ tenant_id: string; payment_id: string; version: number }>(
    `update refunds set attention = 'needs_operator', attention_reason = $2, version = version + 1, updated_at = now()
     where id = $1 and attention_reason is distinct from $2 and attention_reason is distinct from $3
     returning tenant_id, payment_id, version`,
    [id, reason, STAYS],
  );
  const row = rows[0];
  if (!row) return false;
  await appendEvent(db, {
    tenantId: row.tenant_id,
    type: 'refund.needs_operator',
    paymentId: row.payment_id,
    refundId: id,
    version: row.version,
    data: { attention: 'needs_operator', reason },
  });
  return true;
}

/** A person or the gateway has found that nothing is amiss any more; the status stays. Call it in a transaction. */
export async function clearRefundAttention(db: Queryable, id: string): Promise<boolean> {
  const { rows } = await db.query<{ tenant_id: string; payment_id: string; version: number }>(
    `update refunds set attention = 'none', attention_reason = null, version = version + 1, updated_at = now()
     where id = $1 and attention <> 'none'
     returning tenant_id, payment_id, version`,
    [id],
  );
  const row = rows[0];
  if (!row) return false;
  await appendEvent(db, {
    tenantId: row.tenant_id,
    type: 'refund.attention_cleared',
    paymentId: row.payment_id,
    refundId: id,
    version: row.version,
    data: { attention: 'none' },
  });
  return true;
}
