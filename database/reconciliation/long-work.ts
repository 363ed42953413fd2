import type { PoolClient } from 'pg';
import { inTransaction, type Pool } from '../pool.ts';

/** As long as a statement over millions of rows may take, in milliseconds. */
const LONGEST_MS = 2 * 3600 * 1000;

/** What one join or sort may use of the server's memory before it goes to disk. */
const WORK_MEMORY = '64MB';

/** A connection in the middle of a long transaction. */
export interface LongWork {
  client: PoolClient;
  /** Runs a statement without the pool's limits of seconds. */
  query<Row extends object = Record<string, never>>(
    text: string,
    values?: unknown[],
  ): Promise<{ rows: Row[]; rowCount: number | null }>;
}

/** For streams and statements that the pool would otherwise give up after its own limit. */
export const LONG_TIMEOUT = { query_timeout: LONGEST_MS };

/**
 * A transaction that may take long, over millions of rows: the pool's own limits are for requests of people. Rolled back when `work` throws. When
 * the process dies or gives up, the server notices the lost connection.
 */
export async function inLongTransaction<T>(pool: Pool, work: (db: LongWork) => Promise<T>): Promise<T> {
  return await inTransaction(
    pool,
    async (client) => {
      await client.query(
        `set local statement_timeout = ${LONGEST_MS}; set local idle_in_transaction_session_timeout = '10min';
         set local work_mem = '${WORK_MEMORY}'; set local timezone = 'Asia/Shanghai'`,
      );
      return await work({
        client,
        query: async (text, values = []) => await client.query({ text, values, ...LONG_TIMEOUT }),
      });
    },
    LONG_TIMEOUT,
  );
}
