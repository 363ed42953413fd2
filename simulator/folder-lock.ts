import { readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FILE = 'lock';
/** A process that has ended, which its parent has not noticed yet. */
const ZOMBIE = 'Z';

/** Locks that this process has taken and not released. */
const taken = new Set<string>();

/** Another simulator keeps its memory in the folder. */
export class FolderInUseError extends Error {
  override readonly name = 'FolderInUseError';
  readonly pid: number;

  constructor(folder: string, pid: number) {
    const whose = pid === process.pid ? 'another simulator of this process' : `process ${pid}`;
    super(`${folder} is in use by ${whose}: end it, or take another folder`);
    this.pid = pid;
  }
}

/**
 * Takes a folder for this process, by a file `lock` that says who has it. The lock of a process that has ended without releasing it counts for
 * nothing. Processes of other machines, and of other containers, are not seen.
 * @returns what releases it
 * @throws FolderInUseError
 */
export function lockFolder(folder: string): () => void {
  const path = join(realpathSync(folder), FILE);
  const own = `${process.pid} ${statOf(process.pid)?.start ?? 0}\n`;
  while (!take(path, own)) {
    const found = read(path);
    if (found === undefined) continue;
    if (isHeld(path, found, own)) throw new FolderInUseError(folder, Number.parseInt(found, 10));
    remove(path, found);
  }
  taken.add(path);
  return () => {
    if (taken.delete(path) && read(path) === own) rmSync(path);
  };
}

function take(path: string, own: string): boolean {
  try {
    writeFileSync(path, own, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  // Who read the file before it was written has taken it for a leftover.
  return read(path) === own;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whether the process of a lock is alive: one of this number that has started at another time is not the same one. */
function isHeld(path: string, found: string, own: string): boolean {
  if (found === own) return taken.has(path);
  const [pid = Number.NaN, start] = found.trim().split(' ').map(Number);
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM is somebody else's process.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const stat = statOf(pid);
  return stat === undefined || (stat.state !== ZOMBIE && stat.start === start);
}

/** Removes a leftover, and nothing that has come in its place meanwhile. */
function remove(path: string, leftover: string): void {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (read(aside) === leftover) rmSync(aside);
  else renameSync(aside, path);
}

/** How a process is, and when it has started, in clock ticks since the machine did (proc_pid_stat(5)); undefined where the system does not tell. */
function statOf(pid: number): { state: string | undefined; start: number } | undefined {
  const stat = process.platform === 'linux' ? read(`/proc/${pid}/stat`) : undefined;
  // The name in brackets may itself hold brackets and blanks; the third field follows the last one.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields && { state: fields[0], start: Number(fields[19]) };
}
