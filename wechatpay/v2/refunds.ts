import type { Fen } from '../fen.ts';
import { numberedEntries, readFields, type SubMerchant } from './fields.ts';
import { requireCount, type V2Answer, type V2OrderNumber } from './orders.ts';
import type { V2Fields } from './xml.ts';

/**
 * State of a refund. REFUNDCLOSE has failed, only a new number helps. CHANGE is not final: the card is void, and the money is parked until
 * somebody decides on the merchant platform.
 */
export type V2RefundStatus = 'SUCCESS' | 'REFUNDCLOSE' | 'PROCESSING' | 'CHANGE';

/** Which account of the merchant pays. */
export type RefundSource = 'REFUND_SOURCE_UNSETTLED_FUNDS' | 'REFUND_SOURCE_RECHARGE_FUNDS';

/** A refund to apply for: at most a year after payment, 50 to an order, each with its own number. */
export type V2RefundRequest = V2OrderNumber & {
  /** At most 64 of `0-9 A-Z a-z _ - | * @`; the same number refunds once. */
  out_refund_no: string;
  /** Of the order. */
  total_fee: Fen;
  refund_fee: Fen;
  refund_fee_type?: string;
  /** At most 80 characters; the customer sees it. */
  refund_desc?: string;
  refund_account?: RefundSource;
  notify_url?: string;
};

/** A refund of single goods of an order. */
export type V2GoodsRefundRequest = V2RefundRequest & {
  /** JSON: which goods, how many, and how much of the refund falls to each. */
  detail?: string;
};

/** A coupon that went back. */
export interface RefundedCoupon {
  coupon_refund_id?: string;
  coupon_type?: 'CASH' | 'NO_CASH' | (string & {});
  coupon_refund_fee?: Fen;
}

/** A refund that was accepted, which does not mean paid back. */
export interface AcceptedRefund extends V2Answer {
  transaction_id: string;
  out_trade_no: string;
  out_refund_no: string;
  refund_id: string;
  refund_fee: Fen;
  /** What is taken from the merchant's settlement. */
  settlement_refund_fee?: Fen;
  total_fee: Fen;
  settlement_total_fee?: Fen;
  fee_type?: string;
  cash_fee: Fen;
  cash_fee_type?: string;
  cash_refund_fee?: Fen;
  coupon_refund_fee?: Fen;
  coupon_refund_count?: number;
  /** The numbered `coupon_*` elements, as a list. */
  coupons: RefundedCoupon[];
}

/** Which refunds to ask for: one by its own number, or those of an order, at most 20 of them. */
export type RefundNumber = SubMerchant & { offset?: number } & (
    | { refund_id: string; out_refund_no?: never; transaction_id?: never; out_trade_no?: never }
    | { out_refund_no: string; refund_id?: never; transaction_id?: never; out_trade_no?: never }
    | { transaction_id: string; refund_id?: never; out_refund_no?: never; out_trade_no?: never }
    | { out_trade_no: string; refund_id?: never; out_refund_no?: never; transaction_id?: never }
  );

/** One refund of an order. */
export interface QueriedRefund {
  out_refund_no: string;
  refund_id: string;
  refund_channel?: 'ORIGINAL' | 'BALANCE' | 'OTHER_BALANCE' | 'OTHER_BANKCARD';
  refund_fee: Fen;
  settlement_refund_fee?: Fen;
  coupon_refund_fee?: Fen;
  coupon_refund_count?: number;
  coupons: RefundedCoupon[];
  refund_status: V2RefundStatus;
  refund_account?: RefundSource;
  /** Where the money went; WeChat Pay's own spelling. */
  refund_recv_accout?: string;
  /** `yyyy-MM-dd HH:mm:ss` in Asia/Shanghai, when SUCCESS. */
  refund_success_time?: string;
}

/** The refunds of an order. */
export interface QueriedRefunds extends V2Answer {
  transaction_id: string;
  out_trade_no: string;
  total_fee: Fen;
  settlement_total_fee?: Fen;
  fee_type?: string;
  cash_fee: Fen;
  /** Of the order, when the answer does not hold all of them. */
  total_refund_count?: number;
  /** In this answer. */
  refund_count: number;
  /** The numbered elements, as a list. */
  refunds: QueriedRefund[];
}

const COUPON = ['coupon_type', 'coupon_refund_id', 'coupon_refund_fee'];

/**
 * A refund that was accepted.
 * @throws UnreadableField
 */
export function readAcceptedRefund(answer: V2Fields): AcceptedRefund {
  const refund = readFields(answer, {
    required: ['refund_id', 'out_refund_no', 'refund_fee'],
    integers: [
      'refund_fee',
      'settlement_refund_fee',
      'total_fee',
      'settlement_total_fee',
      'cash_fee',
      'cash_refund_fee',
      'coupon_refund_fee',
      'coupon_refund_count',
    ],
  });
  return { ...refund, coupons: readCoupons(answer) } as unknown as AcceptedRefund;
}

/**
 * The refunds of an order as a list, their coupons as lists.
 * @throws UnreadableField
 */
export function readQueriedRefunds(answer: V2Fields): QueriedRefunds {
  const order = readFields(answer, {
    required: ['refund_count'],
    integers: ['total_fee', 'settlement_total_fee', 'cash_fee', 'total_refund_count', 'refund_count'],
  });
  const entries = numberedEntries(answer, [
    'out_refund_no',
    'refund_id',
    'refund_channel',
    'refund_fee',
    'settlement_refund_fee',
    'coupon_refund_fee',
    'coupon_refund_count',
    'refund_status',
    'refund_account',
    'refund_recv_accout',
    'refund_success_time',
  ]);
  requireCount(entries.size, 'refund_count', answer);
  const refunds = [...entries].map(([number, entry]) => ({
    ...readFields(entry, {
      required: ['out_refund_no', 'refund_id', 'refund_fee', 'refund_status'],
      integers: ['refund_fee', 'settlement_refund_fee', 'coupon_refund_fee', 'coupon_refund_count'],
    }),
    coupons: readCoupons(answer, `_${number}`),
  }));
  return { ...order, refunds } as unknown as QueriedRefunds;
}

/** `coupon_refund_id_0` in the answer to a refund, `coupon_refund_id_<refund>_0` in that to a query. */
function readCoupons(answer: V2Fields, ofRefund = ''): RefundedCoupon[] {
  const entries = numberedEntries(
    answer,
    COUPON.map((name) => name + ofRefund),
  );
  return [...entries.values()].map((entry) => {
    const bare = Object.entries(entry).map(([name, value]) => [
      name.slice(0, name.length - ofRefund.length),
      value,
    ]);
    return readFields(Object.fromEntries(bare), { integers: ['coupon_refund_fee'] });
  });
}
