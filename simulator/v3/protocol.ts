import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { breakOff, carryOut } from '../carry-out.ts';
import type { FaultKind, FaultRule } from '../faults/fault.ts';
import type { Gateway } from '../gateway.ts';
import { GatewayError } from '../gateway-error.ts';
import { DEFAULT_SKEW_MS, type SignatureFlaw } from '../keys/platform-signature.ts';
import type { Enrolment } from '../merchants/merchant.ts';
import type { SeededRandom } from '../random.ts';
import type { Excess } from '../rate-limit.ts';
import { type RefusalCode, refuse } from '../refusals.ts';
import { authenticate, type RawRequest } from './authentication.ts';
import { type CheckedCall, type FileReply, isFile, type Operation } from './operation.ts';
import { OPERATIONS } from './operations/index.ts';
import { refuseOtherRegion } from './region.ts';

/** Pages of a proxy in front of the gateway. */
const PROXY_PAGES: Partial<Record<FaultKind, { status: number; html: string }>> = {
  error_502_html: { status: 502, html: proxyPage('502 Bad Gateway') },
  error_503_html: { status: 503, html: proxyPage('503 Service Temporarily Unavailable') },
};

/** What goes back: a JSON body, a file, or nothing for 204. */
interface Answer {
  status: number;
  body: object | FileReply | undefined;
  internalCode: number;
}

/** Who asked, and with which key the answer is to be signed; unknown as long as the request is not authenticated. */
interface Asker {
  enrolment: Enrolment;
  serial: string | undefined;
}

/** The v3 protocol over HTTP: the checks of the gateway in its order, then the operation, then the signed answer, faults included. */
export class Protocol {
  readonly #gateway: Gateway;
  readonly #requestIds: SeededRandom;

  constructor(gateway: Gateway, requestIds: SeededRandom) {
    this.#gateway = gateway;
    this.#requestIds = requestIds;
  }

  async handle(request: IncomingMessage, response: ServerResponse, body: Buffer): Promise<void> {
    const url = request.url ?? '/';
    const [path = '/', ...rest] = url.split('?');
    const query = rest.join('?');
    const operation = OPERATIONS.find((one) => one.method === request.method && one.path.test(path));
    if (!operation) {
      const status = OPERATIONS.some((one) => one.path.test(path)) ? 405 : 404;
      response.writeHead(status, { 'Content-Length': 0, 'Request-ID': this.#requestId(0) }).end();
      return;
    }
    let checked: CheckedCall;
    let asker: Asker | undefined;
    try {
      const contentType = request.headers['content-type'] ?? '';
      const raw: RawRequest = {
        method: operation.method,
        url,
        headers: request.headers,
        body: operation.signedPart?.(body, contentType) ?? body,
      };
      const enrolment = authenticate(raw, this.#gateway.world, this.#gateway.wallClock());
      const serial = request.headers['wechatpay-serial'];
      asker = { enrolment, serial: Array.isArray(serial) ? serial[0] : serial };
      refuseOtherRegion(enrolment.merchant, path);
      checked = operation.check({
        gateway: this.#gateway,
        caller: enrolment.merchant,
        path,
        parameters: pathParameters(operation, path),
        query: new URLSearchParams(query),
        host: request.headers.host || ownHost(request),
        secure: 'encrypted' in request.socket,
        serial: asker.serial,
        contentType,
        body,
      });
    } catch (error) {
      // What is refused for its fields counts among the failing calls too.
      if (asker) this.#gateway.rateLimits.failed(operation.name, asker.enrolment.merchant);
      await this.#send(response, refusal(error), asker);
      return;
    }
    await this.#run(operation, checked, response, asker);
  }

  async #run(
    { name }: Operation,
    { subject, order, run }: CheckedCall,
    response: ServerResponse,
    asker: Asker,
  ): Promise<void> {
    await carryOut<Answer>(this.#gateway, response, {
      name,
      subject,
      order,
      run: (...how) => outcome(() => run(...how)),
      isRefusal: ({ status }) => status >= 400,
      instead,
      tooMany,
      send: (answer, fault) => this.#send(response, answer, asker, fault),
    });
  }

  async #send(
    response: ServerResponse,
    { status, body, internalCode }: Answer,
    asker?: Asker,
    fault?: FaultRule,
  ): Promise<void> {
    if (response.destroyed) return;
    const page = fault && PROXY_PAGES[fault.kind];
    if (page) {
      response.writeHead(page.status, { 'Content-Type': 'text/html' }).end(page.html);
      return;
    }
    const file = isFile(body) ? body : undefined;
    const text = file ? file.signedText : body === undefined ? '' : JSON.stringify(body);
    const signed = asker && text !== undefined && fault?.kind !== 'unsigned';
    const length = file ? file.content : (text ?? '');
    const requestId = this.#requestId(internalCode);
    const signature = signed ? await this.#signature(text, asker, fault) : {};
    if (response.destroyed) return;
    response.writeHead(status, {
      'Content-Type': file?.contentType ?? 'application/json; charset=utf-8',
      ...(status === 204 || !(typeof length === 'string' || Buffer.isBuffer(length))
        ? {}
        : { 'Content-Length': Buffer.byteLength(length) }),
      'Cache-Control': 'no-cache, must-revalidate',
      'Request-ID': requestId,
      ...file?.headers,
      ...signature,
    });
    if (fault?.kind === 'reset_mid_answer') {
      await breakOff(response, length);
    } else if (!file) response.end(text);
    else if (Buffer.isBuffer(file.content)) response.end(file.content);
    // A client that leaves in the middle is no error of ours.
    else await pipeline(file.content, response).catch(() => {});
  }

