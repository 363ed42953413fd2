import { inTransaction } from '../database/pool.ts';
import { clearRefundAttention } from '../database/refund-changes.ts';
import { lockSource } from '../database/refund-source.ts';
import { type DecisionAnswer, decidedByTwo } from './decided-by-two.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { mustLoad } from './settle-refund.ts';

/**
 * Ends the attention of a refund about which WeChat Pay has contradicted itself: two people know what became of the money. The refund's status
 * stays, and so does the ledger; what has really moved is in WeChat Pay's bills.
 */
export function acceptContradiction({ pool }: ActivityDependencies) {
  return async (input: {
    refundId: string;
    approvalId: string;
    updateKey: string;
  }): Promise<DecisionAnswer> =>
    await inTransaction(pool, async (db) => {
      await lockSource(db, await mustLoad(db, input.refundId));
      const refund = await mustLoad(db, input.refundId);
      if (refund.attentionReason !== 'gateway_contradicts')
        return { kind: 'refused', code: 'refund_needs_no_operator' };
      const decision = { ...input, action: 'accept_contradiction' } as const;
      return await decidedByTwo(db, refund, decision, () => clearRefundAttention(db, refund.id));
    });
}
