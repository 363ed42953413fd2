import type { KeyObject } from 'node:crypto';
import { answerMessage, SIGNATURE_SCHEME, signMessage } from '../wechatpay/v3/signature.ts';
import type { SeededRandom } from './random.ts';

/** How a signature can be wrong on purpose. */
export type SignatureFlaw = 'bad_signature' | 'probe_signature' | 'unknown_serial' | 'stale';

const STALE_SECONDS = 10 * 60;

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

  /** The `Wechatpay-*` headers of a body, in the exact case that the official Java SDK looks for. Fresh at every call. */
  headers(body: string, key: SigningKey, flaw?: SignatureFlaw): Record<string, string> {
    const seconds = Math.floor(this.#clock() / 1000) - (flaw === 'stale' ? STALE_SECONDS : 0);
    const timestamp = String(seconds);
    const nonce = this.#random.text(32);
    return {
      'Wechatpay-Nonce': nonce,
      'Wechatpay-Serial': flaw === 'unknown_serial' ? `PUB_KEY_ID_${this.#random.digits(32)}` : key.serial,
      'Wechatpay-Signature': this.#signature(answerMessage(timestamp, nonce, body), key, flaw),
      'Wechatpay-Signature-Type': SIGNATURE_SCHEME,
      'Wechatpay-Timestamp': timestamp,
    };
  }

  #signature(message: Buffer, { privateKey }: SigningKey, flaw: SignatureFlaw | undefined): string {
    if (flaw === 'probe_signature')
      return PROBE_PREFIX + this.#random.text(PROBE_LENGTH - PROBE_PREFIX.length);
    if (flaw === 'bad_signature') return this.#random.bytes(256).toString('base64');
    return signMessage(message, privateKey);
  }
}
