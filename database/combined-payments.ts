import type { Attention, PaymentAttention } from '../domain/attention.ts';
import type { CombinedProduct, CombinedStatus } from '../domain/combined-payment.ts';
import type { EventType } from '../domain/events.ts';
import type { Fen } from '../domain/money.ts';
import { canTransition, endedUnpaid, PAYMENT_STATUSES } from '../domain/payment.ts';
import type { Prepaid } from '../domain/product.ts';
import { appendEvent } from './events.ts';
import { claimOrphaned, ENSURE_AFTER } from './intents.ts';
import { loadSubPayments, type Payment } from './payments.ts';
import type { Queryable } from './pool.ts';

/** A combined payment as stored, with its sub-orders. */
export interface CombinedPayment extends Prepaid {
  id: string;
  tenantId: string;
  /** Who combines. */
  merchantId: string;
  mchid: string;
  /** As of a payment: one of the appids of who combines. */
  appid: string | null;
  combineOutTradeNo: string;
  product: CombinedProduct;
  timeExpire: Date;
  h5RedirectUrl: string | null;
  status: CombinedStatus;
  attention: Attention;
  attentionReason: PaymentAttention | null;
  version: number;
  /** The exact body of the order request; null until it is about to be sent for the first time. */
  prepayRequest: string | null;
  failureCode: string | null;
  failureMessage: string | null;
  createdAt: Date;
  updatedAt: Date;
  /** Of all sub-orders together. */
  amount: Fen;
  /** In the order of the request. */
  subPayments: Payment[];
}

const COLUMNS = `
  c.id, c.tenant_id "tenantId", c.merchant_id "merchantId", m.mchid, c.appid, c.combine_out_trade_no "combineOutTradeNo", c.product,
  c.time_expire "timeExpire", c.h5_redirect_url "h5RedirectUrl", c.status, c.attention, c.attention_reason "attentionReason", c.version,
  c.prepay_request "prepayRequest", c.code_url "codeUrl", c.prepay_id "prepayId", c.h5_url "h5Url",
  c.prepay_issued_at "prepayIssuedAt", c.failure_code "failureCode", c.failure_message "failureMessage",
  c.created_at "createdAt", c.updated_at "updatedAt"`;
/** Reads combined payments, as `c`, without their sub-orders. */
export const SELECT_COMBINED = `select ${COLUMNS} from combined_payments c join merchants m on m.id = c.merchant_id`;

/** What a new combined payment consists of, besides its sub-orders. */
export interface NewCombinedPayment {
  id: string;
  tenantId: string;
  merchantId: string;
  appid: string;
  combineOutTradeNo: string;
  product: CombinedProduct;
  timeExpire: Date;
  h5RedirectUrl: string | null;
}

/**
 * Stores the intent, with its event. Call it in the transaction that stores the idempotency key and the sub-orders.
 * @throws DatabaseError unique_violation `combined_payments_merchant_id_combine_out_trade_no_key` when the number is taken.
 */
export async function insertCombinedPayment(db: Queryable, combined: NewCombinedPayment): Promise<void> {
  await db.query(
    `insert into combined_payments
       (id, tenant_id, merchant_id, combine_out_trade_no, product, time_expire, h5_redirect_url, appid, status, ensure_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, 'CREATED', now() + ${ENSURE_AFTER})`,
    [
      combined.id,
      combined.tenantId,
      combined.merchantId,
      combined.combineOutTradeNo,
      combined.product,
      combined.timeExpire,
      combined.h5RedirectUrl,
      combined.appid,
    ],
  );
  await appendEvent(db, {
    tenantId: combined.tenantId,
    type: 'combined_payment.created',
    combinedId: combined.id,
    version: 1,
    data: { status: 'CREATED' },
  });
}

/** A combined payment of this tenant. */
export async function findCombinedPayment(
  db: Queryable,
  tenantId: string,
  id: string,
): Promise<CombinedPayment | undefined> {
  return await one(db, 'c.id = $1 and c.tenant_id = $2', [id, tenantId]);
}

/** A combined payment by its id, for the processes that act for every tenant. */
export async function loadCombinedPayment(db: Queryable, id: string): Promise<CombinedPayment | undefined> {
  return await one(db, 'c.id = $1', [id]);
}

/** A combined payment by the number that its merchant gave to all of it. */
export async function findCombinedByNumber(
  db: Queryable,
  merchantId: string,
  combineOutTradeNo: string,
): Promise<CombinedPayment | undefined> {
  return await one(db, 'c.merchant_id = $1 and c.combine_out_trade_no = $2', [merchantId, combineOutTradeNo]);
}

/** Locks the row until the transaction ends. Lock the merchants' own orders before. */
export async function lockCombined(db: Queryable, id: string): Promise<void> {
  await db.query('select 1 from combined_payments where id = $1 for no key update', [id]);
}

async function one(db: Queryable, where: string, values: string[]): Promise<CombinedPayment | undefined> {
  const { rows } = await db.query<Alone>(`${SELECT_COMBINED} where ${where}`, values);
  return (await withSubPayments(db, rows))[0];
}

/** As its own table has it. */
type Alone = Omit<CombinedPayment, 'amount' | 'subPayments'>;

/** Each with its sub-orders. */
export async function withSubPayments(db: Queryable, rows: Alone[]): Promise<CombinedPayment[]> {
  const all = await loadSubPayments(
    db,
    rows.map(({ id }) => id),
  );
  return rows.map((row) => {
    const subPayments = all.filter(({ combinedId }) => combinedId === row.id);
    return { ...row, amount: subPayments.reduce((sum, { amount }) => sum + amount, 0), subPayments };
  });
}

