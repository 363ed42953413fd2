import type { FaultBook } from '../faults/book.ts';
import type { FaultKind, FaultRule } from '../faults/fault.ts';
import { ControlError } from '../gateway-error.ts';
import { Collection, type Journal } from '../journal.ts';
import type { PlatformSignature } from '../keys/platform-signature.ts';
import type { World } from '../merchants/world.ts';
import type { SeededRandom } from '../random.ts';
import type { Timers } from '../time/timers.ts';
import { type Notice, notificationBody } from './body.ts';
import { type Attempt, Courier, isXml, type SignatureHeaders } from './courier.ts';
import { secondsBeforeRetry } from './retry-schedule.ts';

const DEFAULT_DELAY_MS = 5000;
const DEFAULT_REPLAY_MS = 60 * 60_000;
/** How many attempts of a notification are remembered, the newest: more than any schedule has. */
const MOST_ATTEMPTS = 2000;

/** A notification as the gateway keeps it. Times are milliseconds. */
export interface Notification {
  id: string;
  /** Whose keys sign and encrypt it. */
  mchid: string;
  eventType: Notice['eventType'];
  outTradeNo: string;
  outRefundNo?: string | undefined;
  complaintId?: string | undefined;
  notifyUrl: string;
  createdAt: number;
  /** The exact body, the same at every attempt; only the signature is fresh. */
  body: string;
  /** `lost` was swallowed by a fault, `exhausted` failed at every attempt. */
  status: 'pending' | 'delivered' | 'exhausted' | 'lost';
  attempts: Attempt[];
  /** Retries of the schedule that are used up. */
  retries: number;
  nextAttemptAt: number | null;
  /** The fault that made the next attempt late; that attempt has no other. */
  lateBy?: FaultRule;
  /** Held until another notification was delivered: any of the merchant, or one of the same order. */
  heldWithin?: 'merchant' | 'order';
  /** When it comes again after its delivery, with the headers of then, or with fresh ones. */
  replay?: { dueAt: number; headers: SignatureHeaders | null; fault: FaultRule };
}

/** Whom a notification goes to, and what it is about; nobody hears who gave no address. */
export type Addressee = Pick<Notification, 'mchid' | 'outTradeNo' | 'outRefundNo' | 'complaintId'> & {
  notifyUrl?: string | undefined;
};

export interface NotificationOptions {
  journal: Journal;
  random: SeededRandom;
  clock: () => number;
  timers: Timers;
  signature: PlatformSignature;
  world: World;
  faults: FaultBook;
  /** Milliseconds from the event to the first attempt. */
  delayMs: number;
  /** Divides the waits of the retry schedule. */
  timeScale: number;
  /** Real milliseconds a merchant has to answer; 5000 unless told. */
  timeoutMs: number | undefined;
  onAttempt: (notification: Notification) => void;
}

/** What merchants are told: sent as WeChat Pay does, and repeated on the documented schedule. */
export class Notifications {
  readonly #notifications: Collection<Notification>;
  readonly #held = new Set<Notification>();
  readonly #courier: Courier;
  readonly #options: NotificationOptions;

  constructor(options: NotificationOptions) {
    this.#options = options;
    this.#courier = new Courier(options);
    this.#notifications = new Collection<Notification>(options.journal, 'notification');
  }

