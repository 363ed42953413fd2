import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';

/** A payment or refund as the API answers it; the fields the tour reads. */
export interface Resource {
  id: string;
  status: string;
  mchid: string;
  out_trade_no: string;
  out_refund_no?: string;
  code_url?: string | null;
}

/** How long a backend waits for something to happen, unless it is told another time, in milliseconds. */
const PATIENCE_MS = 120_000;
const LOOK_AGAIN_MS = 200;

type Method = 'GET' | 'POST' | 'DELETE';

/**
 * A merchant's backend as it should be: every POST carries an Idempotency-Key, and one that gets no answer, or a 5xx, is repeated
 * with the same key. So the processes behind may die at any time.
 */
export class MerchantBackend {
  readonly #apiUrl: string;
  readonly #apiKey: string;
  readonly #controlUrl: string;
  readonly #patienceMs: number;

  /**
   * @param simulatorUrl stands in for the customer's phone, and for the gateway's bad days.
   * @param patienceMs how long it waits for something to happen, in milliseconds; two minutes unless it is said
   */
  constructor(
    { apiUrl, apiKey, simulatorUrl }: { apiUrl: string; apiKey: string; simulatorUrl: string },
    patienceMs = PATIENCE_MS,
  ) {
    this.#patienceMs = patienceMs;
    this.#apiUrl = apiUrl;
    this.#apiKey = apiKey;
    this.#controlUrl = `${simulatorUrl}/_simulator`;
  }

  /** `POST /v1/…` until it is answered. @throws Error for a 4xx. */
  async post(path: string, body: object): Promise<Resource> {
    return await this.#send('POST', `${this.#apiUrl}/v1${path}`, body, {
      authorization: `Bearer ${this.#apiKey}`,
      'idempotency-key': randomUUID(),
    });
  }

  /** `GET /v1/…` until it is answered. */
  async get<Answer = Resource>(path: string): Promise<Answer> {
    return await this.#send<Answer>('GET', `${this.#apiUrl}/v1${path}`, undefined, {
      authorization: `Bearer ${this.#apiKey}`,
    });
  }

  /** Waits until a payment or refund has one of the statuses. @throws Error when that takes too long. */
  async until(path: string, ...statuses: string[]): Promise<Resource> {
    return await this.found(
      () => this.get(path),
      ({ status }) => statuses.includes(status),
      ({ status }) => `${path} is ${status}, not ${statuses.join(' or ')}`,
    );
  }

  /** Looks again and again until what it sees is as it should be. @param what says what it sees. @throws Error when that takes too long. */
  async found<Seen>(
    look: () => Promise<Seen>,
    isIt: (seen: Seen) => boolean,
    what: (seen: Seen) => string,
  ): Promise<Seen> {
    const deadline = Date.now() + this.#patienceMs;
    for (;;) {
      const seen = await look();
      if (isIt(seen)) return seen;
      if (Date.now() > deadline) throw new Error(`still after ${this.#patienceMs / 1000} s: ${what(seen)}`);
      await sleep(LOOK_AGAIN_MS);
    }
  }

  /** Something in the simulator's control API. */
  async simulator<Answer>(method: Method, path: string, body?: object): Promise<Answer> {
    return await this.#send<Answer>(method, `${this.#controlUrl}${path}`, body, {});
  }

  async #send<Answer = Resource>(
    method: Method,
    url: string,
    body: object | undefined,
    headers: Record<string, string>,
  ): Promise<Answer> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const answer = await request(url, {
          method,
          headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
          body: body ? JSON.stringify(body) : null,
          headersTimeout: 20_000,
        });
        const text = await answer.body.text();
        if (answer.statusCode < 400) return (text === '' ? undefined : JSON.parse(text)) as Answer;
        if (answer.statusCode < 500) {
          throw new Refusal(`${method} ${new URL(url).pathname}: ${answer.statusCode} ${text}`);
        }
      } catch (error) {
        if (error instanceof Refusal || attempt >= 120) throw error;
      }
      await sleep(500);
    }
  }
}

/** The request was understood and refused: a repeat would be refused too. */
class Refusal extends Error {}
