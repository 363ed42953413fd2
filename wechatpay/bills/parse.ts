import { BillError } from '../errors.ts';
import { type BillKind, type Column, FUND_FLOW_BILL, GLOBAL_STATEMENT, TRADE_BILL } from './columns.ts';
import { readHeader } from './header.ts';
import { LineBlocks, MAX_LINE_BYTES } from './lines.ts';
import { RowReader } from './row.ts';
import type {
  FundFlowRow,
  FundFlowSummary,
  GlobalStatementRow,
  GlobalStatementSummary,
  TradeBillRow,
  TradeBillSummary,
} from './rows.ts';

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

/** Rows that are handed on together. */
const BATCH_ROWS = 256;

class Reader<Row, Summary extends { total_count: number }> implements BillReader<Row, Summary> {
  readonly #source: BillSource;
  readonly #parser: Parser<Row, Summary>;
  #begun = false;

  constructor(source: BillSource, kind: BillKind<Row, Summary>) {
    this.#source = source;
    this.#parser = new Parser(kind);
  }

  get summary(): Summary | undefined {
    return this.#parser.summary;
  }

  async *batches(): AsyncGenerator<Row[], void, undefined> {
    if (this.#begun) throw new TypeError('a bill can be read only once');
    this.#begun = true;
    for await (const chunk of this.#source) {
      if (!(chunk instanceof Uint8Array)) {
        throw new TypeError('the source must give bytes; do not set an encoding');
      }
      yield* this.#parser.read(chunk);
    }
    yield* this.#parser.end();
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

const BACKTICK = 0x60;
const NEWLINE = 0x0a;

class Parser<Row, Summary extends { total_count: number }> {
  summary: Summary | undefined;
  readonly #kind: BillKind<Row, Summary>;
  readonly #totals: Required<Omit<Summary, 'extra'>>;
  readonly #lines = new LineBlocks();
  /** The line that was read last. */
  #line = 0;
  #batch: Row[] = [];
  #rows: RowReader<Row> | undefined;
  #summaryRow: RowReader<Summary> | undefined;
  /** The summary as it was read; believed only at the end of the file. */
  #printed: Summary | undefined;

  constructor(kind: BillKind<Row, Summary>) {
    this.#kind = kind;
    this.#totals = kind.totals();
  }

  *read(chunk: Uint8Array): Generator<Row[], void, undefined> {
    for (const block of this.#lines.cut(chunk)) yield* this.#readBlock(block);
    if (this.#batch.length > 0) yield this.#take();
  }

  *end(): Generator<Row[], void, undefined> {
    const last = this.#lines.last();
    if (last) yield* this.#readBlock(last);
    if (this.#batch.length > 0) yield this.#take();
    if (!this.#rows) throw this.#malformed(`The file ends without the header of a ${this.#kind.name}.`);
    if (!this.#printed && (this.#summaryRow || this.#kind.summaryRequired)) {
      throw this.#malformed('The file ends without its summary: it is incomplete.');
    }
    this.summary = this.#printed ?? (this.#totals as unknown as Summary);
  }

  /** Rows before a malformed line are handed on before the error, so that it does not matter how the bytes were cut. */
  *#readBlock(block: Buffer | undefined): Generator<Row[], void, undefined> {
    try {
      if (block) this.#readLines(block);
      else throw this.#malformed(`The line has more than ${MAX_LINE_BYTES} bytes.`, this.#line + 1);
    } catch (error) {
      if (this.#batch.length > 0) yield this.#take();
      throw error;
    }
    if (this.#batch.length >= BATCH_ROWS) yield this.#take();
  }

  #take(): Row[] {
    const batch = this.#batch;
    this.#batch = [];
    return batch;
  }

  #readLines(block: Buffer): void {
    // One character for each byte: positions in the text are positions in the block.
    const text = block.toString('latin1');
    for (let at = 0; at < block.length; ) {
      this.#line++;
      if (this.#rows && block[at] === BACKTICK) {
        const { next } = this.#summaryRow
          ? this.#readSummary(this.#summaryRow, block, text, at)
          : this.#readRow(this.#rows, block, text, at);
        at = next;
      } else {
        const end = block.indexOf(NEWLINE, at);
        this.#readTitles(block.toString('utf8', at, end).trimEnd());
        at = end + 1;
      }
    }
  }

  #readRow(rows: RowReader<Row>, block: Buffer, text: string, at: number): RowReader<Row> {
    const row = rows.read(block, text, at, this.#line);
    this.#kind.add(this.#totals, row);
    this.#batch.push(row);
    return rows;
  }

  #readSummary(reader: RowReader<Summary>, block: Buffer, text: string, at: number): RowReader<Summary> {
    if (this.#printed) throw this.#malformed('There is a row after the summary.');
    const summary = reader.read(block, text, at, this.#line);
    const totals = this.#totals as Record<string, number>;
    const columns: Record<string, Column> = this.#kind.summary;
    for (const [field, printed] of Object.entries(summary)) {
      const counted = totals[field];
      if (counted === undefined || counted === printed) continue;
      const title = columns[field]?.titles[0];
      throw this.#malformed(
        Number.isNaN(counted)
          ? `${title} (${field}): the rows add up to more than any bill can say.`
          : `${title} (${field}) is ${printed} in the summary, but the rows add up to ${counted}.`,
      );
    }
    this.#printed = summary;
    return reader;
  }

  #readTitles(text: string): void {
    if (text === '') return;
    const { name, columns, summary } = this.#kind;
    const line = this.#line;
    if (!this.#rows) {
      this.#rows = new RowReader(readHeader(text, { columns, name, line }));
    } else if (!this.#summaryRow) {
      this.#summaryRow = new RowReader(
        readHeader(text, { columns: summary, name: `summary of a ${name}`, line }),
      );
    } else {
      throw this.#malformed('There is something after the summary.');
    }
  }

  #malformed(what: string, line = this.#line): BillError {
    return new BillError('BILL_MALFORMED', what, { line: Math.max(1, line) });
  }
}
