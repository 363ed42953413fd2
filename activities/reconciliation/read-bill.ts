import { movementText, type StagedMovement, tradeText } from '../../database/reconciliation/staging.ts';
import { FLOW_TYPES } from '../../domain/reconciliation.ts';
import {
  type BillSource,
  type FundFlowRow,
  readFundFlowBill,
  readGlobalStatement,
  readTradeBill,
  type TradeBillRow,
} from '../../wechatpay/index.ts';
import {
  type ExpectedBill,
  kindOf,
  note,
  noteName,
  type Reading,
  requireDay,
  subMerchantOf,
  UnsoundBill,
} from './bill-row.ts';
import { statementRow } from './statement-row.ts';

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
  switch (expected.kind) {
    case 'trade': {
      const bill = readTradeBill(source);
      yield* texts(bill.batches(), (row, line) => tradeRow(row, line, expected, reading), reading);
      reading.summary = figures(bill.summary);
      break;
    }
    case 'fund_flow': {
      const bill = readFundFlowBill(source);
      const movements = new Movements(expected, reading);
      yield* texts(bill.batches(), (row, line) => movements.add(row, line), reading);
      yield withoutNul(movements.last());
      reading.summary = figures(bill.summary);
      break;
    }
    case 'statement': {
      const bill = readGlobalStatement(source);
      yield* texts(bill.batches(), (row, line) => statementRow(row, line, expected, reading), reading);
      reading.summary = figures(bill.summary);
    }
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
  const time = requireDay(row.trade_time, row.trade_time_rfc3339, line, expected);
  const sub = subMerchantOf(row);
  if (row.mchid !== expected.mchid || sub !== expected.subMchid) {
    throw new UnsoundBill(
      'BILL_OF_ANOTHER_MERCHANT',
      line,
      `the row is of merchant ${row.mchid}${sub ? ` for ${sub}` : ''}, not of ${expected.mchid}${expected.subMchid ? ` for ${expected.subMchid}` : ''}.`,
    );
  }
  noteName('商品名称', row.description, line, reading);
  noteName('商户数据包', row.attach, line, reading);
  const kind = kindOf(row.trade_state, line);
  const paid = kind === 'payment';
  return tradeText({
    line,
    kind,
    time,
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
    const time = requireDay(row.accounting_time, row.accounting_time_rfc3339, line, this.#expected);
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
      time,
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

function noteUnknownColumns(extra: Record<string, string> | undefined, reading: Reading): void {
  if (!extra) return;
  note(reading, 'unknown_columns', 1, `columns that are not known: ${Object.keys(extra).join(', ')}`);
}

/** The figures of a summary, without columns that are not known. */
function figures(summary: object | undefined): Record<string, number> | null {
  if (!summary) return null;
  return Object.fromEntries(
    Object.entries(summary).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
  );
}
