import { randomUUID } from 'node:crypto';
import type { Attention, LatePaymentAttention, PaymentAttention } from '../domain/attention.ts';
import type { EventType } from '../domain/events.ts';
import { publicId } from '../domain/identity.ts';
import {
  canLatePaymentTransition,
  LATE_PAYMENT_STATUSES,
  type LatePaymentDecision,
  type LatePaymentStatus,
} from '../domain/late-payment.ts';
import type { Fen } from '../domain/money.ts';
import type { RefundStatus } from '../domain/refund.ts';
import { clearAttention } from './attention.ts';
import { appendEvent } from './events.ts';
import { claimOrphaned } from './intents.ts';
import { post } from './ledger.ts';
import { requestAttention } from './payment-changes.ts';
import type { Queryable } from './pool.ts';

/** Late money as stored. */
export interface LatePayment {
  id: string;
  tenantId: string;
  merchantId: string;
  mchid: string;
  paymentId: string;
  outTradeNo: string;
  transactionId: string;
  amount: Fen;
  currency: string;
  payerTotal: Fen | null;
  successTime: Date | null;
  status: LatePaymentStatus;
  attention: Attention;
  attentionReason: LatePaymentAttention | null;
  decision: LatePaymentDecision | null;
  /** `policy`, or who decided. */
  decidedBy: string | null;
  decisionReason: string | null;
  version: number;
  createdAt: Date;
  updatedAt: Date;
  /** The newest refund of it. */
  refundId: string | null;
}

const COLUMNS = `
  l.id, l.tenant_id "tenantId", l.merchant_id "merchantId", m.mchid, l.payment_id "paymentId", p.out_trade_no "outTradeNo",
  l.transaction_id "transactionId", l.amount, l.currency, l.payer_total "payerTotal", l.success_time "successTime", l.status,
  l.attention, l.attention_reason "attentionReason", l.decision, l.decided_by "decidedBy", l.decision_reason "decisionReason",
  l.version, l.created_at "createdAt", l.updated_at "updatedAt",
  (select r.id from refunds r where r.late_payment_id = l.id order by r.created_at desc, r.id desc limit 1) "refundId"`;
const FROM =
  'from late_payments l join merchants m on m.id = l.merchant_id join payments p on p.id = l.payment_id';

/** Late money of this tenant. */
export async function findLatePayment(
  db: Queryable,
  tenantId: string,
  id: string,
): Promise<LatePayment | undefined> {
  const { rows } = await db.query<LatePayment>(
    `select ${COLUMNS} ${FROM} where l.id = $1 and l.tenant_id = $2`,
    [id, tenantId],
  );
  return rows[0];
}

/** Late money by its id, for the processes that act for every tenant. */
export async function loadLatePayment(db: Queryable, id: string): Promise<LatePayment | undefined> {
  const { rows } = await db.query<LatePayment>(`select ${COLUMNS} ${FROM} where l.id = $1`, [id]);
  return rows[0];
}

/** The late money of a payment, oldest first. */
export async function listLatePayments(db: Queryable, paymentId: string): Promise<LatePayment[]> {
  const { rows } = await db.query<LatePayment>(
    `select ${COLUMNS} ${FROM} where l.payment_id = $1 order by l.created_at, l.id`,
    [paymentId],
  );
  return rows;
}

/** Late money of this id or of this number of WeChat Pay's, which is unique for one merchant only, in the tenant. */
export async function lateNamed(db: Queryable, name: string, tenantId: string): Promise<LatePayment[]> {
  const { rows } = await db.query<LatePayment>(
    `select ${COLUMNS} ${FROM} where (l.id = $1 or l.transaction_id = $1) and l.tenant_id = $2 order by l.id`,
    [name, tenantId],
  );
  return rows;
}

/** The late money that needs an operator, what waits longest first. */
export async function lateNeedingOperator(db: Queryable): Promise<LatePayment[]> {
  const { rows } = await db.query<LatePayment>(
    `select ${COLUMNS} ${FROM} where l.attention <> 'none' order by l.updated_at, l.id`,
  );
  return rows;
}

