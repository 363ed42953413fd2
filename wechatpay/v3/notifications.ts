import { NotificationError } from '../errors.ts';
import type { Fen } from '../fen.ts';
import type { Headers } from '../headers.ts';
import { decryptResource } from './aead.ts';
import { readObject } from './answer.ts';
import type { CombinedOrder } from './combine.ts';
import type { Order } from './orders.ts';
import type { RefundStatus } from './refunds.ts';
import type { Role } from './role.ts';
import { verifySignature } from './verification.ts';
import type { VerificationKeys } from './verification-keys.ts';

/** A notification as it came in: the raw bytes, never a parsed and printed body. */
export interface RawNotification {
  headers: Headers;
  body: Buffer;
}

/** Whose refund it is. One official example of a service provider's has `mchid`, the table has the other two: expect either. */
type RefundOwner<R extends Role> = R extends 'partner'
  ? { sp_mchid?: string; sub_mchid?: string; mchid?: string }
  : { mchid: string };

/** What `REFUND.*` carries. Its state is called `refund_status`, not `status`. */
export type RefundNotification<R extends Role = 'merchant'> = RefundOwner<R> & {
  out_trade_no: string;
  transaction_id: string;
  out_refund_no: string;
  refund_id: string;
  refund_status: Exclude<RefundStatus, 'PROCESSING'>;
  /** RFC 3339 with offset, only when SUCCESS. */
  success_time?: string;
  user_received_account: string;
  amount: { total: Fen; refund: Fen; payer_total: Fen; payer_refund: Fen };
};

/** What has happened to a complaint. New ones may come: query the complaint whatever it says. The two odd spellings are WeChat Pay's. */
export type ComplaintAction =
  | 'CREATE_COMPLAINT'
  | 'CONTINUE_COMPLAINT'
  | 'USER_RESPONSE'
  | 'RESPONSE_BY_PLATFORM'
  | 'SELLER_REFUND'
  | 'MERCHANT_RESPONSE'
  | 'MERCHANT_CONFIRM_COMPLETE'
  | 'MERCHANT_APPROVE_REFUND'
  | 'MERCHANT_REJECT_REFUND'
  | 'REFUND_SUCCESS'
  | 'USER_APPLY_PLATFORM_SERIVCE'
  | 'USER_CANCEL_PLATFORM_SERVICE'
  | 'PLATFORM_SERVICE_FINISHED'
  | (string & {});

/** What `COMPLAINT.*` carries: no more than where to look. */
export interface ComplaintNotification {
  complaint_id: string;
  action_type: ComplaintAction;
}

/** What every notification has. */
export interface Envelope<Kind extends string, EventType extends string, Resource> {
  /** Tells the types of notifications apart. */
  kind: Kind;
  /** At most 36 characters. WeChat Pay repeats a notification with the same id: process it once. */
  id: string;
  /** RFC 3339 with offset. */
  create_time: string;
  event_type: EventType;
  /** A few words in Chinese. */
  summary: string;
  /** `encrypt-resource`. */
  resource_type: string;
  /** What the resource was before it was encrypted: `transaction`, `refund`, … */
  original_type: string;
  /** Decrypted. */
  resource: Resource;
}

/** Somebody paid. There is no notification for failed or closed orders, and none for payment codes. */
export type TransactionEvent<R extends Role = 'merchant'> = Envelope<
  'transaction',
  'TRANSACTION.SUCCESS',
  Order<R>
>;
/** Somebody paid a combination. */
export type CombinedEvent = Envelope<'combined', 'TRANSACTION.SUCCESS', CombinedOrder>;
/** A refund came to an end, or needs a decision. */
export type RefundEvent<R extends Role = 'merchant'> = Envelope<
  'refund',
  'REFUND.SUCCESS' | 'REFUND.ABNORMAL' | 'REFUND.CLOSED',
  RefundNotification<R>
>;
/** A complaint was filed, or something happened to it. */
export type ComplaintEvent = Envelope<
  'complaint',
  'COMPLAINT.CREATE' | 'COMPLAINT.STATE_CHANGE',
  ComplaintNotification
>;
/** Anything else; check `resource` before use. */
export type OtherEvent = Envelope<'other', string, unknown>;

/** A genuine v3 notification, by `kind`. */
export type V3Notification<R extends Role = 'merchant'> =
  | TransactionEvent<R>
  | CombinedEvent
  | RefundEvent<R>
  | ComplaintEvent
  | OtherEvent;

