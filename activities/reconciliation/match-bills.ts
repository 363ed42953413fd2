import type { AccountDay } from '../../database/reconciliation/account.ts';
import { type Balance, balanceOf, type Sums } from '../../database/reconciliation/control.ts';
import { type BillFile, loadBillFile } from '../../database/reconciliation/files.ts';
import { type ItemChanges, keepItems } from '../../database/reconciliation/items.ts';
import { listRepairable, type Restatement, restatementOf } from '../../database/reconciliation/lines.ts';
import { inLongTransaction, type LongWork } from '../../database/reconciliation/long-work.ts';
import { matchDay } from '../../database/reconciliation/match.ts';
import { postFound } from '../../database/reconciliation/postings.ts';
import {
  beginRun,
  finishRun,
  mustLoadRun,
  noteInSummary,
  type Run,
} from '../../database/reconciliation/runs.ts';
import { isStaged, unstage } from '../../database/reconciliation/staging.ts';
import { keepStatementLines } from '../../database/reconciliation/statement-lines.ts';
import type { ReconciliationTiming } from '../../domain/reconciliation.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { billDesk } from './desks.ts';
import { type Heartbeat, startHeartbeat } from './heartbeat.ts';
import { stageFile } from './load-bill.ts';
import { countRepairs, mended, mostOf, type Repaired, repair } from './repair.ts';
import { Turns } from './turns.ts';

/** What a run has found, as it is stored and shown. */
export interface RunSummary extends Balance {
  /** What was behind when it was looked at first, and what of it has been mended. */
  behind: Repaired;
  repaired: Repaired;
  /** Null unless WeChat Pay has issued the day anew. */
  restated: Restatement | null;
}

/** What the workflow hears of it. */
export interface MatchOutcome {
  runId: string;
  version: number;
  /** False when everything was as it was before. */
  changed: boolean;
  lines: Balance['lines'];
  /** In fen; of an overseas statement the same by currency. */
  unexplained?: number;
  posted?: Sums['posted'];
  currencies?: Record<string, { unexplained: number; posted: Sums['posted'] }>;
  checks: Balance['checks'];
  repaired: Repaired;
  items: ItemChanges;
  restated: Pick<Restatement, 'version' | 'added' | 'removed' | 'changed'> | null;
  /** How long it took, in milliseconds: matching and mending, posting, adding up. */
  tookMs: { matching: number; posting: number; adding: number };
}

/** A day whose bills are loaded. */
export interface DayToMatch {
  day: AccountDay;
  tradeFile: number;
  /** Null where WeChat Pay has no fund flow for the account. */
  flowFile: number | null;
  timing: ReconciliationTiming;
}

/** So many days one worker matches at a time: the work is PostgreSQL's. */
const DAYS_AT_A_TIME = 2;

/**
 * Reconciles a day whose bills are loaded: matches every line, mends what is behind, posts what the bills say of fees, keeps the open items and adds up.
 * Safe to repeat after each of its steps: what is done already is found done, and a day that is run again changes nothing unless something has changed.
 */
export function matchBills(outside: ActivityDependencies) {
  const turns = new Turns(DAYS_AT_A_TIME);
  return async (input: DayToMatch): Promise<MatchOutcome> => {
    const heartbeat = startHeartbeat({ doing: 'waiting for its turn' });
    try {
      return await turns.take(() => matchAndPost(outside, input, heartbeat));
    } finally {
      heartbeat.stop();
    }
  };
}

