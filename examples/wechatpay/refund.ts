import { OutcomeUnknownError, type WechatPay } from '../../wechatpay/index.ts';
import { newNumber } from './numbers.ts';

/** Gives part of an order back. */
export default async function refund(pay: WechatPay, outTradeNo: string) {
  const out_refund_no = newNumber('R');
  const body = pay.refunds.serialize({
    out_trade_no: outTradeNo,
    out_refund_no,
    reason: 'The pot was broken',
    notify_url: 'https://pay.example.com/wechat',
    amount: { refund: 1000, total: 2590, currency: 'CNY' },
  });
  try {
    await pay.refunds.apply(body);
  } catch (error) {
    if (!(error instanceof OutcomeUnknownError)) throw error;
    // It may have been accepted. The same number with the same bytes refunds once, however often it is sent.
    await pay.refunds.apply(body);
  }
  const { status } = await pay.refunds.query(out_refund_no);
  return { out_refund_no, status };
}
