import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { publicId } from '../domain/identity.ts';
import type { Queryable } from './pool.ts';

/** A person who acts on payments and refunds of a tenant. */
export interface Operator {
  id: string;
  tenantId: string;
  name: string;
}

const hash = (key: string) => createHash('sha256').update(key).digest();

/**
 * Adds an operator and returns her key in clear, the only time it is seen; the database keeps its hash. One whose key was revoked gets a new
 * one under her old name.
 * @returns undefined when the name has a key in use.
 */
export async function addOperator(
  db: Queryable,
  tenantId: string,
  name: string,
): Promise<string | undefined> {
  const key = `opk_${randomBytes(32).toString('base64url')}`;
  const { rowCount } = await db.query(
    `insert into operators (id, tenant_id, name, key_hash) values ($1, $2, $3, $4)
     on conflict (tenant_id, name) do update set key_hash = excluded.key_hash, revoked_at = null
     where operators.revoked_at is not null`,
    [publicId('opr', randomUUID()), tenantId, name, hash(key)],
  );
  return rowCount === 1 ? key : undefined;
}

/** The key's owner, or undefined when it is unknown or revoked. */
export async function findOperator(db: Queryable, key: string): Promise<Operator | undefined> {
  const { rows } = await db.query<Operator>(
    'select id, tenant_id "tenantId", name from operators where key_hash = $1 and revoked_at is null',
    [hash(key)],
  );
  return rows[0];
}

/** Every operator of a tenant, by name. */
export async function listOperators(
  db: Queryable,
  tenantId: string,
): Promise<(Operator & { createdAt: Date; revokedAt: Date | null })[]> {
  const { rows } = await db.query(
    `select id, tenant_id "tenantId", name, created_at "createdAt", revoked_at "revokedAt" from operators
     where tenant_id = $1 order by name`,
    [tenantId],
  );
  return rows;
}

/** Revokes an operator's key; false when the name has none in use. What she asked for can no longer be carried out. */
export async function revokeOperator(db: Queryable, tenantId: string, name: string): Promise<boolean> {
  const { rowCount } = await db.query(
    'update operators set revoked_at = now() where tenant_id = $1 and name = $2 and revoked_at is null',
    [tenantId, name],
  );
  return rowCount === 1;
}
