import { type Headers, headerValue } from '../headers.ts';
import { answerMessage, MAX_CLOCK_SKEW_SECONDS, SIGNATURE_SCHEME, verifyMessage } from './signature.ts';
import type { VerificationKeys } from './verification-keys.ts';

/** What the signature of an answer or a notification says. */
export type Verification =
  | { verdict: 'genuine' }
  /** `reason` is one clause for an error message. */
  | { verdict: 'forged' | 'stale'; reason: string };

/** The four headers of a signature, all of them there. */
interface SignatureHeaders {
  timestamp: string;
  nonce: string;
  signature: string;
  serial: string;
}

/**
 * Verifies what WeChat Pay sent: the key is the one that `Wechatpay-Serial` names, the message covers the raw bytes, the clock is checked
 * last, so that "stale" is said only of what WeChat Pay really signed (official pages 4012365342 and 4013053249). Deliberately wrong
 * signatures (`WECHATPAY/SIGNTEST/…`) need no case of their own: they do not verify.
 */
export async function verifySignature(
  { headers, body }: { headers: Headers; body: Uint8Array },
  { keys, now }: { keys: Pick<VerificationKeys, 'find'>; now: number },
): Promise<Verification> {
  const signed = readSignature(headers);
  if (!signed) {
    return {
      verdict: 'forged',
      reason: 'it is not signed (a Wechatpay-* header is missing or occurs twice)',
    };
  }
  const { timestamp, nonce, signature, serial } = signed;
  const scheme = headerValue(headers, 'wechatpay-signature-type') ?? SIGNATURE_SCHEME;
  if (scheme !== SIGNATURE_SCHEME)
    return { verdict: 'forged', reason: `its signature is of type ${printable(scheme)}` };

  const found = await keys.find(serial);
  if ('missing' in found) {
    return { verdict: 'forged', reason: `it is signed with ${printable(serial)}, and ${found.missing}` };
  }
  if (!verifyMessage(answerMessage(timestamp, nonce, body), signature, found.key)) {
    return { verdict: 'forged', reason: `its signature does not match the key ${serial}` };
  }

  const skew = Math.abs(now / 1000 - Number(timestamp));
  // Written so that a timestamp which is no number is stale, too.
  if (!(skew < MAX_CLOCK_SKEW_SECONDS)) {
    return { verdict: 'stale', reason: `it was signed ${Math.round(skew)} s away from our clock` };
  }
  return { verdict: 'genuine' };
}

/** The headers of a signature; undefined when one is missing, empty or there twice. */
function readSignature(headers: Headers): SignatureHeaders | undefined {
  const timestamp = headerValue(headers, 'wechatpay-timestamp');
  const nonce = headerValue(headers, 'wechatpay-nonce');
  const signature = headerValue(headers, 'wechatpay-signature');
  const serial = headerValue(headers, 'wechatpay-serial');
  return timestamp && nonce && signature && serial ? { timestamp, nonce, signature, serial } : undefined;
}

/** Text from outside, safe in a log line. */
function printable(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}
