import { setTimeout as wait } from 'node:timers/promises';
import { OutcomeUnknownError, type WechatPay, WechatPayError } from '../../wechatpay/index.ts';
import { newNumber } from './numbers.ts';

/** The customer shows a code, your till reads it. Nobody is notified: ask until it has ended, or take it back. */
export default async function codepay(pay: WechatPay, authCode: string, every = 5_000, atMost = 30_000) {
  const out_trade_no = newNumber('C');
  let state: string;
  try {
    const order = await pay.codepay.create({
      description: 'Tea set',
      out_trade_no,
      amount: { total: 2590 },
      payer: { auth_code: authCode },
      scene_info: { store_info: { out_id: 'HARBOUR-1' } },
    });
    state = order.trade_state;
  } catch (error) {
    // A refusal is final. Anything else may have been paid.
    if (!(error instanceof OutcomeUnknownError)) throw error;
    state = error.code;
  }
  // The customer is typing a password, or the answer got lost.
  for (let waited = 0; state !== 'SUCCESS' && waited < atMost; waited += every) {
    await wait(every);
    try {
      state = (await pay.orders.queryByOutTradeNo(out_trade_no)).trade_state;
    } catch (error) {
      // Not to know is a reason to ask again, and in the end to take it back.
      if (!(error instanceof WechatPayError)) throw error;
    }
  }
  if (state === 'SUCCESS') return { out_trade_no, paid: true };
  // Not earlier than 15 seconds after the payment; afterwards nobody can pay it any more, and what was paid goes back.
  await pay.codepay.reverse(out_trade_no);
  return { out_trade_no, paid: false };
}
