import { activityInfo } from '@temporalio/activity';
import { transitionPayment } from '../database/payment-changes.ts';
import { takeCode } from '../database/payment-codes.ts';
import type { Payment } from '../database/payments.ts';
import { inTransaction } from '../database/pool.ts';
import type { PaymentFinding } from '../domain/payment.ts';
import type { ChargeAnswer } from '../gateway/charges.ts';
import type { GatewayOrder, PaymentGateway } from '../gateway/payment-gateway.ts';
import { WechatPayError } from '../wechatpay/index.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { tooSlowForLocal } from './failures.ts';
import { known, mustLoad, query, settle, settleOrAsk } from './settle-payment.ts';

/** What became of a charge. */
export type ChargeOutcome =
  /** WeChat Pay has it, or may have it: what is known of the money. */
  | { kind: 'accepted'; finding: PaymentFinding }
  | { kind: 'rejected'; code: string; message: string }
  /** It was not sent, and nobody will send it. */
  | { kind: 'ended' };

/**
 * Charges what the customer has shown, once. The code is taken out of the database before it is sent, so no attempt sends it again: what is
 * not known of a charge is asked, and in the end the order is taken back (official page 4012075249).
 */
export function chargeCode(dependencies: ActivityDependencies) {
  const { pool, merchants, pace, clock } = dependencies;
  return async ({ paymentId }: { paymentId: string }): Promise<ChargeOutcome> => {
    if (activityInfo().isLocal && !pace.prompt) throw tooSlowForLocal();
    const payment = await mustLoad(pool, paymentId);
    const now = new Date(clock());
    const gateway = await merchants.for(payment);
    const appid = payment.appid ?? (await merchants.get(payment.merchantId)).appid;
    // After the window nobody stands at the till any more.
    const code =
      now < payment.timeExpire ? await takeCode(pool, merchants.vault, paymentId, { appid, now }) : undefined;
    const taken = await mustLoad(pool, paymentId);
    if (taken.codeSentAt === null) return { kind: 'ended' };
    // An earlier attempt sent it: the row says what it heard, and polling finds out the rest.
    if (code === undefined) return { kind: 'accepted', finding: known(taken) };

    const answer = await send(gateway, taken, () => pace.timed(() => gateway.charges.charge(taken, code)));
    if (answer instanceof WechatPayError) {
      const failure = { failureCode: answer.code, failureMessage: answer.message };
      await inTransaction(pool, (db) => transitionPayment(db, paymentId, 'FAILED', failure));
      return { kind: 'rejected', code: answer.code, message: answer.message };
    }
    // Nobody knows yet.
    if (!answer) return { kind: 'accepted', finding: { kind: 'unpaid' } };
    const order = answer as GatewayOrder;
    if (order.trade_state === 'SUCCESS') {
      return { kind: 'accepted', finding: await settleOrAsk(dependencies, taken, order) };
    }
    await inTransaction(pool, (db) => transitionPayment(db, paymentId, 'PENDING'));
    return { kind: 'accepted', finding: await settle(pool, taken, order) };
  };
}

/** @returns the order as it was answered, its refusal, or undefined when nobody knows what became of it. */
async function send(
  gateway: PaymentGateway,
  { outTradeNo }: Payment,
  charge: () => Promise<ChargeAnswer>,
): Promise<ChargeAnswer | WechatPayError | undefined> {
  try {
    return await charge();
  } catch (error) {
    if (!(error instanceof WechatPayError)) throw error;
    if (error.outcome === 'unknown') return undefined;
    // Who is told to slow down may have been heard all the same.
    return (error.retryable && (await query(gateway, outTradeNo))) || error;
  }
}
