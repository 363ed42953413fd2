import { adviceFor, normaliseCode } from '../error-codes.ts';
import {
  ConfigurationError,
  type ErrorDetails,
  OutcomeUnknownError,
  RequestRejectedError,
  type SentRequest,
  type WechatPayError,
} from '../errors.ts';
import type { Answer } from '../exchange.ts';
import { headerValue } from '../headers.ts';

/** Refusals that are documented with status 500, although the request itself is wrong (refund and order error tables). */
const REFUSED_WITH_500 = new Set(['INVALID_TRANSACTIONID', 'OPENID_MISMATCH']);

/** They say of themselves that the operation may have happened, whatever status they come with. */
const UNKNOWN = new Set(['SYSTEM_ERROR', 'BANK_ERROR', 'SERVICE_UNAVAILABLE', 'USER_PAYING']);

/**
 * The error that an answer other than a verified 200 or 204 stands for: the status decides, then the code.
 * Error answers are taken without a signature, because requests refused before authentication carry none; so they are never more than a
 * refusal. Their body may be JSON, HTML or nothing.
 */
export function errorFor(
  answer: Answer,
  {
    request,
    now,
    rateLimitedMayHaveHappened,
  }: { request: SentRequest; now: number; rateLimitedMayHaveHappened: boolean },
): WechatPayError {
  const { status, headers } = answer;
  const { gatewayCode, message, field, issue } = readError(answer.body);
  const code = gatewayCode === undefined ? codeWithoutBody(status) : normaliseCode(gatewayCode);
  const details: ErrorDetails = {
    code,
    gatewayCode,
    field,
    httpStatus: status,
    requestId: headerValue(headers, 'request-id'),
    retryAfterMs: readRetryAfter(headerValue(headers, 'retry-after'), now),
    request,
    fix: adviceFor({ code, message, field, path: new URL(request.url).pathname }),
  };
  const what = [
    `${request.method} ${request.url} was answered ${status} ${code}`,
    message && `: ${message}`,
    (field || issue) && ` (${[field, issue].filter(Boolean).join(': ')})`,
    '.',
  ].join('');

  if (status === 401 || (status === 403 && code === 'NO_AUTH')) return new ConfigurationError(what, details);
  if (status === 429) {
    return rateLimitedMayHaveHappened
      ? new OutcomeUnknownError(what, details)
      : new RequestRejectedError(what, { ...details, retryable: true });
  }
  // A refusal without a code is not WeChat Pay's: a proxy spoke, and how far the request came, it does not say.
  const refused =
    gatewayCode !== undefined &&
    (status >= 400 && status < 500 ? !UNKNOWN.has(code) : status === 500 && REFUSED_WITH_500.has(code));
  if (!refused) return new OutcomeUnknownError(what, details);
  return new RequestRejectedError(what, { ...details, retryable: code === 'STATEMENT_CREATING' });
}

/** The JSON object in a body; undefined when there is none. */
export function readObject(body: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function codeWithoutBody(status: number): string {
  if (status === 202) return 'ACCEPTED';
  if (status === 408 || status === 504) return 'TIMEOUT';
  if (status === 429) return 'FREQUENCY_LIMITED';
  if (status === 502 || status === 503) return 'SERVICE_UNAVAILABLE';
  return 'UNEXPECTED_ANSWER';
}

/** `code`, `message`, `detail.field` and `detail.issue` are optional, and each may have any type when it was not WeChat Pay that answered. */
function readError(body: Buffer): {
  gatewayCode?: string | undefined;
  message?: string | undefined;
  field?: string | undefined;
  issue?: string | undefined;
} {
  const error = readObject(body);
  const detail = error?.detail as { field?: unknown; issue?: unknown } | null | undefined;
  return {
    gatewayCode: text(error?.code),
    message: text(error?.message),
    field: text(detail?.field),
    issue: text(detail?.issue),
  };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, 300) : undefined;
}

/** Seconds or an HTTP date. */
function readRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
