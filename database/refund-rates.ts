import {
  MISSING_AFTER_MS,
  type RatesChange,
  type RefundRates,
  refundTurn,
  requestAccepted,
  requestFailed,
} from '../domain/refund-turn.ts';
import { inTransaction, type Pool, type Queryable } from './pool.ts';
import type { Refund } from './refunds.ts';

/**
 * The token buckets of each merchant, one row that every worker shares, and the queue of its refunds that wait for a token. The time of the
 * database counts, whichever worker asks.
 */

/** A refund has its token, or is to ask again after so many milliseconds. */
export type RefundToken =
  | {
      kind: 'taken';
      /** When a token of failures that it has taken, too, is there again by itself: hand it to whichever tells how the request went. */
      presumedUntil: number | undefined;
    }
  | { kind: 'queued'; waitMs: number };

/**
 * Takes a token for the present attempt of a refund if it has its turn, else a place in the queue. Call it in a transaction: it holds the
 * merchant's row from here on.
 */
export async function takeRefundToken(
  db: Queryable,
  { id, merchantId }: Pick<Refund, 'id' | 'merchantId'>,
): Promise<RefundToken> {
  const rates = await lockRates(db, merchantId);
  const turn = refundTurn(rates, await countAhead(db, id));
  if (turn.kind === 'now') {
    await changeRates(db, merchantId, turn.rates);
    await db.query(
      `update refund_attempts set queue_number = null, asks_again_at = null where refund_id = $1 and queue_number is not null`,
      [id],
    );
    return { kind: 'taken', presumedUntil: rates.unproven > 0 ? turn.rates.failuresFullAt : undefined };
  }
  await db.query(
    `update refund_attempts a set queue_number = coalesce(a.queue_number, nextval('refund_queue_numbers')),
       asks_again_at = clock_timestamp() + $2 * interval '1 millisecond'
     from refunds r where r.id = $1 and a.refund_id = r.id and a.number = r.attempt`,
    [id, turn.waitMs],
  );
  return { kind: 'queued', waitMs: turn.waitMs };
}

/** A request has failed: it keeps the token of failures that it has, or takes one now. */
export async function takeFailureToken(
  pool: Pool,
  merchantId: string,
  presumedUntil?: number | undefined,
): Promise<void> {
  await inTransaction(pool, async (db) =>
    changeRates(db, merchantId, requestFailed(await lockRates(db, merchantId), presumedUntil)),
  );
}

/** A request was accepted: it gives the token of failures back that it has. One whose worker dies has it back by itself. */
export async function giveBackFailureToken(
  pool: Pool,
  merchantId: string,
  presumedUntil: number | undefined,
): Promise<void> {
  if (presumedUntil === undefined) return;
  await inTransaction(pool, async (db) =>
    changeRates(db, merchantId, requestAccepted(await lockRates(db, merchantId), presumedUntil)),
  );
}

/** Hold the merchant's row. */
async function changeRates(
  db: Queryable,
  merchantId: string,
  { requestsFullAt, failuresFullAt, unproven }: RatesChange,
): Promise<void> {
  await db.query(
    `update refund_rates set requests_full_at = to_timestamp($2::float8 / 1000), failures_full_at = to_timestamp($3::float8 / 1000),
       unproven = $4
     where merchant_id = $1`,
    [merchantId, requestsFullAt, failuresFullAt, unproven],
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
               (1000 * extract(epoch from failures_full_at))::float8 "failuresFullAt", unproven`,
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
