import { exchanged, toFen } from '../money/exchange-rate.ts';
import { feeOf, settlementTotal } from '../money/fee.ts';
import { type Order, orderKey, payerTotal } from '../orders/order.ts';
import type { Refund } from '../refunds/refund.ts';
import { percentage } from './amount.ts';

/** 退款状态 of bills. */
export type BillRefundStatus = 'SUCCESS' | 'PROCESSING' | 'FAIL' | 'CHANGE';

/**
 * Something that happened to the money of a merchant. Trade bills have a row for each but the closing of a refund and movements that are no
 * trade, fund flows one or two.
 * Amounts in the smallest unit of the currency, times in milliseconds.
 */
export interface Entry {
  kind: 'payment' | 'refund' | 'refund_closed' | 'reversal' | 'movement';
  /** When it happened: payment, acceptance of the refund, closing, reversal. */
  time: number;
  /** When the order was paid. */
  paidAt: number;
  appid: string;
  mchid: string;
  subMchid?: string | undefined;
  deviceId: string;
  transactionId: string;
  outTradeNo: string;
  openid: string;
  tradeType: string;
  bankType: string;
  currency: string;
  description: string;
  attach: string;
  /** What was ordered. */
  total: number;
  /** What the person paid. */
  payerTotal: number;
  /** What the merchant is paid for the order: 应结订单金额. */
  settlement: number;
  /** Of a payment: taken; of what gives money back: returned; of a closed refund: taken again. */
  fee: number;
  /** 费率, `0.60%` */
  feeRate: string;
  feeRemark: string;
  refund?: EntryRefund;
  /** What is no trade. */
  movement?: { type: MovementType; change: number };
}

/** 业务类型 of what is no trade: a withdrawal, one that the bank has sent back, a top-up, profit sharing. */
export type MovementType = '提现' | '提现退票' | '充值' | '分账';

/** What went back. */
export interface EntryRefund {
  /** Undefined for reversals, which have no numbers of their own. */
  refundId: string | undefined;
  outRefundNo: string | undefined;
  /** What the merchant asked for: 申请退款金额. */
  amount: number;
  /** What the merchant gives back: 退款金额. */
  settlement: number;
  /** What the person gets. */
  payer: number;
  /** The same in fen of CNY, which people pay with: not always what the rate gives, for the last refund takes what rounding left. */
  payerFen: number;
  /** 退款类型 */
  channel: string;
  status: BillRefundStatus;
  /** Only of those that had succeeded when the bill was made. */
  succeededAt?: number | undefined;
}

/** State and channel of a refund, as they were when the bill was made. */
export interface RefundState {
  status: Refund['status'];
  channel: string;
}

/** All coupons of an order. */
export function couponAmount({ total, payerTotal }: Entry): number {
  return total - payerTotal;
}

/** The share of coupons that somebody else than the merchant funds: 充值券退款金额. */
export function couponRefund({ settlement, payer }: EntryRefund): number {
  return settlement - payer;
}

/** What the merchant is paid of an entry, or gives back, and the fee of it, in the currency of its settlements. */
export function settledAs(
  { currency: ordered, settlement, fee, refund }: Entry,
  settlementCurrency: string,
): { currency: string; settlement: number; fee: number; refund: number } {
  const currency = settlementCurrency === 'as_ordered' ? ordered : settlementCurrency;
  const amount = (value: number) => exchanged(value, ordered, currency);
  return {
    currency,
    settlement: amount(settlement),
    fee: amount(fee),
    refund: amount(refund?.settlement ?? 0),
  };
}

/** Everything that happened to the money of an order. */
export function* entriesOf(
  order: Order,
  refunds: readonly Refund[],
  stateOf: (refund: Refund) => RefundState,
): Generator<Entry> {
  const { paidAt, transactionId, total } = order;
  if (paidAt === undefined || transactionId === undefined) return;
  const payment: Entry = {
    kind: 'payment',
    time: paidAt,
    paidAt,
    appid: order.appid,
    mchid: order.mchid,
    subMchid: order.subMchid,
    deviceId: order.deviceId ?? '',
    transactionId,
    outTradeNo: order.outTradeNo,
    openid: order.openid ?? order.subOpenid ?? '',
    tradeType: order.tradeType === 'FACEPAY' ? 'FACE' : order.tradeType,
    bankType: 'OTHERS',
    currency: order.currency,
    description: order.description,
    attach: order.attach ?? '',
    total,
    payerTotal: payerTotal(order),
    settlement: settlementTotal(order),
    fee: feeOf(order),
    feeRate: percentage(order.feeRate),
    feeRemark: '',
  };
  yield payment;
  for (const refund of refunds) yield* entriesOfRefund(payment, refund, stateOf(refund));
  if (order.state === 'REVOKED') yield reversal(payment, order.revokedAt ?? paidAt, refunds);
}

function* entriesOfRefund(
  payment: Entry,
  refund: Refund,
  { status, channel }: RefundState,
): Generator<Entry> {
  const accepted: Entry = {
    ...payment,
    kind: 'refund',
    time: refund.createdAt,
    fee: refund.feeRefund,
    refund: {
      refundId: refund.refundId,
      outRefundNo: refund.outRefundNo,
      amount: refund.refund,
      settlement: refund.settlementRefund,
      payer: refund.payerRefund,
      payerFen: refund.payerFenRefund,
      channel,
      status: BILL_STATUS[status],
      succeededAt: status === 'SUCCESS' ? refund.finishedAt : undefined,
    },
  };
  yield accepted;
  if (refund.status === 'CLOSED' && refund.finishedAt !== undefined) {
    yield { ...accepted, kind: 'refund_closed', time: refund.finishedAt };
  }
}

/** Takes back what was not refunded before. */
function reversal(payment: Entry, time: number, refunds: readonly Refund[]): Entry {
  const open = refunds.filter(({ status }) => status !== 'CLOSED');
  const left = (whole: number, part: (refund: Refund) => number) =>
    open.reduce((sum, refund) => sum - part(refund), whole);
  return {
    ...payment,
    kind: 'reversal',
    time,
    fee: left(payment.fee, ({ feeRefund }) => feeRefund),
    refund: {
      refundId: undefined,
      outRefundNo: undefined,
      amount: left(payment.total, ({ refund }) => refund),
      settlement: left(payment.settlement, ({ settlementRefund }) => settlementRefund),
      payer: left(payment.payerTotal, ({ payerRefund }) => payerRefund),
      payerFen: left(toFen(payment.payerTotal, payment.currency), ({ payerFenRefund }) => payerFenRefund),
      channel: 'ORIGINAL',
      status: 'SUCCESS',
      succeededAt: time,
    },
  };
}

const BILL_STATUS: Record<Refund['status'], BillRefundStatus> = {
  PROCESSING: 'PROCESSING',
  SUCCESS: 'SUCCESS',
  ABNORMAL: 'CHANGE',
  CLOSED: 'FAIL',
};

/** Key of a refund: numbers are unique for the mchid that signs. */
export function refundKey({ mchid, outRefundNo }: Refund): string {
  return orderKey(mchid, outRefundNo);
}
