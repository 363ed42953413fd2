import { condition, proxyActivities, setHandler } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { PAYOUT_TYPES, type RefundFinding, type RefundStatus } from '../domain/refund.ts';
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
      description: 'Where the money of an abnormal refund goes instead.',
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
    if (current.kind !== 'abnormal') return [{ kind: 'refused', code: 'refund_not_abnormal' }, current];
    const { actor, reason, choice } = request;
    const steps = proxyActivities<Activities>({
      startToCloseTimeout: '20 seconds',
      scheduleToCloseTimeout: '10 minutes',
      retry: { initialInterval: '1 second', maximumInterval: '30 seconds' },
      summary: `${choice}, decided by ${actor}: ${reason}`,
    });
    const decision = { actor, reason, updateKey: key };
    if (choice === 'WAIT') return [{ kind: 'accepted', status: 'ABNORMAL' }, undefined];
    try {
      const answer =
        choice === 'OFFLINE'
          ? await steps.settleRefundOffline({ refundId, approvalId: request.approvalId, updateKey: key })
          : await steps.payOutRefund({ refundId, payoutId: request.payoutId, decision });
      if (answer.kind === 'refused') return [answer, undefined];
      return [{ kind: 'accepted', status: statusOf(answer.finding) }, answer.finding];
    } catch {
      return [{ kind: 'unanswered' }, undefined];
    }
  }
}

/** An update may be sent by hand. */
function checkChoice(request: RefundResolution): void {
  const { choice } = request;
  if (choice === 'WAIT') return;
  if (choice === 'OFFLINE') {
    if (!request.approvalId) throw new Error('approvalId is mandatory: two people settle a refund offline');
    return;
  }
  if (!PAYOUT_TYPES.includes(choice))
    throw new Error(`choice must be one of ${PAYOUT_TYPES.join(', ')}, OFFLINE, WAIT`);
  if (!request.payoutId)
    throw new Error('payoutId is mandatory: let `paysaga refund resolve` or the API store the request first');
}

function statusOf(finding: RefundFinding): RefundStatus {
  if (finding.kind === 'final') return finding.status;
  return finding.kind === 'abnormal' ? 'ABNORMAL' : 'PROCESSING';
}
