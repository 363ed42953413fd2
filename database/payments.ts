import type { Attention, PaymentAttention } from '../domain/attention.ts';
import type { BothSides } from '../domain/both-sides.ts';
import type { EventType } from '../domain/events.ts';
import type { Fen } from '../domain/money.ts';
import type { OrderTerms, Parties } from '../domain/order.ts';
import { canTransition, endedUnpaid, PAYMENT_STATUSES, type PaymentStatus } from '../domain/payment.ts';
import type { Prepaid, Product } from '../domain/product.ts';
import { appendEvent } from './events.ts';
import { post } from './ledger.ts';
import type { Queryable } from './pool.ts';

/** A payment as stored. */
export interface Payment extends Parties, Prepaid {
  id: string;
  tenantId: string;
  merchantId: string;
  mchid: string;
  /** The appid under which it is ordered, one of the merchant's; null in rows from before there was a choice, until they were sent. */
  appid: string | null;
  outTradeNo: string;
  product: Product;
  amount: Fen;
  currency: string;
  description: string;
  attach: string | null;
  terms: OrderTerms;
  timeExpire: Date;
  status: PaymentStatus;
  attention: Attention;
  attentionReason: PaymentAttention | null;
  /** What a person has to compare. */
  attentionDetails: BothSides | null;
  /** The merchant's own order, for which there may be several payments. */
  orderReference: string | null;
  /** The payment that had paid for the order already. */
  duplicateOf: string | null;
  version: number;
  /** The exact body of the order request; null until it is about to be sent for the first time. */
  prepayRequest: string | null;
  /** The combined payment whose sub-order it is, which then has the workflow and what the order was answered; else null. */
  combinedId: string | null;
  /** Where an H5 customer comes back to. */
  h5RedirectUrl: string | null;
  /** When what the customer has shown was sent to be charged, which is done once; null for other products. */
  codeSentAt: Date | null;
  /** When a reversal was sent last whose outcome is not known. */
  reverseSentAt: Date | null;
  transactionId: string | null;
  payerTotal: Fen | null;
  successTime: Date | null;
  failureCode: string | null;
  failureMessage: string | null;
  createdAt: Date;
  updatedAt: Date;
  /** Sum of the refunds that succeeded. */
  amountRefunded: Fen;
}

const COLUMNS = `
  p.id, p.tenant_id "tenantId", p.merchant_id "merchantId", m.mchid, p.appid, p.out_trade_no "outTradeNo", p.product, p.amount,
  p.currency, p.description, p.attach, p.terms, p.time_expire "timeExpire", p.status, p.attention, p.attention_reason "attentionReason",
  p.attention_details "attentionDetails", p.order_reference "orderReference", p.duplicate_of "duplicateOf",
  p.version, p.prepay_request "prepayRequest", p.combined_id "combinedId", p.sub_mchid "subMchid", p.sub_appid "subAppid", p.payer_openid "payerOpenid",
  p.payer_sub_openid "payerSubOpenid", p.scene_info "sceneInfo", p.h5_redirect_url "h5RedirectUrl", p.code_url "codeUrl",
  p.prepay_id "prepayId", p.h5_url "h5Url", p.prepay_issued_at "prepayIssuedAt", p.transaction_id "transactionId",
  p.code_sent_at "codeSentAt", p.reverse_sent_at "reverseSentAt", p.payer_total "payerTotal", p.success_time "successTime", p.failure_code "failureCode",
  p.failure_message "failureMessage", p.created_at "createdAt", p.updated_at "updatedAt",
  (select coalesce(sum(r.amount), 0)::bigint from refunds r where r.payment_id = p.id and r.late_payment_id is null
     and r.status = 'SUCCEEDED') "amountRefunded"`;
/** Reads payments, as `p`, whole. */
export const SELECT_PAYMENTS = `select ${COLUMNS} from payments p join merchants m on m.id = p.merchant_id`;

