import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { openPool } from '../database/pool.ts';
import { type GatewayTruth, violations } from '../dev/crashes/invariants.ts';
import type { Stack } from '../dev/stack.ts';
import { MerchantBackend, type Resource } from '../dev/tour/merchant-backend.ts';
import { type Cost, startMeter } from './meter.ts';
import { onOwnStack } from './own-stack.ts';
import { allProcesses, family } from './proc.ts';

/** What can be away: it is frozen, so that connections hang instead of being refused, which is the worse of the two. */
export const OUTAGES = { gateway: 'simulator', database: 'postgres' } as const;

/** How an outage is to be. */
export interface OutageLoad {
  of: keyof typeof OUTAGES;
  /** In flight when it begins. */
  payments: number;
  /** How long it lasts. */
  minutes: number;
}

/** What a stretch of time has cost. */
export interface Stretch {
  name: string;
  seconds: number;
  cost: Cost | undefined;
}

/** How an outage went. */
export interface OutageReport {
  load: OutageLoad;
  /** Waiting undisturbed, then the outage, then the time until every payment and refund had ended. */
  stretches: Stretch[];
  /** Of all payment workflows. */
  workflows: {
    count: number;
    /** History events: the most of one workflow, and the mean. */
    mostEvents: number;
    meanEvents: number;
    /** Workflow tasks that began; a storm shows here. */
    mostTasks: number;
    meanTasks: number;
    /** Workflow tasks that failed or timed out. */
    failedTasks: number;
  };
  /** How the payments ended. */
  statuses: Record<string, number>;
  /** One sentence for each; none when gateway, rows, ledger and events agree. */
  violations: string[];
}

/** What payments do; a quarter each. */
const DEEDS = ['paid unnoticed', 'expires', 'paid after', 'refunded'] as const;
/** A window that ends early in the outage, in seconds: the shortest there is. */
const SHORT_WINDOW = 60;
const ENDED = ['PAID', 'PARTIALLY_REFUNDED', 'REFUNDED', 'CLOSED', 'FAILED'];

interface Played {
  deed: (typeof DEEDS)[number];
  payment: Resource;
  refund?: Resource;
}

/**
 * Freezes the gateway or the database for minutes while payments and refunds are under way, and looks what it costs meanwhile and whether all of
 * them end as the gateway says.
 */
