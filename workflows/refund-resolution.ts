import { condition, proxyActivities, setHandler } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import {
  APPROVED_CHOICES,
  type ApprovedChoice,
  PAYOUT_TYPES,
  REFUND_CHOICES,
  type RefundFinding,
  type RefundStatus,
} from '../domain/refund.ts';
import { type RefundResolution, type ResolveResult, requireReason, resolveRefund } from './messages.ts';
import { type RecordAction, updateKey } from './operator.ts';

/** What operators decide about an abnormal refund, as its main loop sees it. */
interface Resolution {
  /** A decision waits to be carried out. */
  isWanted(): boolean;
  /** Carries it out. @returns what it has led to; undefined when the gateway is to be asked. */
  carryOut(current: RefundFinding): Promise<RefundFinding | undefined>;
}

/**
 * Answers the update `resolveRefund`; the main loop carries decisions out, one at a time.
 * @param record puts on record what an operator decided.
 */
export function serveRefundResolution(refundId: string, record: RecordAction): Resolution {
  let wanted: { request: RefundResolution; key: string } | undefined;
  let result: ResolveResult | undefined;

  setHandler(
    resolveRefund,
    async (request) => {
      result = undefined;
      wanted = { request, key: updateKey() };
      await condition(() => result !== undefined);
      const answer = result as unknown as ResolveResult;
      // What changes something is on record with the change.
      if (request.choice === 'WAIT') await record('resolve_refund', request, request.choice);
      return answer;
    },
    {
      validator: (request) => {
        requireReason(request);
        checkChoice(request);
        if (wanted) throw new Error('another decision is being carried out');
      },
      description: 'Where the money of an abnormal refund goes instead, or what two people know of it.',
    },
  );

  return {
    isWanted: () => wanted !== undefined,
    async carryOut(current) {
      if (!wanted) return current;
      const [answer, finding] = await decided(wanted, current);
      result = answer;
      wanted = undefined;
      return finding;
    },
  };

  async function decided(
    { request, key }: { request: RefundResolution; key: string },
    current: RefundFinding,
  ): Promise<[ResolveResult, RefundFinding | undefined]> {
    const { actor, reason, choice } = request;
    if (current.kind !== 'abnormal' && choice !== 'ACCEPT')
      return [{ kind: 'refused', code: 'refund_not_abnormal' }, current];
    if (request.choice === 'WAIT') return [{ kind: 'accepted', status: 'ABNORMAL' }, undefined];
    const steps = proxyActivities<Activities>({
      startToCloseTimeout: '20 seconds',
      scheduleToCloseTimeout: '10 minutes',
      retry: { initialInterval: '1 second', maximumInterval: '30 seconds' },
      summary: `${choice}, decided by ${actor}: ${reason}`,
    });
    const decision = { actor, reason, updateKey: key };
    try {
      const answer =
        'approvalId' in request
          ? await approved(steps, request, key)
          : await steps.payOutRefund({ refundId, payoutId: request.payoutId, decision });
      if (answer.kind === 'refused') return [answer, undefined];
      return [{ kind: 'accepted', status: statusOf(answer.finding) }, answer.finding];
    } catch {
      return [{ kind: 'unanswered' }, undefined];
    }
  }

  /** Carries out what two people have approved. */
  function approved(
    steps: Pick<Activities, 'settleRefundOffline' | 'acceptContradiction'>,
    { choice, approvalId }: { choice: ApprovedChoice; approvalId: string },
    updateKey: string,
  ): ReturnType<Activities['settleRefundOffline']> {
    const input = { refundId, approvalId, updateKey };
    return choice === 'OFFLINE' ? steps.settleRefundOffline(input) : steps.acceptContradiction(input);
  }
}

/** An update may be sent by hand. */
function checkChoice(request: RefundResolution): void {
  const { choice, payoutId, approvalId } = request as {
    choice: string;
    payoutId?: string;
    approvalId?: string;
  };
  if (!(REFUND_CHOICES as readonly string[]).includes(choice))
    throw new Error(`choice must be one of ${REFUND_CHOICES.join(', ')}`);
  if (choice in APPROVED_CHOICES && !approvalId)
    throw new Error(`approvalId is mandatory: it takes two people to decide ${choice}`);
  if ((PAYOUT_TYPES as readonly string[]).includes(choice) && !payoutId)
    throw new Error('payoutId is mandatory: let `paysaga refund resolve` or the API store the request first');
}

function statusOf(finding: RefundFinding): RefundStatus {
  if (finding.kind === 'final') return finding.status;
  return finding.kind === 'abnormal' ? 'ABNORMAL' : 'PROCESSING';
}
