import { activityInfo } from '@temporalio/activity';
import {
  type LatePayment,
  loadLatePayment,
  lockLatePayment,
  storeDecision,
  transitionLatePayment,
} from '../database/late-payments.ts';
import { loadPolicies } from '../database/merchants.ts';
import { recordOperatorAction } from '../database/operator-actions.ts';
import { lockOrders, payerOfOrder } from '../database/orders.ts';
import { transitionPayment } from '../database/payment-changes.ts';
import { lockPayment, type Payment } from '../database/payments.ts';
import { inTransaction, type Queryable } from '../database/pool.ts';
import { openRefundOf } from '../database/refunds.ts';
import {
  isLatePaymentFinal,
  type LatePaymentDecision,
  type LatePaymentFinding,
  type OperatorDecision,
} from '../domain/late-payment.ts';
import { endedUnpaid } from '../domain/payment.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { notFinalYet, pollGap } from './failures.ts';
import { findDuplicate, insertOwnRefund } from './refund-duplicate.ts';
import { mustLoad as mustLoadPayment } from './settle-payment.ts';

/** What a decision leads to. */
export interface LatePaymentStep {
  finding: LatePaymentFinding;
  /** Why a person's decision was not followed; nothing was changed. */
  refused?: string;
}

/**
 * Decides what becomes of late money, by a person's word or else by the merchant's policy, and does of it what the database can do: the
 * payment is paid after all, or the intent of a refund is stored. A repeat finds what was decided.
 */
export function decideLatePayment({ pool }: ActivityDependencies) {
  return async (input: { latePaymentId: string; decision?: OperatorDecision }): Promise<LatePaymentStep> => {
    const { paymentId } = await mustLoad(pool, input.latePaymentId);
    return await inTransaction(pool, async (db) => {
      // The order before any row, as whoever settles does.
      await lockOrders(db, [await mustLoadPayment(db, paymentId)]);
      await lockPayment(db, paymentId);
      await lockLatePayment(db, input.latePaymentId);
      const late = await mustLoad(db, input.latePaymentId);
      const payment = await mustLoadPayment(db, paymentId);

      const known = await findingOf(db, late);
      if (known) {
        const repeated = !input.decision || isDecisionOf(late, input.decision);
        const refused = `nothing is left to decide: it is ${late.status}, by ${late.decidedBy}`;
        return { finding: known, ...(!repeated && { refused }) };
      }
      if (!input.decision && late.attentionReason !== null) {
        return { finding: { kind: 'undecided', reason: late.attentionReason, version: late.version } };
      }
      const decision = input.decision?.decision ?? (await byPolicy(db, late, payment));
      const obstacle = decision === 'accept' ? notAcceptable(late, payment) : undefined;
      if (obstacle) {
        const reason = late.attentionReason ?? 'undecided';
        return { finding: { kind: 'undecided', reason, version: late.version }, refused: obstacle };
      }
      await storeDecision(db, late.id, {
        decision,
        by: input.decision?.actor ?? 'policy',
        reason: input.decision?.reason ?? null,
      });
      if (input.decision) await record(db, late, input.decision);
      if (decision === 'accept') await accept(db, late);
      else
        await insertOwnRefund(db, payment, {
          cause: 'late_money',
          amount: late.amount,
          latePaymentId: late.id,
        });
      const now = await mustLoad(db, late.id);
      const finding = await findingOf(db, now);
      if (!finding) throw new Error(`late money ${late.id} was decided and is ${now.status}`);
      return { finding };
    });
  };
}

/** What is decided already; undefined when nothing is. */
async function findingOf(db: Queryable, late: LatePayment): Promise<LatePaymentFinding | undefined> {
  const { status, version } = late;
  if (isLatePaymentFinal(status)) return { kind: 'final', status, version };
  const refund = await openRefundOf(db, late.id);
  return refund && { kind: 'refund', refund, version };
}

/** Puts on record what an operator has decided. */
async function record(db: Queryable, late: LatePayment, request: OperatorDecision): Promise<void> {
  const { actor, reason, decision, updateKey } = request;
  await recordOperatorAction(db, {
    tenantId: late.tenantId,
    paymentId: late.paymentId,
    latePaymentId: late.id,
    action: 'decide_late_payment',
    actor,
    reason,
    result: decision,
    updateKey,
  });
}

/** Whether this very decision was followed already. */
function isDecisionOf(late: LatePayment, { decision, actor, reason }: OperatorDecision): boolean {
  return late.decision === decision && late.decidedBy === actor && late.decisionReason === reason;
}

/** Only an order that nobody else has paid for is paid by late money; what is not accepted goes back. */
async function byPolicy(db: Queryable, late: LatePayment, payment: Payment): Promise<LatePaymentDecision> {
  const policies = await loadPolicies(db, payment.merchantId);
  if (policies.latePaymentPolicy === 'refund' || notAcceptable(late, payment)) return 'refund';
  if (policies.duplicatePaymentPolicy === 'refund' && (await payerOfOrder(db, payment))) return 'refund';
  return 'accept';
}

/** Why late money cannot pay its payment. */
function notAcceptable(late: LatePayment, payment: Payment): string | undefined {
  if (!endedUnpaid(payment.status)) {
    return `the payment is ${payment.status}, by ${payment.transactionId}: this money can only be refunded`;
  }
  if (payment.reverseSentAt !== null) {
    return 'WeChat Pay was asked to take this order back, and may do so: this money can only be refunded';
  }
  if (late.amount !== payment.amount) {
    return `the payment is over ${payment.amount} fen and ${late.amount} came: this money can only be refunded`;
  }
  return undefined;
}

async function accept(db: Queryable, late: LatePayment): Promise<void> {
  await transitionLatePayment(db, late.id, 'ACCEPTED');
  const paid = await transitionPayment(db, late.paymentId, 'PAID', {
    latePaymentId: late.id,
    transactionId: late.transactionId,
    ...(late.payerTotal !== null && { payerTotal: late.payerTotal }),
    ...(late.successTime && { successTime: late.successTime }),
  });
  // Nothing that has paid nothing may be accepted: it could never be refunded.
  if (paid === undefined) throw new Error(`late money ${late.id} cannot pay ${late.paymentId}`);
  // Accepted although another payment pays for the order: what becomes of the duplicate is said by whoever wanted that.
  await findDuplicate(db, await mustLoadPayment(db, late.paymentId));
}

/** Waits until something becomes of late money that is another than this version tells: its retries leave no trace in the history. */
export function watchLatePayment({ pool }: ActivityDependencies) {
  return async (input: { latePaymentId: string; version: number; pollGapsMs: number[] }): Promise<void> => {
    const late = await mustLoad(pool, input.latePaymentId);
    if (late.version !== input.version) return;
    throw notFinalYet(`the late money is ${late.status}`, pollGap(input.pollGapsMs, activityInfo().attempt));
  };
}

/** The late money of this id, or a bug. */
async function mustLoad(db: Queryable, id: string): Promise<LatePayment> {
  const late = await loadLatePayment(db, id);
  if (!late) throw new Error(`there is no late money ${id}`);
  return late;
}
