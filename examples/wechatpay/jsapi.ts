import type { WechatPay } from '../../wechatpay/index.ts';
import { newNumber } from './numbers.ts';

/** A page of your official account, or a mini program. */
export default async function jsapi(pay: WechatPay, openid: string) {
  const out_trade_no = newNumber('T');
  const { prepay_id } = await pay.jsapi.create({
    description: 'Tea set',
    out_trade_no,
    notify_url: 'https://pay.example.com/wechat',
    amount: { total: 2590 },
    payer: { openid },
  });
  return {
    out_trade_no,
    // WeixinJSBridge.invoke('getBrandWCPayRequest', page, …)
    page: pay.invocation.jsapi(prepay_id),
    // wx.requestPayment({ ...miniProgram, success, fail })
    miniProgram: pay.invocation.miniProgram(prepay_id),
  };
}
