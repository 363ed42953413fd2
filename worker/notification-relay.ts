import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { Activities } from '../activities/index.ts';
import {
  claimDeliveries,
  markDelivered,
  NOTIFICATION_CHANNEL,
  type PendingDelivery,
} from '../database/notifications.ts';
import type { Pool } from '../database/pool.ts';
import type { Logger } from '../process/logger.ts';
import { notified } from '../workflows/messages.ts';
import { BATCH, type Relay, startRelay } from './relay.ts';

/**
 * Forwards stored, accepted notifications to their workflows as signals. The API has acknowledged them already, even if
 * Temporal was down at that time.
 */
export function startNotificationRelay({
  pool,
  client,
  activities,
  log,
}: {
  pool: Pool;
  client: Client;
  activities: Pick<
    Activities,
    'settleFromNotification' | 'settleCombinedFromNotification' | 'settleRefundFromNotification'
  >;
  log: Logger;
}): Relay {
  /** Signals one workflow; a signal that is repeated after a crash is told apart by the workflow's own row. */
  async function deliver(delivery: PendingDelivery): Promise<void> {
    try {
      await client.workflow.getHandle(delivery.workflowId).signal(notified, { notificationId: delivery.id });
      await markDelivered(pool, [delivery.id], 'signalled');
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
      await settleLate(delivery);
      await markDelivered(pool, [delivery.id], 'workflow_ended');
    }
  }

  /** The workflow has ended: a copy changes nothing, and money that comes late shows in the payment's row. */
  async function settleLate({ id, subjectId }: PendingDelivery): Promise<void> {
    if (subjectId.startsWith('ref_')) {
      await activities.settleRefundFromNotification({ refundId: subjectId, notificationId: id });
    } else if (subjectId.startsWith('cmb_')) {
      await activities.settleCombinedFromNotification({ combinedId: subjectId, notificationId: id });
    } else {
      await activities.settleFromNotification({ paymentId: subjectId, notificationId: id });
    }
  }

  return startRelay({
    name: 'notifications',
    pool,
    channel: NOTIFICATION_CHANNEL,
    idleMs: 2_000,
    log,
    async turn() {
      const deliveries = await claimDeliveries(pool, BATCH);
      const results = await Promise.allSettled(deliveries.map(deliver));
      // One poisonous row must not hold up the others; it comes up again with its claim.
      const failed = results.findIndex((result) => result.status === 'rejected');
      if (failed >= 0) {
        const cause = (results[failed] as PromiseRejectedResult).reason;
        throw new Error(`notification ${deliveries[failed]?.id} was not delivered`, { cause });
      }
      return deliveries.length;
    },
  });
}
