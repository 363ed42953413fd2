import { inTransaction } from '../database/pool.ts';
import { transitionRefund } from '../database/refund-changes.ts';
import { lockSource, recordGivenBack } from '../database/refund-source.ts';
import { type DecisionAnswer, decidedByTwo } from './decided-by-two.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { askAndSettle, knownFinding, mustLoad } from './settle-refund.ts';

/**
 * Ends an abnormal refund that the merchant has paid back by other means: two people say so, and WeChat Pay, asked first, does not say that
 * it has moved the money after all.
 */
export function settleRefundOffline({ pool, merchants }: ActivityDependencies) {
  return async (input: {
    refundId: string;
    approvalId: string;
    updateKey: string;
  }): Promise<DecisionAnswer> => {
    const known = await mustLoad(pool, input.refundId);
    if (known.status === 'ABNORMAL') await askAndSettle(pool, known, await merchants.for(known));
    return await inTransaction(pool, async (db) => {
      await lockSource(db, known);
      const refund = await mustLoad(db, input.refundId);
      // The answer of an earlier call whose completion was not reported.
      if (refund.settledOffline) return { kind: 'accepted', finding: knownFinding(refund) };
      if (refund.status !== 'ABNORMAL') return { kind: 'refused', code: 'refund_not_abnormal' };
      const decision = { ...input, action: 'settle_refund_offline' } as const;
      return await decidedByTwo(db, refund, decision, async () => {
        await transitionRefund(db, refund.id, 'SUCCEEDED', { settledOffline: true });
        await recordGivenBack(db, refund);
      });
    });
  };
}
