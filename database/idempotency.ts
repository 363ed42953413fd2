import type { Queryable } from './pool.ts';

/** Scope of an idempotency key: tenant, method, path and key. It will not change: that would break clients. */
export interface IdempotencyScope {
  tenantId: string;
  method: string;
  path: string;
  key: string;
}

/** The request an idempotency key was first used for. */
export interface IdempotencyRecord {
  fingerprint: Buffer;
  resourceId: string;
}

/**
 * Stores the key unless it is there already. Call it first in the transaction that stores the intent: a second request with the
 * same key waits here until the first has committed, then sees its record.
 * @returns the record of the earlier request, or undefined when this one is the first.
 */
export async function claimIdempotencyKey(
  db: Queryable,
  scope: IdempotencyScope,
  record: IdempotencyRecord,
): Promise<IdempotencyRecord | undefined> {
  const { rowCount } = await db.query(
    `insert into idempotency_keys (tenant_id, method, path, key, fingerprint, resource_id)
     values ($1, $2, $3, $4, $5, $6) on conflict do nothing`,
    [scope.tenantId, scope.method, scope.path, scope.key, record.fingerprint, record.resourceId],
  );
  if (rowCount === 1) return undefined;
  const { rows } = await db.query<IdempotencyRecord>(
    `select fingerprint, resource_id "resourceId" from idempotency_keys
     where tenant_id = $1 and method = $2 and path = $3 and key = $4`,
    [scope.tenantId, scope.method, scope.path, scope.key],
  );
  return rows[0];
}
