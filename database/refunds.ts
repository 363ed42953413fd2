import type { Attention, RefundAttention } from '../domain/attention.ts';
import type { EventType } from '../domain/events.ts';
import type { LedgerStep } from '../domain/ledger.ts';
import type { Fen } from '../domain/money.ts';
import {
  canRefundTransition,
  REFUND_STATUSES,
  RESERVING_STATUSES,
  type RefundCause,
  type RefundStatus,
  type RefundToStart,
} from '../domain/refund.ts';
import { appendEvent } from './events.ts';
import { followRefund } from './late-payments.ts';
import { post } from './ledger.ts';
import type { Queryable } from './pool.ts';

/** A refund as stored. */
export interface Refund {
  id: string;
  tenantId: string;
  merchantId: string;
  mchid: string;
  /** For whom a service provider takes the money; null for a merchant. */
  subMchid: string | null;
  paymentId: string;
  outTradeNo: string;
  outRefundNo: string;
  amount: Fen;
  currency: string;
  reason: string | null;
  cause: RefundCause;
  /** The late money that it gives back; null for the payment's own. */
  latePaymentId: string | null;
  status: RefundStatus;
  attention: Attention;
  attentionReason: RefundAttention | null;
  version: number;
  /** The exact body of the refund request; null until it is about to be sent for the first time. */
  refundRequest: string | null;
  /** WeChat Pay's number. */
  refundId: string | null;
  userReceivedAccount: string | null;
  successTime: Date | null;
  failureCode: string | null;
  failureMessage: string | null;
  createdAt: Date;
  updatedAt: Date;
}

const COLUMNS = `
  r.id, r.tenant_id "tenantId", r.merchant_id "merchantId", m.mchid, p.sub_mchid "subMchid", r.payment_id "paymentId", p.out_trade_no "outTradeNo",
  r.out_refund_no "outRefundNo", r.amount, p.currency, r.reason, r.cause, r.late_payment_id "latePaymentId", r.status, r.attention,
  r.attention_reason "attentionReason", r.version, r.refund_request "refundRequest", r.refund_id "refundId",
  r.user_received_account "userReceivedAccount", r.success_time "successTime", r.failure_code "failureCode",
  r.failure_message "failureMessage", r.created_at "createdAt", r.updated_at "updatedAt"`;
const FROM = 'from refunds r join merchants m on m.id = r.merchant_id join payments p on p.id = r.payment_id';

/** What a new refund consists of. */
export interface NewRefund {
  id: string;
  tenantId: string;
  merchantId: string;
  paymentId: string;
  outRefundNo: string;
  amount: Fen;
  reason: string | undefined;
  /** Default: somebody asks for it. */
  cause?: RefundCause;
  latePaymentId?: string | undefined;
}

/**
 * Stores the intent, with its event. Nothing is reserved yet. Call it in the transaction that stores the idempotency key.
 * @throws DatabaseError unique_violation `refunds_merchant_id_out_refund_no_key` when the number is taken.
 */
