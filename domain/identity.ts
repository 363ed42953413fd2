/**
 * Names under which the outside world knows a payment or a refund. All of them are clear text: no openid, no
 * phone number, nothing private.
 */

/** Workflow id of a payment. */
export function paymentWorkflowId(mchid: string, outTradeNo: string): string {
  return `payment/${mchid}/${outTradeNo}`;
}

/** Workflow id of a combined payment: of the merchant who combines, and of its number for all of it. */
export function combinedWorkflowId(mchid: string, combineOutTradeNo: string): string {
  return `combined/${mchid}/${combineOutTradeNo}`;
}

/** Workflow id of a refund. */
export function refundWorkflowId(mchid: string, outRefundNo: string): string {
  return `refund/${mchid}/${outRefundNo}`;
}

/** Workflow id of the reconciliation of a day: of a merchant, or of a service provider's sub-merchant. */
export function reconciliationWorkflowId(mchid: string, subMchid: string | null, billDate: string): string {
  return `reconciliation/${mchid}${subMchid === null ? '' : `/${subMchid}`}/${billDate}`;
}

/** Id of the schedule of a merchant's nights, and beginning of the id of each night. */
export function reconciliationScheduleId(mchid: string): string {
  return `reconciliation-night/${mchid}`;
}

/** Workflow id of late money. */
export function latePaymentWorkflowId(mchid: string, transactionId: string): string {
  return `late-payment/${mchid}/${transactionId}`;
}

/** Workflow id of a look at an order, of one payment or of a combined one, that has ended without money. */
export function lookAgainWorkflowId(mchid: string, number: string): string {
  return `look-again/${mchid}/${number}`;
}

/** Name of the signal by which a step tells its saga about the merchant's credentials. */
export const CREDENTIALS_SIGNAL = 'credentials';

/** Who asks for something through the API: the id of its key. */
export const API_KEY_ID = /^key_/;

/** Prefixes that let a reader of a log tell what an id is. */
export type IdPrefix =
  | 'ten'
  | 'mch'
  | 'key'
  | 'opr'
  | 'pay'
  | 'cmb'
  | 'late'
  | 'ref'
  | 'rpo'
  | 'ntf'
  | 'evt'
  | 'apr'
  | 'act'
  | 'rec'
  | 'brk';

/** A public id: prefix, underscore, 32 lower-case hex digits of a UUID. */
export function publicId(prefix: IdPrefix, uuid: string): string {
  return `${prefix}_${uuid.replaceAll('-', '')}`;
}

/**
 * An `out_trade_no`, `combine_out_trade_no` or `out_refund_no` for a request that brought none: letter, then 31 characters of its public id.
 * Deriving it from the id keeps one number per intent however often the request is repeated.
 */
export function merchantNumber(letter: 'T' | 'C' | 'R', id: string): string {
  return `${letter}${id.slice(id.indexOf('_') + 1).slice(0, 31)}`;
}
