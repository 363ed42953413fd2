import { decryptResource, type EncryptedResource, encryptResource } from '../../wechatpay/v3/aead.ts';
import { chinaTime } from '../time/china-time.ts';

const SUMMARIES = {
  'TRANSACTION.SUCCESS': '支付成功',
  'REFUND.SUCCESS': '退款成功',
  'REFUND.ABNORMAL': '退款异常',
  'REFUND.CLOSED': '退款关闭',
  'SECURITY_ECHO.SUCCESS': '回调通知成功',
  'COMPLAINT.CREATE': '产生新投诉',
  'COMPLAINT.STATE_CHANGE': '投诉单状态变化',
} as const;
export type EventType = keyof typeof SUMMARIES;

/** What a notification says: an encrypted v3 resource, or v2's XML as it stands. */
export type Notice =
  | { eventType: EventType; originalType: string; plaintext: object }
  | { eventType: 'V2.TRANSACTION' | 'V2.REFUND'; xml: string };

/** What the body of a notification needs besides what it says. */
export interface Sealing {
  apiV3Key: string;
  /** 12 characters. */
  nonce: string;
}

/** The body of a notification. Time in milliseconds since 1970. */
export function notificationBody(
  notice: Notice,
  id: string,
  now: number,
  { apiV3Key, nonce }: Sealing,
): string {
  if ('xml' in notice) return notice.xml;
  const { eventType, originalType, plaintext } = notice;
  const resource = encryptResource(JSON.stringify(plaintext), {
    apiV3Key,
    nonce,
    associatedData: originalType,
  });
  return JSON.stringify({
    id,
    create_time: chinaTime(now),
    resource_type: 'encrypt-resource',
    event_type: eventType,
    summary: SUMMARIES[eventType],
    resource: { original_type: originalType, ...resource },
  });
}

interface Priced {
  amount?: Record<string, unknown>;
  sub_orders?: Priced[];
}

/** The same body, properly encrypted, about amounts that are one unit of the currency higher. */
export function withWrongAmount(body: string, { apiV3Key, nonce }: Sealing): string {
  const envelope = JSON.parse(body) as { resource: EncryptedResource };
  const plaintext = JSON.parse(decryptResource(envelope.resource, apiV3Key)) as Priced;
  const wrong = plaintext.sub_orders
    ? {
        ...plaintext,
        sub_orders: plaintext.sub_orders.map((order, index) => (index === 0 ? raised(order) : order)),
      }
    : raised(plaintext);
  const associatedData = envelope.resource.associated_data ?? '';
  const resource = encryptResource(JSON.stringify(wrong), { apiV3Key, nonce, associatedData });
  return JSON.stringify({ ...envelope, resource: { ...envelope.resource, ...resource } });
}

function raised(priced: Priced): Priced {
  const amount = Object.entries(priced.amount ?? {}).map(([name, value]) => [
    name,
    typeof value === 'number' ? value + 1 : value,
  ]);
  return { ...priced, amount: Object.fromEntries(amount) };
}
