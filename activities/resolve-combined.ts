import { type CombinedPayment, lockCombined, transitionCombined } from '../database/combined-payments.ts';
import { lockOrders } from '../database/orders.ts';
import { transitionPayment } from '../database/payment-changes.ts';
import type { Payment } from '../database/payments.ts';
import type { Queryable } from '../database/pool.ts';
import type { CombinedClaim, PaidClaim } from '../domain/operator.ts';
import type { CombinedOrder } from '../wechatpay/index.ts';
import { isClosed } from './close-combined-unless-paid.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { refundDuplicate } from './refund-duplicate.ts';
import {
  approved,
  carryOut,
  evidence,
  type Resolution,
  type ResolutionAnswer,
  recordResolution,
  requireAgreement,
  settleByClaim,
  settleByEvidence,
  Unproven,
  type Word,
  wordOf,
} from './resolution.ts';
import { gatewayOf, mustLoad, orderOf, verdictOn } from './settle-combined.ts';
import { isPaidOrder, known, mustLoad as mustLoadPayment, type PaidOrder } from './settle-payment.ts';

type Spoken = Word<CombinedOrder>;

/**
 * As `resolvePayment`, of all sub-orders together: they are paid, or they are closed. Two operators who say that they are paid say of each
 * what arrived; and they close none of them while the gateway has money for any.
 */
export function resolveCombined({ pool, merchants }: ActivityDependencies) {
  return async (resolution: Resolution & { combinedId: string }): Promise<ResolutionAnswer> => {
    const combined = await mustLoad(pool, resolution.combinedId);
    const gateway = await gatewayOf(merchants, combined);
    const word = await wordOf(gateway.queryOrder(combined.combineOutTradeNo));
    return await carryOut(pool, subjectOf(combined), resolution, { word, shown, told }, async (db) => {
      // As whoever settles: the merchants' own orders, then the combined payment, then its sub-orders.
      await lockOrders(db, combined.subPayments);
      await lockCombined(db, combined.id);
      const locked = await mustLoad(db, combined.id);
      const finding = known(locked);
      if (finding.kind === 'final') return { kind: 'ended', status: finding.status };
      if (resolution.as === 'paid') await settleAsPaid(db, locked, resolution, word);
      else await settleAsClosed(db, locked, resolution, word);
      return { kind: 'ended', status: resolution.as === 'paid' ? 'PAID' : 'CLOSED' };
    });
  };
}

const subjectOf = ({ id, tenantId }: CombinedPayment) => ({ tenantId, combinedId: id });

async function settleAsPaid(
  db: Queryable,
  combined: CombinedPayment,
  resolution: Resolution,
  word: Spoken,
): Promise<void> {
  const seen = evidence(word, shown);
  const order = 'order' in word ? word.order : undefined;
  const verdict = order && verdictOn(combined, order);
  if (verdict?.kind === 'paid') {
    const operatorAction = await recordResolution(db, subjectOf(combined), resolution, {
      result: 'PAID',
      seen,
    });
    await transitionCombined(db, combined.id, 'PAID', { operatorAction });
    for (const [payment, paid] of verdict.paid) await settleByEvidence(db, payment, paid, operatorAction);
  } else {
    const approval = await approved(db, combined, resolution);
    const { orders } = approval.payload as CombinedClaim;
    const paid = combined.subPayments.map((payment) => claimed(payment, orders, order));
    const operatorAction = await recordResolution(db, subjectOf(combined), resolution, {
      result: 'PAID',
      seen,
      approval,
    });
    await transitionCombined(db, combined.id, 'PAID', { operatorAction });
    for (const { payment, claim, told } of paid)
      await settleByClaim(db, payment, claim, { order: told, operatorAction });
  }
  // The relay starts the refunds of duplicates.
  for (const { id } of combined.subPayments) await refundDuplicate(db, await mustLoadPayment(db, id));
}

/** What two operators say of a sub-order, and what WeChat Pay does, if it does. @throws Unproven when they differ, or the two say nothing. */
function claimed(
  payment: Payment,
  claims: CombinedClaim['orders'],
  order: CombinedOrder | undefined,
): { payment: Payment; claim: PaidClaim; told: PaidOrder | undefined } {
  const claim = claims.find(({ paymentId }) => paymentId === payment.id);
  if (!claim) throw new Unproven(`the approval says nothing of ${payment.outTradeNo}`);
  const told = order && paidOf(order).find(({ out_trade_no }) => out_trade_no === payment.outTradeNo);
  requireAgreement(payment, told, claim);
  return { payment, claim, told };
}

async function settleAsClosed(
  db: Queryable,
  combined: CombinedPayment,
  resolution: Resolution,
  word: Spoken,
): Promise<void> {
  const order = 'order' in word ? word.order : undefined;
  if (order && paidOf(order).length > 0)
    throw new Unproven(
      'WeChat Pay has money for some of these orders: have them all paid there, or resolve them as paid',
    );
  const saysClosed =
    'order' in word && (order ? isClosed(combined, order) : combined.prepayIssuedAt === null);
  const operatorAction = await recordResolution(db, subjectOf(combined), resolution, {
    result: 'CLOSED',
    seen: evidence(word, shown),
    approval: saysClosed ? undefined : await approved(db, combined, resolution),
  });
  await transitionCombined(db, combined.id, 'CLOSED', { operatorAction });
  for (const { id } of combined.subPayments) await transitionPayment(db, id, 'CLOSED', { operatorAction });
}

/** The sub-orders that are paid, as single orders. */
function paidOf(order: CombinedOrder): PaidOrder[] {
  return order.sub_orders.map((subOrder) => orderOf(order, subOrder)).filter(isPaidOrder);
}

/** The gateway's answer without what is private in it. */
function shown({ combine_payer_info, scene_info, sub_orders, ...order }: CombinedOrder): object {
  return {
    ...order,
    sub_orders: sub_orders.map(({ sub_openid, attach, promotion_detail, ...subOrder }) => subOrder),
  };
}

function told({ sub_orders }: CombinedOrder): string {
  const each = sub_orders.map(
    ({ out_trade_no, trade_state, transaction_id }) =>
      `${out_trade_no} is ${trade_state}${transaction_id ? `, transaction ${transaction_id}` : ''}`,
  );
  return `of the sub-orders ${each.join('; ')}`;
}
