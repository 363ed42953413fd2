/** Orthogonal to a status: whether a person has to look at it. */
export const ATTENTIONS = ['none', 'needs_operator'] as const;
export type Attention = (typeof ATTENTIONS)[number];

/**
 * Why a payment needs a person: what no machine may decide. Code, database, the Temporal UI, docs/runbooks/ (one page for each) and the
 * tests read this table. A reason never changes its meaning; a new meaning is a new reason.
 */
export const PAYMENT_ATTENTION = {
  /** WeChat Pay's order is paid, but it is not the order of the row: the field that differs first. */
  out_trade_no_differs: 'the paid order has another out_trade_no',
  mchid_differs: 'the paid order belongs to another merchant number',
  appid_differs: 'the paid order names another appid',
  sub_mchid_differs: 'the paid order belongs to another sub-merchant',
  sub_appid_differs: "the paid order names another appid of the sub-merchant's",
  amount_differs: 'the paid order has another amount',
  currency_differs: 'the paid order has another currency',
  /** Money came for a payment that had ended without it, and what the merchant's policy says could not be done. */
  late_money: 'money came after the payment had ended without it, and a person decides what becomes of it',
  /** WeChat Pay refused the refund of a duplicate, or closed it. Nobody has asked for that refund, so nobody watches it. */
  duplicate_not_refunded: 'it was paid for an order that was paid already, and could not be given back',
  /** Of a combined payment: WeChat Pay's answer has not the sub-orders of the rows. */
  sub_orders_differ: 'the combined order has other sub-orders',
  /** Of a combined payment: all of its orders are paid or none, and WeChat Pay says otherwise. */
  partly_paid: 'some sub-orders of the combined order are paid and others are not',
  /** For a day nobody could find out whether the order is closed. */
  close_unresolved: 'WeChat Pay does not say whether the order is closed',
  /** WeChat Pay takes neither order nor question from the merchant: keys or rights are wrong. */
  credentials_refused: "WeChat Pay refuses the merchant's credentials",
  /** Its workflow has ended and the row has not: somebody terminated it, say. */
  workflow_ended: 'its workflow ended before the payment did',
} as const satisfies Record<string, string>;

/** Why a refund needs a person; see `PAYMENT_ATTENTION`. */
export const REFUND_ATTENTION = {
  /** For as long as it is worth trying nobody could find out whether WeChat Pay has accepted the refund. */
  submit_unresolved: 'WeChat Pay does not say whether it has accepted the refund',
  /** The account that pays refunds is empty; the refund goes through by itself once there is enough. */
  refund_not_enough: 'the merchant account has not enough money for the refund',
  /** Accepted, and after the time in which every refund ends it has not ended. */
  refund_unresolved: 'the refund was accepted and does not end',
  /** The money is parked at WeChat Pay: somebody chooses where it goes. */
  refund_abnormal: 'the money could not be given back to where it came from',
  amount_differs: "WeChat Pay's refund has another amount",
  unknown_refund_status: 'WeChat Pay says of the refund what its documentation does not know',
  /** The refund had ended here, and WeChat Pay says it ended otherwise. */
  gateway_contradicts: 'WeChat Pay takes back how the refund ended',
  credentials_refused: "WeChat Pay refuses the merchant's credentials",
  workflow_ended: 'its workflow ended before the refund did',
} as const satisfies Record<string, string>;

/** Why late money needs a person; see `PAYMENT_ATTENTION`. Its payment is shown, too. */
export const LATE_PAYMENT_ATTENTION = {
  /** Policies are for money that is what was ordered. */
  amount_differs: 'the paid order has another amount',
  appid_differs: 'the paid order names another appid',
  sub_appid_differs: "the paid order names another appid of the sub-merchant's",
  /** WeChat Pay refused its refund, or closed it. */
  refund_failed: 'it could not be given back',
  /** It came before late money had policies. */
  undecided: 'nobody has decided what becomes of it',
  workflow_ended: 'its workflow ended before anything was decided',
} as const satisfies Record<string, string>;

/** A reason of late money. */
export type LatePaymentAttention = keyof typeof LATE_PAYMENT_ATTENTION;

/** A reason of a payment. */
export type PaymentAttention = keyof typeof PAYMENT_ATTENTION;

/** A reason of a refund. */
export type RefundAttention = keyof typeof REFUND_ATTENTION;
