/**
 * One call of the merchant API as data: what the clients send, what the rate limiter heeds and what docs/wechatpay-coverage.md lists are
 * all read from it.
 */
export interface Endpoint {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path template; each `{name}` stands for one encoded segment. */
  path: string;
  /** The path for service providers, where it is another one. */
  partnerPath?: string;
  /** What the gateway allows to one merchant number; calls without it have no documented limit. */
  rateLimit?: RateLimit;
  /** A 429 on this call does not prove that nothing has happened: true for refund applications. */
  rateLimitedMayHaveHappened?: true;
  /** The merchant API certificate must be shown when connecting: v2 calls that give money back. */
  clientCertificate?: true;
  /** The host, where it is not the merchant API's. */
  host?: string;
}

/** A documented limit, per merchant number. Source: the frequency line of each call's official page. */
export interface RateLimit {
  requests: number;
  /** Length of the window in seconds. */
  perSeconds: number;
  /** The limit of the calls that fail, where it is a lower one. */
  failing?: number;
}

/** Endpoints by their name on the client, `orders.close`. Keeps the literal names, so that a client cannot call what is not listed. */
export function endpoints<Name extends string>(table: Record<Name, Endpoint>): Record<Name, Endpoint> {
  return table;
}
