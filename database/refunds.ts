import type { Attention, RefundAttention } from '../domain/attention.ts';
import type { EventType } from '../domain/events.ts';
import type { LedgerStep } from '../domain/ledger.ts';
import type { Fen } from '../domain/money.ts';
import {
  canRefundTransition,
  ENDED_STATUSES,
  isRefundFinal,
  REFUND_STATUSES,
  RESERVING_STATUSES,
  type RefundCause,
  type RefundStatus,
  type RefundTerms,
  type RefundToStart,
} from '../domain/refund.ts';
import { appendEvent } from './events.ts';
import { followRefund } from './late-payments.ts';
import { post } from './ledger.ts';
import type { Queryable } from './pool.ts';
import { insertAttempt, recordAttempt } from './refund-attempts.ts';
import { voidPayouts } from './refund-payouts.ts';

/** A refund as stored, with its present attempt: what it is called at WeChat Pay, and what became of it there. */
export interface Refund {
  id: string;
  tenantId: string;
  merchantId: string;
  mchid: string;
  /** For whom a service provider takes the money; null for a merchant. */
  subMchid: string | null;
  paymentId: string;
  outTradeNo: string;
  /** Which attempt this is, from 1. Each has a number of its own at WeChat Pay. */
  attempt: number;
  outRefundNo: string;
  amount: Fen;
  currency: string;
  reason: string | null;
  terms: RefundTerms;
  cause: RefundCause;
  /** The late money that it gives back; null for the payment's own. */
  latePaymentId: string | null;
  status: RefundStatus;
  attention: Attention;
  attentionReason: RefundAttention | null;
  version: number;
  /** The exact body of the refund request; null until it is about to be sent for the first time. */
  refundRequest: string | null;
  /** When that was sent last; null before the first time. */
  sentAt: Date | null;
  /** WeChat Pay's number. */
  refundId: string | null;
  userReceivedAccount: string | null;
  successTime: Date | null;
  /** The merchant paid the customer back by other means. */
  settledOffline: boolean;
  failureCode: string | null;
  failureMessage: string | null;
  createdAt: Date;
  updatedAt: Date;
}

const COLUMNS = `
  r.id, r.tenant_id "tenantId", r.merchant_id "merchantId", m.mchid, p.sub_mchid "subMchid", r.payment_id "paymentId", p.out_trade_no "outTradeNo",
  r.attempt, a.out_refund_no "outRefundNo", r.amount, p.currency, r.reason, r.terms, r.cause, r.late_payment_id "latePaymentId", r.status, r.attention,
  r.attention_reason "attentionReason", r.version, a.request "refundRequest", a.sent_at "sentAt", a.wechat_refund_id "refundId",
  r.user_received_account "userReceivedAccount", r.success_time "successTime", r.settled_offline "settledOffline",
  a.failure_code "failureCode", a.failure_message "failureMessage", r.created_at "createdAt", r.updated_at "updatedAt"`;
const FROM = `from refunds r join refund_attempts a on a.refund_id = r.id and a.number = r.attempt
  join merchants m on m.id = r.merchant_id join payments p on p.id = r.payment_id`;

/** What a new refund consists of. */
export interface NewRefund {
  id: string;
  tenantId: string;
  merchantId: string;
  paymentId: string;
  outRefundNo: string;
  amount: Fen;
  reason: string | undefined;
  /** Default: none. */
  terms?: RefundTerms;
  /** Default: somebody asks for it. */
  cause?: RefundCause;
  latePaymentId?: string | undefined;
}

/** How long the API has to start a workflow before a relay does it. */
const ENSURE_AFTER = "interval '30 seconds'";

/**
 * Stores the intent, with its event. Nothing is reserved yet. Call it in the transaction that stores the idempotency key.
 * @throws DatabaseError unique_violation `refund_attempts_merchant_id_out_refund_no_key` when the number is taken.
 */
