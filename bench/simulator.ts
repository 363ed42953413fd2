import { mkdtemp, rm, stat } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { version } from '../cli/version.ts';
import { type Latency, latency } from './latency.ts';
import { type Machine, machine } from './machine.ts';
import { type Cost, type Measured, startMeter } from './meter.ts';
import { memoryOf } from './proc.ts';
import { Child } from './protocol-child.ts';
import { type BillPart, billPart } from './simulator-bill.ts';
import { type SimulatorProcess, startSimulatorProcess } from './simulator-process.ts';
import type {
  Await,
  MerchantSetUp,
  OrdersDone,
  OrdersLoad,
  Received,
  ReceiverReady,
  RsaDone,
  RsaLoad,
} from './simulator-wire.ts';

export interface SimulatorLoad {
  /** Orders in memory. */
  orders: number;
  /** Orders with `--data`. */
  keptOrders: number;
  /** Orders in flight, of all merchants together. */
  concurrency: number;
  /** Orders before each part that do not count. */
  warmUp: number;
  /** Rows of the bill. */
  billRows: number;
}

/** RSA operations of as many orders, in as many processes as there are cores. */
export interface RsaPart {
  ordersPerSecond: number;
  cpuMsPerOrder: number;
}

/** Orders accepted, paid and told of. */
export interface OrdersPart {
  orders: number;
  ordersPerSecond: number;
  /** From a signed order to its verified answer. */
  orderMs: Latency;
  /** Orders that were not paid, or not told of. */
  failed: number;
  failure?: string;
  /** Undefined where the system does not tell. */
  cpuMsPerOrder?: { all: number; simulator: number; merchants: number; receiver: number };
  /** Share of all processors that other programs have used, in percent. */
  othersPercent?: number;
  /** Resident memory of the simulator in MiB, before the first and after the last order. */
  memoryMib?: { start: number; end: number };
}

/** What `bench simulator` has found. */
export interface SimulatorReport {
  machine: Machine;
  versions: { paysaga: string; node: string; openssl: string };
  load: SimulatorLoad;
  rsa: [before: RsaPart, after: RsaPart];
  inMemory: OrdersPart;
  kept: OrdersPart;
  /** Orders per second in memory over those that RSA alone allows, and RSA's share of the processor time. */
  ratios: { byRate: number; byCpu: number | undefined };
  /** Seconds from the start of the process to the line that says it is ready. */
  startSeconds: number;
  /** The same with everything that was kept. */
  restartSeconds: number;
  /** Size of what was kept, in MB. */
  journalMegabytes: number;
  bill: BillPart;
}

const MERCHANTS = 2;

/**
 * Measures the simulator: orders signed and verified by merchants in processes of their own, paid by the control API, told to a receiver; against
 * the RSA operations of as many orders.
 * @param say told about the progress
 * @throws the signal's reason when it was aborted
 */
