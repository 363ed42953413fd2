import { payerFen, rateOf } from '../../money/exchange-rate.ts';
import { proportion } from '../../money/fee.ts';
import { type Order, TRADE_STATES } from '../../orders/order.ts';
import type { Refund } from '../../refunds/refund.ts';
import { chinaTime } from '../../time/china-time.ts';
import { destination } from './refund.ts';

/** status of a refund; the other names are those of the mainland. */
const REFUND_STATUS = {
  PROCESSING: 'PROCESSING',
  SUCCESS: 'SUCCESS',
  ABNORMAL: 'ABNORMAL',
  CLOSED: 'REFUNDCLOSE',
} as const satisfies Record<Refund['status'], string>;

/**
 * The overseas order object, of queries and of TRANSACTION.SUCCESS: WeChat Pay's number is `id`, and the person pays CNY. `unpaid` makes it
 * the answer of a gateway that lags behind.
 */
export function globalOrderObject(order: Order, { unpaid = false } = {}): Record<string, unknown> {
  const state = unpaid ? 'NOTPAY' : order.state;
  const { total, currency } = order;
  const common = {
    ...identity(order),
    out_trade_no: order.outTradeNo,
    trade_type: order.tradeType,
    trade_state: state,
    trade_state_desc: TRADE_STATES[state],
  };
  if (unpaid || order.paidAt === undefined) return { ...common, amount: { total, currency } };
  return {
    ...common,
    id: order.transactionId,
    bank_type: 'OTHERS',
    attach: order.attach,
    success_time: chinaTime(order.paidAt),
    payer:
      order.subMchid === undefined
        ? { openid: order.openid }
        : { sp_openid: order.openid, sub_openid: order.subAppid ? order.subOpenid : undefined },
    amount: {
      total,
      payer_total: payerFen(order),
      currency,
      payer_currency: 'CNY',
      exchange_rate: exchangeRate(currency),
    },
    promotion_detail: order.coupons.map(({ couponId, name, scope, type, amount }) => ({
      promotion_id: couponId,
      name,
      scope,
      type: couponType(type),
      amount,
      currency,
      activity_id: couponId,
      wxpay_contribute_amount: type === 'CASH' ? amount : 0,
      merchant_contribute_amount: type === 'CASH' ? 0 : amount,
      other_contribute_amount: 0,
    })),
  };
}

/** What an accepted refund is answered with: no status, it is not paid back yet. */
export function acceptedRefund(refund: Refund, order: Order): Record<string, unknown> {
  return { ...refundCore(refund), detail: coupons(refund, order) };
}

/** A refund as queries answer it. */
export function globalRefundObject(refund: Refund, order: Order): Record<string, unknown> {
  return {
    ...refundCore(refund),
    transaction_id: refund.transactionId,
    out_trade_no: refund.outTradeNo,
    ...refundProgress(refund),
    detail: coupons(refund, order),
  };
}

/** A page of the refunds of one order, whose own numbers stand above them. */
export function globalRefundList(order: Order, all: readonly Refund[], page: readonly Refund[]): object {
  return {
    id: order.transactionId,
    out_trade_no: order.outTradeNo,
    amount: {
      total: order.total,
      currency: order.currency,
      payer_total: payerFen(order),
      payer_currency: 'CNY',
    },
    data: page.map((refund) => ({
      ...refundCore(refund),
      ...refundProgress(refund),
      refund_detail: coupons(refund, order),
    })),
    total_num: all.length,
    current_total_num: page.length,
  };
}

/** The plaintext of a refund notification: no page seen shows one, so it is the object of the query and whose it is. */
export function globalRefundNotice(refund: Refund, order: Order): Record<string, unknown> {
  return { ...identity(order), ...globalRefundObject(refund, order) };
}

function identity(order: Order): Record<string, string | undefined> {
  if (order.subMchid === undefined) return { appid: order.appid, mchid: order.mchid };
  return {
    sp_appid: order.appid,
    sp_mchid: order.mchid,
    sub_appid: order.subAppid,
    sub_mchid: order.subMchid,
  };
}

function refundCore(refund: Refund) {
  const { refund: amount, currency } = refund;
  return {
    id: refund.refundId,
    out_refund_no: refund.outRefundNo,
    create_time: chinaTime(refund.createdAt),
    amount: {
      refund: amount,
      currency,
      payer_refund: refund.payerFenRefund,
      payer_currency: 'CNY',
      exchange_rate: exchangeRate(currency),
    },
  };
}

function refundProgress(refund: Refund) {
  const { channel, user_received_account } = destination(refund);
  const succeeded = refund.status === 'SUCCESS' && refund.finishedAt !== undefined;
  return {
    channel,
    recv_account: user_received_account,
    fund_source: 'REFUND_SOURCE_UNSETTLED_FUNDS',
    success_time: succeeded ? chinaTime(refund.finishedAt as number) : undefined,
    status: REFUND_STATUS[refund.status],
  };
}

/** The coupons' shares of a refund. */
function coupons({ refund, payerRefund, currency }: Refund, order: Order): object[] {
  const all = order.coupons.reduce((sum, { amount }) => sum + amount, 0);
  return order.coupons.map(({ couponId, scope, type, amount }) => ({
    promotion_id: couponId,
    scope,
    type: couponType(type),
    amount,
    refund_amount: proportion(refund - payerRefund, amount, all),
    currency,
  }));
}

function couponType(type: 'CASH' | 'NOCASH'): 'COUPON' | 'DISCOUNT' {
  return type === 'CASH' ? 'COUPON' : 'DISCOUNT';
}

function exchangeRate(currency: string): { type: string; rate: number } {
  return { type: 'SETTLEMENT_RATE', rate: rateOf(currency).rate };
}
