import type { Pool } from '../database/pool.ts';
import { clearOldNotifications, deleteOldIdempotencyKeys } from '../database/retention.ts';
import type { Logger } from '../process/logger.ts';
import { type Relay, startRelay } from './relay.ts';

/** How long what is only needed for a while is kept, in days. */
export interface Retention {
  notificationDays: number;
  idempotencyKeyDays: number;
}

/** Forgets what is too old, a batch at a time. Any number of workers may do it at once. */
export function startRetention({
  pool,
  retention,
  idleMs = 600_000,
  log,
}: {
  pool: Pool;
  retention: Retention;
  /** How often to look, in milliseconds. */
  idleMs?: number;
  log: Logger;
}): Relay {
  return startRelay({
    name: 'retention',
    pool,
    idleMs,
    log,
    async turn() {
      const notifications = await clearOldNotifications(pool, retention.notificationDays);
      const idempotencyKeys = await deleteOldIdempotencyKeys(pool, retention.idempotencyKeyDays);
      if (notifications + idempotencyKeys > 0)
        log.info({ notifications, idempotency_keys: idempotencyKeys }, 'forgot what is too old');
      return Math.max(notifications, idempotencyKeys);
    },
  });
}
