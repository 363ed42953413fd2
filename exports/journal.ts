import { type LedgerLine, ledgerLines, type Period } from '../database/ledger-lines.ts';
import type { Pool } from '../database/pool.ts';
import { fromSnapshot } from '../database/snapshot.ts';
import type { DatedBy } from '../domain/ledger.ts';
import { beijingDay } from '../domain/time.ts';
import { textOf } from './statement.ts';
import { type Column, type Table, tableOf } from './table.ts';

/** Columns of the journal. `date_basis` says which of the two times the posting date is of. */
export const journalColumns = (by: DatedBy) =>
  [
    {
      name: 'posting_date',
      kind: 'day',
      of: (line) => beijingDay(by === 'posted_at' ? line.postedAt : line.effectiveAt),
    },
    { name: 'date_basis', kind: 'text', of: () => by },
    { name: 'document_number', kind: 'number', of: ({ sequence }) => sequence },
    { name: 'account', kind: 'text', of: ({ account }) => account },
    { name: 'debit', kind: 'amount', of: ({ side, amount }) => (side === 'debit' ? amount : null) },
    { name: 'credit', kind: 'amount', of: ({ side, amount }) => (side === 'credit' ? amount : null) },
    { name: 'currency', kind: 'text', of: ({ currency }) => currency },
    { name: 'cost_centre', kind: 'text', of: ({ mchid, subMchid }) => subMchid ?? mchid },
    { name: 'text', kind: 'text', of: textOf },
    {
      name: 'our_reference',
      kind: 'text',
      of: ({ outRefundNo, outTradeNo, causeId }) => outRefundNo ?? outTradeNo ?? causeId,
    },
    {
      name: 'gateway_reference',
      kind: 'text',
      of: ({ wechatRefundId, transactionId, billReference }) =>
        wechatRefundId ?? transactionId ?? billReference,
    },
  ] as const satisfies Column<LedgerLine>[];

/** Every entry of a period, a row each, for the accounting system: debits first, so that each document is together and balances. */
export function journalTable(pool: Pool, period: Period): Table {
  return tableOf(
    'Journal',
    journalColumns(period.by),
    fromSnapshot(pool, (snapshot) => ledgerLines(snapshot, period)),
  );
}
