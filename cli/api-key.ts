import * as apiKeys from '../database/api-keys.ts';
import { upsertTenant } from '../database/merchants.ts';
import { openPool } from '../database/pool.ts';
import { readEnvironment } from '../process/environment.ts';

/** `paysaga api-key create` */
export async function createApiKey(options: { tenant: string; name: string }): Promise<void> {
  const pool = openPool(readEnvironment(['DATABASE_URL']).DATABASE_URL, { max: 1 });
  try {
    console.log(await apiKeys.createApiKey(pool, await upsertTenant(pool, options.tenant), options.name));
  } finally {
    await pool.end();
  }
}

/** `paysaga api-key revoke` */
export async function revokeApiKey(id: string): Promise<void> {
  const pool = openPool(readEnvironment(['DATABASE_URL']).DATABASE_URL, { max: 1 });
  try {
    if (!(await apiKeys.revokeApiKey(pool, id))) throw new Error(`there is no API key ${id} in use`);
    console.log(`revoked ${id}`);
  } finally {
    await pool.end();
  }
}
