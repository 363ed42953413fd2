import { useApproval } from '../database/approvals.ts';
import { recordOperatorAction } from '../database/operator-actions.ts';
import { inTransaction } from '../database/pool.ts';
import { lockSource } from '../database/refund-source.ts';
import { clearRefundAttention } from '../database/refunds.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { knownFinding, mustLoad } from './settle-refund.ts';
import type { DecisionAnswer } from './settle-refund-offline.ts';

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
      const { tenantId, paymentId, id: refundId } = refund;
      if (refund.attentionReason !== 'gateway_contradicts')
        return { kind: 'refused', code: 'refund_needs_no_operator' };
      const wanted = { tenantId, action: 'accept_contradiction', subjectId: refundId } as const;
      const approval = await useApproval(db, input.approvalId, wanted);
      if (typeof approval === 'string') return { kind: 'refused', code: `approval_${approval}` };
      await clearRefundAttention(db, refundId);
      await recordOperatorAction(db, {
        tenantId,
        paymentId,
        refundId,
        action: 'accept_contradiction',
        actor: approval.requestedBy,
        reason: approval.reason,
        approval,
        result: refund.status,
        updateKey: input.updateKey,
      });
      return { kind: 'accepted', finding: knownFinding(await mustLoad(db, refundId)) };
    });
}