  /** Schedules what was pending when the process ended. Those of merchants that a scenario no longer has rest. */
  resume(): void {
    for (const notification of this.#notifications.values()) {
      if (!this.#options.world.find(notification.mchid)) continue;
      if (notification.heldWithin) this.#held.add(notification);
      if (notification.nextAttemptAt !== null) this.#schedule(notification);
      if (notification.replay) this.#scheduleReplay(notification, notification.replay);
    }
  }

  /** Creates a notification; the first attempt follows after `delayMs`. */
  create(
    about: Pick<Notification, 'mchid' | 'outTradeNo' | 'outRefundNo' | 'complaintId' | 'notifyUrl'>,
    notice: Notice,
  ): void {
    const { random, clock, delayMs, world } = this.#options;
    const id = random.uuid();
    const sealing = { apiV3Key: world.get(about.mchid).merchant.apiV3Key, nonce: random.text(12) };
    const notification: Notification = {
      id,
      ...about,
      eventType: notice.eventType,
      createdAt: clock(),
      body: notificationBody(notice, id, clock(), sealing),
      status: 'pending',
      attempts: [],
      retries: 0,
      nextAttemptAt: clock() + delayMs,
    };
    this.#save(notification);
    this.#schedule(notification);
  }

  /** Sends again at once; a failure starts the retry schedule anew. @throws ControlError 404 for an unknown id. */
  async redeliver(id: string): Promise<Notification> {
    const notification = this.#notifications.get(id);
    if (!notification) throw new ControlError(404, `no notification ${id}`);
    this.#options.world.requireEnrolled(notification.mchid);
    this.#letGo(notification);
    notification.status = 'pending';
    notification.retries = 0;
    notification.nextAttemptAt = this.#options.clock();
    this.#save(notification);
    await this.#attempt(notification, notification.nextAttemptAt);
    return notification;
  }

  newest(limit: number): Notification[] {
    return this.#notifications.newest(limit);
  }

  get size(): number {
    return this.#notifications.size;
  }

  clear(): void {
    for (const notification of this.#notifications.values()) notification.nextAttemptAt = null;
    this.#notifications.clear();
    this.#held.clear();
  }

  close(): Promise<void> {
    return this.#courier.close();
  }

  #schedule(notification: Notification): void {
    const due = notification.nextAttemptAt;
    if (due === null) return;
    this.#options.timers.at(due, () => this.#attempt(notification, due));
  }

  async #attempt(notification: Notification, due: number): Promise<void> {
    // A redelivery or a reset came in between: this timer is out of date.
    if (notification.nextAttemptAt !== due) return;
    const { lateBy } = notification;
    const fault = lateBy ?? this.#fire(notification);
    if (!lateBy && fault && this.#putOff(notification, fault)) return;
    const copies = fault?.kind === 'duplicate' ? (fault.copies ?? 2) : 1;
    const sent = await Promise.all(
      Array.from({ length: copies }, () => this.#courier.deliver(notification, fault)),
    );
    const results = sent.filter((one) => one !== undefined);
    notification.attempts.push(...results.map(({ attempt }) => attempt));
    notification.attempts.splice(0, notification.attempts.length - MOST_ATTEMPTS);
    if (results.length === 0 || notification.nextAttemptAt !== due) return;
    delete notification.lateBy;
    const accepted = results.find(({ attempt }) => attempt.error === null);
    if (accepted) {
      notification.status = 'delivered';
      notification.nextAttemptAt = null;
      if (fault?.kind === 'replay') this.#planReplay(notification, fault, accepted.headers);
    } else {
      this.#planRetry(notification);
    }
    this.#save(notification);
    this.#options.onAttempt(notification);
    if (accepted) this.#releaseAfter(notification);
  }

  #fire(notification: Notification): FaultRule | undefined {
    // A subject of its own: every attempt is an occasion.
    const { mchid, outTradeNo, outRefundNo, eventType } = notification;
    return this.#options.faults.fire('notification', { mchid, outTradeNo, outRefundNo, eventType }, (kind) =>
      fits(kind, eventType),
    );
  }

  /** Faults that leave nothing to send now: whether it is one of these. */
  #putOff(notification: Notification, fault: FaultRule): boolean {
    const { clock, onAttempt } = this.#options;
    switch (fault.kind) {
      case 'drop':
        notification.status = 'lost';
        notification.nextAttemptAt = null;
        this.#save(notification);
        onAttempt(notification);
        return true;
      case 'delay':
        notification.lateBy = fault;
        notification.nextAttemptAt = clock() + (fault.delay_ms ?? DEFAULT_DELAY_MS);
        this.#save(notification);
        this.#schedule(notification);
        return true;
      case 'reorder':
        notification.lateBy = fault;
        notification.nextAttemptAt = null;
        notification.heldWithin = fault.within ?? 'merchant';
        this.#held.add(notification);
        this.#save(notification);
        return true;
      default:
        return false;
    }
  }

  /** What was held for this delivery goes out now. */
  #releaseAfter(delivered: Notification): void {
    for (const held of this.#held) {
      if (held === delivered || held.mchid !== delivered.mchid) continue;
      if (held.heldWithin === 'order' && held.outTradeNo !== delivered.outTradeNo) continue;
      this.#letGo(held);
      held.nextAttemptAt = this.#options.clock();
      this.#save(held);
      this.#schedule(held);
    }
  }

  #letGo(notification: Notification): void {
    this.#held.delete(notification);
    delete notification.heldWithin;
  }

  #planReplay(notification: Notification, fault: FaultRule, headers: SignatureHeaders): void {
    const dueAt = this.#options.clock() + (fault.delay_ms ?? DEFAULT_REPLAY_MS);
    notification.replay = { dueAt, headers: fault.freshly_signed ? null : headers, fault };
    this.#scheduleReplay(notification, notification.replay);
  }

  #scheduleReplay(notification: Notification, replay: NonNullable<Notification['replay']>): void {
    const { timers, onAttempt } = this.#options;
    timers.at(replay.dueAt, async () => {
      // A reset came in between.
      if (this.#notifications.get(notification.id) !== notification) return;
      const sent = await this.#courier.deliver(notification, replay.fault, replay.headers ?? undefined);
      if (!sent) return;
      delete notification.replay;
      notification.attempts.push(sent.attempt);
      this.#save(notification);
      onAttempt(notification);
    });
  }

  #planRetry(notification: Notification): void {
    const { clock, timeScale } = this.#options;
    const seconds = secondsBeforeRetry(notification.eventType, notification.retries);
    if (seconds === undefined) {
      notification.status = 'exhausted';
      notification.nextAttemptAt = null;
      return;
    }
    notification.retries += 1;
    notification.nextAttemptAt = clock() + (seconds * 1000) / timeScale;
    this.#schedule(notification);
  }

  #save(notification: Notification): void {
    this.#notifications.put(notification.id, notification);
  }
}

/** Only payments and refunds have amounts, and XML has neither headers nor a time. */
function fits(kind: FaultKind, eventType: string): boolean {
  if (kind === 'wrong_amount') return !/^(COMPLAINT|SECURITY_ECHO)\./.test(eventType);
  return !isXml(eventType) || !['stale', 'probe_signature', 'other_key_kind'].includes(kind);
}
