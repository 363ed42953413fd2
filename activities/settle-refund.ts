import { activityInfo } from '@temporalio/activity';
import { loadNotification } from '../database/notifications.ts';
import { inTransaction, type Pool, type Queryable } from '../database/pool.ts';
import { listAttempts } from '../database/refund-attempts.ts';
import {
  clearRefundAttention,
  requestRefundAttention,
  transitionRefund,
} from '../database/refund-changes.ts';
import { lockSource, recordGivenBack } from '../database/refund-source.ts';
import { loadRefund, type Refund } from '../database/refunds.ts';
import type { RefundAttention } from '../domain/attention.ts';
import type { Fen } from '../domain/money.ts';
import { isRefundFinal, type RefundFinding, type RefundStatus } from '../domain/refund.ts';
import { readTime } from '../domain/time.ts';
import type { PaymentGateway } from '../gateway/payment-gateway.ts';
import { type RefundNotification, WechatPayError, type Refund as WechatRefund } from '../wechatpay/index.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { gatewayFailure, notFinalYet, pollGap } from './failures.ts';

/** Settles from a stored, verified notification if it agrees with the refund; otherwise the gateway is asked. */
export function settleRefundFromNotification({ pool, merchants }: ActivityDependencies) {
  return async (input: { refundId: string; notificationId: string }): Promise<RefundFinding> => {
    const refund = await mustLoad(pool, input.refundId);
    const notification = await loadNotification(pool, input.notificationId);
    if (!notification || notification.merchantId !== refund.merchantId) return knownFinding(refund);
    const told = notification.resource as RefundNotification | RefundNotification<'partner'>;
    const isOurs = await hasNumber(pool, refund, told.out_refund_no);
    // Only what decides was checked when the notification was opened.
    if (
      isOurs &&
      namedSubMchid(told, refund) === refund.subMchid &&
      told.amount?.refund === refund.amount &&
      told.refund_id &&
      // Not final: since it was sent the money may have been sent elsewhere.
      told.refund_status !== 'ABNORMAL'
    ) {
      return await settleRefund(pool, refund, {
        outRefundNo: told.out_refund_no,
        refundId: told.refund_id,
        status: told.refund_status,
        amount: told.amount.refund,
        userReceivedAccount: told.user_received_account,
        successTime: told.success_time,
      });
    }
    const asked = isOurs ? told.out_refund_no : refund.outRefundNo;
    return await askAndSettle(pool, refund, await merchants.for(refund), asked);
  };
}

/** Whether one of the refund's attempts has this number. */
async function hasNumber(pool: Pool, refund: Refund, outRefundNo: string): Promise<boolean> {
  if (outRefundNo === refund.outRefundNo) return true;
  return (await listAttempts(pool, refund.id)).some((attempt) => attempt.outRefundNo === outRefundNo);
}

/** The sub-merchant that a notification names; some of a service provider's name none, and are known by its number alone. */
function namedSubMchid(
  told: RefundNotification | RefundNotification<'partner'>,
  refund: Refund,
): string | null {
  return 'sub_mchid' in told ? (told.sub_mchid ?? null) : refund.subMchid;
}

/** Asks the gateway; while the money moves it asks to be run again after the next gap. An abnormal refund goes on being asked after. */
export function settleRefundByPolling({ pool, merchants }: ActivityDependencies) {
  return async (input: {
    refundId: string;
    pollGapsMs: number[];
    /** What the workflow knows already; only something else is news. */
    known: RefundFinding['kind'];
    knownAttention?: RefundAttention | undefined;
  }): Promise<RefundFinding> => {
    const refund = await mustLoad(pool, input.refundId);
    const finding = await askAndSettle(pool, refund, await merchants.for(refund));
    if (finding.kind === 'final' || finding.kind !== input.known) return finding;
    if (finding.attention !== input.knownAttention) return finding;
    throw notFinalYet(`the refund is ${finding.kind}`, pollGap(input.pollGapsMs, activityInfo().attempt));
  };
}

