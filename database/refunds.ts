import type { Attention, RefundAttention } from '../domain/attention.ts';
import type { Fen } from '../domain/money.ts';
import {
  RESERVING_STATUSES,
  type RefundCause,
  type RefundStatus,
  type RefundTerms,
  type RefundToStart,
} from '../domain/refund.ts';
import { appendEvent } from './events.ts';
import { claimOrphaned, ENSURE_AFTER } from './intents.ts';
import type { Queryable } from './pool.ts';
import { insertAttempt } from './refund-attempts.ts';

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
  /** How often it was sent. */
  timesSent: number;
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
  r.attention_reason "attentionReason", r.version, a.request "refundRequest", a.sent_at "sentAt", a.times_sent "timesSent", a.wechat_refund_id "refundId",
  r.user_received_account "userReceivedAccount", r.success_time "successTime", r.settled_offline "settledOffline",
  a.failure_code "failureCode", a.failure_message "failureMessage", r.created_at "createdAt", r.updated_at "updatedAt"`;
const BESIDE = `join refund_attempts a on a.refund_id = r.id and a.number = r.attempt
  join merchants m on m.id = r.merchant_id join payments p on p.id = r.payment_id`;
const FROM = `from refunds r ${BESIDE}`;
/** What its workflow is started with. */
const TO_START = `r.id, r.payment_id "paymentId", r.merchant_id "merchantId", m.mchid, p.out_trade_no "outTradeNo",
  a.out_refund_no "outRefundNo", r.amount`;

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
 * @returns whether it was one that may be tried again: failed, not waiting for a person, and not of late money of which something else has
 * become since.
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
       and (late_payment_id is null
         or exists (select 1 from late_payments l where l.id = late_payment_id and l.status = 'RECEIVED')
           and not exists (select 1 from refunds other where other.late_payment_id = refunds.late_payment_id and other.status <> 'FAILED'))
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

/** The refund of late money that has not come to nothing, if there is one. */
export async function openRefundOf(db: Queryable, latePaymentId: string): Promise<RefundToStart | undefined> {
  const { rows } = await db.query<RefundToStart>(
    `select ${TO_START} ${FROM}
     where r.late_payment_id = $1 and r.status <> 'FAILED' order by r.created_at desc limit 1`,
    [latePaymentId],
  );
  return rows[0];
}

/** Claims refunds whose workflow should be running by now but may not be; see `claimOrphaned`. */
export async function claimOrphanedRefunds(db: Queryable, limit: number): Promise<RefundToStart[]> {
  const read = `select ${TO_START} from claimed join refunds r using (id) ${BESIDE}`;
  return await claimOrphaned<RefundToStart>(db, 'refunds', read, limit);
}
