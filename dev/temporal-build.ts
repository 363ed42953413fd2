import { spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isAlive } from './process-table.ts';

/** Compiles the command in the module folder to the output; tells each line that the compiler prints. */
export type GoBuild = (options: {
  module: string;
  output: string;
  env: NodeJS.ProcessEnv;
  onLine: (line: string) => void;
  signal?: AbortSignal | undefined;
}) => Promise<void>;

/** What to build, and to where. */
export interface BuildOptions {
  /** The executable to be. */
  target: string;
  onProgress: (line: string) => void;
  env: NodeJS.ProcessEnv;
  /** Stands in for `go` in tests. */
  build?: GoBuild | undefined;
  signal?: AbortSignal | undefined;
}

const MODULE = fileURLToPath(new URL('./temporal-cli', import.meta.url));
const PROGRESS_EVERY_MS = 5_000;

/**
 * Builds the Temporal CLI from the pinned Go module into the cache. Two processes at once build it once: the second waits.
 *
 * @throws when there is no Go, or with the compiler's last lines
 */
export async function buildTemporal({
  target,
  onProgress,
  env,
  signal,
  build = goBuild,
}: BuildOptions): Promise<void> {
  const lock = `${target}.lock`;
  const built = await othersBuild(lock, target, onProgress, signal);
  if (built) return;
  const module = mkdtempSync(join(tmpdir(), 'paysaga-temporal-cli-'));
  // In the target's folder, so that the last step is a rename within one file system.
  const output = `${target}.${process.pid}`;
  const progress = new Progress(onProgress);
  try {
    for (const name of ['go.mod', 'go.sum']) copyFileSync(join(MODULE, name), join(module, name));
    onProgress('building the Temporal CLI from its Go module; the first time usually takes 3-6 minutes');
    await build({ module, output, env, onLine: (line) => progress.line(line), signal });
    renameSync(output, target);
    onProgress(
      `built the Temporal CLI in ${progress.elapsed()}; Go's own caches keep about 3 GB of it, which \`go clean -cache -modcache\` frees`,
    );
  } finally {
    progress.stop();
    for (const path of [module, output, lock]) rmSync(path, { recursive: true, force: true });
  }
}

/** Takes the lock, or waits for the process that holds it. @returns true when that one built the target */
async function othersBuild(
  lock: string,
  target: string,
  onProgress: (line: string) => void,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  let waiting = false;
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      return false;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = content(lock);
    if (holder !== undefined && holder !== '' && !isAlive(Number(holder))) {
      // It was killed while it built. Should two waiters get here together, both build, and the rename makes that harmless.
      rmSync(lock, { force: true });
      continue;
    }
    if (!waiting) onProgress(`process ${holder} is building the Temporal CLI already; waiting for it`);
    waiting = true;
    await sleep(500, undefined, { signal });
    if (!existsSync(lock) && existsSync(target)) return true;
  }
}

function content(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Counts what the compiler prints and says so every few seconds. */
class Progress {
  private readonly started = Date.now();
  private readonly timer: NodeJS.Timeout;
  private downloaded = 0;
  private compiled = 0;

  constructor(onProgress: (line: string) => void) {
    this.timer = setInterval(() => {
      onProgress(
        `building the Temporal CLI: ${this.downloaded} modules downloaded, ${this.compiled} packages compiled, ${this.elapsed()}`,
      );
    }, PROGRESS_EVERY_MS);
  }

  line(line: string): void {
    if (line.startsWith('go: downloading')) this.downloaded += 1;
    // With -v the compiler names each package when it is done with it.
    else if (/^[\w.\-/]+$/.test(line)) this.compiled += 1;
  }

  elapsed(): string {
    return `${Math.round((Date.now() - this.started) / 1000)} s`;
  }

  stop(): void {
    clearInterval(this.timer);
  }
}

const goBuild: GoBuild = ({ module, output, env, onLine, signal }) =>
  new Promise((resolve, reject) => {
    const command = 'github.com/temporalio/cli/cmd/temporal';
    const go = spawn('go', ['build', '-v', '-ldflags', '-s -w', '-o', output, command], {
      cwd: module,
      // GOFLAGS and GOWORK of the shell could replace what the pinned module says; CGO would need a C compiler.
      env: { ...env, CGO_ENABLED: '0', GOFLAGS: '', GOWORK: 'off' },
      stdio: ['ignore', 'ignore', 'pipe'],
      signal,
    });
    const last: string[] = [];
    createInterface({ input: go.stderr }).on('line', (line) => {
      onLine(line);
      last.push(line);
      if (last.length > 15) last.shift();
    });
    go.on('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'ENOENT' ? new Error('there is no "go" on the PATH') : error),
    );
    go.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`go build ended with code ${code}:\n${last.join('\n')}`)),
    );
  });