export async function insertRefund(db: Queryable, refund: NewRefund): Promise<void> {
  await db.query(
    `insert into refunds (id, tenant_id, merchant_id, payment_id, amount, reason, cause, late_payment_id, terms, status, ensure_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'CREATED', now() + ${ENSURE_AFTER})`,
    [
      refund.id,
      refund.tenantId,
      refund.merchantId,
      refund.paymentId,
      refund.amount,
      refund.reason ?? null,
      refund.cause ?? 'requested',
      refund.latePaymentId ?? null,
      JSON.stringify(refund.terms ?? {}),
    ],
  );
  await insertAttempt(db, refund.id, { number: 1, outRefundNo: refund.outRefundNo });
  await appendEvent(db, {
    tenantId: refund.tenantId,
    type: 'refund.created',
    paymentId: refund.paymentId,
    refundId: refund.id,
    version: 1,
    data: { status: 'CREATED', amount: refund.amount, cause: refund.cause ?? 'requested' },
  });
}

/** A refund of this tenant. */
export async function findRefund(db: Queryable, tenantId: string, id: string): Promise<Refund | undefined> {
  const { rows } = await db.query<Refund>(`select ${COLUMNS} ${FROM} where r.id = $1 and r.tenant_id = $2`, [
    id,
    tenantId,
  ]);
  return rows[0];
}

/** A refund by its id, for the processes that act for every tenant. */
export async function loadRefund(db: Queryable, id: string): Promise<Refund | undefined> {
  const { rows } = await db.query<Refund>(`select ${COLUMNS} ${FROM} where r.id = $1`, [id]);
  return rows[0];
}

/** The refunds of this id or of this number at WeChat Pay, whichever attempt's, in the tenant if one is named. */
export async function refundsNamed(db: Queryable, name: string, tenantId?: string): Promise<Refund[]> {
  const { rows } = await db.query<Refund>(
    `select ${COLUMNS} ${FROM}
     where (r.id = $1 or r.id in (select refund_id from refund_attempts where out_refund_no = $1))
       and ($2::text is null or r.tenant_id = $2) order by r.id`,
    [name, tenantId ?? null],
  );
  return rows;
}

/** The refunds that need an operator, the one that waits longest first. */
export async function listRefundAttention(db: Queryable): Promise<Refund[]> {
  const { rows } = await db.query<Refund>(
    `select ${COLUMNS} ${FROM} where r.attention <> 'none' order by r.updated_at, r.id`,
  );
  return rows;
}

/** A refund by the merchant's own number of any of its attempts. */
export async function findRefundByNumber(
  db: Queryable,
  merchantId: string,
  outRefundNo: string,
): Promise<Refund | undefined> {
  const { rows } = await db.query<Refund>(
    `select ${COLUMNS} ${FROM}
     where r.id = (select refund_id from refund_attempts where merchant_id = $1 and out_refund_no = $2)`,
    [merchantId, outRefundNo],
  );
  return rows[0];
}

/**
 * Stores the intent to try a refund that failed once more, with another number, and its event. Nothing is reserved yet. Call it in the
 * transaction that stores the idempotency key.
 * @returns whether it was one that may be tried again: failed, and not waiting for a person.
 * @throws DatabaseError unique_violation `refund_attempts_merchant_id_out_refund_no_key` when the number is taken.
 */
export async function retryRefund(
  db: Queryable,
  id: string,
  { outRefundNo }: { outRefundNo: string },
): Promise<boolean> {
  const { rows } = await db.query<{
    tenant_id: string;
    payment_id: string;
    version: number;
    attempt: number;
  }>(
    `update refunds set status = 'CREATED', attempt = attempt + 1, version = version + 1, updated_at = now(),
       ensure_at = now() + ${ENSURE_AFTER}
     where id = $1 and status = 'FAILED' and attention = 'none'
     returning tenant_id, payment_id, version, attempt`,
    [id],
  );
  const row = rows[0];
  if (!row) return false;
  await insertAttempt(db, id, { number: row.attempt, outRefundNo });
  await appendEvent(db, {
    tenantId: row.tenant_id,
    type: 'refund.retried',
    paymentId: row.payment_id,
    refundId: id,
    version: row.version,
    data: { status: 'CREATED', attempt: row.attempt, out_refund_no: outRefundNo },
  });
  return true;
}

