import { activityInfo } from '@temporalio/activity';
import { inTransaction, type Pool } from '../database/pool.ts';
import { markSent, storeRefundRequest, waitForTurn } from '../database/refund-attempts.ts';
import {
  clearRefundAttention,
  requestRefundAttention,
  transitionRefund,
} from '../database/refund-changes.ts';
import { takeFailureToken, takeRefundToken } from '../database/refund-rates.ts';
import { loadSource, lockSource } from '../database/refund-source.ts';
import { loadRefund, type Refund } from '../database/refunds.ts';
import { REFUND_LIMITS, type SubmitFinding, submitAgainMs } from '../domain/refund.ts';
import { notifyUrl } from '../gateway/notify-url.ts';
import type { PaymentGateway } from '../gateway/payment-gateway.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { againAfter, gatewayFailure, isFinalRejection, isUntimed, notFinalYet, pollGap } from './failures.ts';
import { contradiction, knownFinding, mustLoad, queryRefund, settleRefund, wordOf } from './settle-refund.ts';

/** Which refund to submit, and how patiently. */
export interface SubmitInput {
  refundId: string;
  /** Between two refunds of one payment, in milliseconds. */
  gapMs?: number | undefined;
  /** Gaps between attempts while the merchant's account is empty. */
  topUpGapsMs?: number[] | undefined;
  /** What the workflow knows already; only something else is news. */
  known?: 'not_enough' | undefined;
}

/**
 * Hands the refund to the gateway. When an earlier call has left the outcome unknown, the gateway is asked first; if it has no
 * such refund, the same number is sent again with the same bytes. A new number would risk paying twice.
 */
export function submitRefund(outside: ActivityDependencies) {
  return async (input: SubmitInput): Promise<SubmitFinding> => {
    const refund = await mustLoad(outside.pool, input.refundId);
    if (refund.status !== 'RESERVED') return knownFinding(refund);
    try {
      return await submit(outside, refund, input);
    } catch (error) {
      throw await paced(outside.pool, input.refundId, error);
    }
  };
}

/** When to try again. Not after the activity's own backoff, which would count the turns that the refund has waited for: an answer would be lost for as long. */
async function paced(pool: Pool, refundId: string, error: unknown): Promise<unknown> {
  if (!isUntimed(error)) return error;
  const refund = await loadRefund(pool, refundId).catch(() => undefined);
  if (!refund?.sentAt) return error;
  return againAfter(error, submitAgainMs(refund.sentAt, refund.timesSent, Date.now()));
}

async function submit(
  { pool, merchants, publicUrl }: ActivityDependencies,
  refund: Refund,
  { gapMs = REFUND_LIMITS.gapMs, topUpGapsMs = [], known }: SubmitInput,
): Promise<SubmitFinding> {
  const { attempt: turn } = activityInfo();
  // The account was empty a moment ago.
  if (known === 'not_enough' && turn === 1) throw accountIsEmpty(topUpGapsMs, turn);

  const gateway = await merchants.for(refund);
  const body = await exactRequest(pool, gateway, refund, notifyUrl(publicUrl, refund.merchantId));
  const mayHaveBeenSent = refund.sentAt !== null;
  let answer = mayHaveBeenSent ? await queryRefund(gateway, refund.outRefundNo) : undefined;
  if (answer) return await settleRefund(pool, refund, wordOf(answer));
  // Another number is sent, each time, only if the earlier ones have come to nothing there, too.
  if (refund.attempt > 1) {
    if (await contradiction(pool, gateway, refund)) {
      await inTransaction(pool, (db) => requestRefundAttention(db, refund.id, 'gateway_contradicts'));
      return CONTRADICTED;
    }
    if (refund.attentionReason === CONTRADICTED.reason)
      await inTransaction(pool, (db) => clearRefundAttention(db, refund.id));
  }

  const permission = await takePermission(pool, refund, gapMs);
  if (permission.kind === 'overtaken') return permission.finding;
  if (permission.kind === 'queued') return { kind: 'queued', waitMs: permission.waitMs };
  if (permission.kind === 'limited')
    throw notFinalYet('the merchant has asked for too many refunds at once', permission.waitMs);
  try {
    answer = await gateway.applyRefund(body);
  } catch (error) {
    await takeFailureToken(pool, refund.merchantId);
    if (!isFinalRejection(error)) throw gatewayFailure(error);
    if (error.code === 'NOT_ENOUGH') {
      // It goes through under the same number once the merchant has topped up.
      await inTransaction(pool, (db) => requestRefundAttention(db, refund.id, 'refund_not_enough'));
      if (known === 'not_enough') throw accountIsEmpty(topUpGapsMs, turn);
      return { kind: 'not_enough' };
    }
    // An earlier call may have been accepted after all, and its query too early: freeing the amount then would pay twice.
    if (mayHaveBeenSent || error.outcome === 'unknown')
      answer = await queryRefund(gateway, refund.outRefundNo);
    if (!answer) {
      const failure = { failureCode: error.code, failureMessage: error.message };
      await inTransaction(pool, async (db) => {
        await lockSource(db, refund);
        await transitionRefund(db, refund.id, 'FAILED', failure);
      });
      return knownFinding(await mustLoad(pool, refund.id));
    }
  }
  return await settleRefund(pool, refund, wordOf(answer));
}

/** The bytes to send, stored before they are sent for the first time. */
async function exactRequest(
  pool: Pool,
  gateway: PaymentGateway,
  refund: Refund,
  url: string,
): Promise<string> {
  const { transactionId, amount } = await loadSource(pool, refund);
  if (transactionId === null) throw new Error(`refund ${refund.id} draws on nothing that was paid`);
  return await storeRefundRequest(
    pool,
    refund.id,
    gateway.serializeRefund(refund, { transactionId, amount }, url),
  );
}

/** WeChat Pay says of an earlier number that it has moved money. */
const CONTRADICTED = { kind: 'undecided', reason: 'gateway_contradicts' } as const satisfies SubmitFinding;

type Permission =
  | { kind: 'granted' }
  | { kind: 'queued' | 'limited'; waitMs: number }
  /** Something has become of it while WeChat Pay was asked. */
  | { kind: 'overtaken'; finding: SubmitFinding };

/** One refund of a payment at a time, and no more of a merchant's than WeChat Pay takes; noted as sent when it may be. */
async function takePermission(pool: Pool, refund: Refund, gapMs: number): Promise<Permission> {
  return await inTransaction(pool, async (db) => {
    await lockSource(db, refund);
    const now = await mustLoad(db, refund.id);
    if (now.attentionReason === CONTRADICTED.reason) return { kind: 'overtaken', finding: CONTRADICTED };
    if (now.status !== 'RESERVED') return { kind: 'overtaken', finding: knownFinding(now) };
    const turnMs = await waitForTurn(db, { refundId: refund.id, gapMs });
    if (turnMs > 0) return { kind: 'queued', waitMs: turnMs };
    const tokenMs = await takeRefundToken(db, refund);
    if (tokenMs > 0) return { kind: 'limited', waitMs: tokenMs };
    await markSent(db, refund.id);
    return { kind: 'granted' };
  });
}

function accountIsEmpty(gapsMs: number[], turn: number): Error {
  return notFinalYet('the merchant account has not enough money', pollGap(gapsMs, turn));
}
