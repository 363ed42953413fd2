import type { Page } from './payment-list.ts';
import type { Queryable } from './pool.ts';

/** A genuine notification that belongs to no payment or refund. */
export interface UnmatchedNotification {
  id: string;
  merchantId: string;
  mchid: string;
  receivedAt: Date;
  eventType: string;
  notificationId: string;
  /** Null once it was forgotten. */
  resource: unknown;
}

/**
 * The notifications of this tenant that belong to nobody, newest first.
 * @returns undefined when the cursor is none of them.
 */
export async function listUnmatchedNotifications(
  db: Queryable,
  tenantId: string,
  { limit, startingAfter, endingBefore }: Page,
): Promise<{ notifications: UnmatchedNotification[]; hasMore: boolean } | undefined> {
  const cursor = endingBefore ?? startingAfter ?? null;
  const [beyond, order] = endingBefore === undefined ? (['<', 'desc'] as const) : (['>', 'asc'] as const);
  if (cursor !== null) {
    const { rows } = await db.query(
      `select 1 from notifications where id = $1 and tenant_id = $2 and verdict = 'unmatched'`,
      [cursor, tenantId],
    );
    if (rows.length === 0) return undefined;
  }
  const { rows } = await db.query<UnmatchedNotification>(
    `select n.id, n.merchant_id "merchantId", m.mchid, n.received_at "receivedAt", n.event_type "eventType",
            n.notification_id "notificationId", n.resource
       from notifications n join merchants m on m.id = n.merchant_id
      where n.tenant_id = $1 and n.verdict = 'unmatched'
        and ($2::text is null or (n.received_at, n.id) ${beyond} (select received_at, id from notifications where id = $2))
      order by n.received_at ${order}, n.id ${order} limit $3`,
    [tenantId, cursor, limit + 1],
  );
  const notifications = rows.slice(0, limit);
  return {
    notifications: endingBefore === undefined ? notifications : notifications.reverse(),
    hasMore: rows.length > limit,
  };
}
