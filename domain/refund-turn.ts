import { REFUND_LIMITS } from './refund.ts';

/**
 * When a refund request may be sent to WeChat Pay: requests of a merchant share two token buckets, and those that wait for a token have an
 * order. A bucket is the time when it is full again.
 *
 * A request that fails takes from the bucket of failures. Once one has, each takes its token as if it failed, before it is sent, and has it
 * back when it is accepted: a wave of refunds for which there is no money fails no faster than WeChat Pay allows.
 */
export interface RefundRates {
  /** All times are in milliseconds, by one clock. */
  now: number;
  requestsFullAt: number;
  failuresFullAt: number;
  /** So many requests have to be accepted until they are trusted again not to fail. */
  unproven: number;
}

/** What becomes of the buckets. */
export type RatesChange = Omit<RefundRates, 'now'>;

/** It may be sent, and has taken its tokens; or it is to ask again. */
export type RefundTurn = { kind: 'now'; rates: RatesChange } | { kind: 'later'; waitMs: number };

/** So long anyone waits at least, in milliseconds: an attempt costs more than a token. */
const LEAST_WAIT_MS = 100;

/** Who has not asked again so long after it should have does not count as waiting, in milliseconds. It keeps its place. */
export const MISSING_AFTER_MS = 10_000;

/** So long anyone waits at most for others that may fail, in milliseconds: they may be accepted as well. */
const LONGEST_DOUBT_MS = 10_000;

const { requests, failures } = REFUND_LIMITS;
const REQUEST_MS = 1_000 / requests.perSecond;
/** How much later the bucket of failures is full again when one request has failed, in milliseconds. */
export const FAILURE_MS = 1_000 / failures.perSecond;
/** As many have to be accepted after one has failed as may then be sent at once. */
const PROOF = requests.burst;

/**
 * Whether a refund has its turn. It has when there is a token for it and for everyone ahead of it: one that asks again at its time finds its
 * token, although others have asked before it. Otherwise it comes back when there will be that many.
 * @param ahead how many wait that asked for the first time before it did.
 */
export function refundTurn(rates: RefundRates, ahead: number): RefundTurn {
  const { now, requestsFullAt, failuresFullAt, unproven } = rates;
  const earliest = Math.max(now, failuresFullAt - (failures.burst - 1) * FAILURE_MS);
  const enoughTokens = Math.max(requestsFullAt, earliest) - (requests.burst - 1 - ahead) * REQUEST_MS;
  const ifTheyFail = unproven > 0 ? earliest + Math.min(ahead * FAILURE_MS, LONGEST_DOUBT_MS) : earliest;
  const due = Math.max(ifTheyFail, enoughTokens);
  if (due > now) return { kind: 'later', waitMs: Math.max(LEAST_WAIT_MS, Math.ceil(due - now)) };
  return {
    kind: 'now',
    rates: {
      requestsFullAt: Math.max(requestsFullAt, now) + REQUEST_MS,
      failuresFullAt: unproven > 0 ? Math.max(failuresFullAt, now) + FAILURE_MS : failuresFullAt,
      unproven,
    },
  };
}

/**
 * A request has failed. Its token may be one that is not there yet: then requests wait until it would be.
 * @param presumedUntil when the token is there again that it has taken before it was sent, if it has.
 */
export function requestFailed(
  { now, requestsFullAt, failuresFullAt }: RefundRates,
  presumedUntil: number | undefined,
): RatesChange {
  const taken = presumedUntil !== undefined;
  return {
    requestsFullAt,
    failuresFullAt: taken ? failuresFullAt : Math.max(failuresFullAt, now) + FAILURE_MS,
    unproven: PROOF,
  };
}

/** A request was accepted that had taken a token of failures, which it gives back unless time has done so already. */
export function requestAccepted(
  { now, requestsFullAt, failuresFullAt, unproven }: RefundRates,
  presumedUntil: number,
): RatesChange {
  return {
    requestsFullAt,
    failuresFullAt: now < presumedUntil ? failuresFullAt - FAILURE_MS : failuresFullAt,
    unproven: Math.max(0, unproven - 1),
  };
}
