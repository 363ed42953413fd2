import { constants, type KeyObject, publicEncrypt } from 'node:crypto';

/**
 * A field that only the merchant can read: RSAES-OAEP with SHA-1 under the key of its API certificate, base64. The padding is not drawn
 * from the seed: the same field looks different in every answer, as it does at WeChat Pay.
 */
export function encryptField(text: string, merchantPublicKey: KeyObject): string {
  return publicEncrypt(
    { key: merchantPublicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' },
    Buffer.from(text),
  ).toString('base64');
}
