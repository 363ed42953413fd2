import { createHash } from 'node:crypto';
import { NotificationError } from './errors.ts';
import {
  looksLikeXml,
  openV2Notification,
  V2_ACCEPTED,
  type V2Notification,
  type V2NotificationKey,
  v2Refusal,
} from './v2/notifications.ts';
import { openV3Notification, type RawNotification, type V3Notification } from './v3/notifications.ts';
import type { Role } from './v3/role.ts';
import type { VerificationKeys } from './v3/verification-keys.ts';

/**
 * What v2 orders, and some refunds of v3 merchants, are notified with: `resource.kind` tells which. It has no id of its own; this one is
 * made of its numbers, so that repeats have the same.
 */
export interface V2Event {
  kind: 'v2';
  /** 32 hexadecimal digits. */
  id: string;
  event_type: 'V2.TRANSACTION' | 'V2.REFUND';
  resource: V2Notification;
}

/** Any genuine notification, by `kind`. */
export type Notification<R extends Role = 'merchant'> = V3Notification<R> | V2Event;

/** What to answer WeChat Pay within five seconds. */
export interface NotificationReply {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** Genuine ones have a few kilobytes. */
const MAX_BODY_BYTES = 1024 * 1024;

/** Opens what WeChat Pay posts to `notify_url`, and knows what to answer. */
export class Notifications<R extends Role = 'merchant'> {
  readonly #keys: VerificationKeys;
  readonly #apiV3Key: string;
  readonly #v2: V2NotificationKey | undefined;
  readonly #clock: () => number;

  constructor({
    keys,
    apiV3Key,
    v2,
    clock,
  }: {
    keys: VerificationKeys;
    apiV3Key: string;
    v2?: V2NotificationKey | undefined;
    clock: () => number;
  }) {
    this.#keys = keys;
    this.#apiV3Key = apiV3Key;
    this.#v2 = v2;
    this.#clock = clock;
  }

  /**
   * Verifies and decrypts a notification, v3 JSON or v2 XML. Compare mchid, appid, number and amount with your own records before you believe that the right
   * thing was paid.
   * @throws NotificationError with its verdict.
   * @throws TypeError when the body is not the raw bytes.
   */
  async open(raw: RawNotification): Promise<Notification<R>> {
    const { body } = raw;
    const isXml = arrivedAsXml(body);
    if (body.length > MAX_BODY_BYTES) {
      throw new NotificationError(
        'forged',
        `The notification has ${body.length} bytes; WeChat Pay sends no such thing.`,
      );
    }
    if (isXml) return this.#openV2(body);
    return await openV3Notification<R>(raw, {
      keys: this.#keys,
      apiV3Key: this.#apiV3Key,
      now: this.#clock(),
    });
  }

  /** The answer that ends the repeats. @throws TypeError when the body is not the raw bytes. */
  accepted({ body }: Pick<RawNotification, 'body'>): NotificationReply {
    if (arrivedAsXml(body)) return xml(V2_ACCEPTED);
    return { status: 204, headers: {}, body: '' };
  }

  /** The answer after which it comes again. @param reason a few words, read by nobody. @throws TypeError when the body is not the raw bytes. */
  refused({ body }: Pick<RawNotification, 'body'>, reason: string): NotificationReply {
    if (arrivedAsXml(body)) return xml(v2Refusal(reason));
    return {
      status: 400,
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ code: 'FAIL', message: reason }),
    };
  }

  #openV2(body: Buffer): V2Event {
    if (!this.#v2) {
      throw new NotificationError(
        'undecryptable',
        'The notification is XML, as v2 sends it, and this client has no apiV2Key to verify or decrypt it with.',
      );
    }
    const resource = openV2Notification(body, this.#v2);
    const numbers =
      resource.kind === 'refund'
        ? [resource.refund_id, resource.refund_status]
        : [resource.transaction_id, resource.out_trade_no, resource.result_code];
    const id = createHash('sha256').update(JSON.stringify(numbers)).digest('hex').slice(0, 32);
    const event_type = resource.kind === 'refund' ? 'V2.REFUND' : 'V2.TRANSACTION';
    return { kind: 'v2', id, event_type, resource };
  }
}

/** @throws TypeError when the body is not the raw bytes. */
function arrivedAsXml(body: Buffer): boolean {
  if (!Buffer.isBuffer(body))
    throw new TypeError('body must be the raw bytes of the request, as a Buffer; do not parse it');
  return looksLikeXml(body);
}

function xml(body: string): NotificationReply {
  return { status: 200, headers: { 'Content-Type': 'text/xml; charset=utf-8' }, body };
}
