import { activityInfo } from '@temporalio/activity';
import { loadNotification } from '../database/notifications.ts';
import { lockPayment, transitionPayment } from '../database/payments.ts';
import { inTransaction, type Pool, type Queryable } from '../database/pool.ts';
import {
  loadRefund,
  type Refund,
  requestRefundAttention,
  sumRefunds,
  transitionRefund,
} from '../database/refunds.ts';
import type { Fen } from '../domain/money.ts';
import { isRefundFinal, type RefundFinding, type RefundStatus } from '../domain/refund.ts';
import { readTime } from '../domain/time.ts';
import type { PaymentGateway } from '../gateway/payment-gateway.ts';
import { type RefundNotification, WechatPayError, type Refund as WechatRefund } from '../wechatpay/index.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { gatewayFailure, notFinalYet, pollGap } from './failures.ts';
import { mustLoad as mustLoadPayment } from './settle-payment.ts';

/** Settles from a stored, verified notification if it agrees with the refund; otherwise the gateway is asked. */
export function settleRefundFromNotification({ pool, merchants }: ActivityDependencies) {
  return async (input: { refundId: string; notificationId: string }): Promise<RefundFinding> => {
    const refund = await mustLoad(pool, input.refundId);
    const notification = await loadNotification(pool, input.notificationId);
    if (!notification || notification.merchantId !== refund.merchantId) return knownFinding(refund);
    const told = notification.resource as RefundNotification | RefundNotification<'partner'>;
    // Only what decides was checked when the notification was opened.
    if (
      told.out_refund_no === refund.outRefundNo &&
      namedSubMchid(told, refund) === refund.subMchid &&
      told.amount?.refund === refund.amount &&
      told.refund_id
    ) {
      return await settleRefund(pool, refund, {
        refundId: told.refund_id,
        status: told.refund_status,
        amount: told.amount.refund,
        userReceivedAccount: told.user_received_account,
        successTime: told.success_time,
      });
    }
    return await askAndSettle(pool, refund, await merchants.for(refund));
  };
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
  }): Promise<RefundFinding> => {
    const refund = await mustLoad(pool, input.refundId);
    const finding = await askAndSettle(pool, refund, await merchants.for(refund));
    if (finding.kind === 'final' || finding.kind !== input.known) return finding;
    throw notFinalYet(`the refund is ${finding.kind}`, pollGap(input.pollGapsMs, activityInfo().attempt));
  };
}

/** The gateway's word on a refund, whichever way it came. */
export interface RefundWord {
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
    refundId: answer.refund_id,
    status: answer.status,
    amount: answer.amount.refund,
    userReceivedAccount: answer.user_received_account,
    successTime: answer.success_time,
  };
}

/**
 * Stores what follows from the gateway's word in one transaction: the refund's status, the payment's status, their events. The
 * payment's row is locked, as its status follows from the sum of its refunds. A repeat changes nothing.
 */
export async function settleRefund(pool: Pool, refund: Refund, word: RefundWord): Promise<RefundFinding> {
  return await inTransaction(pool, async (db) => {
    await lockPayment(db, refund.paymentId);
    if (word.amount === refund.amount) await record(db, refund, word);
    else await requestRefundAttention(db, refund.id, 'amount_differs');
    return knownFinding(await mustLoad(db, refund.id));
  });
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
  if (changed === undefined) {
    const now = await mustLoad(db, refund.id);
    // The gateway takes back what it said before: a refund that had failed here has moved money there, or the other way round.
    if (isRefundFinal(now.status) && now.status !== status && isRefundFinal(status)) {
      await requestRefundAttention(db, refund.id, 'gateway_contradicts');
    }
    return;
  }
  // Late money is not the payment's: its own row follows its refund.
  if (status === 'SUCCEEDED' && refund.latePaymentId === null) {
    const { amount } = await mustLoadPayment(db, refund.paymentId);
    const { succeeded } = await sumRefunds(db, refund.paymentId);
    await transitionPayment(db, refund.paymentId, succeeded === amount ? 'REFUNDED' : 'PARTIALLY_REFUNDED');
  }
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
    case 'ABNORMAL':
      return { kind: 'abnormal' };
    default:
      return { kind: 'processing' };
  }
}

async function askAndSettle(pool: Pool, refund: Refund, gateway: PaymentGateway): Promise<RefundFinding> {
  const answer = await queryRefund(gateway, refund.outRefundNo);
  if (!answer) return knownFinding(refund);
  return await settleRefund(pool, refund, wordOf(answer));
}

/** The refund of this id, or a bug. */
export async function mustLoad(db: Queryable, refundId: string): Promise<Refund> {
  const refund = await loadRefund(db, refundId);
  if (!refund) throw new Error(`there is no refund ${refundId}`);
  return refund;
}
