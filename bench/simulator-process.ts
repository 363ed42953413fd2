import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** `paysaga simulator` as a process of its own, on a free port. */
export interface SimulatorProcess {
  pid: number;
  /** From its start to the line that says it is ready, in seconds. */
  readySeconds: number;
  stop(): Promise<void>;
}

const COMMAND = fileURLToPath(new URL('../cli/paysaga.ts', import.meta.url));

/**
 * Starts a simulator and waits until it is ready.
 * @param data where it keeps its orders; in memory unless told
 * @throws Error when it ends before it is ready
 */
export async function startSimulatorProcess(
  { credentials, data }: { credentials: string; data?: string | undefined },
  signal: AbortSignal,
): Promise<SimulatorProcess> {
  const startedAt = performance.now();
  const child = spawn(
    process.execPath,
    [
      ...['--import=tsx', COMMAND, 'simulator', '--port', '0', '--seed', '7', '--credentials', credentials],
      ...(data ? ['--data', data] : []),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'], signal },
  );
  // Aborted: whoever waits sees the process exit.
  child.on('error', () => {});
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const ready = new Promise<true>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('simulator ready ')) resolve(true);
    });
  });
  const first = await Promise.race([ready, ended]);
  if (first !== true || child.pid === undefined) throw new Error(`the simulator ended with ${first}`);
  return {
    pid: child.pid,
    readySeconds: (performance.now() - startedAt) / 1000,
    async stop() {
      child.kill();
      await ended;
    },
  };
}
