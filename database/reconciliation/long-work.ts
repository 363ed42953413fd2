import type { PoolClient } from 'pg';
import type { Pool } from '../pool.ts';

/** As long as a statement over millions of rows may take, in milliseconds. */
const LONGEST_MS = 2 * 3600 * 1000;

/** What one join or sort may use of the server's memory before it goes to disk. */
const WORK_MEMORY = '128MB';

/** A connection in the middle of a long transaction. */
export interface LongWork {
  client: PoolClient;
  /** Runs a statement without the pool's limits of seconds. */
  query<Row extends object = Record<string, never>>(
    text: string,
    values?: unknown[],
  ): Promise<{ rows: Row[]; rowCount: number | null }>;
}

/**
 * A transaction that may take long, over millions of rows: the pool's own limits are for requests of people. Rolled back when `work` throws. When
 * the process dies or gives up, the server notices the lost connection.
 */
export async function inLongTransaction<T>(pool: Pool, work: (db: LongWork) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  const lost = (error: Error) => {
    broken = error;
  };
  client.on('error', lost);
  const query: LongWork['query'] = (text, values = []) =>
    client.query({ text, values, query_timeout: LONGEST_MS } as never) as never;
  try {
    await client.query('begin');
    await client.query(
      `set local statement_timeout = ${LONGEST_MS}; set local idle_in_transaction_session_timeout = '10min';
       set local work_mem = '${WORK_MEMORY}'; set local timezone = 'Asia/Shanghai'`,
    );
    const result = await work({ client, query });
    await query('commit');
    return result;
  } catch (error) {
    try {
      await client.query('rollback');
    } catch (rollbackError) {
      broken = rollbackError as Error;
    }
    throw error;
  } finally {
    client.removeListener('error', lost);
    client.release(broken);
  }
}

/** For streams that the pool would otherwise give up after its limit. */
export const LONG_TIMEOUT = { query_timeout: LONGEST_MS };
