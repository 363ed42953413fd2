import { REFUND_LIMITS } from './refund.ts';

/**
 * When a refund request may be sent to WeChat Pay: requests of a merchant share two token buckets, and those that wait for a token have an
 * order. A bucket is the time when it is full again.
 */
export interface RefundRates {
  /** All times are in milliseconds, by one clock. */
  now: number;
  requestsFullAt: number;
  failuresFullAt: number;
}

/** It may be sent, and has taken its token; or it is to ask again. */
export type RefundTurn = { kind: 'now'; requestsFullAt: number } | { kind: 'later'; waitMs: number };

/** So long anyone waits at least, in milliseconds: an attempt costs more than a token. */
const LEAST_WAIT_MS = 100;

/** Who has not asked again so long after it should have does not count as waiting, in milliseconds. It keeps its place. */
export const MISSING_AFTER_MS = 10_000;

const { requests, failures } = REFUND_LIMITS;
const REQUEST_MS = 1_000 / requests.perSecond;
/** How much later the bucket of failures is full again when one request has failed, in milliseconds. */
export const FAILURE_MS = 1_000 / failures.perSecond;

/**
 * Whether a refund has its turn. It has when there is a token for it and for everyone ahead of it: one that asks again at its time finds its
 * token, although others have asked before it. Otherwise it comes back when there will be that many.
 * @param ahead how many wait that asked for the first time before it did.
 */
export function refundTurn({ now, requestsFullAt, failuresFullAt }: RefundRates, ahead: number): RefundTurn {
  const earliest = Math.max(now, failuresFullAt - (failures.burst - 1) * FAILURE_MS);
  const enoughTokens = Math.max(requestsFullAt, earliest) - (requests.burst - 1 - ahead) * REQUEST_MS;
  const due = Math.max(earliest, enoughTokens);
  if (due > now) return { kind: 'later', waitMs: Math.max(LEAST_WAIT_MS, Math.ceil(due - now)) };
  return { kind: 'now', requestsFullAt: Math.max(requestsFullAt, now) + REQUEST_MS };
}