export async function benchOutage(
  load: OutageLoad,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<OutageReport> {
  return onOwnStack({ say, signal }, (stack, client) => measure(stack, client, load, say, signal));
}

async function measure(
  stack: Stack,
  client: Client,
  load: OutageLoad,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<OutageReport> {
  const backend = new MerchantBackend(stack);
  const stretches: Stretch[] = [];
  const stretch = async (name: string, work: () => Promise<unknown>) => {
    say(`${name} …`);
    const stop = startMeter(stack.pids());
    const started = performance.now();
    await work();
    stretches.push({ name, seconds: (performance.now() - started) / 1000, cost: stop() });
  };

  const description = `outage of the ${load.of}`;
  const played = await inGroups(load.payments, 20, (index) => prepare(backend, index, description));
  await stretch('calm', () => sleep(30_000, undefined, { signal }));
  const refunding = freezeDuring(stack, OUTAGES[load.of], async () => {
    // Asked for just before, so that each request is under way.
    await stretch('outage', () => sleep(load.minutes * 60_000, undefined, { signal }));
  });
  const refunds = played
    .filter(({ deed }) => deed === 'refunded')
    .map(async (each) => {
      each.refund = await patiently(signal, () => backend.post(`/payments/${each.payment.id}/refunds`, {}));
    });
  await refunding;
  await stretch('recovery', async () => {
    await Promise.all(refunds);
    for (const { deed, payment } of played) {
      if (deed === 'paid after')
        await patiently(signal, () => backend.simulator('POST', `/orders/${payment.out_trade_no}/pay`, {}));
    }
    for (const { payment, refund } of played) {
      await patiently(signal, () => backend.until(`/payments/${payment.id}`, ...ENDED));
      if (refund)
        await patiently(signal, () => backend.until(`/refunds/${refund.id}`, 'SUCCEEDED', 'FAILED'));
    }
  });

  const pool = openPool(stack.databaseUrl, { max: 2 });
  try {
    const truth = {
      ...(await backend.simulator<Pick<GatewayTruth, 'orders'>>('GET', '/orders?limit=10000')),
      ...(await backend.simulator<Pick<GatewayTruth, 'refunds'>>('GET', '/refunds?limit=10000')),
    };
    const ids = played.map(({ payment }) => payment.id);
    const statuses: Record<string, number> = {};
    for (const id of ids) {
      const { status } = await backend.get(`/payments/${id}`);
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
    return {
      load,
      stretches,
      workflows: await historiesOf(client, played),
      statuses,
      violations: await violations(pool, truth, { ids, description }),
    };
  } finally {
    await pool.end();
  }
}

/** Brings a payment to where the outage is to find it. */
async function prepare(backend: MerchantBackend, index: number, description: string): Promise<Played> {
  const deed = DEEDS[index % DEEDS.length] ?? 'expires';
  const out_trade_no = `OUTAGE${String(index).padStart(6, '0')}`;
  if (deed === 'paid unnoticed') {
    const drop = { operation: 'notification', kind: 'drop', times: null, out_trade_no };
    await backend.simulator('POST', '/faults', drop);
  }
  const payment = await backend.post('/payments', {
    description,
    out_trade_no,
    amount: { total: 100 + index },
    ...(deed === 'expires' && { expires_in: SHORT_WINDOW }),
  });
  const path = `/payments/${payment.id}`;
  await backend.until(path, 'PENDING', ...ENDED);
  const pay = () => backend.simulator('POST', `/orders/${out_trade_no}/pay`, {});
  if (deed === 'paid unnoticed' || deed === 'refunded') await pay();
  if (deed === 'refunded') await backend.until(path, 'PAID');
  return { deed, payment };
}

/** Stops every process of a part of the stack, waits, and lets them go on. */
async function freezeDuring(stack: Stack, name: string, work: () => Promise<void>): Promise<void> {
  const root = stack.pids().find((each) => each.name === name);
  if (!root) throw new Error(`${name} does not run here: it is somebody else's`);
  const members = family(allProcesses(), root.pid).map(({ pid }) => pid);
  for (const pid of members) process.kill(pid, 'SIGSTOP');
  try {
    await work();
  } finally {
    // Backends that ended meanwhile are gone; the others must not stay stopped.
    for (const pid of members) {
      try {
        process.kill(pid, 'SIGCONT');
      } catch {}
    }
  }
}

/** A backend repeats what was not answered for as long as it takes. */
async function patiently<Answer>(signal: AbortSignal, work: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (/: 4\d\d /.test((error as Error).message)) throw error;
      await sleep(1_000);
    }
  }
}

async function inGroups<Result>(
  count: number,
  size: number,
  work: (index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let from = 0; from < count; from += size) {
    const group = Array.from({ length: Math.min(size, count - from) }, (_, offset) => work(from + offset));
    results.push(...(await Promise.all(group)));
  }
  return results;
}

async function historiesOf(client: Client, played: readonly Played[]): Promise<OutageReport['workflows']> {
  const counts: { events: number; tasks: number; failed: number }[] = [];
  for (const { payment } of played) {
    const { events = [] } = await client.workflow
      .getHandle(`payment/${payment.mchid}/${payment.out_trade_no}`)
      .fetchHistory();
    const list = events ?? [];
    counts.push({
      events: list.length,
      tasks: list.filter((event) => event.workflowTaskStartedEventAttributes).length,
      failed: list.filter(
        (event) => event.workflowTaskFailedEventAttributes ?? event.workflowTaskTimedOutEventAttributes,
      ).length,
    });
  }
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    count: counts.length,
    mostEvents: Math.max(...counts.map(({ events }) => events)),
    meanEvents: mean(counts.map(({ events }) => events)),
    mostTasks: Math.max(...counts.map(({ tasks }) => tasks)),
    meanTasks: mean(counts.map(({ tasks }) => tasks)),
    failedTasks: counts.reduce((sum, { failed }) => sum + failed, 0),
  };
}
