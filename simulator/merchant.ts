import { createPublicKey, type KeyObject } from 'node:crypto';
import { SeededRandom } from './random.ts';
import { seededRsaKey } from './rsa-key.ts';

/** What a merchant holds after enrolling: its own key, the APIv3 key, and WeChat Pay's public key (official page 4012154180). */
export interface SimulatedMerchant {
  mchid: string;
  appid: string;
  /** Serial number of the merchant API certificate: 40 upper-case hex digits, the first 1-7 so that DER needs no padding. */
  serialNo: string;
  /** PKCS#8, as in `apiclient_key.pem`. */
  privateKeyPem: string;
  /** 32 ASCII characters. */
  apiV3Key: string;
  /** `PUB_KEY_ID_…`, the value of `Wechatpay-Serial`. */
  publicKeyId: string;
  /** WeChat Pay's public key, SPKI, as in `pub_key.pem`. */
  publicKeyPem: string;
}

/** A merchant together with the parsed keys of both sides. */
export interface Enrolment {
  merchant: SimulatedMerchant;
  /** Verifies what the merchant signs. */
  merchantPublicKey: KeyObject;
  /** Signs answers and notifications: WeChat Pay's side of `publicKeyPem`. */
  platformPrivateKey: KeyObject;
}

const enrolments = new Map<number, Enrolment>();

/** The one merchant of a seed. Keys are derived once per process. */
export function enrolment(seed: number): Enrolment {
  const known = enrolments.get(seed);
  if (known) return known;
  const random = new SeededRandom(`merchant/${seed}`);
  const merchantKey = seededRsaKey(random.fork('merchant key'));
  const platformKey = seededRsaKey(random.fork('platform key'));
  const merchantPublicKey = createPublicKey(merchantKey);
  const mchid = `19000${random.digits(5)}`;
  const merchant: SimulatedMerchant = {
    mchid,
    appid: `wx${random.bytes(8).toString('hex')}`,
    serialNo: random.text(1, '1234567') + random.text(39, '0123456789ABCDEF'),
    privateKeyPem: merchantKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    apiV3Key: random.text(32),
    publicKeyId: `PUB_KEY_ID_01${mchid}2025010100${random.digits(12)}`,
    publicKeyPem: createPublicKey(platformKey).export({ type: 'spki', format: 'pem' }).toString(),
  };
  const result = { merchant, merchantPublicKey, platformPrivateKey: platformKey };
  enrolments.set(seed, result);
  return result;
}
