import { type Client, ScheduleAlreadyRunning, type ScheduleHandle } from '@temporalio/client';
import { allMerchants, type Merchant } from '../database/merchants.ts';
import type { Pool } from '../database/pool.ts';
import { noteSchedule } from '../database/reconciliation/schedules.ts';
import { reconciliationScheduleId } from '../domain/identity.ts';
import type { Logger } from '../process/logger.ts';
import {
  nightStart,
  RECONCILIATION_SETTINGS,
  type ReconciliationSettings,
} from '../workflows/reconciliation-start.ts';
import { type Relay, startRelay } from './relay.ts';

/** When merchants are reconciled. */
export interface Nights {
  /** Five fields, in Asia/Shanghai. */
  cron: string;
  /** A carried line becomes a break after so many days. */
  carryDays: number;
  /** For tests: how patient the activities are. */
  settings?: ReconciliationSettings;
  /** How often the schedules are looked after, in milliseconds. */
  everyMs?: number;
}

/** A night that was missed, because Temporal was away, is made up for within this. */
const CATCH_UP = '3 days' as const;

/**
 * Looks after the Temporal Schedule of each merchant: makes it for a new merchant, changes it when the configuration has changed, and raises an alarm
 * for as long as one is paused. A night that fails pauses its schedule, so that a bug or a wrong key shows the first morning; unpause it once the cause is
 * mended, and the next night makes up for the days that were missed.
 */
export function startScheduleKeeper({
  pool,
  client,
  taskQueue,
  nights,
  log,
}: {
  pool: Pool;
  client: Client;
  taskQueue: string;
  nights: Nights;
  log: Logger;
}): Relay {
  /** Notes of the schedules that were paused when they were looked at last. */
  const alarmed = new Map<string, string>();

  async function keep(merchant: Merchant): Promise<void> {
    const id = reconciliationScheduleId(merchant.mchid);
    const { paused, note, nextAt } = await ensure(client, id, merchant, { taskQueue, nights });
    await noteSchedule(pool, merchant, { paused, note, nextAt });
    if (paused && alarmed.get(id) !== note) {
      log.error({ schedule: id, note }, 'ALARM: the reconciliation of this merchant is paused');
    } else if (!paused && alarmed.has(id)) {
      log.info({ schedule: id }, 'the reconciliation of this merchant goes on');
    }
    if (paused) alarmed.set(id, note);
    else alarmed.delete(id);
  }

  return startRelay({
    name: 'reconciliation-schedules',
    pool,
    idleMs: nights.everyMs ?? 60_000,
    log,
    async turn() {
      for (const merchant of await allMerchants(pool)) await keep(merchant);
      return 0;
    },
  });
}

interface Seen {
  paused: boolean;
  note: string;
  nextAt: Date | undefined;
}

/** Makes the schedule, or changes the one there is to what it should be; whether it is paused is left as it is. */
async function ensure(
  client: Client,
  scheduleId: string,
  { id: merchantId, mchid }: Merchant,
  { taskQueue, nights }: { taskQueue: string; nights: Nights },
): Promise<Seen> {
  const settings = nights.settings ?? {
    ...RECONCILIATION_SETTINGS,
    timing: { ...RECONCILIATION_SETTINGS.timing, carryDays: nights.carryDays },
  };
  const definition = {
    spec: { cronExpressions: [nights.cron], timezone: 'Asia/Shanghai' },
    // One that is late is waited for; more of them would only find that the first has made up for all days.
    policies: { overlap: 'BUFFER_ONE' as const, catchupWindow: CATCH_UP, pauseOnFailure: true },
    action: {
      type: 'startWorkflow' as const,
      ...nightStart({ merchantId, mchid, ...settings }, taskQueue),
    },
  };
  // Temporal gives the specification back in another form: what it was made from is kept beside it.
  const memo = { definition: JSON.stringify(definition) };
  try {
    const handle = await client.schedule.create({ scheduleId, ...definition, memo });
    return await seen(handle);
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
  const handle = client.schedule.getHandle(scheduleId);
  if ((await handle.describe()).memo?.definition !== memo.definition) {
    const { state } = await handle.describe();
    // The memo cannot be changed: the schedule is made anew, paused if it was.
    await handle.delete();
    const anew = await client.schedule.create({
      scheduleId,
      ...definition,
      memo,
      state: { paused: state.paused, ...(state.note !== undefined && { note: state.note }) },
    });
    return await seen(anew);
  }
  return await seen(handle);
}

async function seen(handle: ScheduleHandle): Promise<Seen> {
  const { state, info } = await handle.describe();
  return { paused: state.paused, note: state.note ?? '', nextAt: info.nextActionTimes[0] };
}
