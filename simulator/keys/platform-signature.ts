import type { KeyObject } from 'node:crypto';
import { answerMessage, SIGNATURE_SCHEME } from '../../wechatpay/v3/signature.ts';
import type { SeededRandom } from '../random.ts';
import { signOnPool } from './signer.ts';

/** How a signature can be wrong on purpose; one with a skewed timestamp verifies. */
export type SignatureFlaw =
  | { kind: 'bad_signature' | 'probe_signature' | 'unknown_serial' }
  | { kind: 'skewed'; skewMs: number };

/** Twice as far in the past as signatures are accepted. */
export const DEFAULT_SKEW_MS = -10 * 60_000;

/** WeChat Pay's deliberate probes start with this text and have 355 characters (official page 4013053249). */
const PROBE_PREFIX = 'WECHATPAY/SIGNTEST/';
const PROBE_LENGTH = 355;

/** A key of WeChat Pay's, and its name in `Wechatpay-Serial`. */
export interface SigningKey {
  serial: string;
  privateKey: KeyObject;
}

/** WeChat Pay's own signature on answers and notifications. */
export class PlatformSignature {
  readonly #random: SeededRandom;
  readonly #clock: () => number;

  constructor(options: { random: SeededRandom; clock: () => number }) {
    this.#random = options.random;
    this.#clock = options.clock;
  }

  /**
   * The `Wechatpay-*` headers of a body, in the exact case that the official Java SDK looks for. Fresh at every call. What is drawn is drawn at
   * once, in the order of the calls; RSA follows on another thread.
   */
  async headers(body: string, key: SigningKey, flaw?: SignatureFlaw): Promise<Record<string, string>> {
    const skewMs = flaw?.kind === 'skewed' ? flaw.skewMs : 0;
    const timestamp = String(Math.floor((this.#clock() + skewMs) / 1000));
    const nonce = this.#random.text(32);
    const serial = flaw?.kind === 'unknown_serial' ? `PUB_KEY_ID_${this.#random.digits(32)}` : key.serial;
    return {
      'Wechatpay-Nonce': nonce,
      'Wechatpay-Serial': serial,
      'Wechatpay-Signature': await this.#signature(answerMessage(timestamp, nonce, body), key, flaw),
      'Wechatpay-Signature-Type': SIGNATURE_SCHEME,
      'Wechatpay-Timestamp': timestamp,
    };
  }

  async #signature(
    message: Buffer,
    { privateKey }: SigningKey,
    flaw: SignatureFlaw | undefined,
  ): Promise<string> {
    if (flaw?.kind === 'probe_signature')
      return PROBE_PREFIX + this.#random.text(PROBE_LENGTH - PROBE_PREFIX.length);
    if (flaw?.kind === 'bad_signature') return this.#random.bytes(256).toString('base64');
    return (await signOnPool(message, privateKey)).toString('base64');
  }
}
