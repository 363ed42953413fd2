import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { from as copyFrom } from 'pg-copy-streams';
import type { BillKind } from '../../domain/region.ts';
import type { BillFile } from './files.ts';
import { LONG_TIMEOUT, type LongWork } from './long-work.ts';

/** A row of a trade bill, as far as it is matched. Amounts in fen, the fee in thousandths of a fen. */
export interface StagedTrade {
  line: number;
  kind: 'payment' | 'refund' | 'reversal';
  /** RFC 3339. */
  time: string;
  transactionId: string;
  outTradeNo: string;
  /** Empty unless it is a refund. */
  refundId: string;
  outRefundNo: string;
  refundStatus: string;
  currency: string;
  /** What was ordered, or asked back. */
  amount: number;
  /** What of it the merchant is paid, or gives back. */
  settlement: number;
  feeMilliFen: number;
}

/** A row of an overseas statement: what is matched, in the currency of the order, and what is kept of the settlement. */
export interface StagedStatement extends StagedTrade {
  subMchid: string | null;
  /** The currency that the merchant is paid in, and the amount in its smallest unit. */
  settledIn: string | null;
  settled: number | null;
  feeHundredThousandths: number | null;
  feeRate: string;
  payerCurrency: string | null;
  payerAmount: number | null;
  exchangeRate: string;
}

/**
 * Movements of a fund flow that follow each other and are about the same thing, amounts in fen: what WeChat Pay took is negative. Null means that there
 * was no such movement.
 */
export interface StagedMovement {
  line: number;
  /** How many rows of the file it stands for, and how many of them are a payment and its fee. */
  rows: number;
  rowsIn: number;
  /** RFC 3339. */
  time: string;
  businessId: string;
  flowId: string;
  /** Null when it is of a type that is known; then `change` is 0. */
  type: string | null;
  change: number;
  paid: number | null;
  /** With what came back when the refund was closed. */
  refunded: number | null;
  /** The fee of the payment, and what was given back of it. */
  taken: number;
  returned: number;
}

const TRADE = `line integer not null, kind text not null, occurred_at timestamptz not null, wechat_id text not null, transaction_id text not null,
  out_trade_no text not null, refund_id text, out_refund_no text, refund_status text, currency text not null, amount bigint not null,
  settlement bigint not null, fee_milli_fen bigint not null`;

/**
 * Staging tables: one for each file, unlogged and without indexes, as they can be made again from the bytes that are kept. What is matched has its
 * type here; everything else of a row stays in the file.
 */
const TABLES = {
  trade: TRADE,
  statement: `${TRADE}, sub_mchid text, settled_in text, settled bigint, fee_hundred_thousandths bigint, fee_rate text not null,
    payer_currency text, payer_amount bigint, exchange_rate text not null`,
  fund_flow: `line integer not null, flow_rows integer not null, rows_in integer not null, occurred_at timestamptz not null,
    business_id text not null, flow_id text not null, type text, change bigint not null, paid bigint, refunded bigint, taken bigint not null,
    returned bigint not null`,
} as const satisfies Record<BillKind, string>;

/** The staging table of a file. */
export function stagingTable(file: number): string {
  return `bill_staging.file_${file}`;
}

/** Whether the rows of a file are staged at present. Unlogged tables are empty after a crash of the server. */
export async function isStaged(
  db: LongWork,
  { id: file, kind, rowCount }: Pick<BillFile, 'id' | 'kind' | 'rowCount'>,
): Promise<boolean> {
  const { rows } = await db.query<{ there: boolean }>('select to_regclass($1) is not null there', [
    stagingTable(file),
  ]);
  if (!rows[0]?.there) return false;
  const { rows: counted } = await db.query<{ count: number }>(
    `select ${kind === 'fund_flow' ? 'coalesce(sum(flow_rows), 0)' : 'count(*)'}::integer count from ${stagingTable(file)}`,
  );
  return counted[0]?.count === rowCount;
}

/** Makes the table of a file and copies rows into it while they come. @param rows texts of {@link tradeText}, {@link statementText} or {@link movementText} */
export async function stage(
  db: LongWork,
  file: number,
  kind: BillKind,
  rows: AsyncIterable<Buffer>,
): Promise<void> {
  const table = stagingTable(file);
  await db.query(`drop table if exists ${table}`);
  await db.query(`create unlogged table ${table} (${TABLES[kind]})`);
  const copy = Object.assign(copyFrom(`copy ${table} from stdin`), LONG_TIMEOUT);
  // Few batches in between: what waits for long costs memory, and gains nothing.
  await pipeline(Readable.from(rows, { highWaterMark: 2 }), db.client.query(copy));
  await db.query(`analyze ${table}`);
}

/** The rows are those of another file: the same bytes were there already. */
export async function restage(db: LongWork, from: number, to: number): Promise<void> {
  await db.query(`drop table if exists ${stagingTable(to)}`);
  await db.query(`alter table ${stagingTable(from)} rename to file_${to}`);
}

/** Removes what was staged of a file. */
export async function unstage(db: Pick<LongWork, 'query'>, file: number): Promise<void> {
  await db.query(`drop table if exists ${stagingTable(file)}`);
}

/** A row in the text form of COPY. */
export function tradeText(row: StagedTrade): string {
  return `${tradeColumns(row)}\n`;
}

/** A row in the text form of COPY. */
export function statementText(row: StagedStatement): string {
  const settlement = [
    row.subMchid,
    row.settledIn,
    row.settled,
    row.feeHundredThousandths,
    row.feeRate,
    row.payerCurrency,
    row.payerAmount,
    row.exchangeRate,
  ];
  const texts = settlement.map((value) => (value === null ? '\\N' : text(String(value))));
  return `${tradeColumns(row)}\t${texts.join('\t')}\n`;
}

function tradeColumns(row: StagedTrade): string {
  const refund = row.kind === 'refund';
  return `${row.line}\t${row.kind}\t${row.time}\t${text(refund ? row.refundId : row.transactionId)}\t${text(row.transactionId)}\t${text(row.outTradeNo)}\t${
    refund ? `${text(row.refundId)}\t${text(row.outRefundNo)}\t${text(row.refundStatus)}` : '\\N\t\\N\t\\N'
  }\t${text(row.currency)}\t${row.amount}\t${row.settlement}\t${row.feeMilliFen}`;
}

/** A row in the text form of COPY. */
export function movementText(row: StagedMovement): string {
  return `${row.line}\t${row.rows}\t${row.rowsIn}\t${row.time}\t${text(row.businessId)}\t${text(row.flowId)}\t${
    row.type === null ? '\\N' : text(row.type)
  }\t${row.change}\t${row.paid ?? '\\N'}\t${row.refunded ?? '\\N'}\t${row.taken}\t${row.returned}\n`;
}

function text(value: string): string {
  return /[\\\t\n\r]/.test(value)
    ? value.replace(/[\\\t\n\r]/g, (character) => ESCAPES[character] ?? '')
    : value;
}

const ESCAPES: Record<string, string> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };
