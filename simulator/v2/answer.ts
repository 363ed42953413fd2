import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { V2Fields } from '../../wechatpay/v2/xml.ts';
import { breakOff } from '../carry-out.ts';
import type { FaultRule } from '../faults/fault.ts';
import type { Excess } from '../rate-limit.ts';
import { refuse } from '../refusals.ts';
import { type FileReply, isFile } from '../v3/operation.ts';
import { identity, signed, toXml, type V2Signer } from './envelope.ts';
import { isV2Code, V2Error, type V2ErrorCode, v2Error } from './error.ts';
import type { V2Operation } from './operation.ts';

/** What goes back: XML with status 200, a file, or the page of a proxy. */
export type V2Answer = { elements: V2Fields } | { file: FileReply } | { page: string; status: number };

/** A page in HTML. */
export function htmlPage(status: number, title: string): V2Answer {
  const text = `${status} ${title}`;
  return {
    status,
    page: `<html>\r\n<head><title>${text}</title></head>\r\n<body>\r\n<center><h1>${text}</h1></center>\r\n</body>\r\n</html>\r\n`,
  };
}

/** What a call gave, in its envelope. */
export function confirmation(
  result: V2Fields | FileReply,
  { answers }: V2Operation,
  signer: V2Signer,
): V2Answer {
  if (isFile(result)) return { file: result };
  if (answers === 'unsigned') return { elements: { return_code: 'SUCCESS', return_msg: 'OK', ...result } };
  const code: V2Fields = answers === 'plain' ? {} : { result_code: 'SUCCESS' };
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

/**
 * What is answered instead. Nobody is named and nothing signed before the caller is known.
 * @param error of v2, or of the books, which speak v3
 */
export function refusal(
  error: unknown,
  { answers, recalls }: V2Operation,
  signer: V2Signer | undefined,
): V2Answer {
  const { code, message } = v2Error(error);
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

/** Whether a call was refused. */
export function isRefusal(answer: V2Answer): boolean {
  if (!('elements' in answer)) return 'page' in answer;
  const { return_code, result_code } = answer.elements;
  return return_code === 'FAIL' || result_code === 'FAIL';
}

/** The error for one call too many. */
export function tooMany(excess: Excess): V2Error {
  // "Too many invalid requests" is what v2 calls refunds that keep failing (official v2 refund page).
  if (excess === 'failures') return new V2Error('INVALID_REQ_TOO_MUCH');
  const old = '频率限制，1个月之前的订单请降低申请频率再重试';
  return new V2Error('FREQUENCY_LIMITED', excess === 'old_orders' ? old : undefined);
}

/** SYSTEMERROR as it was seen: nobody is named, nothing is signed. */
const UNSIGNED_SYSTEMERROR: V2Fields = {
  return_code: 'SUCCESS',
  return_msg: 'OK',
  result_code: 'FAIL',
  err_code: 'SYSTEMERROR',
  err_code_des: '系统异常，请稍后再试',
};

/** The answer of a gateway that did not do (or says that it did not do) what it was asked. */
export function instead(fault: FaultRule, operation: V2Operation, signer: V2Signer): V2Answer | undefined {
  switch (fault.kind) {
    case 'error_500':
      return { elements: UNSIGNED_SYSTEMERROR };
    case 'error_502_html':
      return htmlPage(502, 'Bad Gateway');
    case 'error_503_html':
      return htmlPage(503, 'Service Temporarily Unavailable');
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

/** The refusal of a code that was arranged, in the words of v3 when it is for all endpoints. */
function arranged(code: FaultRule['code'] = 'SYSTEMERROR'): Error {
  return isV2Code(code) ? new V2Error(code) : refuse(code);
}

/** Sends an answer, spoilt as a fault says. */
export async function sendAnswer(
  response: ServerResponse,
  answer: V2Answer,
  fault: FaultRule | undefined,
): Promise<void> {
  if (response.destroyed) return;
  if ('page' in answer) {
    response.writeHead(answer.status, { 'Content-Type': 'text/html' }).end(answer.page);
    return;
  }
  const { content, contentType, headers } =
    'file' in answer ? answer.file : { ...XML, content: toXml(spoilt(answer.elements, fault)) };
  const known = typeof content === 'string' || Buffer.isBuffer(content);
  response.writeHead(200, {
    'Content-Type': contentType,
    ...(known && { 'Content-Length': Buffer.byteLength(content) }),
    ...headers,
  });
  if (fault?.kind === 'reset_mid_answer') await breakOff(response, content);
  else if (known) response.end(content);
  // A client that leaves in the middle is no error of ours.
  else await pipeline(content, response).catch(() => {});
}

const XML = { contentType: 'text/plain', headers: { 'Cache-Control': 'no-cache' } };

function spoilt({ sign, ...elements }: V2Fields, fault: FaultRule | undefined): V2Fields {
  if (!sign || fault?.kind === 'unsigned') return elements;
  return { ...elements, sign: fault?.kind === 'bad_signature' ? [...sign].reverse().join('') : sign };
}
