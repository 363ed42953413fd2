import type { X509Certificate } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { TLSSocket } from 'node:tls';
import type { V2Fields } from '../../wechatpay/v2/xml.ts';
import { type FaultRule, isRace } from '../fault.ts';
import type { Gateway } from '../gateway.ts';
import type { SimulatedMerchant } from '../merchant.ts';
import { type FileReply, isFile } from '../operation.ts';
import { refuse } from '../refusals.ts';
import { lacking } from './elements.ts';
import { identity, present, signed, toXml, type V2Signer } from './envelope.ts';
import { isV2Code, V2Error, type V2ErrorCode, v2Error } from './error.ts';
import type { CheckedV2Call, V2Call, V2Operation } from './operation.ts';
import { findOperation } from './operations/index.ts';
import { sandboxKey } from './operations/tools.ts';
import { authenticate, readElements, requireCertificate } from './request.ts';

const SLOW_MS = 2000;
const HOLD_MS = 60_000;
const page = (title: string) =>
  `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n</body>\r\n</html>\r\n`;

/** What goes back. */
type Reply = { elements: V2Fields } | { file: FileReply } | { page: string; status: number };

/** The v2 protocol over HTTP: XML in, XML out, status 200 whatever happens; only unknown paths have a page in HTML and 404. */
export class V2Protocol {
  readonly #gateway: Gateway;

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  async handle(request: IncomingMessage, response: ServerResponse, body: Buffer): Promise<void> {
    const [path = '/'] = (request.url ?? '/').split('?', 1);
    const found = findOperation(path);
    if (!found) {
      await send(response, { page: page('404 Not Found'), status: 404 });
      return;
    }
    const { operation, sandbox } = found;
    let signer: V2Signer | undefined;
    let checked: CheckedV2Call;
    try {
      const { world } = this.#gateway;
      const { enrolment, fields, signType } = authenticate(readElements(request.method, body), {
        world,
        required: operation.required ?? ['appid'],
        signTypes: operation.signTypes ?? ['MD5', 'HMAC-SHA256'],
        keyOf: ({ merchant }) => (sandbox ? sandboxKey(merchant.apiV2Key) : merchant.apiV2Key),
      });
      const { merchant: caller } = enrolment;
      if (operation.certificate && 'encrypted' in request.socket)
        requireCertificate(enrolment, peerCertificate(request.socket as TLSSocket));
      const { sub_mch_id: subMchid, sub_appid: subAppid, appid } = fields;
      signer = {
        mchid: caller.mchid,
        appid,
        subMchid,
        subAppid,
        key: sandbox ? sandboxKey(caller.apiV2Key) : caller.apiV2Key,
        signType,
        nonce: this.#gateway.random.text(32),
      };
      const call: V2Call = { gateway: this.#gateway, caller, subMchid, subAppid, fields, signType, path };
      if (appid) this.#requireRelation(call, appid, operation);
      checked = operation.check(call);
    } catch (error) {
      await send(response, refusal(v2Error(error), operation, signer));
      return;
    }
    await this.#run(operation, checked, response, signer);
  }

  /** @throws V2Error unless appid, merchant, sub-merchant and its appid belong together. */
  #requireRelation(
    { caller, subMchid, subAppid }: V2Call,
    appid: string,
    { forWholeProvider }: V2Operation,
  ): void {
    const { world } = this.#gateway;
    const requireAppid = (wanted: string, { appid: bound }: { appid: string }) => {
      if (wanted === bound) return;
      throw new V2Error(isKnown(wanted, world.merchants()) ? 'APPID_MCHID_NOT_MATCH' : 'APPID_NOT_EXIST');
    };
    requireAppid(appid, caller);
    if (caller.region !== 'mainland') throw new V2Error('NOAUTH');
    if (caller.role === 'partner' && !subMchid && !forWholeProvider) throw lacking('sub_mch_id');
    if (!subMchid) return;
    const sub = caller.subMerchants.find(({ mchid }) => mchid === subMchid);
    if (!sub) throw new V2Error('MCHID_NOT_EXIST', '受理关系不存在');
    if (subAppid) requireAppid(subAppid, sub);
  }

