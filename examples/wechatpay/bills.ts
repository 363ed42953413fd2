import { readTradeBill, type WechatPay, WechatPayError } from '../../wechatpay/index.ts';

/** Adds up a day. */
export default async function bills(pay: WechatPay, bill_date: string) {
  let address: Awaited<ReturnType<typeof pay.bills.trade>>;
  try {
    address = await pay.bills.trade({ bill_date });
  } catch (error) {
    if (error instanceof WechatPayError && error.code === 'NO_STATEMENT_EXIST') return { rows: 0, total: 0 };
    throw error;
  }
  const bill = readTradeBill(await pay.bills.download(address));
  let rows = 0;
  let total = 0;
  for await (const row of bill.rows()) {
    rows += 1;
    if (row.trade_state === 'SUCCESS') total += row.order_amount ?? 0;
  }
  // Only here is it certain that nothing was lost on the way: hash and summary have been compared.
  return { rows, total, summary: bill.summary };
}
