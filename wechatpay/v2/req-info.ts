import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import { buildXml, parseXml, type V2Fields } from './xml.ts';

/** AES-256 under the 32 lower-case hexadecimal characters of the key's MD5, as ASCII. */
function cipherKey(apiV2Key: string): Buffer {
  return Buffer.from(createHash('md5').update(apiV2Key).digest('hex'));
}

/**
 * Opens `req_info` of a refund notification: base64 of AES-256-ECB with PKCS #7 padding, inside an XML document `root`.
 * @throws Error when it is not base64, does not decrypt (another APIv2 key, or tampering), or is no such document.
 */
export function decryptReqInfo(reqInfo: string, apiV2Key: string, maxBytes = 64 * 1024): V2Fields {
  // Buffer would skip what is not base64 without a word; line breaks are what some encoders add.
  const base64 = reqInfo.replace(/[\r\n]/g, '');
  if (!/^[0-9A-Za-z+/]+={0,2}$/.test(base64)) throw new Error('req_info is not base64');
  const decipher = createDecipheriv('aes-256-ecb', cipherKey(apiV2Key), null);
  const plaintext = Buffer.concat([decipher.update(base64, 'base64'), decipher.final()]);
  return parseXml(plaintext, { maxBytes, root: 'root' });
}

/** The opposite, for tests and simulators. */
export function encryptReqInfo(fields: V2Fields, apiV2Key: string): string {
  const cipher = createCipheriv('aes-256-ecb', cipherKey(apiV2Key), null);
  return Buffer.concat([cipher.update(buildXml(fields, 'root'), 'utf8'), cipher.final()]).toString('base64');
}
