import { activityInfo } from '@temporalio/activity';
import { post } from '../database/ledger.ts';
import { loadNotification } from '../database/notifications.ts';
import { loadPayment, type Payment, requestAttention, transitionPayment } from '../database/payments.ts';
import { inTransaction, type Pool, type Queryable } from '../database/pool.ts';
import type { PaymentAttention } from '../domain/attention.ts';
import { isPaid, type PaymentFinding } from '../domain/payment.ts';
import { readTime } from '../domain/time.ts';
import type { GatewayOrder, PaymentGateway } from '../gateway/payment-gateway.ts';
import { WechatPayError } from '../wechatpay/index.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { gatewayFailure, notFinalYet, pollGap, tooSlowForLocal } from './failures.ts';

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
  if (isPaidOrder(order) && disagreement(payment, order) === undefined) {
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
 * Compares the gateway's order with the payment and stores what follows from it, in one transaction: status, event. A repeat changes nothing.
 * @param order undefined when the gateway knows of no such order.
 */
export async function settle(
  pool: Pool,
  payment: Payment,
  order: GatewayOrder | undefined,
): Promise<PaymentFinding> {
  if (!order || !isPaidOrder(order)) return unpaid(payment, order);
  const reason = disagreement(payment, order);
  if (reason) return await disagree(pool, payment, reason, order.transaction_id);
  return await inTransaction(pool, (db) => settlePaid(db, payment, order));
}

/** Stores what follows from a paid order that agrees with the payment. Call it in a transaction. */
export async function settlePaid(db: Queryable, payment: Payment, order: PaidOrder): Promise<PaymentFinding> {
  await transitionPayment(db, payment.id, 'PAID', {
    transactionId: order.transaction_id,
    ...(order.amount?.payer_total !== undefined && { payerTotal: order.amount.payer_total }),
    ...readTime(order.success_time),
  });
  const now = await mustLoad(db, payment.id);
  const finding = known(now);
  // Money for a payment that had ended without it is shown to an operator, never dropped. What is being reversed has not ended.
  if (finding.kind === 'final' && finding.status !== 'PAID') await recordLateMoney(db, now, order);
  return finding;
}

/** Shows the money to an operator and keeps it in an account of its own until somebody has decided. */
async function recordLateMoney(db: Queryable, payment: Payment, order: PaidOrder): Promise<void> {
  await requestAttention(db, payment.id, 'late_money', {
    type: 'payment.late_money',
    data: { transaction_id: order.transaction_id },
  });
  await post(db, {
    step: 'payment.late',
    // Somebody may pay an ended order under two numbers of WeChat Pay's.
    causeId: `${payment.id}/${order.transaction_id}`,
    paymentId: payment.id,
    amount: payment.amount,
    currency: payment.currency,
    effectiveAt: readTime(order.success_time).successTime,
  });
}

/** A paid order that is not ours as it stands: an open payment waits for a person, an ended one is shown to one. */
async function disagree(
  pool: Pool,
  payment: Payment,
  reason: PaymentAttention,
  transactionId: string,
): Promise<PaymentFinding> {
  const finding = known(payment);
  if (finding.kind !== 'final') return { kind: 'undecided', reason };
  await inTransaction(pool, (db) =>
    requestAttention(db, payment.id, reason, {
      ...(!isPaid(payment.status) && { type: 'payment.late_money' as const }),
      data: { transaction_id: transactionId },
    }),
  );
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
  if (status === 'CLOSED' || status === 'FAILED') return { kind: 'final', status };
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

/** The first field in which the paid order and the payment differ, as a reason code. */
export function disagreement(payment: Payment, order: GatewayOrder): PaymentAttention | undefined {
  if (order.out_trade_no !== payment.outTradeNo) return 'out_trade_no_differs';
  const theirs = ownersOf(order);
  if (theirs.mchid !== payment.mchid) return 'mchid_differs';
  if (theirs.appid !== payment.appid) return 'appid_differs';
  if (theirs.subMchid !== payment.subMchid) return 'sub_mchid_differs';
  // The gateway tells of it only when the order named one.
  if (payment.subAppid !== null && theirs.subAppid !== payment.subAppid) return 'sub_appid_differs';
  if (order.amount?.total !== payment.amount) return 'amount_differs';
  if (order.amount.currency !== undefined && order.amount.currency !== payment.currency)
    return 'currency_differs';
  return undefined;
}

/** Whose order it is, in the row's words. */
function ownersOf(order: GatewayOrder) {
  if (!('sp_mchid' in order))
    return { mchid: order.mchid, appid: order.appid, subMchid: null, subAppid: null };
  return {
    mchid: order.sp_mchid,
    appid: order.sp_appid,
    subMchid: order.sub_mchid,
    subAppid: order.sub_appid,
  };
}

/** The payment of this id, or a bug. */
export async function mustLoad(db: Queryable, paymentId: string): Promise<Payment> {
  const payment = await loadPayment(db, paymentId);
  if (!payment) throw new Error(`there is no payment ${paymentId}`);
  return payment;
}
