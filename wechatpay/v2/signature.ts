import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { V2Fields } from './xml.ts';

/** How v2 messages are signed. MD5 is the gateway's default; HMAC-SHA256 is the one to use. */
export type V2SignType = 'MD5' | 'HMAC-SHA256';

/**
 * The text that is signed: every element but `sign` and the empty ones, sorted by name in ASCII order, and at last the APIv2 key
 * (chapter "signature algorithm" of the official v2 documentation).
 */
export function signingString(fields: V2Fields, apiV2Key: string): string {
  const pairs = Object.keys(fields)
    .filter((name) => name !== 'sign' && fields[name] !== '')
    .sort()
    .map((name) => `${name}=${fields[name]}`);
  return [...pairs, `key=${apiV2Key}`].join('&');
}

/** The value of `sign`: upper-case hexadecimal, 32 characters for MD5, 64 for HMAC-SHA256. */
export function signFields(fields: V2Fields, apiV2Key: string, signType: V2SignType): string {
  const text = signingString(fields, apiV2Key);
  const hash = signType === 'MD5' ? createHash('md5') : createHmac('sha256', apiV2Key);
  return hash.update(text).digest('hex').toUpperCase();
}

/**
 * Whether `sign` is right over all elements. The algorithm is the one that `sign_type` names; without it, or with `anyType`, its length
 * tells. Notifications need `anyType`: orders signed with HMAC-SHA256 were seen to be notified under MD5.
 */
export function verifyFields(
  fields: V2Fields,
  apiV2Key: string,
  { anyType = false }: { anyType?: boolean } = {},
): boolean {
  const sign = fields.sign ?? '';
  const byLength = sign.length === 64 ? 'HMAC-SHA256' : 'MD5';
  if (!anyType && fields.sign_type && fields.sign_type !== byLength) return false;
  const expected = Buffer.from(signFields(fields, apiV2Key, byLength));
  const actual = Buffer.from(sign);
  return actual.length === expected.length && timingSafeEqual(actual, expected);
}