export async function insertRefund(db: Queryable, refund: NewRefund): Promise<void> {
  await db.query(
    `insert into refunds (id, tenant_id, merchant_id, payment_id, out_refund_no, amount, reason, cause, late_payment_id, status, ensure_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'CREATED', now() + interval '30 seconds')`,
    [
      refund.id,
      refund.tenantId,
      refund.merchantId,
      refund.paymentId,
      refund.outRefundNo,
      refund.amount,
      refund.reason ?? null,
      refund.cause ?? 'requested',
      refund.latePaymentId ?? null,
    ],
  );
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

/** A refund by the merchant's own number. */
export async function findRefundByNumber(
  db: Queryable,
  merchantId: string,
  outRefundNo: string,
): Promise<Refund | undefined> {
  const { rows } = await db.query<Refund>(
    `select ${COLUMNS} ${FROM} where r.merchant_id = $1 and r.out_refund_no = $2`,
    [merchantId, outRefundNo],
  );
  return rows[0];
}

/**
 * What the refunds of a payment, or of its late money, hold, in fen: `reserved` counts those under way and those done, `succeeded` only the
 * done. For a decision, hold the payment's row lock.
 */
export async function sumRefunds(
  db: Queryable,
  paymentId: string,
  latePaymentId: string | null = null,
): Promise<{ reserved: Fen; succeeded: Fen }> {
  const { rows } = await db.query<{ reserved: Fen; succeeded: Fen }>(
    `select coalesce(sum(amount), 0)::bigint reserved,
            coalesce(sum(amount) filter (where status = 'SUCCEEDED'), 0)::bigint succeeded
     from refunds where payment_id = $1 and late_payment_id is not distinct from $3 and status = any($2)`,
    [paymentId, RESERVING_STATUSES, latePaymentId],
  );
  return rows[0] as { reserved: Fen; succeeded: Fen };
}

/** Stores the exact request body unless one is stored already, and returns the one that counts. */
export async function storeRefundRequest(db: Queryable, id: string, body: string): Promise<string> {
  const { rows } = await db.query<{ refund_request: string }>(
    'update refunds set refund_request = coalesce(refund_request, $2) where id = $1 returning refund_request',
    [id, body],
  );
  const row = rows[0];
  if (!row) throw new Error(`there is no refund ${id}`);
  return row.refund_request;
}

/** Fields that arrive with a change of status. */
export interface RefundChange {
  refundId?: string;
  userReceivedAccount?: string;
  successTime?: Date;
  failureCode?: string;
  failureMessage?: string;
}

const EVENT_OF_STATUS = {
  CREATED: 'refund.created',
  RESERVED: 'refund.reserved',
  PROCESSING: 'refund.processing',
  SUCCEEDED: 'refund.succeeded',
  FAILED: 'refund.failed',
  ABNORMAL: 'refund.abnormal',
} as const satisfies Record<RefundStatus, EventType>;

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
    amount: Fen;
    currency: string;
    success_time: Date | null;
    was: RefundStatus;
    late_payment_id: string | null;
    late_transaction_id: string | null;
  }>(
    `update refunds r set
       status = $2, version = r.version + 1, updated_at = now(),
       ensure_at = case when $2 in ('SUCCEEDED', 'FAILED') then null else now() + interval '1 day' end,
       attention = $9, attention_reason = case when $9 = 'none' then null else 'refund_abnormal' end,
       refund_id = coalesce($4, r.refund_id), user_received_account = coalesce($5, r.user_received_account),
       success_time = coalesce($6, r.success_time), failure_code = coalesce($7, r.failure_code),
       failure_message = coalesce($8, r.failure_message)
     from payments p, (select status from refunds where id = $1 for update) before
     where r.id = $1 and r.status = any($3) and p.id = r.payment_id
     returning r.tenant_id, r.payment_id, r.version, r.amount, p.currency, r.success_time, before.status was, r.late_payment_id,
       (select l.transaction_id from late_payments l where l.id = r.late_payment_id) late_transaction_id`,
    [
      id,
      to,
      from,
      change.refundId ?? null,
      change.userReceivedAccount ?? null,
      change.successTime ?? null,
      change.failureCode ?? null,
      change.failureMessage ?? null,
      attention,
    ],
  );
  const row = rows[0];
  if (!row) return undefined;
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
    },
  });
  if (row.late_payment_id) await followRefund(db, row.late_payment_id, to);
  const step = ledgerStep(row.was, to, row.late_payment_id !== null);
  if (step) {
    await post(db, {
      step,
      causeId: id,
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
function ledgerStep(from: RefundStatus, to: RefundStatus, late: boolean): LedgerStep | undefined {
  if (to === 'RESERVED') return late ? 'late_refund.reserved' : 'refund.reserved';
  if (to === 'SUCCEEDED') return 'refund.succeeded';
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
       r.out_refund_no "outRefundNo", r.amount ${FROM}
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
     from claimed c, merchants m, payments p
     where r.id = c.id and m.id = r.merchant_id and p.id = r.payment_id
     returning r.id, r.payment_id "paymentId", r.merchant_id "merchantId", m.mchid, p.out_trade_no "outTradeNo", r.out_refund_no "outRefundNo", r.amount`,
    [limit],
  );
  return rows;
}
