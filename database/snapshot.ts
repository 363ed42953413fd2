import type { Pool, Queryable } from './pool.ts';

/** One moment of the database: whatever is read through it belongs together. */
export type Snapshot = Queryable & {
  /** The rows of a query, one after the other, with a few hundred in memory at a time. */
  rows<Row>(sql: string, values: unknown[]): AsyncIterable<Row>;
};

/** Rows fetched at a time. */
const FETCH = 500;

/** How long one fetch may take, and how long the reader may pause between two, in milliseconds: the first sorts everything. */
const PATIENCE_MS = 600_000;
const PAUSE_MS = 120_000;

/**
 * Reads as much as it likes from one moment of the database, with flat memory. The connection is held until the reader has come to the end,
 * has stopped reading, or has paused for two minutes.
 */
export async function* fromSnapshot<Item>(
  pool: Pool,
  read: (snapshot: Snapshot) => AsyncIterable<Item>,
): AsyncGenerator<Item> {
  const client = await pool.connect();
  let lost: Error | undefined;
  const onLost = (error: Error) => {
    lost = error;
  };
  // The pool listens to idle connections only; one that is lost in our hands would end the process.
  client.on('error', onLost);
  let cursors = 0;
  try {
    await client.query('begin isolation level repeatable read read only');
    await client.query(`set local statement_timeout = ${PATIENCE_MS}`);
    await client.query(`set local idle_in_transaction_session_timeout = ${PAUSE_MS}`);
    yield* read({
      query: client.query.bind(client),
      async *rows<Row>(sql: string, values: unknown[]) {
        cursors += 1;
        const cursor = `cursor_${cursors}`;
        await client.query(`declare ${cursor} no scroll cursor for ${sql}`, values);
        // The pool's own time-out of a query is one for requests.
        const fetch = { text: `fetch ${FETCH} from ${cursor}`, query_timeout: PATIENCE_MS };
        for (let found = FETCH; found === FETCH; ) {
          const { rows } = await client.query(fetch);
          yield* rows as Row[];
          found = rows.length;
        }
        await client.query(`close ${cursor}`);
      },
    });
  } finally {
    // Nothing was written: there is nothing to commit.
    await client.query('rollback').catch(onLost);
    client.removeListener('error', onLost);
    client.release(lost);
  }
}
