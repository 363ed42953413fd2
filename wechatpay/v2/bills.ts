import { Readable } from 'node:stream';
import { openBillFile } from '../bills/file.ts';
import type { SentRequest } from '../errors.ts';
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
  /** The largest bill that is believed, in bytes after decompression. Default 8 GiB; a million orders are about 300 MB. */
  maxBytes?: number;
}

/** A refusal is a few hundred bytes. */
const MAX_REFUSAL_BYTES = 64 * 1024;

/**
 * The decompressed bytes of a bill. The stream fails with a BillError for what is damaged, too large or does not fit the `Digest` of a fund
 * flow, and with an OutcomeUnknownError when the connection breaks: believe the rows once it has ended without one.
 * @throws WechatPayError when XML or nothing came in place of the bill.
 */
export async function openBill(
  { answer, request }: { answer: StreamedAnswer; request: SentRequest },
  { maxBytes }: DownloadLimits = {},
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

  const sha1 = /^SHA=([0-9a-f]{40})$/i.exec(headerValue(answer.headers, 'digest') ?? '')?.[1];
  const file = Readable.from(prepend(head, chunks), { objectMode: false });
  // A reader that goes away before its first row has not started the generator, whose end would do it.
  file.once('close', () => answer.body.destroy());
  // The documentation does not say what the digest is over.
  return openBillFile(file, {
    gzip: 'detect',
    sha1Over: 'either',
    ...(sha1 !== undefined && { sha1 }),
    ...(maxBytes !== undefined && { maxBytes }),
  });
}

async function* prepend(head: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield head;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
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
