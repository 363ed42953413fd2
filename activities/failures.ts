import { ApplicationFailure, type Duration } from '@temporalio/common';
import { ConfigurationError, WechatPayError } from '../wechatpay/index.ts';

/**
 * The one translator from gateway errors to Temporal failures. Temporal is the only layer that retries; what is thrown here says when.
 */

/** Failure types that cross to workflows, logs and metrics. */
export type FailureType =
  /** The gateway did not answer, or not in a way that can be believed. */
  | 'GatewayOutcomeUnknown'
  /** The gateway asks for patience. */
  | 'GatewayRateLimited'
  /** The merchant's keys or rights are wrong; it goes on once they are mended. */
  | 'GatewayConfiguration'
  /** The gateway refused something that this service had no business asking. */
  | 'GatewayRejected'
  /** Not an error: the order or refund has not ended yet. */
  | 'NotFinalYet'
  /** Not an error: the step is to run as a normal activity, because it may take long. */
  | 'TooSlowForLocal';

/** Wait this long when the gateway limits the rate and does not say for how long. */
const RATE_LIMIT_DELAY_MS = 5_000;
/** A delay past an activity's deadline would end the activity at once, whatever the gateway asked for. */
const LONGEST_DELAY_MS = 60_000;
/** A wrong configuration is mended by people. */
const CONFIGURATION_DELAY: Duration = '30 seconds';

/** A merchant account is topped up by people, too. */
const TOP_UP_DELAY: Duration = '5 minutes';

/** A refusal that no repeat of the same request can change: not a rate limit, and not wrong keys or rights, which can be mended. */
export function isFinalRejection(error: unknown): error is WechatPayError {
  return error instanceof WechatPayError && !(error instanceof ConfigurationError) && !error.retryable;
}

/** Translates what a gateway call threw. Anything that is not a gateway error is passed on as it is. */
export function gatewayFailure(error: unknown): unknown {
  if (!(error instanceof WechatPayError)) return error;
  const fail = (type: FailureType, nextRetryDelay?: Duration) =>
    ApplicationFailure.create({
      type,
      message: `${error.code}: ${error.message}`,
      details: [
        { code: error.code, httpStatus: error.httpStatus ?? null, requestId: error.requestId ?? null },
      ],
      ...(nextRetryDelay && { nextRetryDelay }),
    });
  if (error.httpStatus === 429) {
    return fail('GatewayRateLimited', Math.min(error.retryAfterMs ?? RATE_LIMIT_DELAY_MS, LONGEST_DELAY_MS));
  }
  if (error instanceof ConfigurationError) return fail('GatewayConfiguration', CONFIGURATION_DELAY);
  if (error.code === 'NOT_ENOUGH') return fail('GatewayRejected', TOP_UP_DELAY);
  return fail(error.outcome === 'unknown' ? 'GatewayOutcomeUnknown' : 'GatewayRejected');
}

/** Whether it is tried again and does not say when. */
export function isUntimed(error: unknown): error is ApplicationFailure {
  return error instanceof ApplicationFailure && !error.nonRetryable && !error.nextRetryDelay;
}

/** The same failure, tried again after so many milliseconds. */
export function againAfter(failure: ApplicationFailure, ms: number): ApplicationFailure {
  const { type, message, details, category, cause } = failure;
  return ApplicationFailure.create({
    ...(type && { type }),
    ...(category && { category }),
    ...(cause && { cause }),
    message,
    details: details ?? [],
    nextRetryDelay: ms,
  });
}

/**
 * Asks Temporal to come back later. It is kept out of error logs and failure metrics.
 * @param nextRetryDelayMs milliseconds; without it the activity's own backoff counts.
 */
export function notFinalYet(message: string, nextRetryDelayMs?: number): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'NotFinalYet' satisfies FailureType,
    message,
    ...(nextRetryDelayMs !== undefined && { nextRetryDelay: nextRetryDelayMs }),
    category: 'BENIGN',
  });
}

/** Sends a step from its local attempt to its durable one. */
export function tooSlowForLocal(): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'TooSlowForLocal' satisfies FailureType,
    message: 'the gateway does not answer promptly',
    nonRetryable: true,
    category: 'BENIGN',
  });
}

/** The gap after the n-th attempt (from 1) of a polling schedule; the last gap repeats. */
export function pollGap(gapsMs: number[], attempt: number): number {
  return gapsMs[Math.min(attempt, gapsMs.length) - 1] ?? 30_000;
}
