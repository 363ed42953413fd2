import type { V2Fields } from '../../wechatpay/v2/xml.ts';
import { proportion, settlementTotal } from '../money/fee.ts';
import { type Order, payerTotal } from '../orders/order.ts';
import type { Refund } from '../refunds/refund.ts';
import { chinaTime } from '../time/china-time.ts';
import { destination } from '../v3/objects/refund.ts';
import { present } from './envelope.ts';
import { couponType } from './order-elements.ts';

/** How v2 calls the states of refunds. */
export const REFUND_STATUSES = {
  PROCESSING: 'PROCESSING',
  SUCCESS: 'SUCCESS',
  ABNORMAL: 'CHANGE',
  CLOSED: 'REFUNDCLOSE',
} as const;

/** `refund_account` of v2, and what the refund book calls it. */
export const FUNDS_ACCOUNTS = {
  REFUND_SOURCE_UNSETTLED_FUNDS: 'UNSETTLED',
  REFUND_SOURCE_RECHARGE_FUNDS: 'AVAILABLE',
} as const;

/** The answer to an application. */
export function refundElements(refund: Refund, order: Order): V2Fields {
  return present({
    ...orderOf(refund, order),
    out_refund_no: refund.outRefundNo,
    refund_id: refund.refundId,
    refund_fee: refund.refund,
    settlement_refund_fee: refund.settlementRefund,
    settlement_total_fee: settlementTotal(order),
    cash_fee_type: order.currency,
    cash_refund_fee: refund.payerRefund,
    ...coupons(refund, order, ''),
  });
}

/** Refunds of one order, numbered from 0. */
export function queriedRefunds(refunds: Refund[], order: Order): V2Fields {
  const entries = refunds.map((refund, number) => ({
    [`out_refund_no_${number}`]: refund.outRefundNo,
    [`refund_id_${number}`]: refund.refundId,
    [`refund_channel_${number}`]: destination(refund).channel,
    [`refund_fee_${number}`]: refund.refund,
    [`settlement_refund_fee_${number}`]: refund.settlementRefund,
    ...coupons(refund, order, `_${number}`),
    [`refund_status_${number}`]: REFUND_STATUSES[refund.status],
    [`refund_account_${number}`]: account(refund),
    [`refund_recv_accout_${number}`]: destination(refund).user_received_account,
    [`refund_success_time_${number}`]: successTime(refund),
  }));
  return present({
    ...orderOf(refunds[0], order),
    settlement_total_fee: settlementTotal(order),
    refund_count: refunds.length,
    ...Object.assign({}, ...entries),
  });
}

/** What `req_info` of a notification encrypts. */
export function reqInfo(refund: Refund, order: Order): V2Fields {
  return present({
    out_refund_no: refund.outRefundNo,
    out_trade_no: refund.outTradeNo,
    refund_account: account(refund),
    refund_fee: refund.refund,
    refund_id: refund.refundId,
    refund_recv_accout: destination(refund).user_received_account,
    refund_request_source: 'API',
    refund_status: REFUND_STATUSES[refund.status],
    settlement_refund_fee: refund.settlementRefund,
    settlement_total_fee: settlementTotal(order),
    success_time: successTime(refund),
    total_fee: refund.total,
    transaction_id: refund.transactionId,
    cash_refund_fee: refund.payerRefund,
  });
}

function orderOf(refund: Refund | undefined, order: Order) {
  return {
    transaction_id: refund?.transactionId ?? order.transactionId,
    out_trade_no: order.outTradeNo,
    total_fee: order.total,
    fee_type: order.currency,
    cash_fee: payerTotal(order),
  };
}

/** The coupons' share of a refund; nothing for an order without coupons. */
function coupons({ refund, payerRefund }: Refund, order: Order, number: string) {
  if (order.coupons.length === 0) return {};
  const share = refund - payerRefund;
  const all = order.total - payerTotal(order);
  const entries = order.coupons.map(({ couponId, type, amount }, index) => ({
    [`coupon_type${number}_${index}`]: couponType(type),
    [`coupon_refund_id${number}_${index}`]: couponId,
    [`coupon_refund_fee${number}_${index}`]: proportion(share, amount, all),
  }));
  return {
    [`coupon_refund_fee${number}`]: share,
    [`coupon_refund_count${number}`]: entries.length,
    ...Object.assign({}, ...entries),
  };
}

function account({ fundsAccount }: Refund): string {
  return fundsAccount === 'AVAILABLE' ? 'REFUND_SOURCE_RECHARGE_FUNDS' : 'REFUND_SOURCE_UNSETTLED_FUNDS';
}

/** `2026-03-02 09:02:40` */
function successTime({ status, finishedAt }: Refund): string | undefined {
  return status === 'SUCCESS' && finishedAt
    ? chinaTime(finishedAt).slice(0, 19).replace('T', ' ')
    : undefined;
}
