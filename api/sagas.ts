import {
  type Client,
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { SubmitFinding } from '../domain/refund.ts';
import {
  close,
  type OperatorRequest,
  type PaymentOutcome,
  type PrepayResult,
  prepay,
  type RefundResolution,
  type RenewResult,
  type ResolveResult,
  recheck,
  renewPrepay,
  resolveRefund,
  type SyncResult,
  submit,
  syncNow,
} from '../workflows/messages.ts';
import {
  combinedStart,
  type LookAgainInput,
  lookAgainStart,
  paymentStart,
  refundRestart,
  refundStart,
  type StartOptions,
} from '../workflows/start.ts';
import { beyondTaskFailures } from './task-failure.ts';

/** A payment, or a combined one: their sagas understand the same messages. */
export type OpenOrder = Parameters<typeof paymentStart>[0] | Parameters<typeof combinedStart>[0];

/**
 * What the API says to the sagas. Every call starts the workflow if it is not running, so a crash between storing an intent and starting its
 * workflow is mended by the next call, or else by the worker's relay.
 *
 * `undefined` means that no answer came in time, or that the workflow has ended already. The row tells what is known; nothing is lost.
 */
export interface Sagas {
  prepay(order: OpenOrder): Promise<PrepayResult | undefined>;
  /** @param issuedAt of what has expired. */
  renewPrepay(order: OpenOrder, issuedAt: Date): Promise<RenewResult | undefined>;
  syncNow(order: OpenOrder): Promise<SyncResult | undefined>;
  /** Of one that has ended without money. */
  lookAgain(order: OpenOrder): Promise<SyncResult | undefined>;
  close(
    order: OpenOrder,
    request: OperatorRequest,
  ): Promise<PaymentOutcome | { status: 'UNDECIDED' } | undefined>;
  submit(refund: Parameters<typeof refundStart>[0]): Promise<SubmitFinding | undefined>;
  /** @returns whether it was noted. A workflow that has ended is started again, to look. */
  recheckRefund(
    refund: Parameters<typeof refundRestart>[0],
    request: OperatorRequest,
  ): Promise<boolean | undefined>;
  resolveRefund(
    refund: Parameters<typeof refundRestart>[0],
    request: RefundResolution,
  ): Promise<ResolveResult | undefined>;
}

type LookAgain = (input: LookAgainInput) => Promise<SyncResult>;

/** How the Temporal server calls an update whose workflow ended without answering it. */
const UNANSWERED = 'AcceptedUpdateCompletedWorkflow';

/** gRPC status codes that say "not now". */
const NOT_NOW = new Set([1, 4, 8, 14]);

/**
 * @param deadlineMs how long a request may wait for its workflow, in milliseconds.
 */
export function sagasThrough(
  client: Client,
  { deadlineMs, ...startOptions }: StartOptions & { deadlineMs: number },
): Sagas {
  /** Gives up waiting at the deadline; the workflow goes on. */
  async function inTime<Answer>(work: () => Promise<Answer>): Promise<Answer | undefined> {
    try {
      return await client.withDeadline(Date.now() + deadlineMs, () => beyondTaskFailures(work));
    } catch (error) {
      // It has ended, perhaps while we waited.
      if (error instanceof WorkflowExecutionAlreadyStartedError || error instanceof WorkflowNotFoundError) {
        return undefined;
      }
      if (error instanceof WorkflowUpdateFailedError) {
        // Taken by a workflow that ended before it had answered: somebody has terminated it, say. The row tells.
        if (error.cause instanceof ApplicationFailure && error.cause.type === UNANSWERED) return undefined;
        throw error;
      }
      if (isNotNow(error)) return undefined;
      throw error;
    }
  }

  /** A workflow that was asked too often refuses such requests; the payment itself goes on. */
  async function unlessRefused<Answer>(
    work: () => Promise<Answer>,
    refused: Answer,
  ): Promise<Answer | undefined> {
    try {
      return await inTime(work);
    } catch (error) {
      if (error instanceof WorkflowUpdateFailedError) return refused;
      throw error;
    }
  }

  const orderOperation = (order: OpenOrder) => {
    const { workflowType, ...start } =
      'combineOutTradeNo' in order ? combinedStart(order, startOptions) : paymentStart(order, startOptions);
    return new WithStartWorkflowOperation(workflowType, start);
  };

  const restartOperation = (refund: Parameters<typeof refundRestart>[0]) => {
    const { workflowType, ...start } = refundRestart(refund, startOptions);
    return new WithStartWorkflowOperation(workflowType, start);
  };

  return {
    prepay: (order) =>
      inTime(() =>
        client.workflow.executeUpdateWithStart(prepay, {
          // The same id for every repeat: even a workflow that has ended still gives its stored answer.
          updateId: 'prepay',
          startWorkflowOperation: orderOperation(order),
        }),
      ),
    renewPrepay: (order, issuedAt) =>
      unlessRefused<RenewResult>(
        () =>
          client.workflow.executeUpdateWithStart(renewPrepay, {
            args: [{ issuedAt: issuedAt.toISOString() }],
            // Repeats in quick succession are one: every update takes room in the workflow.
            updateId: `renew/${issuedAt.getTime()}/${Math.floor(Date.now() / 5_000)}`,
            startWorkflowOperation: orderOperation(order),
          }),
        { kind: 'ended' },
      ),
    syncNow: (order) =>
      unlessRefused<SyncResult>(
        () =>
          client.workflow.executeUpdateWithStart(syncNow, {
            startWorkflowOperation: orderOperation(order),
          }),
        { kind: 'unpaid' },
      ),
    lookAgain: (order) =>
      inTime(() => {
        const { workflowType, ...start } = lookAgainStart(order, startOptions);
        return client.workflow.execute<LookAgain>(workflowType, start);
      }),
    close: (order, request) =>
      inTime(() =>
        client.workflow.executeUpdateWithStart(close, {
          args: [request],
          // One close per payment: repeats during an outage must not use up the workflow's room for updates.
          updateId: 'close',
          startWorkflowOperation: orderOperation(order),
        }),
      ),
    submit: (refund) =>
      inTime(() => {
        const { workflowType, ...start } = refundStart(refund, startOptions);
        return client.workflow.executeUpdateWithStart(submit, {
          updateId: 'submit',
          startWorkflowOperation: new WithStartWorkflowOperation(workflowType, start),
        });
      }),
    recheckRefund: (refund, request) =>
      inTime(async () => {
        await client.workflow.executeUpdateWithStart(recheck, {
          args: [request],
          startWorkflowOperation: restartOperation(refund),
        });
        return true;
      }),
    resolveRefund: (refund, request) =>
      unlessRefused<ResolveResult>(
        () =>
          client.workflow.executeUpdateWithStart(resolveRefund, {
            args: [request],
            startWorkflowOperation: restartOperation(refund),
          }),
        { kind: 'unanswered' },
      ),
  };
}

/** A deadline, or Temporal is away: found in the error or in what caused it. */
function isNotNow(error: unknown): boolean {
  for (let at = error; at; at = (at as { cause?: unknown }).cause) {
    const { code, name } = at as { code?: unknown; name?: string };
    if (typeof code === 'number' && NOT_NOW.has(code)) return true;
    if (name === 'WorkflowUpdateRPCTimeoutOrCancelledError') return true;
  }
  return false;
}
