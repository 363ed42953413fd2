import { Connection } from '@temporalio/client';
import { migrate } from '../database/migrate.ts';
import { readEnvironment, TEMPORAL_VARIABLES, temporalConnection } from '../process/environment.ts';
import { registerSearchAttributes } from '../worker/search-attributes.ts';

/** `paysaga migrate`: safe to run at every deployment, and by several processes at once. */
export async function runMigrate(): Promise<void> {
  const environment = readEnvironment(['DATABASE_URL', ...TEMPORAL_VARIABLES]);
  const applied = await migrate(environment.DATABASE_URL);
  console.log(applied.length > 0 ? `schema: applied ${applied.join(', ')}` : 'schema: up to date');
  const connection = await Connection.connect({
    ...temporalConnection(environment),
    connectTimeout: '10 seconds',
  });
  try {
    const namespace = environment.TEMPORAL_NAMESPACE;
    const added = await connection.withDeadline(Date.now() + 30_000, () =>
      registerSearchAttributes(connection, namespace),
    );
    console.log(
      added.length > 0 ? `search attributes: added ${added.join(', ')}` : 'search attributes: up to date',
    );
  } finally {
    await connection.close();
  }
}
