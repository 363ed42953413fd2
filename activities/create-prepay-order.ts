import { activityInfo } from '@temporalio/activity';
import { type Payment, storePrepayRequest, transitionPayment } from '../database/payments.ts';
import { inTransaction, type Queryable } from '../database/pool.ts';
import { rfc3339 } from '../domain/time.ts';
import { notifyUrl } from '../gateway/notify-url.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { gatewayFailure, isFinalRejection, tooSlowForLocal } from './failures.ts';
import { mustLoad } from './settle-payment.ts';

/** What became of the order. */
export type PrepayAnswer =
  | { kind: 'accepted'; codeUrl: string }
  | { kind: 'rejected'; code: string; message: string }
  /** The payment has ended already, by another way. */
  | { kind: 'ended' };

/**
 * Creates the Native order and stores what the gateway said.
 *
 * The exact body is stored before it is sent and every repeat sends the same bytes: to WeChat Pay that is the same order, answered with
 * a fresh code_url (official page 4012791877, order re-entry). A time-out therefore needs no query first: without a code_url nobody can
 * have paid.
 */
export function createPrepayOrder({ pool, merchants, publicUrl, pace }: ActivityDependencies) {
  return async ({ paymentId }: { paymentId: string }): Promise<PrepayAnswer> => {
    const { isLocal } = activityInfo();
    if (isLocal && !pace.prompt) throw tooSlowForLocal();
    const payment = await mustLoad(pool, paymentId);
    if (payment.status !== 'CREATED') return knownAnswer(payment);

    const wechat = await merchants.as(payment.merchantId);
    const order = wechat.native.serialize({
      description: payment.description,
      out_trade_no: payment.outTradeNo,
      time_expire: rfc3339(payment.timeExpire),
      ...(payment.attach !== null && { attach: payment.attach }),
      notify_url: notifyUrl(publicUrl, payment.merchantId),
      amount: { total: payment.amount, currency: 'CNY' },
    });
    const { appid } = JSON.parse(order) as { appid: string };
    const body = await storePrepayRequest(pool, paymentId, { body: order, appid });
    const created = pace.timed(() => wechat.native.create(body));
    await inTransaction(pool, await outcomeOf(created, paymentId));
    return knownAnswer(await mustLoad(pool, paymentId));
  };
}

/** What the gateway's answer makes of the payment. @throws the failure that asks for another attempt. */
async function outcomeOf(
  created: Promise<{ code_url: string }>,
  paymentId: string,
): Promise<(db: Queryable) => Promise<unknown>> {
  try {
    const { code_url: codeUrl } = await created;
    return (db) => transitionPayment(db, paymentId, 'PENDING', { codeUrl });
  } catch (error) {
    if (!isFinalRejection(error)) throw gatewayFailure(error);
    const failure = { failureCode: error.code, failureMessage: error.message };
    return (db) => transitionPayment(db, paymentId, 'FAILED', failure);
  }
}

/** What the row says: another attempt may have been faster. */
function knownAnswer({ status, codeUrl, failureCode, failureMessage }: Payment): PrepayAnswer {
  if (status === 'FAILED')
    return { kind: 'rejected', code: failureCode ?? '', message: failureMessage ?? '' };
  return status === 'PENDING' && codeUrl !== null ? { kind: 'accepted', codeUrl } : { kind: 'ended' };
}
