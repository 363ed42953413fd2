import { NotificationError } from '../errors.ts';
import type { Fen } from '../fen.ts';
import { readFields, UnreadableField } from './fields.ts';
import { type PaidFields, readPaid, type V2TradeType } from './orders.ts';
import type { RefundSource, V2RefundStatus } from './refunds.ts';
import { decryptReqInfo } from './req-info.ts';
import { verifyFields } from './signature.ts';
import { buildXml, parseXml, type V2Fields, XmlError } from './xml.ts';

/** Whose notifications are opened, and with what. */
export interface V2NotificationKey {
  mchid: string;
  apiV2Key: string;
}

/** Somebody paid. There is no number to recognise repeats by: process each `transaction_id` once. */
export interface V2PaymentNotification extends PaidFields {
  kind: 'payment';
  result_code: 'SUCCESS';
  openid: string;
  trade_type: V2TradeType;
  bank_type: string;
  total_fee: Fen;
  cash_fee: Fen;
  transaction_id: string;
  out_trade_no: string;
  time_end: string;
}

/** A payment did not succeed. The order may still be paid. */
export interface V2FailedPaymentNotification extends PaidFields {
  kind: 'failed_payment';
  result_code: 'FAIL';
  err_code?: string;
  err_code_des?: string;
}

/**
 * A refund came to an end, or needs a decision (CHANGE). Nobody signed it: it is believed because it was encrypted with the APIv2 key, so
 * compare every number and amount with your own records, or query.
 */
export interface V2RefundNotification {
  kind: 'refund';
  appid: string;
  mch_id: string;
  sub_appid?: string;
  sub_mch_id?: string;
  transaction_id: string;
  out_trade_no: string;
  refund_id: string;
  out_refund_no: string;
  total_fee: Fen;
  settlement_total_fee?: Fen;
  refund_fee: Fen;
  settlement_refund_fee: Fen;
  cash_refund_fee?: Fen;
  refund_status: Exclude<V2RefundStatus, 'PROCESSING'>;
  /** `yyyy-MM-dd HH:mm:ss` in Asia/Shanghai, when SUCCESS. */
  success_time?: string;
  /** WeChat Pay's own spelling. */
  refund_recv_accout: string;
  refund_account: RefundSource;
  refund_request_source?: 'API' | 'VENDOR_PLATFORM';
}

/** What the v2 API, and some refunds of v3 merchants, post as XML. */
export type V2Notification = V2PaymentNotification | V2FailedPaymentNotification | V2RefundNotification;

/** Genuine ones have a few kilobytes. */
const MAX_BODY_BYTES = 256 * 1024;

const PAYMENT_REQUIRED = [
  'openid',
  'trade_type',
  'bank_type',
  'total_fee',
  'cash_fee',
  'transaction_id',
  'out_trade_no',
  'time_end',
];

const REFUND_REQUIRED = [
  'transaction_id',
  'out_trade_no',
  'refund_id',
  'out_refund_no',
  'total_fee',
  'refund_fee',
  'settlement_refund_fee',
  'refund_status',
  'refund_recv_accout',
  'refund_account',
];

const REFUND_INTEGERS = [
  'total_fee',
  'settlement_total_fee',
  'refund_fee',
  'settlement_refund_fee',
  'cash_refund_fee',
];

const REFUND_STATUSES = ['SUCCESS', 'CHANGE', 'REFUNDCLOSE'];

/** Whether a body is for {@link openV2Notification} and not for v3, which posts JSON. */
export function looksLikeXml(body: Buffer): boolean {
  // A byte order mark is white space here.
  return /^\s*</.test(body.subarray(0, 64).toString('utf8'));
}

/**
 * Opens either kind of XML notification from its raw bytes. Compare mch_id, appid, number and amount with your own records before you
 * believe that the right thing was paid or refunded. Answer {@link V2_ACCEPTED} or {@link v2Refusal} within five seconds.
 * @throws NotificationError with its verdict: `forged` when it is not WeChat Pay's, `undecryptable` when it is and cannot be read.
 * @throws TypeError when the body is not the raw bytes.
 */
export function openV2Notification(body: Buffer, key: V2NotificationKey): V2Notification {
  const envelope = readEnvelope(body, key);
  return envelope.req_info === undefined ? openPayment(envelope, key) : openRefund(envelope, key);
}

