import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { dataConverter } from '../codec/data-converter.ts';
import { openPool } from '../database/pool.ts';
import { openVault } from '../database/secrets.ts';
import { openMerchants } from '../gateway/merchants.ts';
import { type Environment, TEMPORAL_VARIABLES, temporalConnection } from '../process/environment.ts';
import type { Logger } from '../process/logger.ts';
import { loadWorkflows } from './bundle.ts';
import { type Host, hostSagas } from './host.ts';
import { buildId } from './version.ts';

/** Variables the worker reads. */
export const WORKER_VARIABLES = [
  'DATABASE_URL',
  'DATABASE_POOL_MAX',
  ...TEMPORAL_VARIABLES,
  'TEMPORAL_TASK_QUEUE',
  'PAYSAGA_MASTER_KEY',
  'PAYSAGA_CODEC_KEYS',
  'PUBLIC_URL',
  'PAYSAGA_WORKER_VERSIONING',
  'WORKER_MAX_WORKFLOW_TASKS',
  'WORKER_MAX_ACTIVITIES',
  'WORKER_MAX_CACHED_WORKFLOWS',
  'POLLING_SPEED',
  'RECONCILIATION_CRON',
  'RECONCILIATION_CARRY_DAYS',
  'MONEY_ALARM_DAYS',
  'NOTIFICATION_RETENTION_DAYS',
  'IDEMPOTENCY_RETENTION_DAYS',
  'LOG_LEVEL',
] as const;

/** Temporal's levels in our logger's words. */
const LEVELS = { TRACE: 'debug', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/**
 * Starts the worker process.
 * @param version this package's.
 * @returns `ended` settles when everything has stopped, by `stop` or by a fatal error.
 */
export async function runWorker(
  environment: Environment<(typeof WORKER_VARIABLES)[number]>,
  log: Logger,
  version: string,
): Promise<Host> {
  Runtime.install({
    // Signals are ours to handle: the relays stop before the pool ends.
    shutdownSignals: [],
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => {
      const { error, ...rest } = meta ?? {};
      // Under any other name an error would lose its text.
      log[LEVELS[level]](error === undefined ? rest : { ...rest, err: error }, message);
    }),
  });
  const connection = await NativeConnection.connect(temporalConnection(environment));
  const { TEMPORAL_NAMESPACE: namespace, TEMPORAL_TASK_QUEUE: taskQueue } = environment;
  const pool = openPool(environment.DATABASE_URL, {
    max: environment.DATABASE_POOL_MAX,
    onError: (error) => log.warn({ err: error }, 'PostgreSQL connection lost'),
  });
  const merchants = openMerchants({ pool, vault: openVault(environment.PAYSAGA_MASTER_KEY) });
  const converter = dataConverter(environment.PAYSAGA_CODEC_KEYS);
  const workflowBundle = await loadWorkflows({ encodeFailures: converter !== undefined });
  const build = buildId(version, workflowBundle.code);
  const host = await hostSagas({
    connection,
    namespace,
    taskQueue,
    workflowBundle,
    buildId: environment.PAYSAGA_WORKER_VERSIONING ? build : undefined,
    dataConverter: converter,
    pool,
    merchants,
    publicUrl: environment.PUBLIC_URL,
    log,
    maxWorkflowTasks: environment.WORKER_MAX_WORKFLOW_TASKS,
    maxActivities: environment.WORKER_MAX_ACTIVITIES,
    maxCachedWorkflows: environment.WORKER_MAX_CACHED_WORKFLOWS,
    pollingSpeed: environment.POLLING_SPEED,
    ...(environment.RECONCILIATION_CRON !== 'off' && {
      nights: { cron: environment.RECONCILIATION_CRON, carryDays: environment.RECONCILIATION_CARRY_DAYS },
    }),
    moneyAlarmDays: environment.MONEY_ALARM_DAYS,
    retention: {
      notificationDays: environment.NOTIFICATION_RETENTION_DAYS,
      idempotencyKeyDays: environment.IDEMPOTENCY_RETENTION_DAYS,
    },
  });
  const versioned = environment.PAYSAGA_WORKER_VERSIONING;
  log.info({ namespace, task_queue: taskQueue, build_id: build, versioned }, 'worker ready');
  return {
    stop: host.stop,
    ended: host.ended.finally(async () => {
      await merchants.close();
      await pool.end();
      await connection.close();
    }),
  };
}
