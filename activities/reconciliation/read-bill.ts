import { CopyText } from '../../database/reconciliation/copy-text.ts';
import type { BillFinding, BillKind } from '../../database/reconciliation/files.ts';
import { type StagedMovement, writeMovement, writeTrade } from '../../database/reconciliation/staging.ts';
import type { BillDate } from '../../domain/bill-day.ts';
import { FLOW_TYPES } from '../../domain/reconciliation.ts';
import {
  type BillReader,
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
 * Reads a bill and gives its rows as PostgreSQL copies them, many at once. What is only odd is noted in `reading`.
 * @throws BillError or UnsoundBill, with the line
 */
export async function* stagedRows(
  source: BillSource,
  expected: ExpectedBill,
  reading: Reading,
): AsyncGenerator<Buffer> {
  const out = new CopyText();
  if (expected.kind === 'trade') {
    const bill = readTradeBill(source);
    yield* copied(bill, out, (row, line) => tradeRow(out, row, line, expected, reading), reading);
    reading.summary = figures(bill.summary);
  } else {
    const bill = readFundFlowBill(source);
    const movements = new Movements(out, expected, reading);
    yield* copied(bill, out, (row, line) => movements.add(row, line), reading);
    movements.write();
    reading.summary = figures(bill.summary);
  }
  yield* out.take({ all: true });
}

async function* copied<Row extends { extra?: Record<string, string> }>(
  bill: Pick<BillReader<Row, unknown>, 'visits'>,
  out: CopyText,
  copy: (row: Row, line: number) => void,
  reading: Reading,
): AsyncGenerator<Buffer> {
  const chunks = bill.visits((row) => {
    if (reading.rows === 0) noteUnknownColumns(row.extra, reading);
    copy(row, FIRST_ROW + reading.rows);
    reading.rows += 1;
  });
  for await (const _ of chunks) yield* out.take();
}

/** PostgreSQL has no such character, and a bill no use for it. */
function requireNoNul({ hasNul }: CopyText, line: number): void {
  if (hasNul) throw new UnsoundBill('BILL_UNREADABLE_ROW', line, 'it has a NUL character.');
}

function tradeRow(
  out: CopyText,
  row: TradeBillRow,
  line: number,
  expected: ExpectedBill,
  reading: Reading,
): void {
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
  writeTrade(out, {
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
  requireNoNul(out, line);
}

/** The row of a refund is REFUND whatever became of it; REVOKED is a payment that was taken back. */
const KINDS: Record<string, 'payment' | 'refund' | 'reversal'> = {
  SUCCESS: 'payment',
  REFUND: 'refund',
  REVOKED: 'reversal',
};

/** Puts rows together that follow each other and are about the same thing: a payment and its fee mostly. */
class Movements {
  readonly #out: CopyText;
  readonly #expected: ExpectedBill;
  readonly #reading: Reading;
  #held: StagedMovement | undefined;

  constructor(out: CopyText, expected: ExpectedBill, reading: Reading) {
    this.#out = out;
    this.#expected = expected;
    this.#reading = reading;
  }

  /** Adds a row to what is held, or writes that when the row does not belong to it. */
  add(row: FundFlowRow, line: number): void {
    requireDay(row.accounting_time, row.accounting_time_rfc3339, line, this.#expected);
    noteName('备注', row.remark, line, this.#reading);
    const { direction } = row;
    if (direction !== '收入' && direction !== '支出') {
      throw new UnsoundBill('BILL_UNREADABLE_ROW', line, `${direction} is neither income nor expense.`);
    }
    const change = direction === '收入' ? row.amount : -row.amount;
    const type = row.business_type;
    const role = ROLES[type];
    const held = this.#held;
    if (held && role && held.type === null && held.businessId === row.business_id) {
      held.rows += 1;
      count(held, role, change);
      return;
    }
    this.write();
    const next: StagedMovement = {
      line,
      rows: 1,
      rowsIn: 0,
      time: row.accounting_time_rfc3339 ?? '',
      businessId: row.business_id,
      flowId: row.flow_id,
      type: role ? null : type,
      change: role ? 0 : change,
      paid: null,
      refunded: null,
      taken: 0,
      returned: 0,
    };
    if (role) count(next, role, change);
    this.#held = next;
  }

  /** Writes what is held. */
  write(): void {
    if (!this.#held) return;
    writeMovement(this.#out, this.#held);
    requireNoNul(this.#out, this.#held.line);
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
