import { chinaTime } from './china-time.ts';
import { type Order, payerTotal } from './order.ts';
import type { Refund } from './refund.ts';

/** The refund object of v3 refund answers and refund queries. */
export function refundObject(refund: Refund, order: Order): Record<string, unknown> {
  return {
    refund_id: refund.refundId,
    out_refund_no: refund.outRefundNo,
    transaction_id: refund.transactionId,
    out_trade_no: refund.outTradeNo,
    channel: 'ORIGINAL',
    user_received_account: '支付用户零钱',
    success_time: successTime(refund),
    create_time: chinaTime(refund.createdAt),
    status: refund.status,
    funds_account: refund.fundsAccount ?? 'AVAILABLE',
    amount: {
      total: refund.total,
      refund: refund.refund,
      from: refund.from ?? [],
      payer_total: payerTotal(order),
      payer_refund: refund.payerRefund,
      settlement_refund: refund.refund,
      settlement_total: order.total,
      discount_refund: refund.refund - refund.payerRefund,
      currency: refund.currency,
    },
    promotion_detail: order.coupons.map(({ couponId, scope, amount }) => ({
      promotion_id: couponId,
      scope,
      type: 'COUPON',
      amount,
      refund_amount: refund.refund - refund.payerRefund,
    })),
  };
}

/** The plaintext of a v3 refund notification: `refund_status`, not `status`, and the time only on SUCCESS. */
export function refundNotice(refund: Refund, order: Order): Record<string, unknown> {
  return {
    ...(refund.subMchid ? { sp_mchid: refund.mchid, sub_mchid: refund.subMchid } : { mchid: refund.mchid }),
    out_trade_no: refund.outTradeNo,
    transaction_id: refund.transactionId,
    out_refund_no: refund.outRefundNo,
    refund_id: refund.refundId,
    refund_status: refund.status,
    success_time: successTime(refund),
    user_received_account: '支付用户零钱',
    amount: {
      total: refund.total,
      refund: refund.refund,
      payer_total: payerTotal(order),
      payer_refund: refund.payerRefund,
    },
  };
}

function successTime({ status, finishedAt }: Refund): string | undefined {
  return status === 'SUCCESS' && finishedAt ? chinaTime(finishedAt) : undefined;
}
