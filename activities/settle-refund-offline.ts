import { useApproval } from '../database/approvals.ts';
import { recordOperatorAction } from '../database/operator-actions.ts';
import { inTransaction } from '../database/pool.ts';
import { lockSource, recordGivenBack } from '../database/refund-source.ts';
import { transitionRefund } from '../database/refunds.ts';
import type { RefundFinding } from '../domain/refund.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { askAndSettle, knownFinding, mustLoad } from './settle-refund.ts';

/** What became of an operator's decision about a refund. */
export type DecisionAnswer =
  | { kind: 'accepted'; finding: RefundFinding }
  /** Why in words is in the database, where there are words: what a bank says of a card is not for the history. */
  | { kind: 'refused'; code: string };

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
      const { tenantId, paymentId, id: refundId } = refund;
      const wanted = { tenantId, action: 'settle_refund_offline', subjectId: refundId } as const;
      const approval = await useApproval(db, input.approvalId, wanted);
      if (typeof approval === 'string') return { kind: 'refused', code: `approval_${approval}` };
      await transitionRefund(db, refundId, 'SUCCEEDED', { settledOffline: true });
      await recordGivenBack(db, refund);
      await recordOperatorAction(db, {
        tenantId,
        paymentId,
        refundId,
        action: 'settle_refund_offline',
        actor: approval.requestedBy,
        reason: approval.reason,
        approval,
        result: 'SUCCEEDED',
        updateKey: input.updateKey,
      });
      return { kind: 'accepted', finding: knownFinding(await mustLoad(db, refundId)) };
    });
  };
}
