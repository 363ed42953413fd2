import { fork } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createGzip } from 'node:zlib';
import { version } from '../cli/version.ts';
import { billChunks, type ExpectedBill, expectedBill } from './bill-rows.ts';
import type { PartRequest, PartResult } from './bills-part.ts';
import { type Machine, machine } from './machine.ts';
import { table } from './table.ts';

/** How large the bill is, and how often it is read. */
export interface BillsLoad {
  rows: number;
  /** Whether the file is compressed, as bills usually are. */
  gzip: boolean;
  /** How often each way reads it, each time in a new process; its median counts. */
  rounds: number;
}

/** One way of reading the bill. */
export interface BillsPart {
  name: string;
  rows: number;
  rowsPerSecond: number;
  /** Of decompressed bytes, in millions. */
  megabytesPerSecond: number;
  /** Resident memory in MiB, the largest of all rounds; `start` excepted all above start. */
  memoryMib: PartResult['memoryMib'];
}

/** What reading a bill has cost. */
export interface BillsReport {
  machine: Machine;
  versions: { paysaga: string; node: string };
  load: BillsLoad;
  /** Size of the file, and of the bill in it. */
  fileBytes: number;
  billBytes: number;
  parts: BillsPart[];
  /** Rows a second of paysaga in batches over those of readline and split. */
  ratio: number;
}

/** Holding everything in memory, it is not asked for more. */
const PEER_ROWS = 100_000;

const WAYS = [
  { way: 'batches', name: 'paysaga, batches' },
  { way: 'rows', name: 'paysaga, row by row' },
  { way: 'file', name: 'openBillFile alone' },
  { way: 'readline', name: 'readline + split' },
  { way: 'peer', name: 'wechatpay-axios-plugin' },
] as const satisfies { way: PartRequest['way']; name: string }[];

/**
 * Reads a trade bill of `rows` rows in each way, each in its own process. The bill is never in memory as a whole, unless the way itself does it.
 * @param say told about the progress
 * @throws the signal's reason when it was aborted; Error when a way found other rows than were written
 */
export async function benchBills(
  load: BillsLoad,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<BillsReport> {
  const folder = await mkdtemp(join(tmpdir(), 'paysaga-bench-bills-'));
  try {
    const whole = await written(load.rows, load.gzip, folder, signal);
    const small = load.rows <= PEER_ROWS ? whole : await written(PEER_ROWS, load.gzip, folder, signal);
    const parts: BillsPart[] = [];
    for (const { way, name } of WAYS) {
      const { expected, gzipFile } = way === 'peer' ? small : whole;
      const rounds: PartResult[] = [];
      for (let round = 1; round <= load.rounds; round++) {
        say(`${name}: ${expected.rows} rows, round ${round} of ${load.rounds}`);
        rounds.push(await inChild({ way, expected, gzipFile }, signal));
      }
      parts.push(partOf(name, expected, rounds));
    }
    const speed = (name: string) => parts.find((part) => part.name === name)?.rowsPerSecond ?? Number.NaN;
    return {
      machine: machine(),
      versions: { paysaga: version(), node: process.versions.node },
      load,
      fileBytes: whole.gzipFile ? (await stat(whole.gzipFile)).size : whole.expected.bytes,
      billBytes: whole.expected.bytes,
      parts,
      ratio: speed('paysaga, batches') / speed('readline + split'),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A compressed bill is written to a file first: compressing costs more than reading, and is not what is measured. */
async function written(
  rows: number,
  gzip: boolean,
  folder: string,
  signal: AbortSignal,
): Promise<{ expected: ExpectedBill; gzipFile?: string }> {
  const expected = expectedBill(rows);
  if (!gzip) return { expected };
  const gzipFile = join(folder, `${rows}.csv.gz`);
  await pipeline(Readable.from(billChunks(rows)), createGzip(), createWriteStream(gzipFile), { signal });
  return { expected, gzipFile };
}

function partOf(name: string, { rows, bytes }: ExpectedBill, rounds: readonly PartResult[]): BillsPart {
  const sorted = rounds.map(({ seconds }) => seconds).sort((a, b) => a - b);
  const seconds = sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
  const most = (of: keyof PartResult['memoryMib']) =>
    Math.max(...rounds.map(({ memoryMib }) => memoryMib[of]));
  return {
    name,
    rows,
    rowsPerSecond: rows / seconds,
    megabytesPerSecond: bytes / seconds / 1e6,
    memoryMib: {
      start: most('start'),
      peak: most('peak'),
      firstTenth: most('firstTenth'),
      lastTenth: most('lastTenth'),
    },
  };
}

async function inChild(request: PartRequest, signal: AbortSignal): Promise<PartResult> {
  signal.throwIfAborted();
  const child = fork(fileURLToPath(new URL('bills-part.ts', import.meta.url)), {
    execArgv: ['--import=tsx'],
  });
  const stop = () => child.kill();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await new Promise<PartResult>((resolve, reject) => {
      child.once('message', (answer: { result: PartResult } | { failure: string }) => {
        if ('result' in answer) resolve(answer.result);
        else reject(new Error(answer.failure));
      });
      child.once('error', reject);
      child.once('exit', (code, by) =>
        reject(signal.aborted ? signal.reason : new Error(`a part ended with ${by ?? code}`)),
      );
      child.send(request);
    });
  } finally {
    signal.removeEventListener('abort', stop);
    child.kill();
  }
}

/** The report as a Markdown table, ready for a terminal and for the docs. */
export function formatBills(report: BillsReport): string {
  const { machine, versions, load, parts } = report;
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
  const rows = [
    ['', 'rows', 'rows/s', 'MB/s', 'peak memory above start, MiB', 'first tenth', 'last tenth'],
    ...parts.map(({ name, rows, rowsPerSecond, megabytesPerSecond, memoryMib }) => [
      name,
      ...[rows, rowsPerSecond, megabytesPerSecond].map((value) => Math.round(value).toLocaleString('en')),
      ...[memoryMib.peak, memoryMib.firstTenth, memoryMib.lastTenth].map((value) => value.toFixed(0)),
    ]),
  ];
  return `
${machine.cpu}, ${machine.cores} cores, ${machine.memoryGib} GiB, ${machine.platform}
paysaga ${versions.paysaga}, Node ${versions.node}
a trade bill of ${load.rows.toLocaleString('en')} rows, ${megabytes(report.billBytes)}${load.gzip ? `, in a gzip file of ${megabytes(report.fileBytes)}` : ', written while it is read'}

${table(rows)}

ratio paysaga / readline + split: ${report.ratio.toFixed(2)}
Each way in a process of its own, started anew for each of ${load.rounds} rounds; the median of their speeds and the largest of their
memories. paysaga compares hash and summary and keeps amounts exact; readline + split does none of it, and its amounts go
through floats. wechatpay-axios-plugin holds the file and all rows in memory, and its values stay texts.`.trim();
}
