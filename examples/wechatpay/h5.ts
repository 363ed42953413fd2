import type { WechatPay } from '../../wechatpay/index.ts';
import { newNumber } from './numbers.ts';

/** A browser on a phone, outside of WeChat, is sent to WeChat and comes back. */
export default async function h5(pay: WechatPay) {
  const out_trade_no = newNumber('T');
  const { h5_url } = await pay.h5.create({
    description: 'Tea set',
    out_trade_no,
    notify_url: 'https://pay.example.com/wechat',
    amount: { total: 2590 },
    scene_info: { payer_client_ip: '203.0.113.9', h5_info: { type: 'Wap' } },
  });
  const redirectUrl = `https://shop.example.com/orders/${out_trade_no}`;
  return { out_trade_no, location: pay.invocation.h5(h5_url, { redirectUrl }) };
}
