import type { Credentials } from '../configuration.ts';
import type { Endpoint } from '../endpoint.ts';
import {
  type ErrorDetails,
  OutcomeUnknownError,
  RequestRejectedError,
  type SentRequest,
  type WechatPayError,
} from '../errors.ts';
import type { Answer, Exchange, HttpRequest, StreamedAnswer } from '../exchange.ts';
import { type Headers, headerValue } from '../headers.ts';
import { errorFor, readObject } from './answer.ts';
import { type MultipartFile, multipart } from './multipart.ts';
import { formatAuthorization, requestMessage, signMessage } from './signature.ts';
import { type Query, type Segments, targetOf } from './target.ts';
import { verifySignature } from './verification.ts';
import type { VerificationKeys } from './verification-keys.ts';

/** A call to the gateway. */
export interface Call {
  endpoint: Endpoint;
  /** What stands for the `{…}` of the path, unencoded. */
  segments?: Segments;
  /** Undefined values are left out. */
  query?: Query;
  /** The exact JSON text. */
  body?: string;
  /** A file to upload; then `body` is its `meta`, the only part that is signed. */
  file?: MultipartFile;
  /** The key that encrypted fields of the body, where it must be named. Default: the current one. */
  serial?: string;
}

/** Whether a field is as it should be, in the light of the whole answer. */
export type FieldCheck = (value: unknown, answer: Record<string, unknown>) => boolean;

/** This very text, any text (true), or what passes a check. */
type Wanted = string | true | FieldCheck;

/** What the answer must have. */
type Expected<T> = { [Field in keyof T]?: Wanted };

/** WeChat Pay's own hosts, the alias and the overseas one included. */
const OFFICIAL_HOST = /^[a-z0-9]+\.(mch\.weixin\.qq\.com|wechatpay\.cn)$/;

/**
 * Signs, sends, reads, verifies: one attempt, no retries, because only the caller knows when a repeat is safe.
 */
export class Transport {
  readonly #credentials: Credentials;
  readonly #exchange: Exchange;
  readonly #keys: VerificationKeys;
  readonly #clock: () => number;
  readonly #nonce: () => string;

  constructor(
    credentials: Credentials,
    {
      exchange,
      keys,
      clock,
      nonce,
    }: { exchange: Exchange; keys: VerificationKeys; clock: () => number; nonce: () => string },
  ) {
    this.#credentials = credentials;
    this.#exchange = exchange;
    this.#keys = keys;
    this.#clock = clock;
    this.#nonce = nonce;
  }

  /** Now, in milliseconds since 1970. */
  now(): number {
    return this.#clock();
  }

  /**
   * The verified JSON object of a 200, undefined for a 204.
   * @throws WechatPayError for everything else.
   */
  async send(call: Call): Promise<Record<string, unknown> | undefined> {
    const { answer, sent } = await this.#exchanged(call);
    return this.#read(answer, sent);
  }

  /**
   * As {@link send}, for a call that answers an object with at least these fields.
   * Signatures do not tie an answer to its request, so a mixed-up answer (a cache, a proxy) is noticed only by its number.
   */
  async call<T extends object>(call: Call, expected: Expected<T>): Promise<T> {
    const { answer, sent } = await this.#exchanged(call);
    const body = this.#read(answer, sent) ?? {};
    for (const [field, wanted] of Object.entries<Wanted | undefined>(expected)) {
      const value = body[field];
      if (wanted === undefined || isWanted(wanted, value, body)) continue;
      throw unexpected(sent, `has ${value === undefined ? 'no' : 'another'} ${field}`, detailsOf(answer));
    }
    return body as T;
  }

  /** The unverified 200 of the one call whose answer brings the keys that verify it. @throws WechatPayError for everything else. */
  async fetch(call: Call): Promise<{ answer: Answer; sent: SentRequest }> {
    const request = this.#sign(call);
    const sent = this.#exchange.describe(request);
    const answer = await this.#exchange.send(request);
    if (answer.status !== 200) throw this.#failure(answer, sent, call.endpoint);
    return { answer, sent };
  }

  /**
   * The bytes of a file as they come. Files are the answers that WeChat Pay does not sign: check their hash.
   * @param target path with query, as the gateway gave it.
   * @throws WechatPayError
   */
  async open(target: string): Promise<StreamedAnswer> {
    const request = this.#signed({ method: 'GET', path: target, headers: this.#headers('*/*') }, '');
    const answer = await this.#exchange.open(request);
    if (answer.status !== 200) throw await this.#refused(answer, request, { method: 'GET', path: target });
    return answer;
  }

  /**
   * As {@link open}, for a call that answers a file under a signature over a text about it, its hash: compare the file with it.
   * @param signedText the text as the headers give it; undefined when they do not.
   * @throws WechatPayError
   */
  async openSigned(
    call: Call,
    signedText: (headers: Headers) => string | undefined,
  ): Promise<StreamedAnswer> {
    const { headers, ...request } = this.#sign(call);
    const asked = { ...request, headers: { ...headers, Accept: '*/*' } };
    const answer = await this.#exchange.open(asked);
    if (answer.status !== 200) throw await this.#refused(answer, asked, call.endpoint);
    const sent = this.#exchange.describe(asked);
    try {
      const text = signedText(answer.headers);
      if (text === undefined) throw unexpected(sent, 'is a file without its hash');
      await this.#verify({ ...answer, body: Buffer.from(text) }, sent);
    } catch (error) {
      answer.body.destroy();
      throw error;
    }
    return answer;
  }

