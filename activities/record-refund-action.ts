import { recordOperatorAction } from '../database/operator-actions.ts';
import type { OperatorAction } from '../domain/operator.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { mustLoad } from './settle-refund.ts';

/** Who decided something about a refund, and why. */
export interface RefundDecision {
  actor: string;
  reason: string;
  /** Names the request, so that its repeat is not another action. */
  updateKey: string;
}

/** Puts on record what an operator did to a refund, where it changes nothing by itself. */
export function recordRefundAction({ pool }: ActivityDependencies) {
  return async ({
    refundId,
    ...action
  }: RefundDecision & { refundId: string; action: OperatorAction; result: string }): Promise<void> => {
    const { tenantId, paymentId } = await mustLoad(pool, refundId);
    await recordOperatorAction(pool, { tenantId, paymentId, refundId, ...action });
  };
}
