import { randomBytes } from 'node:crypto';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { endProcess, identityOf, isStillRunning, type ProcessIdentity } from './process-table.ts';

/** What `stack.json` tells about the stack that runs in a folder. */
export interface StackRecord {
  /** The process that supervises it. */
  owner: ProcessIdentity;
  /** The processes it started. */
  children: (ProcessIdentity & { name: string })[];
  /** Addresses, once everything is ready. */
  urls: Record<string, string>;
  apiKey?: string;
}

/** Thrown when another process runs a stack in the folder. */
export class StackRunningError extends Error {
  readonly record: StackRecord;

  constructor(folder: string, record: StackRecord) {
    const urls = Object.entries(record.urls)
      // A connection string holds a password.
      .filter(([name]) => name !== 'postgres')
      .map(([name, url]) => `\n  ${name.padEnd(11)} ${url}`);
    super(`a stack runs in ${folder} already (pid ${record.owner.pid})${urls.join('')}`);
    this.record = record;
  }
}

const LOG_LIMIT_BYTES = 20 * 1024 * 1024;

/** What every folder has in which a stack was started. */
const MARK = 'ports.json';

/**
 * Deletes a folder with all that a stack has left in it.
 * @throws Error when the folder holds something else (it was named by mistake), or a stack runs in it: nothing is deleted then.
 */
export function deleteStackFolder(path: string): void {
  if (!existsSync(path)) return;
  const holder = readJson<ProcessIdentity>(join(path, 'lock'));
  if (holder && isStillRunning(holder)) {
    const record = readJson<StackRecord>(join(path, 'stack.json'));
    throw new StackRunningError(path, record ?? { owner: holder, children: [], urls: {} });
  }
  if (readdirSync(path).length > 0 && !existsSync(join(path, MARK))) {
    throw new Error(
      `${path} would be emptied, and holds something that no stack has made: name another folder`,
    );
  }
  rmSync(path, { recursive: true, force: true });
}

/**
 * The folder of a stack, `.paysaga/`: data of PostgreSQL, Temporal and the simulator, logs, secrets, and the record of what runs.
 * Everything in it may be deleted while nothing runs; the next start makes it anew.
 */
export class StackFolder {
  readonly path: string;
  private readonly record: StackRecord;

  private constructor(path: string, record: StackRecord) {
    this.path = path;
    this.record = record;
  }

  /**
   * Takes the folder for this process, and ends what a killed predecessor left running.
   * @throws StackRunningError when a live process has it
   */
  static async take(path: string): Promise<StackFolder> {
    // Root runs PostgreSQL as another user, which must get through to its own data. The secrets in here are 0600 each.
    mkdirSync(path, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 });
    const owner = identityOf(process.pid);
    if (!owner) throw new Error('this process cannot find itself in the process table');
    const lock = join(path, 'lock');
    // A link appears with its content; a file that is created first and written then could be read empty.
    const mine = `${lock}.${process.pid}`;
    writeFileSync(mine, JSON.stringify(owner));
    try {
      for (;;) {
        try {
          linkSync(mine, lock);
          break;
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        }
        const holder = readJson<ProcessIdentity>(lock);
        if (holder && isStillRunning(holder)) {
          throw new StackRunningError(
            path,
            readJson(join(path, 'stack.json')) ?? { owner: holder, children: [], urls: {} },
          );
        }
        rmSync(lock, { force: true });
      }
    } finally {
      rmSync(mine, { force: true });
    }
    const folder = new StackFolder(path, { owner, children: [], urls: {} });
    await folder.endLeftovers();
    for (const name of ['logs', 'credentials', 'simulator']) {
      mkdirSync(folder.at(name), { recursive: true, mode: 0o700 });
    }
    return folder;
  }

  /** A path in the folder. */
  at(...names: string[]): string {
    return join(this.path, ...names);
  }

  /** The log file of a process; one that has grown too long is put aside. */
  logFile(name: string): string {
    const path = this.at('logs', `${name}.log`);
    if (existsSync(path) && statSync(path).size > LOG_LIMIT_BYTES) renameSync(path, `${path}.1`);
    return path;
  }

  /** Remembers a process, so that the next start can end it should this one be killed. */
  recordChild(name: string, pid: number): void {
    const identity = identityOf(pid);
    this.record.children = this.record.children.filter((child) => child.name !== name);
    if (identity) this.record.children.push({ name, ...identity });
    this.write();
  }

  /** Publishes where everything is. */
  recordReady(urls: Record<string, string>, apiKey: string): void {
    Object.assign(this.record, { urls, apiKey });
    this.write();
  }

  /** Keeps what the command line needs to work on this stack, for `node --env-file`. */
  writeCliEnvironment(environment: NodeJS.ProcessEnv): void {
    const lines = Object.entries(environment).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}="${value}"`],
    );
    this.saveSecret('cli.env', lines.join('\n'));
  }

  /** 32 random bytes in base64, made once: they seal the merchants' secrets in the database. */
  masterKey(): string {
    const saved = this.secret('master.key');
    if (saved) return saved;
    return this.saveSecret('master.key', randomBytes(32).toString('base64'));
  }

  /** The API key of an earlier start. */
  apiKey(): string | undefined {
    return this.secret('api-key');
  }

  /** Keeps the API key for the next start. */
  saveApiKey(key: string): string {
    return this.saveSecret('api-key', key);
  }

  /** The ports of an earlier start. */
  ports(): Record<string, number> {
    return readJson(this.at(MARK)) ?? {};
  }

  /** Keeps the ports for the next start. */
  savePorts(ports: Record<string, number>): void {
    writeFileSync(this.at(MARK), `${JSON.stringify(ports)}\n`);
  }

  /** Gives the folder back. */
  release(): void {
    rmSync(this.at('stack.json'), { force: true });
    rmSync(this.at('lock'), { force: true });
  }

  private async endLeftovers(): Promise<void> {
    const previous = readJson<StackRecord>(this.at('stack.json'));
    const leftovers = previous?.children.filter(isStillRunning) ?? [];
    // SIGINT is the orderly stop of PostgreSQL and understood by all the others.
    await Promise.all(leftovers.map(({ pid }) => endProcess(pid, 'SIGINT', 5_000)));
    rmSync(this.at('stack.json'), { force: true });
  }

  private secret(name: string): string | undefined {
    const path = this.at(name);
    return existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined;
  }

  private saveSecret(name: string, value: string): string {
    writeFileSync(this.at(name), `${value}\n`, { mode: 0o600 });
    return value;
  }

  private write(): void {
    const path = this.at('stack.json');
    const unfinished = `${path}.${process.pid}`;
    writeFileSync(unfinished, `${JSON.stringify(this.record, null, 2)}\n`, { mode: 0o600 });
    renameSync(unfinished, path);
  }
}

function readJson<Kind>(path: string): Kind | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Kind;
  } catch {
    // Missing, or half written by a process that was killed: either way it says nothing.
    return undefined;
  }
}
