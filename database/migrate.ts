import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import pg from 'pg';

/** Where the SQL files are; the build copies them beside the compiled code. */
const DIRECTORY = fileURLToPath(new URL('./migrations', import.meta.url));

/**
 * Brings the schema up to date, each migration in a transaction, under an advisory lock so that several processes may try at once.
 * @param log is told one line per step.
 * @returns names of the migrations that were applied now.
 */
export async function migrate(url: string, log: (line: string) => void = () => {}): Promise<string[]> {
  // A client of our own, so that its connection has ended when this has: the runner does not wait for its own one's end.
  const client = new pg.Client({ connectionString: url, application_name: 'paysaga migrate' });
  await client.connect();
  try {
    const applied = await runner({
      dbClient: client,
      dir: DIRECTORY,
      direction: 'up',
      migrationsTable: 'migrations',
      checkOrder: true,
      singleTransaction: false,
      advisoryLockMode: 'wait',
      verbose: false,
      logger: { debug: () => {}, info: log, warn: log, error: log },
    });
    return applied.map((migration) => migration.name);
  } finally {
    await client.end();
  }
}
