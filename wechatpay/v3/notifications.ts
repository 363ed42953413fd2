import type { KeyObject } from 'node:crypto';
import { NotificationError } from '../errors.ts';
import type { Fen } from '../fen.ts';
import { decryptResource } from './aead.ts';
import { readObject } from './answer.ts';
import type { Order } from './orders.ts';
import type { RefundStatus } from './refunds.ts';
import { type Headers, verifySignature } from './verification.ts';

/** A notification as it came in: the raw bytes, never a parsed and printed body. */
export interface RawNotification {
  headers: Headers;
  body: Buffer;
}

/** What `REFUND.*` carries. Its state is called `refund_status`, not `status`. */
export interface RefundNotification {
  mchid: string;
  out_trade_no: string;
  transaction_id: string;
  out_refund_no: string;
  refund_id: string;
  refund_status: Exclude<RefundStatus, 'PROCESSING'>;
  /** RFC 3339 with offset, only when SUCCESS. */
  success_time?: string;
  user_received_account: string;
  amount: { total: Fen; refund: Fen; payer_total: Fen; payer_refund: Fen };
}

interface Envelope<EventType extends string, Resource> {
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

declare const other: unique symbol;
/**
 * Any other event type, known here or not. The brand says that it is none of the types below, so that comparing `event_type` narrows the
 * union.
 */
export type OtherEventType =
  | 'COMPLAINT.CREATE'
  | 'COMPLAINT.STATE_CHANGE'
  | (`${string}.${string}` & { readonly [other]: true });

/** Somebody paid. There is no notification for failed or closed orders. */
export type TransactionEvent = Envelope<'TRANSACTION.SUCCESS', Order>;
/** A refund came to an end, or needs a decision. */
export type RefundEvent = Envelope<
  'REFUND.SUCCESS' | 'REFUND.ABNORMAL' | 'REFUND.CLOSED',
  RefundNotification
>;
/** Anything else; check `resource` before use. */
export type OtherEvent = Envelope<OtherEventType, unknown>;

/** A genuine notification, by `event_type`. */
export type Notification = TransactionEvent | RefundEvent | OtherEvent;

/** Genuine ones have a few kilobytes. */
const MAX_BODY_BYTES = 1024 * 1024;

/** What the resource of an event must at least say, in text. */
const REQUIRED_FIELDS = new Map<string, readonly string[]>([
  ['TRANSACTION.SUCCESS', ['out_trade_no', 'trade_state'] satisfies (keyof Order)[]],
  ...['REFUND.SUCCESS', 'REFUND.ABNORMAL', 'REFUND.CLOSED'].map(
    (event) => [event, ['out_refund_no', 'refund_status'] satisfies (keyof RefundNotification)[]] as const,
  ),
]);

/** Opens what WeChat Pay posts to `notify_url`. */
export class Notifications {
  readonly #publicKeys: ReadonlyMap<string, KeyObject>;
  readonly #apiV3Key: string;
  readonly #clock: () => number;

  constructor(
    { publicKeys, apiV3Key }: { publicKeys: ReadonlyMap<string, KeyObject>; apiV3Key: string },
    clock: () => number,
  ) {
    this.#publicKeys = publicKeys;
    this.#apiV3Key = apiV3Key;
    this.#clock = clock;
  }

  /**
   * Verifies the signature over the raw bytes, then the clock, then decrypts. Compare mchid, appid, number and amount with your own records
   * before you believe that the right thing was paid. Answer WeChat Pay within five seconds.
   * Sources: official pages 4012365342, 4012071382, 4013053249.
   * @throws NotificationError with its verdict.
   * @throws TypeError when the body is not the raw bytes.
   */
  open({ headers, body }: RawNotification): Notification {
    if (!Buffer.isBuffer(body))
      throw new TypeError('body must be the raw bytes of the request, as a Buffer; do not parse it');
    if (body.length > MAX_BODY_BYTES) {
      throw new NotificationError(
        'forged',
        `The notification has ${body.length} bytes; WeChat Pay sends no such thing.`,
      );
    }
    const verification = verifySignature(
      { headers, body },
      { publicKeys: this.#publicKeys, now: this.#clock() },
    );
    if (verification.verdict !== 'genuine') {
      throw new NotificationError(
        verification.verdict,
        `The notification is not accepted: ${verification.reason}.`,
      );
    }
    return this.#decrypt(body);
  }

  #decrypt(body: Buffer): Notification {
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
      plaintext = decryptResource(
        { algorithm, ciphertext, nonce, associated_data: associatedData },
        this.#apiV3Key,
      );
    } catch (error) {
      throw undecryptable(`${id} does not decrypt with the APIv3 key`, error);
    }
    const resource = readObject(Buffer.from(plaintext));
    const missing = (REQUIRED_FIELDS.get(event_type) ?? []).filter((field) => !isText(resource?.[field]));
    if (!resource || missing.length > 0) {
      throw undecryptable(
        `${id} (${event_type}) has a resource without ${missing.join(', ') || 'an object'}`,
      );
    }

    return {
      ...envelope,
      create_time: textOr(create_time),
      summary: textOr(summary),
      resource_type: textOr(resource_type),
      original_type: textOr(original_type),
      resource,
      // The fields that a type promises and that decide were checked above.
    } as unknown as Notification;
  }
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
