import { postgresUrl, SHARED, stopServers, temporalAddress } from './servers.ts';

/** Servers for all the processes that run test files side by side; each would start its own otherwise. */
export async function mochaGlobalSetup(): Promise<void> {
  const [url, address] = await Promise.all([postgresUrl(), temporalAddress()]);
  process.env[SHARED.postgres] = url;
  process.env[SHARED.temporal] = address;
}

export async function mochaGlobalTeardown(): Promise<void> {
  await stopServers();
}
