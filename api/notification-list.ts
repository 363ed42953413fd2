import { Router } from 'express';
import type { Pool } from '../database/pool.ts';
import {
  listUnmatchedNotifications,
  type UnmatchedNotification,
} from '../database/unmatched-notifications.ts';
import { rfc3339 } from '../domain/time.ts';
import { caller } from './authentication.ts';
import { pageOf, pageResource } from './lists.ts';
import { onlyMethods } from './problems.ts';
import { ListNotifications, parseBody } from './schemas.ts';

/** `GET /v1/notifications`: genuine ones that no payment or refund of ours has, for an operator. */
export function notificationListRoutes({ pool }: { pool: Pool }): Router {
  const router = Router();
  router
    .route('/')
    .get(async (request, response) => {
      const query = parseBody(ListNotifications, request.query);
      const page = await listUnmatchedNotifications(pool, caller(response).tenantId, pageOf(query));
      response.json(pageResource(page, query, 'these notifications', notificationResource));
    })
    .all(onlyMethods('GET'));
  return router;
}

/** A notification as the API shows it: numbers and amounts of what it tells, and nothing private. */
function notificationResource(notification: UnmatchedNotification) {
  const { resource } = notification as { resource: Partial<Told> | null };
  const told = (name: Exclude<keyof Told, 'amount'>) => resource?.[name] ?? null;
  return {
    id: notification.id,
    object: 'notification',
    verdict: 'unmatched',
    merchant_id: notification.merchantId,
    mchid: notification.mchid,
    event_type: notification.eventType,
    notification_id: notification.notificationId,
    out_trade_no: told('out_trade_no'),
    out_refund_no: told('out_refund_no'),
    transaction_id: told('transaction_id'),
    trade_state: told('trade_state'),
    refund_status: told('refund_status'),
    success_time: told('success_time'),
    amount: {
      total: resource?.amount?.total ?? null,
      refund: resource?.amount?.refund ?? null,
      currency: resource?.amount?.currency ?? null,
    },
    received_at: rfc3339(notification.receivedAt),
  };
}

/** What a payment's and a refund's notification tell, as far as it is shown. */
interface Told {
  out_trade_no: string;
  out_refund_no: string;
  transaction_id: string;
  trade_state: string;
  refund_status: string;
  success_time: string;
  amount: { total?: number; refund?: number; currency?: string };
}
