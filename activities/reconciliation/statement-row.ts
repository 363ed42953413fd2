import type { CopyRows } from '../../database/reconciliation/copy-rows.ts';
import { writeStatement } from '../../database/reconciliation/staging.ts';
import {
  type Currency,
  type GlobalStatementRow,
  type Hundredths,
  isCurrency,
  minorUnitsOf,
} from '../../wechatpay/index.ts';
import {
  type ExpectedBill,
  kindOf,
  noteName,
  type Reading,
  requireDay,
  requireNoNul,
  subMerchantOf,
  UnsoundBill,
} from './bill-row.ts';

/**
 * Writes a row of an overseas statement as PostgreSQL copies it. It is matched in the currency of the order; what the merchant gets is said in the currency of the
 * settlement. Only where both are the same does the day move the money of the order less its fee, as in the mainland: otherwise what the order
 * is over has moved, and settlement and fee are kept beside it, not booked.
 * @throws UnsoundBill
 */
export function statementRow(
  out: CopyRows,
  row: GlobalStatementRow,
  line: number,
  expected: ExpectedBill,
  reading: Reading,
): void {
  const time = requireDay(row, 'trade_time', line, expected);
  // The statement of an institution has the rows of all its sub-merchants.
  if (row.mchid !== expected.mchid) {
    const what = `the row is of merchant ${row.mchid}, not of ${expected.mchid}.`;
    throw new UnsoundBill('BILL_OF_ANOTHER_MERCHANT', line, what);
  }
  noteName('商品名称', row.description, line, reading);
  noteName('商户数据包', row.attach, line, reading);
  const kind = kindOf(row.trade_state, line);
  const paid = kind === 'payment';
  const currency = mustBeCurrency(row.currency, '标价币种', line);
  const amount = paid ? row.order_amount : row.requested_refund_amount;
  if (amount === undefined) {
    const what = `${paid ? '订单金额(标价币种)' : '申请退款金额'} is missing.`;
    throw new UnsoundBill('BILL_UNREADABLE_ROW', line, what);
  }
  const settled = settlementOf(row, paid, line);
  const same = settled?.currency === currency;
  const staged = minor(amount, currency, line);
  writeStatement(out, {
    line,
    kind,
    time,
    transactionId: row.transaction_id,
    outTradeNo: row.out_trade_no,
    refundId: row.refund_id,
    outRefundNo: row.out_refund_no,
    refundStatus: row.refund_status,
    currency,
    amount: staged,
    settlement: same ? settled.amount : staged,
    feeMilliFen: same ? thousandths(row.fee_hundred_thousandths ?? 0, currency) : 0,
    subMchid: subMerchantOf(row),
    settledIn: settled?.currency ?? null,
    settled: settled?.amount ?? null,
    feeHundredThousandths: row.fee_hundred_thousandths ?? null,
    feeRate: row.fee_rate,
    ...payerOf(row, paid, line),
    exchangeRate: paid ? row.exchange_rate : row.refund_exchange_rate,
  });
  requireNoNul(out, line);
}

/** What the merchant is paid, or gives back; undefined where the row does not say. */
function settlementOf(
  row: GlobalStatementRow,
  paid: boolean,
  line: number,
): { currency: Currency; amount: number } | undefined {
  const amount = paid ? row.settlement_total : row.refund_settlement_total;
  const code = (!paid && row.refund_settlement_currency) || row.settlement_currency;
  if (amount === undefined || code === '') return undefined;
  const currency = mustBeCurrency(code, '结算币种', line);
  return { currency, amount: minor(amount, currency, line) };
}

/** What the customer has paid, or gets back. */
function payerOf(row: GlobalStatementRow, paid: boolean, line: number) {
  const code = paid ? row.payer_currency : row.payer_refund_currency;
  const amount = paid ? row.payer_amount : row.payer_refund_amount;
  if (code === '' || amount === undefined) return { payerCurrency: null, payerAmount: null };
  const payerCurrency = mustBeCurrency(code, '用户支付币种', line);
  return { payerCurrency, payerAmount: minor(amount, payerCurrency, line) };
}

/** What its smallest unit is must be known: an amount that is wrong by a hundred would match nothing, or the wrong thing. */
function mustBeCurrency(code: string, title: string, line: number): Currency {
  if (isCurrency(code)) return code;
  throw new UnsoundBill(
    'BILL_UNREADABLE_ROW',
    line,
    `${title} is ${JSON.stringify(code)}, which is not known.`,
  );
}

function minor(amount: Hundredths, currency: Currency, line: number): number {
  const units = minorUnitsOf(amount, currency);
  if (units !== undefined) return units;
  const printed = `${Math.trunc(amount / 100)}.${String(Math.abs(amount % 100)).padStart(2, '0')}`;
  const what = `${printed} is no amount of ${currency}, which has no decimals.`;
  throw new UnsoundBill('BILL_UNREADABLE_ROW', line, what);
}

/** A fee in thousandths of the smallest unit: what a statement prints is kept exactly beside it. */
function thousandths(hundredThousandths: number, currency: Currency): number {
  const units = minorUnitsOf(hundredThousandths, currency);
  return units ?? Math.round(hundredThousandths / 100);
}
