import * as combinedPayments from '../database/combined-payments.ts';
import * as payments from '../database/payment-changes.ts';
import { inTransaction } from '../database/pool.ts';
import * as refunds from '../database/refund-changes.ts';
import type { PaymentAttention, RefundAttention } from '../domain/attention.ts';
import type { BothSides } from '../domain/both-sides.ts';
import type { ActivityDependencies } from './dependencies.ts';

/** Shows a payment to an operator: in the row, and as an event. */
export function requestAttention({ pool }: ActivityDependencies) {
  return async (input: {
    paymentId: string;
    reason: PaymentAttention;
    /** What there is to compare. */
    sides?: BothSides;
  }): Promise<void> => {
    const { paymentId, reason, sides } = input;
    await inTransaction(pool, (db) => payments.requestAttention(db, paymentId, reason, { sides }));
  };
}

/** Shows a combined payment to an operator: in the row, and as an event. */
export function requestCombinedAttention({ pool }: ActivityDependencies) {
  return async ({ combinedId, reason }: { combinedId: string; reason: PaymentAttention }): Promise<void> => {
    await inTransaction(pool, (db) => combinedPayments.requestCombinedAttention(db, combinedId, reason));
  };
}

/** Shows a refund to an operator: in the row, and as an event. */
export function requestRefundAttention({ pool }: ActivityDependencies) {
  return async ({ refundId, reason }: { refundId: string; reason: RefundAttention }): Promise<void> => {
    await inTransaction(pool, (db) => refunds.requestRefundAttention(db, refundId, reason));
  };
}
