import { WechatPayError } from '../wechatpay/index.ts';

/** A call that takes longer is slow, in milliseconds. */
const SLOW_MS = 1_000;
/** So long a slow or failed call is remembered, in milliseconds. */
const REMEMBERED_MS = 10_000;

/**
 * Whether the gateway answers promptly at the moment, as this worker sees it. A step may hold a workflow task while it calls the gateway only
 * then; each merchant's calls say something about all, since it is the same gateway.
 */
export class GatewayPace {
  readonly #clock: () => number;
  #promptFrom = Number.NEGATIVE_INFINITY;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  get prompt(): boolean {
    return this.#clock() >= this.#promptFrom;
  }

  /** Makes a call and takes its time. A refusal is an answer. */
  async timed<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    const started = this.#clock();
    let answered = true;
    try {
      return await call();
    } catch (error) {
      answered = error instanceof WechatPayError && error.outcome === 'rejected';
      throw error;
    } finally {
      const now = this.#clock();
      if (!answered || now - started > SLOW_MS) this.#promptFrom = now + REMEMBERED_MS;
    }
  }
}
