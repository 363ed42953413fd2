import { randomUUID } from 'node:crypto';
import { type Client, WithStartWorkflowOperation } from '@temporalio/client';
import { startChild } from '../dev/child.ts';
import { ROOT } from '../dev/paysaga-command.ts';
import type { Stack } from '../dev/stack.ts';
import { barePayment, notified, prepay } from './baseline-workflow.ts';
import { HISTORIES, LOAD_GENERATOR, PATIENCE_MS, type Subject } from './subject.ts';

const READY_TIMEOUT_MS = 90_000;

/**
 * The least that a payment can cost on this server: a workflow of the same shape whose activities do nothing, driven by a Temporal
 * client without any API, database or gateway.
 */
export async function startBaseline(
  client: Client,
  stack: Stack,
): Promise<Subject & { stop(): Promise<void> }> {
  const taskQueue = `bench-baseline-${randomUUID()}`;
  const worker = await startChild({
    name: 'baseline worker',
    command: process.execPath,
    args: [
      ...['--import=tsx', 'bench/baseline-worker.ts'],
      ...[stack.temporalAddress, stack.temporalNamespace, taskQueue],
    ],
    cwd: ROOT,
  });
  const workflowIds: string[] = [];
  try {
    await worker.printed(/^baseline worker ready/, READY_TIMEOUT_MS);
  } catch (error) {
    await worker.stop();
    throw error;
  }
  const server = stack.pids().find(({ name }) => name === 'temporal');
  return {
    name: 'baseline',
    async takePayment() {
      const workflowId = `bench-baseline/${randomUUID()}`;
      const started = performance.now();
      return await client.withDeadline(Date.now() + PATIENCE_MS, async () => {
        await client.workflow.executeUpdateWithStart(prepay, {
          startWorkflowOperation: new WithStartWorkflowOperation(barePayment, {
            workflowId,
            taskQueue,
            workflowIdConflictPolicy: 'USE_EXISTING',
          }),
        });
        const answered = performance.now();
        const handle = client.workflow.getHandle(workflowId);
        await handle.signal(notified);
        await handle.result();
        const paid = performance.now();
        workflowIds.push(workflowId);
        return {
          toCodeUrl: answered - started,
          toSettled: paid - answered,
          toPaid: paid - started,
          askedAgain: false,
        };
      });
    },
    processes: () => [
      ...(server ? [{ name: 'temporal', pid: server.pid }] : []),
      { name: 'worker', pid: worker.pid },
      LOAD_GENERATOR,
    ],
    historyEvents: () => historyLengths(client, workflowIds.slice(-HISTORIES)),
    stop: () => worker.stop(),
  };
}

/** Number of events in each workflow's history. */
export async function historyLengths(client: Client, workflowIds: readonly string[]): Promise<number[]> {
  const lengths: number[] = [];
  for (const workflowId of workflowIds) {
    const { historyLength } = await client.workflow.getHandle(workflowId).describe();
    lengths.push(historyLength);
  }
  return lengths;
}
