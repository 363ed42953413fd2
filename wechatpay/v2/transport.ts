import { normaliseCode } from '../error-codes.ts';
import { ConfigurationError, OutcomeUnknownError, refused, type SentRequest } from '../errors.ts';
import { type Answer, Exchange, type HttpRequest, type StreamedAnswer } from '../exchange.ts';
import { businessError, type CallTraits, communicationError, unexpected } from './answer.ts';
import type { V2Credentials } from './configuration.ts';
import {
  HMAC_ONLY,
  pathOf,
  UNSIGNED_ANSWERS,
  V2_ENDPOINTS,
  type V2Call,
  WITHOUT_RESULT_CODE,
} from './endpoints.ts';
import { requestFields, UnreadableField } from './fields.ts';
import { signFields, type V2SignType, verifyFields } from './signature.ts';
import { buildXml, parseXml, type V2Fields, XmlError } from './xml.ts';

/** Refund queries with many coupons stay far below this. */
const MAX_ANSWER_BYTES = 1024 * 1024;

/** Numbers that an answer repeats: signatures do not tie it to its request, so a mixed-up answer is noticed only by them. */
const ECHOED = [
  'appid',
  'mch_id',
  'sub_mch_id',
  'out_trade_no',
  'transaction_id',
  'out_refund_no',
  'refund_id',
];

/** What went out. */
interface Outgoing {
  exchange: Exchange;
  http: HttpRequest;
  traits: CallTraits;
  /** The elements that were sent, as far as they are XML. */
  fields: V2Fields;
}

/**
 * Signs, sends, reads, verifies: one attempt, no retries, because only the caller knows when a repeat is safe.
 */
export class V2Transport {
  readonly credentials: V2Credentials;
  readonly #plain: Exchange;
  /** Its connections show the client certificate, and only its: a pool that is shared may hand out one without. */
  readonly #certified: Exchange | undefined;
  readonly #face: Exchange;

  constructor(credentials: V2Credentials) {
    this.credentials = credentials;
    const { baseUrl, backupUrl, timeoutMs, dispatcher, userAgent, clientCertificate } = credentials;
    this.#plain = new Exchange({ baseUrl, backupUrl, timeoutMs, dispatcher, userAgent });
    this.#certified =
      clientCertificate &&
      new Exchange({ baseUrl, backupUrl, timeoutMs, userAgent, clientCertificate: { ...clientCertificate } });
    this.#face = new Exchange({
      baseUrl: hostedBeside(baseUrl, V2_ENDPOINTS['v2.getWxpayfaceAuthinfo'].host),
      timeoutMs,
      dispatcher,
      userAgent,
    });
  }

  /**
   * The exact XML of a request: whose it is, a fresh nonce and the signature added.
   * @throws RequestRejectedError PARAM_ERROR for what the gateway cannot take.
   */
  serialize(call: V2Call, input: object): string {
    const { appid, mchid, apiV2Key, nonce } = this.credentials;
    const { sign: _, ...own } = requestFields(input);
    const signType = this.#signType(call);
    const fields: V2Fields = {
      ...own,
      // The key of the sandbox is asked for without either.
      ...(call === 'v2.getSignKey' ? {} : { appid, sign_type: signType }),
      mch_id: mchid,
      nonce_str: nonce(),
    };
    try {
      return buildXml({ ...fields, sign: signFields(fields, apiV2Key, signType) });
    } catch (error) {
      if (error instanceof XmlError) throw refused(error.field ?? 'the request', error.message);
      throw error;
    }
  }

  #signType(call: V2Call): V2SignType {
    if (call === 'v2.getSignKey') return 'MD5';
    return HMAC_ONLY.has(call) ? 'HMAC-SHA256' : this.credentials.signType;
  }

  /**
   * Sends a request (a string byte for byte) and gives its confirmed answer to `read`.
   * @throws WechatPayError for everything else.
   */
  async call<T>(call: V2Call, input: object | string, read: (answer: V2Fields) => T): Promise<T> {
    const { exchange, http, traits, fields } = this.#prepare(call, input);
    const answer = await exchange.send(http);
    requireOk(answer, traits.request);
    const confirmed = this.#confirm(call, parseAnswer(answer.body, traits.request), traits, fields);
    try {
      return read(confirmed);
    } catch (error) {
      if (error instanceof UnreadableField) throw unexpected(traits.request, error.message);
      throw error;
    }
  }

  /** Sends a request whose answer is a file, and hands the file over as it comes. */
  async open(call: V2Call, input: object): Promise<{ answer: StreamedAnswer; request: SentRequest }> {
    const { exchange, http, traits } = this.#prepare(call, input);
    const answer = await exchange.open(http);
    try {
      requireOk(answer, traits.request);
    } catch (error) {
      answer.body.destroy();
      throw error;
    }
    return { answer, request: traits.request };
  }

  /** Closes the connections this transport opened itself; calls under way are finished first. */
  async close(): Promise<void> {
    await Promise.all([this.#plain.close(), this.#certified?.close(), this.#face.close()]);
  }

  #prepare(call: V2Call, input: object | string): Outgoing {
    const endpoint = V2_ENDPOINTS[call];
    const body = typeof input === 'string' ? input : this.serialize(call, input);
    const { path, certified } = pathOf(call, this.credentials);
    const exchange = endpoint.host ? this.#face : certified ? this.#certified : this.#plain;
    if (!exchange) {
      throw new ConfigurationError(`${path} was not called: it needs the client certificate.`, {
        code: 'INVALID_CONFIGURATION',
        fix: 'Give the client clientCertificate: { cert, key }, the texts of apiclient_cert.pem and apiclient_key.pem from the merchant platform.',
      });
    }
    const http: HttpRequest = {
      method: endpoint.method,
      path,
      headers: { Accept: '*/*', 'Content-Type': 'text/xml; charset=utf-8' },
      body,
    };
    const traits: CallTraits = {
      request: exchange.describe(http),
      rateLimitedMayHaveHappened: endpoint.rateLimitedMayHaveHappened ?? false,
    };
    return { exchange, http, traits, fields: readSent(body) };
  }

  /** The order of these checks is the protocol's: return_code, signature, result_code. */
  #confirm(call: V2Call, answer: V2Fields, traits: CallTraits, sent: V2Fields): V2Fields {
    const { request } = traits;
    if (answer.return_code === 'FAIL') throw communicationError(answer, traits);
    if (answer.return_code !== 'SUCCESS') throw unexpected(request, 'has no return_code');

    if (!UNSIGNED_ANSWERS.has(call) && !verifyFields(answer, this.credentials.apiV2Key)) {
      // Seen without a signature; it claims nothing that could be abused.
      if (!answer.sign && normaliseCode(answer.err_code ?? '') === 'SYSTEM_ERROR')
        throw businessError(answer, traits);
      throw badSignature(answer, request);
    }

    if (answer.result_code === 'FAIL') throw businessError(answer, traits);
    if (answer.result_code !== 'SUCCESS' && !WITHOUT_RESULT_CODE.has(call))
      throw unexpected(request, 'has no result_code');
    for (const name of ECHOED) {
      if (sent[name] && answer[name] && sent[name] !== answer[name])
        throw unexpected(request, `is about another ${name}`);
    }
    return answer;
  }
}

