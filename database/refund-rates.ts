import { FAILURE_MS, MISSING_AFTER_MS, type RefundRates, refundTurn } from '../domain/refund-turn.ts';
import type { Queryable } from './pool.ts';
import type { Refund } from './refunds.ts';

/**
 * The token buckets of each merchant, one row that every worker shares, and the queue of its refunds that wait for a token. The time of the
 * database counts, whichever worker asks.
 */

/**
 * Takes a token for the present attempt of a refund if it has its turn, else a place in the queue. Call it in a transaction: it holds the
 * merchant's row from here on.
 * @returns 0, or after how many milliseconds to ask again.
 */
export async function takeRefundToken(
  db: Queryable,
  { id, merchantId }: Pick<Refund, 'id' | 'merchantId'>,
): Promise<number> {
  const turn = refundTurn(await lockRates(db, merchantId), await countAhead(db, id));
  if (turn.kind === 'now') {
    await db.query(
      `with taken as (
         update refund_rates set requests_full_at = to_timestamp($2::float8 / 1000) where merchant_id = $1
       )
       update refund_attempts set queue_number = null, asks_again_at = null where refund_id = $3 and queue_number is not null`,
      [merchantId, turn.requestsFullAt, id],
    );
    return 0;
  }
  await db.query(
    `update refund_attempts a set queue_number = coalesce(a.queue_number, nextval('refund_queue_numbers')),
       asks_again_at = clock_timestamp() + $2 * interval '1 millisecond'
     from refunds r where r.id = $1 and a.refund_id = r.id and a.number = r.attempt`,
    [id, turn.waitMs],
  );
  return turn.waitMs;
}

/** Takes a token for a request that failed. It may be one that is not there yet: then requests wait until it would be. */
export async function takeFailureToken(db: Queryable, merchantId: string): Promise<void> {
  await db.query(
    `update refund_rates
     set failures_full_at = greatest(failures_full_at, clock_timestamp()) + $2 * interval '1 millisecond'
     where merchant_id = $1`,
    [merchantId, FAILURE_MS],
  );
}

/** The buckets, which nobody else changes until the transaction ends; full ones for a merchant that has none yet. */
async function lockRates(db: Queryable, merchantId: string): Promise<RefundRates> {
  const { rows } = await db.query<RefundRates>(
    `insert into refund_rates as r (merchant_id, tenant_id, requests_full_at, failures_full_at)
     select id, tenant_id, clock_timestamp(), clock_timestamp() from merchants where id = $1
     on conflict (merchant_id) do update set merchant_id = excluded.merchant_id
     returning (1000 * extract(epoch from clock_timestamp()))::float8 "now",
               (1000 * extract(epoch from requests_full_at))::float8 "requestsFullAt",
               (1000 * extract(epoch from failures_full_at))::float8 "failuresFullAt"`,
    [merchantId],
  );
  const rates = rows[0];
  if (!rates) throw new Error(`there is no merchant ${merchantId}`);
  return rates;
}

/** How many of the merchant's refunds wait that came before this one. Hold the merchant's row. */
async function countAhead(db: Queryable, refundId: string): Promise<number> {
  const { rows } = await db.query<{ ahead: number }>(
    `select count(*)::int ahead
     from refunds r
     join refund_attempts own on own.refund_id = r.id and own.number = r.attempt
     join refund_attempts other on other.merchant_id = own.merchant_id and other.outcome is null
      and other.queue_number < coalesce(own.queue_number, 9223372036854775807)
      and other.asks_again_at > clock_timestamp() - $2 * interval '1 millisecond'
     where r.id = $1`,
    [refundId, MISSING_AFTER_MS],
  );
  return rows[0]?.ahead ?? 0;
}
