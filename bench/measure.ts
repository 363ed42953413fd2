import { closedLoop } from './closed-loop.ts';
import { type Latency, latency } from './latency.ts';
import { startMeter } from './meter.ts';
import type { Subject } from './subject.ts';

/** How much load. */
export interface Load {
  /** Payments that are measured. */
  payments: number;
  /** Payments in flight. */
  concurrency: number;
  /** Payments taken beforehand, which do not count: compilers, caches and connections get warm. */
  warmUp: number;
}

/** What one part of the run has shown. */
export interface Part {
  name: string;
  payments: number;
  paid: number;
  /** Payments that did not reach PAID. */
  dropped: number;
  /** How many were dropped for which reason; those not even started have none. */
  failures: Record<string, number>;
  seconds: number;
  paymentsPerSecond: number;
  /** Milliseconds; undefined when nothing was paid. */
  latencyMs?: Record<'toCodeUrl' | 'toSettled' | 'toPaid', Latency>;
  /** Payments that were answered 202 first. */
  askedAgain: number;
  /** Events in the history of one payment: fewest, and most. */
  historyEvents: { min: number; max: number };
  /** Undefined where the system does not tell. */
  cost?: {
    /** By process, in the order of the report. */
    processes: { name: string; cpuMsPerPayment: number; peakMib: number }[];
    cpuMsPerPayment: number;
    /** Processor time that others took from this part, in percent of the machine. */
    othersPercent: number;
  };
}

/** Warms the subject up, then measures it. */
export async function measure(subject: Subject, load: Load, signal: AbortSignal): Promise<Part> {
  const { concurrency } = load;
  const warmUp = await closedLoop({ count: load.warmUp, concurrency, signal }, subject.takePayment);
  if (warmUp.failures[0]) throw new Error(`${subject.name} does not work: ${warmUp.failures[0]}`);

  const processes = subject.processes();
  const readMeter = startMeter(processes);
  const loop = await closedLoop({ count: load.payments, concurrency, signal }, subject.takePayment);
  const cost = readMeter();
  if (JSON.stringify(subject.processes()) !== JSON.stringify(processes)) {
    throw new Error(`a process of ${subject.name} died and was started again: the figures would be wrong`);
  }

  const paid = loop.results.length;
  const times = (name: 'toCodeUrl' | 'toSettled' | 'toPaid') =>
    latency(loop.results.map((result) => result[name]));
  const events = await subject.historyEvents();
  return {
    name: subject.name,
    payments: load.payments,
    paid,
    dropped: load.payments - paid,
    failures: counted(loop.failures),
    seconds: loop.seconds,
    paymentsPerSecond: paid / loop.seconds,
    ...(paid > 0 && {
      latencyMs: { toCodeUrl: times('toCodeUrl'), toSettled: times('toSettled'), toPaid: times('toPaid') },
    }),
    askedAgain: loop.results.filter(({ askedAgain }) => askedAgain).length,
    historyEvents: { min: Math.min(...events), max: Math.max(...events) },
    ...(cost &&
      paid > 0 && {
        cost: {
          processes: cost.usages.map(({ name, cpuMs, peakMib }) => ({
            name,
            cpuMsPerPayment: cpuMs / paid,
            peakMib,
          })),
          cpuMsPerPayment: cost.usages.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / paid,
          othersPercent: cost.othersPercent,
        },
      }),
  };
}

function counted(reasons: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const reason of reasons) counts[reason] = (counts[reason] ?? 0) + 1;
  return counts;
}