/**
 * Reads what came instead of a file: always an error.
 * @throws WechatPayError
 */
export function refusedFile(body: Buffer, request: SentRequest): never {
  const answer = parseAnswer(body, request);
  const traits = { request, rateLimitedMayHaveHappened: false };
  if (answer.return_code === 'FAIL') throw communicationError(answer, traits);
  if (answer.result_code === 'FAIL') throw businessError(answer, traits);
  throw unexpected(request, 'is XML instead of a bill');
}

function parseAnswer(body: Buffer, request: SentRequest): V2Fields {
  try {
    return parseXml(body, { maxBytes: MAX_ANSWER_BYTES });
  } catch (error) {
    if (error instanceof XmlError) throw unexpected(request, error.message, { cause: error });
    throw error;
  }
}

/** Every answer of v2 is a 200; any other status is a proxy, a page in HTML, or a gateway in trouble. */
function requireOk({ status }: Pick<Answer, 'status'>, request: SentRequest): void {
  if (status === 200) return;
  const code =
    status === 502 || status === 503
      ? 'SERVICE_UNAVAILABLE'
      : status === 408 || status === 504
        ? 'TIMEOUT'
        : 'UNEXPECTED_ANSWER';
  throw new OutcomeUnknownError(`${request.method} ${request.url} was answered ${status} instead of 200.`, {
    code,
    httpStatus: status,
    request,
  });
}

function badSignature(answer: V2Fields, request: SentRequest): OutcomeUnknownError {
  const problem = answer.sign ? 'its sign does not fit' : 'it has no sign';
  return new OutcomeUnknownError(
    `${request.method} ${request.url} was answered, but the answer cannot be believed: ${problem}.`,
    {
      code: 'BAD_SIGNATURE',
      gatewayCode: answer.err_code?.slice(0, 64),
      httpStatus: 200,
      request,
      fix: 'The operation may have been executed: query, then repeat the same request. If it lasts, check the APIv2 key, and whether a proxy changes answers.',
    },
  );
}

/** The elements of what is sent; a text of the caller's that is no such XML has none, the gateway will say so. */
function readSent(body: string): V2Fields {
  try {
    return parseXml(body, { maxBytes: MAX_ANSWER_BYTES });
  } catch {
    return {};
  }
}

/** The other host of WeChat's; a gateway that is not WeChat's own, such as a simulator, stands in for that host too. */
function hostedBeside(baseUrl: string, host: string | undefined): string {
  const official = /\.(weixin\.qq\.com|wechatpay\.cn)$/.test(new URL(baseUrl).hostname);
  return official && host ? `https://${host}` : baseUrl;
}
