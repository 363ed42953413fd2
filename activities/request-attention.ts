import * as combinedPayments from '../database/combined-payments.ts';
import { lockOpen } from '../database/intents.ts';
import * as payments from '../database/payment-changes.ts';
import { inTransaction } from '../database/pool.ts';
import * as refunds from '../database/refund-changes.ts';
import type { PaymentAttention, RefundAttention } from '../domain/attention.ts';
import type { BothSides } from '../domain/both-sides.ts';
import type { ActivityDependencies } from './dependencies.ts';

/**
 * What sagas show to operators, in the row and as an event: a payment, a combined one, a refund. One that has ended meanwhile, by what an
 * operator did say, needs nobody any more.
 */

/** Shows a payment to an operator. */
export function requestAttention({ pool }: ActivityDependencies) {
  return async (input: {
    paymentId: string;
    reason: PaymentAttention;
    /** What there is to compare. */
    sides?: BothSides;
  }): Promise<void> => {
    const { paymentId, reason, sides } = input;
    await inTransaction(pool, async (db) => {
      if (await lockOpen(db, 'payments', paymentId))
        await payments.requestAttention(db, paymentId, reason, { sides });
    });
  };
}

/** Shows a combined payment to an operator. */
export function requestCombinedAttention({ pool }: ActivityDependencies) {
  return async ({ combinedId, reason }: { combinedId: string; reason: PaymentAttention }): Promise<void> => {
    await inTransaction(pool, async (db) => {
      if (await lockOpen(db, 'combined_payments', combinedId))
        await combinedPayments.requestCombinedAttention(db, combinedId, reason);
    });
  };
}

/** Shows a refund to an operator. */
export function requestRefundAttention({ pool }: ActivityDependencies) {
  return async ({ refundId, reason }: { refundId: string; reason: RefundAttention }): Promise<void> => {
    await inTransaction(pool, async (db) => {
      if (await lockOpen(db, 'refunds', refundId)) await refunds.requestRefundAttention(db, refundId, reason);
    });
  };
}
