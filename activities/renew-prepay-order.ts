import { activityInfo } from '@temporalio/activity';
import { renewPrepay } from '../database/payments.ts';
import type { PaymentFinding } from '../domain/payment.ts';
import { sendOrder } from './create-prepay-order.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { gatewayFailure, isFinalRejection, tooSlowForLocal } from './failures.ts';
import { mustLoad, query, settle } from './settle-payment.ts';

/** What became of an order that was sent again. */
export type RenewAnswer =
  /** The row has what the customer's phone needs, issued after what was to be renewed. */
  | { kind: 'renewed' }
  /** The payment waits for the customer no more, or for a person. */
  | { kind: 'ended'; finding: PaymentFinding }
  | { kind: 'rejected'; code: string; message: string };

/**
 * Sends the order again, with the same bytes, so that WeChat Pay renews the code_url, prepay_id or h5_url (official page 4012791877, order
 * re-entry). What was issued before dies, so it is done only while that is still what the row has: a repeat finds it renewed.
 */
export function renewPrepayOrder(dependencies: ActivityDependencies) {
  const { pool, merchants, pace } = dependencies;
  return async (input: {
    paymentId: string;
    /** When what is to be renewed was issued, ISO 8601. */
    issuedAt: string;
  }): Promise<RenewAnswer> => {
    if (activityInfo().isLocal && !pace.prompt) throw tooSlowForLocal();
    const payment = await mustLoad(pool, input.paymentId);
    if (payment.status !== 'PENDING')
      return { kind: 'ended', finding: await settle(pool, payment, undefined) };
    if (payment.prepayIssuedAt?.toISOString() !== input.issuedAt) return { kind: 'renewed' };
    try {
      const renewed = await renewPrepay(pool, payment.id, await sendOrder(dependencies, payment));
      if (renewed) return { kind: 'renewed' };
      return { kind: 'ended', finding: await settle(pool, await mustLoad(pool, payment.id), undefined) };
    } catch (error) {
      if (!isFinalRejection(error)) throw gatewayFailure(error);
      // The number of an order that was paid or closed meanwhile is taken: the order itself tells.
      const order = await query(await merchants.for(payment), payment.outTradeNo);
      const finding = await settle(pool, payment, order);
      if (finding.kind !== 'unpaid') return { kind: 'ended', finding };
      return { kind: 'rejected', code: error.code, message: error.message };
    }
  };
}