/** What a new payment consists of. */
export interface NewPayment extends Parties {
  id: string;
  tenantId: string;
  merchantId: string;
  appid: string;
  outTradeNo: string;
  product: Product;
  amount: Fen;
  currency: string;
  description: string;
  attach: string | undefined;
  terms: OrderTerms;
  timeExpire: Date;
  h5RedirectUrl: string | null;
  /** Default: none. */
  orderReference?: string | undefined;
  /** Makes it a sub-order. */
  combined?: { id: string; position: number };
}

/** How long the API has to start a workflow before a relay does it. */
const ENSURE_AFTER = "interval '30 seconds'";

/**
 * Stores the intent, with its event. Call it in the transaction that stores the idempotency key.
 * @throws DatabaseError unique_violation `payments_merchant_id_out_trade_no_key` when the number is taken.
 */
export async function insertPayment(db: Queryable, payment: NewPayment): Promise<void> {
  await db.query(
    `insert into payments
       (id, tenant_id, merchant_id, out_trade_no, product, amount, currency, description, attach, time_expire, sub_mchid, sub_appid,
        payer_openid, payer_sub_openid, scene_info, h5_redirect_url, combined_id, combined_position, order_reference, terms, appid, status, ensure_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, 'CREATED',
       case when $17::text is null then now() + ${ENSURE_AFTER} end)`,
    [
      payment.id,
      payment.tenantId,
      payment.merchantId,
      payment.outTradeNo,
      payment.product,
      payment.amount,
      payment.currency,
      payment.description,
      payment.attach ?? null,
      payment.timeExpire,
      payment.subMchid,
      payment.subAppid,
      payment.payerOpenid,
      payment.payerSubOpenid,
      payment.sceneInfo && JSON.stringify(payment.sceneInfo),
      payment.h5RedirectUrl,
      payment.combined?.id ?? null,
      payment.combined?.position ?? null,
      payment.orderReference ?? null,
      JSON.stringify(payment.terms),
      payment.appid,
    ],
  );
  await appendEvent(db, {
    tenantId: payment.tenantId,
    type: 'payment.created',
    paymentId: payment.id,
    version: 1,
    data: { status: 'CREATED' },
  });
}

/** A payment of this tenant. */
export async function findPayment(db: Queryable, tenantId: string, id: string): Promise<Payment | undefined> {
  const { rows } = await db.query<Payment>(`${SELECT_PAYMENTS} where p.id = $1 and p.tenant_id = $2`, [
    id,
    tenantId,
  ]);
  return rows[0];
}

/** A payment by its id, for the processes that act for every tenant. */
export async function loadPayment(db: Queryable, id: string): Promise<Payment | undefined> {
  const { rows } = await db.query<Payment>(`${SELECT_PAYMENTS} where p.id = $1`, [id]);
  return rows[0];
}

/** The sub-orders of combined payments, in the order of each. */
export async function loadSubPayments(db: Queryable, combinedIds: string[]): Promise<Payment[]> {
  if (combinedIds.length === 0) return [];
  const { rows } = await db.query<Payment>(
    `${SELECT_PAYMENTS} where p.combined_id = any($1) order by p.combined_position`,
    [combinedIds],
  );
  return rows;
}

/** A payment by the merchant's own number. */
export async function findPaymentByNumber(
  db: Queryable,
  merchantId: string,
  outTradeNo: string,
): Promise<Payment | undefined> {
  const { rows } = await db.query<Payment>(
    `${SELECT_PAYMENTS} where p.merchant_id = $1 and p.out_trade_no = $2`,
    [merchantId, outTradeNo],
  );
  return rows[0];
}

/** Locks the payment's row until the transaction ends; refunds of one payment are decided one at a time. */
export async function lockPayment(db: Queryable, id: string): Promise<void> {
  await db.query('select 1 from payments where id = $1 for no key update', [id]);
}

/**
 * Stores the exact request body unless one is stored already, and returns the one that counts. It happens
 * before the body is sent, so a repeat after a crash sends the same bytes.
 */
