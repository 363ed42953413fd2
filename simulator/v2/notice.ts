import { decryptReqInfo, encryptReqInfo } from '../../wechatpay/v2/req-info.ts';
import { parseXml, type V2Fields } from '../../wechatpay/v2/xml.ts';
import type { Order } from '../orders/order.ts';
import type { Refund } from '../refunds/refund.ts';
import { identity, signed, toXml } from './envelope.ts';
import { paidElements } from './order-elements.ts';
import { reqInfo } from './refund-elements.ts';

const MAX_BYTES = 256 * 1024;

/** An XML notification as it stands. */
export interface V2Notice {
  eventType: 'V2.TRANSACTION' | 'V2.REFUND';
  xml: string;
}

/** What an XML notification needs besides its subject. */
export interface V2NoticeKey {
  apiV2Key: string;
  nonce: string;
}

/** The XML of a payment, signed as the order was. */
export function v2PaidNotice(order: Order, { apiV2Key, nonce }: V2NoticeKey): V2Notice {
  const elements = { ...envelope(order, nonce), result_code: 'SUCCESS', ...paidElements(order) };
  const signer = { key: apiV2Key, signType: order.signType ?? 'MD5' };
  return { eventType: 'V2.TRANSACTION', xml: toXml(signed(elements, signer)) };
}

/** The XML of a refund: nobody signs it, what it says is encrypted. */
export function v2RefundNotice(refund: Refund, order: Order, { apiV2Key, nonce }: V2NoticeKey): V2Notice {
  const { return_msg: _, ...elements } = envelope(order, nonce);
  const req_info = encryptReqInfo(reqInfo(refund, order), apiV2Key);
  return { eventType: 'V2.REFUND', xml: toXml({ ...elements, req_info }) };
}

/**
 * An XML notification gone wrong: `forge` comes from somebody who does not have the key, `wrong_amount` says one unit of the currency more and
 * is right otherwise. Other faults mean nothing for XML.
 */
export function spoiltXml(xml: string, fault: string | null, apiV2Key: string): string {
  if (fault !== 'forge' && fault !== 'wrong_amount') return xml;
  const { sign, req_info, ...elements } = parseXml(xml, { maxBytes: MAX_BYTES });
  const key = fault === 'forge' ? [...apiV2Key].reverse().join('') : apiV2Key;
  const raise = (name: string, from: V2Fields) =>
    fault === 'forge' ? from : { ...from, [name]: String(Number(from[name]) + 1) };
  if (req_info) {
    const inside = decryptReqInfo(req_info, apiV2Key);
    return toXml({ ...elements, req_info: encryptReqInfo(raise('refund_fee', inside), key) });
  }
  const signType = sign?.length === 64 ? 'HMAC-SHA256' : 'MD5';
  return toXml(signed(raise('total_fee', elements), { key, signType }));
}

function envelope({ appid, mchid, subAppid, subMchid }: Order, nonce: string) {
  return identity({ appid, mchid, subAppid, subMchid, nonce });
}
