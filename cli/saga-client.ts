import {
  Client,
  Connection,
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { dataConverter } from '../codec/data-converter.ts';
import type { Payment } from '../database/payments.ts';
import { openPool, type Pool } from '../database/pool.ts';
import type { Refund } from '../database/refunds.ts';
import { readEnvironment, TEMPORAL_VARIABLES, temporalConnection } from '../process/environment.ts';
import { paymentStart, refundRestart, startOptions } from '../workflows/start.ts';
import { UsageError } from './usage-error.ts';

/** How long a command waits for the answer of a workflow, in milliseconds. */
const PATIENCE_MS = 30_000;

/** The database, and the sagas through Temporal, for one command. */
export interface SagaClient {
  pool: Pool;
  /**
   * Sends an update to a workflow, which is started if nobody has yet; that of a refund is started again if it has ended.
   * @throws UsageError when it has ended, refuses the update, or does not answer in time.
   */
  update<Answer>(subject: Payment | Refund, name: string, request: object): Promise<Answer>;
  /** Begins a payment's workflow anew. @throws UsageError when it runs. */
  restart(payment: Payment): Promise<void>;
  /** What the workflow waits for, in its own words; undefined when nobody answers. */
  situation(subject: Payment | Refund): Promise<string | undefined>;
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
  const startOf = (subject: Payment | Refund) =>
    'outRefundNo' in subject ? refundRestart(subject, options) : paymentStart(subject, options);
  try {
    return await work({
      pool,
      async update(subject, name, request) {
        const { workflowType, ...start } = startOf(subject);
        try {
          return await client.withDeadline(Date.now() + PATIENCE_MS, () =>
            client.workflow.executeUpdateWithStart(name, {
              args: [request],
              startWorkflowOperation: new WithStartWorkflowOperation(workflowType, start as never),
            }),
          );
        } catch (error) {
          throw explained(error, subject);
        }
      },
      async restart(payment) {
        const { workflowType, ...start } = paymentStart(payment, options);
        try {
          await client.workflow.start(workflowType, {
            ...start,
            workflowIdReusePolicy: 'ALLOW_DUPLICATE',
            workflowIdConflictPolicy: 'FAIL',
          });
        } catch (error) {
          if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
          throw new UsageError(`the workflow of ${payment.id} runs; there is nothing to begin anew`);
        }
      },
      async situation(subject) {
        const handle = client.workflow.getHandle(startOf(subject).workflowId);
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

function explained(error: unknown, subject: Payment | Refund): unknown {
  const look = `see paysaga ${'outRefundNo' in subject ? 'refund' : 'payment'} show ${subject.id}`;
  if (error instanceof WorkflowExecutionAlreadyStartedError || error instanceof WorkflowNotFoundError)
    return new UsageError(`the workflow of ${subject.id} has ended, so it takes no updates: ${look}`);
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
