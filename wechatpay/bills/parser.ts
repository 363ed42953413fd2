import { BillError } from '../errors.ts';
import type { Column } from './column.ts';
import { positions, readHeader } from './header.ts';
import type { BillKind, ColumnField, Totals } from './kind.ts';
import { Line } from './line.ts';
import { LineBlocks, MAX_LINE_BYTES } from './line-blocks.ts';
import { lineView } from './line-view.ts';

const BACKTICK = 0x60;
const NEWLINE = 0x0a;

/** Rows that are handed on together; a block of lines may bring some more. */
const BATCH_ROWS = 256;

/** Makes rows of bytes: a header, rows that begin with a backtick, the header of the summary, and the summary. */
export class Parser<Row, Summary extends { total_count: number }> {
  /** Set at the end of a sound file. */
  summary: Summary | undefined;
  readonly #kind: BillKind<Row, Summary>;
  readonly #totals: Totals<Summary>;
  readonly #blocks = new LineBlocks();
  /** The number of the line that was read last. */
  #number = 0;
  #batch: Row[] = [];
  readonly #visit: ((row: Row) => void) | undefined;
  #rows: { line: Line; at: Record<ColumnField<Row>, number>; view: Row; readAmounts(): void } | undefined;
  #summaryLine: { line: Line; at: Record<ColumnField<Summary>, number> } | undefined;
  /** The summary as it was read; believed only at the end. */
  #printed: Summary | undefined;

  /** @param visit is shown each row instead of its being handed on: a view of the present line, the same object each time */
  constructor(kind: BillKind<Row, Summary>, visit?: (row: Row) => void) {
    this.#kind = kind;
    this.#visit = visit;
    this.#totals = kind.totals();
  }

  /** The rows that a chunk completes. Rows before a malformed line come before its error, however the bytes were cut. */
  *read(chunk: Uint8Array): Generator<Row[], void, undefined> {
    for (const block of this.#blocks.cut(chunk)) yield* this.#readBlock(block);
    if (this.#batch.length > 0) yield this.#takeBatch();
  }

  /** The row of a last line without newline; then decides whether the file is complete. */
  *end(): Generator<Row[], void, undefined> {
    const last = this.#blocks.last();
    if (last) yield* this.#readBlock(last);
    if (this.#batch.length > 0) yield this.#takeBatch();
    if (!this.#rows) throw this.#malformed(`The file ends without the header of a ${this.#kind.name}.`);
    if (!this.#printed && (this.#summaryLine || this.#kind.summaryRequired)) {
      throw this.#malformed('The file ends without its summary: it is incomplete.');
    }
    this.summary = this.#printed ?? (this.#totals as unknown as Summary);
  }

  *#readBlock(block: Buffer | undefined): Generator<Row[], void, undefined> {
    try {
      if (!block) {
        this.#number++;
        throw this.#malformed(`The line has more than ${MAX_LINE_BYTES} bytes.`);
      }
      this.#readLines(block);
    } catch (error) {
      if (this.#batch.length > 0) yield this.#takeBatch();
      throw error;
    }
    if (this.#batch.length >= BATCH_ROWS) yield this.#takeBatch();
  }

  #takeBatch(): Row[] {
    const batch = this.#batch;
    this.#batch = [];
    return batch;
  }

  #readLines(block: Buffer): void {
    // One character for each byte: positions in the text are positions in the block.
    const text = block.toString('latin1');
    for (let at = 0; at < block.length; ) {
      this.#number++;
      if (block[at] !== BACKTICK || !this.#rows) {
        const end = block.indexOf(NEWLINE, at);
        this.#readTitles(block.toString('utf8', at, end).trimEnd());
        at = end + 1;
      } else if (!this.#summaryLine) {
        const { line, at: positions, view, readAmounts } = this.#rows;
        line.take(block, text, at, this.#number);
        if (this.#visit) {
          readAmounts();
          this.#kind.add(this.#totals, view);
          this.#visit(view);
        } else {
          const row = this.#kind.row(line, positions);
          this.#kind.add(this.#totals, row);
          this.#batch.push(row);
        }
        at = line.next;
      } else {
        if (this.#printed) throw this.#malformed('There is a row after the summary.');
        const { line } = this.#summaryLine;
        line.take(block, text, at, this.#number);
        this.#readSummary(this.#summaryLine);
        at = line.next;
      }
    }
  }

  #readTitles(titles: string): void {
    if (titles === '') return;
    const { name, columns, summary } = this.#kind;
    const number = this.#number;
    if (!this.#rows) {
      const header = readHeader(titles, { columns, name, line: number });
      const line = new Line(header);
      const at = positions(header, columns);
      this.#rows = { line, at, ...lineView(this.#kind, line, at) };
    } else if (!this.#summaryLine) {
      const header = readHeader(titles, { columns: summary, name: `summary of a ${name}`, line: number });
      this.#summaryLine = { line: new Line(header), at: positions(header, summary) };
    } else {
      throw this.#malformed('There is something after the summary.');
    }
  }

  #readSummary({ line, at }: { line: Line; at: Record<ColumnField<Summary>, number> }): void {
    const printed: Record<string, unknown> = {};
    for (const [field, { titles }] of Object.entries<Column>(this.#kind.summary)) {
      const index = at[field as ColumnField<Summary>];
      if (index < 0) continue;
      const amount = line.amount(index);
      const counted = this.#totals[field as keyof Totals<Summary>];
      if (amount !== counted) {
        throw this.#malformed(
          Number.isNaN(counted)
            ? `The rows add up to more than any ${titles[0]} (${field}) can be.`
            : `${titles[0]} (${field}) is ${amount}, but the rows add up to ${counted}.`,
        );
      }
      printed[field] = amount;
    }
    const extra = line.extra();
    if (extra) printed.extra = extra;
    this.#printed = printed as unknown as Summary;
  }

  #malformed(what: string): BillError {
    return new BillError('BILL_MALFORMED', what, { line: Math.max(1, this.#number) });
  }
}
