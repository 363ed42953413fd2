import type { AddressInfo } from 'node:net';
import { Client, Connection } from '@temporalio/client';
import { dataConverter } from '../codec/data-converter.ts';
import { openPool } from '../database/pool.ts';
import { openVault } from '../database/secrets.ts';
import { openMerchants } from '../gateway/merchants.ts';
import { type Environment, TEMPORAL_VARIABLES, temporalConnection } from '../process/environment.ts';
import type { Logger } from '../process/logger.ts';
import { startOptions } from '../workflows/start.ts';
import { createApp } from './app.ts';
import { sagasThrough } from './sagas.ts';

/** Variables the API reads. */
export const API_VARIABLES = [
  'DATABASE_URL',
  'DATABASE_POOL_MAX',
  ...TEMPORAL_VARIABLES,
  'TEMPORAL_TASK_QUEUE',
  'PAYSAGA_MASTER_KEY',
  'PAYSAGA_CODEC_KEYS',
  'API_HOST',
  'API_PORT',
  'POLLING_SPEED',
  'LOG_LEVEL',
] as const;

/** How long `POST /v1/payments` waits for the code_url before it answers 202, in milliseconds. */
const SAGA_DEADLINE_MS = 12_000;

/**
 * Starts the API process. It starts without Temporal too: intents and notifications are stored and handed on later.
 * @returns the port it listens on, and a stop that lets requests in hand finish.
 */
export async function runApi(
  environment: Environment<(typeof API_VARIABLES)[number]>,
  log: Logger,
): Promise<{ port: number; stop: () => Promise<void> }> {
  const pool = openPool(environment.DATABASE_URL, {
    max: environment.DATABASE_POOL_MAX,
    onError: (error) => log.warn({ err: error }, 'PostgreSQL connection lost'),
  });
  const connection = Connection.lazy(temporalConnection(environment));
  const client = new Client({
    connection,
    namespace: environment.TEMPORAL_NAMESPACE,
    dataConverter: dataConverter(environment.PAYSAGA_CODEC_KEYS),
  });
  const merchants = openMerchants({ pool, vault: openVault(environment.PAYSAGA_MASTER_KEY) });
  let stopping = false;
  const app = createApp({
    pool,
    client,
    merchants,
    log,
    sagas: sagasThrough(client, {
      deadlineMs: SAGA_DEADLINE_MS,
      ...startOptions(environment.TEMPORAL_TASK_QUEUE, environment.POLLING_SPEED),
    }),
    isStopping: () => stopping,
  });
  const server = app.listen(environment.API_PORT, environment.API_HOST);
  await new Promise<void>((resolve, reject) => {
    server.once('listening', resolve);
    server.once('error', reject);
  });
  const { port } = server.address() as AddressInfo;
  log.info({ host: environment.API_HOST, port }, 'api ready');
  return {
    port,
    async stop() {
      stopping = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      await closed;
      await merchants.close();
      await connection.close();
      await pool.end();
    },
  };
}
