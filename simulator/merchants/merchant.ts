import { createPublicKey, type KeyObject } from 'node:crypto';
import type { BillSettings } from '../bills/settings.ts';
import { seededRsaKey } from '../keys/rsa-key.ts';
import { SeededRandom } from '../random.ts';

/** A merchant that has no keys of its own: its service provider signs for it. */
export interface SimulatedSubMerchant {
  mchid: string;
  appid: string;
}

/**
 * What a merchant or a service provider holds after enrolling: its own key, the API keys, and WeChat Pay's public key (official page
 * 4012154180).
 */
export interface SimulatedMerchant {
  mchid: string;
  appid: string;
  /** Bound to it besides: those of its mini programs, official accounts and apps. */
  otherAppids: string[];
  /** A service provider (`partner`) signs for its sub-merchants. */
  role: 'merchant' | 'partner';
  /** Overseas merchants have other paths, and those of the mainland refuse them. */
  region: 'mainland' | 'overseas';
  subMerchants: SimulatedSubMerchant[];
  /** Serial number of the merchant API certificate: 40 upper-case hex digits, the first 1-7 so that DER needs no padding. */
  serialNo: string;
  /** PKCS#8, as in `apiclient_key.pem`. */
  privateKeyPem: string;
  /** 32 ASCII characters. */
  apiV3Key: string;
  /** 32 ASCII characters. */
  apiV2Key: string;
  /** `PUB_KEY_ID_…`, the value of `Wechatpay-Serial`. */
  publicKeyId: string;
  /** WeChat Pay's public key, SPKI, as in `pub_key.pem`. */
  publicKeyPem: string;
  /** Whether it may download platform certificates; merchants opened since October 2024 may not. */
  platformCertificates: boolean;
  /** Where it hears of refunds that name no address, as set on the merchant platform. */
  refundNotifyUrl?: string | undefined;
  /** What it has to pay refunds with at the start, in fen; without limit unless told. */
  balance?: number | undefined;
  /** How its bills are, where a scenario says so. */
  bills?: BillSettings | undefined;
  /** Which kind of key signs its notifications. */
  notifiedWith: 'public_key' | 'certificate';
}

/** Whether an appid is bound to a merchant. */
export function isBound(appid: string, owner: { appid: string; otherAppids?: readonly string[] }): boolean {
  return appid === owner.appid || (owner.otherAppids?.includes(appid) ?? false);
}

/** A merchant together with the parsed keys of both sides. */
export interface Enrolment {
  merchant: SimulatedMerchant;
  /** Verifies what the merchant signs. */
  merchantPublicKey: KeyObject;
  /** Signs answers and notifications: WeChat Pay's side of `publicKeyPem`. */
  platformPrivateKey: KeyObject;
}

/** The id of WeChat Pay's public key for a merchant. */
export function publicKeyId(mchid: string, random: SeededRandom): string {
  return `PUB_KEY_ID_01${mchid}2025010100${random.digits(12)}`;
}

const enrolments = new Map<number, Enrolment>();

/** The first merchant of a seed. Keys are derived once per process. */
export function enrolment(seed: number): Enrolment {
  const known = enrolments.get(seed);
  if (known) return known;
  const result = enrol(new SeededRandom(`merchant/${seed}`));
  enrolments.set(seed, result);
  return result;
}

/** Enrols a merchant; what is not given is drawn. */
export function enrol(random: SeededRandom, given: Partial<SimulatedMerchant> = {}): Enrolment {
  const merchantKey = seededRsaKey(random.fork('merchant key'));
  const platformKey = seededRsaKey(random.fork('platform key'));
  const drawn = {
    mchid: `19000${random.digits(5)}`,
    appid: `wx${random.bytes(8).toString('hex')}`,
    serialNo: random.text(1, '1234567') + random.text(39, '0123456789ABCDEF'),
    apiV3Key: random.text(32),
  };
  const mchid = given.mchid ?? drawn.mchid;
  const merchant: SimulatedMerchant = {
    ...drawn,
    role: 'merchant',
    region: 'mainland',
    otherAppids: [],
    subMerchants: [],
    privateKeyPem: merchantKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKeyId: publicKeyId(mchid, random),
    publicKeyPem: createPublicKey(platformKey).export({ type: 'spki', format: 'pem' }).toString(),
    apiV2Key: random.text(32),
    platformCertificates: true,
    notifiedWith: 'public_key',
    ...given,
  };
  return { merchant, merchantPublicKey: createPublicKey(merchantKey), platformPrivateKey: platformKey };
}
