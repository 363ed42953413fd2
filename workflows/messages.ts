import { defineSignal, defineUpdate } from '@temporalio/workflow';
import { CREDENTIALS_SIGNAL } from '../domain/identity.ts';
import { LATE_PAYMENT_DECISIONS, type OperatorDecision } from '../domain/late-payment.ts';
import type { PaymentFinding } from '../domain/payment.ts';
import type { ApprovedChoice, PayoutType, RefundStatus, SubmitFinding } from '../domain/refund.ts';

/**
 * The messages of the two sagas: everything the API, the relays and operators may say to a running workflow.
 */

/** What became of the order at the gateway. */
export type PrepayResult =
  /**
   * The gateway accepted the order; what the customer's phone needs is in the row, and not in the history. Of a charge it is also what is known
   * of the money.
   */
  | { kind: 'accepted'; finding?: PaymentFinding }
  /** The gateway refused it for good. */
  | { kind: 'rejected'; code: string; message: string }
  /** The payment ended before, or without, an answer to the order: it was closed, or its window ran out during an outage. */
  | { kind: 'ended' };

/** Says what is to be renewed. */
export interface RenewRequest {
  /** When it was issued, ISO 8601; something newer is renewed already. */
  issuedAt: string;
}

/** What became of a renewal. */
export type RenewResult =
  /** The row has what the customer's phone needs. */
  | { kind: 'renewed' }
  /** The gateway refused it for good. */
  | { kind: 'rejected'; code: string; message: string }
  /** There is nothing to renew: the payment ends, or has ended. */
  | { kind: 'ended' }
  /** The gateway did not answer in time. */
  | { kind: 'unanswered' };

/** What was found out at once. */
export type SyncResult = PaymentFinding | { kind: 'unanswered' };

/** How a payment ended. */
export interface PaymentOutcome {
  status: 'PAID' | 'CLOSED' | 'FAILED';
}

/** How a refund ended. */
export interface RefundOutcome {
  status: 'SUCCEEDED' | 'FAILED';
}

/** How late money ended. */
export interface LatePaymentOutcome {
  status: 'ACCEPTED' | 'REFUNDED';
}

/** What became of an operator's decision about late money. */
export type DecideResult = { kind: 'decided' } | { kind: 'refused'; why: string };

/** Who asks for something, and why. It stays in the history. */
export interface OperatorRequest {
  actor: string;
  reason: string;
}

/** Asks to settle a payment. What two operators have agreed on is in the database, under the approval's id: nothing here replaces it. */
export interface ResolveRequest extends OperatorRequest {
  /** `apr_…`, for what the gateway does not say itself. */
  approval?: string;
}

/** What became of a resolution. */
export type ResolveAnswer =
  /** The payment has ended, by this request or before. */
  | { kind: 'ended'; status: PaymentOutcome['status'] }
  /** Nothing was changed. */
  | {
      kind: 'unchanged';
      /** What WeChat Pay said when it was asked. */
      gateway: string;
      /** Why that was not enough, and what to do next. */
      message: string;
    };

/** What a retry has repeated: names of steps; `recheck` for one that was given up. */
export interface RetryAnswer {
  repeated: string[];
}

/** Sent by a step whose gateway refuses, or takes again, the merchant's credentials. */
export interface CredentialsSignal {
  /** The gateway's code; absent when it takes them. */
  refused?: string;
}

/** Names a stored notification. */
export interface NotificationSignal {
  notificationId: string;
}

/** Reads a signal that anybody may have sent by hand: one without an id would otherwise fail the workflow task for ever. */
export function notificationOf(signal: Partial<NotificationSignal> | undefined): string[] {
  return typeof signal?.notificationId === 'string' ? [signal.notificationId] : [];
}

/** Signal of a payment or refund: a verified notification for it is stored under this id. Money is believed only after it was compared. */
export const notified = defineSignal<[NotificationSignal]>('notified');

