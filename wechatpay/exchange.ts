import { Readable } from 'node:stream';
import { Agent, type Dispatcher } from 'undici';
import { OutcomeUnknownError, type SentRequest } from './errors.ts';
import type { Headers } from './headers.ts';

/** A request, ready to be sent. */
export interface HttpRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path with query, encoded: sent exactly like this. */
  path: string;
  headers: Record<string, string>;
  body?: string | Buffer | undefined;
}

/** An answer as it arrived. */
export interface Answer {
  status: number;
  headers: Headers;
  body: Buffer;
}

/** An answer whose body is still on its way. The caller reads it to its end or destroys it. */
export interface StreamedAnswer {
  status: number;
  headers: Headers;
  body: Readable;
}

/** How requests leave this machine. */
export interface ExchangeOptions {
  /** Scheme and host. */
  baseUrl: string;
  /** Tried once with the same bytes when no connection to `baseUrl` came about, which proves that nothing arrived there. */
  backupUrl?: string | undefined;
  /** Limit for a whole request, answer included, in milliseconds; for a streamed answer, the limit of each silence. */
  timeoutMs: number;
  /** Stays the caller's to close. */
  dispatcher?: Dispatcher | undefined;
  /** `User-Agent`; the gateway refuses requests without one. */
  userAgent?: string | undefined;
  /** For mutual TLS; only with the exchange's own connections. */
  clientCertificate?: { cert: string | Buffer; key: string | Buffer } | undefined;
}

/** Orders with many goods and promotions stay far below this. */
const MAX_ANSWER_BYTES = 1024 * 1024;

/** The request never left, because there was no connection to send it over. */
const NEVER_CONNECTED = new Set(['UND_ERR_CONNECT_TIMEOUT', 'ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED']);

/** One HTTP request, one answer, within a deadline: no retries, because only the caller knows when a repeat is safe. */
export class Exchange {
  readonly #options: ExchangeOptions;
  readonly #dispatcher: Dispatcher;
  #closing: Promise<void> | undefined;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    const { timeoutMs, backupUrl, clientCertificate } = options;
    // The gateway keeps connections for eight seconds and says so; undici heeds that.
    this.#dispatcher =
      options.dispatcher ??
      new Agent({
        // Time must be left for the backup.
        connect: { timeout: backupUrl ? Math.ceil(timeoutMs / 2) : timeoutMs, ...clientCertificate },
      });
  }

  /** What an error may tell about a request: neither headers nor body, nor a query that is a secret. */
  describe({ method, path }: Pick<HttpRequest, 'method' | 'path'>): SentRequest {
    return { method, url: this.#options.baseUrl + path.replace(/token=[^&]*/, 'token=…') };
  }

  /**
   * Sends a request and reads the whole answer, whatever its status.
   * @throws OutcomeUnknownError TIMEOUT, CONNECTION, or UNEXPECTED_ANSWER for a success larger than any answer.
   */
  async send(request: HttpRequest): Promise<Answer> {
    const deadline = new AbortController();
    // Not AbortSignal.timeout(), whose timer outlives the answer: under load thousands of them would be waiting.
    const timer = setTimeout(() => deadline.abort(), this.#options.timeoutMs);
    const { signal } = deadline;
    try {
      const { statusCode, headers, body } = await this.#dispatch(request, { signal });
      return { status: statusCode, headers, body: await this.#readCapped(body, request, statusCode) };
    } catch (error) {
      throw this.#failure(error, request, signal.aborted);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Sends a request and hands the body over as it comes; a silence longer than the time limit ends it. Errors of the stream are those of
   * {@link send}.
   */
  async open(request: HttpRequest): Promise<StreamedAnswer> {
    const limits = { headersTimeout: this.#options.timeoutMs, bodyTimeout: this.#options.timeoutMs };
    try {
      const { statusCode, headers, body } = await this.#dispatch(request, limits);
      const typed = async function* (this: Exchange) {
        try {
          yield* body;
        } catch (error) {
          throw this.#failure(error, request, false);
        }
      };
      const stream = Readable.from(typed.call(this), { objectMode: false });
      // A generator that was never asked for anything neither hears of errors nor frees the connection when nobody wants it any more.
      body.on('error', () => {});
      stream.once('close', () => body.destroy());
      return { status: statusCode, headers, body: stream };
    } catch (error) {
      throw this.#failure(error, request, false);
    }
  }

  /** Closes the connections this exchange opened itself; requests under way are finished first. Closing twice is closing once. */
  async close(): Promise<void> {
    if (this.#options.dispatcher) return;
    this.#closing ??= this.#dispatcher.close();
    await this.#closing;
  }

  async #dispatch(
    request: HttpRequest,
    limits: Pick<Dispatcher.RequestOptions, 'signal' | 'headersTimeout' | 'bodyTimeout'>,
  ): Promise<Dispatcher.ResponseData> {
    const { baseUrl, backupUrl, userAgent } = this.#options;
    const sent = {
      // Given as a path and not as a URL, so that nothing between the signature and the wire can spell it differently.
      path: request.path,
      method: request.method,
      headers: { 'User-Agent': userAgent || `paysaga (Node.js ${process.version})`, ...request.headers },
      body: request.body ?? null,
      ...limits,
    };
    try {
      return await this.#dispatcher.request({ origin: baseUrl, ...sent });
    } catch (error) {
      if (!backupUrl || !neverConnected(error)) throw error;
      return await this.#dispatcher.request({ origin: backupUrl, ...sent });
    }
  }

  /**
   * Reads a body up to the cap. What is longer is not WeChat Pay: fatal for a success, cut off for an error, whose status has said
   * enough.
   */
  async #readCapped(body: AsyncIterable<Buffer>, request: HttpRequest, status: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    // Leaving the loop early destroys the connection.
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) {
        if (status >= 400) return Buffer.alloc(0);
        const sent = this.describe(request);
        throw new OutcomeUnknownError(
          `The answer to ${sent.method} ${sent.url} is larger than ${MAX_ANSWER_BYTES} bytes.`,
          { code: 'UNEXPECTED_ANSWER', request: sent, httpStatus: status },
        );
      }
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  #failure(error: unknown, request: HttpRequest, timedOut: boolean): OutcomeUnknownError {
    if (error instanceof OutcomeUnknownError) return error;
    const sent = this.describe(request);
    const { name, code, message } = error as { name?: string; code?: string; message?: string };
    if (timedOut || name?.endsWith('TimeoutError')) {
      return new OutcomeUnknownError(
        `${sent.method} ${sent.url} was not answered within ${this.#options.timeoutMs} ms.`,
        { code: 'TIMEOUT', request: sent, cause: error },
      );
    }
    return new OutcomeUnknownError(
      `${sent.method} ${sent.url} failed: ${code ?? message ?? String(error)}.`,
      {
        code: 'CONNECTION',
        request: sent,
        cause: error,
      },
    );
  }
}

function neverConnected(error: unknown): boolean {
  // A host with several addresses fails with one error for each.
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(neverConnected);
  const { code, syscall } = error as { code?: string; syscall?: string };
  return NEVER_CONNECTED.has(code ?? '') || syscall === 'connect' || syscall === 'getaddrinfo';
}
