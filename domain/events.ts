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
  'payment.late_money',
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
