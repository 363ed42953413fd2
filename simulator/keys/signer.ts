import { createPrivateKey, type KeyObject, sign } from 'node:crypto';

/** Copies of a key that are enough to keep Node's thread pool at work while the event loop is busy elsewhere. */
const MOST_COPIES = 64;

/** Copies of a key, made as they are needed: one takes as long as two signatures. */
interface Copies {
  der: Buffer;
  made: number;
  idle: KeyObject[];
  /** Who waits for a copy, oldest first. */
  waiting: ((key: KeyObject) => void)[];
}

const copiesOf = new WeakMap<KeyObject, Copies>();

/**
 * Signs with SHA256-RSA on Node's thread pool: RSA is most of the work of an answer, and the event loop goes on meanwhile. A key is locked while
 * it signs, also against the thread that asks for the next signature, so each signature under way has a copy of its own. There are more of them
 * than threads, so that the pool finds the next signature in its queue: to fall asleep and be woken for each one costs the event loop a third of
 * its time.
 */
export async function signOnPool(message: Buffer, privateKey: KeyObject): Promise<Buffer> {
  const copies = copiesOf.get(privateKey) ?? newCopies(privateKey);
  const key = copies.idle.pop() ?? (await nextCopy(copies));
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

function newCopies(privateKey: KeyObject): Copies {
  const der = privateKey.export({ type: 'pkcs8', format: 'der' });
  const copies: Copies = { der, made: 0, idle: [], waiting: [] };
  copiesOf.set(privateKey, copies);
  return copies;
}

function nextCopy(copies: Copies): KeyObject | Promise<KeyObject> {
  if (copies.made === MOST_COPIES) return new Promise((resolve) => copies.waiting.push(resolve));
  copies.made += 1;
  return createPrivateKey({ key: copies.der, type: 'pkcs8', format: 'der' });
}
