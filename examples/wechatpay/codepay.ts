import { type WechatPay, WechatPayError } from '../../wechatpay/index.ts';
import { newNumber } from './numbers.ts';

/** The customer shows a code, your till reads it. Nobody is notified: ask until it has ended, or take it back. */
export default async function codepay(pay: WechatPay, authCode: string) {
  const out_trade_no = newNumber('C');
  try {
    const order = await pay.codepay.create({
      description: 'Tea set',
      out_trade_no,
      amount: { total: 2590 },
      payer: { auth_code: authCode },
      scene_info: { store_info: { out_id: 'HARBOUR-1' } },
    });
    if (order.trade_state === 'SUCCESS') return { out_trade_no, paid: true };
  } catch (error) {
    // A refusal is final. Anything else may have been paid.
    if (!(error instanceof WechatPayError) || error.outcome === 'rejected') throw error;
  }
  // The customer is typing a password. A till asks every five seconds for half a minute; this example asks once.
  const { trade_state } = await pay.orders.queryByOutTradeNo(out_trade_no);
  if (trade_state === 'SUCCESS') return { out_trade_no, paid: true };
  await pay.codepay.reverse(out_trade_no);
  return { out_trade_no, paid: false };
}
