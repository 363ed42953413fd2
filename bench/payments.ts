import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { type Stack, startStack } from '../dev/stack.ts';
import { ANY_PORTS } from './any-ports.ts';
import { startBaseline } from './baseline.ts';
import { type Machine, machine, type Versions, versions } from './machine.ts';
import { type Load, measure, type Part } from './measure.ts';
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
  const folder = mkdtempSync(join(tmpdir(), 'paysaga-bench-'));
  // Undone in reverse.
  const cleanUp: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
  try {
    const stack = await startStack({ dir: join(folder, 'stack'), ports: ANY_PORTS, say, signal });
    cleanUp.push(stack.stop);
    const connection = await Connection.connect({ address: stack.temporalAddress });
    cleanUp.push(() => connection.close());
    const client = new Client({ connection, namespace: stack.temporalNamespace });
    return await compare(stack, client, load, say, signal, cleanUp);
  } finally {
    for (const step of cleanUp.reverse()) await step();
  }
}

async function compare(
  stack: Stack,
  client: Client,
  load: Load,
  say: (line: string) => void,
  signal: AbortSignal,
  cleanUp: (() => unknown)[],
): Promise<PaymentsReport> {
  const baseline = await startBaseline(client, stack);
  cleanUp.push(baseline.stop);
  const paysaga = await startPaysagaLoad(client, stack, load.concurrency);
  cleanUp.push(paysaga.stop);
  const parts: Part[] = [];
  for (const subject of [baseline, paysaga, baseline]) {
    say(`${subject.name}: ${load.payments} payments, ${load.concurrency} in flight …`);
    const part = await measure(subject, load, signal);
    say(`${subject.name}: ${part.paymentsPerSecond.toFixed(1)} payments/s, ${part.dropped} dropped`);
    parts.push(part);
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
