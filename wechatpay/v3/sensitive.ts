import { constants, type KeyObject, privateDecrypt, publicEncrypt } from 'node:crypto';
import { RequestRejectedError } from '../errors.ts';
import type { VerificationKeys } from './verification-keys.ts';

/** RSAES-OAEP with SHA-1 under a 2048-bit key leaves room for so many bytes. */
const MAX_BYTES = 214;

const PADDING = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' } as const;

/** A field that only WeChat Pay can read, and the key that it must be sent with. */
export interface EncryptedField {
  /** Base64. */
  ciphertext: string;
  /** For the header `Wechatpay-Serial` of the request that carries the field. */
  serial: string;
}

/**
 * Names, bank accounts and telephone numbers travel encrypted inside the JSON: RSAES-OAEP with SHA-1 and MGF1-SHA1, base64 (the official
 * SDKs do it so; one official page says SHA-256, which the gateway does not take).
 */
export class Sensitive {
  readonly #keys: VerificationKeys;
  readonly #privateKey: KeyObject;

  constructor(keys: VerificationKeys, privateKey: KeyObject) {
    this.#keys = keys;
    this.#privateKey = privateKey;
  }

  /**
   * Encrypts for WeChat Pay, under the current public key or the newest platform certificate in effect.
   * @throws RequestRejectedError PARAM_ERROR for more than 214 bytes of UTF-8.
   * @throws WechatPayError when the platform certificates cannot be downloaded.
   */
  async encrypt(text: string): Promise<EncryptedField> {
    const { ciphertexts, serial } = await this.encryptAll([text]);
    return { ciphertext: ciphertexts[0] ?? '', serial };
  }

  /**
   * As {@link encrypt}, for several fields of one request: it names one key, so all of them are under that one, even when another becomes
   * the current one meanwhile.
   */
  async encryptAll(texts: string[]): Promise<{ ciphertexts: string[]; serial: string }> {
    const fields = texts.map((text) => Buffer.from(text));
    const tooLong = fields.find(({ length }) => length > MAX_BYTES);
    if (tooLong) {
      throw new RequestRejectedError(
        `The request was not sent: a field to encrypt has ${tooLong.length} bytes, more than ${MAX_BYTES}.`,
        { code: 'PARAM_ERROR' },
      );
    }
    const { id, key } = await this.#keys.forEncryption();
    const ciphertexts = fields.map((field) => publicEncrypt({ key, ...PADDING }, field).toString('base64'));
    return { ciphertexts, serial: id };
  }

  /**
   * Decrypts what WeChat Pay encrypted for this merchant's certificate, such as `payer_phone` of a complaint.
   * @throws RequestRejectedError PARAM_ERROR when it was encrypted for another key, or is no such text.
   */
  decrypt(ciphertext: string): string {
    return this.decryptBytes(ciphertext).toString('utf8');
  }

  /** As {@link decrypt}, for keys of encrypted bills. */
  decryptBytes(ciphertext: string): Buffer {
    try {
      return privateDecrypt({ key: this.#privateKey, ...PADDING }, Buffer.from(ciphertext, 'base64'));
    } catch (cause) {
      throw new RequestRejectedError('The field does not decrypt with the merchant API private key.', {
        code: 'PARAM_ERROR',
        fix: 'Check that the private key is that of the certificate which was current when WeChat Pay answered.',
        cause,
      });
    }
  }
}