async function matchAndPost(
  { pool, merchants }: ActivityDependencies,
  { day, tradeFile, flowFile, timing }: DayToMatch,
  heartbeat: Heartbeat,
): Promise<MatchOutcome> {
  const lap = stopwatch();
  const files = {
    trade: await loadBillFile(pool, tradeFile),
    flow: flowFile === null ? null : await loadBillFile(pool, flowFile),
  };
  const match = async (db: LongWork): Promise<{ run: Run; changed: number; seen: string }> => {
    for (const file of [files.trade, files.flow]) if (file) await ensureStaged(db, file);
    if (files.trade.kind === 'statement') await keepStatementLines(db, files.trade);
    heartbeat.say({ doing: 'matching' });
    const run = await beginRun(db.client, day, { trade: files.trade.id, flow: files.flow?.id ?? null });
    const matched = await matchDay(db, {
      run,
      tradeFile: files.trade.id,
      tradeRows: files.trade.rowCount,
      flowFile: files.flow?.id ?? null,
      midnightMinutes: timing.midnightMinutes,
    });
    return { run, ...matched };
  };
  const ensureStaged = async (db: LongWork, file: BillFile) => {
    if (await isStaged(db, file)) return;
    const desk = await billDesk(merchants, day.merchantId, file.kind);
    await stageFile(db, pool, desk, file, day, {
      progress: (rows) => heartbeat.say({ doing: 'reading again', rows }),
    });
  };

  const first = await inLongTransaction(pool, async (db) => {
    const matched = await match(db);
    // Of overseas merchants, only statements are read.
    const lines = files.trade.kind === 'statement' ? [] : await listRepairable(db, matched.run);
    const before = (matched.run.summary as RunSummary | null)?.behind ?? {};
    const behind = mostOf(before, countRepairs(lines));
    // What is mended now will agree when a crash has it matched anew: it is noted first.
    if (lines.length > 0) await noteInSummary(db.client, matched.run, { behind });
    return { ...matched, lines, behind };
  });
  const { run, behind } = first;
  await repair({ pool, merchants }, first.lines, (looked) =>
    heartbeat.say({ doing: 'asking WeChat Pay', looked }),
  );
  const again = await inLongTransaction(pool, async (db) => {
    if (first.lines.length === 0) return { changed: 0, seen: first.seen, still: {} };
    const { changed, seen } = await match(db);
    return { changed, seen, still: countRepairs(await listRepairable(db, run)) };
  });

  const matching = lap();
  const posted = await postFound(pool, run, (line) => heartbeat.say({ doing: 'posting', line }));
  const posting = lap();
  heartbeat.say({ doing: 'adding up' });
  return await inLongTransaction(pool, async (db) => {
    const items = await keepItems(db, run, timing.carryDays);
    const balance = await balanceOf(db, run, files);
    const restated = (await restatementOf(db, run)) ?? null;
    const before = (await mustLoadRun(db.client, run.sequence)).summary as RunSummary | null;
    const summary: RunSummary = {
      ...balance,
      behind,
      repaired: mended(behind, again.still),
      restated,
    };
    const changed =
      first.changed + again.changed + posted + items.found + items.closed + items.aged > 0 ||
      JSON.stringify(sorted(summary)) !== JSON.stringify(sorted(before));
    await finishRun(db.client, run, { summary, changed, seen: again.seen });
    for (const file of [files.trade, files.flow]) if (file) await unstage(db, file.id);
    return {
      runId: run.id,
      version: run.version,
      changed,
      lines: balance.lines,
      ...(balance.ledger && { unexplained: balance.ledger.unexplained }),
      ...(balance.posted && { posted: balance.posted }),
      ...(balance.currencies && { currencies: shortOf(balance.currencies) }),
      checks: balance.checks,
      repaired: summary.repaired,
      items,
      restated: restated && {
        version: restated.version,
        added: restated.added,
        removed: restated.removed,
        changed: restated.changed,
      },
      tookMs: { matching, posting, adding: lap() },
    };
  });
}

/** What the workflow hears of each currency. */
function shortOf(currencies: Record<string, Sums>): NonNullable<MatchOutcome['currencies']> {
  return Object.fromEntries(
    Object.entries(currencies).map(([currency, { ledger, posted }]) => [
      currency,
      { unexplained: ledger.unexplained, posted },
    ]),
  );
}

/** Milliseconds since it was asked last. */
function stopwatch(): () => number {
  let last = performance.now();
  return () => {
    const before = last;
    last = performance.now();
    return Math.round(last - before);
  };
}

/** The same whatever the order of its fields: jsonb has one of its own. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, inner]) => [name, sorted(inner)]),
  );
}