/** Asks the gateway once, now; when it has contradicted itself, after every number of the refund. */
export function settleRefundByQuery({ pool, merchants }: ActivityDependencies) {
  return async ({ refundId }: { refundId: string }): Promise<RefundFinding> => {
    const refund = await mustLoad(pool, refundId);
    const gateway = await merchants.for(refund);
    const finding = await askAndSettle(pool, refund, gateway);
    const now = await mustLoad(pool, refundId);
    if (now.attentionReason !== 'gateway_contradicts' || (await contradiction(pool, gateway, now)))
      return finding;
    await inTransaction(pool, (db) => endContradiction(db, now));
    return knownFinding(await mustLoad(pool, refundId));
  };
}

/** Nobody has to look because of a contradiction any more; only where the money of an abnormal refund goes is still to be decided. */
export async function endContradiction(db: Queryable, { id, status }: Refund): Promise<void> {
  await clearRefundAttention(db, id);
  if (status === 'ABNORMAL') await requestRefundAttention(db, id, 'refund_abnormal');
}

/** Whether the gateway says of an attempt that has ended here that it has not, or otherwise. Failed ones are CLOSED there, or unknown. */
export async function contradiction(pool: Pool, gateway: PaymentGateway, refund: Refund): Promise<boolean> {
  for (const attempt of await listAttempts(pool, refund.id)) {
    if (attempt.outcome === null || attempt.sentAt === null) continue;
    const answer = await queryRefund(gateway, attempt.outRefundNo);
    const succeeded = answer !== undefined && answer.status !== 'CLOSED';
    // One that was settled by other means must not have moved money at the gateway.
    if (succeeded !== (attempt.outcome === 'SUCCEEDED' && !refund.settledOffline)) return true;
  }
  return false;
}

/** The gateway's word on a refund, whichever way it came. */
export interface RefundWord {
  outRefundNo: string;
  refundId: string;
  status: WechatRefund['status'];
  amount: Fen;
  userReceivedAccount?: string | undefined;
  /** RFC 3339. */
  successTime?: string | undefined;
}

/** The word in an answer to a request or a query. */
export function wordOf(answer: WechatRefund): RefundWord {
  return {
    outRefundNo: answer.out_refund_no,
    refundId: answer.refund_id,
    status: answer.status,
    amount: answer.amount.refund,
    userReceivedAccount: answer.user_received_account,
    successTime: answer.success_time,
  };
}

/**
 * Stores what follows from the gateway's word in one transaction: the refund's status, that of what it draws on, their events. That is
 * locked, as its status follows from the sum of its refunds. A repeat changes nothing.
 */
export async function settleRefund(pool: Pool, known: Refund, word: RefundWord): Promise<RefundFinding> {
  return await inTransaction(pool, async (db) => {
    await lockSource(db, known);
    const refund = await mustLoad(db, known.id);
    if (word.outRefundNo !== refund.outRefundNo) await recordOfEarlier(db, refund, word);
    else if (isOld(word, known, refund)) return knownFinding(refund);
    else if (word.amount !== refund.amount) await requestRefundAttention(db, refund.id, 'amount_differs');
    else await record(db, refund, word);
    return knownFinding(await mustLoad(db, refund.id));
  });
}

/** Whether the gateway was asked before it has said that the money could not be given back: it is under way only once somebody sends it elsewhere. */
function isOld(word: RefundWord, known: Refund, now: Refund): boolean {
  return word.status === 'PROCESSING' && now.status === 'ABNORMAL' && known.status !== 'ABNORMAL';
}

/** What each word of the gateway makes of a refund. */
const STATUS_OF_WORD = {
  PROCESSING: 'PROCESSING',
  SUCCESS: 'SUCCEEDED',
  CLOSED: 'FAILED',
  ABNORMAL: 'ABNORMAL',
} as const satisfies Record<WechatRefund['status'], RefundStatus>;

