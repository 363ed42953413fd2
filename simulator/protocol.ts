import type { IncomingMessage, ServerResponse } from 'node:http';
import { authenticate, type RawRequest } from './authentication.ts';
import { type FaultRule, isRace } from './fault.ts';
import type { Gateway } from './gateway.ts';
import { GatewayError } from './gateway-error.ts';
import { type CheckedCall, OPERATIONS, type Operation } from './operation.ts';
import type { SignatureFlaw } from './platform-signature.ts';
import type { SeededRandom } from './random.ts';

const SLOW_MS = 2000;
const HOLD_MS = 60_000;
const BAD_GATEWAY_PAGE =
  '<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n';

/** What goes back: a JSON body, or none for 204. */
interface Answer {
  status: number;
  body: object | undefined;
  internalCode: number;
  signed: boolean;
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
    const [path = '/', query = ''] = url.split('?', 2);
    const candidates = OPERATIONS.filter((operation) => operation.path.test(path));
    const operation = candidates.find(({ method }) => method === request.method);
    if (!operation) {
      response.writeHead(candidates.length ? 405 : 404, { 'Request-ID': this.#requestId(0) }).end();
      return;
    }
    let checked: CheckedCall;
    let authenticated = false;
    try {
      const raw: RawRequest = { method: operation.method, url, headers: request.headers, body };
      const mchid = authenticate(raw, this.#gateway.enrolment, this.#gateway.clock());
      authenticated = true;
      checked = operation.check({
        gateway: this.#gateway,
        mchid,
        parameters: pathParameters(operation, path),
        query: new URLSearchParams(query),
        body,
      });
    } catch (error) {
      this.#send(response, refusal(error, authenticated));
      return;
    }
    await this.#run(operation, checked, response);
  }

  async #run({ name }: Operation, { subject, run }: CheckedCall, response: ServerResponse): Promise<void> {
    const gateway = this.#gateway;
    const state = gateway.findOrder(subject)?.state;
    const race = gateway.fireFault(name, subject, (kind) => {
      // A race needs an order that can take part in it; until then the rule waits.
      return (
        isRace(kind) &&
        (kind === 'notpay_lag' ? state === 'SUCCESS' || state === 'REFUND' : state === 'NOTPAY')
      );
    });
    const fault = gateway.fireFault(name, subject, (kind) => !isRace(kind));
    const payNow = () => subject.outTradeNo && gateway.pay(subject.outTradeNo, { late: true });

    if (race?.kind === 'pay_before') payNow();
    if (fault?.kind === 'timeout_before') {
      this.#hold(response, fault);
      return;
    }
    let answer = substitute(fault);
    if (!answer || fault?.processed) {
      const result = outcome(run, race?.kind === 'notpay_lag');
      answer ??= result;
    }
    if (fault?.kind === 'timeout_after') this.#hold(response, fault);
    else if (fault?.kind === 'reset_after') response.socket?.resetAndDestroy();
    else if (fault?.delay_ms !== undefined || fault?.kind === 'slow') {
      gateway.timers.after(fault.delay_ms ?? SLOW_MS, () => this.#send(response, answer, fault));
    } else this.#send(response, answer, fault);
    if (race?.kind === 'pay_after') payNow();
  }

  #send(response: ServerResponse, { status, body, internalCode, signed }: Answer, fault?: FaultRule): void {
    if (response.destroyed) return;
    if (fault?.kind === 'error_502_html') {
      response.writeHead(502, { 'Content-Type': 'text/html' }).end(BAD_GATEWAY_PAGE);
      return;
    }
    const text = body === undefined ? '' : JSON.stringify(body);
    const sign = signed && fault?.kind !== 'unsigned';
    response.writeHead(status, {
      'Content-Type': 'application/json; charset=utf-8',
      ...(status === 204 ? {} : { 'Content-Length': Buffer.byteLength(text) }),
      'Cache-Control': 'no-cache, must-revalidate',
      'Request-ID': this.#requestId(internalCode),
      ...(sign ? this.#gateway.signature.headers(text, flaw(fault)) : {}),
    });
    response.end(text);
  }

  /** No answer: the client sees nothing until its own time-out, or ours ends the connection. */
  #hold(response: ServerResponse, fault: FaultRule): void {
    this.#gateway.timers.after(fault.delay_ms ?? HOLD_MS, () => response.destroy());
  }

  #requestId(internalCode: number): string {
    return `08${this.#requestIds.text(38, '0123456789ABCDEF')}-${internalCode}`;
  }
}

function pathParameters({ path }: Operation, text: string): Record<string, string> {
  const parameters: Record<string, string> = {};
  for (const [name, value] of Object.entries(path.exec(text)?.groups ?? {})) {
    try {
      parameters[name] = decodeURIComponent(value);
    } catch {
      parameters[name] = value; // A stray `%` is then refused as a character.
    }
  }
  return parameters;
}

function outcome(run: CheckedCall['run'], lagging: boolean): Answer {
  try {
    const body = run(lagging);
    return { status: body === undefined ? 204 : 200, body, internalCode: 0, signed: true };
  } catch (error) {
    return refusal(error, true);
  }
}

/** A refusal before the caller is known is not signed; every later one is. */
function refusal(error: unknown, signed: boolean): Answer {
  if (!(error instanceof GatewayError)) throw error;
  return { status: error.status, body: error.toJSON(), internalCode: error.internalCode, signed };
}

/** The answer of a gateway that did not do (or says it did not do) what it was asked. */
function substitute(fault: FaultRule | undefined): Answer | undefined {
  switch (fault?.kind) {
    case 'error_500':
      return refusal(new GatewayError(500, 'SYSTEM_ERROR', '系统异常，请稍后重试'), true);
    case 'error_502_html':
      return { status: 502, body: undefined, internalCode: 0, signed: false };
    case 'accepted_202':
      return { status: 202, body: {}, internalCode: 0, signed: true };
    case 'rate_limited_429':
      return refusal(
        new GatewayError(429, 'FREQUENCY_LIMITED', '频率超限', { internalCode: 268447840 }),
        true,
      );
    case 'not_enough':
      return refusal(new GatewayError(403, 'NOT_ENOUGH', '商户余额不足，请充值后重试'), true);
    default:
      return undefined;
  }
}

function flaw(fault: FaultRule | undefined): SignatureFlaw | undefined {
  const kind = fault?.kind;
  return kind === 'bad_signature' || kind === 'probe_signature' || kind === 'unknown_serial'
    ? kind
    : undefined;
}
