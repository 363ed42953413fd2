import type { WechatPayPartner } from '../../wechatpay/index.ts';
import { newNumber } from './numbers.ts';

/** A service provider orders, asks and closes for one of its sub-merchants. */
export default async function partner(pay: WechatPayPartner, sub_mchid: string) {
  const out_trade_no = newNumber('P');
  const { code_url } = await pay.native.create({
    sub_mchid,
    description: 'Tea set',
    out_trade_no,
    notify_url: 'https://pay.example.com/wechat',
    amount: { total: 2590 },
  });
  const { trade_state } = await pay.orders.queryByOutTradeNo(out_trade_no, { sub_mchid });
  await pay.orders.close(out_trade_no, { sub_mchid });
  return { out_trade_no, code_url, trade_state };
}
