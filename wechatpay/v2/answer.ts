import { normaliseCode } from '../error-codes.ts';
import {
  ConfigurationError,
  type ErrorDetails,
  OutcomeUnknownError,
  RequestRejectedError,
  type SentRequest,
  type WechatPayError,
} from '../errors.ts';
import type { V2Fields } from './xml.ts';

/** No request of this client succeeds until a person has changed something. */
const CONFIGURATION = new Set(['SIGN_ERROR', 'NO_AUTH', 'APPID_NOT_EXIST', 'MCHID_NOT_EXIST']);

/**
 * Refusals: nothing has happened. Sources: the error tables of the official v2 pages. A code that is not among them has an unknown outcome,
 * because v2 has no HTTP status that could tell a refusal from a failure.
 */
const REFUSED = new Set([
  // Common.
  'APPID_MCHID_NOT_MATCH',
  'INVALID_REQUEST',
  'LACK_PARAMS',
  'NOT_UTF8',
  'PARAM_ERROR',
  'POST_DATA_EMPTY',
  'REQUIRE_POST_METHOD',
  'XML_FORMAT_ERROR',
  // Orders, queries, closing.
  'NOT_ENOUGH',
  'ORDER_CLOSED',
  'ORDER_NOT_EXIST',
  'ORDER_PAID',
  'OUT_TRADE_NO_USED',
  // Payment codes.
  'AUTHCODEEXPIRE',
  'AUTH_CODE_ERROR',
  'AUTH_CODE_INVALID',
  'BUYER_MISMATCH',
  'INVALID_TRANSACTIONID',
  'NOTSUPORTCARD',
  'ORDER_REVERSED',
  'REVERSE_EXPIRE',
  'TRADE_ERROR',
  // Refunds.
  'ACCOUNT_ERROR',
  'ERROR',
  'RESOURCE_NOT_EXISTS',
  'RULE_LIMIT',
  'TRADE_OVERDUE',
  'USER_ACCOUNT_ABNORMAL',
  // Bills.
  'NO_STATEMENT_EXIST',
]);

/** Refusals that the very same request survives later: slow down, or wait for the bill. */
const REFUSED_FOR_NOW = new Set(['FREQUENCY_LIMITED', 'INVALID_REQ_TOO_MUCH', 'STATEMENT_CREATING']);

/** The gateway does not know itself. After a payment code: query, then reverse. */
const UNKNOWN = new Set(['SYSTEM_ERROR', 'BANK_ERROR', 'USER_PAYING', 'BIZERR_NEED_RETRY']);

/**
 * Failures of `return_code` come without a code. These are the messages that are documented, and the words in which the gateway says that
 * it was its own fault; any other message is a refusal of the request as it was built.
 */
const MESSAGES: readonly [RegExp, string][] = [
  [/签名|sign ?error/i, 'SIGN_ERROR'],
  [/no bill exist/i, 'NO_STATEMENT_EXIST'],
  [/bill creating/i, 'STATEMENT_CREATING'],
  [/^(invalid bill_type|data format error|missing parameter)/i, 'PARAM_ERROR'],
  [/频率|frequency/i, 'FREQUENCY_LIMITED'],
  [
    /系统|内部|异常|繁忙|超时|稍后|重试|system ?error|internal|exception|time ?out|busy|unavailable|again|retry/i,
    'SYSTEM_ERROR',
  ],
];

/** What classification needs to know about a call. */
export interface CallTraits {
  request: SentRequest;
  /** Refund applications: told to slow down, they may have been accepted all the same. */
  rateLimitedMayHaveHappened: boolean;
}

/** The error for `return_code` FAIL: the request never reached the business, and nothing is signed. */
export function communicationError(answer: V2Fields, traits: CallTraits): WechatPayError {
  const message = answer.return_msg ?? '';
  const code = answer.err_code || MESSAGES.find(([words]) => words.test(message))?.[1] || 'INVALID_REQUEST';
  return failure({ code, message, recall: answer.recall }, traits);
}

/** The error for `result_code` FAIL. */
export function businessError(answer: V2Fields, traits: CallTraits): WechatPayError {
  const message = answer.err_code_des ?? '';
  const code = answer.err_code;
  if (!code) return unexpected(traits.request, 'refuses without saying why');
  return failure({ code, message, recall: answer.recall }, traits);
}

/** The error for an answer that is not how this call answers. */
export function unexpected(
  request: SentRequest,
  problem: string,
  details: Partial<ErrorDetails> = {},
): OutcomeUnknownError {
  return new OutcomeUnknownError(`The answer to ${request.method} ${request.url} ${problem}.`, {
    code: 'UNEXPECTED_ANSWER',
    httpStatus: 200,
    request,
    ...details,
  });
}

function failure(
  { code: gatewayCode, message, recall }: { code: string; message: string; recall: string | undefined },
  { request, rateLimitedMayHaveHappened }: CallTraits,
): WechatPayError {
  const code = normaliseCode(gatewayCode.slice(0, 64));
  const said = message && `: ${message.slice(0, 300)}`;
  const what = `${request.method} ${request.url} was answered ${code}${said}.`;
  const details: ErrorDetails = { code, gatewayCode: gatewayCode.slice(0, 64), httpStatus: 200, request };
  if (code === 'SIGN_ERROR') details.fix = 'Check the APIv2 key, the merchant number and signType.';

  // The gateway asks for the same reversal once more, whatever went wrong.
  if (recall === 'Y') return new OutcomeUnknownError(what, details);
  if (CONFIGURATION.has(code)) return new ConfigurationError(what, details);
  if (REFUSED.has(code)) return new RequestRejectedError(what, details);
  if (REFUSED_FOR_NOW.has(code)) {
    return code === 'FREQUENCY_LIMITED' && rateLimitedMayHaveHappened
      ? new OutcomeUnknownError(what, details)
      : new RequestRejectedError(what, { ...details, retryable: true });
  }
  return new OutcomeUnknownError(what, { ...details, retryable: UNKNOWN.has(code) });
}
