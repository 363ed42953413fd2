import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

/** How a child process is to be run. */
export interface ChildOptions {
  /** What people call it: "postgres", "worker". */
  name: string;
  command: string;
  args: readonly string[];
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Run as another user; only root may. */
  uid?: number | undefined;
  gid?: number | undefined;
  /** Everything it prints is appended here. */
  logFile?: string | undefined;
  /** Asks it to stop in good order. */
  stopSignal?: 'SIGTERM' | 'SIGINT';
  /** Milliseconds between the stop signal and SIGKILL. */
  graceMs?: number;
  /** Stops it when aborted. */
  signal?: AbortSignal | undefined;
}

/** How a child process ended. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A running child process that cannot outlive this one. */
export interface Child {
  readonly name: string;
  readonly pid: number;
  /** Resolves, never rejects, when the process has ended. */
  readonly exited: Promise<Exit>;
  /** False once the process has ended. */
  running(): boolean;
  /** The last lines it printed. */
  tail(): string;
  /** Resolves with the first match in what it prints, rejects with its last lines when it ends before or takes too long. */
  printed(pattern: RegExp, timeoutMs: number): Promise<RegExpMatchArray>;
  /** Stop signal, then SIGKILL after the grace; resolves when it has ended. */
  stop(): Promise<void>;
  /** SIGKILL now. */
  kill(): void;
}

const TAIL_LINES = 40;

/**
 * Waits for its standard input to close without a word, which happens when the parent is gone (SIGKILL included), and then
 * ends the child. A shell and not Node: one per child, a megabyte each.
 */
const GUARD = `
read -r released && exit 0
kill -s "$2" "$1" 2>/dev/null || exit 0
left=$3
while [ "$left" -gt 0 ]; do kill -0 "$1" 2>/dev/null || exit 0; sleep 1; left=$((left - 1)); done
kill -s KILL "$1" 2>/dev/null`;

// Nobody waits for good order any more; the next start must not have to wait either.
const ORPHAN_GRACE_SECONDS = 5;

function guard(pid: number, signal: string): { release(): void } {
  if (process.platform === 'win32') return { release: () => {} };
  const args = [
    '-c',
    GUARD,
    'paysaga-guard',
    String(pid),
    signal.replace('SIG', ''),
    String(ORPHAN_GRACE_SECONDS),
  ];
  const shell = spawn('/bin/sh', args, { stdio: ['pipe', 'ignore', 'ignore'], detached: true, cwd: '/' });
  // Nothing to do about a missing shell: the pid recorded by the caller is then the only defence.
  shell.on('error', () => {});
  shell.stdin?.on('error', () => {});
  shell.unref();
  (shell.stdin as unknown as { unref?(): void } | null)?.unref?.();
  return { release: () => shell.stdin?.end('released\n') };
}

function spawned(child: ChildProcess, name: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('spawn', () => resolve(child.pid as number));
    child.once('error', (error) =>
      reject(new Error(`${name} cannot be started: ${error.message}`, { cause: error })),
    );
  });
}

/**
 * Starts a process in its own process group (Ctrl-C in a terminal goes to the whole group, and the order of stopping is ours
 * to decide), with a guard that ends it when this process dies, however it dies.
 *
 * @throws when the executable cannot be started
 */
export async function startChild(options: ChildOptions): Promise<Child> {
  const { name, command, args, stopSignal = 'SIGTERM', graceMs = 10_000 } = options;
  options.signal?.throwIfAborted();
  if (options.logFile) mkdirSync(dirname(options.logFile), { recursive: true });
  const log = options.logFile ? createWriteStream(options.logFile, { flags: 'a', mode: 0o600 }) : undefined;
  // A full disk must not take the stack down; the last lines are still in memory.
  log?.on('error', () => {});
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
    ...(options.env && { env: options.env }),
    ...(options.cwd && { cwd: options.cwd }),
    ...(options.uid !== undefined && { uid: options.uid }),
    ...(options.gid !== undefined && { gid: options.gid }),
  });
  const lines: string[] = [];
  const watchers = new Set<(line: string) => void>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      log?.write(`${line}\n`);
      lines.push(line);
      if (lines.length > TAIL_LINES) lines.shift();
      for (const watcher of watchers) watcher(line);
    });
  }
  const pid = await spawned(child, name);
  const { release } = guard(pid, stopSignal);
  const exited = new Promise<Exit>((resolve) => {
    // `close` and not `exit`: the last words have then been read.
    child.once('close', (code, signal) => {
      release();
      log?.end();
      resolve({ code, signal });
    });
  });
  const running = () => child.exitCode === null && child.signalCode === null;
  const tail = () => lines.join('\n');
  const result: Child = {
    name,
    pid,
    exited,
    running,
    tail,
    kill: () => void (running() && child.kill('SIGKILL')),
    async stop() {
      if (running()) child.kill(stopSignal);
      const timer = setTimeout(() => running() && child.kill('SIGKILL'), graceMs);
      await exited;
      clearTimeout(timer);
    },
    async printed(pattern, timeoutMs) {
      const already = lines.map((line) => line.match(pattern)).find((match) => match !== null);
      if (already) return already;
      const abandon = new AbortController();
      let watcher: (line: string) => void = () => {};
      const match = new Promise<RegExpMatchArray>((resolve) => {
        watcher = (line) => {
          const found = line.match(pattern);
          if (found) resolve(found);
        };
        watchers.add(watcher);
      });
      try {
        return await Promise.race([
          match,
          exited.then((exit) => Promise.reject(new Error(failure(name, exit, tail())))),
          sleep(timeoutMs, undefined, { signal: abandon.signal }).then(() =>
            Promise.reject(new Error(`${name} did not become ready within ${timeoutMs / 1000} s\n${tail()}`)),
          ),
        ]);
      } finally {
        watchers.delete(watcher);
        abandon.abort();
      }
    },
  };
  alive.add(result);
  void exited.then(() => alive.delete(result));
  options.signal?.addEventListener('abort', () => void result.stop(), { once: true });
  if (options.signal?.aborted) void result.stop();
  return result;
}

const alive = new Set<Child>();

/** SIGKILL to every child of this process, at once: the second Ctrl-C. */
export function killAllChildren(): void {
  for (const child of alive) child.kill();
}

/** One sentence on how a process ended, followed by its last lines. */
export function failure(name: string, exit: Exit, tail: string): string {
  const how = exit.signal ? `was ended by ${exit.signal}` : `ended with code ${exit.code}`;
  return tail ? `${name} ${how}. Its last lines:\n${tail}` : `${name} ${how} without a word`;
}
