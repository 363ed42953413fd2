import { defineSignal, defineUpdate } from '@temporalio/workflow';
import type { PaymentFinding } from '../domain/payment.ts';
import type { RefundFinding } from '../domain/refund.ts';

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

/** Who asks for something, and why. It stays in the history. */
export interface OperatorRequest {
  actor: string;
  reason: string;
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

/** Update of a payment: waits for the prepay order and answers with what became of it. */
export const prepay = defineUpdate<PrepayResult>('prepay');

/** Update of a payment: sends the same order again, because what the customer's phone needs has expired. */
export const renewPrepay = defineUpdate<RenewResult, [RenewRequest]>('renewPrepay');

/** Update of a payment: asks the gateway at once, because the customer has come back; settles what it says. */
export const syncNow = defineUpdate<SyncResult>('syncNow');

/** Update of a payment: closes the order unless it turns out to be paid, and answers with how the payment ended. */
export const close = defineUpdate<PaymentOutcome | { status: 'UNDECIDED' }, [OperatorRequest]>('close');

/** Update of a payment that waits for an operator: ask the gateway again. */
export const recheck = defineUpdate<void, [OperatorRequest]>('recheck');

/** Update of a refund: waits until the gateway has answered the request, and answers with what it said. */
export const submit = defineUpdate<RefundFinding>('submit');

/** Validator of operators' updates. */
export function requireReason({ actor, reason }: OperatorRequest): void {
  if (!actor || !reason) throw new Error('actor and reason are mandatory');
}