/** As `storePrepayRequest` of payments; the sub-orders remember the appid, too, under which they are paid. */
export async function storeCombinedRequest(
  db: Queryable,
  id: string,
  { body, appid }: { body: string; appid: string },
): Promise<string> {
  const { rows } = await db.query<{ prepay_request: string }>(
    `with combined as (
       update combined_payments set prepay_request = coalesce(prepay_request, $2), appid = coalesce(appid, $3)
       where id = $1 returning id, prepay_request, appid
     ), sub_orders as (
       update payments p set appid = c.appid from combined c where p.combined_id = c.id
     )
     select prepay_request from combined`,
    [id, body, appid],
  );
  const row = rows[0];
  if (!row) throw new Error(`there is no combined payment ${id}`);
  return row.prepay_request;
}

/** As `renewPrepay` of payments. @returns whether the combined payment still waits for the customer. */
export async function renewCombinedPrepay(db: Queryable, id: string, prepaid: Prepaid): Promise<boolean> {
  const { rowCount } = await db.query(
    `update combined_payments set code_url = $2, prepay_id = $3, h5_url = $4, prepay_issued_at = $5, updated_at = now()
     where id = $1 and status = 'PENDING'`,
    [id, prepaid.codeUrl, prepaid.prepayId, prepaid.h5Url, prepaid.prepayIssuedAt],
  );
  return rowCount === 1;
}

/** Fields that arrive with a change of status. */
export interface CombinedChange {
  prepaid?: Prepaid;
  failureCode?: string;
  failureMessage?: string;
  /** The operators' action that has settled it, `act_…`. */
  operatorAction?: string;
}

const EVENT_OF_STATUS = {
  CREATED: 'combined_payment.created',
  PENDING: 'combined_payment.pending',
  PAID: 'combined_payment.paid',
  CLOSED: 'combined_payment.closed',
  FAILED: 'combined_payment.failed',
} as const satisfies Record<CombinedStatus, EventType>;

/**
 * Moves a combined payment to a status, if the life cycle of payments allows it from where it is, and writes the event. Its sub-orders move
 * in the same transaction, after it, so that whoever moves them all takes their locks in one order.
 * @returns the new version, or undefined when nothing changed.
 */
export async function transitionCombined(
  db: Queryable,
  id: string,
  to: CombinedStatus,
  change: CombinedChange = {},
): Promise<number | undefined> {
  // Late money is a single sub-order's: what has ended stays as it is.
  const from = PAYMENT_STATUSES.filter((status) => canTransition(status, to) && !endedUnpaid(status));
  const { rows } = await db.query<{ tenant_id: string; version: number }>(
    `update combined_payments set
       status = $2, version = version + 1, updated_at = now(), attention = 'none', attention_reason = null,
       ensure_at = case when $2 = 'PENDING' then time_expire + interval '10 minutes' end,
       code_url = coalesce($4, code_url), prepay_id = coalesce($5, prepay_id), h5_url = coalesce($6, h5_url),
       prepay_issued_at = coalesce($7, prepay_issued_at), failure_code = coalesce($8, failure_code),
       failure_message = coalesce($9, failure_message)
     where id = $1 and status = any($3)
     returning tenant_id, version`,
    [
      id,
      to,
      from,
      change.prepaid?.codeUrl ?? null,
      change.prepaid?.prepayId ?? null,
      change.prepaid?.h5Url ?? null,
      change.prepaid?.prepayIssuedAt ?? null,
      change.failureCode ?? null,
      change.failureMessage ?? null,
    ],
  );
  const row = rows[0];
  if (!row) return undefined;
  await appendEvent(db, {
    tenantId: row.tenant_id,
    type: EVENT_OF_STATUS[to],
    combinedId: id,
    version: row.version,
    data: {
      status: to,
      ...(change.failureCode && { failure_code: change.failureCode }),
      ...(change.operatorAction && { operator_action: change.operatorAction }),
    },
  });
  return row.version;
}

/** Shows the combined payment to an operator, once per reason, with an event. Call it in a transaction. */
export async function requestCombinedAttention(
  db: Queryable,
  id: string,
  reason: PaymentAttention,
): Promise<void> {
  const { rows } = await db.query<{ tenant_id: string; version: number }>(
    `update combined_payments
     set attention = 'needs_operator', attention_reason = $2, version = version + 1, updated_at = now()
     where id = $1 and attention_reason is distinct from $2
     returning tenant_id, version`,
    [id, reason],
  );
  const row = rows[0];
  if (!row) return;
  await appendEvent(db, {
    tenantId: row.tenant_id,
    type: 'combined_payment.needs_operator',
    combinedId: id,
    version: row.version,
    data: { attention: 'needs_operator', reason },
  });
}

/** What is needed to start the workflow of a combined payment. */
export type CombinedIntent = Pick<
  CombinedPayment,
  'id' | 'merchantId' | 'mchid' | 'combineOutTradeNo' | 'product' | 'amount' | 'timeExpire'
>;

/** Claims combined payments whose workflow should be running by now but may not be; see `claimOrphaned`. */
export async function claimOrphanedCombined(db: Queryable, limit: number): Promise<CombinedIntent[]> {
  const read = `select c.id, c.merchant_id "merchantId", m.mchid, c.combine_out_trade_no "combineOutTradeNo", c.product,
      (select sum(p.amount)::bigint from payments p where p.combined_id = c.id) amount, c.time_expire "timeExpire"
    from claimed join combined_payments c using (id) join merchants m on m.id = c.merchant_id`;
  return await claimOrphaned<CombinedIntent>(db, 'combined_payments', read, limit);
}
