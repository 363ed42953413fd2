import type { Subject } from './faults/fault.ts';
import type { Order } from './orders/order.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const OLD_ORDER_MS = 30 * 24 * 60 * MINUTE_MS;

/** How many calls a merchant may make in a window of so many milliseconds. */
interface RateLimit {
  calls: number;
  perMs: number;
}

const perSecond = (calls: number): RateLimit => ({ calls, perMs: SECOND_MS });
const perMinute = (calls: number): RateLimit => ({ calls, perMs: MINUTE_MS });

/** The documented figures by endpoint, v2 counting with its twin of v3; what is not here has no documented limit. */
export const RATE_LIMITS: Readonly<Record<string, RateLimit>> = {
  'jsapi.create': perSecond(500),
  'codepay.create': perSecond(33),
  'v2.micropay': perSecond(33),
  'refund.create': perSecond(150),
  'v2.refund': perSecond(150),
  'refund.query': perSecond(300),
  'v2.refundQuery': perSecond(300),
  'refund.applyAbnormal': perSecond(150),
  'bill.fund_flow': perSecond(3),
  'certificates.list': perSecond(1000),
  'complaint.respond': perMinute(60),
  'complaint.list': perMinute(200),
  'complaint.history': perMinute(200),
  'complaint_image.upload': perMinute(60),
  'complaint.complete': perMinute(1500),
};

/** Overseas merchants have limits of their own. */
export const OVERSEAS_RATE_LIMITS: Readonly<Record<string, RateLimit>> = {
  'codepay.create': perSecond(150),
  'codepay.reverse': perSecond(150),
};

/** Applications that are refused count apart, and so do those for orders of more than a month ago (official refund page). */
const FAILING_REFUNDS = perSecond(6);
const OLD_REFUNDS = perMinute(5000);
const REFUND_APPLICATIONS: readonly string[] = ['refund.create', 'v2.refund'];

/** What was exceeded: the calls of an endpoint, its refused calls, or refunds of old orders. */
export type Excess = 'calls' | 'failures' | 'old_orders';

/** Counts calls per merchant and endpoint on the simulator's clock, in windows that begin with the second or the minute. */
export class RateLimits {
  /**
   * Off unless told: tests and load runs place thousands of orders at once and mean to measure themselves, not a limit; what a client does about
   * 429 is tried better with the fault `rate_limited_429`.
   */
  enabled: boolean;
  readonly #clock: () => number;
  readonly #isOverseas: (mchid: string) => boolean;
  readonly #windows = new Map<string, { start: number; count: number }>();

  constructor(options: { enabled: boolean; clock: () => number; isOverseas: (mchid: string) => boolean }) {
    this.enabled = options.enabled;
    this.#clock = options.clock;
    this.#isOverseas = options.isOverseas;
  }

  /** Counts a call. Undefined when it may go on; a call that exceeds a limit does not count to it. */
  excess(operation: string, { mchid }: Subject, order: Order | undefined): Excess | undefined {
    if (!this.enabled || mchid === undefined) return undefined;
    const limits = this.#isOverseas(mchid) ? OVERSEAS_RATE_LIMITS : RATE_LIMITS;
    const limit = limits[operation];
    if (REFUND_APPLICATIONS.includes(operation)) {
      if (this.#isFull(`${mchid} failing refunds`, FAILING_REFUNDS)) return 'failures';
      const isOld = order?.paidAt !== undefined && this.#clock() > order.paidAt + OLD_ORDER_MS;
      if (isOld && !this.#count(`${mchid} old refunds`, OLD_REFUNDS)) return 'old_orders';
    }
    if (limit && !this.#count(`${mchid} ${operation}`, limit)) return 'calls';
    return undefined;
  }

  /** A call was refused. */
  failed(operation: string, { mchid }: Subject): void {
    if (!this.enabled || mchid === undefined || !REFUND_APPLICATIONS.includes(operation)) return;
    this.#count(`${mchid} failing refunds`, FAILING_REFUNDS);
  }

  clear(): void {
    this.#windows.clear();
  }

  #count(key: string, limit: RateLimit): boolean {
    const window = this.#window(key, limit);
    if (window.count >= limit.calls) return false;
    window.count += 1;
    return true;
  }

  #isFull(key: string, limit: RateLimit): boolean {
    return this.#window(key, limit).count >= limit.calls;
  }

  #window(key: string, { perMs }: RateLimit): { start: number; count: number } {
    const now = this.#clock();
    const start = now - (now % perMs);
    const known = this.#windows.get(key);
    if (known?.start === start) return known;
    const window = { start, count: 0 };
    this.#windows.set(key, window);
    return window;
  }
}
