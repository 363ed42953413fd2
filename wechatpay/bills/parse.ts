import { FUND_FLOW_BILL, type FundFlowRow, type FundFlowSummary } from './fund-flow-bill.ts';
import {
  GLOBAL_STATEMENT,
  type GlobalStatementRow,
  type GlobalStatementSummary,
} from './global-statement.ts';
import type { BillKind } from './kind.ts';
import { Parser } from './parser.ts';
import { TRADE_BILL, type TradeBillRow, type TradeBillSummary } from './trade-bill.ts';

/**
 * Reads a bill once, from its first row to its last, holding no more than a batch of rows. Each way of reading throws a BillError
 * (BILL_MALFORMED, with its line) as soon as the text is no such bill; errors of the source pass through unchanged.
 *
 * The rows are final only when the loop has ended without an error: that is when the summary, and the hash of openBillFile, are known to match.
 *
 * Texts of a row share the memory of the batch they came in; a program that keeps a few of them for long should copy those.
 */
export interface BillReader<Row, Summary> extends AsyncIterable<Row> {
  /** The summary, once the last row has been read and every figure of it was compared with the rows; undefined before. */
  readonly summary: Summary | undefined;
  /** Row by row. */
  rows(): AsyncGenerator<Row, void, undefined>;
  /** Some hundred rows at once: several times as fast as row by row. */
  batches(): AsyncGenerator<Row[], void, undefined>;
  /**
   * Shows each row to `visit`, for which it must not wait, and gives the word after each chunk of the source: twice as fast as batches for whoever needs
   * a part of each row only. The row is a view, always the same object: what is read from it is of the present line, and only while `visit` runs.
   */
  visits(visit: (row: Row) => void): AsyncGenerator<void, void, undefined>;
}

/** The bytes of a bill, decompressed: a stream of openBillFile, of a file, or any other, in chunks of any size. */
export type BillSource = AsyncIterable<Uint8Array>;

/** Reads a trade bill: ALL, SUCCESS, REFUND, and the layouts before them. Amounts become fen. */
export function readTradeBill(source: BillSource): BillReader<TradeBillRow, TradeBillSummary> {
  return new Reader(source, TRADE_BILL);
}

/** Reads a fund-flow bill, of a merchant or of a partner's sub-merchants. Amounts become fen. */
export function readFundFlowBill(source: BillSource): BillReader<FundFlowRow, FundFlowSummary> {
  return new Reader(source, FUND_FLOW_BILL);
}

/** Reads a statement of `/v3/global/statements`. Amounts become hundredths of the unit of their currency. */
export function readGlobalStatement(
  source: BillSource,
): BillReader<GlobalStatementRow, GlobalStatementSummary> {
  return new Reader(source, GLOBAL_STATEMENT);
}

class Reader<Row, Summary extends { total_count: number }> implements BillReader<Row, Summary> {
  readonly #source: BillSource;
  readonly #kind: BillKind<Row, Summary>;
  #parser: Parser<Row, Summary> | undefined;

  constructor(source: BillSource, kind: BillKind<Row, Summary>) {
    this.#source = source;
    this.#kind = kind;
  }

  get summary(): Summary | undefined {
    return this.#parser?.summary;
  }

  async *batches(): AsyncGenerator<Row[], void, undefined> {
    const parser = this.#begin();
    for await (const chunk of this.#source) yield* parser.read(bytesOf(chunk));
    yield* parser.end();
  }

  async *visits(visit: (row: Row) => void): AsyncGenerator<void, void, undefined> {
    const parser = this.#begin(visit);
    for await (const chunk of this.#source) {
      // There are no batches: every row was shown.
      for (const _ of parser.read(bytesOf(chunk)));
      yield;
    }
    for (const _ of parser.end());
    yield;
  }

  #begin(visit?: (row: Row) => void): Parser<Row, Summary> {
    if (this.#parser) throw new TypeError('a bill can be read only once');
    this.#parser = new Parser(this.#kind, visit);
    return this.#parser;
  }

  async *rows(): AsyncGenerator<Row, void, undefined> {
    for await (const batch of this.batches()) {
      for (const row of batch) yield row;
    }
  }

  [Symbol.asyncIterator](): AsyncGenerator<Row, void, undefined> {
    return this.rows();
  }
}

function bytesOf(chunk: unknown): Uint8Array {
  if (!(chunk instanceof Uint8Array)) {
    throw new TypeError('the source must give bytes; do not set an encoding');
  }
  return chunk;
}
