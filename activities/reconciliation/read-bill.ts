import type { BillFinding, BillKind } from '../../database/reconciliation/files.ts';
import { movementText, type StagedMovement, tradeText } from '../../database/reconciliation/staging.ts';
import type { BillDate } from '../../domain/bill-day.ts';
import { FLOW_TYPES } from '../../domain/reconciliation.ts';
import {
  type BillSource,
  type FundFlowRow,
  readFundFlowBill,
  readTradeBill,
  type TradeBillRow,
} from '../../wechatpay/index.ts';

/** Whose bill, and of which day: another one is refused. */
export interface ExpectedBill {
  kind: BillKind;
  mchid: string;
  subMchid: string | null;
  billDate: BillDate;
}

/** A bill that is sound as a file and still not to be believed. */
export class UnsoundBill extends Error {
  override readonly name = 'UnsoundBill';
  readonly code: 'BILL_OF_ANOTHER_MERCHANT' | 'BILL_OF_ANOTHER_DAY' | 'BILL_UNREADABLE_ROW';
  readonly line: number;

  constructor(code: UnsoundBill['code'], line: number, what: string) {
    super(`Line ${line}: ${what}`);
    this.code = code;
    this.line = line;
  }
}

/** What was seen on the way. */
export interface Reading {
  rows: number;
  findings: Map<string, BillFinding>;
  /** The bill's own last line, once everything was read. */
  summary: Record<string, number> | null;
}

/** A reading that has not begun. */
export const newReading = (): Reading => ({ rows: 0, findings: new Map(), summary: null });

/** The header is line 1. */
const FIRST_ROW = 2;

/**
 * Reads a bill and gives its rows as PostgreSQL copies them, some hundred at once. What is only odd is noted in `reading`.
 * @throws BillError or UnsoundBill, with the line
 */
export async function* stagedRows(
  source: BillSource,
  expected: ExpectedBill,
  reading: Reading,
): AsyncGenerator<Buffer> {
  if (expected.kind === 'trade') {
    const bill = readTradeBill(source);
    yield* texts(bill.batches(), (row, line) => tradeRow(row, line, expected, reading), reading);
    reading.summary = figures(bill.summary);
  } else {
    const bill = readFundFlowBill(source);
    const movements = new Movements(expected, reading);
    yield* texts(bill.batches(), (row, line) => movements.add(row, line), reading);
    yield withoutNul(movements.last());
    reading.summary = figures(bill.summary);
  }
}

async function* texts<Row extends { extra?: Record<string, string> }>(
  batches: AsyncIterable<Row[]>,
  textOf: (row: Row, line: number) => string,
  reading: Reading,
): AsyncGenerator<Buffer> {
  for await (const batch of batches) {
    if (reading.rows === 0) noteUnknownColumns(batch[0]?.extra, reading);
    let text = '';
    for (const row of batch) {
      const line = FIRST_ROW + reading.rows;
      text += textOf(row, line);
      reading.rows += 1;
    }
    yield withoutNul(text);
  }
}

/** PostgreSQL has no such character, and a bill no use for it. Each text begins with the number of its line. */
function withoutNul(texts: string): Buffer {
  const bad = texts.includes('\0') ? texts.split('\n').find((text) => text.includes('\0')) : undefined;
  if (bad) throw new UnsoundBill('BILL_UNREADABLE_ROW', Number.parseInt(bad, 10), 'it has a NUL character.');
  return Buffer.from(texts);
}

function tradeRow(row: TradeBillRow, line: number, expected: ExpectedBill, reading: Reading): string {
  requireDay(row.trade_time, row.trade_time_rfc3339, line, expected);
  const sub = row.sub_mchid === '0' || row.sub_mchid === '' ? null : row.sub_mchid;
  if (row.mchid !== expected.mchid || sub !== expected.subMchid) {
    throw new UnsoundBill(
      'BILL_OF_ANOTHER_MERCHANT',
      line,
      `the row is of merchant ${row.mchid}${sub ? ` for ${sub}` : ''}, not of ${expected.mchid}${expected.subMchid ? ` for ${expected.subMchid}` : ''}.`,
    );
  }
  noteName('商品名称', row.description, line, reading);
  noteName('商户数据包', row.attach, line, reading);
  const kind = KINDS[row.trade_state];
  if (!kind) {
    throw new UnsoundBill('BILL_UNREADABLE_ROW', line, `the state ${row.trade_state} is not known.`);
  }
  const paid = kind === 'payment';
  return tradeText({
    line,
    kind,
    time: row.trade_time_rfc3339 ?? '',
    transactionId: row.transaction_id,
    outTradeNo: row.out_trade_no,
    refundId: row.refund_id ?? '',
    outRefundNo: row.out_refund_no ?? '',
    refundStatus: row.refund_status ?? '',
    currency: row.currency,
    // Bills of the old layout do not have what was ordered; only merchants' own coupons make a difference.
    amount: paid
      ? (row.order_amount ?? row.settlement_total)
      : (row.requested_refund_amount ?? row.refund_amount ?? 0),
    settlement: paid ? row.settlement_total : (row.refund_amount ?? 0),
    feeMilliFen: row.fee_milli_fen,
  });
}

