import { createPrivateKey, KeyObject } from 'node:crypto';
import type { Dispatcher } from 'undici';
import { ConfigurationError } from './errors.ts';
import type { ClientCertificate } from './v2/configuration.ts';
import type { V2SignType } from './v2/signature.ts';
import type { Role } from './v3/role.ts';
import { verificationKey } from './v3/signature.ts';

/** How to reach WeChat Pay as one merchant, or as one service provider (then all of this is the service provider's own). */
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
  publicKeys?: Record<string, KeyObject | string>;
  /**
   * Whether platform certificates are downloaded, when first needed and every eleven hours: for merchants that have no public key yet, and
   * beside `publicKeys` while switching. Default false: a merchant with a public key never asks for certificates.
   */
  downloadCertificates?: boolean;
  /** The APIv2 key, 32 bytes: for the XML calls (`v2`), and for the XML notifications that v3 merchants may get for refunds, too. */
  apiV2Key?: string;
  /** The merchant API certificate with its key (PEM), for the XML calls that need mutual TLS. */
  clientCertificate?: ClientCertificate;
  /** How the XML calls are signed. Default HMAC-SHA256. */
  v2SignType?: V2SignType;
  /** Scheme and host. Default `https://api.mch.weixin.qq.com`. */
  baseUrl?: string;
  /**
   * Scheme and host that is tried once, with the same bytes, when no connection to `baseUrl` comes about. Default for the official host:
   * its documented backup `https://api2.mch.weixin.qq.com` (official page 4012075113); for others none. `false` switches it off.
   */
  backupUrl?: string | false;
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
  role: Role;
  mchid: string;
  appid: string;
  serialNo: string;
  privateKey: KeyObject;
  apiV3Key: string;
  publicKeys: ReadonlyMap<string, KeyObject>;
  downloadCertificates: boolean;
  apiV2Key: string | undefined;
  clientCertificate: ClientCertificate | undefined;
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

/** What may stand between the quotes of an Authorization header, and in a header at all. */
const HEADER_SAFE = /^[0-9A-Za-z_-]+$/;

/**
 * Checks everything and parses the keys.
 * @throws ConfigurationError naming every problem at once; it never contains key material.
 */
export function readOptions(options: WechatPayOptions, role: Role, hosts: Hosts = MAINLAND): Credentials {
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
  if (entries.length === 0 && !options.downloadCertificates) {
    problems.push(
      'publicKeys is empty: download the WeChat Pay public key and its id from the merchant platform, or set downloadCertificates',
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

  const v2KeyBytes = Buffer.byteLength(options.apiV2Key ?? '');
  if (options.apiV2Key !== undefined && v2KeyBytes !== 32)
    problems.push(`apiV2Key must have 32 bytes, it has ${v2KeyBytes}`);
  if (options.clientCertificate) {
    readKey('clientCertificate.cert', 'public', options.clientCertificate.cert, problems);
    readKey('clientCertificate.key', 'private', options.clientCertificate.key, problems);
  }

  const baseUrl = readUrl('baseUrl', options.baseUrl ?? hosts.main, problems);
  const backup = options.backupUrl ?? (baseUrl === hosts.main ? hosts.backup : false);
  const backupUrl = backup === false ? undefined : readUrl('backupUrl', backup, problems);
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  if (!Number.isInteger(timeoutMs) || timeoutMs <= 0)
    problems.push('timeoutMs must be a positive number of milliseconds');

  if (problems.length > 0 || !privateKey || !baseUrl) {
    throw new ConfigurationError(`The WeChat Pay client cannot work: ${problems.join('; ')}.`, {
      code: 'INVALID_CONFIGURATION',
    });
  }
  const {
    mchid,
    appid,
    serialNo,
    apiV3Key,
    apiV2Key,
    clientCertificate,
    downloadCertificates = false,
  } = options;
  return {
    role,
    mchid,
    appid,
    serialNo,
    privateKey,
    apiV3Key,
    publicKeys,
    downloadCertificates,
    apiV2Key,
    clientCertificate,
    baseUrl,
    backupUrl,
    timeoutMs,
  };
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

function readUrl(name: string, text: string, problems: string[]): string | undefined {
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
  return usable ? url.origin : undefined;
}