  #signature(text: string, { enrolment, serial }: Asker, fault?: FaultRule): Promise<Record<string, string>> {
    const { world, signature, clock } = this.#gateway;
    return signature.headers(text, world.answerKey(enrolment, serial, clock()), flaw(fault));
  }

  #requestId(internalCode: number): string {
    return `08${this.#requestIds.text(38, '0123456789ABCDEF')}-${internalCode}`;
  }
}

/** Where a request arrived, for clients of HTTP/1.0, which need not say whom they mean. */
function ownHost({ socket: { localAddress = '', localPort } }: IncomingMessage): string {
  return `${localAddress.includes(':') ? `[${localAddress}]` : localAddress}:${localPort}`;
}

function proxyPage(title: string): string {
  return `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n</body>\r\n</html>\r\n`;
}

function pathParameters({ path }: Operation, text: string): Record<string, string> {
  const parameters: Record<string, string> = {};
  // Of two numbers that a path may name, the other one is missing.
  const named: Record<string, string | undefined> = path.exec(text)?.groups ?? {};
  for (const [name, value] of Object.entries(named)) {
    if (value === undefined) continue;
    try {
      parameters[name] = decodeURIComponent(value);
    } catch {
      parameters[name] = value; // A stray `%` is then refused as a character.
    }
  }
  return parameters;
}

async function outcome(run: () => ReturnType<CheckedCall['run']>): Promise<Answer> {
  try {
    const body = await run();
    return { status: body === undefined ? 204 : 200, body, internalCode: 0 };
  } catch (error) {
    return refusal(error);
  }
}

/** What the gateway answers instead. A refusal before the caller is known is not signed; every later one is. */
function refusal(error: unknown): Answer {
  if (!(error instanceof GatewayError)) throw error;
  return { status: error.status, body: error.toJSON(), internalCode: error.internalCode };
}

/** The answer of a gateway that did not do (or says it did not do) what it was asked. */
function instead(fault: FaultRule): Answer | undefined {
  switch (fault.kind) {
    case 'error_500':
      return refusal(new GatewayError(500, 'SYSTEM_ERROR', '系统异常，请稍后重试'));
    case 'error_502_html':
    case 'error_503_html':
      return { status: fault.kind === 'error_502_html' ? 502 : 503, body: undefined, internalCode: 0 };
    case 'accepted_202':
      return { status: 202, body: {}, internalCode: 0 };
    case 'rate_limited_429':
      return tooMany('calls');
    case 'refused':
      return refusal(refuse((fault.code ?? 'SYSTEM_ERROR') as RefusalCode));
    case 'not_enough':
      return refusal(new GatewayError(403, 'NOT_ENOUGH', '商户余额不足，请充值后重试'));
    default:
      return undefined;
  }
}

/** 429 FREQUENCY_LIMITED (official page 4012081717). */
function tooMany(excess: Excess): Answer {
  const message = excess === 'old_orders' ? '频率限制，1个月之前的订单请降低申请频率再重试' : '频率超限';
  return refusal(new GatewayError(429, 'FREQUENCY_LIMITED', message, { internalCode: 268447840 }));
}

function flaw(fault: FaultRule | undefined): SignatureFlaw | undefined {
  switch (fault?.kind) {
    case 'bad_signature':
    case 'probe_signature':
    case 'unknown_serial':
      return { kind: fault.kind };
    case 'clock_skew':
      return { kind: 'skewed', skewMs: fault.skew_ms ?? DEFAULT_SKEW_MS };
    default:
      return undefined;
  }
}
