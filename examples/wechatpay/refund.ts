import { OutcomeUnknownError, type WechatPay, WechatPayError } from '../../wechatpay/index.ts';
import { newNumber } from './numbers.ts';

/** Gives part of an order back. */
export default async function refund(pay: WechatPay, outTradeNo: string) {
  const out_refund_no = newNumber('R');
  // Store this text with the refund before it is sent.
  const body = pay.refunds.serialize({
    out_trade_no: outTradeNo,
    out_refund_no,
    reason: 'The pot was broken',
    notify_url: 'https://pay.example.com/wechat',
    amount: { refund: 1000, total: 2590, currency: 'CNY' },
  });
  try {
    const { status } = await pay.refunds.apply(body);
    return { out_refund_no, status };
  } catch (error) {
    // A refusal is final; anything else may have been accepted.
    if (!(error instanceof OutcomeUnknownError)) throw error;
  }
  try {
    const { status } = await pay.refunds.query(out_refund_no);
    return { out_refund_no, status };
  } catch (error) {
    if (!(error instanceof WechatPayError) || error.code !== 'RESOURCE_NOT_EXISTS') throw error;
  }
  // It was not. The same number with the same bytes refunds once, however often it is sent: never take a new number.
  const { status } = await pay.refunds.apply(body);
  return { out_refund_no, status };
}
