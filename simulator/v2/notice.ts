import { encryptReqInfo } from '../../wechatpay/v2/req-info.ts';
import type { Notice } from '../notification.ts';
import type { Order } from '../order.ts';
import type { Refund } from '../refund.ts';
import { identity, signed, toXml } from './envelope.ts';
import { paidElements } from './order-elements.ts';
import { reqInfo } from './refund-elements.ts';

/** What an XML notification needs besides its subject. */
export interface V2NoticeKey {
  apiV2Key: string;
  nonce: string;
}

/** The XML of a payment, signed as the order was. */
export function v2PaidNotice(order: Order, { apiV2Key, nonce }: V2NoticeKey): Notice {
  const elements = { ...envelope(order, nonce), result_code: 'SUCCESS', ...paidElements(order) };
  const signer = { key: apiV2Key, signType: order.signType ?? 'MD5' };
  return { eventType: 'V2.TRANSACTION', xml: toXml(signed(elements, signer)) };
}

/** The XML of a refund: nobody signs it, what it says is encrypted. */
export function v2RefundNotice(refund: Refund, order: Order, { apiV2Key, nonce }: V2NoticeKey): Notice {
  const { return_msg: _, ...elements } = envelope(order, nonce);
  const req_info = encryptReqInfo(reqInfo(refund, order), apiV2Key);
  return { eventType: 'V2.REFUND', xml: toXml({ ...elements, req_info }) };
}

function envelope({ appid, mchid, subAppid, subMchid }: Order, nonce: string) {
  return identity({ appid, mchid, subAppid, subMchid, nonce });
}
