/** Characters of a wrong value that an answer repeats. */
const LONGEST_VALUE = 1024;

/** Where a request is wrong, as the gateway reports it; `field` is a JSON pointer for `body` and a name otherwise. */
export interface FieldError {
  field: string;
  value?: unknown;
  issue: string;
  location: 'body' | 'url' | 'query';
}

/** A documented refusal (official page 4012081717). Clients branch on status and code; the message is for people. */
export class GatewayError extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: unknown;
  /** The number that ends `Request-ID`; 0 when none is known for this error. */
  readonly internalCode: number;

  constructor(
    status: number,
    code: string,
    message: string,
    { detail, internalCode = 0 }: { detail?: unknown; internalCode?: number } = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.internalCode = internalCode;
  }

  toJSON(): { code: string; message: string; detail?: unknown } {
    return { code: this.code, message: this.message, detail: this.detail };
  }
}

/** 400 PARAM_ERROR with the place of the error, and the value unless it is more than a word. */
export function paramError(
  { value, ...place }: FieldError,
  { message = '参数错误', internalCode = 268435461 }: { message?: string; internalCode?: number } = {},
): GatewayError {
  const { field, ...rest } = place;
  const detail: FieldError = { field, ...(isShort(value) && { value }), ...rest };
  return new GatewayError(400, 'PARAM_ERROR', message, { detail, internalCode });
}

/** Whether a value is told back: not what has an inside, which may be as deep as the body is long, nor long text. */
function isShort(value: unknown): boolean {
  if (typeof value === 'string') return value.length <= LONGEST_VALUE;
  return typeof value === 'number' || typeof value === 'boolean' || value === null;
}

/** 401 SIGN_ERROR: refused before the caller is known, so the answer is not signed. */
export function signError(message: string, detail?: unknown): GatewayError {
  return new GatewayError(401, 'SIGN_ERROR', message, { detail, internalCode: 268443699 });
}

/** A request to the control API that cannot be done; its message goes to a developer. */
export class ControlError extends Error {
  readonly status: 400 | 404 | 409;

  constructor(status: 400 | 404 | 409, message: string) {
    super(message);
    this.status = status;
  }
}
