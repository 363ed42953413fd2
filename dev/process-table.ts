import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Whether a process of this number exists; one that has ended but was not yet collected by its parent does not count. */
export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it exists and is somebody else's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return state(pid) !== 'Z';
}

function state(pid: number): string | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    // The name in brackets may itself hold brackets and blanks; the state follows the last one.
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.[0];
  } catch {
    return 'Z';
  }
}

/** The command line of a live process, or undefined. Process numbers are reused: ask before believing a recorded one. */
export function commandLine(pid: number): string | undefined {
  if (!isAlive(pid)) return undefined;
  try {
    if (process.platform === 'linux') {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    }
    if (process.platform === 'win32') return undefined;
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { stdio: ['ignore', 'pipe', 'ignore'] })
      .toString()
      .trim();
  } catch {
    return undefined;
  }
}

/** Sends a signal, then SIGKILL after the grace; resolves when the process is gone. */
export async function endProcess(pid: number, signal: NodeJS.Signals, graceMs: number): Promise<void> {
  const deadline = Date.now() + graceMs;
  send(pid, signal);
  while (isAlive(pid)) {
    if (Date.now() > deadline) send(pid, 'SIGKILL');
    await sleep(50);
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** A process as it can be recorded in a file: numbers are reused, number and start time together are not. */
export interface ProcessIdentity {
  pid: number;
  /** When it started, in whatever form the system tells it. */
  started: string;
}

/** The identity of a live process, or undefined. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  if (!isAlive(pid)) return undefined;
  try {
    if (process.platform === 'linux') {
      // Field 22 of the file, the 20th after the name in brackets: clock ticks since boot.
      const started = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[19];
      return started ? { pid, started } : undefined;
    }
    if (process.platform === 'win32') return { pid, started: '' };
    const started = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return { pid, started: started.toString().trim() };
  } catch {
    return undefined;
  }
}

/** Whether the recorded process, and not another one that got its number, still runs. */
export function isStillRunning(recorded: ProcessIdentity): boolean {
  return identityOf(recorded.pid)?.started === recorded.started;
}
