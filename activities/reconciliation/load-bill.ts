import { createHash, type Hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { sleep } from '@temporalio/activity';
import type { Pool } from '../../database/pool.ts';
import type { AccountDay } from '../../database/reconciliation/account.ts';
import {
  type BillFile,
  billFileFailed,
  billFileLoaded,
  dropBillFile,
  loadBillFile,
  readBytes,
} from '../../database/reconciliation/files.ts';
import { inLongTransaction, type LongWork } from '../../database/reconciliation/long-work.ts';
import type { RunFailure } from '../../database/reconciliation/runs.ts';
import { restage, rowsToCopy, stage } from '../../database/reconciliation/staging.ts';
import { billDay } from '../../domain/bill-day.ts';
import type { BillKind } from '../../domain/region.ts';
import { BillError, WechatPayError } from '../../wechatpay/index.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { gatewayFailure, notFinalYet } from '../failures.ts';
import { applyAt, type BillDesk, type BillPart } from './bill-desk.ts';
import { newReading, type Reading, UnsoundBill } from './bill-row.ts';
import { billDesk } from './desks.ts';
import { startHeartbeat } from './heartbeat.ts';
import { keepBill } from './keep-bill.ts';
import { stagedRows } from './read-bill.ts';
import { Turns } from './turns.ts';

/** What became of a bill. */
export type BillOutcome =
  | { kind: 'loaded'; file: number; rows: number; sha256: string; findings: string[] }
  /** It is not to be believed; its bytes are kept. */
  | { kind: 'failed'; failure: RunFailure };

/** How patient a reconciliation is with the gateway, in milliseconds. */
export interface BillPatience {
  /** Between two questions while WeChat Pay is still making the bill (half an hour, official bill page). */
  creatingGapMs: number;
  /** Before something that failed is tried again: the first time, and for a damaged file. */
  againMs: number;
  /** A worker that has not been heard of for so long is taken for dead. Absent in histories from before it could be told: half a minute. */
  silenceMs?: number;
}

/** So often a damaged file is downloaded; then it is taken for what it is. */
const DOWNLOADS = 3;
/**
 * So many bills one worker reads at a time: it has one thread for it. A second one would take 30 MB and hardly be read sooner. Each holds a connection of the
 * pool until PostgreSQL has looked at its rows, when the next one is being read already.
 */
const BILLS_AT_A_TIME = 1;

/**
 * Applies for a bill, waits until there is one, keeps its bytes, checks them and copies the rows into a staging table. Nothing of a bill that is not sound to
 * the last byte is ever matched. Safe to repeat: the same bytes are the same file.
 */
export function loadBill({ pool, merchants }: ActivityDependencies) {
  const turns = new Turns(BILLS_AT_A_TIME);
  return async (input: { day: AccountDay; kind: BillKind; patience: BillPatience }): Promise<BillOutcome> => {
    const { day, kind, patience } = input;
    const heartbeat = startHeartbeat({ doing: 'waiting for its turn' });
    try {
      const desk = await billDesk(merchants, day.merchantId, kind);
      // Counted here, and not by attempts: those of workers that have died say nothing about the bill.
      for (let download = 1; ; download += 1) {
        // Not before it is its turn: an address lives for five minutes, and a statement is the answer itself.
        const outcome = await turns.take(async (pass) => {
          heartbeat.say({ doing: 'applying for the bill' });
          const parts = await apply(desk, day, kind, patience);
          const file = await keepBill(pool, { day, kind, parts }, (bytes) =>
            heartbeat.say({ doing: 'downloading', bytes }),
          ).catch((error: unknown) => {
            throw gatewayFailure(error);
          });
          return await read(
            pool,
            desk,
            { file, day, kind },
            { isLast: download >= DOWNLOADS },
            {
              progress: (rows) => heartbeat.say({ doing: 'reading', rows }),
              // The rest is PostgreSQL's work, during which the next bill can be read.
              copied: pass,
            },
          );
        });
        if (outcome !== 'damaged') return outcome;
        heartbeat.say({ doing: 'waiting, as the file was damaged', downloads: download });
        await sleep(patience.againMs);
      }
    } finally {
      heartbeat.stop();
    }
  };
}

async function apply(
  desk: BillDesk,
  day: AccountDay,
  kind: BillKind,
  { creatingGapMs }: BillPatience,
): Promise<BillPart[]> {
  try {
    return await applyAt(desk, day, kind);
  } catch (error) {
    if (error instanceof WechatPayError && error.code === 'STATEMENT_CREATING') {
      throw notFinalYet('WeChat Pay is still making the bill', creatingGapMs);
    }
    throw gatewayFailure(error);
  }
}

/** @returns what became of the file; `damaged` when it may be sound the next time, and is not the last one. */
async function read(
  pool: Pool,
  desk: BillDesk,
  { file, day, kind }: { file: number; day: AccountDay; kind: BillKind },
  { isLast }: { isLast: boolean },
  tell: Staging,
): Promise<BillOutcome | 'damaged'> {
  try {
    return await inLongTransaction(pool, async (db) => {
      const { reading, sha256 } = await stageFile(db, pool, desk, await loadBillFile(pool, file), day, tell);
      const findings = [...reading.findings.values()];
      const counts = await billFileLoaded(db.client, file, {
        sha256,
        rowCount: reading.rows,
        summary: reading.summary,
        findings,
      });
      if (counts !== file) await restage(db, file, counts);
      return {
        kind: 'loaded' as const,
        file: counts,
        rows: reading.rows,
        sha256: sha256.toString('hex'),
        findings: findings.map(({ code, line, detail }) => `${code}: line ${line}: ${detail}`),
      };
    });
  } catch (error) {
    if (!(error instanceof BillError) && !(error instanceof UnsoundBill)) {
      await dropBillFile(pool, file).catch(() => {});
      throw error;
    }
    // A file that was damaged on its way may be sound the next time; one that says something wrong will not.
    if (error instanceof BillError && error.retryable && !isLast) {
      await dropBillFile(pool, file);
      return 'damaged';
    }
    await billFileFailed(pool, file, { code: error.code, line: error.line, detail: error.message });
    return {
      kind: 'failed',
      failure: { file: kind, code: error.code, line: error.line ?? null, detail: error.message },
    };
  }
}

/** Who wants to know how far it is. */
export interface Staging {
  progress(rows: number): void;
  /** All rows are at PostgreSQL, which has still to look at them. */
  copied?(): void;
}

/** Reads the bytes that are kept of a file into its staging table. */
export async function stageFile(
  db: LongWork,
  pool: Pool,
  desk: BillDesk,
  file: BillFile,
  { mchid, subMchid, billDate }: AccountDay,
  { progress, copied }: Staging,
): Promise<{ reading: Reading; sha256: Buffer }> {
  const reading = newReading();
  const hash = createHash('sha256');
  const from = billDay(billDate).from.getTime() / 1000;
  const expected = { kind: file.kind, mchid, subMchid, billDate, from };
  const rows =
    file.addresses.length === 0
      ? Readable.from(rowsToCopy(file.kind).take({ end: true }))
      : reported(stagedRows(hashed(unpacked(pool, desk, file), hash), expected, reading), () =>
          progress(reading.rows),
        );
  await stage(db, file.id, file.kind, rows, copied);
  return { reading, sha256: hash.digest() };
}

/** All parts of a file, one after the other: a bill of several goes on in the middle of its rows. */
async function* unpacked(pool: Pool, desk: BillDesk, file: BillFile): AsyncGenerator<Buffer> {
  for (const [part, said] of file.addresses.entries()) {
    yield* desk.open(Readable.from(readBytes(pool, file.id, part)), said) as AsyncIterable<Buffer>;
  }
}

async function* hashed(bytes: AsyncIterable<Buffer>, hash: Hash): AsyncGenerator<Buffer> {
  for await (const chunk of bytes) {
    hash.update(chunk);
    yield chunk;
  }
}

async function* reported<T>(source: AsyncIterable<T>, report: () => void): AsyncGenerator<T> {
  for await (const piece of source) {
    yield piece;
    report();
  }
}
