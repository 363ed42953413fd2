import { createPublicKey, type KeyObject } from 'node:crypto';
import { ControlError } from '../gateway-error.ts';
import { Collection, type Journal } from '../journal.ts';
import { type PlatformCertificate, platformCertificate } from '../keys/certificate.ts';
import type { SigningKey } from '../keys/platform-signature.ts';
import { seededRsaKey } from '../keys/rsa-key.ts';
import { SeededRandom } from '../random.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { type Enrolment, enrol, enrolment, publicKeyId, type SimulatedMerchant } from './merchant.ts';

const YEAR_MS = 365 * 24 * 3600_000;

/** How WeChat Pay treats a merchant. */
export type Treatment = Partial<Pick<SimulatedMerchant, 'notifiedWith' | 'platformCertificates'>>;

/** What the control API changed; a restarted simulator does it again. */
type WorldChange =
  | { kind: 'certificate'; effectiveTime: number }
  | { kind: 'public_key'; mchid: string }
  | ({ kind: 'treatment'; mchid: string } & Treatment);

/** Everybody who is enrolled, and WeChat Pay's own certificates. */
export class World {
  /** The first merchant; without a scenario the service provider and the overseas merchant hold the same keys. */
  readonly merchant: SimulatedMerchant;
  /** The first service provider. */
  readonly provider: SimulatedMerchant;
  /** A person's id under the first merchant's appid. */
  readonly openid: string;
  readonly #enrolments: ReadonlyMap<string, Enrolment>;
  readonly #random: SeededRandom;
  /** Oldest first. */
  #certificates: PlatformCertificate[];
  #changes: Collection<WorldChange> | undefined;

  constructor(enrolments: Enrolment[], certificate: PlatformCertificate, random: SeededRandom) {
    this.#enrolments = new Map(enrolments.map((one) => [one.merchant.mchid, one]));
    const merchants = this.merchants();
    const [merchant] = merchants;
    const provider = merchants.find(({ role }) => role === 'partner');
    if (!merchant || !provider) throw new Error('a world needs a merchant and a service provider');
    this.merchant = merchant;
    this.provider = provider;
    this.#random = random;
    this.#certificates = [certificate];
    this.openid = `o${random.fork('openid').text(27)}`;
  }

  find(mchid: string): Enrolment | undefined {
    return this.#enrolments.get(mchid);
  }

  /** @throws Error for a mchid that is not enrolled: the caller has authenticated it before. */
  get(mchid: string): Enrolment {
    const found = this.find(mchid);
    if (!found) throw new Error(`${mchid} is not enrolled`);
    return found;
  }

  /** Whether somebody has this mchid: enrolled, or as a sub-merchant. */
  knows(mchid: string): boolean {
    return (
      this.#enrolments.has(mchid) ||
      this.merchants().some(({ subMerchants }) => subMerchants.some((sub) => sub.mchid === mchid))
    );
  }

  merchants(): SimulatedMerchant[] {
    return [...this.#enrolments.values()].map(({ merchant }) => merchant);
  }

  /** The platform certificates that merchants may download, oldest first. */
  certificates(): readonly PlatformCertificate[] {
    return this.#certificates;
  }

  /** The newest certificate in effect. */
  certificate(now: number): PlatformCertificate {
    const inEffect = this.#certificates.filter(({ effectiveTime }) => effectiveTime <= now);
    const newest = inEffect.at(-1) ?? this.#certificates[0];
    if (!newest) throw new Error('a world has a certificate');
    return newest;
  }

  /** Adds a certificate that takes over at a time, in milliseconds since 1970. */
  async rotateCertificate(effectiveTime: number): Promise<PlatformCertificate> {
    this.#record({ kind: 'certificate', effectiveTime });
    return await this.#addCertificate(effectiveTime);
  }

  /** WeChat Pay's public key of a merchant is another one from now on, with another id. @throws ControlError 404 */
  changePublicKey(mchid: string): SimulatedMerchant {
    this.#enrolled(mchid);
    this.#record({ kind: 'public_key', mchid });
    return this.#changePublicKey(mchid);
  }

  /** Changes how a merchant is treated. @throws ControlError 404 */
  change(mchid: string, treatment: Treatment): SimulatedMerchant {
    const { merchant } = this.#enrolled(mchid);
    this.#record({ kind: 'treatment', mchid, ...treatment });
    return Object.assign(merchant, treatment);
  }

  /** Repeats the changes that a journal holds, and keeps those to come in it. */
  async recall(journal: Journal): Promise<void> {
    const changes = new Collection<WorldChange>(journal, 'world_change');
    for (const change of changes.values()) {
      if (change.kind === 'certificate') await this.#addCertificate(change.effectiveTime);
      // A scenario that no longer has the merchant has nothing to change.
      else if (!this.find(change.mchid)) continue;
      else if (change.kind === 'public_key') this.#changePublicKey(change.mchid);
      else {
        const { kind: _, mchid, ...treatment } = change;
        Object.assign(this.get(mchid).merchant, treatment);
      }
    }
    this.#changes = changes;
  }

  /** The journal was emptied: what changed is written again. */
  rewrite(): void {
    this.#changes?.rewrite();
  }

  /** WeChat Pay's private key of a serial that a request names; undefined for a serial of nobody's. */
  platformKey({ merchant, platformPrivateKey }: Enrolment, serial: string): KeyObject | undefined {
    if (serial === merchant.publicKeyId) return platformPrivateKey;
    return this.#certificates.find(({ serialNo }) => serialNo === serial.toUpperCase())?.privateKey;
  }

  /** What signs an answer: the key that the request named, or else the platform certificate. */
  answerKey(
    { merchant, platformPrivateKey }: Enrolment,
    wanted: string | undefined,
    now: number,
  ): SigningKey {
    if (wanted === merchant.publicKeyId)
      return { serial: merchant.publicKeyId, privateKey: platformPrivateKey };
    return this.#certificateKey(now);
  }

  /** What signs the notifications of a merchant; `otherKind` is the certificate in place of the public key, or the other way round. */
  notificationKey(mchid: string, now: number, { otherKind = false } = {}): SigningKey {
    const { merchant, platformPrivateKey } = this.get(mchid);
    if ((merchant.notifiedWith === 'certificate') !== otherKind) return this.#certificateKey(now);
    return { serial: merchant.publicKeyId, privateKey: platformPrivateKey };
  }

  /** @throws ControlError 409 for a merchant whom the scenario of an earlier run had and this one has not. */
  requireEnrolled(mchid: string): void {
    if (!this.find(mchid)) throw new ControlError(409, `${mchid} is not enrolled in this run`);
  }

  #record(change: WorldChange): void {
    this.#changes?.put(String(this.#changes.size + 1), change);
  }

