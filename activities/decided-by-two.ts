import { useApproval } from '../database/approvals.ts';
import { recordOperatorAction } from '../database/operator-actions.ts';
import type { Queryable } from '../database/pool.ts';
import type { Refund } from '../database/refunds.ts';
import type { ApprovedAction } from '../domain/operator.ts';
import type { RefundFinding } from '../domain/refund.ts';
import { knownFinding, mustLoad } from './settle-refund.ts';

/** What became of an operator's decision about a refund. */
export type DecisionAnswer =
  | { kind: 'accepted'; finding: RefundFinding }
  /** Why in words is in the database, where there are words: what a bank says of a card is not for the history. */
  | { kind: 'refused'; code: string };

/**
 * Carries out what two people have agreed on about a refund, if their approval stands, and puts it on record. Call it in the transaction that
 * holds the lock of what the refund draws on.
 */
export async function decidedByTwo(
  db: Queryable,
  { id: refundId, tenantId, paymentId }: Refund,
  { action, approvalId, updateKey }: { action: ApprovedAction; approvalId: string; updateKey: string },
  carryOut: () => Promise<unknown>,
): Promise<DecisionAnswer> {
  const approval = await useApproval(db, approvalId, { tenantId, action, subjectId: refundId });
  if (typeof approval === 'string') return { kind: 'refused', code: `approval_${approval}` };
  await carryOut();
  const now = await mustLoad(db, refundId);
  await recordOperatorAction(db, {
    tenantId,
    paymentId,
    refundId,
    action,
    actor: approval.requestedBy,
    reason: approval.reason,
    approval,
    result: now.status,
    updateKey,
  });
  return { kind: 'accepted', finding: knownFinding(now) };
}
