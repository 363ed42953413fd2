import { type Page, type PageOf, readPage } from './lists.ts';
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
  page: Page,
): Promise<PageOf<UnmatchedNotification> | undefined> {
  return await readPage<UnmatchedNotification>(
    db,
    {
      select: `select n.id, n.merchant_id "merchantId", m.mchid, n.received_at "receivedAt", n.event_type "eventType",
          n.notification_id "notificationId", n.resource
        from notifications n join merchants m on m.id = n.merchant_id`,
      table: 'notifications',
      alias: 'n',
      time: 'received_at',
      scope: { tenant_id: tenantId, verdict: 'unmatched' },
    },
    page,
  );
}
