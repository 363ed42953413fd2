/** Bytes that are handed on together. */
const PIECE_BYTES = 64 * 1024;

const TAB = 0x09;
const NEWLINE = 0x0a;
const MINUS = 0x2d;
const ZERO = 0x30;
const BACKSLASH = 0x5c;
const NOTHING = Buffer.from('\\N\t');
const ESCAPES: Record<string, string> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/** The longest number, with its sign and what ends it. */
const NUMBER_BYTES = 24;

/**
 * Rows in the text form of COPY, written value by value into buffers: a million rows are no million texts that somebody has to clear away.
 */
export class CopyText {
  /** A value had a NUL character, which PostgreSQL does not take. */
  hasNul = false;
  #pieces: Buffer[] = [];
  #buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
  #at = 0;

  /** The next value, as it is. */
  text(value: string): this {
    const { length } = value;
    // No character becomes more than three bytes, escaped or not.
    this.#reserve(length * 3 + 1);
    const buffer = this.#buffer;
    let at = this.#at;
    for (let index = 0; index < length; index++) {
      const code = value.charCodeAt(index);
      if (code < 0x20 || code === BACKSLASH || code > 0x7e) return this.#oddText(value);
      buffer[at++] = code;
    }
    buffer[at++] = TAB;
    this.#at = at;
    return this;
  }

  /** A safe integer. */
  integer(value: number): this {
    this.#reserve(NUMBER_BYTES);
    const buffer = this.#buffer;
    let rest = value;
    if (rest < 0) {
      buffer[this.#at++] = MINUS;
      rest = -rest;
    }
    let digits = 1;
    for (let power = 10; power <= rest; power *= 10) digits++;
    for (let at = this.#at + digits - 1; at >= this.#at; at--) {
      buffer[at] = ZERO + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    this.#at += digits;
    buffer[this.#at++] = TAB;
    return this;
  }

  /** A value, or null. */
  optionalText(value: string | null): this {
    return value === null ? this.nothing() : this.text(value);
  }

  /** A number, or null. */
  optionalInteger(value: number | null): this {
    return value === null ? this.nothing() : this.integer(value);
  }

  /** Null. */
  nothing(): this {
    this.#reserve(NOTHING.length);
    this.#at += NOTHING.copy(this.#buffer, this.#at);
    return this;
  }

  /** Ends the row. */
  end(): void {
    this.#buffer[this.#at - 1] = NEWLINE;
  }

  /** The pieces that are full, and the rest as well when it is wanted; each is given once. */
  take({ all = false }: { all?: boolean } = {}): Buffer[] {
    if (all && this.#at > 0) this.#next(PIECE_BYTES);
    const pieces = this.#pieces;
    this.#pieces = [];
    return pieces;
  }

  #oddText(value: string): this {
    if (value.includes('\0')) this.hasNul = true;
    const escaped = value.replace(/[\\\t\n\r]/g, (character) => ESCAPES[character] ?? '');
    this.#at += this.#buffer.write(escaped, this.#at);
    this.#buffer[this.#at++] = TAB;
    return this;
  }

  /** Makes room. A row may begin in one piece and end in the next, but its last byte is in the one that is written to. */
  #reserve(bytes: number): void {
    if (this.#at + bytes > this.#buffer.length) this.#next(Math.max(bytes, PIECE_BYTES));
  }

  #next(bytes: number): void {
    this.#pieces.push(this.#buffer.subarray(0, this.#at));
    this.#buffer = Buffer.allocUnsafeSlow(bytes);
    this.#at = 0;
  }
}