  async #run(
    operation: V2Operation,
    { subject, run }: CheckedV2Call,
    response: ServerResponse,
    signer: V2Signer,
  ): Promise<void> {
    const gateway = this.#gateway;
    const { name } = operation;
    const order = subject.mchid ? gateway.findOrder(subject.mchid, subject) : undefined;
    const state = order?.state;
    const race = gateway.fireFault(name, subject, (kind) => {
      // A race needs an order that can take part in it; until then the rule waits.
      if (!isRace(kind)) return false;
      if (kind === 'notpay_lag') return state === 'SUCCESS' || state === 'REFUND';
      return state === 'NOTPAY' || state === 'USERPAYING';
    });
    const fault = gateway.fireFault(name, subject, (kind) => !isRace(kind));
    const payNow = () => order && gateway.payOrder(order, { late: true });

    if (race?.kind === 'pay_before') payNow();
    if (fault?.kind === 'timeout_before') {
      this.#hold(response, fault);
      return;
    }
    let reply = substitute(fault, operation, signer);
    if (!reply || fault?.processed) {
      const result = await outcome(run, race?.kind === 'notpay_lag', operation, {
        ...signer,
        ...spoilt(fault, signer),
      });
      reply ??= result;
    }
    if (fault?.kind === 'unsigned' && 'elements' in reply) {
      const { sign: _, ...elements } = reply.elements;
      reply = { elements };
    }
    const answer = reply;
    if (fault?.kind === 'timeout_after') this.#hold(response, fault);
    else if (fault?.kind === 'reset_after') reset(response);
    else if (fault?.kind === 'reset_mid_answer') breakOff(response, answer);
    else if (fault?.delay_ms !== undefined || fault?.kind === 'slow')
      gateway.timers.after(fault.delay_ms ?? SLOW_MS, () => void send(response, answer));
    else await send(response, answer);
    if (race?.kind === 'pay_after') payNow();
  }

  /** No answer: the client sees nothing until its own time-out, or ours ends the connection. */
  #hold(response: ServerResponse, fault: FaultRule): void {
    this.#gateway.timers.after(fault.delay_ms ?? HOLD_MS, () => response.destroy());
  }
}

function isKnown(appid: string, merchants: SimulatedMerchant[]): boolean {
  return merchants.some((one) => one.appid === appid || one.subMerchants.some((sub) => sub.appid === appid));
}

function peerCertificate(socket: TLSSocket): X509Certificate | undefined {
  return socket.getPeerX509Certificate();
}

async function outcome(
  run: CheckedV2Call['run'],
  lagging: boolean,
  operation: V2Operation,
  signer: V2Signer,
): Promise<Reply> {
  let result: V2Fields | FileReply;
  try {
    result = await run(lagging);
  } catch (error) {
    return refusal(v2Error(error), operation, signer);
  }
  if (isFile(result)) return { file: result };
  if (operation.answers === 'unsigned')
    return { elements: { return_code: 'SUCCESS', return_msg: 'OK', ...result } };
  const code: V2Fields = operation.answers === 'plain' ? {} : { result_code: 'SUCCESS' };
  return { elements: signed({ ...identity(signer), ...code, ...result }, signer) };
}

/** Refusals of the trade bill have words and numbers of their own (official downloadbill page). */
const BILL_REFUSALS: Partial<Record<V2ErrorCode, { return_msg: string; error_code: string }>> = {
  SIGNERROR: { return_msg: 'sign error', error_code: '20001' },
  LACK_PARAMS: { return_msg: 'missing parameter', error_code: '20001' },
  NO_BILL_EXIST: { return_msg: 'No Bill Exist', error_code: '20002' },
  BILL_CREATING: { return_msg: 'Bill Creating', error_code: '20002' },
  SYSTEMERROR: { return_msg: 'system error', error_code: '20003' },
};

