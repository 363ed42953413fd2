import type { WechatPay } from '../../wechatpay/index.ts';
import { newNumber } from './numbers.ts';

/** One payment for two orders, all or nothing. */
export default async function combined(pay: WechatPay, mchid: string) {
  const combine_out_trade_no = newNumber('K');
  const sub_orders = [1000, 1590].map((total_amount, index) => ({
    mchid,
    out_trade_no: `${combine_out_trade_no}-${index + 1}`,
    description: `Parcel ${index + 1}`,
    attach: `parcel ${index + 1}`,
    amount: { total_amount, currency: 'CNY' as const },
  }));
  const { code_url } = await pay.combine.native.create({
    combine_out_trade_no,
    scene_info: { payer_client_ip: '203.0.113.9' },
    sub_orders,
    notify_url: 'https://pay.example.com/wechat',
  });
  const order = await pay.combine.queryByOutTradeNo(combine_out_trade_no);
  return { combine_out_trade_no, code_url, states: order.sub_orders.map(({ trade_state }) => trade_state) };
}
