import { isPaid } from '../domain/payment.ts';
import type { RefundSource } from '../domain/refund.ts';
import { clearAttention } from './attention.ts';
import { loadLatePayment } from './late-payments.ts';
import { post } from './ledger.ts';
import { requestAttention, transitionPayment } from './payment-changes.ts';
import { loadPayment, lockPayment, type Payment } from './payments.ts';
import type { Queryable } from './pool.ts';
import { type Refund, sumRefunds } from './refunds.ts';

/**
 * What refunds draw on, in one place: the money that has paid their payment, or money that came late for it.
 */

/** Locks it until the transaction ends: refunds that draw on the same are decided one at a time. */
export async function lockSource(db: Queryable, { paymentId }: Pick<Refund, 'paymentId'>): Promise<void> {
  await lockPayment(db, paymentId);
}

/** What a refund draws on. For a decision, hold its lock. */
export async function loadSource(
  db: Queryable,
  { id, paymentId, latePaymentId }: Pick<Refund, 'id' | 'paymentId' | 'latePaymentId'>,
): Promise<RefundSource> {
  if (latePaymentId !== null) return await lateSource(db, latePaymentId, id);
  return await sourceOf(db, await mustLoad(db, paymentId), id);
}

/** What a refund of this payment would draw on. */
export async function sourceOf(db: Queryable, payment: Payment, except?: string): Promise<RefundSource> {
  const { reserved, known } = await sumRefunds(db, payment.id, { except });
  return {
    transactionId: isPaid(payment.status) ? payment.transactionId : null,
    amount: payment.paidAmount,
    currency: payment.currency,
    status: payment.status,
    paidAt: payment.successTime,
    reserved,
    refunds: known,
  };
}

/** Late money can be given back until it has paid its payment after all. */
async function lateSource(db: Queryable, latePaymentId: string, except: string): Promise<RefundSource> {
  const late = await loadLatePayment(db, latePaymentId);
  if (!late) throw new Error(`there is no late money ${latePaymentId}`);
  const { reserved, known } = await sumRefunds(db, late.paymentId, { except, latePaymentId });
  return {
    transactionId: late.status === 'ACCEPTED' ? null : late.transactionId,
    amount: late.amount,
    currency: late.currency,
    status: late.status,
    paidAt: late.successTime,
    reserved,
    refunds: known,
  };
}

/** Shows to an operator that a duplicate has not gone back, unless other refunds take all of it. Call it in a transaction. */
export async function showDuplicate(db: Queryable, paymentId: string): Promise<void> {
  const payment = await mustLoad(db, paymentId);
  const { reserved } = await sumRefunds(db, paymentId);
  if (reserved < payment.paidAmount) await requestAttention(db, paymentId, 'duplicate_not_refunded');
}

/** Says of what a refund has drawn on that so much of it has gone back. Call it in the transaction in which the refund has succeeded. */
export async function recordGivenBack(
  db: Queryable,
  { paymentId, latePaymentId, cause }: Pick<Refund, 'paymentId' | 'latePaymentId' | 'cause'>,
): Promise<void> {
  // Late money has not paid the payment, and has followed its refund already.
  if (latePaymentId !== null) return;
  const { amount, paidAmount, currency } = await mustLoad(db, paymentId);
  const { succeeded } = await sumRefunds(db, paymentId);
  const whole = succeeded === paidAmount;
  await transitionPayment(db, paymentId, whole ? 'REFUNDED' : 'PARTIALLY_REFUNDED');
  if (whole || cause === 'duplicate') await clearAttention(db, { paymentId }, 'duplicate_not_refunded');
  if (!whole || paidAmount === amount) return;
  // The sale is undone, over whatever amount: nothing about it is left to explain.
  await post(db, {
    step: paidAmount > amount ? 'suspense.refunded' : 'suspense.waived',
    causeId: paymentId,
    paymentId,
    amount: Math.abs(paidAmount - amount),
    currency,
  });
}

async function mustLoad(db: Queryable, paymentId: string): Promise<Payment> {
  const payment = await loadPayment(db, paymentId);
  if (!payment) throw new Error(`there is no payment ${paymentId}`);
  return payment;
}
