import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** First byte of a sealed value, so that the format can change. */
const FORMAT = 1;

/** Seals and opens merchant secrets under the installation's master key, with AES-256-GCM. */
export interface Vault {
  /** @param context is authenticated: a value sealed for one row and column opens nowhere else. */
  seal(secret: string, context: string): Buffer;
  /** @throws Error when the master key is another one, or the value or its context was changed. */
  open(sealed: Buffer, context: string): string;
}

/**
 * @param masterKey 32 bytes.
 * @throws RangeError when it has another length.
 */
export function openVault(masterKey: Buffer): Vault {
  if (masterKey.length !== 32) throw new RangeError('the master key must have 32 bytes');
  return {
    seal(secret, context) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', masterKey, nonce);
      cipher.setAAD(Buffer.from(context));
      const text = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
      return Buffer.concat([Buffer.from([FORMAT]), nonce, text, cipher.getAuthTag()]);
    },
    open(sealed, context) {
      if (sealed[0] !== FORMAT) throw new Error(`unknown format ${sealed[0]} of a sealed secret`);
      const nonce = sealed.subarray(1, 1 + NONCE_BYTES);
      const decipher = createDecipheriv('aes-256-gcm', masterKey, nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(context));
      decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
      const text = sealed.subarray(1 + NONCE_BYTES, -TAG_BYTES);
      try {
        return Buffer.concat([decipher.update(text), decipher.final()]).toString('utf8');
      } catch (cause) {
        throw new Error(
          'a sealed secret cannot be opened: is PAYSAGA_MASTER_KEY the one it was sealed with?',
          {
            cause,
          },
        );
      }
    },
  };
}
