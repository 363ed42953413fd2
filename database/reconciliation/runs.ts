import { randomUUID } from 'node:crypto';
import type { BillDate } from '../../domain/bill-day.ts';
import { publicId } from '../../domain/identity.ts';
import type { BillKind } from '../../domain/region.ts';
import type { Queryable } from '../pool.ts';
import type { Account, AccountDay } from './account.ts';

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

/** Stores the outcome. Another version of the day no longer counts. A run that has found what it had found before is left as it is. */
export async function finishRun(
  db: Queryable,
  run: Pick<Run, 'sequence' | 'merchantId' | 'subMchid' | 'billDate'>,
  { summary, changed }: { summary: object; changed: boolean },
): Promise<void> {
  await db.query(
    `update reconciliation_runs set status = 'superseded'
     where ${SAME_DAY} and sequence <> $4 and status = 'done'`,
    [run.merchantId, run.subMchid, run.billDate, run.sequence],
  );
  await db.query(
    `update reconciliation_runs set status = 'done', summary = $2, finished_at = now(), revision = revision + 1
     where sequence = $1 and ($3 or status <> 'done')`,
    [run.sequence, JSON.stringify(summary), changed],
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

/**
 * The accounts of a merchant: its own, or those of the sub-merchants for whom a service provider has taken money. The statement of an overseas
 * institution is about all its sub-merchants at once.
 */
export async function listAccounts(db: Queryable, merchantId: string): Promise<Account[]> {
  const { rows } = await db.query<Account>(
    `select m.tenant_id "tenantId", m.id "merchantId", m.mchid, s.sub_mchid "subMchid", m.region
       from merchants m
       left join lateral (select distinct sub_mchid from payments p where p.merchant_id = m.id and p.sub_mchid is not null) s
         on m.role = 'partner' and m.region = 'mainland'
      where m.id = $1 and (m.role <> 'partner' or m.region = 'overseas' or s.sub_mchid is not null)
      order by s.sub_mchid`,
    [merchantId],
  );
  return rows;
}

/** As many days back a night looks for what was missed; WeChat Pay keeps bills for three months. */
const MISSED_DAYS = 14;

/**
 * The days of a merchant's accounts that are due: the one named, and before it those that nights have missed or could not believe. A new account begins with
 * the day named.
 */
export async function listDueDays(
  db: Queryable,
  merchantId: string,
  billDate: BillDate,
): Promise<AccountDay[]> {
  const accounts = await listAccounts(db, merchantId);
  const days = await Promise.all(
    accounts.map(async (account) => {
      const { rows } = await db.query<{ day: BillDate }>(
        `select d::date::text as day
           from generate_series($3::date - ${MISSED_DAYS}, $3::date, interval '1 day') d
          where d::date = $3::date
             or d > (select min(r.bill_date) from reconciliation_runs r where r.merchant_id = $1 and r.sub_mchid is not distinct from $2)
            and not exists (select 1 from reconciliation_runs r where r.merchant_id = $1 and r.sub_mchid is not distinct from $2
                              and r.bill_date = d::date and r.status = 'done')
          order by d`,
        [account.merchantId, account.subMchid, billDate],
      );
      return rows.map(({ day }) => ({ ...account, billDate: day }));
    }),
  );
  return days.flat();
}
