import { activityInfo } from '@temporalio/activity';
import { transitionPayment } from '../database/payment-changes.ts';
import { type Payment, storePrepayRequest } from '../database/payments.ts';
import { inTransaction, type Queryable } from '../database/pool.ts';
import type { Prepaid } from '../domain/product.ts';
import { notifyUrl } from '../gateway/notify-url.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { gatewayFailure, isFinalRejection, tooSlowForLocal } from './failures.ts';
import { mustLoad } from './settle-payment.ts';

/** What became of the order. The row has what the customer's phone needs. */
export type PrepayAnswer =
  | { kind: 'accepted' }
  | { kind: 'rejected'; code: string; message: string }
  /** The payment has ended already, by another way. */
  | { kind: 'ended' };

/**
 * Creates the order and stores what the gateway said.
 *
 * The exact body is stored before it is sent and every repeat sends the same bytes: to WeChat Pay that is the same order, answered with
 * a fresh code_url, prepay_id or h5_url (official page 4012791877, order re-entry). A time-out therefore needs no query first: without one
 * nobody can have paid.
 */
export function createPrepayOrder(dependencies: ActivityDependencies) {
  const { pool, pace } = dependencies;
  return async ({ paymentId }: { paymentId: string }): Promise<PrepayAnswer> => {
    const { isLocal } = activityInfo();
    if (isLocal && !pace.prompt) throw tooSlowForLocal();
    const payment = await mustLoad(pool, paymentId);
    if (payment.status !== 'CREATED') return knownAnswer(payment);

    await inTransaction(pool, await outcomeOf(sendOrder(dependencies, payment), paymentId));
    return knownAnswer(await mustLoad(pool, paymentId));
  };
}

/** Sends the order, with the bytes of the first time if there was one. */
export async function sendOrder(
  { pool, merchants, publicUrl, pace, clock }: ActivityDependencies,
  payment: Payment,
): Promise<Prepaid> {
  const gateway = await merchants.for(payment);
  const order = gateway.serializeOrder(payment, notifyUrl(publicUrl, payment.merchantId));
  const body = await storePrepayRequest(pool, payment.id, order);
  const prepayIssuedAt = new Date(clock());
  const answer = await pace.timed(() => gateway.createOrder(payment.product, body));
  return { ...answer, prepayIssuedAt };
}

/** What the gateway's answer makes of the payment. @throws the failure that asks for another attempt. */
async function outcomeOf(
  sent: Promise<Prepaid>,
  paymentId: string,
): Promise<(db: Queryable) => Promise<unknown>> {
  try {
    const prepaid = await sent;
    return (db) => transitionPayment(db, paymentId, 'PENDING', { prepaid });
  } catch (error) {
    if (!isFinalRejection(error)) throw gatewayFailure(error);
    const failure = { failureCode: error.code, failureMessage: error.message };
    return (db) => transitionPayment(db, paymentId, 'FAILED', failure);
  }
}

/** What the row says: another attempt may have been faster. */
export function knownAnswer({
  status,
  prepayIssuedAt,
  failureCode,
  failureMessage,
}: Pick<Payment, 'status' | 'prepayIssuedAt' | 'failureCode' | 'failureMessage'>): PrepayAnswer {
  if (status === 'FAILED')
    return { kind: 'rejected', code: failureCode ?? '', message: failureMessage ?? '' };
  return status === 'PENDING' && prepayIssuedAt !== null ? { kind: 'accepted' } : { kind: 'ended' };
}
