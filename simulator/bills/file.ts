import { createCipheriv, createHash } from 'node:crypto';
import { pipeline } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createGzip } from 'node:zlib';
import type { Entry } from './entry.ts';
import { type BillForm, type BillTable, billPieces } from './table.ts';

/** From what the text of a bill is made, as often as it is asked for. */
export interface BillSource {
  open(): { entries: Iterable<Entry>; table: BillTable };
  form: BillForm;
  /** How many rows a part has; all of them in one part unless told. */
  partRows?: number;
  /** Whether the hash is to be another one than that of the bytes. */
  badHash?: boolean;
  /** Whether the file is to end too early. */
  truncated?: boolean;
}

/** How a file is packed: compressed first, then encrypted. */
export interface Packing {
  gzip: boolean;
  encrypt?: { key: Buffer; nonce: string };
}

/** A bill whose bytes are known, though not kept: they are made again when they are fetched. */
export interface BuiltBill {
  rows: number;
  /** Hexadecimal SHA-1 of the text of each part. */
  sha1s: string[];
  /** The bytes of a part, from 1. */
  content(part: number, packing: Packing): AsyncGenerator<Buffer>;
}

/** Makes a bill once, for its hashes. Other requests are served meanwhile. */
export async function buildBill(source: BillSource): Promise<BuiltBill> {
  const { badHash = false, truncated = false } = source;
  const hashes: ReturnType<typeof createHash>[] = [];
  let rows = 0;
  for (const piece of piecesOf(source)) {
    const hash = hashes[piece.part - 1] ?? createHash('sha1');
    hashes[piece.part - 1] = hash;
    hash.update(piece.bytes);
    rows += piece.rows;
    await nextTurn();
  }
  return {
    rows,
    sha1s: hashes.map((hash) => {
      if (badHash) hash.update('something else');
      return hash.digest('hex');
    }),
    async *content(part, { gzip, encrypt }) {
      const text = partOf(source, part);
      const packed = gzip ? gzipped(text) : text;
      const whole = encrypt ? encrypted(packed, encrypt) : packed;
      yield* truncated ? cut(whole) : whole;
    },
  };
}

function piecesOf({ open, form, partRows }: BillSource) {
  const { entries, table } = open();
  return billPieces(entries, table, form, partRows);
}

async function* partOf(source: BillSource, part: number): AsyncGenerator<Buffer> {
  for (const piece of piecesOf(source)) {
    if (piece.part > part) return;
    if (piece.part === part) yield piece.bytes;
    await nextTurn();
  }
}

async function* gzipped(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const gzip = createGzip();
  // Whoever reads sees the errors of the pipeline.
  pipeline(bytes, gzip, () => {});
  yield* gzip as AsyncIterable<Buffer>;
}

/** AEAD_AES_256_GCM over a file: the cipher text, then the tag; no associated data. */
async function* encrypted(
  bytes: AsyncIterable<Buffer>,
  { key, nonce }: NonNullable<Packing['encrypt']>,
): AsyncGenerator<Buffer> {
  const cipher = createCipheriv('aes-256-gcm', key, Buffer.from(nonce));
  for await (const chunk of bytes) yield cipher.update(chunk);
  yield Buffer.concat([cipher.final(), cipher.getAuthTag()]);
}

/** The bytes without the last ones. */
async function* cut(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer | undefined;
  for await (const chunk of bytes) {
    if (held) yield held;
    held = chunk;
  }
  if (held) yield held.subarray(0, held.length >> 1);
}
