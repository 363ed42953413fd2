import { lockPayment } from '../database/payments.ts';
import { inTransaction } from '../database/pool.ts';
import { loadRefund, sumRefunds, transitionRefund } from '../database/refunds.ts';
import type { ErrorCode } from '../domain/errors.ts';
import type { RefundFinding } from '../domain/refund.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { refundSource } from './refund-source.ts';
import { knownFinding } from './settle-refund.ts';

/**
 * Sets the amount aside. The payment's row is locked meanwhile, so however many refunds run at once, together they never
 * exceed what was paid.
 */
export function reserveRefund({ pool }: ActivityDependencies) {
  return async ({ refundId }: { refundId: string }): Promise<RefundFinding> => {
    const intent = await loadRefund(pool, refundId);
    if (!intent) throw new Error(`there is no refund ${refundId}`);
    return await inTransaction(pool, async (db) => {
      await lockPayment(db, intent.paymentId);
      const refund = await loadRefund(db, refundId);
      const source = refund && (await refundSource(db, refund));
      if (!refund || !source) throw new Error(`refund ${refundId} or its payment vanished`);
      if (refund.status !== 'CREATED') return knownFinding(refund);

      const refuse = async (code: ErrorCode, message: string): Promise<RefundFinding> => {
        await transitionRefund(db, refundId, 'FAILED', { failureCode: code, failureMessage: message });
        return { kind: 'final', status: 'FAILED', code, message };
      };
      if (!source.paid) {
        return await refuse('payment_not_paid', `the payment is ${source.status}`);
      }
      const { reserved } = await sumRefunds(db, refund.paymentId, refund.latePaymentId);
      const left = source.amount - reserved;
      if (refund.amount > left) {
        return await refuse('refund_exceeds_payment', `${left} of ${source.amount} fen are left to refund`);
      }
      await transitionRefund(db, refundId, 'RESERVED');
      return { kind: 'processing' };
    });
  };
}
