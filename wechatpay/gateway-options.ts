import type { Dispatcher } from 'undici';

/** How to reach WeChat Pay as somebody: what the clients of all its APIs have in common. */
export interface GatewayOptions {
  /** Merchant number; a service provider's is its own. */
  mchid: string;
  /** The appid bound to it, `wx…`. */
  appid: string;
  /** Scheme and host. Default `https://api.mch.weixin.qq.com`. */
  baseUrl?: string;
  /**
   * Scheme and host that is tried once, with the same bytes, when no connection to `baseUrl` comes about. Default for the official host:
   * its documented backup `https://api2.mch.weixin.qq.com` (official page 4012075113); for others none. `false` switches it off.
   */
  backupUrl?: string | false;
  /** Limit for a whole request, answer included, in milliseconds; for files, the limit of each silence. Default 6000. */
  timeoutMs?: number;
  /** Sends the requests; it stays the caller's to close. Default: an agent of the client's own that keeps connections alive. */
  dispatcher?: Dispatcher;
  /** Now, in milliseconds since 1970. Default `Date.now`. */
  clock?: () => number;
  /** A fresh random text of at most 32 characters. Default: 32 random hexadecimal digits. */
  nonce?: () => string;
  /** `User-Agent`; the gateway refuses requests without one. */
  userAgent?: string;
}

/** Where the gateway is, checked. */
export interface GatewayAddress {
  baseUrl: string;
  backupUrl: string | undefined;
  timeoutMs: number;
}

/** The gateway's host and the one to try when it cannot be reached. */
export interface Hosts {
  main: string;
  backup: string;
}

const MAINLAND: Hosts = { main: 'https://api.mch.weixin.qq.com', backup: 'https://api2.mch.weixin.qq.com' };
const DEFAULT_TIMEOUT_MS = 6000;
/** Longer timers end at once in Node. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** What may stand between the quotes of an Authorization header, and in a header at all. */
export const HEADER_SAFE = /^[0-9A-Za-z_-]+$/;

/**
 * Checks what all clients are told.
 * @param problems every problem is added; with any, what is answered is not to be used.
 */
export function readGatewayOptions(
  options: GatewayOptions,
  problems: string[],
  hosts: Hosts = MAINLAND,
): GatewayAddress {
  for (const name of ['mchid', 'appid'] as const) checkHeaderSafe(name, options[name], problems);
  const baseUrl = readOrigin('baseUrl', options.baseUrl ?? hosts.main, problems);
  const backup = options.backupUrl ?? (baseUrl === hosts.main ? hosts.backup : false);
  const backupUrl = backup === false ? undefined : readOrigin('backupUrl', backup, problems);
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  if (!Number.isInteger(timeoutMs) || timeoutMs <= 0 || timeoutMs > LONGEST_TIMER_MS)
    problems.push('timeoutMs must be a positive number of milliseconds');
  // Otherwise each request would fail, and look as if it might have arrived.
  if (!/^[\t -~]*$/.test(options.userAgent ?? '')) problems.push('userAgent must be printable ASCII');
  return { baseUrl, backupUrl, timeoutMs };
}

/** Adds a problem unless the value can stand in a header. */
export function checkHeaderSafe(name: string, value: string | undefined, problems: string[]): void {
  if (!HEADER_SAFE.test(value ?? ''))
    problems.push(`${name} is missing or has characters that do not belong there`);
}

/** Adds a problem unless the key has 32 bytes, as both kinds of API keys have. The problem never contains it. */
export function checkApiKey(name: string, key: string | undefined, problems: string[]): void {
  const bytes = Buffer.byteLength(key ?? '');
  if (bytes !== 32) problems.push(`${name} must have 32 bytes, it has ${bytes}`);
}

function readOrigin(name: string, text: string, problems: string[]): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const usable =
    url &&
    /^https?:$/.test(url.protocol) &&
    !url.username &&
    !url.password &&
    url.pathname === '/' &&
    !url.search &&
    !url.hash;
  // A path would have to be signed or not, depending on who strips it; so there is none.
  if (!usable) problems.push(`${name} must be http(s)://host[:port] without path, query or user`);
  return url?.origin ?? text;
}
