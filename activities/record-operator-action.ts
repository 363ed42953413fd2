import { loadCombinedPayment } from '../database/combined-payments.ts';
import { recordOperatorAction as record } from '../database/operator-actions.ts';
import type { OperatorAction } from '../domain/operator.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { mustLoad } from './settle-payment.ts';
import { mustLoad as mustLoadRefund } from './settle-refund.ts';

/** Puts on record what an operator did to a payment, a combined one or a refund, where that changes no state by itself. */
export function recordOperatorAction({ pool }: ActivityDependencies) {
  return async (input: {
    paymentId?: string;
    combinedId?: string;
    refundId?: string;
    action: OperatorAction;
    actor: string;
    reason: string;
    result: string;
    updateKey: string;
  }): Promise<void> => {
    if (input.combinedId !== undefined) {
      const combined = await loadCombinedPayment(pool, input.combinedId);
      if (!combined) throw new Error(`there is no combined payment ${input.combinedId}`);
      await record(pool, { ...input, tenantId: combined.tenantId });
      return;
    }
    const { refundId } = input;
    const paymentId = refundId ? (await mustLoadRefund(pool, refundId)).paymentId : (input.paymentId ?? '');
    const { tenantId } = await mustLoad(pool, paymentId);
    await record(pool, { ...input, tenantId, paymentId });
  };
}
