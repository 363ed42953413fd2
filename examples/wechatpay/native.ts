import type { WechatPay } from '../../wechatpay/index.ts';
import { newNumber } from './numbers.ts';

/** The customer scans a QR code of `code_url`. */
export default async function native(pay: WechatPay) {
  const out_trade_no = newNumber('T');
  // Store this text with the order before it is sent: whatever happens, the same number is repeated with the same bytes.
  const body = pay.native.serialize({
    description: 'Tea set',
    out_trade_no,
    notify_url: 'https://pay.example.com/wechat',
    amount: { total: 2590 },
  });
  const { code_url } = await pay.native.create(body);
  return { out_trade_no, code_url };
}