/**
 * As {@link openV2Notification}, for an address that only payments are posted to.
 * @throws NotificationError
 */
export function openV2Payment(
  body: Buffer,
  key: V2NotificationKey,
): V2PaymentNotification | V2FailedPaymentNotification {
  return openPayment(readEnvelope(body, key), key);
}

/**
 * As {@link openV2Notification}, for an address that only refunds are posted to.
 * @throws NotificationError
 */
export function openV2Refund(body: Buffer, key: V2NotificationKey): V2RefundNotification {
  return openRefund(readEnvelope(body, key), key);
}

/** The answer that ends the repeats, as `text/xml`. */
export const V2_ACCEPTED = buildXml({ return_code: 'SUCCESS', return_msg: 'OK' });

/** The answer after which the notification comes again, as `text/xml`. */
export function v2Refusal(reason: string): string {
  // Whatever the reason was made of, it must not break the answer.
  const printable = reason.replace(/[^\u{20}-\u{d7ff}\u{e000}-\u{fffd}]|[<>]/gu, ' ').slice(0, 128);
  return buildXml({ return_code: 'FAIL', return_msg: printable });
}

function readEnvelope(body: Buffer, { mchid }: V2NotificationKey): V2Fields {
  if (!Buffer.isBuffer(body))
    throw new TypeError('body must be the raw bytes of the request, as a Buffer; do not parse it');
  let envelope: V2Fields;
  try {
    envelope = parseXml(body, { maxBytes: MAX_BODY_BYTES });
  } catch (error) {
    if (error instanceof XmlError) throw forged(`it ${error.message}`, error);
    throw error;
  }
  if (envelope.return_code !== 'SUCCESS') throw forged('it has no return_code SUCCESS');
  if (envelope.mch_id !== mchid) throw forged('it is about another merchant');
  return envelope;
}

function openPayment(
  envelope: V2Fields,
  { apiV2Key }: V2NotificationKey,
): V2PaymentNotification | V2FailedPaymentNotification {
  if (!verifyFields(envelope, apiV2Key, { anyType: true }))
    throw forged(envelope.sign ? 'its sign does not fit' : 'it has no sign');
  const { result_code } = envelope;
  if (result_code !== 'SUCCESS' && result_code !== 'FAIL') throw unreadable('it has no result_code');
  const paid = readable(() =>
    readPaid(envelope, ['appid', ...(result_code === 'SUCCESS' ? PAYMENT_REQUIRED : [])]),
  );
  // What makes the difference between the two was checked above.
  return { ...paid, kind: result_code === 'SUCCESS' ? 'payment' : 'failed_payment' } as
    | V2PaymentNotification
    | V2FailedPaymentNotification;
}

function openRefund(envelope: V2Fields, { apiV2Key }: V2NotificationKey): V2RefundNotification {
  const { req_info } = envelope;
  if (!req_info) throw forged('it has no req_info');
  let inside: V2Fields;
  try {
    inside = decryptReqInfo(req_info, apiV2Key);
  } catch (error) {
    throw unreadable('its req_info does not decrypt with the APIv2 key to what it should', error);
  }
  const refund = readable(() => {
    if (!envelope.appid) throw new UnreadableField('has no appid');
    const read = readFields(inside, { required: REFUND_REQUIRED, integers: REFUND_INTEGERS });
    if (!REFUND_STATUSES.includes(inside.refund_status ?? ''))
      throw new UnreadableField('has an unknown refund_status');
    return read;
  });
  // Nobody signed the outside: it says whose refund it is, and nothing else.
  const merchant = Object.fromEntries(
    ['appid', 'mch_id', 'sub_appid', 'sub_mch_id'].flatMap((name) =>
      envelope[name] === undefined ? [] : [[name, envelope[name]]],
    ),
  );
  return { ...refund, ...merchant, kind: 'refund' } as unknown as V2RefundNotification;
}

function readable<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof UnreadableField) throw unreadable(`it ${error.message}`, error);
    throw error;
  }
}

function forged(reason: string, cause?: unknown): NotificationError {
  return new NotificationError('forged', `The XML notification is not accepted: ${reason}.`, cause);
}

function unreadable(reason: string, cause?: unknown): NotificationError {
  return new NotificationError('undecryptable', `The XML notification cannot be read: ${reason}.`, cause);
}