/** Refusals of a reversal after which it has to be called again. */
const UNFINISHED: readonly V2ErrorCode[] = ['SYSTEMERROR', 'BANKERROR', 'USERPAYING'];

/** What is answered instead: nobody is named, and nothing signed, before the caller is known. */
function refusal(
  { code, message }: V2Error,
  { answers, recalls }: V2Operation,
  signer: V2Signer | undefined,
): Reply {
  if (answers === 'bill') {
    const other = {
      return_msg: message.includes('bill_type') ? 'invalid bill_type' : 'data format error',
      error_code: '20001',
    };
    return { elements: { return_code: 'FAIL', ...(BILL_REFUSALS[code] ?? other) } };
  }
  if (!signer || answers === 'plain') return { elements: { return_code: 'FAIL', return_msg: message } };
  const body = {
    result_code: 'FAIL',
    err_code: code,
    err_code_des: message,
    ...(recalls && { recall: UNFINISHED.includes(code) ? 'Y' : 'N' }),
  };
  if (answers === 'unsigned') return { elements: { return_code: 'SUCCESS', return_msg: 'OK', ...body } };
  return { elements: signed({ ...identity(signer), ...body }, signer) };
}

/** The answer of a gateway that did not do (or says it did not do) what it was asked. */
function substitute(
  fault: FaultRule | undefined,
  operation: V2Operation,
  signer: V2Signer,
): Reply | undefined {
  switch (fault?.kind) {
    case 'error_500':
      // Seen like this: nobody is named, nothing is signed.
      return {
        elements: present({
          return_code: 'SUCCESS',
          return_msg: 'OK',
          result_code: 'FAIL',
          err_code: 'SYSTEMERROR',
          err_code_des: '系统异常，请稍后再试',
        }),
      };
    case 'error_502_html':
      return { page: page('502 Bad Gateway'), status: 502 };
    case 'error_503_html':
      return { page: page('503 Service Temporarily Unavailable'), status: 503 };
    case 'rate_limited_429':
      return refusal(new V2Error('FREQUENCY_LIMITED'), operation, signer);
    case 'not_enough':
      return refusal(new V2Error('NOTENOUGH'), operation, signer);
    case 'refused':
      return refusal(arranged(fault.code), operation, signer);
    default:
      return undefined;
  }
}

/** The refusal of a code that was arranged, for all of the API perhaps, in the words of v3 then. */
function arranged(code: FaultRule['code'] = 'SYSTEMERROR'): V2Error {
  return isV2Code(code) ? new V2Error(code) : v2Error(refuse(code));
}

function spoilt(fault: FaultRule | undefined, { key }: V2Signer): Partial<V2Signer> {
  return fault?.kind === 'bad_signature' ? { key: [...key].reverse().join('') } : {};
}

/** TLS can only be ended, not reset. */
function reset({ socket }: ServerResponse): void {
  if (socket && 'encrypted' in socket) socket.destroy();
  else socket?.resetAndDestroy();
}

/** Half of the answer, and then the end of the connection. */
function breakOff(response: ServerResponse, reply: Reply): void {
  const text = 'elements' in reply ? toXml(reply.elements) : '<xml>';
  response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': Buffer.byteLength(text) });
  response.write(text.slice(0, text.length / 2), () => reset(response));
}

async function send(response: ServerResponse, reply: Reply): Promise<void> {
  if (response.destroyed) return;
  if ('page' in reply) {
    response.writeHead(reply.status, { 'Content-Type': 'text/html' }).end(reply.page);
    return;
  }
  if ('elements' in reply) {
    response.writeHead(200, { 'Content-Type': 'text/plain', 'Cache-Control': 'no-cache' });
    response.end(toXml(reply.elements));
    return;
  }
  const { content, contentType, headers } = reply.file;
  response.writeHead(200, { 'Content-Type': contentType, ...headers });
  if (Buffer.isBuffer(content)) response.end(content);
  // A client that leaves in the middle is no error of ours.
  else await pipeline(content, response).catch(() => {});
}
