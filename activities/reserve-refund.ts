import { inTransaction } from '../database/pool.ts';
import { transitionRefund } from '../database/refund-changes.ts';
import { loadSource, lockSource } from '../database/refund-source.ts';
import { type RefundFinding, refundObstacle } from '../domain/refund.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { knownFinding, mustLoad } from './settle-refund.ts';

/**
 * Sets the amount aside. What the refund draws on is locked meanwhile, so however many refunds run at once, together they never
 * exceed what was paid.
 */
export function reserveRefund({ pool, clock }: ActivityDependencies) {
  return async ({ refundId }: { refundId: string }): Promise<RefundFinding> => {
    const intent = await mustLoad(pool, refundId);
    return await inTransaction(pool, async (db) => {
      await lockSource(db, intent);
      const refund = await mustLoad(db, refundId);
      if (refund.status !== 'CREATED') return knownFinding(refund);
      const obstacle = refundObstacle(refund, await loadSource(db, refund), clock());
      if (obstacle) {
        const { code, message } = obstacle;
        await transitionRefund(db, refundId, 'FAILED', { failureCode: code, failureMessage: message });
        return { kind: 'final', status: 'FAILED', code, message };
      }
      await transitionRefund(db, refundId, 'RESERVED');
      return { kind: 'processing' };
    });
  };
}
