import { createPublicKey, type KeyObject, randomUUID, sign, verify, X509Certificate } from 'node:crypto';

/**
 * SHA256-RSA (PKCS#1 v1.5) signatures of WeChat Pay v3. Keys are `KeyObject`s, parsed once: verifying with a PEM string is six times
 * slower.
 */

/** Authorization scheme and value of `Wechatpay-Signature-Type`. */
export const SIGNATURE_SCHEME = 'WECHATPAY2-SHA256-RSA2048';

/** How far a timestamp may be from our clock, in seconds (official page 4012365336). */
export const MAX_CLOCK_SKEW_SECONDS = 300;

/** The parts of a request that its signature covers. */
export interface RequestToSign {
  /** Upper-case HTTP method. */
  method: string;
  /** Path with query, encoded exactly as sent. The host is not signed. */
  url: string;
  /** Unix time in seconds. */
  timestamp: string;
  nonce: string;
  /** The exact bytes of the body; empty for GET. Uploads sign only their `meta` JSON. */
  body: string;
}

/**
 * The message a client signs: five lines, each ended by a line feed, the last included.
 * Source: official page 4012365342.
 */
export function requestMessage({ method, url, timestamp, nonce, body }: RequestToSign): string {
  return `${method}\n${url}\n${timestamp}\n${nonce}\n${body}\n`;
}

/**
 * The message WeChat Pay signs on answers and notifications: three lines, each ended by a line feed. A 204 has an empty body.
 * The body is taken as bytes, because a proxy's re-encoding would break the signature anyway.
 */
export function answerMessage(timestamp: string, nonce: string, body: Uint8Array | string): Buffer {
  return Buffer.concat([
    Buffer.from(`${timestamp}\n${nonce}\n`),
    typeof body === 'string' ? Buffer.from(body) : body,
    Buffer.from('\n'),
  ]);
}

/** A fresh nonce: 32 upper-case hexadecimal digits, those of a UUID, for which Node gets random bytes in advance. */
export function randomNonce(): string {
  return randomUUID().replaceAll('-', '').toUpperCase();
}

/** Signs a message; returns base64 without line breaks. */
export function signMessage(message: string | Uint8Array, privateKey: KeyObject): string {
  return sign('sha256', Buffer.from(message as Uint8Array), privateKey).toString('base64');
}

/**
 * Verifies a base64 signature. Anything that is not a signature, WeChat Pay's deliberate `WECHATPAY/SIGNTEST/` probes included,
 * is simply false.
 */
export function verifyMessage(
  message: string | Uint8Array,
  signature: string,
  publicKey: KeyObject,
): boolean {
  return verify('sha256', Buffer.from(message as Uint8Array), publicKey, Buffer.from(signature, 'base64'));
}

/** What the `Authorization` header carries. */
export interface Authorization {
  mchid: string;
  nonce: string;
  timestamp: string;
  /** Serial number of the merchant API certificate. */
  serialNo: string;
  signature: string;
}

/** Formats the `Authorization` header value. */
export function formatAuthorization({ mchid, nonce, timestamp, serialNo, signature }: Authorization): string {
  return `${SIGNATURE_SCHEME} mchid="${mchid}",nonce_str="${nonce}",timestamp="${timestamp}",serial_no="${serialNo}",signature="${signature}"`;
}

/** Reads an `Authorization` header value, its parameters in any order; undefined when it is malformed. */
export function parseAuthorization(header: string | undefined): Authorization | undefined {
  const parameters = header?.match(/^WECHATPAY2-SHA256-RSA2048 (.+)$/)?.[1];
  if (!parameters) return undefined;
  const values = new Map<string, string>();
  for (const part of parameters.split(',')) {
    const match = part.match(/^\s*([a-z_]+)="([^"]*)"\s*$/);
    if (!match?.[1] || match[2] === undefined) return undefined;
    values.set(match[1], match[2]);
  }
  const mchid = values.get('mchid');
  const nonce = values.get('nonce_str');
  const timestamp = values.get('timestamp');
  const serialNo = values.get('serial_no');
  const signature = values.get('signature');
  if (!mchid || !nonce || !timestamp || !serialNo || !signature) return undefined;
  return { mchid, nonce, timestamp, serialNo, signature };
}

/**
 * A verification key from PEM text: a WeChat Pay public key, or the public key inside a platform certificate.
 * @throws Error when the text is neither.
 */
export function verificationKey(pem: string): KeyObject {
  return pem.includes('BEGIN CERTIFICATE') ? new X509Certificate(pem).publicKey : createPublicKey(pem);
}
