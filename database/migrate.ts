import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';

/** Where the SQL files are; the build copies them beside the compiled code. */
const DIRECTORY = fileURLToPath(new URL('./migrations', import.meta.url));

/**
 * Brings the schema up to date, each migration in a transaction, under an advisory lock so that several processes may try at once.
 * @param log is told one line per step.
 * @returns names of the migrations that were applied now.
 */
export async function migrate(url: string, log: (line: string) => void = () => {}): Promise<string[]> {
  const applied = await runner({
    databaseUrl: url,
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
}
