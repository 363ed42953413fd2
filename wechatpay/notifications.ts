import { NotificationError } from './errors.ts';
import { openV3Notification, type RawNotification, type V3Notification } from './v3/notifications.ts';
import type { Role } from './v3/role.ts';
import type { VerificationKeys } from './v3/verification-keys.ts';

/** Any genuine notification, by `kind`. */
export type Notification<R extends Role = 'merchant'> = V3Notification<R>;

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
  readonly #clock: () => number;

  constructor({ keys, apiV3Key, clock }: { keys: VerificationKeys; apiV3Key: string; clock: () => number }) {
    this.#keys = keys;
    this.#apiV3Key = apiV3Key;
    this.#clock = clock;
  }

  /**
   * Verifies and decrypts a notification. Compare mchid, appid, number and amount with your own records before you believe that the right
   * thing was paid.
   * @throws NotificationError with its verdict.
   * @throws TypeError when the body is not the raw bytes.
   */
  async open(raw: RawNotification): Promise<Notification<R>> {
    const { body } = raw;
    if (!Buffer.isBuffer(body))
      throw new TypeError('body must be the raw bytes of the request, as a Buffer; do not parse it');
    if (body.length > MAX_BODY_BYTES) {
      throw new NotificationError(
        'forged',
        `The notification has ${body.length} bytes; WeChat Pay sends no such thing.`,
      );
    }
    return await openV3Notification<R>(raw, {
      keys: this.#keys,
      apiV3Key: this.#apiV3Key,
      now: this.#clock(),
    });
  }
}
