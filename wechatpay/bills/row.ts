import { BillError } from '../errors.ts';
import { type ColumnKind, DECIMALS } from './columns.ts';
import { type HeaderColumn, quote } from './header.ts';
import { parseDecimal } from './money.ts';

const NEWLINE = 0x0a;
const RETURN = 0x0d;
const COMMA = 0x2c;
const MINUS = 0x2d;
const ZERO = 0x30;
const COLON = 0x3a;
const BACKTICK = 0x60;
const BLANK = 0x20;

/** A column in the order of the header, ready for use. */
interface Cell {
  title: string;
  field: string;
  /** Where the RFC 3339 form of a time goes. */
  rfc3339Field: string;
  kind: ColumnKind;
  decimals: number;
  blank: boolean;
}

/**
 * Reads the rows below a header. Every value of a row begins with a backtick, and no value has a comma of its own, so that a comma and a
 * backtick end a value; further backticks belong to it.
 *
 * This is the inner loop of a bill of a million rows: values are found in the bytes, numbers are read from the bytes, and only texts become
 * strings.
 */
export class RowReader<Row> {
  /** Where the line after the one that was read begins. */
  next = 0;
  readonly #cells: Cell[];
  readonly #extra: { title: string; index: number }[];
  /** A row without values: a copy of it already has its final shape. */
  readonly #template: Record<string, unknown> = {};
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;
  /** Whether a value has bytes above ASCII. */
  readonly #wide: Uint8Array;

  constructor(header: readonly HeaderColumn[]) {
    this.#cells = header.map(({ title, known }) => ({
      title,
      field: known?.field ?? '',
      rfc3339Field: `${known?.field}_rfc3339`,
      kind: known?.column.kind ?? 'text',
      decimals: (known && DECIMALS[known.column.kind]) ?? 0,
      blank: known?.column.blank ?? false,
    }));
    this.#extra = header.flatMap(({ title, known }, index) => (known ? [] : [{ title, index }]));
    for (const { field, rfc3339Field, kind } of this.#cells) {
      if (field === '') continue;
      this.#template[field] = undefined;
      if (kind === 'time') this.#template[rfc3339Field] = undefined;
    }
    if (this.#extra.length > 0) this.#template.extra = undefined;
    this.#starts = new Int32Array(header.length);
    this.#ends = new Int32Array(header.length);
    this.#wide = new Uint8Array(header.length);
  }

  /**
   * Reads the line that begins at `at` with a backtick; the block ends with a newline.
   * @param text the block, one character for each byte
   * @throws BillError when the line does not fit the header.
   */
  read(block: Buffer, text: string, at: number, line: number): Row {
    this.#split(block, at, line);
    const row = { ...this.#template };
    const cells = this.#cells;
    for (let index = 0; index < cells.length; index++) {
      const cell = cells[index] as Cell;
      if (cell.field === '') continue;
      const start = this.#starts[index] as number;
      const end = this.#ends[index] as number;
      if (cell.kind === 'text') {
        row[cell.field] = this.#wide[index] ? block.toString('utf8', start, end) : text.substring(start, end);
      } else if (cell.kind === 'time') {
        row[cell.field] = this.#wide[index] ? block.toString('utf8', start, end) : text.substring(start, end);
        if (isTime(block, start, end)) {
          row[cell.rfc3339Field] =
            `${text.substring(start, start + 10)}T${text.substring(start + 11, end)}+08:00`;
        }
      } else {
        const value = parseDecimal(block, start, end, cell.decimals);
        if (!Number.isNaN(value)) row[cell.field] = value;
        else if (!cell.blank || start !== end) throw noNumber(cell, block.toString('utf8', start, end), line);
      }
    }
    if (this.#extra.length > 0) row.extra = this.#readExtra(block);
    return row as Row;
  }

  #readExtra(block: Buffer): Record<string, string> {
    // Unlike an assignment, this makes an own property of any title.
    return Object.fromEntries(
      this.#extra.map(({ title, index }) => [
        title,
        block.toString('utf8', this.#starts[index] as number, this.#ends[index] as number),
      ]),
    );
  }

  /** Finds the values of the line. */
  #split(block: Buffer, from: number, line: number): void {
    const width = this.#cells.length;
    const starts = this.#starts;
    const ends = this.#ends;
    const wide = this.#wide;
    let column = 0;
    let start = from + 1;
    let bits = 0;
    let at = start;
    for (; ; at++) {
      const byte = block[at] as number;
      if (byte === NEWLINE) break;
      // The line ends with a newline: there is a next byte.
      if (byte !== COMMA || block[at + 1] !== BACKTICK) {
        bits |= byte;
        continue;
      }
      if (column < width) {
        starts[column] = start;
        ends[column] = at;
        wide[column] = bits >> 7;
      }
      column++;
      start = at + 2;
      bits = 0;
      at++;
    }
    if (column + 1 !== width) {
      throw new BillError('BILL_MALFORMED', `The row has ${column + 1} columns, its header ${width}.`, {
        line,
      });
    }
    starts[column] = start;
    ends[column] = at > start && block[at - 1] === RETURN ? at - 1 : at;
    wide[column] = bits >> 7;
    this.next = at + 1;
  }
}

function noNumber({ title, kind }: Cell, text: string, line: number): BillError {
  const what = {
    fen: 'an amount in whole fen',
    milli_fen: 'an amount of at most five decimals',
    count: 'a number',
  };
  return new BillError(
    'BILL_MALFORMED',
    `${title} reads ${quote(text)}, which is not ${what[kind as keyof typeof what]}.`,
    { line },
  );
}

/** Whether the bytes are a date and a time of day, `yyyy-MM-dd HH:mm:ss`. */
function isTime(bytes: Uint8Array, start: number, end: number): boolean {
  return (
    end - start === 19 &&
    twoDigits(bytes, start) <= 99 &&
    twoDigits(bytes, start + 2) <= 99 &&
    bytes[start + 4] === MINUS &&
    isWithin(twoDigits(bytes, start + 5), 1, 12) &&
    bytes[start + 7] === MINUS &&
    isWithin(twoDigits(bytes, start + 8), 1, 31) &&
    bytes[start + 10] === BLANK &&
    twoDigits(bytes, start + 11) <= 23 &&
    bytes[start + 13] === COLON &&
    twoDigits(bytes, start + 14) <= 59 &&
    bytes[start + 16] === COLON &&
    twoDigits(bytes, start + 17) <= 59
  );
}

function isWithin(value: number, min: number, max: number): boolean {
  return value >= min && value <= max;
}

/** The number that two bytes read; NaN when they are no digits. */
function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = (bytes[at] as number) - ZERO;
  const ones = (bytes[at + 1] as number) - ZERO;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}
