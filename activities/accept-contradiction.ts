import { inTransaction } from '../database/pool.ts';
import { transitionRefund } from '../database/refund-changes.ts';
import { lockSource } from '../database/refund-source.ts';
import { type DecisionAnswer, decidedByTwo } from './decided-by-two.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { askAndSettle, endContradiction, mustLoad } from './settle-refund.ts';

/**
 * Ends the attention of a refund about which WeChat Pay has contradicted itself: two people know what became of the money. The refund's status
 * stays, and so does the ledger; what has really moved is in WeChat Pay's bills. Only an attempt that was held back because of it comes to
 * nothing: WeChat Pay, asked first, does not have it.
 */
export function acceptContradiction({ pool, merchants }: ActivityDependencies) {
  return async (input: {
    refundId: string;
    approvalId: string;
    updateKey: string;
  }): Promise<DecisionAnswer> => {
    const known = await mustLoad(pool, input.refundId);
    if (known.status === 'RESERVED' && known.sentAt !== null)
      await askAndSettle(pool, known, await merchants.for(known));
    return await inTransaction(pool, async (db) => {
      await lockSource(db, known);
      const refund = await mustLoad(db, input.refundId);
      if (refund.attentionReason !== 'gateway_contradicts')
        return { kind: 'refused', code: 'refund_needs_no_operator' };
      const decision = { ...input, action: 'accept_contradiction' } as const;
      return await decidedByTwo(db, refund, decision, async () => {
        if (refund.status === 'RESERVED') await transitionRefund(db, refund.id, 'FAILED', HELD_BACK);
        await endContradiction(db, refund);
      });
    });
  };
}

const HELD_BACK = {
  failureCode: 'gateway_contradicts',
  failureMessage: 'an earlier number of the refund has moved money; two people have ended this one',
};
