import type { BillReader } from '../../../../wechatpay/bills/index.ts';

/** Writes bills the way the gateway does, from texts by title. */

/** The documented titles, by layout. */
export const TITLES = {
  all: '交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注',
  success:
    '交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,商品名称,商户数据包,手续费,费率,订单金额,费率备注',
  refund:
    '交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,退款申请时间,退款成功时间,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注',
  old: '交易时间,公众账号ID,商户号,子商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,总金额,代金券或立减优惠金额,微信退款单号,商户退款单号,退款金额,代金券或立减优惠退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率',
  oldRedPacket:
    '交易时间,公众账号ID,商户号,子商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,总金额,企业红包金额,微信退款单号,商户退款单号,退款金额,企业红包退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率',
  fundFlow:
    '记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),资金变更提交申请人,备注,业务凭证号',
  global:
    '交易时间,公众账号ID,商户号,子商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,充值券币种,充值券金额,优惠券币种,优惠券金额,微信退款单号,商户退款单号,退款类型,退款状态,商品名称,商户数据包,手续费,费率,标价币种,订单金额(标价币种),用户支付币种,用户支付金额,结算币种,应结订单金额,支付汇率,退款汇率,申请退款金额,用户退款币种,用户退款金额,退款结算币种,退款应结订单金额,充值券退款金额,优惠券退款金额',
} as const;

export const SUMMARY_TITLES = {
  all: '总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额',
  success: '总交易单数,应结订单总金额,手续费总金额,订单总金额',
  old: '总交易单数,总交易额,总退款金额,总代金券或立减优惠退款金额,手续费总金额',
  oldRedPacket: '总交易单数,总交易额,总退款金额,总企业红包退款金额,手续费总金额',
  fundFlow: '资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额',
} as const;

/** A payment over 25.90 yuan, in the new layout and the old. */
export const PAYMENT: Record<string, string> = {
  交易时间: '2026-03-01 12:03:11',
  公众账号ID: 'wx0f0123456789abcd',
  商户号: '1900012345',
  特约商户号: '0',
  子商户号: '0',
  设备号: 'POS7',
  微信订单号: '4200000012202603011234567890',
  商户订单号: 'T20260301A000017',
  用户标识: 'oABCDEFGHIJKLMNOPQRSTUVWXYZ1',
  交易类型: 'JSAPI',
  交易状态: 'SUCCESS',
  付款银行: 'OTHERS',
  货币种类: 'CNY',
  应结订单金额: '25.90',
  总金额: '25.90',
  代金券金额: '2.00',
  代金券或立减优惠金额: '2.00',
  企业红包金额: '2.00',
  退款申请时间: '',
  退款成功时间: '',
  微信退款单号: '0',
  商户退款单号: '0',
  退款金额: '0.00',
  充值券退款金额: '0.00',
  代金券或立减优惠退款金额: '0.00',
  企业红包退款金额: '0.00',
  退款类型: '',
  退款状态: '',
  商品名称: 'Tea set',
  商户数据包: 'c=1',
  手续费: '0.16000',
  费率: '0.60%',
  订单金额: '25.90',
  申请退款金额: '0.00',
  费率备注: '',
};

/** A refund of 10.00 yuan. */
export const REFUND: Record<string, string> = {
  ...PAYMENT,
  交易时间: '2026-03-02 09:00:01',
  交易状态: 'REFUND',
  应结订单金额: '0.00',
  总金额: '0.00',
  代金券金额: '0.00',
  代金券或立减优惠金额: '0.00',
  企业红包金额: '0.00',
  退款申请时间: '2026-03-02 09:00:01',
  退款成功时间: '2026-03-02 09:00:05',
  微信退款单号: '50300000122026030212345678901',
  商户退款单号: 'R20260302000001',
  退款金额: '10.00',
  退款类型: 'ORIGINAL',
  退款状态: 'SUCCESS',
  手续费: '-0.06000',
  订单金额: '0.00',
  申请退款金额: '10.00',
};

/** What the gateway makes of a text, so that it breaks neither columns nor lines. */
export function gatewayText(text: string): string {
  return text.replaceAll(',', '\\ ').replaceAll('\n', '\\n');
}

export function line(titles: string, values: Record<string, string>): string {
  return titles
    .split(',')
    .map((title) => `\`${gatewayText(values[title] ?? '')}`)
    .join(',');
}

/** A bill: rows below their titles, and a summary (values as printed) below its own. */
export function bill(
  titles: string,
  rows: readonly Record<string, string>[],
  summary?: readonly [titles: string, ...values: string[]],
  newline = '\n',
): string {
  const lines = [titles, ...rows.map((row) => line(titles, row))];
  if (summary) {
    const [summaryTitles, ...values] = summary;
    lines.push(summaryTitles, values.map((value) => `\`${value}`).join(','));
  }
  return lines.map((text) => text + newline).join('');
}

/** One payment and one refund, in the layout of all trades. */
export const TWO_ROWS = bill(
  TITLES.all,
  [PAYMENT, REFUND],
  [SUMMARY_TITLES.all, '2', '25.90', '10.00', '0.00', '0.10000', '25.90', '10.00'],
);

/** The bytes in pieces of `size`; or cut at the given places. */
export async function* pieces(text: string | Buffer, size = 64 * 1024): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Everything a reader gives, and how it ended. */
export async function readAll<Row, Summary>(
  reader: BillReader<Row, Summary>,
): Promise<{ rows: Row[]; summary: Summary | undefined; error: unknown }> {
  const rows: Row[] = [];
  let error: unknown;
  try {
    for await (const row of reader) rows.push(row);
  } catch (thrown) {
    error = thrown;
  }
  return { rows, summary: reader.summary, error };
}

/** Without the fields that are undefined: those that the layout has. */
export const present = (row: object) =>
  Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined));

/** What `PAYMENT` reads as, in every layout. */
export const PAYMENT_READ = {
  trade_time: '2026-03-01 12:03:11',
  trade_time_rfc3339: '2026-03-01T12:03:11+08:00',
  appid: 'wx0f0123456789abcd',
  mchid: '1900012345',
  sub_mchid: '0',
  device_id: 'POS7',
  transaction_id: '4200000012202603011234567890',
  out_trade_no: 'T20260301A000017',
  openid: 'oABCDEFGHIJKLMNOPQRSTUVWXYZ1',
  trade_type: 'JSAPI',
  trade_state: 'SUCCESS',
  bank_type: 'OTHERS',
  currency: 'CNY',
  settlement_total: 2590,
  coupon_amount: 200,
  description: 'Tea set',
  attach: 'c=1',
  fee_milli_fen: 16_000,
  fee_rate: '0.60%',
};
