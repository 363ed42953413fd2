import { type ApprovalRefusal, useApproval } from '../database/approvals.ts';
import { post } from '../database/ledger.ts';
import { recordOperatorAction } from '../database/operator-actions.ts';
import { lockOrder } from '../database/orders.ts';
import { withdrawReversal } from '../database/payment-codes.ts';
import { lockPayment, type Payment, transitionPayment } from '../database/payments.ts';
import { inTransaction, isUniqueViolation, type Queryable } from '../database/pool.ts';
import type { PaidClaim } from '../domain/operator.ts';
import { isPaid } from '../domain/payment.ts';
import { readTime } from '../domain/time.ts';
import type { GatewayOrder } from '../gateway/payment-gateway.ts';
import { WechatPayError } from '../wechatpay/index.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { refundDuplicate } from './refund-duplicate.ts';
import { isPaidOrder, known, mismatchOf, mustLoad } from './settle-payment.ts';

/** Who asks for what. */
export interface Resolution {
  paymentId: string;
  as: 'paid' | 'closed';
  actor: string;
  reason: string;
  /** What two operators have agreed on, for what the gateway does not say itself. */
  approvalId?: string;
  /** Names the request. */
  updateKey: string;
}

/** What became of it. */
export type ResolutionAnswer =
  | { kind: 'ended'; status: 'PAID' | 'CLOSED' | 'FAILED' }
  | { kind: 'unchanged'; gateway: string; message: string };

/** What the gateway says of an order when it is asked now. */
type Word =
  | { order: GatewayOrder }
  | { order: undefined }
  /** It cannot say. */
  | { code: string; message: string };

/**
 * Settles what no machine could decide. The gateway is asked first: its own word is enough when it agrees with the row. Otherwise it takes what
 * two operators have agreed on, as it is in the database and not as the request tells it; and never against money that the gateway has.
 * One transaction: status, event, ledger, the approval's use, the record of who did it. A repeat finds the payment ended.
 */
