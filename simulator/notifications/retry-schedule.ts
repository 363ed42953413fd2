/** Waits between attempts, in seconds, as documented: 15 retries over 24 h 4 min. */
export const RETRY_SECONDS = [
  15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600,
] as const;

/**
 * Complaints have a plan of their own: once after 5 s, ten times after a minute, then every five minutes, 1000 times at most. The other
 * documented limit, a week, is never reached by then (complaint notification page of 2023-06).
 */
const COMPLAINT_RETRIES = 1000;

/** The wait before a retry, in seconds; `retry` counts from 0. Undefined when there are no more. */
export function secondsBeforeRetry(eventType: string, retry: number): number | undefined {
  if (!eventType.startsWith('COMPLAINT.')) return RETRY_SECONDS[retry];
  if (retry >= COMPLAINT_RETRIES) return undefined;
  if (retry === 0) return 5;
  return retry <= 10 ? 60 : 300;
}
