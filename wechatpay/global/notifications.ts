import { type NotificationReply, Notifications } from '../notifications.ts';
import type { ComplaintEvent, Envelope, OtherEvent, RawNotification } from '../v3/notifications.ts';
import type { Role } from '../v3/role.ts';
import type { VerificationKeys } from '../v3/verification-keys.ts';
import type { GlobalOrder } from './orders.ts';
import type { GlobalRefund, GlobalRefundAmount } from './refunds.ts';

/**
 * What `REFUND.*` carries. The official pages were not seen in full: what is optional here may be there or not, and what decides is better
 * asked for with `refunds.queryByOutRefundNo`. Whatever else comes is kept.
 */
export interface GlobalRefundNotification
  extends Partial<Omit<GlobalRefund, 'amount' | 'out_refund_no' | 'status'>> {
  mchid?: string;
  sp_mchid?: string;
  sub_mchid?: string;
  out_refund_no: string;
  /** WeChat Pay's number of the refund, where it is not called `id`. */
  refund_id?: string;
  /** Filled from `status` where the notification says that instead. */
  refund_status: 'SUCCESS' | 'CLOSED' | 'REFUNDCLOSE' | 'ABNORMAL';
  amount?: Partial<GlobalRefundAmount>;
}

/** Somebody paid. There is no notification for failed or closed orders. */
export type GlobalTransactionEvent<R extends Role = 'merchant'> = Envelope<
  'transaction',
  'TRANSACTION.SUCCESS',
  GlobalOrder<R>
>;

/** A refund came to an end. */
export type GlobalRefundEvent = Envelope<
  'refund',
  'REFUND.SUCCESS' | 'REFUND.ABNORMAL' | 'REFUND.CLOSED',
  GlobalRefundNotification
>;

/** A genuine overseas notification, by `kind`. */
export type GlobalNotification<R extends Role = 'merchant'> =
  | GlobalTransactionEvent<R>
  | GlobalRefundEvent
  | ComplaintEvent
  | OtherEvent;

/** Opens what WeChat Pay posts to `notify_url` of an overseas merchant: signed and encrypted as in the mainland, with the overseas objects. */
export class GlobalNotifications<R extends Role = 'merchant'> {
  readonly #notifications: Notifications;

  constructor(options: { keys: VerificationKeys; apiV3Key: string; clock: () => number }) {
    this.#notifications = new Notifications(options);
  }

  /**
   * Verifies and decrypts a notification. Compare mchid, appid, number, amount and currency with your own records before you believe that
   * the right thing was paid.
   * @throws NotificationError with its verdict.
   * @throws TypeError when the body is not the raw bytes.
   */
  async open(raw: RawNotification): Promise<GlobalNotification<R>> {
    // The envelope is the same, and the fields that are checked are, too; the objects inside are the overseas ones.
    return (await this.#notifications.open(raw)) as unknown as GlobalNotification<R>;
  }

  /** What to answer when the notification is stored. */
  accepted(raw: Pick<RawNotification, 'body'>): NotificationReply {
    return this.#notifications.accepted(raw);
  }

  /** What to answer so that it comes again. @param reason is shown to WeChat Pay. */
  refused(raw: Pick<RawNotification, 'body'>, reason: string): NotificationReply {
    return this.#notifications.refused(raw, reason);
  }
}
