import { RequestRejectedError, type WechatPay } from '../../wechatpay/index.ts';

/** What became of an order: paid, still open, or closed by us because its time is over. */
export default async function settle(pay: WechatPay, outTradeNo: string, { expired = false } = {}) {
  const before = await ask(pay, outTradeNo);
  if (before.state !== 'open' || !expired) return before;
  try {
    await pay.orders.close(outTradeNo);
  } catch (error) {
    // The money may have been faster, which is said in several ways: what counts is what the order says now.
    if (!(error instanceof RequestRejectedError)) throw error;
  }
  return ask(pay, outTradeNo);
}

async function ask(pay: WechatPay, outTradeNo: string) {
  const { trade_state, transaction_id, amount } = await pay.orders.queryByOutTradeNo(outTradeNo);
  // REFUND is an order that was paid and of which something was given back.
  if (trade_state === 'SUCCESS' || trade_state === 'REFUND')
    return { state: 'paid', transaction_id, total: amount?.total };
  return { state: trade_state === 'CLOSED' ? 'closed' : 'open' };
}
