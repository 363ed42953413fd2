import pg from 'pg';

/** A connection pool, or one connection of it inside a transaction. */
export type Queryable = Pick<pg.Pool, 'query'> | Pick<pg.PoolClient, 'query'>;
/** The pool of a process. */
export type Pool = pg.Pool;

const INT8_OID = 20;

/** Amounts in fen and sequence numbers are bigint columns; they cross as safe integers or not at all. */
function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`bigint out of the safe range: ${text}`);
  return value;
}

/**
 * Opens the pool of a process. Connections that break while idle (PostgreSQL restarted) are reported to `onError` and replaced;
 * without that listener they would end the process.
 * @param max largest number of connections.
 */
export function openPool(
  url: string,
  { max = 10, onError = () => {} }: { max?: number; onError?: (error: Error) => void } = {},
): Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: 5_000,
    // A statement that takes this long is a bug or a lost server; activities and requests are retried.
    statement_timeout: 15_000,
    // The same from our side: a network that swallows packets must not hold a connection for a quarter of an hour.
    query_timeout: 20_000,
    keepAlive: true,
    idle_in_transaction_session_timeout: 30_000,
    application_name: 'paysaga',
    types: {
      getTypeParser: ((oid: number, format?: 'text') =>
        oid === INT8_OID
          ? safeInteger
          : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
    },
  });
  pool.on('error', onError);
  return pool;
}

/**
 * Runs `work` in one transaction; rolled back when it throws.
 * @param limit of milliseconds for the commit, where what is checked then takes longer than the pool's own limit allows.
 */
export async function inTransaction<T>(
  pool: Pool,
  work: (db: pg.PoolClient) => Promise<T>,
  limit?: { query_timeout: number },
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  // The pool listens to idle connections only; one that is lost in our hands would end the process.
  const lost = (error: Error) => {
    broken = error;
  };
  client.on('error', lost);
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query({ text: 'commit', ...limit });
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
    // A connection that was lost or could not even roll back is thrown away instead of reused.
    client.release(broken);
  }
}

/** True when the error is PostgreSQL's unique_violation, of that constraint or index if one is named. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  return (
    error instanceof pg.DatabaseError &&
    error.code === '23505' &&
    (constraint === undefined || error.constraint === constraint)
  );
}
