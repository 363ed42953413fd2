import { execFile } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { version } from '../cli/version.ts';
import { upsertMerchant, upsertTenant } from '../database/merchants.ts';
import { migrate } from '../database/migrate.ts';
import { openPool, type Pool } from '../database/pool.ts';
import { openVault } from '../database/secrets.ts';
import { startChild } from '../dev/child.ts';
import { ROOT } from '../dev/paysaga-command.ts';
import { startPostgres } from '../dev/postgres.ts';
import { startTemporalServer } from '../dev/temporal-server.ts';
import { SEARCH_ATTRIBUTE_NAMES } from '../worker/search-attributes.ts';
import { type ReconciliationResult, reconciliationStart } from '../workflows/reconciliation-start.ts';
import { type Machine, machine } from './machine.ts';
import { startMeter } from './meter.ts';
import { DAY, fillBooks, makeBills, type Trader } from './reconciliation-books.ts';
import { type Bound, measureBound } from './reconciliation-bound.ts';
import { type BillGateway, startBillGateway } from './reconciliation-gateway.ts';
import { table } from './table.ts';

const WORKER_READY_MS = 60_000;

/** How large the days are. */
export interface ReconciliationLoad {
  /** Rows of the trade bill, one day after the other, each of a merchant of its own. */
  sizes: number[];
}

/** What one day has shown. */
export interface ReconciliationPart {
  rows: number;
  fundFlowRows: number;
  /** From the start of the workflow to its end, without posting. */
  seconds: number;
  rowsPerSecond: number;
  /** Both bills applied for, downloaded, checked and staged. */
  loadingSeconds: number;
  matchingSeconds: number;
  addingSeconds: number;
  postingSeconds: number;
  postings: number;
  bound: Bound;
  /** Seconds of the bound over ours. */
  ratio: number;
  /** The worker's resident memory before the day, and the most of it, in MiB. */
  idleMib: number | undefined;
  peakMib: number | undefined;
  historyEvents: number;
  /** Processor time that others took, in percent of the machine. */
  othersPercent: number | undefined;
}

/** What reconciling costs. */
export interface ReconciliationReport {
  machine: Machine;
  versions: { paysaga: string; node: string };
  parts: ReconciliationPart[];
}

/**
 * Reconciles days of growing size by a worker process, on a PostgreSQL and a Temporal server of its own, and measures the lower bound with the same rows right
 * before each.
 * @throws Error when not every line is matched, or something does not add up
 */
