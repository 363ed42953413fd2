import { findTenant, listTenants } from '../database/merchants.ts';
import * as operators from '../database/operators.ts';
import { openPool, type Pool, type Queryable } from '../database/pool.ts';
import { readEnvironment } from '../process/environment.ts';
import { UsageError } from './usage-error.ts';

async function inTenant(name: string, work: (pool: Pool, tenantId: string) => Promise<void>): Promise<void> {
  const pool = openPool(readEnvironment(['DATABASE_URL']).DATABASE_URL, { max: 1 });
  try {
    await work(pool, await tenantNamed(pool, name));
  } finally {
    await pool.end();
  }
}

/** The id of a tenant. @throws UsageError when there is none of this name. */
export async function tenantNamed(db: Queryable, name: string): Promise<string> {
  const id = await findTenant(db, name);
  if (id === undefined) {
    const names = await listTenants(db);
    throw new UsageError(
      `there is no tenant ${name}${names.length > 0 ? `; there are: ${names.join(', ')}` : ' yet: paysaga merchant upsert makes one'}`,
    );
  }
  return id;
}

/** `paysaga operator add`: the key is printed, the only time it is shown. */
export async function addOperator(name: string, options: { tenant: string }): Promise<void> {
  if (!/^[\p{L}\p{N}][\p{L}\p{N} ._@-]{0,63}$/u.test(name) || /^key_/.test(name))
    throw new UsageError(
      'a name has 1 to 64 letters, digits, blanks and . _ @ -, and begins with neither sign nor key_',
    );
  await inTenant(options.tenant, async (pool, tenantId) => {
    const key = await operators.addOperator(pool, tenantId, name);
    if (key === undefined)
      throw new UsageError(`${name} has a key already; revoke it first: paysaga operator revoke`);
    console.log(key);
    console.error(
      `the key of ${name}, shown this once: they act with it in PAYSAGA_OPERATOR_KEY, or in a file named by --operator-key-file`,
    );
  });
}

/** `paysaga operator list` */
export async function listOperators(options: { tenant: string; json?: boolean }): Promise<void> {
  await inTenant(options.tenant, async (pool, tenantId) => {
    const found = await operators.listOperators(pool, tenantId);
    if (options.json) {
      const shown = found.map(({ id, name, createdAt, revokedAt }) => ({
        id,
        name,
        created_at: createdAt,
        revoked_at: revokedAt,
      }));
      console.log(JSON.stringify(shown, null, 2));
      return;
    }
    if (found.length === 0) console.log('there is no operator yet: paysaga operator add makes one');
    for (const { name, createdAt, revokedAt } of found) {
      const until = revokedAt ? `revoked ${revokedAt.toISOString()}` : 'may act';
      console.log(`${name.padEnd(24)} since ${createdAt.toISOString()}  ${until}`);
    }
  });
}

/** `paysaga operator revoke` */
export async function revokeOperator(name: string, options: { tenant: string }): Promise<void> {
  await inTenant(options.tenant, async (pool, tenantId) => {
    if (!(await operators.revokeOperator(pool, tenantId, name)))
      throw new UsageError(`there is no operator ${name} with a key in use`);
    console.log(`revoked ${name}`);
  });
}
