import { Readable } from 'node:stream';
import type { LedgerAccount } from '../database/ledger-accounts.ts';
import type { Period } from '../database/ledger-lines.ts';
import type { Pool } from '../database/pool.ts';
import type { Run } from '../database/reconciliation/runs.ts';
import type { BillDate } from '../domain/bill-day.ts';
import { beijingDay } from '../domain/time.ts';
import { ageingTable } from './break-ageing.ts';
import { camt053Of } from './camt053.ts';
import { feeTable } from './fees.ts';
import { type ExportFile, fileOf, type TableFormat, workbookOf } from './file.ts';
import { journalTable } from './journal.ts';
import { runTables } from './reconciliation.ts';
import { summaryTable } from './settlement-summary.ts';
import { statementTable } from './statement.ts';
import type { Table } from './table.ts';

type Export = (pool: Pool, period: Period, mchid: string, as: TableFormat) => ExportFile;

/** An export that is a table. */
const table =
  (name: string, of: (pool: Pool, period: Period, mchid: string) => Table): Export =>
  (pool, period, mchid, as) =>
    fileOf(fileName(name, period, mchid), of(pool, period, mchid), as);

/** Statement of one account. */
export function exportStatement(
  pool: Pool,
  account: LedgerAccount,
  period: Period,
  as: TableFormat,
): ExportFile {
  const { code, currency, mchid } = account;
  const name = fileName(`statement-${code}-${currency}`, period, mchid);
  return fileOf(name, statementTable(pool, account, period), as);
}

/** The same of an account at WeChat Pay, for programs. @param period whole days of Asia/Shanghai */
export function exportCamt053(pool: Pool, account: LedgerAccount, period: Period): ExportFile {
  return {
    name: `${fileName(`camt.053-${account.currency}`, period, account.mchid)}.xml`,
    contentType: 'application/xml; charset=utf-8',
    body: Readable.from(camt053Of(pool, account, period, new Date()), { objectMode: false }),
  };
}

/**
 * What is open today, and for how long.
 * @param whose one merchant, or all that the caller may see.
 */
export function exportBreakAgeing(
  pool: Pool,
  whose: { id: string; mchid: string }[],
  today: BillDate,
  as: TableFormat,
): ExportFile {
  const [merchant, other] = whose;
  const name = `break-ageing-${merchant && !other ? merchant.mchid : 'all'}-${today}`;
  const ids = whose.map(({ id }) => id);
  return fileOf(name, ageingTable(pool, ids, today), as);
}

/** The workbook of a reconciliation. */
export function exportReconciliation(pool: Pool, run: Run): ExportFile {
  const { mchid, subMchid, billDate, version } = run;
  const whose = subMchid === null ? mchid : `${mchid}-${subMchid}`;
  return workbookOf(`reconciliation-${whose}-${billDate}-version-${version}`, runTables(pool, run));
}

/** The tables of a merchant and a period of whole days of Asia/Shanghai, by the name of the command and of the path. */
export const EXPORTS = {
  journal: table('journal', journalTable),
  'settlement-summary': table('settlement-summary', summaryTable),
  fees: table('fees', feeTable),
} as const satisfies Record<string, Export>;

/** Name of an export. */
export type ExportName = keyof typeof EXPORTS;
export const EXPORT_NAMES = Object.keys(EXPORTS) as ExportName[];

/** Says what is in the file: whose it is, the days, and the time by which it is dated. */
function fileName(name: string, { by, from, to }: Period, mchid: string): string {
  const last = beijingDay(new Date(to.getTime() - 1));
  return `${name}-${mchid}-${beijingDay(from)}-${last}-by-${by.replace('_at', '')}`;
}
