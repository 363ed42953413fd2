import { loadLatePayment } from '../database/late-payments.ts';
import { loadPayment } from '../database/payments.ts';
import type { Queryable } from '../database/pool.ts';
import type { Refund } from '../database/refunds.ts';
import type { Fen } from '../domain/money.ts';
import { isPaid } from '../domain/payment.ts';

/** The money that a refund gives back. */
export interface RefundSource {
  transactionId: string | null;
  /** What was paid in all. */
  amount: Fen;
  /** Whether it can be given back. */
  paid: boolean;
  /** For people. */
  status: string;
}

/** What a refund draws on: the payment, or money that came late for it. */
export async function refundSource(db: Queryable, refund: Refund): Promise<RefundSource | undefined> {
  if (refund.latePaymentId === null) {
    const payment = await loadPayment(db, refund.paymentId);
    return payment && { ...payment, paid: isPaid(payment.status) };
  }
  const late = await loadLatePayment(db, refund.latePaymentId);
  return late && { ...late, paid: late.status !== 'ACCEPTED' };
}
