import { execSync } from 'node:child_process';
import { postgresUrl, SHARED, stopServers, templateDatabase, temporalAddress } from './servers.ts';

/**
 * What all processes that run test files side by side have in common, as each would make its own otherwise: the servers, a database with our
 * schema, and the compiled commands, which are those of a release.
 */
export async function mochaGlobalSetup(): Promise<void> {
  const temporal = temporalAddress();
  process.env[SHARED.postgres] = await postgresUrl();
  execSync('npm run --silent build', { stdio: 'inherit' });
  process.env.PAYSAGA_COMPILED = 'yes';
  process.env[SHARED.template] = await templateDatabase();
  process.env[SHARED.temporal] = await temporal;
}

export async function mochaGlobalTeardown(): Promise<void> {
  await stopServers();
}
