import {
  Client,
  Connection,
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { beyondTaskFailures } from '../api/task-failure.ts';
import { dataConverter } from '../codec/data-converter.ts';
import { openPool, type Pool } from '../database/pool.ts';
import { readEnvironment, TEMPORAL_VARIABLES, temporalConnection } from '../process/environment.ts';
import { startOptions } from '../workflows/start.ts';
import type { SagaTarget } from './target.ts';
import { UsageError } from './usage-error.ts';

/** How long a command waits for the answer of a workflow, in milliseconds. */
const PATIENCE_MS = 30_000;

/** The database, and the sagas through Temporal, for one command. */
export interface SagaClient {
  pool: Pool;
  /**
   * Sends an update to a workflow, which is started if nobody has yet; that of a refund or of late money is started again if it has ended.
   * @throws UsageError when it has ended, refuses the update, or does not answer in time.
   */
  update<Answer>(target: SagaTarget, name: string, request: object): Promise<Answer>;
  /** Begins its workflow anew. @throws UsageError when it runs. */
  restart(target: SagaTarget): Promise<void>;
  /** What its workflow waits for, in its own words; undefined when nobody answers. */
  situation(target: SagaTarget): Promise<string | undefined>;
}

/** Runs a command with database and Temporal, and closes both. */
export async function withSagas<Answer>(work: (sagas: SagaClient) => Promise<Answer>): Promise<Answer> {
  const environment = readEnvironment([
    'DATABASE_URL',
    ...TEMPORAL_VARIABLES,
    'TEMPORAL_TASK_QUEUE',
    'PAYSAGA_CODEC_KEYS',
    'POLLING_SPEED',
  ]);
  const pool = openPool(environment.DATABASE_URL, { max: 2 });
  const connection = Connection.lazy(temporalConnection(environment));
  const client = new Client({
    connection,
    namespace: environment.TEMPORAL_NAMESPACE,
    dataConverter: dataConverter(environment.PAYSAGA_CODEC_KEYS),
  });
  const options = startOptions(environment.TEMPORAL_TASK_QUEUE, environment.POLLING_SPEED);
  try {
    return await work({
      pool,
      async update<Answer>(target: SagaTarget, name: string, request: object): Promise<Answer> {
        const { workflowType, ...start } = target.start(options);
        try {
          return await client.withDeadline(Date.now() + PATIENCE_MS, () =>
            beyondTaskFailures<Answer>(() =>
              client.workflow.executeUpdateWithStart(name, {
                args: [request],
                startWorkflowOperation: new WithStartWorkflowOperation(workflowType, start as never),
              }),
            ),
          );
        } catch (error) {
          throw explained(error, target);
        }
      },
      async restart(target) {
        const { workflowType, ...start } = target.start(options);
        try {
          await client.workflow.start(workflowType, {
            ...start,
            workflowIdReusePolicy: 'ALLOW_DUPLICATE',
            workflowIdConflictPolicy: 'FAIL',
          });
        } catch (error) {
          if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
          throw new UsageError(`the workflow of ${target.id} runs; there is nothing to begin anew`);
        }
      },
      async situation({ workflowId }) {
        const handle = client.workflow.getHandle(workflowId);
        try {
          const { currentDetails } = await client.withDeadline(Date.now() + 3_000, () =>
            handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata'),
          );
          return currentDetails;
        } catch {
          // The row is shown all the same.
          return undefined;
        }
      },
    });
  } finally {
    await connection.close();
    await pool.end();
  }
}

function explained(error: unknown, { id, status }: SagaTarget & { status?: string }): unknown {
  const look = id.startsWith('late_')
    ? 'see paysaga late-payment list'
    : `see paysaga ${id.startsWith('ref_') ? 'refund' : 'payment'} show ${id}`;
  if (error instanceof WorkflowExecutionAlreadyStartedError || error instanceof WorkflowNotFoundError)
    return new UsageError(
      `the workflow of ${id} has ended, so it takes no updates${status === undefined ? '' : `; it was ${status} when this was asked`}: ${look}`,
    );
  if (error instanceof WorkflowUpdateFailedError)
    return new UsageError(`refused: ${error.cause?.message ?? error.message}`);
  for (let at = error; at; at = (at as { cause?: unknown }).cause) {
    const { code, name } = at as { code?: unknown; name?: string };
    if (code === 4 || code === 14 || name === 'WorkflowUpdateRPCTimeoutOrCancelledError')
      return new UsageError(
        `no answer from the workflow within ${PATIENCE_MS / 1000} s; what was asked for may still happen: ${look}`,
      );
  }
  return error;
}
