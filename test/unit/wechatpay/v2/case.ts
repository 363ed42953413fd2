import type { V2 } from '../../../../wechatpay/v2/client.ts';
import type { V2_ENDPOINTS } from '../../../../wechatpay/v2/endpoints.ts';
import type { Elements } from './v2-gateway.ts';

/** How a call fails. */
export interface Failure {
  class: 'RequestRejectedError' | 'OutcomeUnknownError' | 'ConfigurationError';
  code: string;
  outcome: 'rejected' | 'unknown';
  retryable: boolean;
}

/** One call against the gateway. */
export interface V2Case {
  call: keyof typeof V2_ENDPOINTS;
  /** What it shows. */
  name: string;
  run: (v2: V2) => Promise<unknown>;
  /** The elements that arrive, besides appid, mch_id, nonce_str, sign_type and sign. */
  sends: Elements;
  /** Elements of the answer, on top of a signed {A}; or a body as it is. */
  answers: Elements | { body: string | Buffer; headers?: Record<string, string> };
  /** What must be in the result; exactly it, when it is no object. */
  gives?: unknown;
  fails?: Failure;
}

export const PERMANENT = { class: 'RequestRejectedError', outcome: 'rejected', retryable: false } as const;
export const LATER = { class: 'RequestRejectedError', outcome: 'rejected', retryable: true } as const;
export const UNKNOWN = { class: 'OutcomeUnknownError', outcome: 'unknown', retryable: true } as const;
export const UNDECIDED = { class: 'OutcomeUnknownError', outcome: 'unknown', retryable: false } as const;
export const CONFIGURATION = { class: 'ConfigurationError', outcome: 'rejected', retryable: false } as const;

type Handling = Omit<Failure, 'code'>;

/** err_code as the gateway spells it, how it is handled, and the code that comes out where that is another. */
export type ErrorRow = [errCode: string, handling: Handling, code?: string];
