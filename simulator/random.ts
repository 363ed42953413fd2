import { hash } from 'node:crypto';

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const BLOCK_BYTES = 32;

/**
 * Reproducible randomness: SHA-256 over a seed and a counter. The same seed gives the same bytes on every machine, which makes the
 * simulator's keys and numbers repeatable. Never use it outside a simulation.
 */
export class SeededRandom {
  readonly #seed: string;
  #counter = 0;
  #block: Buffer = Buffer.alloc(0);
  #used = 0;

  constructor(seed: string) {
    this.#seed = seed;
  }

  /** An independent stream: drawing from one never shifts the other. */
  fork(label: string): SeededRandom {
    return new SeededRandom(`${this.#seed}/${label}`);
  }

  bytes(length: number): Buffer {
    const result = Buffer.alloc(length);
    for (let filled = 0; filled < length; ) {
      if (this.#used === this.#block.length) this.#nextBlock();
      const copied = this.#block.copy(result, filled, this.#used);
      filled += copied;
      this.#used += copied;
    }
    return result;
  }

  /** A number in [0, 1). */
  fraction(): number {
    return this.bytes(4).readUInt32BE() / 2 ** 32;
  }

  /** Text of `length` characters of an ASCII alphabet, letters and digits unless told. */
  text(length: number, alphabet: string = LETTERS): string {
    const characters = this.bytes(length);
    // In place and in one go: a text that grows by a character at a time takes twenty times its memory for as long as it is kept.
    for (let index = 0; index < length; index += 1) {
      characters[index] = alphabet.charCodeAt((characters[index] ?? 0) % alphabet.length);
    }
    return characters.toString('latin1');
  }

  digits(length: number): string {
    return this.text(length, '0123456789');
  }

  /** A version 4 UUID, the shape of a notification id. */
  uuid(): string {
    const bytes = this.bytes(16);
    bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6);
    bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
    return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  }

  #nextBlock(): void {
    this.#block = hash('sha256', `${this.#seed}:${this.#counter}`, 'buffer');
    this.#counter += 1;
    this.#used = BLOCK_BYTES - this.#block.length;
  }
}
