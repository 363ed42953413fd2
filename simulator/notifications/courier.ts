import { Agent, request } from 'undici';
import type { FaultRule } from '../faults/fault.ts';
import { DEFAULT_SKEW_MS, type PlatformSignature, type SignatureFlaw } from '../keys/platform-signature.ts';
import type { World } from '../merchants/world.ts';
import type { SeededRandom } from '../random.ts';
import type { Timers } from '../time/timers.ts';
import { spoiltXml } from '../v2/notice.ts';
import { replyProblem } from '../v2/reply.ts';
import { type Sealing, withWrongAmount } from './body.ts';

const ANSWER_TIMEOUT_MS = 5000;
/** Statuses that end the repeats (official notification pages); no other is named. */
const ACKNOWLEDGED: readonly number[] = [200, 204];

/** One POST to the merchant. */
export interface Attempt {
  /** Milliseconds since 1970 on the simulator's clock. */
  time: number;
  /** HTTP status of the merchant's answer; null when there was none. */
  status: number | null;
  error: string | null;
  fault: string | null;
}

/** What is posted, and to whom. */
export interface Parcel {
  /** Whose keys sign it. */
  mchid: string;
  eventType: string;
  notifyUrl: string;
  body: string;
}

/** The `Wechatpay-*` headers of a POST; XML has none. */
export type SignatureHeaders = Readonly<Record<string, string>>;

export interface CourierOptions {
  random: SeededRandom;
  timers: Timers;
  signature: PlatformSignature;
  world: World;
  /** Real milliseconds a merchant has to answer; 5000 unless told. */
  timeoutMs: number | undefined;
}

/** Posts notifications, each time signed afresh, and waits five seconds for the answer. */
export class Courier {
  readonly #options: CourierOptions;
  readonly #agent = new Agent({ connections: 64 });
  #closed = false;

  constructor(options: CourierOptions) {
    this.#options = options;
  }

  /**
   * Posts once, spoilt as a fault says. What came of it; undefined when the simulator was closed meanwhile.
   * @param replayed the headers of an earlier POST, sent again in place of a fresh signature.
   */
  async deliver(
    parcel: Parcel,
    fault?: FaultRule,
    replayed?: SignatureHeaders,
  ): Promise<{ attempt: Attempt; headers: SignatureHeaders } | undefined> {
    const body = this.#body(parcel, fault);
    const headers = replayed ?? (await this.#signature(parcel, body, fault));
    const time = this.#options.timers.now();
    const attempt: Attempt = { time, status: null, error: null, fault: fault?.kind ?? null };
    try {
      const { status, problem } = await this.#post(parcel, body, headers);
      attempt.status = status;
      attempt.error = problem;
    } catch (error) {
      attempt.error = reason(error);
    }
    return this.#closed ? undefined : { attempt, headers };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#agent.destroy();
  }

  #body({ mchid, eventType, body }: Parcel, fault?: FaultRule): string {
    const { merchant } = this.#options.world.get(mchid);
    if (isXml(eventType)) return spoiltXml(body, fault?.kind ?? null, merchant.apiV2Key);
    if (fault?.kind !== 'wrong_amount') return body;
    const sealing: Sealing = { apiV3Key: merchant.apiV3Key, nonce: this.#options.random.text(12) };
    return withWrongAmount(body, sealing);
  }

  async #signature({ mchid, eventType }: Parcel, body: string, fault?: FaultRule): Promise<SignatureHeaders> {
    if (isXml(eventType)) return {};
    const { world, signature, timers } = this.#options;
    const key = world.notificationKey(mchid, timers.now(), { otherKind: fault?.kind === 'other_key_kind' });
    return signature.headers(body, key, flaw(fault));
  }

  async #post(
    { notifyUrl, eventType }: Parcel,
    body: string,
    headers: SignatureHeaders,
  ): Promise<{ status: number; problem: string | null }> {
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
          'Content-Type': isXml(eventType) ? 'text/xml' : 'application/json',
          Accept: '*/*',
          'User-Agent': 'Mozilla/4.0',
          ...headers,
        },
        body,
      });
      const status = answer.statusCode;
      const problem = ACKNOWLEDGED.includes(status) ? null : `answered ${status}`;
      if (isXml(eventType) && !problem) return { status, problem: await replyProblem(answer.body) };
      await answer.body.dump();
      return { status, problem };
    } finally {
      cancel();
    }
  }
}

/** Whether a notification is v2's XML. */
export function isXml(eventType: string): boolean {
  return eventType.startsWith('V2.');
}

function flaw(fault: FaultRule | undefined): SignatureFlaw | undefined {
  switch (fault?.kind) {
    case 'forge':
      return { kind: 'bad_signature' };
    case 'probe_signature':
      return { kind: 'probe_signature' };
    case 'stale':
      return { kind: 'skewed', skewMs: fault.skew_ms ?? DEFAULT_SKEW_MS };
    default:
      return undefined;
  }
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  return code && code !== 'UND_ERR_ABORTED' ? code : error.message;
}
