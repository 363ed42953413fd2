import { type ApprovalRefusal, useApproval } from '../database/approvals.ts';
import { post } from '../database/ledger.ts';
import { recordOperatorAction } from '../database/operator-actions.ts';
import { transitionPayment } from '../database/payment-changes.ts';
import type { Payment } from '../database/payments.ts';
import { inTransaction, isUniqueViolation, type Pool, type Queryable } from '../database/pool.ts';
import type { PaidClaim } from '../domain/operator.ts';
import { readTime } from '../domain/time.ts';
import { WechatPayError } from '../wechatpay/index.ts';
import type { PaidOrder } from './settle-payment.ts';

/** What the resolutions of a payment and of a combined one have in common: whose word counts, and how it is put on record. */

/** Who asks for what. */
export interface Resolution {
  as: 'paid' | 'closed';
  actor: string;
  reason: string;
  /** What two operators have agreed on, for what the gateway does not say itself. */
  approvalId?: string;
  /** Names the request. */
  updateKey: string;
}

/** What is resolved. */
type ResolutionSubject = { tenantId: string } & ({ paymentId: string } | { combinedId: string });

/** What became of it. */
export type ResolutionAnswer =
  | { kind: 'ended'; status: 'PAID' | 'CLOSED' | 'FAILED' }
  | { kind: 'unchanged'; gateway: string; message: string };

/** What the gateway says of an order when it is asked now. */
export type Word<Order> =
  /** Undefined when it knows none. */
  | { order: Order | undefined }
  /** It cannot say. */
  | { code: string; message: string };

/** Neither the gateway nor two operators say what was asked for: nothing is changed. */
export class Unproven extends Error {
  override readonly name = 'Unproven';
}

/** Asks the gateway. */
export async function wordOf<Order>(asking: Promise<Order>): Promise<Word<Order>> {
  try {
    return { order: await asking };
  } catch (error) {
    if (!(error instanceof WechatPayError)) throw error;
    if (error.code === 'ORDER_NOT_EXIST') return { order: undefined };
    return { code: error.code, message: error.message };
  }
}

/** The word in a sentence. @param told says an order that there is. */
function sentence<Order>(word: Word<Order>, told: (order: Order) => string): string {
  if (!('order' in word)) return `it cannot say: ${word.code}: ${word.message}`;
  return word.order === undefined ? 'it knows no such order' : told(word.order);
}

/** The word as evidence. @param shown leaves out what is private. */
export function evidence<Order>(word: Word<Order>, shown: (order: Order) => object): object {
  if (!('order' in word)) return word;
  return word.order === undefined ? { code: 'ORDER_NOT_EXIST' } : shown(word.order);
}

const REFUSALS: Record<ApprovalRefusal, string> = {
  unknown: 'there is no such approval for this payment',
  not_approved: 'a second operator has not approved it: paysaga approve',
  same_person: 'the one who asks for it cannot approve it',
  operator_revoked: 'one of the two operators may not act any more',
  expired: 'the approval has expired: ask for another one',
  used: 'the approval was used before',
};

/** What two operators have agreed on. */
type Approved = Exclude<Awaited<ReturnType<typeof useApproval>>, string>;

/** Uses the approval up. @throws Unproven without one that stands. */
export async function approved(
  db: Queryable,
  { id: subjectId, tenantId }: { id: string; tenantId: string },
  { approvalId, as }: Resolution,
): Promise<Approved> {
  if (approvalId === undefined)
    throw new Unproven(
      'that is not what was asked for: mend the cause and ask again, or have two operators resolve it (paysaga payment resolve)',
    );
  const approval = await useApproval(db, approvalId, { tenantId, action: `resolve_as_${as}`, subjectId });
  if (typeof approval === 'string') throw new Unproven(REFUSALS[approval]);
  return approval;
}

/**
 * Carries a resolution out, in one transaction. Where nothing proves it, nothing is changed, and that it was asked for is put on record.
 * @param settle what proves it, and what becomes of it; throws {@link Unproven}
 */
export async function carryOut<Order>(
  pool: Pool,
  subject: ResolutionSubject,
  resolution: Resolution,
  {
    word,
    shown,
    told,
  }: { word: Word<Order>; shown: (order: Order) => object; told: (order: Order) => string },
  settle: (db: Queryable) => Promise<ResolutionAnswer>,
): Promise<ResolutionAnswer> {
  try {
    return await inTransaction(pool, settle);
  } catch (error) {
    const refusal = isUniqueViolation(error, 'payments_merchant_id_transaction_id_key')
      ? new Unproven('that transaction_id belongs to another payment')
      : error;
    if (!(refusal instanceof Unproven)) throw refusal;
    await recordResolution(pool, subject, resolution, { result: 'unchanged', seen: evidence(word, shown) });
    return { kind: 'unchanged', gateway: sentence(word, told), message: refusal.message };
  }
}

/** Who, why, and what the gateway said; of an approved one the two whose keys the database has seen. @returns the record's id. */
export function recordResolution(
  db: Queryable,
  subject: ResolutionSubject,
  { as, actor, reason, updateKey }: Resolution,
  { result, seen, approval }: { result: string; seen: object; approval?: Approved | undefined },
): Promise<string> {
  return recordOperatorAction(db, {
    ...subject,
    action: `resolve_as_${as}`,
    actor: approval?.requestedBy ?? actor,
    reason: approval?.reason ?? reason,
    approval,
    evidence: seen,
    result,
    updateKey,
  });
}

/** What a payment becomes by a paid order that agrees with it. */
export async function settleByEvidence(
  db: Queryable,
  payment: Payment,
  order: PaidOrder,
  operatorAction: string,
): Promise<void> {
  await transitionPayment(db, payment.id, 'PAID', {
    transactionId: order.transaction_id,
    ...(order.amount?.payer_total !== undefined && { payerTotal: order.amount.payer_total }),
    ...readTime(order.success_time),
    operatorAction,
  });
}

/** @throws Unproven when WeChat Pay says of the money something else than two operators do. */
export function requireAgreement(payment: Payment, order: PaidOrder | undefined, claim: PaidClaim): void {
  if (!order) return;
  if (order.transaction_id !== claim.transactionId)
    throw new Unproven(`WeChat Pay names transaction ${order.transaction_id}, the approval another one`);
  if (order.amount?.total !== claim.amount)
    throw new Unproven(`WeChat Pay says ${order.amount?.total} fen, the approval ${claim.amount}`);
  if (order.amount.currency !== undefined && order.amount.currency !== payment.currency)
    throw new Unproven(`there are no accounts for ${order.amount.currency}`);
}

/** What a payment becomes by what two operators say of the money. @param order what WeChat Pay says of it, if it does. */
export async function settleByClaim(
  db: Queryable,
  payment: Payment,
  { transactionId, amount }: PaidClaim,
  { order, operatorAction }: { order: PaidOrder | undefined; operatorAction: string },
): Promise<void> {
  const time = readTime(order?.success_time);
  const difference = amount - payment.amount;
  const changed = await transitionPayment(db, payment.id, 'PAID', {
    transactionId,
    ...time,
    ...(difference !== 0 && { paidAmount: amount }),
    operatorAction,
  });
  if (changed === undefined || difference === 0) return;
  // The sale is booked over the order's amount; what came above or below it has no explanation yet.
  await post(db, {
    step: difference > 0 ? 'suspense.in' : 'suspense.out',
    causeId: `${payment.id}/resolved`,
    paymentId: payment.id,
    amount: Math.abs(difference),
    currency: payment.currency,
    effectiveAt: time.successTime,
  });
}
