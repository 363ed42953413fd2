import { recordOperatorAction } from '../database/operator-actions.ts';
import { inTransaction } from '../database/pool.ts';
import { endPayout, loadPayout, markPayoutSent, otherMayHaveBeenSent } from '../database/refund-payouts.ts';
import type { Refund } from '../database/refunds.ts';
import type { PaymentGateway } from '../gateway/payment-gateway.ts';
import type { Refund as WechatRefund } from '../wechatpay/index.ts';
import type { DecisionAnswer } from './decided-by-two.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { gatewayFailure, isFinalRejection } from './failures.ts';
import { knownFinding, mustLoad, queryRefund, settleRefund, wordOf } from './settle-refund.ts';

/** Who decided, and why. */
export interface Decision {
  actor: string;
  reason: string;
  /** Names the request, so that its repeat is not another action. */
  updateKey: string;
}

/**
 * Sends the money of an abnormal refund where an operator wants it. The exact request is in the database, so that a repeat sends the same
 * bytes, and nothing of it is in the history. When an earlier call, of this decision or another, has left the outcome unknown, the gateway is
 * asked first.
 */
export function payOutRefund({ pool, merchants }: ActivityDependencies) {
  return async (input: {
    refundId: string;
    payoutId: string;
    decision: Decision;
  }): Promise<DecisionAnswer> => {
    const { refundId, payoutId } = input;
    const refund = await mustLoad(pool, refundId);
    const stored = await loadPayout(pool, merchants.vault, { id: payoutId, refundId });
    if (!stored) return { kind: 'refused', code: 'not_found' };
    const { payout, request } = stored;
    if (payout.outcome === 'REFUSED') return { kind: 'refused', code: payout.failureCode ?? '' };
    if (payout.outcome === 'VOID') return { kind: 'refused', code: 'refund_not_abnormal' };
    if (!request) return { kind: 'accepted', finding: knownFinding(refund) };

    const gateway = await merchants.for(refund);
    const accepted = async (answer: WechatRefund): Promise<DecisionAnswer> => {
      const finding = await settleRefund(pool, refund, wordOf(answer));
      await end('ACCEPTED', payout.type);
      return { kind: 'accepted', finding };
    };
    const refuse = async (code: string, message: string): Promise<DecisionAnswer> => {
      await end('REFUSED', code, { code, message });
      return { kind: 'refused', code };
    };
    /** Forgets the request, and puts on record who wanted it. */
    const end = (
      outcome: 'ACCEPTED' | 'REFUSED',
      result: string,
      failure?: { code: string; message: string },
    ): Promise<void> =>
      inTransaction(pool, async (db) => {
        await endPayout(db, payoutId, outcome, failure);
        const { tenantId, paymentId } = refund;
        const action = { action: 'resolve_refund', result: `${outcome} ${result}` } as const;
        await recordOperatorAction(db, { tenantId, paymentId, refundId, ...action, ...input.decision });
      });
    const wasSent = payout.sentAt !== null;
    if (
      !wasSent &&
      (refund.status !== 'ABNORMAL' || payout.attempt !== refund.attempt || refund.refundId === null)
    )
      return await refuse('refund_not_abnormal', `the refund is ${refund.status}`);
    const mayHaveBeenSent = wasSent || (await otherMayHaveBeenSent(pool, payout));
    /** The money has gone on: as this decision has it, unless only another one was sent. */
    const gone = async (answer: WechatRefund, sent: boolean): Promise<DecisionAnswer> => {
      if (sent) return await accepted(answer);
      await settleRefund(pool, refund, wordOf(answer));
      return await refuse('refund_not_abnormal', 'an earlier decision was followed');
    };
    if (mayHaveBeenSent) {
      const moved = await movedOn(gateway, refund);
      if (moved) return await gone(moved, wasSent);
    }
    await markPayoutSent(pool, payoutId);
    try {
      return await accepted(await gateway.applyPayout(refund.refundId ?? '', request));
    } catch (error) {
      if (!isFinalRejection(error)) throw gatewayFailure(error);
      // An earlier call may have been accepted after all.
      const moved =
        mayHaveBeenSent || error.outcome === 'unknown' ? await movedOn(gateway, refund) : undefined;
      if (moved) return await gone(moved, wasSent || error.outcome === 'unknown');
      return await refuse(error.code, error.message);
    }
  };
}

/** The refund at the gateway, if it is no longer abnormal there. */
async function movedOn(gateway: PaymentGateway, refund: Refund): Promise<WechatRefund | undefined> {
  const answer = await queryRefund(gateway, refund.outRefundNo);
  return answer?.status === 'ABNORMAL' ? undefined : answer;
}
