import { createCipheriv, createDecipheriv } from 'node:crypto';

/** AEAD_AES_256_GCM as WeChat Pay v3 uses it for notification resources and certificates (official page 4012071382). */
export const AEAD_ALGORITHM = 'AEAD_AES_256_GCM';

const TAG_BYTES = 16;
const NONCE_BYTES = 12;

/** An encrypted resource as it travels in JSON. */
export interface EncryptedResource {
  algorithm: typeof AEAD_ALGORITHM;
  /** Base64 of the cipher text followed by the 16-byte tag. */
  ciphertext: string;
  /** May be empty. */
  associated_data: string;
  /** 12 bytes of UTF-8 text. */
  nonce: string;
}

/**
 * Encrypts UTF-8 text under the 32-byte APIv3 key.
 * @throws RangeError when the key does not have 32 bytes or the nonce 12.
 */
export function encryptResource(
  plaintext: string,
  { apiV3Key, nonce, associatedData }: { apiV3Key: string; nonce: string; associatedData: string },
): EncryptedResource {
  // GCM takes any length; WeChat Pay and its SDKs take twelve bytes only.
  if (Buffer.byteLength(nonce) !== NONCE_BYTES)
    throw new RangeError(`the nonce must have ${NONCE_BYTES} bytes`);
  const cipher = createCipheriv('aes-256-gcm', Buffer.from(apiV3Key), Buffer.from(nonce));
  cipher.setAAD(Buffer.from(associatedData));
  const ciphertext = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return {
    algorithm: AEAD_ALGORITHM,
    ciphertext: ciphertext.toString('base64'),
    associated_data: associatedData,
    nonce,
  };
}

/**
 * Decrypts a resource to its UTF-8 text.
 * @throws Error when the algorithm is another one, the cipher text is too short, or the tag does not match (wrong APIv3 key, or tampering).
 */
export function decryptResource(
  resource: Omit<EncryptedResource, 'algorithm'> & { algorithm: string },
  apiV3Key: string,
): string {
  if (resource.algorithm !== AEAD_ALGORITHM) throw new Error(`unknown algorithm ${resource.algorithm}`);
  const bytes = Buffer.from(resource.ciphertext, 'base64');
  if (bytes.length < TAG_BYTES) throw new Error('the cipher text is shorter than its tag');
  const decipher = createDecipheriv('aes-256-gcm', Buffer.from(apiV3Key), Buffer.from(resource.nonce), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(Buffer.from(resource.associated_data));
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(bytes.subarray(0, -TAG_BYTES)), decipher.final()]).toString('utf8');
}
