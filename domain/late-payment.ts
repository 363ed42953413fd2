import type { LatePaymentAttention } from './attention.ts';
import type { RefundToStart } from './refund.ts';

/**
 * The life cycle of money that came late, as data: for a payment that had ended without it, or that another transaction had paid. The
 * database constraint, the code, the tests and the docs read this table.
 */
export const LATE_PAYMENT_TRANSITIONS = {
  /** WeChat Pay has it, and nothing has been done with it. */
  RECEIVED: ['REFUNDING', 'ACCEPTED'],
  /** It is set aside for a refund. One that comes to nothing gives it back. */
  REFUNDING: ['REFUNDED', 'RECEIVED'],
  /** It has paid the payment after all. */
  ACCEPTED: [],
  /** The customer has it back. */
  REFUNDED: [],
} as const;

/** Status of late money. */
export type LatePaymentStatus = keyof typeof LATE_PAYMENT_TRANSITIONS;

/** Every status, in life-cycle order. */
export const LATE_PAYMENT_STATUSES = Object.keys(LATE_PAYMENT_TRANSITIONS) as LatePaymentStatus[];

/** True when the life cycle allows `from` to become `to`. */
export function canLatePaymentTransition(from: LatePaymentStatus, to: LatePaymentStatus): boolean {
  return (LATE_PAYMENT_TRANSITIONS[from] as readonly LatePaymentStatus[]).includes(to);
}

/** True when there is nothing left to decide. */
export function isLatePaymentFinal(status: LatePaymentStatus): status is 'ACCEPTED' | 'REFUNDED' {
  return LATE_PAYMENT_TRANSITIONS[status].length === 0;
}

/** What can become of late money; as a merchant's policy, the first is the default. */
export const LATE_PAYMENT_DECISIONS = ['refund', 'accept'] as const;

/** What becomes of late money. */
export type LatePaymentDecision = (typeof LATE_PAYMENT_DECISIONS)[number];

/** What can become of a second payment for the same order; the first is the default. */
export const DUPLICATE_PAYMENT_POLICIES = ['refund', 'keep'] as const;

/** What becomes of a second payment for the same order. */
export type DuplicatePaymentPolicy = (typeof DUPLICATE_PAYMENT_POLICIES)[number];

/** A person's decision. */
export interface OperatorDecision {
  decision: LatePaymentDecision;
  actor: string;
  reason: string;
  /** Names the request, the same at every repeat of its steps. */
  updateKey?: string;
}

/** Where late money stands. */
export type LatePaymentFinding = {
  /** Of the row; a change makes another one. */
  version: number;
} & (
  | { kind: 'final'; status: 'ACCEPTED' | 'REFUNDED' }
  /** A refund of it is under way, or is to be. */
  | { kind: 'refund'; refund: RefundToStart }
  /** A person decides. */
  | { kind: 'undecided'; reason: LatePaymentAttention }
);
