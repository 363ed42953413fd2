import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import type { Payload, PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';

const wire = proto.temporal.api.common.v1.Payload;

/** One of the keys that payloads are encrypted with. */
export interface CodecKey {
  /** Written beside every payload, in clear text, so that the right key is found again. */
  id: string;
  /** 32 bytes. */
  key: Buffer;
}

/** A payload cannot be opened; the message says which key is missing or wrong. */
export class CodecError extends Error {
  override readonly name = 'CodecError';
}

/** Metadata as in Temporal's own samples, so that other tools recognise an encrypted payload. */
const ENCODING = 'binary/encrypted';
const CIPHER = 'AES-256-GCM';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Encrypts what Temporal stores: inputs, results, messages, summaries and, with our failure converter, the texts of errors.
 *
 * Each payload gets a nonce of its own; its data are nonce, ciphertext and tag, one after the other. The id of the key is authenticated
 * with them. A payload that is not encrypted is passed on as it is: histories from before the codec was switched on go on, and an operator may
 * send an update by a tool that knows no codec.
 * @param keys the first encrypts, all of them decrypt.
 */
export function encryptingCodec(keys: readonly CodecKey[]): PayloadCodec {
  const byId = new Map<string, KeyObject>(keys.map(({ id, key }) => [id, createSecretKey(key)]));
  const [newest] = keys;
  if (!newest) throw new TypeError('an encrypting codec needs a key');
  const newestKey = byId.get(newest.id) as KeyObject;
  const metadata = {
    encoding: Buffer.from(ENCODING),
    'encryption-cipher': Buffer.from(CIPHER),
    'encryption-key-id': Buffer.from(newest.id),
  };
  const knownIds = keys.map(({ id }) => id).join(', ');

  function open(payload: Payload): Payload {
    if (read(payload.metadata?.encoding) !== ENCODING) return payload;
    const id = read(payload.metadata?.['encryption-key-id']);
    const key = byId.get(id);
    if (!key) {
      throw new CodecError(
        `a payload is encrypted with the key "${id}", which this process does not have (it has ${knownIds}): add it to PAYSAGA_CODEC_KEYS`,
      );
    }
    try {
      return wire.decode(decrypt(key, id, payload.data ?? new Uint8Array()));
    } catch (cause) {
      throw new CodecError(
        `a payload that is encrypted with the key "${id}" cannot be opened: the key in PAYSAGA_CODEC_KEYS has another value, or the payload was changed`,
        { cause },
      );
    }
  }

  return {
    encode: async (payloads) =>
      payloads.map((payload) => ({
        metadata,
        data: encrypt(newestKey, newest.id, wire.encode(payload).finish()),
      })),
    decode: async (payloads) => payloads.map(open),
  };
}

function read(bytes: Uint8Array | null | undefined): string {
  return bytes ? Buffer.from(bytes).toString('utf8') : '';
}

function encrypt(key: KeyObject, id: string, data: Uint8Array): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(id));
  return Buffer.concat([nonce, cipher.update(data), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(key: KeyObject, id: string, data: Uint8Array): Buffer {
  if (data.length < NONCE_BYTES + TAG_BYTES) throw new RangeError('the payload is too short');
  const nonce = data.subarray(0, NONCE_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(id))
    .setAuthTag(data.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(data.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
}
