import { randomBytes } from 'node:crypto';
import { Agent, type Dispatcher } from 'undici';
import type { Credentials } from '../configuration.ts';
import { type ErrorDetails, OutcomeUnknownError, type SentRequest } from '../errors.ts';
import { type Answer, errorFor, readObject } from './answer.ts';
import { formatAuthorization, requestMessage, signMessage } from './signature.ts';
import { headerValue, verifySignature } from './verification.ts';

/** A call to the gateway. */
export interface GatewayRequest {
  method: 'GET' | 'POST';
  /** Path with query, encoded: signed and sent exactly like this. */
  path: string;
  /** The exact JSON text. */
  body?: string;
  /** A 429 on this call does not prove that nothing has happened: true for refund applications. */
  rateLimitedMayHaveHappened?: boolean;
}

/** Whose requests they are. */
export interface Merchant {
  mchid: string;
  appid: string;
}

/** What the outside world gives to the transport. */
export interface TransportSeams {
  dispatcher?: Dispatcher | undefined;
  clock?: (() => number) | undefined;
  nonce?: (() => string) | undefined;
  userAgent?: string | undefined;
}

/** Orders with many goods and promotions stay far below this. */
const MAX_ANSWER_BYTES = 1024 * 1024;

/**
 * Signs, sends, reads, verifies: one attempt, no retries, because only the caller knows when a repeat is safe.
 */
export class Transport {
  readonly #credentials: Credentials;
  readonly #dispatcher: Dispatcher;
  readonly #ownsDispatcher: boolean;
  readonly #clock: () => number;
  readonly #nonce: () => string;
  readonly #userAgent: string;

  constructor(credentials: Credentials, { dispatcher, clock, nonce, userAgent }: TransportSeams) {
    this.#credentials = credentials;
    this.#ownsDispatcher = dispatcher === undefined;
    // The gateway keeps connections for eight seconds and says so; undici heeds that.
    this.#dispatcher = dispatcher ?? new Agent({ connect: { timeout: credentials.timeoutMs } });
    this.#clock = clock ?? Date.now;
    this.#nonce = nonce ?? (() => randomBytes(16).toString('hex').toUpperCase());
    this.#userAgent = userAgent || `paysaga (Node.js ${process.version})`;
  }

  /**
   * The verified JSON object of a 200, undefined for a 204.
   * @throws WechatPayError for everything else.
   */
  async send(request: GatewayRequest): Promise<Record<string, unknown> | undefined> {
    const sent: SentRequest = { method: request.method, url: this.#credentials.baseUrl + request.path };
    const answer = await this.#exchange(request, sent);
    const now = this.#clock();

    const successful = answer.status >= 200 && answer.status < 300;
    if (successful) this.#verify(answer, sent, now);
    if (!successful || answer.status === 202) {
      const rateLimitedMayHaveHappened = request.rateLimitedMayHaveHappened ?? false;
      throw errorFor(answer, { request: sent, now, rateLimitedMayHaveHappened });
    }
    if (answer.status === 204) return undefined;
    const body = readObject(answer.body);
    if (!body) throw unexpected(sent, 'is signed but no JSON object', detailsOf(answer));
    return body;
  }

  /**
   * As {@link send}, for a call that answers an object with at least these texts: a text stands for itself, true for any.
   * Signatures do not tie an answer to its request, so a mixed-up answer (a cache, a proxy) is noticed only by its number.
   */
  async call<T extends object>(
    request: GatewayRequest,
    expected: { [Field in keyof T]?: string | true },
  ): Promise<T> {
    const body = await this.send(request);
    const sent: SentRequest = { method: request.method, url: this.#credentials.baseUrl + request.path };
    for (const [field, wanted] of Object.entries(expected)) {
      const value = body?.[field];
      if (wanted === true ? typeof value === 'string' && value !== '' : value === wanted) continue;
      throw unexpected(sent, wanted === true ? `has no ${field}` : `is about another ${field}`);
    }
    return body as T;
  }

  /** Closes the connections this transport opened itself; calls under way are finished first. */
  async close(): Promise<void> {
    if (this.#ownsDispatcher) await this.#dispatcher.close();
  }

  async #exchange(request: GatewayRequest, sent: SentRequest): Promise<Answer> {
    const { baseUrl, timeoutMs } = this.#credentials;
    const signal = AbortSignal.timeout(timeoutMs);
    const headers = this.#headers(request);
    try {
      const {
        statusCode,
        headers: answered,
        body,
      } = await this.#dispatcher.request({
        origin: baseUrl,
        // Given as a path and not as a URL, so that nothing between the signature and the wire can spell it differently.
        path: request.path,
        method: request.method,
        headers,
        body: request.body ?? null,
        signal,
      });
      return { status: statusCode, headers: answered, body: await readCapped(body, sent, statusCode) };
    } catch (error) {
      if (error instanceof OutcomeUnknownError) throw error;
      const { name, code, message } = error as { name?: string; code?: string; message?: string };
      if (signal.aborted || name?.endsWith('TimeoutError')) {
        throw new OutcomeUnknownError(`${sent.method} ${sent.url} was not answered within ${timeoutMs} ms.`, {
          code: 'TIMEOUT',
          request: sent,
          cause: error,
        });
      }
      throw new OutcomeUnknownError(
        `${sent.method} ${sent.url} failed: ${code ?? message ?? String(error)}.`,
        {
          code: 'CONNECTION',
          request: sent,
          cause: error,
        },
      );
    }
  }

