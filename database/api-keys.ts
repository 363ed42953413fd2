import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { publicId } from '../domain/identity.ts';
import type { Queryable } from './pool.ts';

/** Who is calling. */
export interface ApiKey {
  id: string;
  tenantId: string;
  name: string;
}

const hash = (key: string) => createHash('sha256').update(key).digest();

/** Creates a key and returns it in clear, the only time it is seen; the database keeps its hash. */
export async function createApiKey(db: Queryable, tenantId: string, name: string): Promise<string> {
  const key = `sk_${randomBytes(32).toString('base64url')}`;
  await db.query('insert into api_keys (id, tenant_id, name, key_hash) values ($1, $2, $3, $4)', [
    publicId('key', randomUUID()),
    tenantId,
    name,
    hash(key),
  ]);
  return key;
}

/** The key's owner, or undefined when it is unknown or revoked. */
export async function findApiKey(db: Queryable, key: string): Promise<ApiKey | undefined> {
  const { rows } = await db.query<{ id: string; tenant_id: string; name: string }>(
    'select id, tenant_id, name from api_keys where key_hash = $1 and revoked_at is null',
    [hash(key)],
  );
  const row = rows[0];
  return row && { id: row.id, tenantId: row.tenant_id, name: row.name };
}

/** Revokes a key by its id; false when there is no such key in use. */
export async function revokeApiKey(db: Queryable, id: string): Promise<boolean> {
  const { rowCount } = await db.query(
    'update api_keys set revoked_at = now() where id = $1 and revoked_at is null',
    [id],
  );
  return rowCount === 1;
}
