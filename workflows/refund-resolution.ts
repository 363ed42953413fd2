import { condition, proxyActivities, setHandler } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { PAYOUT_TYPES, type RefundFinding, type RefundStatus } from '../domain/refund.ts';
import { type RefundResolution, type ResolveResult, requireReason, resolveRefund } from './messages.ts';

/** What operators decide about an abnormal refund, as its main loop sees it. */
interface Resolution {
  /** A decision waits to be carried out. */
  isWanted(): boolean;
  /** Carries it out. @returns what it has led to; undefined when the gateway is to be asked. */
  carryOut(current: RefundFinding): Promise<RefundFinding | undefined>;
}

/** Answers the update `resolveRefund`; the main loop carries decisions out, one at a time. */
export function serveResolution(refundId: string): Resolution {
  let wanted: RefundResolution | undefined;
  let result: ResolveResult | undefined;

  setHandler(
    resolveRefund,
    async (request) => {
      result = undefined;
      wanted = request;
      await condition(() => result !== undefined);
      return result as unknown as ResolveResult;
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
      const [answer, finding] = await outcomeOf(wanted, current);
      result = answer;
      wanted = undefined;
      return finding;
    },
  };

  async function outcomeOf(
    request: RefundResolution,
    current: RefundFinding,
  ): Promise<[ResolveResult, RefundFinding | undefined]> {
    if (current.kind !== 'abnormal') return [{ kind: 'refused', code: 'refund_not_abnormal' }, current];
    if (request.choice === 'WAIT') return [{ kind: 'accepted', status: 'ABNORMAL' }, undefined];
    const { payOutRefund } = proxyActivities<Activities>({
      startToCloseTimeout: '20 seconds',
      scheduleToCloseTimeout: '10 minutes',
      retry: { initialInterval: '1 second', maximumInterval: '30 seconds' },
      summary: `send the money elsewhere: ${request.choice}`,
    });
    try {
      const answer = await payOutRefund({ refundId, payoutId: request.payoutId });
      if (answer.kind === 'refused') return [answer, current];
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
  if (!PAYOUT_TYPES.includes(choice)) throw new Error(`choice must be one of ${PAYOUT_TYPES.join(', ')}, OFFLINE, WAIT`);
  if (!request.payoutId) throw new Error('payoutId is mandatory: store the request first, through the API or paysaga refund resolve');
}

function statusOf(finding: RefundFinding): RefundStatus {
  if (finding.kind === 'final') return finding.status;
  return finding.kind === 'abnormal' ? 'ABNORMAL' : 'PROCESSING';
}
