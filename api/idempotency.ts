import { createHash } from 'node:crypto';
import type { Request } from 'express';
import { claimIdempotencyKey } from '../database/idempotency.ts';
import { inTransaction, type Pool, type Queryable } from '../database/pool.ts';
import { Problem } from './problems.ts';

/** An intent that this request, or an earlier one with the same key, has stored. */
export interface Intent {
  /** Public id of the payment or refund. */
  id: string;
  /** True when an earlier request stored it. */
  replayed: boolean;
}

/**
 * Stores an intent once per `Idempotency-Key`: key and intent in one transaction.
 *
 * There is no "in progress" mark that a crash could leave behind. A repeat finds the intent and goes on where the first request stopped,
 * because everything after it is a durable workflow that is found or started under the intent's own name. Work that succeeded is never
 * repeated, work that was cut off is completed.
 * @param path the resource's own path: however the request spelled it, the key's scope is the same.
 * @param insert stores the intent under the given new id.
 * @throws Problem for a missing or unusable key, or one that was used with other content.
 */
export async function storeOnce(
  pool: Pool,
  request: Request,
  { tenantId, path, newId }: { tenantId: string; path: string; newId: string },
  insert: (db: Queryable) => Promise<void>,
): Promise<Intent> {
  const key = readKey(request);
  const fingerprint = createHash('sha256').update(canonical(request.body)).digest();
  return await inTransaction(pool, async (db) => {
    const earlier = await claimIdempotencyKey(
      db,
      { tenantId, method: request.method, path, key },
      { fingerprint, resourceId: newId },
    );
    if (!earlier) {
      await insert(db);
      return { id: newId, replayed: false };
    }
    if (!earlier.fingerprint.equals(fingerprint)) {
      throw new Problem(
        'idempotency_key_reused',
        'Use a new Idempotency-Key for another request, or repeat the first one unchanged.',
      );
    }
    return { id: earlier.resourceId, replayed: true };
  });
}

function readKey(request: Request): string {
  const key = request.get('idempotency-key');
  if (key === undefined) {
    throw new Problem(
      'missing_idempotency_key',
      'Send an Idempotency-Key header, e.g. a UUID stored with your order; repeat it when you repeat the request.',
    );
  }
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw new Problem('invalid_idempotency_key', 'Use 1 to 255 printable ASCII characters without blanks.');
  }
  return key;
}

/** JSON with sorted keys: the same content is the same request, however it is spelled. */
function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_key, inner: unknown) =>
      inner && typeof inner === 'object' && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
        : inner,
    ) ?? ''
  );
}
