import type { Pool } from '../database/pool.ts';
import { openBreaks, type ReportedBreak } from '../database/reconciliation/reports.ts';
import { fromSnapshot, type Snapshot } from '../database/snapshot.ts';
import { type BillDate, daysBetween } from '../domain/bill-day.ts';
import type { Fen } from '../domain/money.ts';
import { AGE_BUCKETS, type AgeBucket, ageBucket } from '../domain/reconciliation.ts';
import { type Column, type Table, tableOf } from './table.ts';

/** A line of the list: an open break, what all of one age come to, or what all of them do. */
interface AgeingLine {
  line: 'break' | 'age_total' | 'total';
  open?: ReportedBreak;
  days: number | null;
  bucket: AgeBucket | null;
  breaks: number;
  amount: Fen;
  currency: string;
}

/** What a break is called here: our number of the refund or the order, else what it is about. */
export const referenceOf = ({ outRefundNo, outTradeNo, subject }: ReportedBreak): string =>
  outRefundNo ?? outTradeNo ?? subject;

/** What WeChat Pay calls it. */
export const gatewayReferenceOf = ({ wechatRefundId, transactionId }: ReportedBreak): string | null =>
  wechatRefundId ?? transactionId;

/** Columns of the break ageing list. */
export const AGEING_COLUMNS = [
  { name: 'line', kind: 'text', of: ({ line }) => line },
  { name: 'mchid', kind: 'text', of: ({ open }) => open?.mchid ?? null },
  { name: 'sub_mchid', kind: 'text', of: ({ open }) => open?.subMchid ?? null },
  { name: 'bill_date', kind: 'day', of: ({ open }) => open?.billDate ?? null },
  { name: 'age_days', kind: 'number', of: ({ days }) => days },
  // Excel takes `2-3` in a CSV file for the second of March.
  { name: 'bucket', kind: 'text', of: ({ bucket }) => (bucket === null ? null : `${bucket} days`) },
  { name: 'breaks', kind: 'number', of: ({ breaks }) => breaks },
  { name: 'amount', kind: 'amount', of: ({ amount }) => amount },
  { name: 'currency', kind: 'text', of: ({ currency }) => currency },
  { name: 'kind', kind: 'text', of: ({ open }) => open?.kind ?? null },
  { name: 'state', kind: 'text', of: ({ open }) => open?.state ?? null },
  { name: 'reason', kind: 'text', of: ({ open }) => open?.reason ?? null },
  { name: 'our_reference', kind: 'text', of: ({ open }) => (open ? referenceOf(open) : null) },
  { name: 'gateway_reference', kind: 'text', of: ({ open }) => (open ? gatewayReferenceOf(open) : null) },
  { name: 'owner', kind: 'text', of: ({ open }) => open?.owner ?? null },
  { name: 'open_since', kind: 'time', of: ({ open }) => open?.openedAt ?? null },
  { name: 'last_comment', kind: 'text', of: ({ open }) => open?.comment ?? null },
  { name: 'commented_by', kind: 'text', of: ({ open }) => open?.commentedBy ?? null },
  { name: 'commented_at', kind: 'time', of: ({ open }) => open?.commentedAt ?? null },
  { name: 'break', kind: 'text', of: ({ open }) => open?.id ?? null },
] as const satisfies Column<AgeingLine>[];

/**
 * Every open break of these merchants, oldest first, with its age; then what each age comes to, and all of them.
 * @param today from which ages are counted.
 */
export function ageingTable(pool: Pool, merchantIds: string[], today: BillDate): Table {
  return tableOf(
    'Break ageing',
    AGEING_COLUMNS,
    fromSnapshot(pool, (snapshot) => ageingLines(snapshot, merchantIds, today)),
  );
}

async function* ageingLines(
  snapshot: Snapshot,
  merchantIds: string[],
  today: BillDate,
): AsyncGenerator<AgeingLine> {
  const totals = new Map<string, Map<AgeBucket, { breaks: number; amount: Fen }>>();
  for await (const open of openBreaks(snapshot, merchantIds)) {
    const { billDate, currency, difference: amount } = open;
    const days = Math.max(0, daysBetween(billDate, today));
    const bucket = ageBucket(days);
    yield { line: 'break', open, days, bucket, breaks: 1, amount, currency };
    const ages = totals.get(currency) ?? new Map();
    const { breaks, amount: before } = ages.get(bucket) ?? { breaks: 0, amount: 0 };
    totals.set(currency, ages.set(bucket, { breaks: breaks + 1, amount: before + amount }));
  }
  // Without a break it says so in yuan.
  if (totals.size === 0) totals.set('CNY', new Map());
  for (const [currency, ages] of totals) {
    const all = { breaks: 0, amount: 0 };
    for (const { name: bucket } of AGE_BUCKETS) {
      const total = ages.get(bucket) ?? { breaks: 0, amount: 0 };
      all.breaks += total.breaks;
      all.amount += total.amount;
      yield { line: 'age_total', days: null, bucket, ...total, currency };
    }
    yield { line: 'total', days: null, bucket: null, ...all, currency };
  }
}
