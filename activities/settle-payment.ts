import { activityInfo } from '@temporalio/activity';
import { loadNotification } from '../database/notifications.ts';
import { lockOrders } from '../database/orders.ts';
import { requestAttention, transitionPayment } from '../database/payment-changes.ts';
import { loadPayment, type Payment } from '../database/payments.ts';
import { inTransaction, type Pool, type Queryable } from '../database/pool.ts';
import { type BothSides, disagreement, type OrderFacts } from '../domain/both-sides.ts';
import { endedUnpaid, isPaid, type PaymentFinding } from '../domain/payment.ts';
import { readTime } from '../domain/time.ts';
import type { GatewayOrder, PaymentGateway } from '../gateway/payment-gateway.ts';
import { WechatPayError } from '../wechatpay/index.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { gatewayFailure, notFinalYet, pollGap, tooSlowForLocal } from './failures.ts';
import { type Mismatch, type PaidOrderFacts, recordLateMoney } from './record-late-money.ts';
import { refundDuplicate } from './refund-duplicate.ts';

/**
 * Settles from a stored, verified notification if it agrees with the payment. If it does not, the gateway is asked: a notification alone
 * never makes a payment undecided.
 */
export function settleFromNotification({ pool, merchants }: ActivityDependencies) {
  return async (input: { paymentId: string; notificationId: string }): Promise<PaymentFinding> => {
    const payment = await mustLoad(pool, input.paymentId);
    const notification = await loadNotification(pool, input.notificationId);
    if (!notification || notification.merchantId !== payment.merchantId) return { kind: 'unpaid' };
    return await settleOrAsk({ pool, merchants }, payment, notification.resource as GatewayOrder);
  };
}

/** Settles from an order that was told of, a notification's say, if it is paid and agrees with the payment. If not, the gateway is asked. */
export async function settleOrAsk(
  { pool, merchants }: Pick<ActivityDependencies, 'pool' | 'merchants'>,
  payment: Payment,
  order: GatewayOrder,
): Promise<PaymentFinding> {
  if (isPaidOrder(order) && mismatchOf(payment, order) === undefined) {
    return await settle(pool, payment, order);
  }
  const gateway = await merchants.for(payment);
  return await settle(pool, payment, await query(gateway, payment.outTradeNo));
}

/** Asks the gateway once, because somebody waits for the answer. */
export function settleByQuery({ pool, merchants, pace }: ActivityDependencies) {
  return async ({ paymentId }: { paymentId: string }): Promise<PaymentFinding> => {
    if (activityInfo().isLocal && !pace.prompt) throw tooSlowForLocal();
    const payment = await mustLoad(pool, paymentId);
    const gateway = await merchants.for(payment);
    return await settle(pool, payment, await pace.timed(() => query(gateway, payment.outTradeNo)));
  };
}

/** The last turn is scheduled this long after the window, in milliseconds. */
const AFTER_WINDOW_MS = 20_000;

/** Asks the gateway; while the order is unpaid it asks to be run again after the next gap, which leaves no event in the history. */
export function settleByPolling({ pool, merchants, clock }: ActivityDependencies) {
  return async (input: {
    paymentId: string;
    pollGapsMs: number[];
    /** Unix time in milliseconds. */
    timeExpire: number;
  }): Promise<PaymentFinding> => {
    const payment = await mustLoad(pool, input.paymentId);
    const gateway = await merchants.for(payment);
    const finding = await settle(pool, payment, await query(gateway, payment.outTradeNo));
    if (finding.kind !== 'unpaid') return finding;
    throw notPaidYet(input, clock);
  };
}

/** Asks to be run again after the next gap of the schedule. */
export function notPaidYet(
  { pollGapsMs, timeExpire }: { pollGapsMs: number[]; timeExpire: number },
  clock: () => number,
): Error {
  const gapMs = pollGap(pollGapsMs, activityInfo().attempt);
  // The last turn comes after the window, when the workflow closes the order anyway; it must still fit the activity's deadline.
  const untilEndMs = Math.max(0, timeExpire - clock()) + AFTER_WINDOW_MS;
  return notFinalYet('the order is not paid yet', Math.min(gapMs, untilEndMs));
}

/**
 * Compares the gateway's order with the payment and stores what follows from it, in one transaction: see `settlePaid`. A repeat changes nothing.
 * @param order undefined when the gateway knows of no such order.
 */
export async function settle(
  pool: Pool,
  payment: Payment,
  order: GatewayOrder | undefined,
): Promise<PaymentFinding> {
  if (!order || !isPaidOrder(order)) return unpaid(payment, order);
  const mismatch = mismatchOf(payment, order);
  if (mismatch) return await disagree(pool, payment, order, mismatch);
  return await inTransaction(pool, async (db) => {
    await lockOrders(db, [payment]);
    return await settlePaid(db, payment, order);
  });
}

/**
 * Stores what follows from a paid order that agrees with the payment: status, event, ledger, and the refund of what was paid for an order that is
 * paid already. Money that comes too late is recorded, too. Call it in a transaction, with the lock of the merchant's own order.
 */
