import { createHash } from 'node:crypto';

/**
 * A trade bill of any length, written as it is read: nine payments, then a refund, all different. Nothing of it is kept.
 */

const TITLES =
  '交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注\n';
const SUMMARY_TITLES =
  '总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\n';

const CHUNK_BYTES = 64 * 1024;

/** Runs of these are overwritten with digits: the number of the row, its amount, its fee, its time of day. */
const NUMBER = '##########';
const AMOUNT = '@@.@@';
const FEE = '~~~~~';
const TIME = '!!:!!:!!';

const COMMON = `\`2026-03-01 ${TIME},\`wx0f0123456789abcd,\`1900012345,\`0,\`POS7,\`420000001220260301${NUMBER},\`T20260301A${NUMBER},\`oABCDEFGHIJKLMNOP${NUMBER}1,\`JSAPI`;
const PAYMENT = pattern(
  `${COMMON},\`SUCCESS,\`OTHERS,\`CNY,\`${AMOUNT},\`0.00,\`0,\`0,\`0.00,\`0.00,\`,\`,\`茶具 Tea set\\ "large",\`shop=12;table=7,\`0.${FEE},\`0.60%,\`${AMOUNT},\`0.00,\`\n`,
);
const REFUND = pattern(
  `${COMMON},\`REFUND,\`OTHERS,\`CNY,\`0.00,\`0.00,\`5030000012026030112${NUMBER},\`R20260301A${NUMBER},\`${AMOUNT},\`0.00,\`ORIGINAL,\`SUCCESS,\`茶具 Tea set\\ "large",\`shop=12;table=7,\`0.00000,\`0.60%,\`0.00,\`${AMOUNT},\`\n`,
);

interface Pattern {
  bytes: Buffer;
  numbers: number[];
  amounts: number[];
  fees: number[];
  times: number[];
}

function pattern(row: string): Pattern {
  const bytes = Buffer.from(row);
  const places = (of: string) => {
    const found: number[] = [];
    for (let at = bytes.indexOf(of); at >= 0; at = bytes.indexOf(of, at + of.length)) found.push(at);
    return found;
  };
  return { bytes, numbers: places(NUMBER), amounts: places(AMOUNT), fees: places(FEE), times: places(TIME) };
}

/** What a reader of the bill must find. */
export interface ExpectedBill {
  rows: number;
  /** Decompressed. */
  bytes: number;
  sha1: string;
  /** Sum of 订单金额, in fen. */
  orderTotal: number;
}

/** Writes the bill once, to know what is in it. */
export function expectedBill(rows: number): ExpectedBill {
  const hash = createHash('sha1');
  let bytes = 0;
  for (const chunk of billChunks(rows)) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  let orderTotal = 0;
  for (let row = 0; row < rows; row++) if (!isRefund(row)) orderTotal += amountOf(row);
  return { rows, bytes, sha1: hash.digest('hex'), orderTotal };
}

/** The bill, in chunks as a network or a file gives them. */
export function* billChunks(rows: number): Generator<Buffer, void, undefined> {
  yield Buffer.from(TITLES);
  let chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let length = 0;
  let [orders, refunds, fees] = [0, 0, 0];
  for (let row = 0; row < rows; row++) {
    const { bytes, ...places } = isRefund(row) ? REFUND : PAYMENT;
    if (length + bytes.length > CHUNK_BYTES) {
      yield chunk.subarray(0, length);
      chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      length = 0;
    }
    bytes.copy(chunk, length);
    const amount = amountOf(row);
    for (const at of places.numbers) writeDigits(chunk, length + at, row, 10);
    for (const at of places.amounts) {
      writeDigits(chunk, length + at, Math.trunc(amount / 100), 2);
      writeDigits(chunk, length + at + 3, amount % 100, 2);
    }
    for (const at of places.fees) writeDigits(chunk, length + at, amount * 6, 5);
    const second = Math.trunc((row * 86_400) / rows);
    for (const at of places.times) {
      writeDigits(chunk, length + at, Math.trunc(second / 3_600), 2);
      writeDigits(chunk, length + at + 3, Math.trunc(second / 60) % 60, 2);
      writeDigits(chunk, length + at + 6, second % 60, 2);
    }
    length += bytes.length;
    if (isRefund(row)) refunds += amount;
    else [orders, fees] = [orders + amount, fees + amount * 6];
  }
  yield chunk.subarray(0, length);
  const values = [
    `${rows}`,
    decimal(orders, 2),
    decimal(refunds, 2),
    '0.00',
    decimal(fees, 5),
    decimal(orders, 2),
    decimal(refunds, 2),
  ];
  yield Buffer.from(`${SUMMARY_TITLES}${values.map((value) => `\`${value}`).join(',')}\n`);
}

function isRefund(row: number): boolean {
  return row % 10 === 9;
}

/** In fen: 10.00 to 99.99 yuan, so that every row has the same length; 0.6 % of it is exact in five decimals. */
function amountOf(row: number): number {
  return 1_000 + ((row * 37) % 9_000);
}

function decimal(value: number, decimals: number): string {
  const digits = String(value).padStart(decimals + 1, '0');
  return `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

function writeDigits(bytes: Buffer, at: number, value: number, digits: number): void {
  let rest = value;
  for (let place = at + digits - 1; place >= at; place--) {
    bytes[place] = 0x30 + (rest % 10);
    rest = Math.trunc(rest / 10);
  }
}
