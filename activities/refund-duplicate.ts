import { randomUUID } from 'node:crypto';
import { loadPolicies } from '../database/merchants.ts';
import { markDuplicate, payerOfOrder } from '../database/orders.ts';
import { loadPayment, lockPayment, type Payment } from '../database/payments.ts';
import type { Queryable } from '../database/pool.ts';
import { insertRefund } from '../database/refunds.ts';
import { merchantNumber, publicId } from '../domain/identity.ts';
import type { Fen } from '../domain/money.ts';
import { REFUND_REASONS, type RefundCause, type RefundToStart } from '../domain/refund.ts';

/**
 * Looks whether the merchant's order was paid for twice, now that this payment is paid, and says so of the duplicate. Of two payments that is the one that
 * was paid later, by WeChat Pay's clock; of two in the same second the one that is settled later. Call it in the transaction of the settlement, with the
 * order's lock.
 * @returns the duplicate, and what is left of it.
 */
export async function findDuplicate(
  db: Queryable,
  payment: Payment,
): Promise<{ duplicate: Payment; left: Fen } | undefined> {
  const other = await payerOfOrder(db, payment);
  if (!other) return undefined;
  const isEarlier = (payment.successTime?.getTime() ?? 0) < (other.successTime?.getTime() ?? 0);
  const [first, second] = isEarlier ? [payment.id, other.id] : [other.id, payment.id];
  await lockPayment(db, second);
  await markDuplicate(db, second, first);
  const duplicate = await loadPayment(db, second);
  if (!duplicate) throw new Error(`there is no payment ${second}`);
  return { duplicate, left: isEarlier ? other.left : payment.paidAmount };
}

/**
 * As `findDuplicate`; by the merchant's policy what is left of it goes back.
 * @returns the refund, whose workflow is to be started.
 */
export async function refundDuplicate(db: Queryable, payment: Payment): Promise<RefundToStart | undefined> {
  const found = await findDuplicate(db, payment);
  if (!found) return undefined;
  const { duplicatePaymentPolicy } = await loadPolicies(db, payment.merchantId);
  if (duplicatePaymentPolicy === 'keep') return undefined;
  return await insertOwnRefund(db, found.duplicate, { cause: 'duplicate', amount: found.left });
}

/** Stores a refund that nobody asked for. Call it in the transaction of what calls for it. */
export async function insertOwnRefund(
  db: Queryable,
  payment: Pick<Payment, 'id' | 'tenantId' | 'merchantId' | 'mchid' | 'outTradeNo'>,
  {
    cause,
    amount,
    latePaymentId,
  }: { cause: keyof typeof REFUND_REASONS; amount: Fen; latePaymentId?: string },
): Promise<RefundToStart> {
  const id = publicId('ref', randomUUID());
  const { tenantId, merchantId, mchid, outTradeNo } = payment;
  const outRefundNo = merchantNumber('R', id);
  await insertRefund(db, {
    id,
    tenantId,
    merchantId,
    paymentId: payment.id,
    outRefundNo,
    amount,
    reason: REFUND_REASONS[cause],
    cause: cause satisfies RefundCause,
    latePaymentId,
  });
  return { id, paymentId: payment.id, merchantId, mchid, outTradeNo, outRefundNo, amount };
}