export async function benchReconciliation(
  { sizes }: ReconciliationLoad,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<ReconciliationReport> {
  const folder = await mkdtemp(join(tmpdir(), 'paysaga-bench-reconciliation-'));
  const postgres = await startPostgres({ signal });
  const temporal = await startTemporalServer({
    searchAttributes: SEARCH_ATTRIBUTE_NAMES,
    signal,
    onProgress: say,
  });
  const gateway = await startBillGateway();
  const pool = openPool(postgres.url, { max: 5 });
  const masterKey = randomBytes(32);
  try {
    await migrate(postgres.url);
    // Compiled, as it is deployed: from source it would hold the compilers, too.
    say('building');
    await promisify(execFile)('npm', ['run', '--silent', 'build'], { cwd: ROOT, signal });
    const worker = await startChild({
      name: 'worker',
      command: process.execPath,
      args: ['--heap-growing-percent=30', 'dist/cli/paysaga.js', 'worker'],
      cwd: ROOT,
      env: {
        ...process.env,
        DATABASE_URL: postgres.url,
        TEMPORAL_ADDRESS: temporal.address,
        PAYSAGA_MASTER_KEY: masterKey.toString('base64'),
        PUBLIC_URL: 'https://pay.example.com',
        RECONCILIATION_CRON: 'off',
        // As in the image, like the option above.
        NODE_OPTIONS: '--max-semi-space-size=8',
        MALLOC_ARENA_MAX: '2',
      },
      logFile: join(folder, 'worker.log'),
      signal,
    });
    await worker.printed(/worker ready/, WORKER_READY_MS);
    const connection = await Connection.connect({ address: temporal.address });
    const client = new Client({ connection });
    try {
      const parts: ReconciliationPart[] = [];
      for (const [index, rows] of sizes.entries()) {
        signal.throwIfAborted();
        parts.push(await part({ pool, client, gateway, worker, masterKey, folder, index, rows }, say));
      }
      return {
        machine: machine(),
        versions: { paysaga: version(), node: process.versions.node },
        parts,
      };
    } finally {
      await connection.close();
      await worker.stop();
    }
  } finally {
    await pool.end();
    await gateway.stop();
    await temporal.stop();
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function part(
  {
    pool,
    client,
    gateway,
    worker,
    masterKey,
    folder,
    index,
    rows,
  }: {
    pool: Pool;
    client: Client;
    gateway: BillGateway;
    worker: { pid: number };
    masterKey: Buffer;
    folder: string;
    index: number;
    rows: number;
  },
  say: (line: string) => void,
): Promise<ReconciliationPart> {
  const trader: Trader = { mchid: `19000000${10 + index}`, appid: 'wx0123456789abcdef' };
  say(`${rows} rows: making the bills`);
  const bills = await makeBills(trader, rows, folder);
  gateway.offer(bills);
  say(`${rows} rows: filling our books`);
  const tenantId = await upsertTenant(pool, 'bench');
  const { id: merchantId } = await upsertMerchant(pool, openVault(masterKey), tenantId, {
    ...trader,
    serialNo: '5157F09EFDC096DE15EBE81A47057A7232F1B8E1',
    privateKey: generateKeyPairSync('rsa', {
      modulusLength: 2048,
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    }).privateKey,
    apiV3Key: randomBytes(16).toString('hex'),
    publicKeys: gateway.publicKeys,
    apiBaseUrl: gateway.baseUrl,
  });
  await fillBooks(pool, { tenantId, merchantId }, trader, rows);
  say(`${rows} rows: the lower bound`);
  const bound = await measureBound(pool, bills);

  say(`${rows} rows: reconciling`);
  const measured = [{ name: 'worker', pid: worker.pid }];
  const idleMib = startMeter(measured)()?.usages[0]?.peakMib;
  const meter = startMeter(measured);
  const { workflowType, ...start } = reconciliationStart({
    tenantId,
    merchantId,
    mchid: trader.mchid,
    subMchid: null,
    billDate: DAY,
  });
  const started = performance.now();
  const result: ReconciliationResult = await client.workflow.execute(workflowType, start);
  const wholeSeconds = (performance.now() - started) / 1000;
  const cost = meter();
  if (
    result.kind !== 'done' ||
    result.lines.matched !== rows ||
    Object.values(result.checks).includes(false)
  ) {
    throw new Error(`the day was not reconciled: ${JSON.stringify(result)}`);
  }
  const { events } = await client.workflow.getHandle(start.workflowId).fetchHistory();
  const [matching, posting, adding] = [
    result.tookMs.matching / 1000,
    result.tookMs.posting / 1000,
    result.tookMs.adding / 1000,
  ];
  const seconds = wholeSeconds - posting;
  return {
    rows,
    fundFlowRows: bills.fundFlow.rows,
    seconds,
    rowsPerSecond: rows / seconds,
    loadingSeconds: seconds - matching - adding,
    matchingSeconds: matching,
    addingSeconds: adding,
    postingSeconds: posting,
    postings: bills.fundFlow.rows - rows,
    bound,
    ratio: (bound.copySeconds + bound.joinSeconds) / seconds,
    idleMib,
    peakMib: cost?.usages[0]?.peakMib,
    historyEvents: events?.length ?? 0,
    othersPercent: cost?.othersPercent,
  };
}

/** The report as Markdown, ready for a terminal and for the docs. */
export function formatReconciliation({ machine, versions, parts }: ReconciliationReport): string {
  const number = (value: number | undefined, digits = 1) =>
    value === undefined ? '–' : value.toFixed(digits);
  const whole = (value: number) => Math.round(value).toLocaleString('en');
  const rows = [
    [
      'rows of the trade bill',
      'of the fund flow',
      'seconds',
      'rows/s',
      'loading',
      'matching',
      'adding up',
      'bound: COPY + join',
      'ratio',
      'worker MiB: before, most',
      'events',
      'fees posted/s',
    ],
    ...parts.map((part) => [
      whole(part.rows),
      whole(part.fundFlowRows),
      number(part.seconds),
      whole(part.rowsPerSecond),
      number(part.loadingSeconds),
      number(part.matchingSeconds),
      number(part.addingSeconds),
      `${number(part.bound.copySeconds)} + ${number(part.bound.joinSeconds)}`,
      number(part.ratio, 2),
      `${number(part.idleMib, 0)}, ${number(part.peakMib, 0)}`,
      String(part.historyEvents),
      whole(part.postings / part.postingSeconds),
    ]),
  ];
  return `
${machine.cpu}, ${machine.cores} cores, ${machine.memoryGib} GiB, ${machine.platform}
paysaga ${versions.paysaga}, Node ${versions.node}

${table(rows)}

Seconds are those of the whole workflow in a worker process of its own, without posting the fees: applying, downloading, SHA-1 and SHA-256, staging, matching four ways,
storing a line for each row, adding up. The bound copies the same rows, already decompressed and cut into columns, into ordinary tables, and joins them with the
payments once. Fees are posted line by line, with every check of the ledger; that is told by itself. Other processes took ${parts
    .map(({ othersPercent }) => number(othersPercent, 0))
    .join(', ')} % of the processors meanwhile.`.trim();
}
