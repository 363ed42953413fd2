import { type WechatPay, WechatPayError } from '../../wechatpay/index.ts';

/** What became of an order: paid, still open, or closed by us because its time is over. */
export default async function settle(pay: WechatPay, outTradeNo: string, { expired = false } = {}) {
  const order = await pay.orders.queryByOutTradeNo(outTradeNo);
  // REFUND is an order that was paid and of which something was given back.
  if (order.trade_state === 'SUCCESS' || order.trade_state === 'REFUND') {
    return { state: 'paid', transaction_id: order.transaction_id, total: order.amount?.total };
  }
  if (!expired) return { state: 'open' };
  try {
    await pay.orders.close(outTradeNo);
  } catch (error) {
    // The money was faster.
    if (!(error instanceof WechatPayError) || error.code !== 'ORDER_PAID') throw error;
    return settle(pay, outTradeNo);
  }
  return { state: 'closed' };
}
