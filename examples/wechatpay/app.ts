import type { WechatPay } from '../../wechatpay/index.ts';
import { newNumber } from './numbers.ts';

/** Your own app hands the parameters to WeChat's SDK. */
export default async function app(pay: WechatPay) {
  const out_trade_no = newNumber('T');
  const { prepay_id } = await pay.app.create({
    description: 'Tea set',
    out_trade_no,
    notify_url: 'https://pay.example.com/wechat',
    amount: { total: 2590 },
  });
  return { out_trade_no, payReq: pay.invocation.app(prepay_id) };
}
