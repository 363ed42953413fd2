import type { V2SignType } from '../../wechatpay/v2/signature.ts';
import type { V2Fields } from '../../wechatpay/v2/xml.ts';
import type { FireFaults } from '../faults/book.ts';
import type { FaultKind, Subject } from '../faults/fault.ts';
import type { Gateway } from '../gateway.ts';
import type { SimulatedMerchant } from '../merchants/merchant.ts';
import type { Order } from '../orders/order.ts';
import type { FileReply } from '../v3/operation.ts';
import { lacking } from './elements.ts';
import { V2Error } from './error.ts';

/** An authenticated request. */
export interface V2Call {
  gateway: Gateway;
  /** Who signed. */
  caller: SimulatedMerchant;
  /** For whom, when a service provider signed. */
  subMchid: string | undefined;
  subAppid: string | undefined;
  /** Every element that is not empty. */
  fields: V2Fields;
  signType: V2SignType;
  /** Path of the request. */
  path: string;
}

/** A call whose elements were found right: what it is about, and what it does. */
export interface CheckedV2Call {
  subject: Subject;
  /**
   * Takes effect and answers what comes after the envelope, or a file, later when there is much to compute. `lagging` answers a query as a
   * gateway does that has not seen the payment yet; `fireFaults` asks for faults that only the call itself can place.
   * @throws V2Error, or GatewayError of the books, for a business refusal.
   */
  run(lagging: boolean, fireFaults: FireFaults): V2Fields | FileReply | Promise<V2Fields | FileReply>;
}

/** One endpoint of v2. */
export interface V2Operation {
  /** As faults name it: `v2.unifiedOrder`. Endpoints that do the same have the same name. */
  name: string;
  path: string;
  /** Over TLS, only with the merchant certificate. */
  certificate?: boolean;
  /** The first is what an absent `sign_type` means; MD5 and HMAC-SHA256 unless told. */
  signTypes?: readonly V2SignType[];
  /** Elements that have to be there besides mch_id, nonce_str and sign; appid unless told. */
  required?: readonly string[];
  /**
   * `full` unless told: the envelope with its signature and `result_code`. `plain` is the same without `result_code`, `unsigned` has
   * nothing but the two codes, `bill` is a file whose refusals have `error_code`.
   */
  answers?: 'full' | 'plain' | 'unsigned' | 'bill';
  /** A service provider may ask for itself, without a sub-merchant. */
  forWholeProvider?: boolean;
  /** Refusals say in `recall` whether to call again. */
  recalls?: boolean;
  /** Faults that make sense only here. */
  faults?: readonly FaultKind[];
  /** @throws V2Error for an element. */
  check(call: V2Call): CheckedV2Call;
}

/** The order that a call names by one of its numbers, `transaction_id` first; undefined when the caller has no such order. */
export function orderOf(
  { gateway, caller, subMchid }: V2Call,
  numbers: { transaction_id?: string | undefined; out_trade_no?: string | undefined },
): Order | undefined {
  const { transaction_id: transactionId, out_trade_no: outTradeNo } = numbers;
  if (!transactionId && !outTradeNo) throw lacking('out_trade_no');
  const order = gateway.findOrder(caller.mchid, { transactionId, outTradeNo });
  return order?.family === 'basic' && order.subMchid === subMchid ? order : undefined;
}

/** @throws V2Error ORDERNOTEXIST */
export function existing(order: Order | undefined): Order {
  if (order) return order;
  throw new V2Error('ORDERNOTEXIST');
}

/** What was asked for, without what differs between equal requests. */
export function repeatable({ nonce_str: _, sign: __, ...fields }: V2Fields): V2Fields {
  return fields;
}
