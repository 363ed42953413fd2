import type { z } from 'zod';
import { Problem } from '../api/problems.ts';
import { parseBody } from '../api/schemas.ts';
import { allMerchants, type Merchant } from '../database/merchants.ts';
import { openPool, type Pool } from '../database/pool.ts';
import { readEnvironment } from '../process/environment.ts';
import { UsageError } from './usage-error.ts';

/** Options of a command whose API twin has them in its query: the same words, the same rules. */
export function readOptions<Schema extends z.ZodType>(
  schema: Schema,
  options: Record<string, unknown>,
): z.output<Schema> {
  try {
    return parseBody(schema, options);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const { errors = [] } = error.extensions as { errors?: { pointer: string; detail: string }[] };
    throw new UsageError(
      errors.map(({ pointer, detail }) => `--${pointer.slice(1).replaceAll('_', '-')} ${detail}`).join('; '),
    );
  }
}

/** Runs a command that needs the database. */
export async function withPool(work: (pool: Pool) => Promise<void>): Promise<void> {
  const pool = openPool(readEnvironment(['DATABASE_URL']).DATABASE_URL, { max: 2 });
  try {
    await work(pool);
  } finally {
    await pool.end();
  }
}

/** The merchants that an option means: the one it names, by id or mchid, or all. */
export async function merchantsNamed(pool: Pool, name: string | undefined): Promise<Merchant[]> {
  const merchants = await allMerchants(pool);
  if (name === undefined) return merchants;
  const found = merchants.filter(({ id, mchid }) => id === name || mchid === name);
  if (found.length === 0) throw new UsageError(`there is no merchant ${name}`);
  return found;
}

/** The one merchant that an option means, or the only one there is. */
export async function merchantNamed(pool: Pool, name: string | undefined): Promise<Merchant> {
  const [merchant, other] = await merchantsNamed(pool, name);
  if (merchant && !other) return merchant;
  throw new UsageError(
    merchant ? 'name one of the merchants by --merchant' : 'there is no merchant: add one by merchant upsert',
  );
}
