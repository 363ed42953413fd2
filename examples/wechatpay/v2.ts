import type { WechatPay } from '../../wechatpay/index.ts';
import { newNumber } from './numbers.ts';

/** The same over the XML API. */
export default async function v2(pay: WechatPay) {
  const out_trade_no = newNumber('V');
  const { code_url } = await pay.v2.unifiedOrder({
    body: 'Tea set',
    out_trade_no,
    total_fee: 2590,
    spbill_create_ip: '203.0.113.9',
    notify_url: 'https://pay.example.com/wechat',
    trade_type: 'NATIVE',
    product_id: 'tea-set',
  });
  const { trade_state } = await pay.v2.orderQuery({ out_trade_no });
  return { out_trade_no, code_url, trade_state };
}