export async function benchSimulator(
  load: SimulatorLoad,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<SimulatorReport> {
  const folder = await mkdtemp(join(tmpdir(), 'paysaga-bench-simulator-'));
  const data = join(folder, 'data');
  try {
    say('RSA alone');
    const before = await rsaPart(load.orders, signal);
    say(`${load.orders} orders in memory`);
    const inMemory = await ordersPart({ ...load, folder }, signal);
    say(`${load.keptOrders} orders with --data`);
    const kept = await ordersPart({ ...load, orders: load.keptOrders, folder, data }, signal);
    const journalMegabytes = (await stat(join(data, 'journal-2.jsonl'))).size / 1e6;
    say('RSA alone, again');
    const after = await rsaPart(load.orders, signal);
    say('starts');
    const startSeconds = await medianStart({ credentials: folder }, signal);
    const restartSeconds = await medianStart({ credentials: folder, data }, signal);
    say(`a bill of ${load.billRows} rows`);
    const bill = await billPart(load.billRows, folder, signal);
    signal.throwIfAborted();
    const mean = (of: keyof RsaPart) => (before[of] + after[of]) / 2;
    return {
      machine: machine(),
      versions: { paysaga: version(), node: process.versions.node, openssl: process.versions.openssl },
      load,
      rsa: [before, after],
      inMemory,
      kept,
      ratios: {
        byRate: inMemory.ordersPerSecond / mean('ordersPerSecond'),
        byCpu: inMemory.cpuMsPerOrder && mean('cpuMsPerOrder') / inMemory.cpuMsPerOrder.all,
      },
      startSeconds,
      restartSeconds,
      journalMegabytes,
      bill,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function rsaPart(orders: number, signal: AbortSignal): Promise<RsaPart> {
  const children = Array.from(
    { length: availableParallelism() },
    () => new Child('simulator-rsa.ts', [], signal),
  );
  try {
    const share = Math.ceil(orders / children.length);
    await Promise.all(children.map((child) => child.ask<RsaDone>({ orders: 100 } satisfies RsaLoad)));
    const done = await Promise.all(
      children.map((child) => child.ask<RsaDone>({ orders: share } satisfies RsaLoad)),
    );
    return {
      ordersPerSecond: (share * done.length) / Math.max(...done.map(({ seconds }) => seconds)),
      cpuMsPerOrder: done.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / (share * done.length),
    };
  } finally {
    for (const child of children) child.stop();
  }
}

async function ordersPart(
  {
    orders,
    concurrency,
    warmUp,
    folder,
    data,
  }: SimulatorLoad & { folder: string; data?: string | undefined },
  signal: AbortSignal,
): Promise<OrdersPart> {
  const children: Child[] = [];
  const start = (file: string) => {
    const child = new Child(file, [], signal);
    children.push(child);
    return child;
  };
  const simulator = await startSimulatorProcess({ credentials: folder, data }, signal);
  try {
    const setUp: MerchantSetUp = { credentials: folder };
    const receiver = start('simulator-receiver.ts');
    const { notifyUrl } = await receiver.ask<ReceiverReady>(setUp);
    const merchants = Array.from({ length: MERCHANTS }, () => start('simulator-merchant.ts'));
    for (const merchant of merchants) await merchant.ask(setUp);
    const all = async (count: number, kind: string): Promise<OrdersDone[]> => {
      const share = Math.ceil(count / merchants.length);
      return Promise.all(
        merchants.map((merchant, index) =>
          merchant.ask<OrdersDone>({
            orders: share,
            concurrency: Math.ceil(concurrency / merchants.length),
            prefix: `${kind}${index}-`,
            notifyUrl,
          } satisfies OrdersLoad),
        ),
      );
    };
    const paidBefore = paidOf(await all(warmUp, 'warm'));
    await receiver.ask<Received>({ notifications: paidBefore } satisfies Await);
    const startMib = residentMib(simulator);
    const meter = startMeter([
      { name: 'simulator', pid: simulator.pid },
      { name: 'receiver', pid: receiver.pid },
      ...merchants.map(({ pid }, index): Measured => ({ name: `merchant ${index}`, pid })),
    ]);
    const startedAt = performance.now();
    const done = await all(orders, 'order');
    const paid = paidOf(done);
    const { notifications, forged } = await receiver.ask<Received>({
      notifications: paidBefore + paid,
    } satisfies Await);
    const seconds = (performance.now() - startedAt) / 1000;
    const cost = meter();
    const endMib = residentMib(simulator);
    const wanted = Math.ceil(orders / merchants.length) * merchants.length;
    const failure = forged
      ? 'a notification has a wrong signature'
      : done.find((each) => each.failure)?.failure;
    return {
      orders: paid,
      ordersPerSecond: paid / seconds,
      orderMs: latency(done.flatMap(({ orderMs }) => orderMs)),
      failed: wanted - Math.min(paid, notifications - paidBefore - forged),
      ...(failure && { failure }),
      ...(cost && { cpuMsPerOrder: cpuOf(cost, paid), othersPercent: cost.othersPercent }),
      ...(startMib !== undefined && endMib !== undefined && { memoryMib: { start: startMib, end: endMib } }),
    };
  } finally {
    for (const child of children) child.stop();
    await simulator.stop();
  }
}

function paidOf(done: readonly OrdersDone[]): number {
  return done.reduce((sum, { paid }) => sum + paid, 0);
}

function cpuOf({ usages }: Cost, orders: number): NonNullable<OrdersPart['cpuMsPerOrder']> {
  const of = (name: string) =>
    usages.filter((usage) => usage.name.startsWith(name)).reduce((sum, { cpuMs }) => sum + cpuMs, 0) / orders;
  return { all: of(''), simulator: of('simulator'), merchants: of('merchant'), receiver: of('receiver') };
}

function residentMib({ pid }: SimulatorProcess): number | undefined {
  const memory = process.platform === 'linux' ? memoryOf(pid) : undefined;
  return memory && (memory.anonymous + memory.file) / 1024;
}

/** The median of three starts. */
async function medianStart(
  options: { credentials: string; data?: string },
  signal: AbortSignal,
): Promise<number> {
  const seconds: number[] = [];
  for (let turn = 0; turn < 3; turn += 1) {
    const simulator = await startSimulatorProcess(options, signal);
    seconds.push(simulator.readySeconds);
    await simulator.stop();
  }
  return seconds.sort((a, b) => a - b)[1] ?? Number.NaN;
}
