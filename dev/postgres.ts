import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { type Child, failure, startChild } from './child.ts';
import { freePort } from './ports.ts';
import {
  type Account,
  clusterFolder,
  type Programs,
  postgresAccount,
  postgresPrograms,
} from './postgres-account.ts';
import {
  commandLine,
  endProcess,
  identityOf,
  isStillRunning,
  type ProcessIdentity,
} from './process-table.ts';

/** How to run a PostgreSQL of our own. */
export interface PostgresOptions {
  /** Holds the cluster and its password; created when missing. Without it the data live in a temporary folder and go with `stop`. */
  dataDir?: string;
  /** Loopback port; a free one without it. */
  port?: number;
  /** The server's own log. */
  logFile?: string;
  /**
   * False turns fsync off: several times faster commits, and a power cut may lose the cluster. The death of a process, SIGKILL
   * included, never loses a commit either way. For tests.
   */
  durable?: boolean;
  /** Gives the start up when aborted. */
  signal?: AbortSignal;
}

/** A running PostgreSQL. */
export interface Postgres {
  /** Connection string of the database `paysaga`, whose user may do everything. */
  url: string;
  pid: number;
  /** Resolves when the server has ended, wanted or not. */
  exited: Promise<unknown>;
  stop(): Promise<void>;
}

const USER = 'paysaga';
const READY_TIMEOUT_MS = 60_000;

/**
 * Starts a real PostgreSQL on the loopback interface, with its data kept from one start to the next, and resolves once it
 * answers a query. A server that an earlier, killed process left on the same data is ended first.
 *
 * @throws when another live process runs a server on the same data, or with the server's last lines when it does not start
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  const account = postgresAccount();
  const programs = await postgresPrograms(account);
  const temporary = options.dataDir === undefined;
  const folder = clusterFolder(options.dataDir ? resolve(options.dataDir) : temporaryFolder(), account);
  await endLeftover(folder);
  writeFileSync(join(folder, 'owner.json'), JSON.stringify(identityOf(process.pid)));
  const password = await createCluster(folder, programs, account);

  const { port, server } = await launch(folder, programs, account, options, password);
  return {
    url: `postgresql://${USER}:${password}@127.0.0.1:${port}/${USER}`,
    pid: server.pid,
    exited: server.exited,
    async stop() {
      await server.stop();
      rmSync(join(folder, 'owner.json'), { force: true });
      if (temporary) rmSync(dirname(folder), { recursive: true, force: true });
    },
  };
}

/** A database that somebody else runs, or one of ours. */
export type Database = Pick<Postgres, 'url' | 'stop'> & { pid?: number };

/** The one rule of development and tests: `DATABASE_URL` when it is set, after a query has proved it right, else our own server. */
export async function databaseUrlOrEmbedded(options: PostgresOptions = {}): Promise<Database> {
  const url = process.env.DATABASE_URL;
  if (!url) return startPostgres(options);
  try {
    await query(url, 'SELECT 1');
  } catch (error) {
    throw new Error(`DATABASE_URL is set, but its database does not answer: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return { url, stop: async () => {} };
}

function temporaryFolder(): string {
  const parent = mkdtempSync(join(tmpdir(), 'paysaga-postgres-'));
  // The user that PostgreSQL runs as must get through; the cluster's own folder stays closed.
  chmodSync(parent, 0o711);
  return join(parent, 'cluster');
}

/** Ends the server which a process that is no more left running on these data. */
async function endLeftover(folder: string): Promise<void> {
  const pidFile = join(folder, 'data', 'postmaster.pid');
  if (!existsSync(pidFile)) return;
  const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
  const command = commandLine(pid);
  if (!command?.includes(join(folder, 'data'))) {
    // The number now belongs to somebody else (frequent in containers), and PostgreSQL would refuse to start because of it.
    rmSync(pidFile, { force: true });
    return;
  }
  const ownerFile = join(folder, 'owner.json');
  const owner = existsSync(ownerFile) && (JSON.parse(readFileSync(ownerFile, 'utf8')) as ProcessIdentity);
  if (owner && isStillRunning(owner))
    throw new Error(`process ${owner.pid} already runs PostgreSQL on ${folder}`);
  await endProcess(pid, 'SIGINT', 10_000);
}

/** Makes the cluster unless there is one; returns the password of its user. */
async function createCluster(
  folder: string,
  programs: Programs,
  account: Account | undefined,
): Promise<string> {
  const data = join(folder, 'data');
  const passwordFile = join(folder, 'password');
  const finished = join(folder, 'created');
  if (existsSync(finished)) {
    const found = readFileSync(join(data, 'PG_VERSION'), 'utf8').trim();
    if (found !== programs.major) {
      throw new Error(
        `the data in ${folder} are of PostgreSQL ${found}, this is ${programs.major}; dump and restore them, or delete the folder`,
      );
    }
    return readFileSync(passwordFile, 'utf8').trim();
  }
  // A start that was interrupted before the marker was written left half a cluster and no data of anybody.
  rmSync(data, { recursive: true, force: true });
  const password = randomBytes(24).toString('base64url');
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  if (account) chownSync(passwordFile, account.uid, account.gid);
  const args = [
    `--pgdata=${data}`,
    `--username=${USER}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // The same order and the same upper case on every machine, whatever locales it has.
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-sync',
    '--no-instructions',
  ];
  await promisify(execFile)(programs.initdb, args, { cwd: folder, env: serverEnvironment(), ...account });
  writeFileSync(finished, '');
  return password;
}

// PGDATA, PGPORT and the like of the developer's shell must not reach this server.
function serverEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('PG') && !name.startsWith('LC_'),
  );
  return { ...Object.fromEntries(kept), TZ: 'UTC', LC_ALL: 'C' };
}

