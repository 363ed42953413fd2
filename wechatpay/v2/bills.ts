import { createHash } from 'node:crypto';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { OutcomeUnknownError, type SentRequest } from '../errors.ts';
import type { StreamedAnswer } from '../exchange.ts';
import { headerValue } from '../headers.ts';
import { unexpected } from './answer.ts';
import type { SubMerchant } from './fields.ts';
import { refusedFile } from './transport.ts';

/** A trade bill to download. */
export interface BillRequest extends SubMerchant {
  /** `yyyyMMdd` in Asia/Shanghai, at most three months back; there after 10:00 of the next day. */
  bill_date: string;
  /** Default ALL. */
  bill_type?: 'ALL' | 'SUCCESS' | 'REFUND' | 'RECHARGE_REFUND';
  /** Compressed on its way; what comes out is not. */
  tar_type?: 'GZIP';
}

/** A fund-flow bill to download; always signed with HMAC-SHA256. */
export interface FundFlowRequest extends SubMerchant {
  /** `yyyyMMdd` in Asia/Shanghai. */
  bill_date: string;
  account_type: 'Basic' | 'Operation' | 'Fees';
  /** Compressed on its way; what comes out is not. */
  tar_type?: 'GZIP';
}

/** A limit for bills. */
export interface DownloadLimits {
  /** The largest bill that is believed, in bytes after decompression. Default 2 GiB; a million orders are about 300 MB. */
  maxBytes?: number;
}

const DEFAULT_MAX_BYTES = 2 * 1024 ** 3;

/** A refusal is a few hundred bytes. */
const MAX_REFUSAL_BYTES = 64 * 1024;

/**
 * The decompressed bytes of a bill. Whatever fails later (a connection, the decompression, the size, the `Digest` of a fund flow) ends the
 * stream with a typed error: believe the rows once it has ended without one.
 * @throws WechatPayError when XML or nothing came in place of the bill.
 */
export async function openBill(
  { answer, request }: { answer: StreamedAnswer; request: SentRequest },
  { maxBytes = DEFAULT_MAX_BYTES }: DownloadLimits = {},
): Promise<Readable> {
  const chunks = (answer.body as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  // Two bytes tell gzip; blanks and a byte order mark may stand before XML.
  while (head.length < 16) {
    const { value, done } = await chunks.next();
    if (done) break;
    head = Buffer.concat([head, value]);
  }
  if (head.length === 0) throw unexpected(request, 'is empty');
  // A byte order mark is white space here.
  if (/^\s*</.test(head.subarray(0, 16).toString('utf8'))) {
    refusedFile(await readRefusal(head, chunks, request), request);
  }

  const digest = /^SHA=([0-9a-f]{40})$/i
    .exec(headerValue(answer.headers, 'digest') ?? '')?.[1]
    ?.toLowerCase();
  const sent = createHash('sha1');
  const raw = Readable.from(hashing(prepend(head, chunks), sent), { objectMode: false });
  const gzip = head[0] === 0x1f && head[1] === 0x8b;
  // Errors of either reach whoever reads the last one, so that nobody listens here.
  const plain = gzip ? pipeline(raw, createGunzip(), () => {}) : raw;

  async function* bill(): AsyncGenerator<Buffer> {
    const unpacked = createHash('sha1');
    let bytes = 0;
    try {
      for await (const chunk of plain as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > maxBytes) throw unexpected(request, `is a bill of more than ${maxBytes} bytes`);
        unpacked.update(chunk);
        yield chunk;
      }
    } catch (error) {
      if (error instanceof OutcomeUnknownError) throw error;
      throw unexpected(request, 'is a damaged file; download it again', { cause: error });
    }
    // The documentation does not say which of the two is meant.
    if (digest && ![sent.digest('hex'), unpacked.digest('hex')].includes(digest))
      throw unexpected(request, 'does not fit its Digest; download it again');
  }
  const stream = Readable.from(bill(), { objectMode: false });
  // A reader that goes away before its first row has not started the generators, whose ends would do it.
  stream.once('close', () => answer.body.destroy());
  return stream;
}

async function* prepend(head: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield head;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

async function* hashing(
  chunks: AsyncIterable<Buffer>,
  hash: ReturnType<typeof createHash>,
): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
}

async function readRefusal(head: Buffer, rest: AsyncIterator<Buffer>, request: SentRequest): Promise<Buffer> {
  const parts = [head];
  let bytes = head.length;
  for (let next = await rest.next(); !next.done; next = await rest.next()) {
    bytes += next.value.length;
    if (bytes > MAX_REFUSAL_BYTES) {
      await rest.return?.();
      throw unexpected(request, 'begins like XML and does not end');
    }
    parts.push(next.value);
  }
  return Buffer.concat(parts);
}
