import { Agent, request } from 'undici';
import { encryptResource } from '../wechatpay/v3/aead.ts';
import { chinaTime } from './china-time.ts';
import type { FaultBook } from './fault-book.ts';
import { ControlError } from './gateway-error.ts';
import { Collection, type Journal } from './journal.ts';
import type { PlatformSignature, SignatureFlaw } from './platform-signature.ts';
import type { SeededRandom } from './random.ts';
import { secondsBeforeRetry } from './retry-schedule.ts';
import type { Timers } from './timers.ts';
import { spoiltXml, type V2Notice } from './v2/notice.ts';
import { replyProblem } from './v2/reply.ts';
import type { World } from './world.ts';

const ANSWER_TIMEOUT_MS = 5000;
const DEFAULT_DELAY_MS = 5000;

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

/** One POST to the merchant. */
export interface Attempt {
  time: number;
  /** HTTP status of the merchant's answer; null when there was none. */
  status: number | null;
  error: string | null;
  fault: string | null;
}

/** What a notification says: an encrypted v3 resource, or v2's XML as it stands. */
export type Notice = { eventType: EventType; originalType: string; plaintext: object } | V2Notice;

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
}

/** Sends notifications as WeChat Pay does: signed afresh, five seconds to answer, repeated on the documented schedule. */
export class Notifications {
  readonly #notifications: Collection<Notification>;
  readonly #agent = new Agent({ connections: 64 });
  #closed = false;
  readonly #options: NotificationOptions;

  constructor(options: NotificationOptions) {
    this.#options = options;
    this.#notifications = new Collection<Notification>(options.journal, 'notification');
  }

  /** Schedules what was pending when the process ended. */
  resume(): void {
    for (const notification of this.#notifications.values()) {
      if (notification.nextAttemptAt !== null) this.#schedule(notification);
    }
  }

  /** Creates a notification; the first attempt follows after `delayMs`. */
  create(
    about: Pick<Notification, 'mchid' | 'outTradeNo' | 'outRefundNo' | 'complaintId' | 'notifyUrl'>,
    notice: Notice,
  ): void {
    const { random, clock, delayMs } = this.#options;
    const id = random.uuid();
    const notification: Notification = {
      id,
      ...about,
      eventType: notice.eventType,
      createdAt: clock(),
      body: 'xml' in notice ? notice.xml : this.#envelope(id, about.mchid, notice),
      status: 'pending',
      attempts: [],
      retries: 0,
      nextAttemptAt: clock() + delayMs,
    };
    this.#save(notification);
    this.#schedule(notification);
  }

  #envelope(
    id: string,
    mchid: string,
    { eventType, originalType, plaintext }: Exclude<Notice, { xml: string }>,
  ): string {
    const { random, clock, world } = this.#options;
    const resource = encryptResource(JSON.stringify(plaintext), {
      apiV3Key: world.get(mchid).merchant.apiV3Key,
      nonce: random.text(12),
      associatedData: originalType,
    });
    return JSON.stringify({
      id,
      create_time: chinaTime(clock()),
      resource_type: 'encrypt-resource',
      event_type: eventType,
      summary: SUMMARIES[eventType],
      resource: { original_type: originalType, ...resource },
    });
  }

  /** Sends again at once; a failure starts the retry schedule anew. @throws ControlError 404 for an unknown id. */
  async redeliver(id: string): Promise<Notification> {
    const notification = this.#notifications.get(id);
    if (!notification) throw new ControlError(404, `no notification ${id}`);
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
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#agent.destroy();
  }

  #schedule(notification: Notification): void {
    const due = notification.nextAttemptAt;
    if (due === null) return;
    this.#options.timers.at(due, () => this.#attempt(notification, due));
  }

  async #attempt(notification: Notification, due: number): Promise<void> {
    // A redelivery or a reset came in between: this timer is out of date.
    if (notification.nextAttemptAt !== due) return;
    const { faults, timers } = this.#options;
    const fault = faults.fire('notification', { ...notification }, () => true);
    if (fault?.kind === 'drop') {
      notification.status = 'lost';
      notification.nextAttemptAt = null;
      this.#save(notification);
      this.#options.onAttempt(notification);
      return;
    }
    if (fault?.kind === 'delay') {
      await new Promise<void>((resolve) => timers.after(fault.delay_ms ?? DEFAULT_DELAY_MS, resolve));
    }
    const kind = fault?.kind ?? null;
    const copies = kind === 'duplicate' ? 2 : 1;
    const results = await Promise.all(Array.from({ length: copies }, () => this.#send(notification, kind)));
    if (this.#closed || notification.nextAttemptAt !== due) return;
    if (results.includes(true)) {
      notification.status = 'delivered';
      notification.nextAttemptAt = null;
    } else {
      this.#planRetry(notification);
    }
    this.#save(notification);
    this.#options.onAttempt(notification);
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

  async #send(notification: Notification, fault: string | null): Promise<boolean> {
    const attempt: Attempt = { time: this.#options.clock(), status: null, error: null, fault };
    try {
      const { status, problem } = await this.#post(notification, fault);
      attempt.status = status;
      attempt.error = problem;
    } catch (error) {
      if (this.#closed) return false;
      attempt.error = reason(error);
    }
    notification.attempts.push(attempt);
    return attempt.error === null;
  }

  async #post(
    { notifyUrl, body, mchid, eventType }: Notification,
    fault: string | null,
  ): Promise<{ status: number; problem: string | null }> {
    const { signature, world, clock } = this.#options;
    const isV2 = eventType.startsWith('V2.');
    const timeout = new AbortController();
    const cancel = this.#options.timers.after(this.#options.timeoutMs ?? ANSWER_TIMEOUT_MS, () =>
      timeout.abort(new Error('no answer within 5 s')),
    );
    try {
      const answer = await request(notifyUrl, {
        method: 'POST',
        dispatcher: this.#agent,
        signal: timeout.signal,
        headers: {
          'Content-Type': isV2 ? 'text/xml' : 'application/json',
          Accept: '*/*',
          'User-Agent': 'Mozilla/4.0',
          ...(isV2 ? {} : signature.headers(body, world.notificationKey(mchid, clock()), flaw(fault))),
        },
        body: isV2 ? spoiltXml(body, fault, world.get(mchid).merchant.apiV2Key) : body,
      });
      const status = answer.statusCode;
      const problem = status < 200 || status > 299 ? `answered ${status}` : null;
      if (isV2 && !problem) return { status, problem: await replyProblem(answer.body) };
      await answer.body.dump();
      return { status, problem };
    } finally {
      cancel();
    }
  }

  #save(notification: Notification): void {
    this.#notifications.put(notification.id, notification);
  }
}

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

function flaw(fault: string | null): SignatureFlaw | undefined {
  if (fault === 'forge') return 'bad_signature';
  if (fault === 'stale' || fault === 'probe_signature') return fault;
  return undefined;
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  return code && code !== 'UND_ERR_ABORTED' ? code : error.message;
}