export async function storePrepayRequest(
  db: Queryable,
  id: string,
  { body, appid }: { body: string; appid: string },
): Promise<string> {
  const { rows } = await db.query<{ prepay_request: string }>(
    `update payments set prepay_request = coalesce(prepay_request, $2), appid = coalesce(appid, $3)
     where id = $1 returning prepay_request`,
    [id, body, appid],
  );
  const row = rows[0];
  if (!row) throw new Error(`there is no payment ${id}`);
  return row.prepay_request;
}

/**
 * Replaces what the customer's phone needs by what the same order was answered when it was sent again. The status stays, so no event tells
 * of it.
 * @returns whether the payment still waits for the customer.
 */
export async function renewPrepay(db: Queryable, id: string, prepaid: Prepaid): Promise<boolean> {
  const { rowCount } = await db.query(
    `update payments set code_url = $2, prepay_id = $3, h5_url = $4, prepay_issued_at = $5, updated_at = now()
     where id = $1 and status = 'PENDING'`,
    [id, prepaid.codeUrl, prepaid.prepayId, prepaid.h5Url, prepaid.prepayIssuedAt],
  );
  return rowCount === 1;
}

/** Fields that arrive with a change of status. */
export interface PaymentChange {
  prepaid?: Prepaid;
  transactionId?: string;
  payerTotal?: Fen;
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
 * transaction. While a reversal may be under way nothing becomes PAID.
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
       attention = 'none', attention_reason = null, attention_details = null,
       code_url = coalesce($4, code_url), transaction_id = coalesce($5, transaction_id),
       payer_total = coalesce($6, payer_total), success_time = coalesce($7, success_time),
       failure_code = case when $2 <> 'PAID' then coalesce($8, failure_code) end,
       failure_message = case when $2 <> 'PAID' then coalesce($9, failure_message) end,
       prepay_id = coalesce($10, prepay_id), h5_url = coalesce($11, h5_url), prepay_issued_at = coalesce($12, prepay_issued_at)
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
 * Shows the payment to an operator, once per reason and what there is to compare, with an event. Call it in a transaction.
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

/** Asks the relay to look at an open payment now: its workflow did not answer, perhaps because it has ended. */
export async function ensurePaymentSoon(db: Queryable, id: string): Promise<void> {
  await db.query(`update payments set ensure_at = now() where id = $1 and status in ('CREATED', 'PENDING')`, [
    id,
  ]);
}

/** After the relay has looked: again in an hour while the workflow runs, or never when only a person can help. */
export async function paymentEnsured(
  db: Queryable,
  id: string,
  { again }: { again: boolean },
): Promise<void> {
  await db.query(
    `update payments set ensure_at = case when $2 then now() + interval '1 hour' end where id = $1 and ensure_at is not null`,
    [id, again],
  );
}

/** What is needed to start a payment's workflow. */
export type PaymentIntent = Pick<
  Payment,
  'id' | 'merchantId' | 'mchid' | 'subMchid' | 'outTradeNo' | 'product' | 'amount' | 'timeExpire'
>;

/**
 * Claims payments whose workflow should be running by now but may not be, oldest first. A claimed row comes up again after a minute,
 * so a relay that dies loses nothing and another process does not take the same rows.
 */
export async function claimOrphanedPayments(db: Queryable, limit: number): Promise<PaymentIntent[]> {
  const { rows } = await db.query<PaymentIntent>(
    `with claimed as (
       select id from payments where ensure_at <= now() order by ensure_at limit $1 for update skip locked
     )
     update payments p set ensure_at = now() + interval '1 minute'
     from claimed c, merchants m
     where p.id = c.id and m.id = p.merchant_id
     returning p.id, p.merchant_id "merchantId", m.mchid, p.sub_mchid "subMchid", p.out_trade_no "outTradeNo",
       p.product, p.amount, p.time_expire "timeExpire"`,
    [limit],
  );
  return rows;
}
