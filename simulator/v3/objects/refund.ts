import { proportion, settlementTotal } from '../../money/fee.ts';
import { type Order, payerTotal } from '../../orders/order.ts';
import type { Refund } from '../../refunds/refund.ts';
import { chinaTime } from '../../time/china-time.ts';

/** The refund object of v3 refund answers and refund queries. */
export function refundObject(refund: Refund, order: Order): Record<string, unknown> {
  return {
    refund_id: refund.refundId,
    out_refund_no: refund.outRefundNo,
    transaction_id: refund.transactionId,
    out_trade_no: refund.outTradeNo,
    ...destination(refund),
    success_time: successTime(refund),
    create_time: chinaTime(refund.createdAt),
    status: refund.status,
    funds_account: refund.paidFrom[0]?.account,
    amount: {
      total: refund.total,
      refund: refund.refund,
      from: refund.from ?? [],
      payer_total: payerTotal(order),
      payer_refund: refund.payerRefund,
      settlement_refund: refund.settlementRefund,
      settlement_total: settlementTotal(order),
      discount_refund: refund.refund - refund.payerRefund,
      currency: refund.currency,
      refund_fee: refund.feeRefund,
    },
    promotion_detail: promotions(refund, order),
  };
}

/** The coupons' shares. What WeChat Pay funds comes back as money (COUPON); what the merchant funded was never paid (DISCOUNT). */
function promotions({ refund, payerRefund, request }: Refund, { coupons }: Order): object[] {
  const all = coupons.reduce((sum, { amount }) => sum + amount, 0);
  const { goods_detail } = request as { goods_detail?: object[] };
  return coupons.map(({ couponId, scope, type, amount }) => ({
    promotion_id: couponId,
    scope,
    type: type === 'CASH' ? 'COUPON' : 'DISCOUNT',
    amount,
    refund_amount: proportion(refund - payerRefund, amount, all),
    goods_detail,
  }));
}

/** Where the money goes. */
export function destination({ payout }: Refund): { channel: string; user_received_account: string } {
  if (!payout) return { channel: 'ORIGINAL', user_received_account: '支付用户零钱' };
  if (payout.type === 'MERCHANT_BANK_CARD') {
    return { channel: 'OTHER_BANKCARD', user_received_account: '商户结算银行账户' };
  }
  const { bankType, bankAccount } = payout;
  return { channel: 'OTHER_BANKCARD', user_received_account: `${bankType} ${bankAccount.slice(-4)}` };
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
    user_received_account: destination(refund).user_received_account,
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
