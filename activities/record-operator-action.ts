import { recordOperatorAction as record } from '../database/operator-actions.ts';
import type { OperatorAction } from '../domain/operator.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { mustLoad } from './settle-payment.ts';

/** Puts on record what an operator did that changes no state by itself. */
export function recordOperatorAction({ pool }: ActivityDependencies) {
  return async (input: {
    paymentId: string;
    action: OperatorAction;
    actor: string;
    reason: string;
    result: string;
    updateKey: string;
  }): Promise<void> => {
    const { tenantId } = await mustLoad(pool, input.paymentId);
    await record(pool, { tenantId, ...input });
  };
}
