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
  /** Processor time of a row, in microseconds, all threads of the process. */
  cpuMicrosPerRow: number;
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
  /** Processor time of a row with readline and split over that of paysaga in batches. */
  cpuRatio: number;
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
    const measured = WAYS.map(({ way, name }) => ({
      name,
      request: { way, ...(way === 'peer' ? small : whole) },
      results: [] as PartResult[],
    }));
    // Round by round, so that what else the machine does meets all ways alike.
    for (let round = 1; round <= load.rounds; round++) {
      for (const { name, request, results } of measured) {
        say(`round ${round} of ${load.rounds}: ${name}, ${request.expected.rows} rows`);
        results.push(await inChild(request, signal));
      }
    }
    const parts = measured.map(({ name, request, results }) => partOf(name, request.expected, results));
    const [ours, naive] = ['paysaga, batches', 'readline + split'].map((name) =>
      parts.find((part) => part.name === name),
    );
    if (!ours || !naive) throw new Error('a part is missing');
    return {
      machine: machine(),
      versions: { paysaga: version(), node: process.versions.node },
      load,
      fileBytes: whole.gzipFile ? (await stat(whole.gzipFile)).size : whole.expected.bytes,
      billBytes: whole.expected.bytes,
      parts,
      ratio: ours.rowsPerSecond / naive.rowsPerSecond,
      cpuRatio: naive.cpuMicrosPerRow / ours.cpuMicrosPerRow,
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
  const median = (values: number[]) =>
    values.sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? Number.NaN;
  const seconds = median(rounds.map((round) => round.seconds));
  const most = (of: keyof PartResult['memoryMib']) =>
    Math.max(...rounds.map(({ memoryMib }) => memoryMib[of]));
  return {
    name,
    rows,
    rowsPerSecond: rows / seconds,
    megabytesPerSecond: bytes / seconds / 1e6,
    cpuMicrosPerRow: (median(rounds.map(({ cpuSeconds }) => cpuSeconds)) * 1e6) / rows,
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
    [
      '',
      'rows',
      'rows/s',
      'MB/s',
      'CPU µs a row',
      'peak memory above start, MiB',
      'in the first tenth',
      'in the last tenth',
    ],
    ...parts.map(({ name, rows, rowsPerSecond, megabytesPerSecond, cpuMicrosPerRow, memoryMib }) => [
      name,
      ...[rows, rowsPerSecond, megabytesPerSecond].map((value) => Math.round(value).toLocaleString('en')),
      cpuMicrosPerRow.toFixed(2),
      ...[memoryMib.peak, memoryMib.firstTenth, memoryMib.lastTenth].map((value) => value.toFixed(0)),
    ]),
  ];
  return `
${machine.cpu}, ${machine.cores} cores, ${machine.memoryGib} GiB, ${machine.platform}
paysaga ${versions.paysaga}, Node ${versions.node}
a trade bill of ${load.rows.toLocaleString('en')} rows, ${megabytes(report.billBytes)}${load.gzip ? `, in a gzip file of ${megabytes(report.fileBytes)}` : ', written while it is read'}

${table(rows)}

ratio paysaga / readline + split: ${report.ratio.toFixed(2)} by rows/s, ${report.cpuRatio.toFixed(2)} by processor time
Each way in a process of its own, started anew for each of ${load.rounds} rounds; the median of their speeds and the largest of their
memories. paysaga compares hash and summary and keeps amounts exact; readline + split does none of it, and its amounts go
through floats. wechatpay-axios-plugin holds the file and all rows in memory, and its values stay texts.`.trim();
}
