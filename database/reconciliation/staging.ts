import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { from as copyFrom } from 'pg-copy-streams';
import type { BillKind } from '../../domain/region.ts';
import { CopyRows } from './copy-rows.ts';
import type { BillFile } from './files.ts';
import { LONG_TIMEOUT, type LongWork } from './long-work.ts';

/** A row of a trade bill, as far as it is matched. Amounts in fen, the fee in thousandths of a fen. */
export interface StagedTrade {
  line: number;
  kind: 'payment' | 'refund' | 'reversal';
  /** Seconds since 1970. */
  time: number;
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
  /** Seconds since 1970. */
  time: number;
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
  settlement bigint not null, fee_milli_fen bigint not null, second boolean not null default false, taken_back boolean not null default false`;

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
    returned bigint not null, apart boolean not null default false`,
} as const satisfies Record<BillKind, string>;

/** In the order, and of the types, of {@link writeTrade}, {@link writeStatement} and {@link writeMovement}. */
const COPIED_TRADE = `line, kind, occurred_at, wechat_id, transaction_id, out_trade_no, refund_id, out_refund_no, refund_status, currency,
  amount, settlement, fee_milli_fen`;
const COPIED = {
  trade: COPIED_TRADE,
  statement: `${COPIED_TRADE}, sub_mchid, settled_in, settled, fee_hundred_thousandths, fee_rate, payer_currency, payer_amount, exchange_rate`,
  fund_flow:
    'line, flow_rows, rows_in, occurred_at, business_id, flow_id, type, change, paid, refunded, taken, returned',
} as const satisfies Record<BillKind, string>;

/** What the planner should know. All columns would take it a while, and most it never asks about. */
const PLANNED_BY = {
  trade: 'kind, wechat_id, transaction_id',
  statement: 'kind, wechat_id, transaction_id',
  fund_flow: 'business_id, flow_id, type, apart',
} as const satisfies Record<BillKind, string>;

/**
 * What only the whole file tells. Of a trade bill: the rows whose subject had one before, and payments and reversals of the same transaction. Of a fund flow: what is not alone in its row, because the rest is
 * elsewhere in the file, or because it is a payment and a refund at once; and which of the movements that are no trade have a number that one before has.
 */
const markTrade = (table: string) =>
  `update ${table} t set second = true
     from (select kind, wechat_id, min(line) as first from ${table} group by kind, wechat_id having count(*) > 1) d
    where t.kind = d.kind and t.wechat_id = d.wechat_id and t.line > d.first;
   update ${table} t set taken_back = true
     from (select distinct r.transaction_id
             from ${table} r join ${table} p on p.transaction_id = r.transaction_id and p.kind = 'payment'
            where r.kind = 'reversal') d
    where t.transaction_id = d.transaction_id and t.kind in ('payment', 'reversal')`;
const MARK = {
  trade: markTrade,
  statement: markTrade,
  fund_flow: (table) =>
    `update ${table} set apart = true
      where type is null and (paid is not null and refunded is not null
        or business_id in (select business_id from ${table} where type is null group by business_id having count(*) > 1));
     update ${table} t set flow_id = t.flow_id || '/' || o.number
       from (select line, row_number() over (partition by flow_id order by line) as number from ${table} where type is not null) o
      where o.line = t.line and o.number > 1`,
} as const satisfies Record<BillKind, (table: string) => string>;

/** Rows of this kind, of which none is written yet. */
export function rowsToCopy(kind: BillKind): CopyRows {
  return new CopyRows(COPIED[kind].split(',').length);
}

/** The staging table of a file. */
export function stagingTable(file: number): string {
  return `bill_staging.file_${file}`;
}

/** A table that a run works with and leaves nothing of. No temporary one: several processes cannot read those. */
export function workTable(name: 'movements' | 'more_book' | 'more_subjects' | 'prior', run: number): string {
  return `bill_staging.${name}_${run}`;
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

/**
 * Makes the table of a file and copies rows into it while they come.
 * @param rows what {@link writeTrade}, {@link writeStatement} or {@link writeMovement} has written
 * @param copied is called when all of them are there, and have still to be looked at
 */
export async function stage(
  db: LongWork,
  file: number,
  kind: BillKind,
  rows: AsyncIterable<Buffer>,
  copied?: () => void,
): Promise<void> {
  const table = stagingTable(file);
  await db.query(`drop table if exists ${table}`);
  await db.query(`create unlogged table ${table} (${TABLES[kind]})`);
  // Frozen: whoever reads the rows need not look up who has written them.
  const copy = Object.assign(
    copyFrom(`copy ${table} (${COPIED[kind]}) from stdin (format binary, freeze)`),
    LONG_TIMEOUT,
  );
  // Few batches in between: what waits for long costs memory, and gains nothing.
  await pipeline(Readable.from(rows, { highWaterMark: 2 }), db.client.query(copy));
  copied?.();
  await db.query(`analyze ${table} (${PLANNED_BY[kind]})`);
  await db.query(MARK[kind](table));
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

/** Writes a row as it is copied: what a trade bill says, and then what only a statement does. */
export function writeStatement(out: CopyRows, row: StagedStatement): void {
  writeTrade(out, row);
  out.optionalText(row.subMchid).optionalText(row.settledIn).optionalBigint(row.settled);
  out.optionalBigint(row.feeHundredThousandths).text(row.feeRate);
  out.optionalText(row.payerCurrency).optionalBigint(row.payerAmount).text(row.exchangeRate);
}

/** Writes a row as it is copied. */
export function writeTrade(out: CopyRows, row: StagedTrade): void {
  const refund = row.kind === 'refund';
  out
    .row()
    .integer(row.line)
    .text(row.kind)
    .time(row.time)
    .text(refund ? row.refundId : row.transactionId)
    .text(row.transactionId)
    .text(row.outTradeNo);
  if (refund) out.text(row.refundId).text(row.outRefundNo).text(row.refundStatus);
  else out.nothing().nothing().nothing();
  out.text(row.currency).bigint(row.amount).bigint(row.settlement).bigint(row.feeMilliFen);
}

/** Writes a row as it is copied. */
export function writeMovement(out: CopyRows, row: StagedMovement): void {
  out
    .row()
    .integer(row.line)
    .integer(row.rows)
    .integer(row.rowsIn)
    .time(row.time)
    .text(row.businessId)
    .text(row.flowId);
  out.optionalText(row.type).bigint(row.change).optionalBigint(row.paid).optionalBigint(row.refunded);
  out.bigint(row.taken).bigint(row.returned);
}
