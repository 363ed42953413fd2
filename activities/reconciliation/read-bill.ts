import type { CopyRows } from '../../database/reconciliation/copy-rows.ts';
import {
  rowsToCopy,
  type StagedMovement,
  writeMovement,
  writeTrade,
} from '../../database/reconciliation/staging.ts';
import { FLOW_TYPES } from '../../domain/reconciliation.ts';
import {
  type BillReader,
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
  requireNoNul,
  subMerchantOf,
  UnsoundBill,
} from './bill-row.ts';
import { statementRow } from './statement-row.ts';

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
  const out = rowsToCopy(expected.kind);
  switch (expected.kind) {
    case 'trade': {
      const bill = readTradeBill(source);
      yield* copied(bill, out, (row, line) => tradeRow(out, row, line, expected, reading), reading);
      reading.summary = figures(bill.summary);
      break;
    }
    case 'fund_flow': {
      const bill = readFundFlowBill(source);
      const movements = new Movements(out, expected, reading);
      yield* copied(bill, out, (row, line) => movements.add(row, line), reading);
      movements.write();
      reading.summary = figures(bill.summary);
      break;
    }
    case 'statement': {
      const bill = readGlobalStatement(source);
      yield* copied(bill, out, (row, line) => statementRow(out, row, line, expected, reading), reading);
      reading.summary = figures(bill.summary);
    }
  }
  yield* out.take({ end: true });
}

async function* copied<Row extends { extra?: Record<string, string> }>(
  bill: Pick<BillReader<Row, unknown>, 'visits'>,
  out: CopyRows,
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

function tradeRow(
  out: CopyRows,
  row: TradeBillRow,
  line: number,
  expected: ExpectedBill,
  reading: Reading,
): void {
  const time = requireDay(row, 'trade_time', line, expected);
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
  writeTrade(out, {
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
  requireNoNul(out, line);
}

/** Puts rows together that follow each other and are about the same thing: a payment and its fee mostly. */
class Movements {
  readonly #out: CopyRows;
  readonly #expected: ExpectedBill;
  readonly #reading: Reading;
  #held: StagedMovement | undefined;

  constructor(out: CopyRows, expected: ExpectedBill, reading: Reading) {
    this.#out = out;
    this.#expected = expected;
    this.#reading = reading;
  }

  /** Adds a row to what is held, or writes that when the row does not belong to it. */
  add(row: FundFlowRow, line: number): void {
    const time = requireDay(row, 'accounting_time', line, this.#expected);
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
      time,
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
