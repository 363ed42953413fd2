import { activityInfo } from '@temporalio/activity';
import {
  type CombinedChange,
  type CombinedPayment,
  loadCombinedPayment,
  requestCombinedAttention,
  transitionCombined,
} from '../database/combined-payments.ts';
import { lockOpen } from '../database/intents.ts';
import { loadNotification } from '../database/notifications.ts';
import { lockOrders } from '../database/orders.ts';
import { requestAttention, transitionPayment } from '../database/payment-changes.ts';
import type { Payment } from '../database/payments.ts';
import { inTransaction, type Pool, type Queryable } from '../database/pool.ts';
import type { PaymentAttention } from '../domain/attention.ts';
import type { CombinedStatus } from '../domain/combined-payment.ts';
import type { PaymentFinding } from '../domain/payment.ts';
import type { RefundToStart } from '../domain/refund.ts';
import { type CombinedGateway, combinedGateway } from '../gateway/combined-gateway.ts';
import type { Merchants } from '../gateway/merchants.ts';
import type { GatewayOrder } from '../gateway/payment-gateway.ts';
import { type CombinedOrder, type SubOrder, WechatPayError } from '../wechatpay/index.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { gatewayFailure, tooSlowForLocal } from './failures.ts';
import type { Mismatch } from './record-late-money.ts';
import {
  isPaidOrder,
  known,
  mismatchOf,
  notPaidYet,
  type PaidOrder,
  settle,
  settlePaid,
} from './settle-payment.ts';

/** As `settleFromNotification` of payments: one notification tells of all sub-orders. */
export function settleCombinedFromNotification({ pool, merchants }: ActivityDependencies) {
  return async (input: { combinedId: string; notificationId: string }): Promise<PaymentFinding> => {
    const combined = await mustLoad(pool, input.combinedId);
    const notification = await loadNotification(pool, input.notificationId);
    if (!notification || notification.merchantId !== combined.merchantId) return { kind: 'unpaid' };
    const order = notification.resource as CombinedOrder;
    if (verdictOn(combined, order).kind === 'paid') return await settleCombined(pool, combined, order);
    return await settleCombined(pool, combined, await query(await gatewayOf(merchants, combined), combined));
  };
}

/** Asks the gateway once, because somebody waits for the answer. */
export function settleCombinedByQuery({ pool, merchants, pace }: ActivityDependencies) {
  return async ({ combinedId }: { combinedId: string }): Promise<PaymentFinding> => {
    if (activityInfo().isLocal && !pace.prompt) throw tooSlowForLocal();
    const combined = await mustLoad(pool, combinedId);
    const gateway = await gatewayOf(merchants, combined);
    return await settleCombined(pool, combined, await pace.timed(() => query(gateway, combined)));
  };
}

/** As `settleByPolling` of payments. */
export function settleCombinedByPolling({ pool, merchants, clock }: ActivityDependencies) {
  return async (input: {
    combinedId: string;
    pollGapsMs: number[];
    /** Unix time in milliseconds. */
    timeExpire: number;
  }): Promise<PaymentFinding> => {
    const combined = await mustLoad(pool, input.combinedId);
    const order = await query(await gatewayOf(merchants, combined), combined);
    const finding = await settleCombined(pool, combined, order);
    if (finding.kind !== 'unpaid') return finding;
    throw notPaidYet(input, clock);
  };
}

/**
 * Compares the gateway's combined order with the rows and stores what follows from it. While the combined payment is open, all of its
 * sub-orders settle in one transaction or none does. A repeat changes nothing.
 * @param order undefined when the gateway knows of no such order.
 */
export async function settleCombined(
  pool: Pool,
  combined: CombinedPayment,
  order: CombinedOrder | undefined,
): Promise<PaymentFinding> {
  if (!order) return known(combined);
  if (known(combined).kind === 'final') return await settleEnded(pool, combined, order);
  const verdict = verdictOn(combined, order);
  if (verdict.kind === 'unpaid') return known(combined);
  if (verdict.kind === 'contradicts') {
    await inTransaction(pool, async (db) => {
      if (!(await lockOpen(db, 'combined_payments', combined.id))) return;
      for (const [payment, { reason, sides }] of verdict.differing) {
        await requestAttention(db, payment.id, reason, { sides });
      }
    });
    return { kind: 'undecided', reason: verdict.reason };
  }
  return await inTransaction(pool, async (db) => {
    await lockOrders(db, combined.subPayments);
    await transitionCombined(db, combined.id, 'PAID');
    const refunds: RefundToStart[] = [];
    for (const [payment, paid] of verdict.paid) {
      const settled = await settlePaid(db, payment, paid);
      if (settled.kind === 'final' && settled.refund) refunds.push(settled.refund);
    }
    const finding = known(await mustLoad(db, combined.id));
    return finding.kind === 'final' && refunds.length > 0 ? { ...finding, refunds } : finding;
  });
}

