/**
 * What an operator may do to a payment or refund, as data: `operator_actions.action`, the CLI, the tests and docs/operators.md read this
 * table. A name never changes its meaning.
 */
export const OPERATOR_ACTIONS = {
  close: { title: 'close the order unless it turns out to be paid' },
  recheck: { title: 'ask WeChat Pay again, after the cause was mended' },
  sync: { title: 'ask WeChat Pay at once whether it is paid' },
  retry_step: { title: 'repeat at once the step that waits for its next attempt' },
  restart: { title: 'begin its workflow anew, after somebody has ended it' },
  resolve_as_paid: { title: 'settle the payment as paid' },
  resolve_as_closed: { title: 'settle the payment as closed and unpaid' },
  acknowledge: { title: 'say that what an ended payment was shown for has been seen to' },
  decide_late_payment: { title: 'refund late money, or accept it as the payment' },
  retry_refund: { title: 'try a refund that failed once more, with another number' },
  resolve_refund: { title: 'send the money of an abnormal refund elsewhere, or leave it for now' },
  accept_contradiction: {
    title: 'accept what WeChat Pay has done to a refund although it had said otherwise',
  },
  settle_refund_offline: { title: 'settle an abnormal refund that was paid back by other means' },
} as const satisfies Record<string, { title: string }>;

/** A name of the table. */
export type OperatorAction = keyof typeof OPERATOR_ACTIONS;

/** What only two people together may do, when WeChat Pay itself does not say it. */
export const APPROVED_ACTIONS = [
  'resolve_as_paid',
  'resolve_as_closed',
  'settle_refund_offline',
  'accept_contradiction',
] as const satisfies readonly OperatorAction[];

/** An action that is stored by one operator and approved by another. */
export type ApprovedAction = (typeof APPROVED_ACTIONS)[number];

/** So long after it was asked for an action can be approved and carried out, in hours. */
export const APPROVAL_HOURS = 24;

/** What two people who resolve a payment as paid say about the money, as the merchant platform or the bank statement shows it. */
export interface PaidClaim {
  transactionId: string;
  /** Fen that arrived. */
  amount: number;
}

/** The same of a combined payment: what arrived for each of its sub-orders. */
export interface CombinedClaim {
  orders: (PaidClaim & { paymentId: string })[];
}