/** The row of a refund is REFUND whatever became of it; REVOKED is a payment that was taken back. */
const KINDS: Record<string, 'payment' | 'refund' | 'reversal'> = {
  SUCCESS: 'payment',
  REFUND: 'refund',
  REVOKED: 'reversal',
};

/** Puts rows together that follow each other and are about the same thing: a payment and its fee mostly. */
class Movements {
  readonly #expected: ExpectedBill;
  readonly #reading: Reading;
  #held: StagedMovement | undefined;

  constructor(expected: ExpectedBill, reading: Reading) {
    this.#expected = expected;
    this.#reading = reading;
  }

  /** @returns the text of what the row does not belong to any more, or nothing. */
  add(row: FundFlowRow, line: number): string {
    requireDay(row.accounting_time, row.accounting_time_rfc3339, line, this.#expected);
    noteName('备注', row.remark, line, this.#reading);
    if (row.direction !== '收入' && row.direction !== '支出') {
      throw new UnsoundBill('BILL_UNREADABLE_ROW', line, `${row.direction} is neither income nor expense.`);
    }
    const change = row.direction === '收入' ? row.amount : -row.amount;
    const role = ROLES[row.business_type];
    const held = this.#held;
    if (held && role && held.type === null && held.businessId === row.business_id) {
      held.rows += 1;
      count(held, role, change);
      return '';
    }
    const next: StagedMovement = {
      line,
      rows: 1,
      rowsIn: 0,
      time: row.accounting_time_rfc3339 ?? '',
      businessId: row.business_id,
      flowId: row.flow_id,
      type: role ? null : row.business_type,
      change: role ? 0 : change,
      paid: null,
      refunded: null,
      taken: 0,
      returned: 0,
    };
    if (role) count(next, role, change);
    this.#held = next;
    return held ? movementText(held) : '';
  }

  /** The text of what was held last. */
  last(): string {
    return this.#held ? movementText(this.#held) : '';
  }
}

const ROLES: Record<string, (typeof FLOW_TYPES)[keyof typeof FLOW_TYPES] | undefined> = FLOW_TYPES;

function count(
  movement: StagedMovement,
  role: (typeof FLOW_TYPES)[keyof typeof FLOW_TYPES],
  change: number,
): void {
  switch (role) {
    case 'paid':
      movement.paid = (movement.paid ?? 0) + change;
      movement.rowsIn += 1;
      break;
    case 'fee_taken':
      movement.taken += change;
      movement.rowsIn += 1;
      break;
    case 'fee_returned':
      movement.returned += change;
      break;
    default:
      movement.refunded = (movement.refunded ?? 0) + change;
  }
}

function requireDay(
  text: string,
  rfc3339: string | undefined,
  line: number,
  { billDate }: ExpectedBill,
): void {
  if (rfc3339 === undefined) {
    throw new UnsoundBill('BILL_UNREADABLE_ROW', line, `${JSON.stringify(text)} is no time.`);
  }
  if (!text.startsWith(billDate)) {
    throw new UnsoundBill('BILL_OF_ANOTHER_DAY', line, `the row is of ${text}, the bill of ${billDate}.`);
  }
}

/** A spreadsheet takes a text that begins so for a formula. */
const FORMULA = /^[=+\-@\t\r]/;

/** Names are the customer's and the merchant's own words: odd ones are shown, and neutralised wherever they are written out. */
function noteName(title: string, text: string, line: number, reading: Reading): void {
  if (text === '') return;
  if (FORMULA.test(text)) {
    note(reading, 'formula_text', line, `${title} begins like a formula of a spreadsheet`);
  }
  if (text.includes('\ufffd')) note(reading, 'not_utf8', line, `${title} is not UTF-8, but GBK perhaps`);
}

function noteUnknownColumns(extra: Record<string, string> | undefined, reading: Reading): void {
  if (!extra) return;
  note(reading, 'unknown_columns', 1, `columns that are not known: ${Object.keys(extra).join(', ')}`);
}

function note(reading: Reading, code: string, line: number, detail: string): void {
  const known = reading.findings.get(code);
  if (known) known.count += 1;
  else reading.findings.set(code, { code, line, detail, count: 1 });
}

/** The figures of a summary, without columns that are not known. */
function figures(summary: object | undefined): Record<string, number> | null {
  if (!summary) return null;
  return Object.fromEntries(
    Object.entries(summary).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
  );
}
