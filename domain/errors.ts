/**
 * The error catalogue: one stable code for activities, API problems, metrics, logs and docs alike.
 * A code never changes its meaning; a new meaning is a new code.
 */
export const ERRORS = {
  malformed_json: { status: 400, retryable: false, title: 'The request body is not valid JSON' },
  missing_idempotency_key: { status: 400, retryable: false, title: 'The Idempotency-Key header is missing' },
  invalid_idempotency_key: {
    status: 400,
    retryable: false,
    title: 'The Idempotency-Key header is not usable',
  },
  unauthorized: { status: 401, retryable: false, title: 'The API key is missing or wrong' },
  not_found: { status: 404, retryable: false, title: 'There is no such resource' },
  method_not_allowed: { status: 405, retryable: false, title: 'This resource has no such method' },
  out_trade_no_exists: {
    status: 409,
    retryable: false,
    title: 'This out_trade_no belongs to another payment',
  },
  combine_out_trade_no_exists: {
    status: 409,
    retryable: false,
    title: 'This combine_out_trade_no belongs to another combined payment',
  },
  belongs_to_combined_payment: {
    status: 409,
    retryable: false,
    title: 'The payment is a sub-order and has no order of its own',
  },
  out_refund_no_exists: {
    status: 409,
    retryable: false,
    title: 'This out_refund_no belongs to another refund',
  },
  payment_not_closable: {
    status: 409,
    retryable: false,
    title: 'The payment has ended and cannot be closed',
  },
  payment_not_open: {
    status: 409,
    retryable: false,
    title: 'The payment no longer waits for the customer',
  },
  payment_not_acknowledgeable: {
    status: 409,
    retryable: false,
    title: 'The payment shows nothing that can be acknowledged',
  },
  payment_not_paid: { status: 409, retryable: false, title: 'Only a paid payment can be refunded' },
  refund_exceeds_payment: { status: 409, retryable: false, title: 'The refunds would exceed the payment' },
  break_not_open: {
    status: 409,
    retryable: false,
    title: 'Only an open break can be resolved',
  },
  refund_currency_differs: {
    status: 409,
    retryable: false,
    title: 'A refund is in the currency of its payment',
  },
  refund_period_over: {
    status: 409,
    retryable: false,
    title: 'The payment is too old to be refunded by WeChat Pay',
  },
  too_many_refunds: {
    status: 409,
    retryable: false,
    title: 'The payment has as many refunds as it can have',
  },
  refund_not_retryable: { status: 409, retryable: false, title: 'Only a refund that failed can be retried' },
  refund_needs_no_operator: { status: 409, retryable: false, title: 'The refund does not wait for anybody' },
  approval_refused: { status: 409, retryable: false, title: 'What takes two people was not approved by two' },
  refund_not_abnormal: {
    status: 409,
    retryable: false,
    title: 'Only an abnormal refund can be sent elsewhere',
  },
  transaction_not_reversible: {
    status: 409,
    retryable: false,
    title: 'This step of a payment or refund cannot be taken back in the ledger',
  },
  transaction_already_reversed: {
    status: 409,
    retryable: false,
    title: 'The transaction has been taken back before',
  },
  payload_too_large: { status: 413, retryable: false, title: 'The request body is larger than 64 KiB' },
  unsupported_media_type: {
    status: 415,
    retryable: false,
    title: 'The request body must be application/json',
  },
  invalid_request: { status: 422, retryable: false, title: 'The request has invalid fields' },
  idempotency_key_reused: {
    status: 422,
    retryable: false,
    title: 'The Idempotency-Key was used with other content',
  },
  gateway_rejected: { status: 422, retryable: false, title: 'WeChat Pay refused the request' },
  internal_error: { status: 500, retryable: true, title: 'The service failed unexpectedly' },
  temporarily_unavailable: { status: 503, retryable: true, title: 'The service cannot do this right now' },
} as const;

/** A code of the catalogue. */
export type ErrorCode = keyof typeof ERRORS;

/** Verdicts on a notification, stored beside its raw bytes. */
export const NOTIFICATION_VERDICTS = {
  /** Genuine, new, and belongs to a payment or refund of ours. */
  accepted: { status: 204 },
  /** Genuine, seen before. */
  duplicate: { status: 204 },
  /** Genuine, but no payment or refund has this number: kept for an operator. */
  unmatched: { status: 204 },
  /** Genuine, but of an event type this service does not handle: kept. */
  ignored: { status: 204 },
  /** The signature is missing or does not verify (signature probes included). */
  forged: { status: 401 },
  /** The timestamp is five minutes or more away from our clock. */
  stale: { status: 401 },
  /** The signature verifies but the resource cannot be decrypted or read. */
  undecryptable: { status: 400 },
} as const;

/** What was found out about a notification. */
export type NotificationVerdict = keyof typeof NOTIFICATION_VERDICTS;
