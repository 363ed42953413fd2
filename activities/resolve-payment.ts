import { lockOrders } from '../database/orders.ts';
import { transitionPayment } from '../database/payment-changes.ts';
import { withdrawReversal } from '../database/payment-codes.ts';
import { lockPayment, type Payment } from '../database/payments.ts';
import type { Queryable } from '../database/pool.ts';
import type { PaidClaim } from '../domain/operator.ts';
import { isPaid } from '../domain/payment.ts';
import type { GatewayOrder } from '../gateway/payment-gateway.ts';
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
import { isPaidOrder, known, mismatchOf, mustLoad } from './settle-payment.ts';

type Spoken = Word<GatewayOrder>;

/**
 * Settles what no machine could decide. The gateway is asked first: its own word is enough when it agrees with the row. Otherwise it takes what
 * two operators have agreed on, as it is in the database and not as the request tells it; and never against money that the gateway has.
 * One transaction: status, event, ledger, the approval's use, the record of who did it. A repeat finds the payment ended.
 */
export function resolvePayment({ pool, merchants }: ActivityDependencies) {
  return async (resolution: Resolution & { paymentId: string }): Promise<ResolutionAnswer> => {
    const payment = await mustLoad(pool, resolution.paymentId);
    const word = await wordOf((await merchants.for(payment)).queryOrder(payment.outTradeNo));
    return await carryOut(pool, subjectOf(payment), resolution, { word, shown, told }, async (db) => {
      // The merchant's own order before any row, as whoever settles does.
      await lockOrders(db, [payment]);
      await lockPayment(db, payment.id);
      const locked = await mustLoad(db, payment.id);
      const finding = known(locked);
      if (finding.kind === 'final') return { kind: 'ended', status: finding.status };
      if (resolution.as === 'paid') await settleAsPaid(db, locked, resolution, word);
      else await settleAsClosed(db, locked, resolution, word);
      const settled = await mustLoad(db, payment.id);
      // The relay starts the refund of a duplicate.
      if (isPaid(settled.status)) await refundDuplicate(db, settled);
      const now = known(settled);
      if (now.kind !== 'final') throw new Error(`${payment.id} was resolved and has not ended`);
      return { kind: 'ended', status: now.status };
    });
  };
}

const subjectOf = ({ id, tenantId }: Payment) => ({ tenantId, paymentId: id });

async function settleAsPaid(
  db: Queryable,
  payment: Payment,
  resolution: Resolution,
  word: Spoken,
): Promise<void> {
  const seen = evidence(word, shown);
  const order = 'order' in word && word.order && isPaidOrder(word.order) ? word.order : undefined;
  const beingReversed = payment.reverseSentAt !== null;
  if (order && beingReversed && resolution.approvalId === undefined)
    throw new Unproven(
      'WeChat Pay was asked to take this order back: its money may be on its way to the customer',
    );
  if (order && !beingReversed && mismatchOf(payment, order) === undefined) {
    const action = await recordResolution(db, subjectOf(payment), resolution, { result: 'PAID', seen });
    await settleByEvidence(db, payment, order, action);
    return;
  }
  const approval = await approved(db, payment, resolution);
  const claim = approval.payload as PaidClaim;
  requireAgreement(payment, order, claim);
  const operatorAction = await recordResolution(db, subjectOf(payment), resolution, {
    result: 'PAID',
    seen,
    approval,
  });
  await withdrawReversal(db, payment.id);
  await settleByClaim(db, payment, claim, { order, operatorAction });
}

async function settleAsClosed(
  db: Queryable,
  payment: Payment,
  resolution: Resolution,
  word: Spoken,
): Promise<void> {
  if ('order' in word && word.order && isPaidOrder(word.order))
    throw new Unproven('WeChat Pay has money for this order: resolve it as paid, and refund it');
  const isClosed =
    'order' in word &&
    (word.order
      ? word.order.trade_state === 'CLOSED' || word.order.trade_state === 'REVOKED'
      : payment.prepayIssuedAt === null && payment.codeSentAt === null);
  const operatorAction = await recordResolution(db, subjectOf(payment), resolution, {
    result: 'CLOSED',
    seen: evidence(word, shown),
    approval: isClosed ? undefined : await approved(db, payment, resolution),
  });
  await transitionPayment(db, payment.id, 'CLOSED', { operatorAction });
}

/** The gateway's answer without what is private in it. */
function shown(answer: GatewayOrder): object {
  const { payer, attach, promotion_detail, scene_info, ...order } = answer as GatewayOrder & {
    scene_info?: unknown;
  };
  return order;
}

function told({ trade_state, transaction_id, amount }: GatewayOrder): string {
  const money = amount?.total === undefined ? '' : ` over ${amount.total} fen`;
  return `the order${money} is ${trade_state}${transaction_id ? `, transaction ${transaction_id}` : ''}`;
}
