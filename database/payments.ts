import type { Attention, PaymentAttention } from '../domain/attention.ts';
import type { BothSides } from '../domain/both-sides.ts';
import type { Fen } from '../domain/money.ts';
import type { OrderTerms, Parties } from '../domain/order.ts';
import type { PaymentStatus } from '../domain/payment.ts';
import type { Prepaid, Product } from '../domain/product.ts';
import { appendEvent } from './events.ts';
import { claimOrphaned, ENSURE_AFTER } from './intents.ts';
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
  /** What has arrived, or is to: the amount, unless two operators have said otherwise. So much can be refunded. */
  paidAmount: Fen;
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
  coalesce(p.paid_amount, p.amount) "paidAmount", p.currency, p.description, p.attach, p.terms, p.time_expire "timeExpire", p.status, p.attention, p.attention_reason "attentionReason",
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

/** What is needed to start a payment's workflow. */
export type PaymentIntent = Pick<
  Payment,
  'id' | 'merchantId' | 'mchid' | 'subMchid' | 'outTradeNo' | 'product' | 'amount' | 'timeExpire'
>;

/** Claims payments whose workflow should be running by now but may not be; see `claimOrphaned`. */
export async function claimOrphanedPayments(db: Queryable, limit: number): Promise<PaymentIntent[]> {
  const read = `select p.id, p.merchant_id "merchantId", m.mchid, p.sub_mchid "subMchid", p.out_trade_no "outTradeNo", p.product, p.amount,
      p.time_expire "timeExpire"
    from claimed join payments p using (id) join merchants m on m.id = p.merchant_id`;
  return await claimOrphaned<PaymentIntent>(db, 'payments', read, limit);
}