/** Signal of a payment or refund: see `CredentialsSignal`. */
export const credentials = defineSignal<[CredentialsSignal?]>(CREDENTIALS_SIGNAL);

/** Update of a payment: waits for the prepay order and answers with what became of it. */
export const prepay = defineUpdate<PrepayResult>('prepay');

/** Update of a payment: sends the same order again, because what the customer's phone needs has expired. */
export const renewPrepay = defineUpdate<RenewResult, [RenewRequest]>('renewPrepay');

/** Update of a payment: asks the gateway at once, because the customer has come back, or an operator looks; settles what it says. */
export const syncNow = defineUpdate<SyncResult, [OperatorRequest?]>('syncNow');

/** Update of a payment: closes the order unless it turns out to be paid, and answers with how the payment ended. */
export const close = defineUpdate<PaymentOutcome | { status: 'UNDECIDED' }, [OperatorRequest]>('close');

/** Update of a payment or refund that needs an operator: ask the gateway again. */
export const recheck = defineUpdate<void, [OperatorRequest]>('recheck');

/** Update of a payment or refund: repeats at once the step that waits for its next attempt, or was given up. */
export const retryStep = defineUpdate<RetryAnswer, [OperatorRequest]>('retryStep');

/** Update of late money: a person decides what becomes of it. */
export const decide = defineUpdate<DecideResult, [OperatorDecision]>('decide');

/** Update of a payment: settles it as paid, on the gateway's own word or on two operators'. */
export const resolveAsPaid = defineUpdate<ResolveAnswer, [ResolveRequest]>('resolveAsPaid');

/** Update of a payment: settles it as closed and unpaid, on the gateway's own word or on two operators'. */
export const resolveAsClosed = defineUpdate<ResolveAnswer, [ResolveRequest]>('resolveAsClosed');

/** Update of a refund: waits until the gateway has answered the request, or it is known to wait, and answers with what it said. */
export const submit = defineUpdate<SubmitFinding>('submit');

/** Where the money of an abnormal refund goes, or what became of it. */
export type RefundChoice =
  | {
      /** To the merchant, or to a card of the customer's. */
      choice: PayoutType;
      /** Names the stored request: a card number is nothing for the history. */
      payoutId: string;
    }
  /** It is seen to on the merchant platform: ask WeChat Pay now, and go on waiting. */
  | { choice: 'WAIT' }
  /** What two people have agreed on. */
  | { choice: ApprovedChoice; approvalId: string };

/** What an operator decides about a refund. */
export type RefundResolution = OperatorRequest & RefundChoice;

/** What became of an operator's decision. */
export type ResolveResult =
  | { kind: 'accepted'; status: RefundStatus }
  | { kind: 'refused'; code: string }
  /** Nobody could be asked in time; the decision stands, and can be repeated. */
  | { kind: 'unanswered' };

/** Update of a refund: where the money of an abnormal one goes instead, or what two people know of it. */
export const resolveRefund = defineUpdate<ResolveResult, [RefundResolution]>('resolveRefund');

/** Validator of operators' updates: anybody may send one by hand. */
export function requireReason(request: Partial<OperatorRequest> | undefined): void {
  if (!isText(request?.actor) || !isText(request?.reason))
    throw new Error('actor and reason are mandatory: {"actor": "who", "reason": "why"}');
}

/** Validator of resolutions. */
export function requireResolution(request: Partial<ResolveRequest> | undefined): void {
  requireReason(request);
  if (request?.approval !== undefined && !isText(request.approval))
    throw new Error('approval is the id of an approval, apr_…, or absent');
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.trim() !== '';
}

/** Validator of `decide`. */
export function requireDecision(request: Partial<OperatorDecision> | undefined): void {
  requireReason(request);
  if (!LATE_PAYMENT_DECISIONS.some((decision) => decision === request?.decision))
    throw new Error(`decision is one of ${LATE_PAYMENT_DECISIONS.join(', ')}`);
}