export function resolvePayment({ pool, merchants }: ActivityDependencies) {
  return async (resolution: Resolution): Promise<ResolutionAnswer> => {
    const payment = await mustLoad(pool, resolution.paymentId);
    const word = await ask(payment);
    try {
      return await inTransaction(pool, async (db) => {
        // The merchant's own order before any row, as whoever settles does.
        await lockOrder(db, payment);
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
    } catch (error) {
      const refusal = isUniqueViolation(error, 'payments_merchant_id_transaction_id_key')
        ? new Unproven('that transaction_id belongs to another payment')
        : error;
      if (!(refusal instanceof Unproven)) throw refusal;
      await record(pool, payment, resolution, word, { result: 'unchanged' });
      return { kind: 'unchanged', gateway: sentence(word), message: refusal.message };
    }
  };

  async function ask(payment: Payment): Promise<Word> {
    try {
      return { order: await (await merchants.for(payment)).queryOrder(payment.outTradeNo) };
    } catch (error) {
      if (!(error instanceof WechatPayError)) throw error;
      if (error.code === 'ORDER_NOT_EXIST') return { order: undefined };
      return { code: error.code, message: error.message };
    }
  }
}

/** Neither the gateway nor two operators say what was asked for: nothing is changed. */
class Unproven extends Error {
  override readonly name = 'Unproven';
}

async function settleAsPaid(
  db: Queryable,
  payment: Payment,
  resolution: Resolution,
  word: Word,
): Promise<void> {
  const order = 'order' in word && word.order && isPaidOrder(word.order) ? word.order : undefined;
  const beingReversed = payment.reverseSentAt !== null;
  if (order && beingReversed && resolution.approvalId === undefined)
    throw new Unproven(
      'WeChat Pay was asked to take this order back: its money may be on its way to the customer',
    );
  if (order && !beingReversed && mismatchOf(payment, order) === undefined) {
    const operatorAction = await record(db, payment, resolution, word, { result: 'PAID' });
    await transitionPayment(db, payment.id, 'PAID', {
      transactionId: order.transaction_id,
      ...(order.amount?.payer_total !== undefined && { payerTotal: order.amount.payer_total }),
      ...readTime(order.success_time),
      operatorAction,
    });
    return;
  }
  const approval = await approved(db, payment, resolution, 'resolve_as_paid');
  const claim = approval.payload as PaidClaim;
  if (order && order.transaction_id !== claim.transactionId)
    throw new Unproven(`WeChat Pay names transaction ${order.transaction_id}, the approval another one`);
  if (order && order.amount?.total !== claim.amount)
    throw new Unproven(`WeChat Pay says ${order.amount?.total} fen, the approval ${claim.amount}`);
  if (order?.amount?.currency !== undefined && order.amount.currency !== payment.currency)
    throw new Unproven(`there are no accounts for ${order.amount.currency}`);
  const operatorAction = await record(db, payment, resolution, word, { result: 'PAID', approval });
  await withdrawReversal(db, payment.id);
  const changed = await transitionPayment(db, payment.id, 'PAID', {
    transactionId: claim.transactionId,
    ...readTime(order?.success_time),
    operatorAction,
  });
  if (changed !== undefined) await bookDifference(db, payment, claim, readTime(order?.success_time));
}

/** The sale is booked over the order's amount; what came above or below it has no explanation yet. */
async function bookDifference(
  db: Queryable,
  payment: Payment,
  { amount }: PaidClaim,
  { successTime: effectiveAt }: { successTime?: Date },
): Promise<void> {
  const difference = amount - payment.amount;
  if (difference === 0) return;
  await post(db, {
    step: difference > 0 ? 'suspense.in' : 'suspense.out',
    causeId: `${payment.id}/resolved`,
    paymentId: payment.id,
    amount: Math.abs(difference),
    currency: payment.currency,
    effectiveAt,
  });
}

async function settleAsClosed(
  db: Queryable,
  payment: Payment,
  resolution: Resolution,
  word: Word,
): Promise<void> {
  if ('order' in word && word.order && isPaidOrder(word.order))
    throw new Unproven('WeChat Pay has money for this order: resolve it as paid, and refund it');
  const isClosed =
    'order' in word &&
    (word.order
      ? word.order.trade_state === 'CLOSED' || word.order.trade_state === 'REVOKED'
      : payment.prepayIssuedAt === null && payment.codeSentAt === null);
  const approval = isClosed ? undefined : await approved(db, payment, resolution, 'resolve_as_closed');
  const operatorAction = await record(db, payment, resolution, word, { result: 'CLOSED', approval });
  await transitionPayment(db, payment.id, 'CLOSED', { operatorAction });
}

const REFUSALS: Record<ApprovalRefusal, string> = {
  unknown: 'there is no such approval for this payment',
  not_approved: 'a second operator has not approved it: paysaga approve',
  same_person: 'the one who asks for it cannot approve it',
  operator_revoked: 'one of the two operators may not act any more',
  expired: 'the approval has expired: ask for another one',
  used: 'the approval was used before',
};

/** Uses the approval up. @throws Unproven without one that stands. */
async function approved(
  db: Queryable,
  payment: Payment,
  { approvalId }: Resolution,
  action: 'resolve_as_paid' | 'resolve_as_closed',
) {
  if (approvalId === undefined)
    throw new Unproven(
      'that is not what was asked for: mend the cause and ask again, or have two operators resolve it (paysaga payment resolve)',
    );
  const approval = await useApproval(db, approvalId, {
    tenantId: payment.tenantId,
    action,
    subjectId: payment.id,
  });
  if (typeof approval === 'string') throw new Unproven(REFUSALS[approval]);
  return approval;
}

/** Who, why, and what the gateway said; of an approved one the two whose keys the database has seen. */
function record(
  db: Queryable,
  payment: Payment,
  { as, actor, reason, updateKey }: Resolution,
  word: Word,
  {
    result,
    approval,
  }: {
    result: string;
    approval?: { id: string; requestedBy: string; approvedBy: string; reason: string } | undefined;
  },
): Promise<string> {
  return recordOperatorAction(db, {
    tenantId: payment.tenantId,
    paymentId: payment.id,
    action: `resolve_as_${as}`,
    actor: approval?.requestedBy ?? actor,
    reason: approval?.reason ?? reason,
    approval,
    evidence: evidence(word),
    result,
    updateKey,
  });
}

/** The gateway's answer without what is private in it. */
function evidence(word: Word): object {
  if (!('order' in word)) return word;
  if (!word.order) return { code: 'ORDER_NOT_EXIST' };
  const { payer, attach, promotion_detail, scene_info, ...order } = word.order as GatewayOrder & {
    scene_info?: unknown;
  };
  return order;
}

function sentence(word: Word): string {
  if (!('order' in word)) return `it cannot say: ${word.code}: ${word.message}`;
  if (!word.order) return 'it knows no such order';
  const { trade_state, transaction_id, amount } = word.order;
  const money = amount?.total === undefined ? '' : ` over ${amount.total} fen`;
  return `the order${money} is ${trade_state}${transaction_id ? `, transaction ${transaction_id}` : ''}`;
}
