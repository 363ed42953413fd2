import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { STATEMENT } from './cases/global-orders.ts';
import { signatureHeaders } from './signing-gateway.ts';

export const STATEMENT_SHA1 = createHash('sha1').update(STATEMENT).digest('hex');

/** The headers with which the overseas gateway signs a statement: the signature covers the hash that a header tells. */
export function statementHeaders(
  sha1 = STATEMENT_SHA1,
  signing: Parameters<typeof signatureHeaders>[1] = {},
): Record<string, string> {
  return {
    'Wechatpay-Statement-Sha1': sha1,
    ...signatureHeaders(JSON.stringify({ sha1 }), signing),
  };
}

/** Answers a statement under the headers of {@link STATEMENT}, unless there are others. */
export function statement(csv: string | Buffer, headers: Record<string, string> = {}) {
  return (response: ServerResponse) => {
    response.writeHead(200, {
      'Content-Type': 'text/plain; charset=utf-8',
      ...statementHeaders(),
      ...headers,
    });
    response.end(csv);
  };
}