  #headers(request: GatewayRequest): Record<string, string> {
    const { mchid, serialNo, privateKey, publicKeyId } = this.#credentials;
    const timestamp = String(Math.floor(this.#clock() / 1000));
    const nonce = this.#nonce();
    const message = requestMessage({
      method: request.method,
      url: request.path,
      timestamp,
      nonce,
      body: request.body ?? '',
    });
    const signature = signMessage(message, privateKey);
    return {
      Accept: 'application/json',
      ...(request.body === undefined ? {} : { 'Content-Type': 'application/json' }),
      'User-Agent': this.#userAgent,
      'Wechatpay-Serial': publicKeyId,
      Authorization: formatAuthorization({ mchid, nonce, timestamp, serialNo, signature }),
    };
  }

  #verify(answer: Answer, sent: SentRequest, now: number): void {
    const verification = verifySignature(answer, { publicKeys: this.#credentials.publicKeys, now });
    if (verification.verdict === 'genuine') return;
    throw new OutcomeUnknownError(
      `${sent.method} ${sent.url} was answered ${answer.status}, but the answer cannot be believed: ${verification.reason}.`,
      {
        code: 'BAD_SIGNATURE',
        request: sent,
        ...detailsOf(answer),
        ...(verification.verdict === 'stale'
          ? { fix: 'Set the clock of this machine; then query, and repeat the same request.' }
          : {}),
      },
    );
  }
}

/** The error for an answer that is genuine or at least successful, and yet not what this call answers. */
function unexpected(
  sent: SentRequest,
  problem: string,
  details: Partial<ErrorDetails> = {},
): OutcomeUnknownError {
  return new OutcomeUnknownError(`The answer to ${sent.method} ${sent.url} ${problem}.`, {
    code: 'UNEXPECTED_ANSWER',
    request: sent,
    ...details,
  });
}

function detailsOf(answer: Answer): Partial<ErrorDetails> {
  return { httpStatus: answer.status, requestId: headerValue(answer.headers, 'request-id') };
}

/**
 * Reads a body up to the cap. What is longer is not WeChat Pay: fatal for a success, cut off for an error, whose status has said
 * enough.
 */
async function readCapped(body: AsyncIterable<Buffer>, sent: SentRequest, status: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop early destroys the connection.
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) {
      if (status >= 400) return Buffer.alloc(0);
      throw unexpected(sent, `is larger than ${MAX_ANSWER_BYTES} bytes`, { httpStatus: status });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
