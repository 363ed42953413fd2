import type { Order } from '../orders/order.ts';
import type { Refund } from '../refunds/refund.ts';
import { type V2NoticeKey, v2PaidNotice, v2RefundNotice } from '../v2/notice.ts';
import { globalOrderObject, globalRefundNotice } from '../v3/objects/global.ts';
import { orderObject } from '../v3/objects/order.ts';
import { refundNotice as refundPlaintext } from '../v3/objects/refund.ts';
import type { Notice } from './body.ts';

/**
 * What tells a merchant that an order was paid, in the form of the API that it was ordered by.
 * @param combined what is told of a combination in place of the order.
 */
export function paidNotice(order: Order, key: V2NoticeKey, combined?: object): Notice {
  if (order.api === 'v2') return v2PaidNotice(order, key);
  return {
    eventType: 'TRANSACTION.SUCCESS',
    originalType: 'transaction',
    plaintext: combined ?? (order.family === 'overseas' ? globalOrderObject(order) : orderObject(order)),
  };
}

/**
 * What tells a merchant that a refund has ended; overseas merchants are not told of abnormal ones. It is XML for refunds of v2, and for those of v3 that named no address and go to the one of
 * the merchant platform (official refund notification page).
 */
export function refundNotice(refund: Refund, order: Order, key: V2NoticeKey): Notice | undefined {
  if (refund.api === 'v2' || !refund.notifyUrl) return v2RefundNotice(refund, order, key);
  if (refund.status === 'PROCESSING') throw new Error('nobody is told of a refund that goes on');
  const overseas = order.family === 'overseas';
  if (overseas && refund.status === 'ABNORMAL') return undefined;
  return {
    eventType: `REFUND.${refund.status}`,
    originalType: 'refund',
    plaintext: overseas ? globalRefundNotice(refund, order) : refundPlaintext(refund, order),
  };
}
