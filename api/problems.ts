import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import { ERRORS, type ErrorCode } from '../domain/errors.ts';
import type { Logger } from '../process/logger.ts';

/** What is wrong with one field of a request. */
export interface FieldError {
  /** JSON pointer (RFC 6901) to the field. */
  pointer: string;
  detail: string;
}

/** A refusal, thrown anywhere in a handler and answered as `application/problem+json` (RFC 9457). */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: ErrorCode;
  readonly extensions: Record<string, unknown>;
  readonly headers: Record<string, string>;

  /** @param detail says what to do next. */
  constructor(
    code: ErrorCode,
    detail: string,
    {
      headers = {},
      ...extensions
    }: { headers?: Record<string, string>; errors?: FieldError[] } & Record<string, unknown> = {},
  ) {
    super(detail);
    this.code = code;
    this.extensions = extensions;
    this.headers = headers;
  }
}

/** The refusal of a body, with what is wrong with each field. */
export function invalidFields(errors: FieldError[]): Problem {
  return new Problem('invalid_request', 'Mend the fields listed in `errors`; nothing was stored.', {
    errors,
  });
}

/** Page that explains every code. */
const DOC_URL = 'https://github.com/paysaga/paysaga/blob/main/docs/errors.md';

function send(response: Response, problem: Problem): void {
  const { status, title, retryable } = ERRORS[problem.code];
  response
    .status(status)
    .set(problem.headers)
    .type('application/problem+json')
    .send(
      JSON.stringify({
        type: `${DOC_URL}#${problem.code}`,
        title,
        status,
        detail: problem.message,
        instance: response.req.originalUrl,
        code: problem.code,
        request_id: response.locals.requestId,
        retryable,
        doc_url: `${DOC_URL}#${problem.code}`,
        ...problem.extensions,
      }),
    );
}

/** Answers 404 for everything that no route took. */
export const notFound: RequestHandler = (request) => {
  throw new Problem('not_found', `There is no ${request.method} ${request.path}.`);
};

/** Answers 405 for the other methods of a path. */
export function onlyMethods(...methods: string[]): RequestHandler {
  return (request: Request) => {
    throw new Problem(
      'method_not_allowed',
      `${request.originalUrl.split('?')[0]} has no ${request.method}.`,
      {
        headers: { allow: methods.join(', ') },
      },
    );
  };
}

/** Turns everything thrown into a problem. What nobody expected is logged whole and answered without its details. */
export function problemHandler(log: Logger): ErrorRequestHandler {
  return (error, _request, response, _next) => {
    // A file that broke on its way: its reader sees that it was cut off.
    if (response.headersSent) {
      log.error({ err: error, request_id: response.locals.requestId }, 'answer was cut off');
      response.destroy();
      return;
    }
    const problem = toProblem(error);
    if (problem.code === 'internal_error' || problem.code === 'temporarily_unavailable') {
      log.error({ err: error, request_id: response.locals.requestId }, 'request failed');
    }
    send(response, problem);
  };
}

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const { code } = error as { code?: unknown };
  // A path that cannot be decoded, or that holds a NUL, names nothing.
  if (error instanceof URIError || code === CHARACTER_NOT_IN_REPERTOIRE) {
    return new Problem('not_found', 'There is no such path.');
  }
  // body-parser marks its refusals with a type.
  switch ((error as { type?: string }).type) {
    case 'entity.parse.failed':
    case 'charset.unsupported':
    case 'encoding.unsupported':
    case 'request.size.invalid':
    case 'request.aborted':
      return new Problem('malformed_json', 'Send one JSON object, encoded in UTF-8.');
    case 'entity.too.large':
      return new Problem('payload_too_large', 'Send at most 64 KiB.');
  }
  // zlib's and the body reader's own refusals of a body that is not what its headers say.
  if ((error as { status?: number }).status === 400) {
    return new Problem('malformed_json', 'Send one JSON object, encoded in UTF-8.');
  }
  if (isOutage(error)) {
    return new Problem('temporarily_unavailable', 'Repeat the request with the same Idempotency-Key.', {
      headers: { 'retry-after': '2' },
    });
  }
  return new Problem('internal_error', 'Repeat the request; if it fails again, report the request_id.');
}

/** SQLSTATE for a byte that no text may contain. */
const CHARACTER_NOT_IN_REPERTOIRE = '22021';

/** PostgreSQL or Temporal cannot be reached. */
function isOutage(error: unknown): boolean {
  const { code, message = '' } = error as { code?: unknown; message?: string };
  // Network errors of Node; PostgreSQL's classes 08, 53 and 57 (connection, resources, operator intervention); gRPC's UNAVAILABLE.
  return (
    (typeof code === 'string' &&
      /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|08|53|57)/.test(code)) ||
    code === 14 ||
    /timeout exceeded when trying to connect|Connection terminated/.test(message)
  );
}