/** Locks the row until the transaction ends. Lock the payment's before. */
export async function lockLatePayment(db: Queryable, id: string): Promise<void> {
  await db.query('select 1 from late_payments where id = $1 for no key update', [id]);
}

/** What is known about money that came late. */
export interface NewLatePayment {
  tenantId: string;
  merchantId: string;
  paymentId: string;
  transactionId: string;
  amount: Fen;
  currency: string;
  payerTotal?: Fen | undefined;
  successTime?: Date | undefined;
  /** Set when no policy may decide. */
  attentionReason?: LatePaymentAttention | undefined;
}

/**
 * Records late money, once for each transaction of WeChat Pay's: row, event, and an account of its own. A relay then starts its workflow.
 * Call it in a transaction.
 * @returns whether it was news.
 */
export async function insertLatePayment(db: Queryable, late: NewLatePayment): Promise<boolean> {
  const id = publicId('late', randomUUID());
  const { rowCount } = await db.query(
    `insert into late_payments (id, tenant_id, merchant_id, payment_id, transaction_id, amount, currency, payer_total, success_time,
       status, attention, attention_reason, ensure_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'RECEIVED', $10, $11, now())
     on conflict (merchant_id, transaction_id) do nothing`,
    [
      id,
      late.tenantId,
      late.merchantId,
      late.paymentId,
      late.transactionId,
      late.amount,
      late.currency,
      late.payerTotal ?? null,
      late.successTime ?? null,
      late.attentionReason ? 'needs_operator' : 'none',
      late.attentionReason ?? null,
    ],
  );
  if (rowCount !== 1) return false;
  await appendEvent(db, {
    tenantId: late.tenantId,
    type: 'payment.late_money',
    paymentId: late.paymentId,
    latePaymentId: id,
    version: 1,
    data: {
      status: 'RECEIVED',
      transaction_id: late.transactionId,
      amount: late.amount,
      ...(late.attentionReason && { attention: 'needs_operator', reason: late.attentionReason }),
    },
  });
  await post(db, {
    step: 'payment.late',
    causeId: `${late.paymentId}/${late.transactionId}`,
    paymentId: late.paymentId,
    transactionId: late.transactionId,
    amount: late.amount,
    currency: late.currency,
    effectiveAt: late.successTime,
  });
  return true;
}

/** Writes down what was decided: nobody has to look any more. The status follows once it is done. Call it with the row locked. */
export async function storeDecision(
  db: Queryable,
  id: string,
  { decision, by, reason }: { decision: LatePaymentDecision; by: string; reason: string | null },
): Promise<void> {
  await db.query(
    `update late_payments set decision = $2, decided_by = $3, decision_reason = $4, attention = 'none', attention_reason = null,
       version = version + 1, updated_at = now()
     where id = $1`,
    [id, decision, by, reason],
  );
  await calm(db, id);
}

const EVENT_OF_STATUS = {
  REFUNDING: 'late_payment.refunding',
  REFUNDED: 'late_payment.refunded',
  ACCEPTED: 'late_payment.accepted',
} as const satisfies Partial<Record<LatePaymentStatus, EventType>>;

/**
 * Moves late money to a status, if the life cycle allows it from where it is, and writes the event. Nobody has to look any more. Call it in a
 * transaction.
 * @returns whether anything changed.
 */
export async function transitionLatePayment(
  db: Queryable,
  id: string,
  to: keyof typeof EVENT_OF_STATUS,
): Promise<boolean> {
  const from = LATE_PAYMENT_STATUSES.filter((status) => canLatePaymentTransition(status, to));
  const { rows } = await db.query<Changed>(
    `update late_payments set status = $2, version = version + 1, updated_at = now(), attention = 'none', attention_reason = null,
       ensure_at = case when $2 = 'REFUNDING' then now() + interval '1 day' end
     where id = $1 and status = any($3)
     returning tenant_id, payment_id, version, transaction_id, amount`,
    [id, to, from],
  );
  const [row] = rows;
  if (!row) return false;
  await tell(db, id, row, EVENT_OF_STATUS[to], { status: to });
  await calm(db, id);
  return true;
}

