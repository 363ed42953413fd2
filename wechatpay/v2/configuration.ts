import { randomBytes } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { Dispatcher } from 'undici';
import { ConfigurationError } from '../errors.ts';
import type { V2SignType } from './signature.ts';

/** The merchant API certificate and its key, as PEM text: `apiclient_cert.pem` and `apiclient_key.pem`. */
export interface ClientCertificate {
  cert: string;
  key: string;
  /** Certificates to trust besides or instead of the public ones, for a gateway that is not WeChat Pay's, such as a simulator. */
  ca?: string;
}

/** How to reach the v2 API as one merchant, or as one service provider (then all of this is the service provider's own). */
export interface V2Options {
  /** Merchant number. */
  mchid: string;
  /** The appid bound to it, `wx…`. */
  appid: string;
  /** APIv2 key, 32 characters. */
  apiV2Key: string;
  /** How requests are signed. Default HMAC-SHA256; answers are verified under either. */
  signType?: V2SignType | undefined;
  /** For refunds, reversals and the fund flow. It has connections of its own, so that `dispatcher` never carries those calls. */
  clientCertificate?: ClientCertificate;
  /** Scheme and host. Default `https://api.mch.weixin.qq.com`. */
  baseUrl?: string;
  /**
   * Tried once with the same bytes when no connection to `baseUrl` comes about. Default for the official host: its documented backup
   * `https://api2.mch.weixin.qq.com` (official page 4012075113); for others none. `false` switches it off.
   */
  backupUrl?: string | false;
  /** Limit for a whole request, answer included, in milliseconds; for bills, the limit of each silence. Default 6000. */
  timeoutMs?: number;
  /** Sends the requests that need no client certificate; it stays the caller's to close. */
  dispatcher?: Dispatcher;
  /** Now, in milliseconds since 1970. Default `Date.now`. */
  clock?: () => number;
  /** A fresh random text of at most 32 characters. Default: 32 random hexadecimal digits. */
  nonce?: () => string;
  /** `User-Agent`. */
  userAgent?: string;
}

/** Checked options with their defaults. */
export interface V2Credentials {
  mchid: string;
  appid: string;
  apiV2Key: string;
  signType: V2SignType;
  clientCertificate: ClientCertificate | undefined;
  baseUrl: string;
  backupUrl: string | undefined;
  timeoutMs: number;
  dispatcher: Dispatcher | undefined;
  clock: () => number;
  nonce: () => string;
  userAgent: string | undefined;
}

const MAIN_URL = 'https://api.mch.weixin.qq.com';
const BACKUP_URL = 'https://api2.mch.weixin.qq.com';
const DEFAULT_TIMEOUT_MS = 6000;

/**
 * Checks everything at once.
 * @throws ConfigurationError naming every problem; it never contains key material.
 */
export function readV2Options(options: V2Options): V2Credentials {
  const problems: string[] = [];
  for (const name of ['mchid', 'appid'] as const) {
    if (!/^[0-9A-Za-z_-]+$/.test(options[name] ?? ''))
      problems.push(`${name} is missing or has characters that do not belong there`);
  }
  const keyBytes = Buffer.byteLength(options.apiV2Key ?? '');
  if (keyBytes !== 32) problems.push(`apiV2Key must have 32 bytes, it has ${keyBytes}`);
  const signType = options.signType ?? 'HMAC-SHA256';
  if (signType !== 'MD5' && signType !== 'HMAC-SHA256') problems.push('signType must be MD5 or HMAC-SHA256');

  const { cert, key, ca } = options.clientCertificate ?? {};
  if (options.clientCertificate && !matches({ cert, key, ca })) {
    problems.push('clientCertificate must have a PEM certificate as cert and its PEM private key as key');
  }
  const baseUrl = options.baseUrl ?? MAIN_URL;
  const backupUrl = options.backupUrl ?? (baseUrl === MAIN_URL ? BACKUP_URL : false);
  for (const [name, url] of Object.entries({ baseUrl, backupUrl })) {
    if (url !== false && !isOrigin(url))
      problems.push(`${name} must be http(s)://host[:port] without path, query or user`);
  }
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  if (!Number.isInteger(timeoutMs) || timeoutMs <= 0)
    problems.push('timeoutMs must be a positive number of milliseconds');

  if (problems.length > 0) {
    throw new ConfigurationError(`The WeChat Pay v2 client cannot work: ${problems.join('; ')}.`, {
      code: 'INVALID_CONFIGURATION',
    });
  }
  return {
    mchid: options.mchid,
    appid: options.appid,
    apiV2Key: options.apiV2Key,
    signType,
    clientCertificate: options.clientCertificate,
    baseUrl: new URL(baseUrl).origin,
    backupUrl: backupUrl === false ? undefined : new URL(backupUrl).origin,
    timeoutMs,
    dispatcher: options.dispatcher,
    clock: options.clock ?? Date.now,
    nonce: options.nonce ?? (() => randomBytes(16).toString('hex').toUpperCase()),
    userAgent: options.userAgent,
  };
}

/** Whether both can be read and belong together; otherwise the first refund would find out. */
function matches({ cert, key, ca }: Partial<Record<'cert' | 'key' | 'ca', string | undefined>>): boolean {
  if (!cert || !key) return false;
  try {
    createSecureContext({ cert, key, ca });
    return true;
  } catch {
    return false;
  }
}

function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, pathname, search, hash } = new URL(text);
  return (
    /^https?:$/.test(protocol) && !username && !password && pathname === '/' && search === '' && hash === ''
  );
}
