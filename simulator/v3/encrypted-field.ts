import { constants, type KeyObject, privateDecrypt } from 'node:crypto';
import { GatewayError, paramError } from '../gateway-error.ts';
import type { Call } from './operation.ts';

/**
 * The key that reads the encrypted fields of a request: the one that `Wechatpay-Serial` names, WeChat Pay's public key or a platform
 * certificate. This is check 8 of the gateway.
 * @throws GatewayError 400 PARAM_ERROR for a serial that is missing or of nobody's.
 */
export function fieldKey({
  gateway,
  caller,
  serial,
}: Pick<Call, 'gateway' | 'caller' | 'serial'>): KeyObject {
  const key = serial && gateway.world.platformKey(gateway.world.get(caller.mchid), serial);
  if (key) return key;
  throw new GatewayError(400, 'PARAM_ERROR', '平台证书序列号Wechatpay-Serial错误');
}

/**
 * Reads an encrypted field: RSAES-OAEP with SHA-1, base64.
 * @throws GatewayError 400 PARAM_ERROR when it was encrypted with another key, or not at all.
 */
export function decryptField(ciphertext: string, key: KeyObject, field: string): string {
  try {
    return privateDecrypt(
      { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' },
      Buffer.from(ciphertext, 'base64'),
    ).toString('utf8');
  } catch {
    throw paramError({ field, value: ciphertext, issue: 'cannot be decrypted', location: 'body' });
  }
}
