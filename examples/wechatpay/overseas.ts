import type { WechatPayGlobal } from '../../wechatpay/index.ts';
import { newNumber } from './numbers.ts';

/** A merchant in Hong Kong. */
export default async function overseas(pay: WechatPayGlobal) {
  const out_trade_no = newNumber('G');
  const { code_url } = await pay.native.create({
    description: 'Tea set',
    out_trade_no,
    notify_url: 'https://pay.example.com/wechat',
    merchant_category_code: '5812',
    amount: { total: 2590, currency: 'HKD' },
  });
  const { trade_state } = await pay.orders.queryByOutTradeNo(out_trade_no);
  return { out_trade_no, code_url, trade_state };
}
