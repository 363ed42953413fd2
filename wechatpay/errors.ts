import { type ErrorCode, fixFor } from './error-codes.ts';

/** What the library knows about the operation after a call has failed. */
export type Outcome =
  /** The gateway refused: nothing has happened. */
  | 'rejected'
  /**
   * It may or may not have happened. Ask the gateway about the same number, then repeat the same number with the same bytes. Never
   * take a new number.
   */
  | 'unknown';

/** The request that was sent, without its secrets (no headers, no body). */
export interface SentRequest {
  method: string;
  url: string;
}

/** What an error knows besides its sentence. */
export interface ErrorDetails {
  code: ErrorCode;
  /** The code as the gateway spelt it. */
  gatewayCode?: string | undefined;
  /** The field the gateway complained about: a JSON pointer into the body, or the name of a parameter. */
  field?: string | undefined;
  httpStatus?: number | undefined;
  requestId?: string | undefined;
  retryAfterMs?: number | undefined;
  request?: SentRequest | undefined;
  /** Overrides the catalogue's sentence for `code`. */
  fix?: string | undefined;
  cause?: unknown;
}

/** Every error of this library. Branch on the class, `outcome`, `retryable` and `code`; never on the message. */
export abstract class WechatPayError extends Error {
  abstract readonly outcome: Outcome;
  /** True when repeating the very same request later can succeed without anybody's help. */
  readonly retryable: boolean;
  /** The gateway's code in one spelling (`ORDERNOTEXIST` reads `ORDER_NOT_EXIST`), or one of the library's own. */
  readonly code: ErrorCode;
  /** The code as the gateway spelt it; undefined when it said none. */
  readonly gatewayCode: string | undefined;
  /** The field at fault: a JSON pointer into the body, or the name of a parameter. */
  readonly field: string | undefined;
  /** Status of the answer; undefined when there was none. */
  readonly httpStatus: number | undefined;
  /** `Request-ID` of the answer. WeChat Pay's support asks for it; the number after its last dash is their internal error code. */
  readonly requestId: string | undefined;
  /** How long the gateway asked us to wait, from `Retry-After`. */
  readonly retryAfterMs: number | undefined;
  /** What was sent; undefined when nothing was. */
  readonly request: SentRequest | undefined;
  /** One sentence: what to do about it. */
  readonly fix: string;

  constructor(what: string, retryable: boolean, details: ErrorDetails) {
    const fix = details.fix ?? fixFor(details.code);
    super(`${what} ${fix}`, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.retryable = retryable;
    this.code = details.code;
    this.gatewayCode = details.gatewayCode;
    this.field = details.field;
    this.httpStatus = details.httpStatus;
    this.requestId = details.requestId;
    this.retryAfterMs = details.retryAfterMs;
    this.request = details.request;
    this.fix = fix;
  }
}

/**
 * The gateway refused the request, or it could not be built: nothing has happened. Retryable only when it came too often or too early: a
 * limited rate, a bill that is still being made.
 */
export class RequestRejectedError extends WechatPayError {
  readonly outcome = 'rejected';

  constructor(what: string, details: ErrorDetails & { retryable?: boolean }) {
    super(what, details.retryable ?? false, details);
  }
}

/** The error for a request that is not sent, because the gateway would refuse it. @param problem what stands behind the name of the field. */
export function refused(field: string, problem: string): RequestRejectedError {
  return new RequestRejectedError(`The request was not sent: ${field} ${problem}.`, {
    code: 'PARAM_ERROR',
    field,
  });
}

/** The operation may have been executed: see {@link Outcome}. */
export class OutcomeUnknownError extends WechatPayError {
  readonly outcome = 'unknown';

  constructor(what: string, details: ErrorDetails & { retryable?: boolean }) {
    super(what, details.retryable ?? true, details);
  }
}

/**
 * Keys, numbers, rights or the clock are wrong, so that no request of this client can succeed until a person has changed something.
 * Thrown by the constructor (then it names every problem at once), and for 401 and 403 `NO_AUTH`.
 */
export class ConfigurationError extends WechatPayError {
  readonly outcome = 'rejected';

  constructor(what: string, details: ErrorDetails) {
    super(what, false, details);
  }
}

/** Why a notification was not accepted. */
export type NotificationVerdict =
  /** Not signed by WeChat Pay, or changed on its way. WeChat Pay's deliberate signature probes end here too. */
  | 'forged'
  /** Signed by WeChat Pay, but five minutes or more away from our clock: a replay, or our clock is wrong. */
  | 'stale'
  /** Signed by WeChat Pay, but its content cannot be read: usually the APIv3 key was changed. */
  | 'undecryptable';

const NOTIFICATION_CODES = {
  forged: 'NOTIFICATION_FORGED',
  stale: 'NOTIFICATION_STALE',
  undecryptable: 'NOTIFICATION_UNDECRYPTABLE',
} as const satisfies Record<NotificationVerdict, ErrorCode>;

/** A notification that must not be believed. Answer it with 4xx or 5xx: a genuine one comes again, freshly signed. */
export class NotificationError extends WechatPayError {
  readonly outcome = 'rejected';
  /** Why it was not accepted. */
  readonly verdict: NotificationVerdict;

  constructor(verdict: NotificationVerdict, what: string, cause?: unknown) {
    super(what, false, { code: NOTIFICATION_CODES[verdict], cause });
    this.verdict = verdict;
  }
}

/** What is wrong with the file of a bill. */
export type BillErrorCode =
  /** The bytes are not those that WeChat Pay hashed. */
  | 'BILL_HASH_MISMATCH'
  /** The file does not decrypt or decompress, is cut off, has something after its end, or is larger than allowed. */
  | 'BILL_CORRUPT'
  /** The text is no such bill, or its rows and its summary disagree. */
  | 'BILL_MALFORMED';

/** The file of a bill that must not be believed, not even the rows that were read before. Retryable when another download may be sound. */
export class BillError extends WechatPayError {
  readonly outcome = 'rejected';
  declare readonly code: BillErrorCode;
  /** Line of the file, from 1; undefined when it is about the whole file. */
  readonly line: number | undefined;

  constructor(code: BillErrorCode, what: string, { line, cause }: { line?: number; cause?: unknown } = {}) {
    const retryable = code !== 'BILL_MALFORMED';
    super(line === undefined ? what : `Line ${line}: ${what}`, retryable, { code, cause });
    this.line = line;
  }
}
