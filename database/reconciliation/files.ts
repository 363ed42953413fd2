import type { BillDate } from '../../domain/bill-day.ts';
import type { BillKind } from '../../domain/region.ts';
import type { Pool, Queryable } from '../pool.ts';
import type { AccountDay } from './account.ts';

/** Something odd in a file that does not keep it from being believed. */
export interface BillFinding {
  code: string;
  /** The first line in which it was seen, from 1. */
  line: number;
  detail: string;
  /** In how many places. */
  count: number;
}

/** A file as stored, without its bytes. */
export interface BillFile {
  id: number;
  merchantId: string;
  subMchid: string | null;
  kind: BillKind;
  billDate: BillDate;
  status: 'received' | 'loaded' | 'failed' | 'superseded';
  /** The answers of WeChat Pay that named its parts; empty for a day without a statement. */
  addresses: unknown[];
  sha256: Buffer | null;
  version: number | null;
  packedBytes: number;
  rowCount: number | null;
  /** Figures of the bill's own last line; null where it has none. */
  summary: Record<string, number> | null;
  failureCode: string | null;
  failureLine: number | null;
  failureDetail: string | null;
  findings: BillFinding[];
  receivedAt: Date;
}

const COLUMNS = `
  id, merchant_id "merchantId", sub_mchid "subMchid", kind, bill_date::text "billDate", status, addresses, sha256, version,
  packed_bytes "packedBytes", row_count "rowCount", summary, failure_code "failureCode", failure_line "failureLine",
  failure_detail "failureDetail", findings, received_at "receivedAt"`;

/** Begins a file: what WeChat Pay said of it. */
export async function insertBillFile(
  db: Queryable,
  { tenantId, merchantId, subMchid, billDate }: AccountDay,
  kind: BillKind,
  addresses: unknown[],
): Promise<number> {
  const { rows } = await db.query<{ id: number }>(
    `insert into bill_files (tenant_id, merchant_id, sub_mchid, kind, bill_date, addresses)
     values ($1, $2, $3, $4, $5, $6) returning id`,
    [tenantId, merchantId, subMchid, kind, billDate, JSON.stringify(addresses)],
  );
  return (rows[0] as { id: number }).id;
}

/** Appends bytes of a part, as they arrived. */
export async function appendBytes(
  db: Queryable,
  file: number,
  { part, ordinal, bytes }: { part: number; ordinal: number; bytes: Buffer },
): Promise<void> {
  await db.query('insert into bill_file_bytes (file, part, ordinal, bytes) values ($1, $2, $3, $4)', [
    file,
    part,
    ordinal,
    bytes,
  ]);
}

/** The bytes of a part as they arrived, one piece after the other. */
export async function* readBytes(pool: Pool, file: number, part: number): AsyncGenerator<Buffer> {
  for (let ordinal = 0; ; ordinal += 1) {
    const { rows } = await pool.query<{ bytes: Buffer }>(
      'select bytes from bill_file_bytes where file = $1 and part = $2 and ordinal = $3',
      [file, part, ordinal],
    );
    if (!rows[0]) return;
    yield rows[0].bytes;
  }
}

/** A file. */
export async function loadBillFile(db: Queryable, id: number): Promise<BillFile> {
  const { rows } = await db.query<BillFile>(`select ${COLUMNS} from bill_files where id = $1`, [id]);
  if (!rows[0]) throw new Error(`there is no bill file ${id}`);
  return rows[0];
}

/** Files of a tenant's run, for people. */
export async function findBillFiles(db: Queryable, ids: (number | null)[]): Promise<BillFile[]> {
  const { rows } = await db.query<BillFile>(
    `select ${COLUMNS} from bill_files where id = any($1) order by kind desc`,
    [ids.filter((id) => id !== null)],
  );
  return rows;
}

/** What was read out of a sound file. */
export interface LoadedBill {
  sha256: Buffer;
  rowCount: number;
  summary: object | null;
  findings: BillFinding[];
}

/** Other files of the same account, day and kind, by {@link dayOf}. */
const SAME_DAY =
  'merchant_id = $1 and sub_mchid is not distinct from $2 and kind = $3 and bill_date = $4 and id <> $5';
const dayOf = ({ id, merchantId, subMchid, kind, billDate }: BillFile) => [
  merchantId,
  subMchid,
  kind,
  billDate,
  id,
];

/**
 * Marks a file as sound: it is the first of its day, a new version, or, with the same bytes, one that is there already; then the copy goes and the
 * one of before counts. Call it in the transaction that stores its rows.
 * @returns the file that counts.
 */
export async function billFileLoaded(db: Queryable, id: number, bill: LoadedBill): Promise<number> {
  const file = await loadBillFile(db, id);
  await dropBroken(db, file);
  const { rows: same } = await db.query<{ id: number }>(
    `select id from bill_files where ${SAME_DAY} and sha256 = $6 and status in ('loaded', 'superseded')`,
    [...dayOf(file), bill.sha256],
  );
  const counts = same[0]?.id ?? id;
  if (counts !== id) await db.query('delete from bill_files where id = $1', [id]);
  await db.query(
    `update bill_files set status = 'superseded' where ${SAME_DAY} and status = 'loaded'`,
    dayOf({ ...file, id: counts }),
  );
  await db.query(
    `update bill_files f set status = 'loaded', sha256 = $2, row_count = $3, summary = $4, findings = $5, loaded_at = coalesce(loaded_at, now()),
       failure_code = null, failure_line = null, failure_detail = null,
       version = coalesce(version, 1 + (select count(*) from bill_files o
         where o.merchant_id = f.merchant_id and o.sub_mchid is not distinct from f.sub_mchid and o.kind = f.kind
           and o.bill_date = f.bill_date and o.id <> f.id and o.status = 'superseded'))
     where id = $1 and (status <> 'loaded' or sha256 is null)`,
    [counts, bill.sha256, bill.rowCount, JSON.stringify(bill.summary), JSON.stringify(bill.findings)],
  );
  return counts;
}

/** Marks a file as not to be believed, and says why. Its bytes stay. */
export async function billFileFailed(
  db: Queryable,
  id: number,
  failure: { code: string; line: number | undefined; detail: string },
): Promise<void> {
  await dropBroken(db, await loadBillFile(db, id));
  await db.query(
    `update bill_files set status = 'failed', failure_code = $2, failure_line = $3, failure_detail = $4 where id = $1`,
    [id, failure.code, failure.line ?? null, failure.detail],
  );
}

/** Bytes of earlier attempts, whose workers have died: a later one has come to its end. */
async function dropBroken(db: Queryable, file: BillFile): Promise<void> {
  await db.query(`delete from bill_files where ${SAME_DAY} and id < $5 and status = 'received'`, dayOf(file));
}

/** Bytes of an attempt that broke off. */
export async function dropBillFile(db: Queryable, id: number): Promise<void> {
  await db.query(`delete from bill_files where id = $1 and status = 'received'`, [id]);
}

/** How many bytes have arrived. */
export async function billFileReceived(db: Queryable, id: number, packedBytes: number): Promise<void> {
  await db.query('update bill_files set packed_bytes = $2 where id = $1', [id, packedBytes]);
}
