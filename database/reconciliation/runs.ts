import { randomUUID } from 'node:crypto';
import type { BillDate } from '../../domain/bill-day.ts';
import { publicId } from '../../domain/identity.ts';
import type { BillKind } from '../../domain/region.ts';
import type { Queryable } from '../pool.ts';
import type { AccountDay } from './account.ts';
import { IS_OVERTAKEN } from './due.ts';

/** Why a run could not be done: a bill that is not to be believed. */
export interface RunFailure {
  file: BillKind;
  code: string;
  line: number | null;
  detail: string;
}

/** A run as stored. */
export interface Run {
  sequence: number;
  id: string;
  tenantId: string;
  merchantId: string;
  mchid: string;
  subMchid: string | null;
  billDate: BillDate;
  version: number;
  tradeFile: number | null;
  flowFile: number | null;
  status: 'running' | 'done' | 'failed' | 'superseded';
  failure: RunFailure | null;
  /** What was found; see {@link RunSummary}. */
  summary: unknown;
  revision: number;
  startedAt: Date;
  finishedAt: Date | null;
}

const COLUMNS = `
  r.sequence, r.id, r.tenant_id "tenantId", r.merchant_id "merchantId", m.mchid, r.sub_mchid "subMchid", r.bill_date::text "billDate",
  r.version, r.trade_file "tradeFile", r.flow_file "flowFile", r.status, r.failure, r.summary, r.revision, r.started_at "startedAt",
  r.finished_at "finishedAt"`;
const FROM = 'from reconciliation_runs r join merchants m on m.id = r.merchant_id';
const SAME_DAY = 'merchant_id = $1 and sub_mchid is not distinct from $2 and bill_date = $3';

const dayOf = ({ merchantId, subMchid, billDate }: AccountDay) => [merchantId, subMchid, billDate];

/** The run that counts for a day, if one was done. */
export async function currentRun(db: Queryable, day: AccountDay): Promise<Run | undefined> {
  const { rows } = await db.query<Run>(
    `select ${COLUMNS} ${FROM} where r.merchant_id = $1 and r.sub_mchid is not distinct from $2 and r.bill_date = $3 and r.status = 'done'`,
    dayOf(day),
  );
  return rows[0];
}

/** The run of a day with these two files: that of before when its files were the last ones, otherwise a new version of the day. */
export async function beginRun(
  db: Queryable,
  day: AccountDay,
  files: { trade: number; flow: number | null },
): Promise<Run> {
  const { rows: last } = await db.query<Run>(
    `select ${COLUMNS} ${FROM} where r.merchant_id = $1 and r.sub_mchid is not distinct from $2 and r.bill_date = $3
       and r.status in ('running', 'done') order by r.version desc limit 1`,
    dayOf(day),
  );
  if (last[0]?.tradeFile === files.trade && last[0].flowFile === files.flow) return last[0];
  const { rows } = await db.query<{ sequence: number }>(
    `insert into reconciliation_runs (id, tenant_id, merchant_id, sub_mchid, bill_date, version, trade_file, flow_file, status)
     select $4, $5, $1, $2, $3, 1 + coalesce(max(version), 0), $6, $7, 'running' from reconciliation_runs where ${SAME_DAY}
     returning sequence`,
    [...dayOf(day), publicId('rec', randomUUID()), day.tenantId, files.trade, files.flow],
  );
  return await mustLoadRun(db, (rows[0] as { sequence: number }).sequence);
}

/** Stores that a day could not be reconciled; the same failure again is no news. What was done before with other files stays. */
export async function failRun(db: Queryable, day: AccountDay, failure: RunFailure): Promise<Run> {
  const { rows: last } = await db.query<{ sequence: number; status: string }>(
    `select sequence, status from reconciliation_runs where ${SAME_DAY} order by version desc limit 1`,
    dayOf(day),
  );
  const before = last[0]?.status === 'failed' ? last[0].sequence : undefined;
  const { rows } = await db.query<{ sequence: number }>(
    before === undefined
      ? `insert into reconciliation_runs (id, tenant_id, merchant_id, sub_mchid, bill_date, version, status, failure, finished_at)
         select $4, $5, $1, $2, $3, 1 + coalesce(max(version), 0), 'failed', $6, now() from reconciliation_runs where ${SAME_DAY}
         returning sequence`
      : 'update reconciliation_runs set failure = $2, finished_at = now() where sequence = $1 returning sequence',
    before === undefined
      ? [...dayOf(day), publicId('rec', randomUUID()), day.tenantId, JSON.stringify(failure)]
      : [before, JSON.stringify(failure)],
  );
  return await mustLoadRun(db, (rows[0] as { sequence: number }).sequence);
}

/** Notes of a run that is under way, in its summary, what a crash must not make forgotten. */
export async function noteInSummary(
  db: Queryable,
  { sequence }: Pick<Run, 'sequence'>,
  note: object,
): Promise<void> {
  await db.query(
    `update reconciliation_runs set summary = coalesce(summary, '{}') || $2::jsonb
      where sequence = $1 and coalesce(summary, '{}') <> coalesce(summary, '{}') || $2::jsonb`,
    [sequence, JSON.stringify(note)],
  );
}

/**
 * Stores the outcome. Another version of the day no longer counts. A run that has found what it had found before is left as it is, unless there was a
 * reason to look again: then it is noted that somebody has.
 * @param seen the snapshot of the database in which the lines were found
 */
export async function finishRun(
  db: Queryable,
  run: Pick<Run, 'sequence' | 'merchantId' | 'subMchid' | 'billDate'>,
  { summary, changed, seen }: { summary: object; changed: boolean; seen: string },
): Promise<void> {
  await db.query(
    `update reconciliation_runs set status = 'superseded'
     where ${SAME_DAY} and sequence <> $4 and status = 'done'`,
    [run.merchantId, run.subMchid, run.billDate, run.sequence],
  );
  await db.query(
    `update reconciliation_runs r
        set status = 'done', summary = $2, finished_at = now(), seen = $4, revision = revision + ($3 or r.status <> 'done')::integer
      where r.sequence = $1 and ($3 or r.status <> 'done' or ${IS_OVERTAKEN})`,
    [run.sequence, JSON.stringify(summary), changed, seen],
  );
}

/** A run by its number, or a bug. */
export async function mustLoadRun(db: Queryable, sequence: number): Promise<Run> {
  const { rows } = await db.query<Run>(`select ${COLUMNS} ${FROM} where r.sequence = $1`, [sequence]);
  if (!rows[0]) throw new Error(`there is no run ${sequence}`);
  return rows[0];
}

/** A run of this tenant. */
export async function findRun(db: Queryable, tenantId: string, id: string): Promise<Run | undefined> {
  const { rows } = await db.query<Run>(`select ${COLUMNS} ${FROM} where r.id = $1 and r.tenant_id = $2`, [
    id,
    tenantId,
  ]);
  return rows[0];
}
