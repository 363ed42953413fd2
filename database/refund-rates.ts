import { REFUND_LIMITS } from '../domain/refund.ts';
import type { Queryable } from './pool.ts';

/**
 * Two token buckets for each merchant, one row that every worker shares. A bucket is the time when it is full again: a token is taken by
 * moving that further away, and there is one as long as it is not further than the whole bucket.
 */

/** How far away the time may be for a token to be there, in seconds, and how far one token moves it. */
const bucket = ({ perSecond, burst }: { perSecond: number; burst: number }) => ({
  slack: (burst - 1) / perSecond,
  token: 1 / perSecond,
});
const REQUESTS = bucket(REFUND_LIMITS.requests);
const FAILURES = bucket(REFUND_LIMITS.failures);

/**
 * Takes a token for a refund request, if there is one and requests have not failed too often.
 * @returns 0, or how many milliseconds there will be none.
 */
export async function takeRefundToken(db: Queryable, merchantId: string): Promise<number> {
  const { rowCount } = await db.query(
    `insert into refund_rates as r (merchant_id, tenant_id, requests_full_at, failures_full_at)
     select id, tenant_id, clock_timestamp() + $2 * interval '1 second', clock_timestamp() from merchants where id = $1
     on conflict (merchant_id) do update
       set requests_full_at = greatest(r.requests_full_at, clock_timestamp()) + $2 * interval '1 second'
       where r.requests_full_at <= clock_timestamp() + $3 * interval '1 second'
         and r.failures_full_at <= clock_timestamp() + $4 * interval '1 second'`,
    [merchantId, REQUESTS.token, REQUESTS.slack, FAILURES.slack],
  );
  if (rowCount !== 0) return 0;
  const { rows } = await db.query<{ wait_ms: number }>(
    `select ceil(1000 * extract(epoch from greatest(requests_full_at - $2 * interval '1 second',
                                                    failures_full_at - $3 * interval '1 second') - clock_timestamp()))::float8 wait_ms
     from refund_rates where merchant_id = $1`,
    [merchantId, REQUESTS.slack, FAILURES.slack],
  );
  return Math.max(1, rows[0]?.wait_ms ?? 0);
}

/** Takes a token for a request that failed. It may be one that is not there yet: then requests wait until it would be. */
export async function takeFailureToken(db: Queryable, merchantId: string): Promise<void> {
  await db.query(
    `update refund_rates set failures_full_at = greatest(failures_full_at, clock_timestamp()) + $2 * interval '1 second'
     where merchant_id = $1`,
    [merchantId, FAILURES.token],
  );
}
