import { currentUpdateInfo, proxyActivities, setHandler, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { API_KEY_ID } from '../domain/identity.ts';
import type { OperatorAction } from '../domain/operator.ts';
import type { PaymentFinding } from '../domain/payment.ts';
import { AT_GATEWAY, localFirst } from './local-first.ts';
import {
  type OperatorRequest,
  type ResolveAnswer,
  type ResolveRequest,
  requireReason,
  requireResolution,
  resolveAsClosed,
  resolveAsPaid,
  retryStep,
} from './messages.ts';
import { recordsOperatorActions } from './patches.ts';

/** An operator waits for the answer; she can ask again. */
const PATIENCE = {
  startToCloseTimeout: '15 seconds',
  scheduleToCloseTimeout: '2 minutes',
  retry: { initialInterval: '1 second', maximumInterval: '15 seconds' },
} as const;

/** Puts on record what an operator did; undefined when there is nothing to record, so that whoever answers does not wait even a turn. */
export type RecordAction = (
  action: OperatorAction,
  request: OperatorRequest,
  result: string,
) => Promise<void> | undefined;

/** What has a saga of its own and is paid: a payment, or a combined one. */
export type OrderSubject = { paymentId: string } | { combinedId: string };

/** Opens the record of what operators do to a payment or refund. */
export function openRecord(subject: OrderSubject | { refundId: string }): RecordAction {
  return (action, { actor, reason }, result) => {
    // What the merchant's own backend asks for through the API is no operator's doing.
    if (API_KEY_ID.test(actor) || !recordsOperatorActions()) return undefined;
    return localFirst(
      'recordOperatorAction',
      { ...subject, action, actor, reason, result, updateKey: updateKey() },
      { startToCloseTimeout: '15 seconds', summary: `record what ${actor} did` },
    );
  };
}

/**
 * Answers the update `retryStep`.
 * @param givenUp is told who asks, and says whether a step was given up and is repeated now.
 */
export function serveRetry(record: RecordAction, givenUp: (request: OperatorRequest) => boolean): void {
  setHandler(
    retryStep,
    async (request) => {
      const recheck = givenUp(request) ? ['recheck'] : [];
      const summary = `repeat at once what waits, asked by ${request.actor}`;
      const waiting = await localFirst('repeatWaitingSteps', {}, { ...PATIENCE, summary }, AT_GATEWAY);
      const repeated = [...recheck, ...waiting];
      await record('retry_step', request, repeated.join(', ') || 'nothing waited');
      return { repeated };
    },
    {
      validator: requireReason,
      description: 'Repeat at once the step that waits for its next attempt, or was given up.',
    },
  );
}

/**
 * Answers the updates `resolveAsPaid` and `resolveAsClosed`, which settle by evidence what no machine can decide.
 * @param resolved is told how the payment has ended.
 */
export function serveResolution(
  subject: OrderSubject,
  resolved: (finding: PaymentFinding & { kind: 'final' }) => void,
): void {
  async function resolve(as: 'paid' | 'closed', request: ResolveRequest): Promise<ResolveAnswer> {
    const { actor, reason, approval } = request;
    const { resolvePayment, resolveCombined } = proxyActivities<Activities>({
      ...PATIENCE,
      summary: `resolve as ${as}, asked by ${actor}: ${reason}`,
    });
    const resolution = {
      as,
      actor,
      reason,
      ...(approval !== undefined && { approvalId: approval }),
      updateKey: updateKey(),
    };
    const answer =
      'paymentId' in subject
        ? await resolvePayment({ ...subject, ...resolution })
        : await resolveCombined({ ...subject, ...resolution });
    if (answer.kind === 'ended') resolved({ kind: 'final', status: answer.status });
    return answer;
  }
  setHandler(resolveAsPaid, (request) => resolve('paid', request), {
    validator: requireResolution,
    description:
      'Settle as paid: because WeChat Pay says so when it is asked now, or because two operators have approved it.',
  });
  setHandler(resolveAsClosed, (request) => resolve('closed', request), {
    validator: requireResolution,
    description:
      'Settle as closed and unpaid: because WeChat Pay says so when it is asked now, or because two operators have approved it.',
  });
}

/** Names the request that is being answered, the same at every repeat of its steps. Call it in an update's handler. */
export function updateKey(): string {
  return `${workflowInfo().workflowId}/${workflowInfo().runId}/${currentUpdateInfo()?.id}`;
}
