import { createDecipheriv, createHash, type DecipherGCM, type Hash } from 'node:crypto';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { BillError } from '../errors.ts';

/** How the file of a bill is packed. */
export interface BillFileOptions {
  /**
   * `hash_value` of the answer that named the address, or `Wechatpay-Statement-Sha1` of an overseas statement: SHA-1 in hexadecimal, in either
   * case, over the **decompressed** bytes. Without it the file is not compared.
   */
  sha1?: string;
  /** `either`, where no page says what was hashed: the bytes that arrive will do as well. Default `unpacked`. */
  sha1Over?: 'unpacked' | 'either';
  /** Whether the file is gzip (`tar_type=GZIP` was asked for); `detect` looks at its first two bytes. */
  gzip: boolean | 'detect';
  /** For encrypted files: the 32 bytes that `encrypt_key` of the answer decrypts to, and its `nonce`. There is no associated data. */
  decrypt?: { key: Buffer; nonce: string };
  /** How many decompressed bytes are accepted. Default 8 GiB: some 30 million rows, and far less than a gzip bomb. */
  maxBytes?: number;
}

const DEFAULT_MAX_BYTES = 8 * 1024 ** 3;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
const CHUNK_BYTES = 64 * 1024;
const GZIP_MAGIC = [0x1f, 0x8b];

/**
 * Opens the file of a bill: decrypts, decompresses and hashes while it streams, in bounded memory. The hash and the tag are known only at the
 * end, so a bill is sound when the stream has **ended**, not before. Destroying the returned stream destroys the source.
 *
 * The stream fails with a BillError (BILL_HASH_MISMATCH, BILL_CORRUPT). Errors of the source pass through unchanged.
 * @throws RangeError when the key does not have 32 bytes or the nonce is empty.
 */
export function openBillFile(source: Readable, options: BillFileOptions): Readable {
  const { decrypt, gzip, sha1, sha1Over, maxBytes = DEFAULT_MAX_BYTES } = options;
  const decipher = decrypt && gcmDecipher(decrypt);
  // `failed` says whose error it is: a source may be a zlib stream itself.
  const failed: SourceFailure = {};
  const arrived = sha1Over === 'either' ? createHash('sha1') : undefined;
  const bytes = watched(source, failed, arrived);
  const plain = decompressed(decipher ? decrypted(bytes, decipher) : bytes, gzip, failed);
  const unpacked = verified(plain, { sha1, arrived, maxBytes });
  const output = new Readable({
    highWaterMark: CHUNK_BYTES,
    read() {
      unpacked.next().then(
        ({ done, value }) => this.push(done ? null : value),
        (error) => this.destroy(error),
      );
    },
    destroy(error, callback) {
      // The source first: what waits for its next chunk ends only then.
      source.destroy();
      unpacked.return(undefined).catch(() => {});
      callback(error);
    },
  });
  // A source may fail while nobody is reading.
  source.on('error', (error) => output.destroy(error));
  return output;
}

interface SourceFailure {
  error?: unknown;
}

async function* watched(
  source: Readable,
  failed: SourceFailure,
  arrived: Hash | undefined,
): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      if (!Buffer.isBuffer(chunk)) throw new TypeError('the source must give bytes; do not set an encoding');
      arrived?.update(chunk);
      yield chunk;
    }
  } catch (error) {
    failed.error = error;
    throw error;
  }
}

function gcmDecipher({ key, nonce }: { key: Buffer; nonce: string }): DecipherGCM {
  if (key.length !== KEY_BYTES) throw new RangeError(`the key must have ${KEY_BYTES} bytes`);
  if (nonce === '') throw new RangeError('the nonce must not be empty');
  return createDecipheriv('aes-256-gcm', key, Buffer.from(nonce), { authTagLength: TAG_BYTES });
}

/** The last 16 bytes of the file are the tag, and only its end tells which they are. */
async function* decrypted(bytes: AsyncIterable<Buffer>, decipher: DecipherGCM): AsyncGenerator<Buffer> {
  let held: Buffer = Buffer.alloc(0);
  for await (const chunk of bytes) {
    const known = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    const sure = Math.max(0, known.length - TAG_BYTES);
    if (sure > 0) yield decipher.update(known.subarray(0, sure));
    held = Buffer.from(known.subarray(sure));
  }
  if (held.length < TAG_BYTES) throw corrupt('The file is shorter than the tag of its encryption.');
  decipher.setAuthTag(held);
  try {
    decipher.final();
  } catch (cause) {
    throw corrupt('The file does not decrypt with this key and nonce, or was changed.', cause);
  }
}

async function* decompressed(
  bytes: AsyncGenerator<Buffer>,
  gzip: boolean | 'detect',
  failed: SourceFailure,
): AsyncGenerator<Buffer> {
  const start: Buffer[] = [];
  let compressed = gzip === true;
  if (gzip === 'detect') {
    let seen = Buffer.alloc(0);
    while (seen.length < GZIP_MAGIC.length) {
      const next = await bytes.next();
      if (next.done) break;
      start.push(next.value);
      seen = Buffer.concat([seen, next.value.subarray(0, GZIP_MAGIC.length)]);
    }
    compressed = GZIP_MAGIC.every((byte, at) => seen[at] === byte);
  }
  yield* compressed ? gunzipped(joined(start, bytes), failed) : joined(start, bytes);
}

async function* joined(start: Buffer[], rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* start;
    for await (const chunk of rest) yield chunk;
  } finally {
    // Left during `start`, the loop above has not begun and would not end the rest.
    await rest.return(undefined);
  }
}

async function* gunzipped(bytes: AsyncIterable<Buffer>, failed: SourceFailure): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  let received = 0;
  const count = async function* () {
    for await (const chunk of bytes) {
      received += chunk.length;
      yield chunk;
    }
  };
  // What goes wrong comes out of the loop below.
  pipeline(count, gunzip, () => {});
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer>) yield chunk;
  } catch (error) {
    if (error === failed.error || error instanceof BillError) throw error;
    throw corrupt('The file does not decompress: it is damaged or incomplete.', error);
  } finally {
    gunzip.destroy();
  }
  // zlib takes an empty input for an empty file, and leaves alone what follows the last member.
  if (received === 0) throw corrupt('The file is empty, where gzip was expected.');
  if (gunzip.bytesWritten !== received) throw corrupt('Something follows the end of the compressed file.');
}

async function* verified(
  bytes: AsyncIterable<Buffer>,
  { sha1, arrived, maxBytes }: { sha1: string | undefined; arrived: Hash | undefined; maxBytes: number },
): AsyncGenerator<Buffer> {
  const hash = createHash('sha1');
  let length = 0;
  for await (const chunk of bytes) {
    length += chunk.length;
    if (length > maxBytes) throw corrupt(`The file has more than ${maxBytes} bytes when it is unpacked.`);
    hash.update(chunk);
    if (chunk.length > 0) yield chunk;
  }
  const found = hash.digest('hex');
  if (sha1 !== undefined && ![found, arrived?.digest('hex')].includes(sha1.toLowerCase())) {
    throw new BillError(
      'BILL_HASH_MISMATCH',
      `The SHA-1 of the file is ${found}, where WeChat Pay says ${sha1}.`,
    );
  }
}

function corrupt(what: string, cause?: unknown): BillError {
  return new BillError('BILL_CORRUPT', what, { cause });
}
