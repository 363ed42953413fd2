import type { KeyObject } from 'node:crypto';
import { ConfigurationError } from '../errors.ts';
import type { PlatformCertificate } from './platform-certificate.ts';

/** A key of WeChat Pay's with the name it goes by in `Wechatpay-Serial`. */
export interface NamedKey {
  /** `PUB_KEY_ID_…` or the serial number of a platform certificate. */
  id: string;
  key: KeyObject;
}

/** Certificates are looked for again after this long; WeChat Pay asks for less than twelve hours (official page 4012154180). */
const REFRESH_AFTER_MS = 11 * 3600_000;
/** Whoever sends us unknown serial numbers must not make us ask WeChat Pay more often than this. */
const REFRESH_GAP_MS = 60_000;

/**
 * The keys that verify WeChat Pay: public keys and platform certificates side by side, because during a switch between the two kinds
 * both arrive for seven days (official page 4024350132).
 */
export class VerificationKeys {
  readonly #publicKeys: ReadonlyMap<string, KeyObject>;
  readonly #clock: () => number;
  /** Undefined when certificates are not to be downloaded. */
  readonly #download: (() => Promise<PlatformCertificate[]>) | undefined;
  #certificates: PlatformCertificate[] = [];
  #refreshing: Promise<void> | undefined;
  /** Why the last download failed, to be told to whoever asks before the next one. */
  #failure: { error: unknown } | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  #refreshedAt = Number.NEGATIVE_INFINITY;

  constructor({
    publicKeys,
    clock,
    download,
  }: {
    publicKeys: ReadonlyMap<string, KeyObject>;
    clock: () => number;
    download?: (() => Promise<PlatformCertificate[]>) | undefined;
  }) {
    this.#publicKeys = publicKeys;
    this.#clock = clock;
    this.#download = download;
  }

  /**
   * The key that requests name and that encrypts sensitive fields: the first public key, else the newest certificate in effect. Undefined
   * as long as certificates have not been downloaded yet.
   */
  get current(): NamedKey | undefined {
    for (const [id, key] of this.#publicKeys) return { id, key };
    const now = this.#clock();
    let newest: PlatformCertificate | undefined;
    for (const certificate of this.#certificates) {
      const { effectiveTime, expireTime } = certificate;
      if (effectiveTime > now || expireTime <= now) continue;
      if (!newest || effectiveTime > newest.effectiveTime) newest = certificate;
    }
    return newest && { id: newest.serialNo, key: newest.publicKey };
  }

  /**
   * As {@link current}, certificates downloaded first where that is needed.
   * @throws WechatPayError when they cannot be downloaded, or none is in effect.
   */
  async forEncryption(): Promise<NamedKey> {
    if (!this.current) await this.#refresh();
    const { current } = this;
    if (!current) {
      throw new ConfigurationError('None of the platform certificates is in effect.', {
        code: 'INVALID_CONFIGURATION',
        fix: 'Set the clock of this machine; if it is right, configure the WeChat Pay public key.',
      });
    }
    return current;
  }

  /** The key of a `Wechatpay-Serial`, or the clause that says why there is none. */
  async find(id: string): Promise<{ key: KeyObject } | { missing: string }> {
    const known = this.#known(id);
    if (known) {
      // Nobody waits for this: the keys at hand are good until WeChat Pay uses another one.
      if (this.#download && this.#clock() - this.#refreshedAt > REFRESH_AFTER_MS)
        this.#refresh().catch(() => {});
      return { key: known };
    }
    // Public keys are configured and never downloaded.
    if (this.#download && !id.startsWith('PUB_KEY_ID_')) {
      try {
        await this.#refresh();
      } catch (error) {
        return { missing: `the platform certificates cannot be downloaded (${(error as Error).message})` };
      }
      const downloaded = this.#known(id);
      if (downloaded) return { key: downloaded };
    }
    return { missing: this.#others() };
  }

  /** As {@link find}, with the keys at hand only. */
  async at(id: string): Promise<{ key: KeyObject } | { missing: string }> {
    const key = this.#known(id);
    return key ? { key } : { missing: this.#others() };
  }

  /** The names of all keys at hand. */
  ids(): string[] {
    return [...this.#publicKeys.keys(), ...this.#certificates.map(({ serialNo }) => serialNo)];
  }

  #others(): string {
    return `the known keys are ${this.ids().join(', ') || 'none'}`;
  }

  #known(id: string): KeyObject | undefined {
    return this.#publicKeys.get(id) ?? this.#certificates.find(({ serialNo }) => serialNo === id)?.publicKey;
  }

  /** Downloads the certificates, once for everybody who asks meanwhile, and not again within the gap. */
  async #refresh(): Promise<void> {
    if (!this.#download) return;
    if (!this.#refreshing) {
      if (this.#clock() - this.#askedAt < REFRESH_GAP_MS) {
        if (this.#failure) throw this.#failure.error;
        return;
      }
      this.#askedAt = this.#clock();
      this.#refreshing = this.#download()
        .then(
          (certificates) => {
            this.#certificates = certificates;
            this.#refreshedAt = this.#clock();
            this.#failure = undefined;
          },
          (error: unknown) => {
            this.#failure = { error };
            throw error;
          },
        )
        .finally(() => {
          this.#refreshing = undefined;
        });
    }
    await this.#refreshing;
  }
}
