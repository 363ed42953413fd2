import { transitionPayment } from '../database/payment-changes.ts';
import { inTransaction } from '../database/pool.ts';
import type { PaymentFinding } from '../domain/payment.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { gatewayFailure, isFinalRejection, notFinalYet } from './failures.ts';
import { known, mustLoad, query, settle } from './settle-payment.ts';

/**
 * Ends an order: query, close, query again. The customer may pay in any instant between them, so only the last word counts: paid is
 * PAID, closed is CLOSED, anything else is asked again. Silence never closes a payment.
 */
export function closeUnlessPaid({ pool, merchants }: ActivityDependencies) {
  return async ({ paymentId }: { paymentId: string }): Promise<PaymentFinding> => {
    const payment = await mustLoad(pool, paymentId);
    const gateway = await merchants.for(payment);

    let order = await query(gateway, payment.outTradeNo);
    const before = await settle(pool, payment, order);
    if (before.kind !== 'unpaid') return before;

    // Even an order that the gateway does not know (yet) is closed: its answer may lag behind the code that is out already.
    if (order?.trade_state !== 'CLOSED') {
      await closed(gateway.closeOrder(payment.outTradeNo));
      order = await query(gateway, payment.outTradeNo);
      const after = await settle(pool, payment, order);
      if (after.kind !== 'unpaid') return after;
    }
    if (!order && payment.prepayIssuedAt !== null) {
      throw notFinalYet('WeChat Pay does not know an order that it has accepted');
    }
    if (order && order.trade_state !== 'CLOSED' && order.trade_state !== 'REVOKED') {
      throw notFinalYet(`WeChat Pay still says ${order.trade_state} after the close`);
    }
    await inTransaction(pool, (db) => transitionPayment(db, paymentId, 'CLOSED'));
    return known(await mustLoad(pool, paymentId));
  };
}

/** Waits for the close. "Already paid" and "no such order" are no failures: the query that follows tells. */
export async function closed(closing: Promise<void>): Promise<void> {
  try {
    await closing;
  } catch (error) {
    if (!isFinalRejection(error)) throw gatewayFailure(error);
  }
}