/** What kind of event each documented type is. A combination says TRANSACTION.SUCCESS, too. */
const KINDS = new Map<string, V3Notification['kind']>([
  ['TRANSACTION.SUCCESS', 'transaction'],
  ['REFUND.SUCCESS', 'refund'],
  ['REFUND.ABNORMAL', 'refund'],
  ['REFUND.CLOSED', 'refund'],
  ['COMPLAINT.CREATE', 'complaint'],
  ['COMPLAINT.STATE_CHANGE', 'complaint'],
]);

/** What the resource of an event must at least say, in text. */
const REQUIRED_FIELDS = {
  transaction: ['out_trade_no', 'trade_state'] satisfies (keyof Order)[],
  combined: ['combine_out_trade_no'] satisfies (keyof CombinedOrder)[],
  refund: ['out_refund_no', 'refund_status'] satisfies (keyof RefundNotification)[],
  complaint: ['complaint_id', 'action_type'] satisfies (keyof ComplaintNotification)[],
  other: [],
} as const satisfies Record<V3Notification['kind'], readonly string[]>;

/**
 * Verifies a v3 notification's signature over the raw bytes, then the clock, then decrypts (official pages 4012365342, 4012071382,
 * 4013053249).
 * @param now milliseconds since 1970.
 * @throws NotificationError with its verdict.
 */
export async function openV3Notification<R extends Role>(
  { headers, body }: RawNotification,
  { keys, apiV3Key, now }: { keys: VerificationKeys; apiV3Key: string; now: number },
): Promise<V3Notification<R>> {
  const verification = await verifySignature({ headers, body }, { keys, now });
  if (verification.verdict !== 'genuine') {
    throw new NotificationError(
      verification.verdict,
      `The notification is not accepted: ${verification.reason}.`,
    );
  }
  return decrypt(body, apiV3Key) as V3Notification<R>;
}

function decrypt(body: Buffer, apiV3Key: string): V3Notification {
  const { resource: encrypted, ...envelope } = readObject(body) ?? {};
  const { id, create_time, event_type, summary, resource_type } = envelope;
  if (!isText(id) || !isText(event_type) || typeof encrypted !== 'object' || encrypted === null) {
    throw undecryptable('it has no id, event_type or resource');
  }
  const { algorithm, ciphertext, nonce, associated_data, original_type } = encrypted as Record<
    string,
    unknown
  >;
  if (!isText(algorithm) || !isText(ciphertext) || !isText(nonce)) {
    throw undecryptable(`${id} has a resource without algorithm, ciphertext or nonce`);
  }

  let plaintext: string;
  try {
    const associatedData = isText(associated_data) ? associated_data : '';
    plaintext = decryptResource({ algorithm, ciphertext, nonce, associated_data: associatedData }, apiV3Key);
  } catch (error) {
    throw undecryptable(`${id} does not decrypt with the APIv3 key`, error);
  }
  const resource = readObject(Buffer.from(plaintext));
  // Whether the overseas notifications of refunds spell it as the mainland's do, or as the overseas queries, no page seen says.
  if (resource && KINDS.get(event_type) === 'refund') resource.refund_status ??= resource.status;
  const kind = kindOf(event_type, resource);
  const missing: string[] = REQUIRED_FIELDS[kind].filter((field) => !isText(resource?.[field]));
  if (kind === 'combined' && !Array.isArray(resource?.sub_orders)) missing.push('sub_orders');
  if (!resource || missing.length > 0) {
    throw undecryptable(`${id} (${event_type}) has a resource without ${missing.join(', ') || 'an object'}`);
  }

  return {
    ...envelope,
    kind,
    create_time: textOr(create_time),
    summary: textOr(summary),
    resource_type: textOr(resource_type),
    original_type: textOr(original_type),
    resource,
    // The fields that a type promises and that decide were checked above.
  } as unknown as V3Notification;
}

function kindOf(eventType: string, resource: Record<string, unknown> | undefined): V3Notification['kind'] {
  const kind = KINDS.get(eventType) ?? 'other';
  return kind === 'transaction' && resource?.combine_out_trade_no !== undefined ? 'combined' : kind;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function textOr(value: unknown, otherwise = ''): string {
  return typeof value === 'string' ? value : otherwise;
}

function undecryptable(problem: string, cause?: unknown): NotificationError {
  return new NotificationError(
    'undecryptable',
    `The notification was signed by WeChat Pay, but ${problem}.`,
    cause,
  );
}
