import { X509Certificate } from 'node:crypto';
import { type Endpoint, endpoints } from '../endpoint.ts';
import { OutcomeUnknownError } from '../errors.ts';
import { decryptResource, type EncryptedResource } from './aead.ts';
import { readObject } from './answer.ts';
import type { PlatformCertificate } from './platform-certificate.ts';
import type { Transport } from './transport.ts';
import { verifySignature } from './verification.ts';
import type { VerificationKeys } from './verification-keys.ts';

/** Platform certificates of the mainland API. */
export const CERTIFICATE_ENDPOINTS = endpoints({
  'certificates.list': {
    method: 'GET',
    path: '/v3/certificates',
    rateLimit: { requests: 1000, perSeconds: 1 },
  },
});

/** One entry of the answer. */
interface EncryptedCertificate {
  serial_no: string;
  effective_time: string;
  expire_time: string;
  encrypt_certificate: EncryptedResource;
}

/** Platform certificates (official page 4012154180), for merchants in certificate mode. */
export class Certificates {
  readonly #transport: Transport;
  readonly #keys: VerificationKeys;
  readonly #apiV3Key: string;
  readonly #endpoint: Endpoint;

  /** @param endpoint the overseas API has its own; default: the mainland's. */
  constructor(
    transport: Transport,
    {
      keys,
      apiV3Key,
      endpoint = CERTIFICATE_ENDPOINTS['certificates.list'],
    }: { keys: VerificationKeys; apiV3Key: string; endpoint?: Endpoint },
  ) {
    this.#transport = transport;
    this.#keys = keys;
    this.#apiV3Key = apiV3Key;
    this.#endpoint = endpoint;
  }

  /**
   * Downloads and decrypts the certificates in use. The client does this by itself in certificate mode; in public-key mode the gateway
   * answers 404.
   *
   * Which key verifies the first download nobody can know beforehand: what proves that it comes from WeChat Pay is that it decrypts with
   * the APIv3 key. The signature is verified all the same, with the keys that were known or that came with it.
   * @throws WechatPayError 404 RESOURCE_NOT_EXISTS for merchants that have the public key only.
   */
  async list(): Promise<PlatformCertificate[]> {
    const { answer, sent } = await this.#transport.fetch({ endpoint: this.#endpoint });
    const refuse = (problem: string, code: 'UNEXPECTED_ANSWER' | 'BAD_SIGNATURE', cause?: unknown) =>
      new OutcomeUnknownError(`The answer to ${sent.method} ${sent.url} ${problem}.`, {
        code,
        request: sent,
        httpStatus: answer.status,
        cause,
      });
    let certificates: PlatformCertificate[];
    try {
      const { data } = readObject(answer.body) as { data: EncryptedCertificate[] };
      certificates = data.map((entry) => decryptCertificate(entry, this.#apiV3Key));
      // WeChat Pay says 404 when it has none. An empty list would leave us without any key.
      if (certificates.length === 0) throw new Error('the list is empty');
    } catch (error) {
      throw refuse('has no certificates that decrypt with the APIv3 key', 'UNEXPECTED_ANSWER', error);
    }
    const find = async (id: string) => {
      const key = certificates.find(({ serialNo }) => serialNo === id)?.publicKey;
      return key ? { key } : this.#keys.at(id);
    };
    const verification = await verifySignature(answer, { keys: { find }, now: this.#transport.now() });
    if (verification.verdict !== 'genuine') {
      throw refuse(`cannot be believed: ${verification.reason}`, 'BAD_SIGNATURE');
    }
    return certificates;
  }
}

function decryptCertificate(entry: EncryptedCertificate, apiV3Key: string): PlatformCertificate {
  // It will stand in a header of every request.
  if (typeof entry.serial_no !== 'string' || !/^[0-9A-F]+$/i.test(entry.serial_no))
    throw new Error(`${entry.serial_no} is no serial number`);
  const pem = decryptResource(entry.encrypt_certificate, apiV3Key);
  const { publicKey } = new X509Certificate(pem);
  return {
    serialNo: entry.serial_no,
    effectiveTime: instant(entry.effective_time),
    expireTime: instant(entry.expire_time),
    publicKey,
    pem,
  };
}

function instant(text: string): number {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new Error(`${text} is no time`);
  return ms;
}
