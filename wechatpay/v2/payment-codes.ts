import type { Fen } from '../fen.ts';
import { readFields, type SubMerchant } from './fields.ts';
import { type OrderBase, type PaidFields, readPaid, type V2Answer } from './orders.ts';
import type { V2Fields } from './xml.ts';

/** A payment by the code on the customer's telephone. */
export interface MicropayOrder extends OrderBase {
  /** 18 digits, starting with 10 to 15. */
  auth_code: string;
  /** Goods of `detail` may have coupons of their own (official page 4011983208). */
  version?: '1.0';
}

/** A payment by face; always signed with HMAC-SHA256. */
export interface FacepayOrder extends OrderBase {
  /** What the terminal answered, at most 128 characters. */
  face_code: string;
  fee_type: string;
  openid?: string;
}

/** A payment that has succeeded on the spot. */
export interface CodePayment extends PaidFields {
  trade_type: 'MICROPAY' | 'FACEPAY' | 'FACE';
  transaction_id: string;
  out_trade_no: string;
  total_fee: Fen;
}

/** A reversal. */
export interface Reversal extends V2Answer {
  /** Y: call again. */
  recall: 'Y' | 'N';
}

/** What a face payment terminal is initialised with. */
export interface FaceAuthinfoRequest extends SubMerchant {
  store_id: string;
  store_name: string;
  device_id: string;
  /** What the terminal's `getWxpayfaceRawdata` gave. */
  rawdata: string;
  attach?: string;
}

/** The terminal's credential. */
export interface FaceAuthinfo extends V2Answer {
  authinfo: string;
  /** Seconds. */
  expires_in: number;
}

/**
 * A payment without whose number and amount nobody could tell what was paid.
 * @throws UnreadableField
 */
export function readCodePayment(answer: V2Fields): CodePayment {
  return readPaid(answer, ['transaction_id', 'out_trade_no', 'total_fee']) as CodePayment;
}

/**
 * A reversal that says whether to call again.
 * @throws UnreadableField
 */
export function readReversal(answer: V2Fields): Reversal {
  return readFields(answer, { required: ['recall'] }) as unknown as Reversal;
}

/**
 * The credential and how long it lasts.
 * @throws UnreadableField
 */
export function readFaceAuthinfo(answer: V2Fields): FaceAuthinfo {
  return readFields(answer, {
    required: ['authinfo', 'expires_in'],
    integers: ['expires_in'],
  }) as unknown as FaceAuthinfo;
}
