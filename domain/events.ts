/** Events written to the outbox in the transaction of the change they tell of. */
export const EVENT_TYPES = [
  'payment.created',
  'payment.pending',
  'payment.paid',
  'payment.closed',
  'payment.failed',
  'payment.partially_refunded',
  'payment.refunded',
  'payment.needs_operator',
  'payment.attention_cleared',
  /** Money came for a payment that had ended without it, or that another transaction had paid. */
  'payment.late_money',
  /** Another payment had paid for the same order already. */
  'payment.duplicate',
  'late_payment.refunding',
  'late_payment.refunded',
  'late_payment.accepted',
  'late_payment.needs_operator',
  'combined_payment.created',
  'combined_payment.pending',
  'combined_payment.paid',
  'combined_payment.closed',
  'combined_payment.failed',
  'combined_payment.needs_operator',
  'combined_payment.attention_cleared',
  'refund.created',
  'refund.reserved',
  'refund.processing',
  'refund.succeeded',
  'refund.failed',
  'refund.abnormal',
  'refund.retried',
  'refund.needs_operator',
  'refund.attention_cleared',
] as const;

/** The type of an outbox event. */
export type EventType = (typeof EVENT_TYPES)[number];
