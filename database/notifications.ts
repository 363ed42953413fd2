import { randomUUID } from 'node:crypto';
import type { NotificationVerdict } from '../domain/errors.ts';
import { publicId } from '../domain/identity.ts';
import { isUniqueViolation, type Queryable } from './pool.ts';

/** Channel on which the arrival of a notification to deliver is announced. */
export const NOTIFICATION_CHANNEL = 'paysaga_notification';

/** Stores headers and bytes before anything looks at them. Returns the row's id. */
export async function storeRawNotification(
  db: Queryable,
  notification: { tenantId: string; merchantId: string; headers: string[]; body: Buffer },
): Promise<string> {
  const id = publicId('ntf', randomUUID());
  await db.query(
    'insert into notifications (id, tenant_id, merchant_id, headers, body) values ($1, $2, $3, $4, $5)',
    [
      id,
      notification.tenantId,
      notification.merchantId,
      JSON.stringify(notification.headers),
      notification.body,
    ],
  );
  return id;
}

/** What was found out about a stored notification. */
export interface Finding {
  verdict: NotificationVerdict;
  /** For people: why. */
  detail?: string;
  notificationId?: string;
  eventType?: string;
  resource?: unknown;
  /** The payment or refund it is about, and the workflow to signal; only of accepted ones. */
  subject?: { id: string; workflowId: string };
}

/**
 * Writes the verdict beside the raw bytes. An accepted one is announced to the relays in the same statement. One that was seen
 * before becomes a duplicate, whatever was found.
 * @returns the verdict that counts.
 */
export async function storeVerdict(
  db: Queryable,
  id: string,
  finding: Finding,
): Promise<NotificationVerdict> {
  const deliver = finding.subject !== undefined;
  try {
    await db.query(
      `with updated as (
         update notifications set verdict = $2, verdict_detail = $3, notification_id = $4, event_type = $5,
           resource = $6, subject_id = $7, workflow_id = $8, deliver_at = ${deliver ? 'now()' : 'null'}
         where id = $1 returning id
       )
       select ${deliver ? `pg_notify('${NOTIFICATION_CHANNEL}', '')` : '1'} from updated`,
      [
        id,
        finding.verdict,
        finding.detail ?? null,
        finding.notificationId ?? null,
        finding.eventType ?? null,
        finding.resource === undefined ? null : JSON.stringify(finding.resource),
        finding.subject?.id ?? null,
        finding.subject?.workflowId ?? null,
      ],
    );
    return finding.verdict;
  } catch (error) {
    if (!isUniqueViolation(error, 'notifications_once')) throw error;
    await db.query(
      `update notifications set verdict = 'duplicate', notification_id = $2, event_type = $3 where id = $1`,
      [id, finding.notificationId ?? null, finding.eventType ?? null],
    );
    return 'duplicate';
  }
}

/** An accepted notification that its workflow does not know of yet. */
export interface PendingDelivery {
  id: string;
  merchantId: string;
  /** Public id of the payment (`pay_…`), combined payment (`cmb_…`) or refund (`ref_…`). */
  subjectId: string;
  workflowId: string;
  attempts: number;
}

/**
 * Claims notifications to deliver, oldest first. A claimed one comes up again after 30 seconds unless it is marked delivered, so a
 * relay that dies loses nothing.
 */
export async function claimDeliveries(db: Queryable, limit: number): Promise<PendingDelivery[]> {
  const { rows } = await db.query<PendingDelivery>(
    `with claimed as (
       select id from notifications where deliver_at <= now() order by deliver_at limit $1 for update skip locked
     )
     update notifications n set deliver_at = now() + interval '30 seconds', attempts = attempts + 1
     from claimed c where n.id = c.id
     returning n.id, n.merchant_id "merchantId", n.subject_id "subjectId", n.workflow_id "workflowId", n.attempts`,
    [limit],
  );
  return rows;
}

/** Marks notifications as delivered. `result` says how, for people. */
export async function markDelivered(db: Queryable, ids: string[], result: string): Promise<void> {
  await db.query(
    `update notifications set deliver_at = null, delivered_at = now(), delivery_result = $2 where id = any($1)`,
    [ids, result],
  );
}

/** The decrypted resource of a genuine notification, with the merchant it was posted for; undefined when there is none, or it was forgotten. */
export async function loadNotification(
  db: Queryable,
  id: string,
): Promise<{ merchantId: string; eventType: string; resource: unknown } | undefined> {
  const { rows } = await db.query<{ merchantId: string; eventType: string; resource: unknown }>(
    `select merchant_id "merchantId", event_type "eventType", resource from notifications
     where id = $1 and verdict = 'accepted' and resource is not null`,
    [id],
  );
  return rows[0];
}