async function record(db: Queryable, refund: Refund, word: RefundWord): Promise<void> {
  const status: RefundStatus | undefined = STATUS_OF_WORD[word.status];
  if (!status) {
    // A word that the documentation does not know (yet) decides nothing.
    await requestRefundAttention(db, refund.id, 'unknown_refund_status');
    return;
  }
  const changed = await transitionRefund(db, refund.id, status, {
    refundId: word.refundId,
    ...(word.userReceivedAccount && { userReceivedAccount: word.userReceivedAccount }),
    ...(status === 'SUCCEEDED' && readTime(word.successTime)),
    ...(status === 'FAILED' && REFUND_CLOSED),
  });
  if (changed !== undefined) {
    if (status === 'SUCCEEDED') await recordGivenBack(db, refund);
    return;
  }
  if (contradicts(refund, status)) await requestRefundAttention(db, refund.id, 'gateway_contradicts');
  else if (status === refund.status && refund.attentionReason && isGone(refund.attentionReason)) {
    if (status === 'ABNORMAL') await requestRefundAttention(db, refund.id, 'refund_abnormal');
    else await clearRefundAttention(db, refund.id);
  }
}

/**
 * The gateway takes back what it said before: a refund that had failed here has moved money there, or the other way round. One that it had
 * refused must not be there at all; of one that it had closed a word that does not end it may be an old one. A refund that was settled by
 * other means must not succeed there as well.
 */
function contradicts(refund: Refund, status: RefundStatus): boolean {
  if (refund.status === 'FAILED' && refund.failureCode !== REFUND_CLOSED.failureCode)
    return status !== 'FAILED';
  if (!isRefundFinal(refund.status) || !isRefundFinal(status)) return false;
  return refund.status !== status || (refund.settledOffline && status === 'SUCCEEDED');
}

/** Reasons that are gone once the gateway says what the row says. */
function isGone(reason: RefundAttention): boolean {
  return ['amount_differs', 'unknown_refund_status', 'workflow_ended'].includes(reason);
}

/** A word on an attempt that came to nothing is a copy, unless money moves by it after all. */
async function recordOfEarlier(db: Queryable, refund: Refund, word: RefundWord): Promise<void> {
  if (word.status !== 'CLOSED') await requestRefundAttention(db, refund.id, 'gateway_contradicts');
}

const REFUND_CLOSED = {
  failureCode: 'REFUND_CLOSED',
  failureMessage: 'WeChat Pay closed the refund; nothing was paid back',
};

/** The refund as the gateway knows it; undefined when it has none of this number. */
export async function queryRefund(
  gateway: PaymentGateway,
  outRefundNo: string,
): Promise<WechatRefund | undefined> {
  try {
    return await gateway.queryRefund(outRefundNo);
  } catch (error) {
    if (error instanceof WechatPayError && error.code === 'RESOURCE_NOT_EXISTS') return undefined;
    throw gatewayFailure(error);
  }
}

/** What the row says already; the answer of an earlier attempt whose completion was not reported. */
export function knownFinding(refund: Refund): RefundFinding {
  switch (refund.status) {
    case 'SUCCEEDED':
      return { kind: 'final', status: 'SUCCEEDED' };
    case 'FAILED':
      return {
        kind: 'final',
        status: 'FAILED',
        code: refund.failureCode ?? '',
        message: refund.failureMessage ?? '',
      };
    default: {
      const kind = refund.status === 'ABNORMAL' ? 'abnormal' : 'processing';
      const reason = refund.attentionReason;
      // Refused credentials are told by a signal.
      return { kind, ...(reason && reason !== 'credentials_refused' && { attention: reason }) };
    }
  }
}

/** Asks the gateway, after the present number unless told, and stores what follows from its word. */
export async function askAndSettle(
  pool: Pool,
  refund: Refund,
  gateway: PaymentGateway,
  outRefundNo: string = refund.outRefundNo,
): Promise<RefundFinding> {
  const answer = await queryRefund(gateway, outRefundNo);
  if (!answer) return knownFinding(refund);
  return await settleRefund(pool, refund, wordOf(answer));
}

/** The refund of this id, or a bug. */
export async function mustLoad(db: Queryable, refundId: string): Promise<Refund> {
  const refund = await loadRefund(db, refundId);
  if (!refund) throw new Error(`there is no refund ${refundId}`);
  return refund;
}