async function launch(
  folder: string,
  programs: Programs,
  account: Account | undefined,
  options: PostgresOptions,
  password: string,
): Promise<{ port: number; server: Child }> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  for (;;) {
    const port = options.port ?? (await freePort());
    const server = await startChild({
      name: 'postgres',
      command: programs.postgres,
      args: ['-D', join(folder, 'data'), ...settings(port, options.durable ?? true)],
      cwd: folder,
      env: serverEnvironment(),
      logFile: options.logFile,
      // Fast shutdown: ends connections and writes a checkpoint. SIGTERM would wait for clients to leave.
      stopSignal: 'SIGINT',
      signal: options.signal,
      ...account,
    });
    try {
      await answers(server, `postgresql://${USER}:${password}@127.0.0.1:${port}`, deadline);
      return { port, server };
    } catch (error) {
      await server.stop();
      // After a SIGKILL of the postmaster its other processes need a moment to notice and to let go of the shared memory.
      const inTheWay =
        /pre-existing shared memory block|is already in use by|lock file .* already exists/.test(
          server.tail(),
        );
      const portTaken = options.port === undefined && /could not bind/.test(server.tail());
      if (!(inTheWay || portTaken) || options.signal?.aborted || Date.now() > deadline) throw error;
      await sleep(250);
    }
  }
}

function settings(port: number, durable: boolean): string[] {
  const values: Record<string, string> = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    // The path of a socket may have about 100 characters at most, and nobody here needs one.
    unix_socket_directories: '',
    timezone: 'UTC',
    log_timezone: 'UTC',
    max_connections: '200',
    shared_buffers: '128MB',
    max_wal_size: '512MB',
    log_min_messages: 'warning',
    fsync: durable ? 'on' : 'off',
    full_page_writes: durable ? 'on' : 'off',
    // Never off: what a commit has not yet written would die with the server, and without fsync the write costs next to nothing.
    synchronous_commit: 'on',
  };
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

async function answers(server: Child, base: string, deadline: number): Promise<void> {
  for (;;) {
    try {
      await query(
        `${base}/postgres`,
        `SELECT 1 FROM pg_database WHERE datname = '${USER}'`,
        async (client, { rowCount }) => {
          if (rowCount === 0) await client.query(`CREATE DATABASE ${USER}`);
        },
      );
      return;
    } catch (error) {
      if (!server.running())
        throw new Error(failure('postgres', await server.exited, server.tail()), { cause: error });
      if (Date.now() > deadline) {
        throw new Error(`postgres does not answer: ${(error as Error).message}\n${server.tail()}`, {
          cause: error,
        });
      }
    }
    await sleep(50);
  }
}

async function query(
  url: string,
  sql: string,
  then?: (client: pg.Client, result: pg.QueryResult) => Promise<void>,
): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    const result = await client.query(sql);
    await then?.(client, result);
  } finally {
    await client.end().catch(() => {});
  }
}
