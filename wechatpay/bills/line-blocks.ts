/** No row of a bill comes near this. */
export const MAX_LINE_BYTES = 64 * 1024;

const NEWLINE = 0x0a;

/**
 * Cuts a stream of bytes into blocks of whole lines, each ended by a newline and each block hardly longer than the longest line allowed. A
 * newline byte is never part of another character of UTF-8, so no character is cut either. Holds the bytes of one line at most.
 */
export class LineBlocks {
  readonly #rest = Buffer.allocUnsafe(MAX_LINE_BYTES + 1);
  #length = 0;

  /** The blocks that `chunk` completes; undefined instead of a block, and the end, when a line is too long. A block is valid until the next one. */
  *cut(chunk: Uint8Array): Generator<Buffer | undefined, void, undefined> {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let from = 0;
    if (this.#length > 0) {
      from = bytes.indexOf(NEWLINE) + 1;
      if (!this.#keep(from > 0 ? bytes.subarray(0, from) : bytes)) return yield undefined;
      if (from === 0) return;
      const length = this.#length;
      this.#length = 0;
      yield this.#rest.subarray(0, length);
    }
    while (from < bytes.length) {
      const limit = from + MAX_LINE_BYTES;
      const end = bytes.lastIndexOf(NEWLINE, Math.min(limit, bytes.length - 1)) + 1;
      if (end <= from) {
        if (!this.#keep(bytes.subarray(from))) yield undefined;
        return;
      }
      yield bytes.subarray(from, end);
      from = end;
    }
  }

  /** The last line, when it has no newline: a newline is added. */
  last(): Buffer | undefined {
    if (this.#length === 0) return undefined;
    this.#rest[this.#length] = NEWLINE;
    return this.#rest.subarray(0, this.#length + 1);
  }

  /** Keeps bytes of a line; false when it is too long. */
  #keep(bytes: Buffer): boolean {
    const length = this.#length + bytes.length;
    if (length > MAX_LINE_BYTES && (length > MAX_LINE_BYTES + 1 || bytes.at(-1) !== NEWLINE)) return false;
    bytes.copy(this.#rest, this.#length);
    this.#length = length;
    return true;
  }
}
