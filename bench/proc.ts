import { readdirSync, readFileSync } from 'node:fs';

/**
 * Reads Linux's /proc. The formats are those of proc_pid_stat(5) and proc_pid_status(5).
 */

/** What /proc/<pid>/stat says, as far as it is needed here. */
export interface ProcessStat {
  pid: number;
  ppid: number;
  /** Clock ticks this process has run, in user mode and in the kernel, all threads. */
  ticks: number;
  /** Clock ticks of its children that have ended and were waited for, and of theirs. */
  childTicks: number;
}

/** What /proc/<pid>/status says of memory, in KiB. */
export interface ProcessMemory {
  /** Its own pages. */
  anonymous: number;
  /** Pages of files, executables mostly: processes of one program share them. */
  file: number;
  /** Shared memory: PostgreSQL's buffers. */
  shared: number;
}

/** Parses /proc/<pid>/stat. */
export function parseStat(text: string): ProcessStat {
  // The name in brackets may itself hold brackets and blanks; the fields follow the last one.
  const end = text.lastIndexOf(')');
  const fields = text.slice(end + 2).split(' ');
  // The first field here is the third of the manual page.
  const field = (number: number): number => {
    const value = Number(fields[number - 3]);
    if (end < 0 || !Number.isInteger(value)) throw new Error(`not a /proc stat line: ${text}`);
    return value;
  };
  return {
    pid: Number.parseInt(text, 10),
    ppid: field(4),
    ticks: field(14) + field(15),
    childTicks: field(16) + field(17),
  };
}

/** Parses /proc/<pid>/status; a process without memory of its own (a zombie) has none. */
export function parseMemory(text: string): ProcessMemory {
  const kib = (name: string) => Number(text.match(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm'))?.[1] ?? 0);
  return { anonymous: kib('RssAnon'), file: kib('RssFile'), shared: kib('RssShmem') };
}

/** Parses /proc/stat: clock ticks in which any processor of the machine was at work. */
export function parseMachineTicks(text: string): number {
  const [user, nice, system, , , irq, softirq, steal] =
    text
      .match(/^cpu +([\d ]+)$/m)?.[1]
      ?.split(' ')
      .map(Number) ?? [];
  return [user, nice, system, irq, softirq, steal].reduce<number>((sum, ticks) => sum + (ticks ?? 0), 0);
}

/** Every process of the machine by its number. */
export function allProcesses(): Map<number, ProcessStat> {
  const found = new Map<number, ProcessStat>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const text = readOrNothing(`/proc/${name}/stat`);
    if (text !== undefined) found.set(Number(name), parseStat(text));
  }
  return found;
}

/** The process and all that descend from it, except those named and what descends from them. */
export function family(
  all: ReadonlyMap<number, ProcessStat>,
  pid: number,
  except: readonly number[] = [],
): ProcessStat[] {
  const members: ProcessStat[] = [];
  const root = all.get(pid);
  if (root) members.push(root);
  // The list grows while it is walked: children, then their children.
  for (const member of members) {
    for (const other of all.values()) {
      if (other.ppid === member.pid && !except.includes(other.pid)) members.push(other);
    }
  }
  return members;
}

/** Memory of one process; undefined when it has ended. */
export function memoryOf(pid: number): ProcessMemory | undefined {
  const text = readOrNothing(`/proc/${pid}/status`);
  return text === undefined ? undefined : parseMemory(text);
}

/** Clock ticks in which any processor of the machine was at work, since it started. */
export function machineTicks(): number {
  return parseMachineTicks(readFileSync('/proc/stat', 'utf8'));
}

function readOrNothing(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}
