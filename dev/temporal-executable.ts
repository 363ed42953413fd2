import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { buildTemporal, type GoBuild } from './temporal-build.ts';
import { downloadTemporal } from './temporal-download.ts';

/** The Temporal CLI of `dev/temporal-cli/go.mod`, which holds server 1.31.2 and its UI. */
export const TEMPORAL_CLI_VERSION = '1.8.2';

// Worker versioning needs this server.
const OLDEST_SERVER = [1, 29, 1] as const;

/** Where a Temporal executable was found. */
export interface TemporalExecutable {
  path: string;
  from: 'PATH' | 'cache' | 'download' | 'build';
}

/** What the search for an executable may be told; all of it has a default. */
export interface FindOptions {
  /** Is told one line per step. */
  onProgress?: (line: string) => void;
  /** Stands in for `process.env` in tests. */
  env?: NodeJS.ProcessEnv;
  /** Host of the official downloads. */
  downloadUrl?: string;
  /** How to build from source; undefined uses `go`. */
  build?: GoBuild;
  /** Gives the search up, a build included, when aborted. */
  signal?: AbortSignal | undefined;
}

/** The folder of this machine's user for what can be fetched or made again. */
export function userCache(env: NodeJS.ProcessEnv = process.env): string {
  if (env.XDG_CACHE_HOME) return env.XDG_CACHE_HOME;
  const home = env.HOME ?? homedir();
  if (process.platform === 'darwin') return join(home, 'Library', 'Caches');
  if (process.platform === 'win32') return env.LOCALAPPDATA ?? join(home, 'AppData', 'Local');
  return join(home, '.cache');
}

/**
 * A Temporal CLI, from the first of these that has one: the PATH, the user's cache, Temporal's official download, a build from the
 * Go module. What was downloaded or built stays in the cache.
 *
 * @throws naming every way out when there is none
 */
export async function findTemporalExecutable(options: FindOptions = {}): Promise<TemporalExecutable> {
  const { onProgress = () => {}, env = process.env } = options;
  const program = process.platform === 'win32' ? 'temporal.exe' : 'temporal';

  for (const folder of (env.PATH ?? '').split(delimiter).filter(Boolean)) {
    const path = join(folder, program);
    if (!isExecutable(path)) continue;
    const fault = await unsuitable(path);
    if (!fault) return { path, from: 'PATH' };
    onProgress(`${path} is passed over: ${fault}`);
  }

  const folder = join(userCache(env), 'paysaga', 'temporal', TEMPORAL_CLI_VERSION);
  const cached = join(folder, program);
  if (isExecutable(cached)) return { path: cached, from: 'cache' };
  mkdirSync(folder, { recursive: true });

  const faults: string[] = [];
  const { downloadUrl: url, build, signal } = options;
  for (const [from, obtain] of [
    [
      'download',
      () => downloadTemporal({ target: cached, version: TEMPORAL_CLI_VERSION, onProgress, url, signal }),
    ],
    ['build', () => buildTemporal({ target: cached, onProgress, env, build, signal })],
  ] as const) {
    try {
      await obtain();
      const fault = await unsuitable(cached);
      if (fault) throw new Error(fault);
      return { path: cached, from };
    } catch (error) {
      signal?.throwIfAborted();
      faults.push(`${from}: ${(error as Error).message}`);
      onProgress(`no Temporal CLI by ${from}: ${(error as Error).message}`);
    }
  }
  throw new Error(nothingWorked(faults));
}

function isExecutable(path: string): boolean {
  if (!existsSync(path)) return false;
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Why the executable cannot serve, or undefined when it can. */
async function unsuitable(path: string): Promise<string | undefined> {
  let printed: string;
  try {
    printed = (await promisify(execFile)(path, ['--version'], { timeout: 15_000 })).stdout.trim();
  } catch (error) {
    return `it does not run (${(error as Error).message.split('\n')[0]})`;
  }
  const server = printed
    .match(/Server (\d+)\.(\d+)\.(\d+)/)
    ?.slice(1)
    .map(Number);
  if (!server) return `it does not name its server version ("${printed.split('\n')[0]}")`;
  for (const [index, oldest] of OLDEST_SERVER.entries()) {
    const have = server[index] ?? 0;
    if (have > oldest) return undefined;
    if (have < oldest) return `its server ${server.join('.')} is older than ${OLDEST_SERVER.join('.')}`;
  }
  return undefined;
}

function nothingWorked(faults: string[]): string {
  return [
    'There is no Temporal server to run against. Any one of these is a way out:',
    '  - set TEMPORAL_ADDRESS=host:port to use a server that runs already',
    '  - install the Temporal CLI, so that "temporal" is on the PATH: https://docs.temporal.io/cli',
    '  - go online, so that it can be downloaded from https://temporal.download',
    '  - install Go 1.26 or newer, so that it can be built from its Go module: https://go.dev/dl',
    'What was tried:',
    ...faults.map((fault) => `  - ${fault}`),
  ].join('\n');
}
