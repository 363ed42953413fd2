import { createPrivateKey, KeyObject } from 'node:crypto';
import type { Dispatcher } from 'undici';
import { ConfigurationError } from './errors.ts';
import { verificationKey } from './v3/signature.ts';

/** How to reach WeChat Pay as one merchant, in public-key mode (official page 4012154180). */
export interface WechatPayOptions {
  /** Merchant number. */
  mchid: string;
  /** The appid bound to it, `wx…`. */
  appid: string;
  /** Serial number of the merchant API certificate. */
  serialNo: string;
  /** The merchant API private key (`apiclient_key.pem`): PEM text or a key object. */
  privateKey: KeyObject | string;
  /** APIv3 key, 32 bytes; it decrypts notifications. */
  apiV3Key: string;
  /**
   * The keys that verify WeChat Pay, by `PUB_KEY_ID_…` (with its prefix) or by platform certificate serial number: PEM text or key
   * objects. The first is the current one and is named in every request, or the gateway would sign with a certificate. Keep the others
   * as long as notifications signed with them may arrive (seven days when switching, official page 4012154180).
   */
  publicKeys: Record<string, KeyObject | string>;
  /** Scheme and host. Default `https://api.mch.weixin.qq.com`. */
  baseUrl?: string;
  /** Limit for a whole request, answer included, in milliseconds. Default 6000. */
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

/** Checked options, their keys parsed once. */
export interface Credentials {
  mchid: string;
  appid: string;
  serialNo: string;
  privateKey: KeyObject;
  apiV3Key: string;
  publicKeys: ReadonlyMap<string, KeyObject>;
  /** Id of the current public key. */
  publicKeyId: string;
  baseUrl: string;
  timeoutMs: number;
}

const DEFAULT_BASE_URL = 'https://api.mch.weixin.qq.com';
const DEFAULT_TIMEOUT_MS = 6000;

/** What may stand between the quotes of an Authorization header, and in a header at all. */
const HEADER_SAFE = /^[0-9A-Za-z_-]+$/;

/**
 * Checks everything and parses the keys.
 * @throws ConfigurationError naming every problem at once; it never contains key material.
 */
export function readOptions(options: WechatPayOptions): Credentials {
  const problems: string[] = [];

  for (const name of ['mchid', 'appid', 'serialNo'] as const) {
    if (!HEADER_SAFE.test(options[name] ?? ''))
      problems.push(`${name} is missing or has characters that do not belong there`);
  }
  const keyBytes = Buffer.byteLength(options.apiV3Key ?? '');
  if (keyBytes !== 32) problems.push(`apiV3Key must have 32 bytes, it has ${keyBytes}`);

  const privateKey = readKey('privateKey', 'private', options.privateKey, problems);

  const publicKeys = new Map<string, KeyObject>();
  const entries = Object.entries(options.publicKeys ?? {});
  const publicKeyId = entries[0]?.[0];
  if (publicKeyId === undefined) {
    problems.push(
      'publicKeys is empty: download the WeChat Pay public key and its id from the merchant platform',
    );
  }
  for (const [id, value] of entries) {
    if (!HEADER_SAFE.test(id))
      problems.push(
        `publicKeys has the id ${JSON.stringify(id)}, which is neither PUB_KEY_ID_… nor a serial`,
      );
    const key = readKey(`publicKeys.${id}`, 'public', value, problems);
    if (key) publicKeys.set(id, key);
  }

  const baseUrl = readBaseUrl(options.baseUrl ?? DEFAULT_BASE_URL, problems);
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  if (!Number.isInteger(timeoutMs) || timeoutMs <= 0)
    problems.push('timeoutMs must be a positive number of milliseconds');

  if (problems.length > 0 || !privateKey || publicKeyId === undefined || !baseUrl) {
    throw new ConfigurationError(`The WeChat Pay client cannot work: ${problems.join('; ')}.`, {
      code: 'INVALID_CONFIGURATION',
    });
  }
  const { mchid, appid, serialNo, apiV3Key } = options;
  return { mchid, appid, serialNo, privateKey, apiV3Key, publicKeys, publicKeyId, baseUrl, timeoutMs };
}

function readKey(
  name: string,
  type: 'private' | 'public',
  value: KeyObject | string | undefined,
  problems: string[],
): KeyObject | undefined {
  let key: KeyObject;
  try {
    if (value instanceof KeyObject) key = value;
    else key = type === 'private' ? createPrivateKey(value ?? '') : verificationKey(publicPem(value ?? ''));
  } catch {
    // OpenSSL's own words ("DECODER routines::unsupported") help nobody.
    problems.push(
      `${name} is not a readable ${type === 'private' ? 'PEM private key' : 'PEM public key or certificate'}`,
    );
    return undefined;
  }
  if (key.type !== type) problems.push(`${name} must be a ${type} key, it is a ${key.type} one`);
  else if (key.asymmetricKeyType !== 'rsa') problems.push(`${name} must be an RSA key`);
  else return key;
  return undefined;
}

/** Node derives a public key from a private one without a word; a private key in this place is a dangerous mistake. */
function publicPem(pem: string): string {
  if (pem.includes('PRIVATE KEY')) throw new Error('a private key');
  return pem;
}

function readBaseUrl(text: string, problems: string[]): string | undefined {
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
  if (!usable) problems.push('baseUrl must be http(s)://host[:port] without path, query or user');
  return usable ? url.origin : undefined;
}