export async function settlePaid(db: Queryable, payment: Payment, order: PaidOrder): Promise<PaymentFinding> {
  const changed = await transitionPayment(db, payment.id, 'PAID', {
    transactionId: order.transaction_id,
    ...(order.amount?.payer_total !== undefined && { payerTotal: order.amount.payer_total }),
    ...readTime(order.success_time),
  });
  const now = await mustLoad(db, payment.id);
  if (changed !== undefined) {
    const refund = await refundDuplicate(db, now);
    return { ...known(now), ...(refund && { refund }) };
  }
  const finding = known(now);
  // Still open: it is being reversed, and the money may be on its way back.
  if (finding.kind !== 'final') return finding;
  // It had ended without money, or was paid by another transaction: this one is not dropped.
  if (now.transactionId !== order.transaction_id) await recordLateMoney(db, now, factsOf(order));
  return finding;
}

/** A paid order that is not ours as it stands: an open payment waits for a person, and one that has ended is shown to one. */
async function disagree(
  pool: Pool,
  payment: Payment,
  order: PaidOrder,
  mismatch: Mismatch,
): Promise<PaymentFinding> {
  const finding = known(payment);
  if (finding.kind !== 'final') return { kind: 'undecided', ...mismatch };
  await inTransaction(pool, async (db) => {
    if (payment.transactionId === order.transaction_id) {
      await requestAttention(db, payment.id, mismatch.reason, { sides: mismatch.sides });
    } else await recordLateMoney(db, payment, factsOf(order), mismatch);
  });
  return finding;
}

/** An order without money: what the row says, unless the order can only be ended. Only charged ones fail or are taken back. */
function unpaid(payment: Payment, order: GatewayOrder | undefined): PaymentFinding {
  const finding = known(payment);
  const failed = order?.trade_state === 'PAYERROR' || order?.trade_state === 'REVOKED';
  return failed && finding.kind === 'unpaid' ? { kind: 'unpayable' } : finding;
}

/** What the row says. */
export function known({ status }: Pick<Payment, 'status'>): PaymentFinding {
  if (isPaid(status)) return { kind: 'final', status: 'PAID' };
  if (endedUnpaid(status)) return { kind: 'final', status };
  return { kind: 'unpaid' };
}

/** The order as the gateway knows it; undefined when it does not. */
export async function query(gateway: PaymentGateway, outTradeNo: string): Promise<GatewayOrder | undefined> {
  try {
    return await gateway.queryOrder(outTradeNo);
  } catch (error) {
    if (error instanceof WechatPayError && error.code === 'ORDER_NOT_EXIST') return undefined;
    throw gatewayFailure(error);
  }
}

/** An order that is paid. */
export type PaidOrder = GatewayOrder & { transaction_id: string };

/** Paid is SUCCESS, and REFUND too: an order of which something was refunded was paid (official page 4012791838). */
export function isPaidOrder(order: GatewayOrder): order is PaidOrder {
  return (order.trade_state === 'SUCCESS' || order.trade_state === 'REFUND') && !!order.transaction_id;
}

/** What both sides say of the order, and the first field in which they differ; undefined when they agree. */
export function mismatchOf(payment: Payment, order: PaidOrder): Mismatch | undefined {
  const sides = bothSides(payment, order);
  const reason = disagreement(sides);
  return reason && { reason, sides };
}

/** What both sides say of the order. */
function bothSides(payment: Payment, order: PaidOrder): BothSides {
  const { mchid, appid, outTradeNo, subMchid, subAppid, amount, currency, transactionId } = payment;
  return {
    wechat_pay: {
      out_trade_no: order.out_trade_no,
      ...ownersOf(order),
      amount: order.amount?.total ?? null,
      currency: order.amount?.currency ?? null,
      transaction_id: order.transaction_id,
    },
    paysaga: {
      out_trade_no: outTradeNo,
      mchid,
      appid,
      sub_mchid: subMchid,
      sub_appid: subAppid,
      amount,
      currency,
      transaction_id: transactionId,
    },
  };
}

/** Whose order it is. */
function ownersOf(order: GatewayOrder): Pick<OrderFacts, 'mchid' | 'appid' | 'sub_mchid' | 'sub_appid'> {
  if (!('sp_mchid' in order))
    return { mchid: order.mchid, appid: order.appid, sub_mchid: null, sub_appid: null };
  const { sp_mchid: mchid, sp_appid: appid, sub_mchid, sub_appid = null } = order;
  return { mchid, appid, sub_mchid, sub_appid };
}

function factsOf({ transaction_id: transactionId, amount, success_time }: PaidOrder): PaidOrderFacts {
  const { successTime } = readTime(success_time);
  return { transactionId, amount: amount?.total, payerTotal: amount?.payer_total, successTime };
}

/** The payment of this id, or a bug. */
export async function mustLoad(db: Queryable, paymentId: string): Promise<Payment> {
  const payment = await loadPayment(db, paymentId);
  if (!payment) throw new Error(`there is no payment ${paymentId}`);
  return payment;
}
