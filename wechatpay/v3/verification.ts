import type { KeyObject } from 'node:crypto';
import { answerMessage, MAX_CLOCK_SKEW_SECONDS, SIGNATURE_SCHEME, verifyMessage } from './signature.ts';

/** Headers as Node, undici or a database gives them back: names in any case. */
export type Headers = Record<string, string | string[] | undefined>;

/** What the signature of an answer or a notification says. */
export type Verification =
  | { verdict: 'genuine' }
  /** `reason` is one clause for an error message. */
  | { verdict: 'forged' | 'stale'; reason: string };

/** The value of a header that occurs exactly once and is not empty. */
export function headerValue(headers: Headers, name: string): string | undefined {
  const values = Object.entries(headers)
    .filter(([key]) => key.toLowerCase() === name)
    .flatMap(([, value]) => value ?? []);
  return values.length === 1 && values[0] !== '' ? values[0] : undefined;
}

/**
 * Verifies what WeChat Pay sent: the key is the one that `Wechatpay-Serial` names, the message covers the raw bytes, the clock is checked
 * last, so that "stale" is said only of what WeChat Pay really signed (official pages 4012365342 and 4013053249). Deliberately wrong
 * signatures (`WECHATPAY/SIGNTEST/…`) need no case of their own: they do not verify.
 */
export function verifySignature(
  { headers, body }: { headers: Headers; body: Uint8Array },
  { publicKeys, now }: { publicKeys: ReadonlyMap<string, KeyObject>; now: number },
): Verification {
  const timestamp = headerValue(headers, 'wechatpay-timestamp');
  const nonce = headerValue(headers, 'wechatpay-nonce');
  const signature = headerValue(headers, 'wechatpay-signature');
  const serial = headerValue(headers, 'wechatpay-serial');
  if (!timestamp || !nonce || !signature || !serial) {
    return {
      verdict: 'forged',
      reason: 'it is not signed (a Wechatpay-* header is missing or occurs twice)',
    };
  }
  const scheme = headerValue(headers, 'wechatpay-signature-type') ?? SIGNATURE_SCHEME;
  if (scheme !== SIGNATURE_SCHEME)
    return { verdict: 'forged', reason: `its signature is of type ${printable(scheme)}` };

  const publicKey = publicKeys.get(serial);
  if (!publicKey) {
    const known = [...publicKeys.keys()].join(', ');
    return {
      verdict: 'forged',
      reason: `it is signed with ${printable(serial)}, and the configured keys are ${known}`,
    };
  }
  if (!verifyMessage(answerMessage(timestamp, nonce, body), signature, publicKey)) {
    return { verdict: 'forged', reason: `its signature does not match the key ${serial}` };
  }

  const skew = Math.abs(now / 1000 - Number(timestamp));
  // Written so that a timestamp which is no number is stale, too.
  if (!(skew < MAX_CLOCK_SKEW_SECONDS)) {
    return { verdict: 'stale', reason: `it was signed ${Math.round(skew)} s away from our clock` };
  }
  return { verdict: 'genuine' };
}

/** Text from outside, safe in a log line. */
function printable(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}