  async #addCertificate(effectiveTime: number): Promise<PlatformCertificate> {
    const random = this.#random.fork(`certificate ${this.#certificates.length}`);
    const certificate = await platformCertificate(random, {
      from: effectiveTime,
      to: effectiveTime + 5 * YEAR_MS,
    });
    this.#certificates = [...this.#certificates, certificate].sort(
      (one, other) => one.effectiveTime - other.effectiveTime,
    );
    return certificate;
  }

  #changePublicKey(mchid: string): SimulatedMerchant {
    const enrolment = this.get(mchid);
    const { merchant } = enrolment;
    const random = this.#random.fork(`public key after ${merchant.publicKeyId}`);
    enrolment.platformPrivateKey = seededRsaKey(random.fork('key'));
    merchant.publicKeyPem = createPublicKey(enrolment.platformPrivateKey)
      .export({ type: 'spki', format: 'pem' })
      .toString();
    merchant.publicKeyId = publicKeyId(mchid, random);
    return merchant;
  }

  #enrolled(mchid: string): Enrolment {
    const found = this.find(mchid);
    if (!found) throw new ControlError(404, `no merchant ${mchid}`);
    return found;
  }

  #certificateKey(now: number): SigningKey {
    const { serialNo, privateKey } = this.certificate(now);
    return { serial: serialNo, privateKey };
  }
}

const certificates = new Map<number, Promise<PlatformCertificate>>();

/**
 * The world of a seed: a merchant, a service provider with a sub-merchant, an overseas merchant and an overseas institution, all with the
 * same keys, so that one set of credentials is enough to try everything; and whoever a scenario adds, with keys of their own.
 */
export async function buildWorld(seed: number, scenario: Scenario = {}): Promise<World> {
  const random = new SeededRandom(`world/${seed}`);
  const refundNotifyUrl = scenario.refund_notify_url;
  const { merchant, ...keys } = enrolment(seed);
  const first = { ...keys, merchant: { ...merchant, ...(refundNotifyUrl && { refundNotifyUrl }) } };
  const beside = (label: string, given: Partial<SimulatedMerchant>): Enrolment => {
    const ids = random.fork(label);
    const mchid = `19000${ids.digits(5)}`;
    const appid = `wx${ids.bytes(8).toString('hex')}`;
    return { ...first, merchant: { ...first.merchant, mchid, appid, ...given } };
  };
  const sub = (label: string) => {
    const { mchid, appid } = beside(label, {}).merchant;
    return { mchid, appid };
  };
  const added = (scenario.merchants ?? []).map(({ sub_merchants: subMerchants, ...given }, index) =>
    enrol(new SeededRandom(`merchant/${seed}/${given.mchid ?? index}`), {
      ...(given.mchid && { mchid: given.mchid }),
      ...(given.appid && { appid: given.appid }),
      otherAppids: given.other_appids ?? [],
      role: given.role ?? (subMerchants ? 'partner' : 'merchant'),
      region: given.region ?? 'mainland',
      platformCertificates: given.platform_certificates ?? true,
      notifiedWith: given.notified_with ?? 'public_key',
      refundNotifyUrl: given.refund_notify_url ?? refundNotifyUrl,
      bills: given.bills,
      balance: given.balance,
      subMerchants: subMerchants ?? [],
    }),
  );
  const certificate =
    certificates.get(seed) ??
    platformCertificate(random.fork('certificate'), {
      from: Date.parse('2025-01-01T00:00:00Z'),
      to: Date.parse('2030-01-01T00:00:00Z'),
    });
  certificates.set(seed, certificate);
  return new World(
    [
      first,
      beside('provider', { role: 'partner', subMerchants: [sub('sub-merchant')] }),
      beside('overseas merchant', { region: 'overseas' }),
      beside('overseas institution', {
        region: 'overseas',
        role: 'partner',
        subMerchants: [sub('overseas sub-merchant')],
      }),
      ...added,
    ],
    await certificate,
    random,
  );
}
