import { transitionPayment } from '../database/payment-changes.ts';
import { beginReversal, discardCode, withdrawReversal } from '../database/payment-codes.ts';
import type { Payment } from '../database/payments.ts';
import { inTransaction, type Pool } from '../database/pool.ts';
import type { PaymentFinding, ReversalTiming } from '../domain/payment.ts';
import type { GatewayOrder, PaymentGateway } from '../gateway/payment-gateway.ts';
import { WechatPayError } from '../wechatpay/index.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { gatewayFailure, isFinalRejection, notFinalYet } from './failures.ts';
import { known, mustLoad, query, settle } from './settle-payment.ts';

/** A payment that waits to be reversed is asked after this often, in milliseconds: it may be paid after all. */
const MEANWHILE_MS = 5_000;

/**
 * Ends an order that charges what the customer has shown: query, reverse, query again. Paid before the reversal is PAID. From the reversal on
 * the payment cannot become PAID, as the money may be on its way back, unless the reversal is refused; it is repeated until WeChat Pay says
 * that the order is taken back. Silence never ends a payment.
 */
export function reverseUnlessPaid({ pool, merchants, clock }: ActivityDependencies) {
  return async ({
    paymentId,
    reversal,
  }: {
    paymentId: string;
    reversal: ReversalTiming;
  }): Promise<PaymentFinding> => {
    const payment = await closeUnlessSent(pool, paymentId);
    const sentAt = payment.codeSentAt;
    if (sentAt === null) return known(payment);
    const gateway = await merchants.for(payment);

    let order = await query(gateway, payment.outTradeNo);
    const before = await settle(pool, payment, order);
    if (isAnswer(before)) return before;

    if (!isTakenBack(order)) {
      const tooEarlyMs = sentAt.getTime() + reversal.earliestMs - clock();
      if (tooEarlyMs > 0) {
        throw notFinalYet('the charge may still be under way', Math.min(tooEarlyMs, MEANWHILE_MS));
      }
      if (!(await beginReversal(pool, paymentId, new Date(clock()))))
        return known(await mustLoad(pool, paymentId));
      const refusal = await reverse(gateway, payment.outTradeNo);
      order = await query(gateway, payment.outTradeNo);
      if (refusal) {
        const earlier = payment.reverseSentAt;
        if (earlier && clock() - earlier.getTime() < reversal.settlesMs) {
          throw notFinalYet('an earlier reversal may still be carried out');
        }
        await withdrawReversal(pool, paymentId);
        const after = await settle(pool, payment, order);
        if (isAnswer(after)) return after;
        if (!isFinalRejection(refusal)) throw gatewayFailure(refusal);
      }
    }
    if (order && !isTakenBack(order)) {
      throw notFinalYet(`WeChat Pay still says ${order.trade_state} after the reversal`);
    }
    if (!order) {
      if (payment.status === 'PENDING')
        throw notFinalYet('WeChat Pay does not know an order that it has accepted');
      const aliveMs = sentAt.getTime() + reversal.codeLivesMs - clock();
      if (aliveMs > 0) throw notFinalYet('the charge may still arrive', Math.min(aliveMs, MEANWHILE_MS));
    }
    await inTransaction(pool, (db) => transitionPayment(db, paymentId, 'CLOSED'));
    return known(await mustLoad(pool, paymentId));
  };
}

/** Closes a payment whose code was never sent, so that nobody sends it. @returns the payment. */
async function closeUnlessSent(pool: Pool, paymentId: string): Promise<Payment> {
  await inTransaction(pool, async (db) => {
    if (await discardCode(db, paymentId)) await transitionPayment(db, paymentId, 'CLOSED');
  });
  return await mustLoad(pool, paymentId);
}

/** Asks for the reversal. @returns why it was refused, which the query that follows explains. */
async function reverse(gateway: PaymentGateway, outTradeNo: string): Promise<WechatPayError | undefined> {
  try {
    await gateway.charges.reverseOrder(outTradeNo);
    return undefined;
  } catch (error) {
    if (error instanceof WechatPayError && error.outcome === 'rejected') return error;
    throw gatewayFailure(error);
  }
}

function isAnswer(finding: PaymentFinding): boolean {
  return finding.kind === 'final' || finding.kind === 'undecided';
}

/** Nobody can pay it any more, and what was paid went back. */
function isTakenBack(order: GatewayOrder | undefined): boolean {
  return order?.trade_state === 'REVOKED' || order?.trade_state === 'CLOSED';
}
