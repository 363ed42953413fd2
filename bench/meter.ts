import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { allProcesses, family, machineTicks, memoryOf } from './proc.ts';

/** A process to measure. */
export interface Measured {
  name: string;
  pid: number;
  /** Without the processes it has started; the load generator has started all the others. */
  alone?: boolean;
  /** Descendants that are measured by themselves. */
  except?: number[];
}

/** What one process, its descendants included, has used. */
export interface Usage {
  name: string;
  /** Processor time in milliseconds. */
  cpuMs: number;
  /** Most memory at once, in MiB; pages that its processes share are counted once. */
  peakMib: number;
}

/** What a part of the run has cost. */
export interface Cost {
  usages: Usage[];
  /** Share of all processors that processes outside of this benchmark have used, in percent: how noisy it was. */
  othersPercent: number;
}

const SAMPLE_MS = 1_000;

/**
 * Measures processor time and memory from now until the returned function is called. Only Linux tells in this way; elsewhere the cost
 * is undefined.
 */
export function startMeter(measured: readonly Measured[]): () => Cost | undefined {
  if (process.platform !== 'linux') return () => undefined;
  const tickMs = 1_000 / clockTicksPerSecond();
  const peaks = new Map<string, number>();
  const startedAt = performance.now();
  const machineBefore = machineTicks();
  const before = sample();
  // Measuring alone keeps no process alive: a load that fails ends without reading it.
  const timer = setInterval(sample, SAMPLE_MS).unref();

  /** Ticks of each measured process so far; notes the memory on the way. */
  function sample(): Map<string, number> {
    const all = allProcesses();
    const ticks = new Map<string, number>();
    for (const { name, pid, alone, except } of measured) {
      const root = all.get(pid);
      const members = alone ? (root ? [root] : []) : family(all, pid, except);
      // PostgreSQL's backends come and go: what has ended is in the books of its parent.
      const own = members.reduce((sum, member) => sum + member.ticks + (alone ? 0 : member.childTicks), 0);
      ticks.set(name, own);
      peaks.set(name, Math.max(peaks.get(name) ?? 0, memory(members.map((member) => member.pid))));
    }
    return ticks;
  }

  return () => {
    clearInterval(timer);
    const after = sample();
    const wallMs = performance.now() - startedAt;
    const usages = measured.map(({ name }) => ({
      name,
      cpuMs: ((after.get(name) ?? 0) - (before.get(name) ?? 0)) * tickMs,
      peakMib: (peaks.get(name) ?? 0) / 1024,
    }));
    const ours = usages.reduce((sum, { cpuMs }) => sum + cpuMs, 0);
    const machineMs = (machineTicks() - machineBefore) * tickMs;
    const othersPercent = (100 * Math.max(0, machineMs - ours)) / (wallMs * availableParallelism());
    return { usages, othersPercent };
  };
}

/** Memory of processes together in KiB. Files and shared memory are the same pages in each of them, so the largest counts. */
function memory(pids: readonly number[]): number {
  let [anonymous, file, shared] = [0, 0, 0];
  for (const pid of pids) {
    const found = memoryOf(pid);
    if (!found) continue;
    anonymous += found.anonymous;
    file = Math.max(file, found.file);
    shared = Math.max(shared, found.shared);
  }
  return anonymous + file + shared;
}

function clockTicksPerSecond(): number {
  try {
    return Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' })) || 100;
  } catch {
    // Every Linux that Node runs on.
    return 100;
  }
}
