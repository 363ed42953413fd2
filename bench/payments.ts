import type { Client } from '@temporalio/client';
import type { Stack } from '../dev/stack.ts';
import { startBaseline } from './baseline.ts';
import { type Machine, machine, type Versions, versions } from './machine.ts';
import { type Load, measure, type Part } from './measure.ts';
import { onOwnStack } from './own-stack.ts';
import { startPaysagaLoad } from './paysaga.ts';

/** What `bench payments` has found. */
export interface PaymentsReport {
  machine: Machine;
  versions: Versions;
  load: Load;
  /** In the order in which they ran: baseline, paysaga, baseline. */
  parts: Part[];
  /** paysaga's payments per second by the mean of the two baselines'. */
  ratio: number;
  /** The baselines' processor time a payment by paysaga's: the ratio on a machine that does nothing else. Undefined where it is not told. */
  cpuRatio?: number;
  /** Payments that did not get to their end, in all parts. */
  dropped: number;
}

/**
 * Compares paysaga end to end with a bare workflow of the same shape, on the same Temporal server, in one go. The baseline runs before
 * and after, because a dev server slows down as it fills and machines have moods: what changes evenly over the run cancels out.
 */
export async function benchPayments(
  load: Load,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<PaymentsReport> {
  return onOwnStack({ say, signal }, (stack, client) => compare(stack, client, load, say, signal));
}

async function compare(
  stack: Stack,
  client: Client,
  load: Load,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<PaymentsReport> {
  const paysaga = await startPaysagaLoad(client, stack, load.concurrency);
  const baseline = await startBaseline(client, stack).catch(async (error) => {
    await paysaga.stop();
    throw error;
  });
  const parts: Part[] = [];
  try {
    for (const subject of [baseline, paysaga, baseline]) {
      say(`${subject.name}: ${load.payments} payments, ${load.concurrency} in flight …`);
      const part = await measure(subject, load, signal);
      say(`${subject.name}: ${part.paymentsPerSecond.toFixed(1)} payments/s, ${part.dropped} dropped`);
      parts.push(part);
    }
  } finally {
    await Promise.all([baseline.stop(), paysaga.stop()]);
  }
  const baselines = parts.filter(({ name }) => name === baseline.name);
  const [measured] = parts.filter(({ name }) => name === paysaga.name);
  const cpuMs = (part: Part | undefined) => part?.cost?.cpuMsPerPayment ?? Number.NaN;
  const cpuRatio = mean(baselines.map(cpuMs)) / cpuMs(measured);
  return {
    machine: machine(),
    versions: await versions(client, stack.databaseUrl),
    load,
    parts,
    ratio: (measured?.paymentsPerSecond ?? 0) / mean(baselines.map((part) => part.paymentsPerSecond)),
    ...(Number.isFinite(cpuRatio) && { cpuRatio }),
    dropped: parts.reduce((sum, part) => sum + part.dropped, 0),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
