import { BillError } from '../errors.ts';
import { type ColumnKind, DECIMALS } from './column.ts';
import { type HeaderColumn, quote } from './header.ts';
import { parseDecimal } from './money.ts';

const NEWLINE = 0x0a;
const RETURN = 0x0d;
const BLANK = 0x20;
const COMMA = 0x2c;
const MINUS = 0x2d;
const ZERO = 0x30;
const COLON = 0x3a;
const BACKTICK = 0x60;

/** So many texts are remembered, a power of two, and no longer ones. */
const REMEMBERED = 256;
const MOST_REMEMBERED_BYTES = 48;

const EXPECTED: Record<ColumnKind, string> = {
  text: 'a text',
  time: 'a time',
  fen: 'an amount of at most two decimals',
  milli_fen: 'an amount of at most five decimals',
  count: 'a number of rows',
};

/**
 * A line of values below a header: one after the other, the same object. Every value begins with a backtick and has no comma of its own, so a
 * comma and a backtick end a value; further backticks belong to it.
 *
 * This is the inner loop of a bill of a million rows: values are found in the bytes, amounts are read from the bytes, and only texts become
 * strings.
 */
export class Line {
  /** Where the next line of the block begins. */
  next = 0;
  /** Of the line, in the file, from 1. */
  number = 0;
  readonly #header: readonly HeaderColumn[];
  readonly #decimals: readonly number[];
  readonly #unknown: readonly number[];
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;
  /** Whether a value has bytes above ASCII. */
  readonly #wide: Uint8Array;
  readonly #remembered: ({ bytes: Uint8Array; text: string } | undefined)[] =
    Array(REMEMBERED).fill(undefined);
  #block: Buffer = Buffer.alloc(0);
  #text = '';

  constructor(header: readonly HeaderColumn[]) {
    this.#header = header;
    this.#decimals = header.map(({ known }) => (known && DECIMALS[known.column.kind]) ?? 0);
    this.#unknown = header.flatMap(({ known }, index) => (known ? [] : [index]));
    this.#starts = new Int32Array(header.length);
    this.#ends = new Int32Array(header.length);
    this.#wide = new Uint8Array(header.length);
  }

  /**
   * Takes the line that begins at `from` with a backtick, in a block that ends with a newline.
   * @param text the block, one character for each byte
   * @throws BillError when the line has not as many columns as the header.
   */
  take(block: Buffer, text: string, from: number, number: number): void {
    this.#block = block;
    this.#text = text;
    this.number = number;
    const width = this.#starts.length;
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
      throw this.#malformed(`The row has ${column + 1} columns, its header ${width}.`);
    }
    starts[column] = start;
    ends[column] = at > start && block[at - 1] === RETURN ? at - 1 : at;
    wide[column] = bits >> 7;
    this.next = at + 1;
  }

  /** The text of the value, without its backtick. */
  text(index: number): string {
    const start = this.#starts[index] as number;
    const end = this.#ends[index] as number;
    return this.#wide[index] ? this.#wideText(start, end) : this.#text.substring(start, end);
  }

  /** A bill says the same few words a million times: directions, types, names of goods. Short ones are remembered. */
  #wideText(start: number, end: number): string {
    const block = this.#block;
    const length = end - start;
    if (length > MOST_REMEMBERED_BYTES) return block.toString('utf8', start, end);
    let hash = length;
    for (let at = start; at < end; at++) hash = (hash * 31 + (block[at] as number)) | 0;
    const slot = hash & (REMEMBERED - 1);
    const known = this.#remembered[slot];
    if (known && known.bytes.length === length) {
      let at = 0;
      while (at < length && known.bytes[at] === block[start + at]) at++;
      if (at === length) return known.text;
    }
    const text = block.toString('utf8', start, end);
    this.#remembered[slot] = { bytes: Uint8Array.prototype.slice.call(block, start, end), text };
    return text;
  }

  /** The text, or undefined when there is no such column. */
  optionalText(index: number): string | undefined {
    return index < 0 ? undefined : this.text(index);
  }

  /** Beijing time as RFC 3339; undefined when the value is no time or there is no such column. */
  rfc3339(index: number): string | undefined {
    if (index < 0) return undefined;
    const start = this.#starts[index] as number;
    const end = this.#ends[index] as number;
    if (!isTime(this.#block, start, end)) return undefined;
    return `${this.#text.substring(start, start + 10)}T${this.#text.substring(start + 11, end)}+08:00`;
  }

  /**
   * The amount in units of its column, exact.
   * @throws BillError when it is blank or no such amount.
   */
  amount(index: number): number {
    const start = this.#starts[index] as number;
    const end = this.#ends[index] as number;
    const value = parseDecimal(this.#block, start, end, this.#decimals[index] as number);
    if (Number.isNaN(value)) throw this.#noAmount(index);
    return value;
  }

  /** The amount; undefined when it is blank or there is no such column. */
  optionalAmount(index: number): number | undefined {
    return index < 0 || this.#starts[index] === this.#ends[index] ? undefined : this.amount(index);
  }

  /** The values of columns that are not documented, by title; undefined when there are none. */
  extra(): Record<string, string> | undefined {
    if (this.#unknown.length === 0) return undefined;
    // Unlike assigning, this makes an own property of any title.
    return Object.fromEntries(
      this.#unknown.map((index) => [this.#header[index]?.title ?? '', this.text(index)]),
    );
  }

  #noAmount(index: number): BillError {
    const { title = '', known } = this.#header[index] ?? {};
    const expected = EXPECTED[known?.column.kind ?? 'text'];
    return this.#malformed(`${title} reads ${quote(this.text(index))}, which is not ${expected}.`);
  }

  #malformed(what: string): BillError {
    return new BillError('BILL_MALFORMED', what, { line: this.number });
  }
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
