import type { Readable } from 'node:stream';
import { openBillFile } from '../bills/file.ts';
import { headerValue } from '../headers.ts';
import type { BillAddress } from '../v3/bills.ts';
import type { Identity, Role } from '../v3/role.ts';
import type { Transport } from '../v3/transport.ts';
import { GLOBAL_ENDPOINTS } from './endpoints.ts';

const SHA1_HEADER = 'wechatpay-statement-sha1';

/** Which statement. */
export type StatementRequest<R extends Role = 'merchant'> = {
  /** The day as yyyyMMdd, Beijing time; at most 180 days back, and from 10:00 of the next day on. */
  date: string;
} & (R extends 'partner'
  ? {
      /** Only this sub-merchant's trade; default: that of all of them. */
      sub_mchid?: string;
    }
  : unknown);

/** What proves a statement: the hash that its answer was signed with, over the decompressed bytes. */
export type StatementHash = Pick<BillAddress, 'hash_type' | 'hash_value'>;

/** A statement as it arrives. */
export interface FetchedStatement {
  hash: StatementHash;
  /** Compressed where the gateway compresses. Read or destroy it: it holds a connection. */
  bytes: Readable;
}

/** Trade of one day, with what was paid, settled and refunded in which currency. */
export class Statements<R extends Role = 'merchant'> {
  readonly #transport: Transport;
  readonly #identity: Identity<R>;

  constructor(transport: Transport, identity: Identity<R>) {
    this.#transport = transport;
    this.#identity = identity;
  }

  /**
   * The decompressed bytes as they come. Unlike the bills of the mainland a statement comes at once and is signed: the signature covers
   * the SHA-1 of the file, which is compared at the end, so nothing read before that may be believed. Read it with `readGlobalStatement`.
   * @throws WechatPayError NO_STATEMENT_EXIST for a day without trade or too early; STATEMENT_CREATING: again in half an hour. The stream
   * itself fails with a BillError or, when the connection breaks, an OutcomeUnknownError.
   */
  async download(request: StatementRequest<R>): Promise<Readable> {
    const { hash, bytes } = await this.fetch(request);
    return this.open(bytes, hash);
  }

  /**
   * The bytes as they arrive, with the hash that was signed: for whoever keeps the file before looking into it. {@link open} reads them, then or
   * later. @throws WechatPayError as {@link download}
   */
  async fetch({ date, sub_mchid }: StatementRequest<R> & { sub_mchid?: string }): Promise<FetchedStatement> {
    const { role, mchid } = this.#identity;
    const owner = role === 'partner' ? { sp_mchid: mchid, sub_mchid } : { mchid };
    const { headers, body } = await this.#transport.openSigned(
      { endpoint: GLOBAL_ENDPOINTS['global.statements.download'], query: { date, ...owner } },
      (headers) => {
        const sha1 = headerValue(headers, SHA1_HEADER);
        return sha1 === undefined ? undefined : `{"sha1":"${sha1}"}`;
      },
    );
    return { hash: { hash_type: 'SHA1', hash_value: headerValue(headers, SHA1_HEADER) ?? '' }, bytes: body };
  }

  /** The decompressed bytes of a statement that was fetched, checked as {@link download} does. */
  open(bytes: Readable, { hash_value }: StatementHash): Readable {
    return openBillFile(bytes, { sha1: hash_value, gzip: 'detect' });
  }
}
