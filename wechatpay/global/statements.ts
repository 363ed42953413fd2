import type { Readable } from 'node:stream';
import { openBillFile } from '../bills/file.ts';
import { headerValue } from '../headers.ts';
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
  async download({ date, sub_mchid }: StatementRequest<R> & { sub_mchid?: string }): Promise<Readable> {
    const { role, mchid } = this.#identity;
    const owner = role === 'partner' ? { sp_mchid: mchid, sub_mchid } : { mchid };
    const { headers, body } = await this.#transport.openSigned(
      { endpoint: GLOBAL_ENDPOINTS['global.statements.download'], query: { date, ...owner } },
      (headers) => {
        const sha1 = headerValue(headers, SHA1_HEADER);
        return sha1 === undefined ? undefined : `{"sha1":"${sha1}"}`;
      },
    );
    return openBillFile(body, { sha1: headerValue(headers, SHA1_HEADER) ?? '', gzip: 'detect' });
  }
}