/**
 * What the refunds of a payment, or of its late money, hold, in fen: `reserved` counts those under way and those done, `succeeded` only the done; `known` is how
 * many numbers WeChat Pay knows, or may know. For a decision, hold the payment's row lock.
 * @param except a refund that does not count.
 * @param latePaymentId of late money; of what has paid the payment unless told.
 */
export async function sumRefunds(
  db: Queryable,
  paymentId: string,
  { except, latePaymentId }: { except?: string | undefined; latePaymentId?: string | null } = {},
): Promise<{ reserved: Fen; succeeded: Fen; known: number }> {
  const { rows } = await db.query<{ reserved: Fen; succeeded: Fen; known: number }>(
    `select coalesce(sum(r.amount) filter (where r.status = any($2)), 0)::bigint reserved,
            coalesce(sum(r.amount) filter (where r.status = 'SUCCEEDED'), 0)::bigint succeeded,
            coalesce(sum((select count(*) from refund_attempts a where a.refund_id = r.id
              and (a.wechat_refund_id is not null or (a.outcome is null and r.status <> 'CREATED')))), 0)::int known
     from refunds r where r.payment_id = $1 and r.id is distinct from $3 and r.late_payment_id is not distinct from $4`,
    [paymentId, RESERVING_STATUSES, except ?? null, latePaymentId ?? null],
  );
  return rows[0] as { reserved: Fen; succeeded: Fen; known: number };
}

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

/** A reason that no change of status takes away: money may have moved twice. */
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
     returning r.tenant_id, r.payment_id, r.version, r.attempt, r.amount, p.currency, r.success_time, before.status was, r.late_payment_id,
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

/** Shows the refund to an operator, once per reason, with an event. Call it in a transaction. */
export async function requestRefundAttention(
  db: Queryable,
  id: string,
  reason: RefundAttention,
): Promise<boolean> {
  const { rows } = await db.query<{ tenant_id: string; payment_id: string; version: number }>(
    `update refunds set attention = 'needs_operator', attention_reason = $2, version = version + 1, updated_at = now()
     where id = $1 and attention_reason is distinct from $2
     returning tenant_id, payment_id, version`,
    [id, reason],
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

/** After the relay has looked; see `paymentEnsured`. */
export async function refundEnsured(db: Queryable, id: string, { again }: { again: boolean }): Promise<void> {
  await db.query(
    `update refunds set ensure_at = case when $2 then now() + interval '1 hour' end where id = $1 and ensure_at is not null`,
    [id, again],
  );
}

/** The refund of late money that has not come to nothing, if there is one. */
export async function openRefundOf(db: Queryable, latePaymentId: string): Promise<RefundToStart | undefined> {
  const { rows } = await db.query<RefundToStart>(
    `select r.id, r.payment_id "paymentId", r.merchant_id "merchantId", m.mchid, p.out_trade_no "outTradeNo",
       a.out_refund_no "outRefundNo", r.amount ${FROM}
     where r.late_payment_id = $1 and r.status <> 'FAILED' order by r.created_at desc limit 1`,
    [latePaymentId],
  );
  return rows[0];
}

/** Claims refunds whose workflow should be running by now but may not be; see `claimOrphanedPayments`. */
export async function claimOrphanedRefunds(db: Queryable, limit: number): Promise<RefundToStart[]> {
  const { rows } = await db.query<RefundToStart>(
    `with claimed as (
       select id from refunds where ensure_at <= now() order by ensure_at limit $1 for update skip locked
     )
     update refunds r set ensure_at = now() + interval '1 minute'
     from claimed c, merchants m, payments p, refund_attempts a
     where r.id = c.id and m.id = r.merchant_id and p.id = r.payment_id and a.refund_id = r.id and a.number = r.attempt
     returning r.id, r.payment_id "paymentId", r.merchant_id "merchantId", m.mchid, p.out_trade_no "outTradeNo", a.out_refund_no "outRefundNo", r.amount`,
    [limit],
  );
  return rows;
}