/** Shows late money, and its payment, to an operator, once per reason. Call it in a transaction. */
export async function requestLatePaymentAttention(
  db: Queryable,
  id: string,
  reason: LatePaymentAttention,
): Promise<void> {
  const { rows } = await db.query<Changed>(
    `update late_payments set attention = 'needs_operator', attention_reason = $2, version = version + 1, updated_at = now()
     where id = $1 and attention_reason is distinct from $2
     returning tenant_id, payment_id, version, transaction_id, amount`,
    [id, reason],
  );
  const [row] = rows;
  if (!row) return;
  await tell(db, id, row, 'late_payment.needs_operator', { attention: 'needs_operator', reason });
  await requestAttention(db, row.payment_id, 'late_money', { data: { late_payment_id: id } });
}

/** Late money follows its refund, unless another one is under way or it needs none any more. Call it in the transaction of the refund's change. */
export async function followRefund(db: Queryable, id: string, refund: RefundStatus): Promise<void> {
  if (refund === 'RESERVED') await transitionLatePayment(db, id, 'REFUNDING');
  if (refund === 'SUCCEEDED') await transitionLatePayment(db, id, 'REFUNDED');
  if (refund !== 'FAILED') return;
  const { rowCount } = await db.query(
    `update late_payments set status = 'RECEIVED' where id = $1 and status in ('RECEIVED', 'REFUNDING')
       and not exists (select 1 from refunds r where r.late_payment_id = $1 and r.status <> 'FAILED')`,
    [id],
  );
  if (rowCount === 1) await requestLatePaymentAttention(db, id, 'refund_failed');
}

/** A payment that was shown for late money needs nobody any more once none of it does. */
async function calm(db: Queryable, id: string): Promise<void> {
  const { rows } = await db.query<{ id: string; reason: PaymentAttention }>(
    `select p.id, p.attention_reason reason from late_payments l join payments p on p.id = l.payment_id
      where l.id = $1
        and (p.attention_reason = 'late_money'
             -- Or for a field of late money that differs.
             or exists (select 1 from late_payments one
                         where one.payment_id = p.id and one.transaction_id is distinct from p.transaction_id
                           and one.transaction_id = p.attention_details->'wechat_pay'->>'transaction_id'))
        and not exists (select 1 from late_payments other where other.payment_id = p.id and other.attention <> 'none')`,
    [id],
  );
  for (const payment of rows) await clearAttention(db, { paymentId: payment.id }, payment.reason);
}

interface Changed {
  tenant_id: string;
  payment_id: string;
  version: number;
  transaction_id: string;
  amount: Fen;
}

async function tell(
  db: Queryable,
  id: string,
  { tenant_id, payment_id, version, transaction_id, amount }: Changed,
  type: EventType,
  data: Record<string, unknown>,
): Promise<void> {
  await appendEvent(db, {
    tenantId: tenant_id,
    type,
    paymentId: payment_id,
    latePaymentId: id,
    version,
    data: { ...data, transaction_id, amount },
  });
}

/** What is needed to start the workflow of late money. */
export type LatePaymentIntent = Pick<
  LatePayment,
  'id' | 'paymentId' | 'merchantId' | 'mchid' | 'outTradeNo' | 'transactionId' | 'amount'
>;

/** Claims late money whose workflow should be running by now but may not be; see `claimOrphaned`. */
export async function claimOrphanedLatePayments(db: Queryable, limit: number): Promise<LatePaymentIntent[]> {
  const read = `select l.id, l.payment_id "paymentId", l.merchant_id "merchantId", m.mchid, p.out_trade_no "outTradeNo",
      l.transaction_id "transactionId", l.amount
    from claimed join late_payments l using (id) join merchants m on m.id = l.merchant_id join payments p on p.id = l.payment_id`;
  return await claimOrphaned<LatePaymentIntent>(db, 'late_payments', read, limit);
}
