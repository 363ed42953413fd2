/** Bytes that are handed on together. */
const PIECE_BYTES = 64 * 1024;

/** Signature, no flags, no extension. */
const HEADER = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const TRAILER = Buffer.from([0xff, 0xff]);

/** Midnight of 2000-01-01 in UTC, from which PostgreSQL counts, in seconds since 1970. */
const POSTGRES_EPOCH = 946_684_800;

const LENGTH_BYTES = 4;
const TWO_POW_32 = 2 ** 32;

/** Anything else would be written as another number. @throws RangeError */
function mustBeSafe(value: number): void {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is no safe integer`);
}

/**
 * Rows in the binary form of COPY, written value by value into buffers: a million rows are no million texts that somebody has to clear away, and
 * PostgreSQL need not read numbers and times out of digits.
 * @see https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format"
 */
export class CopyRows {
  /** A value had a NUL character, which PostgreSQL does not take. */
  hasNul = false;
  readonly #columns: number;
  #pieces: Buffer[] = [];
  #buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
  #at = HEADER.copy(this.#buffer);

  /** @param columns how many values a row has */
  constructor(columns: number) {
    this.#columns = columns;
  }

  /** Begins a row; as many values follow as there are columns. */
  row(): this {
    this.#reserve(2);
    this.#at = this.#buffer.writeInt16BE(this.#columns, this.#at);
    return this;
  }

  /** A text. */
  text(value: string): this {
    const { length } = value;
    // No character becomes more than three bytes.
    this.#reserve(LENGTH_BYTES + length * 3);
    const buffer = this.#buffer;
    const start = this.#at + LENGTH_BYTES;
    let at = start;
    for (let index = 0; index < length; index++) {
      const code = value.charCodeAt(index);
      if (code === 0 || code > 0x7f) {
        if (value.includes('\0')) this.hasNul = true;
        at = start + buffer.write(value, start);
        break;
      }
      buffer[at++] = code;
    }
    this.#int32(at - start);
    this.#at = at;
    return this;
  }

  /** An integer of 32 bits. */
  integer(value: number): this {
    mustBeSafe(value);
    this.#reserve(LENGTH_BYTES + 4);
    this.#int32(4);
    this.#int32(value);
    return this;
  }

  /** A safe integer, for a bigint. */
  bigint(value: number): this {
    mustBeSafe(value);
    this.#reserve(LENGTH_BYTES + 8);
    this.#int32(8);
    this.#int32(Math.floor(value / TWO_POW_32));
    this.#int32(value);
    return this;
  }

  /** A time, for a timestamptz. @param seconds since 1970 */
  time(seconds: number): this {
    return this.bigint((seconds - POSTGRES_EPOCH) * 1_000_000);
  }

  /** A text, or null. */
  optionalText(value: string | null): this {
    return value === null ? this.nothing() : this.text(value);
  }

  /** A bigint, or null. */
  optionalBigint(value: number | null): this {
    return value === null ? this.nothing() : this.bigint(value);
  }

  /** Null. */
  nothing(): this {
    this.#reserve(LENGTH_BYTES);
    this.#int32(-1);
    return this;
  }

  /** The pieces that are full, and the rest with the end of the file as well when it is wanted; each is given once. */
  take({ end = false }: { end?: boolean } = {}): Buffer[] {
    if (end) {
      this.#reserve(TRAILER.length);
      this.#at += TRAILER.copy(this.#buffer, this.#at);
      this.#next(PIECE_BYTES);
    }
    const pieces = this.#pieces;
    this.#pieces = [];
    return pieces;
  }

  /** The lower 32 bits, the highest byte first. */
  #int32(value: number): void {
    const buffer = this.#buffer;
    const at = this.#at;
    buffer[at] = value >> 24;
    buffer[at + 1] = value >> 16;
    buffer[at + 2] = value >> 8;
    buffer[at + 3] = value;
    this.#at = at + 4;
  }

  /** Makes room. A row may begin in one piece and end in the next. */
  #reserve(bytes: number): void {
    if (this.#at + bytes > this.#buffer.length) this.#next(Math.max(bytes, PIECE_BYTES));
  }

  #next(bytes: number): void {
    this.#pieces.push(this.#buffer.subarray(0, this.#at));
    this.#buffer = Buffer.allocUnsafeSlow(bytes);
    this.#at = 0;
  }
}
