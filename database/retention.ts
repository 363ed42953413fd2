import type { Queryable } from './pool.ts';

/** Rows of one turn. */
const LIMIT = 500;

/**
 * Forgets what old notifications said: headers, bytes, and the decrypted resource, in which the customer's openid is. The row stays with its
 * verdict and its id, so that a copy is still known. One that was not handed on yet is left alone.
 * @returns how many it were this time.
 */
export async function clearOldNotifications(db: Queryable, days: number): Promise<number> {
  const { rowCount } = await db.query(
    `update notifications set headers = '[]', body = '', resource = null, cleared_at = now()
     where id in (select id from notifications
                   where cleared_at is null and deliver_at is null and received_at < now() - make_interval(days => $1)
                   order by received_at limit $2 for update skip locked)`,
    [days, LIMIT],
  );
  return rowCount ?? 0;
}

/** Deletes old idempotency keys. A request that comes again later is a new one. @returns how many it were this time. */
export async function deleteOldIdempotencyKeys(db: Queryable, days: number): Promise<number> {
  const { rowCount } = await db.query(
    `delete from idempotency_keys where ctid = any(array(
       select ctid from idempotency_keys where created_at < now() - make_interval(days => $1)
        order by created_at limit $2 for update skip locked))`,
    [days, LIMIT],
  );
  return rowCount ?? 0;
}
