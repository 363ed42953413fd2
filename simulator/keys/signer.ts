import { createPrivateKey, type KeyObject, sign } from 'node:crypto';

/** As many as Node's thread pool has threads unless told otherwise. */
const COPIES = 4;

/** Copies of a key. */
interface Copies {
  idle: KeyObject[];
  /** Who waits for a copy, oldest first. */
  waiting: ((key: KeyObject) => void)[];
}

const copiesOf = new WeakMap<KeyObject, Copies>();

/**
 * Signs with SHA256-RSA on Node's thread pool: RSA is most of the work of an answer, and the event loop goes on meanwhile. A key is locked while
 * it signs, also against the thread that asks for the next signature, so each signature under way has a copy of its own.
 */
export async function signOnPool(message: Buffer, privateKey: KeyObject): Promise<Buffer> {
  const copies = copiesOf.get(privateKey) ?? copy(privateKey);
  const key = copies.idle.pop() ?? (await new Promise<KeyObject>((resolve) => copies.waiting.push(resolve)));
  return new Promise((resolve, reject) => {
    sign('sha256', message, key, (error, signature) => {
      const next = copies.waiting.shift();
      if (next) next(key);
      else copies.idle.push(key);
      if (error) reject(error);
      else resolve(signature);
    });
  });
}

function copy(privateKey: KeyObject): Copies {
  const der = privateKey.export({ type: 'pkcs8', format: 'der' });
  const idle = Array.from({ length: COPIES }, () =>
    createPrivateKey({ key: der, type: 'pkcs8', format: 'der' }),
  );
  const copies: Copies = { idle, waiting: [] };
  copiesOf.set(privateKey, copies);
  return copies;
}
