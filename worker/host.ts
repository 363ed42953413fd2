import { hostname } from 'node:os';
import { Client } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { type NativeConnection, Worker, type WorkflowBundleOption } from '@temporalio/worker';
import { createActivities } from '../activities/index.ts';
import type { Pool } from '../database/pool.ts';
import type { Merchants } from '../gateway/merchants.ts';
import type { Logger } from '../process/logger.ts';
import { type StartOptions, startOptions } from '../workflows/start.ts';
import { startIntentRelay } from './intent-relay.ts';
import { startLedgerSealer } from './ledger-sealer.ts';
import { startLedgerWatch } from './ledger-watch.ts';
import { startNotificationRelay } from './notification-relay.ts';
import { type Retention, startRetention } from './retention.ts';
import { type Nights, startScheduleKeeper } from './schedules.ts';
import { pinnedTo } from './version.ts';

/** Everything one worker is made of. */
export interface HostOptions {
  connection: NativeConnection;
  namespace: string;
  taskQueue: string;
  workflowBundle: WorkflowBundleOption;
  /** Makes this worker take part in versioned deployments, under this name; it gets no work until the version is made current. */
  buildId?: string | undefined;
  /** Encrypts what Temporal stores; the bundle must have been made for encoded failures. */
  dataConverter?: DataConverter | undefined;
  pool: Pool;
  merchants: Merchants;
  /** Base of every notify_url. */
  publicUrl: string;
  log: Logger;
  /** Workflow tasks at a time. */
  maxWorkflowTasks?: number;
  /** Activities at a time. */
  maxActivities?: number;
  /** Workflows kept in memory, about 1 MB each. */
  maxCachedWorkflows?: number;
  /** Divides the waits before the gateway is asked; for orphaned intents, as the API has its own. Default 1. */
  pollingSpeed?: number;
  /** When merchants are reconciled; not by themselves unless told. */
  nights?: Nights;
  /** Other schedules altogether, e.g. those of a test. */
  timing?: Partial<Pick<StartOptions, 'paymentTiming' | 'refundTiming'>>;
  /** How long things are kept. Default: nothing is forgotten. */
  retention?: Retention;
  /** How often it is looked for what is too old, in milliseconds. */
  retentionMs?: number;
  /** After how many days late money and suspense raise an alarm; they are not watched unless told. */
  moneyAlarmDays?: number;
  /** How often orphaned intents are looked for, in milliseconds. */
  intentRelayMs?: number;
}

/** A worker at work. */
export interface Host {
  /** Settles when worker and relays have stopped; rejects when the worker died. */
  ended: Promise<void>;
  /** Lets activities in hand finish. */
  stop(): void;
}

/** Hosts the sagas: workflows, activities, the relays that hand stored intents and notifications to Temporal, and those that look after the ledger. */
export async function hostSagas(options: HostOptions): Promise<Host> {
  const { connection, namespace, taskQueue, buildId, dataConverter, pool, merchants, publicUrl, log } =
    options;
  const client = new Client({ connection, namespace, dataConverter });
  const activities = createActivities({ pool, merchants, publicUrl, clock: Date.now });
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue,
    activities,
    workflowBundle: options.workflowBundle,
    ...(dataConverter && { dataConverter }),
    ...(buildId && { workerDeploymentOptions: pinnedTo(taskQueue, buildId) }),
    identity: `paysaga-worker/${hostname()}/${process.pid}`,
    maxConcurrentWorkflowTaskExecutions: options.maxWorkflowTasks ?? 40,
    maxConcurrentActivityTaskExecutions: options.maxActivities ?? 100,
    maxCachedWorkflows: options.maxCachedWorkflows ?? 500,
    workflowTaskPollerBehavior: { type: 'autoscaling' },
    activityTaskPollerBehavior: { type: 'autoscaling' },
    // Longer than the slowest gateway call.
    shutdownGraceTime: '10 seconds',
    shutdownForceTime: '20 seconds',
  });
  const relays = [
    startNotificationRelay({ pool, client, activities, log }),
    startIntentRelay({
      pool,
      client,
      startOptions: { ...startOptions(taskQueue, options.pollingSpeed ?? 1), ...options.timing },
      log,
      ...(options.intentRelayMs && { idleMs: options.intentRelayMs }),
    }),
    startLedgerSealer({ pool, log }),
    ...(options.nights
      ? [startScheduleKeeper({ pool, client, taskQueue, nights: options.nights, log })]
      : []),
    ...(options.moneyAlarmDays !== undefined
      ? [startLedgerWatch({ pool, days: options.moneyAlarmDays, log })]
      : []),
    ...(options.retention
      ? [
          startRetention({
            pool,
            log,
            retention: options.retention,
            ...(options.retentionMs && { idleMs: options.retentionMs }),
          }),
        ]
      : []),
  ];
  const ended = worker.run().finally(() => Promise.all(relays.map((relay) => relay.stop())));
  return {
    ended,
    stop() {
      if (worker.getState() === 'RUNNING') worker.shutdown();
    },
  };
}