/** What comes after the end is money of single sub-orders: a copy of what is known, or late. Each is settled on its own, as any payment is. */
async function settleEnded(
  pool: Pool,
  combined: CombinedPayment,
  order: CombinedOrder,
): Promise<PaymentFinding> {
  for (const subOrder of order.sub_orders) {
    const payment = combined.subPayments.find(({ outTradeNo }) => outTradeNo === subOrder.out_trade_no);
    const word = orderOf(order, subOrder);
    if (payment) await settle(pool, payment, word);
    else if (isPaidOrder(word)) {
      await inTransaction(pool, (db) => requestCombinedAttention(db, combined.id, 'sub_orders_differ'));
    }
  }
  return known(combined);
}

/** What the gateway's answer says of an open combined payment. */
type Verdict =
  | { kind: 'unpaid' }
  | { kind: 'paid'; paid: [Payment, PaidOrder][] }
  /** It is not the order of the rows, in a field of its own or in those of some sub-orders. */
  | { kind: 'contradicts'; reason: PaymentAttention; differing: [Payment, Mismatch][] };

/**
 * Nothing is assumed of a combined order that is paid in part, although all of its orders are paid or none (official page 4013421468): it
 * contradicts.
 */
export function verdictOn(combined: CombinedPayment, order: CombinedOrder): Verdict {
  const words = new Map(
    order.sub_orders.map((subOrder) => [subOrder.out_trade_no, orderOf(order, subOrder)]),
  );
  const paidCount = [...words.values()].filter(isPaidOrder).length;
  if (paidCount === 0) return { kind: 'unpaid' };
  const contradicts = (reason: PaymentAttention) =>
    ({ kind: 'contradicts', reason, differing: [] }) satisfies Verdict;
  if (order.combine_out_trade_no !== combined.combineOutTradeNo) return contradicts('out_trade_no_differs');
  if (order.combine_mchid !== combined.mchid) return contradicts('mchid_differs');
  if (
    order.sub_orders.length !== combined.subPayments.length ||
    combined.subPayments.some(({ outTradeNo }) => !words.has(outTradeNo))
  ) {
    return contradicts('sub_orders_differ');
  }
  const paid: [Payment, PaidOrder][] = [];
  const differing: [Payment, Mismatch][] = [];
  for (const payment of combined.subPayments) {
    const word = words.get(payment.outTradeNo);
    if (!word || !isPaidOrder(word)) return contradicts('partly_paid');
    const mismatch = mismatchOf(payment, word);
    if (mismatch) differing.push([payment, mismatch]);
    else paid.push([payment, word]);
  }
  const [first] = differing;
  return first ? { kind: 'contradicts', reason: first[1].reason, differing } : { kind: 'paid', paid };
}

/** A sub-order in the words of a single order, so that it is compared and settled as one. */
export function orderOf({ combine_appid }: CombinedOrder, subOrder: SubOrder): GatewayOrder {
  const { mchid, sub_mchid, sub_appid, amount, ...rest } = subOrder;
  return {
    ...rest,
    ...(sub_mchid === undefined
      ? { appid: combine_appid, mchid }
      : { sp_appid: combine_appid, sp_mchid: mchid, sub_mchid, sub_appid }),
    amount: amount && {
      total: amount.total_amount,
      payer_total: amount.payer_amount,
      currency: amount.currency,
    },
  } as GatewayOrder;
}

/** Moves a combined payment and all of its sub-orders to a status, if the life cycle allows it. Call it in a transaction. */
export async function moveTogether(
  db: Queryable,
  { id, subPayments }: CombinedPayment,
  to: Exclude<CombinedStatus, 'PAID'>,
  { prepaid, ...failure }: CombinedChange = {},
): Promise<void> {
  const moved = await transitionCombined(db, id, to, { ...(prepaid && { prepaid }), ...failure });
  if (moved === undefined) return;
  for (const payment of subPayments) await transitionPayment(db, payment.id, to, failure);
}

/** WeChat Pay as who combines. */
export async function gatewayOf(merchants: Merchants, combined: CombinedPayment): Promise<CombinedGateway> {
  return combinedGateway((await merchants.get(combined.merchantId)).under(combined.appid));
}

/** The combined order as the gateway knows it; undefined when it does not. */
export async function query(
  gateway: CombinedGateway,
  { combineOutTradeNo }: CombinedPayment,
): Promise<CombinedOrder | undefined> {
  try {
    return await gateway.queryOrder(combineOutTradeNo);
  } catch (error) {
    if (error instanceof WechatPayError && error.code === 'ORDER_NOT_EXIST') return undefined;
    throw gatewayFailure(error);
  }
}

/** The combined payment of this id, or a bug. */
export async function mustLoad(db: Queryable, combinedId: string): Promise<CombinedPayment> {
  const combined = await loadCombinedPayment(db, combinedId);
  if (!combined) throw new Error(`there is no combined payment ${combinedId}`);
  return combined;
}
