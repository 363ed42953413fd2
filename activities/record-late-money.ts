import { insertLatePayment } from '../database/late-payments.ts';
import { requestAttention } from '../database/payment-changes.ts';
import type { Payment } from '../database/payments.ts';
import type { Queryable } from '../database/pool.ts';
import {
  LATE_PAYMENT_ATTENTION,
  type LatePaymentAttention,
  type PaymentAttention,
} from '../domain/attention.ts';
import type { BothSides } from '../domain/both-sides.ts';
import { type Fen, isOrderAmount } from '../domain/money.ts';

/** How a paid order is not the payment's. */
export interface Mismatch {
  reason: PaymentAttention;
  sides: BothSides;
}

/** A paid order, as far as late money is about it. */
export interface PaidOrderFacts {
  transactionId: string;
  amount: Fen | undefined;
  payerTotal: Fen | undefined;
  successTime: Date | undefined;
}

/**
 * Records money that came late, which its own workflow sees to. Money that is not what was ordered, or that may not be ours, is shown to an operator
 * with both sides, whatever the policy. Call it in a transaction.
 */
export async function recordLateMoney(
  db: Queryable,
  payment: Payment,
  paid: PaidOrderFacts,
  mismatch?: Mismatch,
): Promise<void> {
  const attentionReason = mismatch && OWN_MONEY.find((reason) => reason === mismatch.reason);
  if ((!mismatch || attentionReason) && isOrderAmount(paid.amount)) {
    await insertLatePayment(db, {
      tenantId: payment.tenantId,
      merchantId: payment.merchantId,
      paymentId: payment.id,
      transactionId: paid.transactionId,
      amount: paid.amount,
      currency: payment.currency,
      payerTotal: paid.payerTotal,
      successTime: paid.successTime,
      attentionReason,
    });
  }
  if (mismatch) await requestAttention(db, payment.id, mismatch.reason, { sides: mismatch.sides });
}

/** Mismatches with which the money is the merchant's all the same, in the ledger's currency. */
const OWN_MONEY = Object.keys(LATE_PAYMENT_ATTENTION).filter((reason) =>
  reason.endsWith('_differs'),
) as LatePaymentAttention[];
