import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';

/** How a command ended. */
export interface Ended {
  /** Null when it was stopped, because its time was over. */
  code: number | null;
  /** Everything it printed, in the order of arrival. */
  output: string;
}

/** Whether a command is on the PATH. */
export function isOnPath(command: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Runs a command to its end, or stops it and its children when its time is over. */
export function execute(
  command: string,
  parameters: readonly string[],
  {
    cwd,
    env,
    timeoutMs,
    onLine,
  }: {
    cwd?: string;
    env?: Record<string, string>;
    timeoutMs: number;
    /** Each line of its standard output. */
    onLine?: (line: string) => void;
  },
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, parameters, {
      ...(cwd && { cwd }),
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own: Maven and Go start others.
      detached: true,
    });
    let output = '';
    let stopped = false;
    const timer = setTimeout(() => {
      stopped = true;
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }, timeoutMs);
    createInterface({ input: child.stdout }).on('line', (line) => {
      output += `${line}\n`;
      onLine?.(line);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
    });
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code: stopped ? null : code, output });
    });
  });
}

/** What Go and Maven say when the registry that they download from cannot be reached. */
const UNREACHABLE = [
  /dial tcp|proxyconnect|no such host|i\/o timeout|TLS handshake timeout|connection refused|connection reset/i,
  /\b(?:50[0-9]|429)\b (?:Service Unavailable|Bad Gateway|Gateway Time-?out|Too Many Requests|Internal Server Error)/i,
  /module lookup disabled by GOPROXY=off/,
  /Could not transfer artifact|Unknown host|Connection timed out|Network is unreachable|No route to host/i,
  /Cannot access \S+ \(\S+\) in offline mode/,
];

/**
 * Why nothing could be downloaded, when that is the reason for a failure, which then says nothing about the simulator; undefined for every other
 * failure.
 */
export function unreachable({ code, output }: Ended): string | undefined {
  if (code === null) return 'it took too long';
  if (code === 0) return undefined;
  return output.split('\n').find((line) => UNREACHABLE.some((pattern) => pattern.test(line)));
}

/** The end of an output, for people. */
export function lastLines({ code, output }: Ended, count = 15): string {
  const lines = output.trimEnd().split('\n').slice(-count);
  return [code === null ? 'stopped: it took too long' : `exit status ${code}`, ...lines].join('\n');
}
