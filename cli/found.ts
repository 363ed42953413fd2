import type { Pool } from '../database/pool.ts';
import { findItem, type Item } from '../database/reconciliation/listing.ts';
import { findRun, type Run } from '../database/reconciliation/runs.ts';
import { UsageError } from './usage-error.ts';

/** A reconciliation by its id: whoever has the database may read everybody's. @throws UsageError */
export async function mustFindRun(pool: Pool, id: string): Promise<Run> {
  const { rows } = await pool.query<{ tenant_id: string }>(
    'select tenant_id from reconciliation_runs where id = $1',
    [id],
  );
  const run = rows[0] && (await findRun(pool, rows[0].tenant_id, id));
  if (!run) throw new UsageError(`there is no reconciliation ${id}`);
  return run;
}

/** A break by its id. @throws UsageError */
export async function mustFindItem(pool: Pool, id: string): Promise<Item> {
  const { rows } = await pool.query<{ tenant_id: string }>(
    'select tenant_id from reconciliation_items where id = $1',
    [id],
  );
  const item = rows[0] && (await findItem(pool, rows[0].tenant_id, id));
  if (!item) throw new UsageError(`there is no break ${id}`);
  return item;
}