  /**
   * The request target of an address that WeChat Pay gave out: all its hosts serve all its files, so they are fetched through the
   * configured one.
   * @throws RequestRejectedError PARAM_ERROR for a host that is not WeChat Pay's, or the configured one.
   */
  ownTarget(address: string, field: string): string {
    const url = URL.canParse(address) ? new URL(address) : undefined;
    // Cut out and not rebuilt: the query goes back as it came.
    const target = /^\w+:\/\/[^/?#]+(\/[!-~]*)$/.exec(address)?.[1];
    const { baseUrl, backupUrl } = this.#credentials;
    const own =
      url &&
      !url.username &&
      !url.password &&
      (url.origin === baseUrl ||
        url.origin === backupUrl ||
        (url.protocol === 'https:' && OFFICIAL_HOST.test(url.host)));
    if (!own || target === undefined) {
      throw new RequestRejectedError(`The request was not sent: ${field} is not on a host of WeChat Pay.`, {
        code: 'PARAM_ERROR',
        field,
        fix: 'Signing a request to another host would hand it our Authorization; look where this address came from.',
      });
    }
    return target;
  }

  /** Closes the connections that were opened for it; calls under way are finished first. */
  async close(): Promise<void> {
    await this.#exchange.close();
  }

  async #exchanged(call: Call): Promise<{ answer: Answer; sent: SentRequest }> {
    const request = this.#sign(call);
    const sent = this.#exchange.describe(request);
    const answer = await this.#exchange.send(request);
    const successful = answer.status >= 200 && answer.status < 300;
    if (successful) await this.#verify(answer, sent);
    if (!successful || answer.status === 202) throw this.#failure(answer, sent, call.endpoint);
    return { answer, sent };
  }

  /** The error for a file that was refused; what it says is short. */
  async #refused(answer: StreamedAnswer, request: HttpRequest, endpoint: Endpoint): Promise<WechatPayError> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of answer.body) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > 65_536) break;
    }
    const body = Buffer.concat(chunks);
    return this.#failure({ ...answer, body }, this.#exchange.describe(request), endpoint);
  }

  #read(answer: Answer, sent: SentRequest): Record<string, unknown> | undefined {
    if (answer.status === 204) return undefined;
    const body = readObject(answer.body);
    if (!body) throw unexpected(sent, 'is signed but no JSON object', detailsOf(answer));
    return body;
  }

  #sign({ endpoint, segments, query, body, file, serial }: Call): HttpRequest {
    const path = targetOf(endpoint, this.#credentials.role, segments, query);
    const headers = this.#headers('application/json', serial);
    if (file) {
      const { contentType, bytes } = multipart(body ?? '{}', file);
      return this.#signed(
        { method: endpoint.method, path, headers: { ...headers, 'Content-Type': contentType }, body: bytes },
        body ?? '{}',
      );
    }
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    return this.#signed({ method: endpoint.method, path, headers, body }, body ?? '');
  }

  /** What every request says, those without a body and for files included. */
  #headers(accept: string, serial = this.#keys.current?.id): Record<string, string> {
    // In certificate mode the first request names no key, and is answered with a certificate's signature.
    return { Accept: accept, ...(serial === undefined ? {} : { 'Wechatpay-Serial': serial }) };
  }

  /** Adds the signature over what is signed of the body. */
  #signed(request: HttpRequest, signedBody: string): HttpRequest {
    const { mchid, serialNo, privateKey } = this.#credentials;
    const timestamp = String(Math.floor(this.#clock() / 1000));
    const nonce = this.#nonce();
    const { method, path: url } = request;
    const signature = signMessage(
      requestMessage({ method, url, timestamp, nonce, body: signedBody }),
      privateKey,
    );
    const Authorization = formatAuthorization({ mchid, nonce, timestamp, serialNo, signature });
    return { ...request, headers: { ...request.headers, Authorization } };
  }

  async #verify(answer: Answer, sent: SentRequest): Promise<void> {
    const verification = await verifySignature(answer, { keys: this.#keys, now: this.#clock() });
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

  #failure(answer: Answer, request: SentRequest, endpoint: Endpoint) {
    const rateLimitedMayHaveHappened = endpoint.rateLimitedMayHaveHappened ?? false;
    return errorFor(answer, { request, now: this.#clock(), rateLimitedMayHaveHappened });
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

function isWanted(wanted: Wanted, value: unknown, answer: Record<string, unknown>): boolean {
  if (typeof wanted === 'function') return wanted(value, answer);
  return wanted === true ? isText(value) : value === wanted;
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function detailsOf(answer: Answer): Partial<ErrorDetails> {
  return { httpStatus: answer.status, requestId: headerValue(answer.headers, 'request-id') };
}
