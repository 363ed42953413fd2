import type { Fen } from '../fen.ts';
import type { OrderNumber } from '../v3/orders.ts';
import { numberedEntries, readFields, type SubMerchant, UnreadableField } from './fields.ts';
import type { V2Fields } from './xml.ts';

/** What every confirmed answer says; elements that are not listed in a type are kept as text. */
export interface V2Answer {
  appid: string;
  mch_id: string;
  sub_appid?: string;
  sub_mch_id?: string;
}

/** Which product an order is for. */
export type V2OrderType = 'JSAPI' | 'NATIVE' | 'APP' | 'MWEB';

/** How an order was paid. */
export type V2TradeType = V2OrderType | 'MICROPAY' | 'FACEPAY' | 'FACE';

/**
 * State of an order. REFUND is still paid; NOTPAY is no failure, close and query again; PAYERROR: reverse it. ACCEPT only after
 * contracted deductions.
 */
export type V2TradeState =
  | 'SUCCESS'
  | 'REFUND'
  | 'NOTPAY'
  | 'CLOSED'
  | 'REVOKED'
  | 'USERPAYING'
  | 'PAYERROR'
  | 'ACCEPT';

/** What orders of all kinds have in common. */
export interface OrderBase extends SubMerchant {
  /** What the customer sees, at most 128 characters. */
  body: string;
  /** Goods, as an object or as its JSON; at most 6000 characters. */
  detail?: string | object;
  /** Echoed once paid, at most 127 characters. */
  attach?: string;
  device_info?: string;
  /** At most 32 of `0-9 A-Z a-z _ - | *`, unique for the merchant number. */
  out_trade_no: string;
  fee_type?: string;
  total_fee: Fen;
  /** Of the customer or of the till, IPv4 or IPv6. */
  spbill_create_ip: string;
  /** `yyyyMMddHHmmss` in Asia/Shanghai. */
  time_start?: string;
  /** Latest moment to pay, `yyyyMMddHHmmss` in Asia/Shanghai. Compute it once: a repeat must carry the same. */
  time_expire?: string;
  goods_tag?: string;
  limit_pay?: 'no_credit';
  /** Y: the customer may ask for an electronic invoice. */
  receipt?: 'Y';
  /** Y freezes the money until it is shared. */
  profit_sharing?: 'Y' | 'N';
  /** An object or its JSON, at most 256 characters. */
  scene_info?: string | object;
}

/** An order to be placed with `unifiedOrder`; the client adds appid, mch_id, nonce_str, sign_type and sign. */
export type UnifiedOrder = OrderBase & {
  /** https, public, without a query, at most 256 characters. */
  notify_url: string;
} & (
    | ({ trade_type: 'JSAPI'; product_id?: string } & ({ openid: string } | { sub_openid: string }))
    /** What the code is for: yours. */
    | { trade_type: 'NATIVE'; product_id: string }
    | { trade_type: 'APP' | 'MWEB'; product_id?: string }
  );

/** What a placed order is paid with. */
export interface PlacedOrder extends V2Answer {
  trade_type: V2OrderType;
  /** Lives two hours. */
  prepay_id: string;
  /** NATIVE: the text of the code to scan. */
  code_url?: string;
  /** MWEB: where to redirect the browser, within five minutes. */
  mweb_url?: string;
}

/** An order by one of its two numbers. */
export type V2OrderNumber = SubMerchant & OrderNumber;

/** A coupon that was used. */
export interface UsedCoupon {
  coupon_id?: string;
  coupon_type?: 'CASH' | 'NO_CASH' | (string & {});
  coupon_fee?: Fen;
}

/** What an order says once it is paid, in queries, payment-code answers and notifications alike. */
export interface PaidFields extends V2Answer {
  device_info?: string;
  openid?: string;
  is_subscribe?: 'Y' | 'N';
  sub_openid?: string;
  sub_is_subscribe?: 'Y' | 'N';
  trade_type?: V2TradeType;
  bank_type?: string;
  /** Of the order. */
  total_fee?: Fen;
  /** Without coupons that the merchant does not get back. */
  settlement_total_fee?: Fen;
  fee_type?: string;
  /** What the customer paid in money. */
  cash_fee?: Fen;
  cash_fee_type?: string;
  coupon_fee?: Fen;
  coupon_count?: number;
  /** The numbered `coupon_*` elements, as a list. */
  coupons: UsedCoupon[];
  transaction_id?: string;
  out_trade_no?: string;
  attach?: string;
  /** `yyyyMMddHHmmss` in Asia/Shanghai. */
  time_end?: string;
  /** JSON. */
  promotion_detail?: string;
}

/** An order as queries answer it. Most fields exist only once it is paid. */
export interface V2Order extends PaidFields {
  trade_state: V2TradeState;
  trade_state_desc?: string;
}

const PAID_INTEGERS = ['total_fee', 'settlement_total_fee', 'cash_fee', 'coupon_fee', 'coupon_count'];

/**
 * An order that was placed, with what its product is paid with.
 * @throws UnreadableField
 */
export function readPlacedOrder(answer: V2Fields): PlacedOrder {
  const required = ['prepay_id'];
  if (answer.trade_type === 'NATIVE') required.push('code_url');
  if (answer.trade_type === 'MWEB') required.push('mweb_url');
  return readFields(answer, { required }) as unknown as PlacedOrder;
}

/**
 * What a paid order says, its coupons as a list.
 * @throws UnreadableField
 */
export function readPaid(answer: V2Fields, required: readonly string[]): PaidFields {
  const paid = readFields(answer, { required, integers: PAID_INTEGERS });
  const coupons = numberedEntries(answer, ['coupon_id', 'coupon_type', 'coupon_fee']);
  return {
    ...paid,
    coupons: [...coupons.values()].map((coupon) => readFields(coupon, { integers: ['coupon_fee'] })),
  } as unknown as PaidFields;
}

/**
 * An order in whatever state.
 * @throws UnreadableField
 */
export function readOrder(answer: V2Fields): V2Order {
  const required = ['trade_state', 'out_trade_no'];
  // Without them nobody can tell whether the right thing was paid.
  if (answer.trade_state === 'SUCCESS') required.push('transaction_id', 'total_fee');
  return readPaid(answer, required) as V2Order;
}

/** The answer of calls that say nothing but yes. */
export function readNothing(answer: V2Fields): V2Answer {
  return readFields(answer, {}) as unknown as V2Answer;
}

/** @throws UnreadableField unless as many entries came as were promised. */
export function requireCount(entries: number, name: string, answer: V2Fields): void {
  if (answer[name] && Number(answer[name]) !== entries)
    throw new UnreadableField(`has ${entries} entries, ${name} says otherwise`);
}
