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

/** What somebody wants exported. */
export interface ExportRequest {
  /** Its merchant's account at WeChat Pay; of statements the account they are of. */
  account: LedgerAccount;
  /** Whole days of Asia/Shanghai; of statements any. */
  period: Period;
}

type Export = (pool: Pool, request: ExportRequest, as: TableFormat) => ExportFile;

/** An export that is a table. */
const table =
  (name: string, of: (pool: Pool, request: ExportRequest) => Table): Export =>
  (pool, request, as) =>
    fileOf(fileName(name, request), of(pool, request), as);

/** Statement of one account, as {@link EXPORTS} are. */
export const exportStatement: Export = (pool, request, as) => {
  const name = fileName(`statement-${request.account.code}`, request);
  return fileOf(name, statementTable(pool, request.account, request.period), as);
};

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

/** What can be exported of a merchant and a period, by the name of the command and of the path. */
export const EXPORTS = {
  journal: table('journal', (pool, { period }) => journalTable(pool, period)),
  'settlement-summary': table('settlement-summary', (pool, { account, period }) =>
    summaryTable(pool, period, account.mchid),
  ),
  fees: table('fees', (pool, { account, period }) => feeTable(pool, period, account.mchid)),
  'camt.053': (pool, request) => ({
    name: `${fileName('camt.053', request)}.xml`,
    contentType: 'application/xml; charset=utf-8',
    body: Readable.from(camt053Of(pool, request.account, request.period, new Date()), { objectMode: false }),
  }),
} as const satisfies Record<string, Export>;

/** Name of an export. */
export type ExportName = keyof typeof EXPORTS;
export const EXPORT_NAMES = Object.keys(EXPORTS) as ExportName[];

/** Says what is in the file: whose it is, the days, and the time by which it is dated. */
function fileName(name: string, { account, period: { by, from, to } }: ExportRequest): string {
  const last = beijingDay(new Date(to.getTime() - 1));
  return `${name}-${account.mchid}-${beijingDay(from)}-${last}-by-${by.replace('_at', '')}`;
}
