import { listAccounts } from '../database/ledger-accounts.ts';
import { type FeeEntry, feeEntries } from '../database/ledger-fees.ts';
import { type Period, periodTotals } from '../database/ledger-lines.ts';
import type { Pool } from '../database/pool.ts';
import { fromSnapshot, type Snapshot } from '../database/snapshot.ts';
import { type DatedBy, ledgerTransactionId } from '../domain/ledger.ts';
import type { Fen } from '../domain/money.ts';
import { type Column, type Table, tableOf } from './table.ts';

/** A line of the list: a fee, what the fees of one merchant come to on a day, or all of the period. */
interface FeeLine {
  line: 'fee' | 'day_total' | 'total';
  day: string | null;
  mchid: string;
  subMchid: string | null;
  entry?: FeeEntry;
  fees: number;
  /** Positive when WeChat Pay has kept it, negative when it was given back. */
  fee: Fen;
  currency: string;
}

/** What a fee is: the fee of a payment, one given back with a refund, or one that was posted by mistake. */
const KIND_OF: Partial<Record<FeeEntry['step'], string>> = {
  'payment.fee': 'charged',
  'refund.fee_returned': 'given_back',
  reversal: 'taken_back',
};

/** Columns of the list of fees. */
export const feeColumns = (by: DatedBy) =>
  [
    { name: 'line', kind: 'text', of: ({ line }) => line },
    { name: 'day', kind: 'day', of: ({ day }) => day },
    { name: 'date_basis', kind: 'text', of: () => by },
    { name: 'mchid', kind: 'text', of: ({ mchid }) => mchid },
    { name: 'sub_mchid', kind: 'text', of: ({ subMchid }) => subMchid },
    { name: 'kind', kind: 'text', of: ({ entry }) => (entry ? (KIND_OF[entry.step] ?? entry.step) : null) },
    { name: 'out_trade_no', kind: 'text', of: ({ entry }) => entry?.outTradeNo ?? null },
    { name: 'out_refund_no', kind: 'text', of: ({ entry }) => entry?.outRefundNo ?? null },
    { name: 'transaction_id', kind: 'text', of: ({ entry }) => entry?.transactionId ?? null },
    { name: 'wechat_refund_id', kind: 'text', of: ({ entry }) => entry?.wechatRefundId ?? null },
    { name: 'gross', kind: 'amount', of: ({ entry }) => entry?.gross ?? null },
    { name: 'settlement', kind: 'amount', of: ({ entry }) => entry?.settlement ?? null },
    { name: 'effective_rate', kind: 'text', of: ({ entry }) => (entry ? effectiveRate(entry) : null) },
    { name: 'fees', kind: 'number', of: ({ fees }) => fees },
    { name: 'fee', kind: 'amount', of: ({ fee }) => fee },
    { name: 'currency', kind: 'text', of: ({ currency }) => currency },
    { name: 'bill_date', kind: 'day', of: ({ entry }) => entry?.billDate ?? null },
    { name: 'bill_version', kind: 'number', of: ({ entry }) => entry?.billVersion ?? null },
    { name: 'bill_line', kind: 'number', of: ({ entry }) => entry?.billLine ?? null },
    {
      name: 'transaction',
      kind: 'text',
      of: ({ entry }) => (entry ? ledgerTransactionId(entry.sequence) : null),
    },
    {
      name: 'takes_back',
      kind: 'text',
      of: ({ entry }) => (entry?.reverses ? ledgerTransactionId(entry.reverses) : null),
    },
  ] as const satisfies Column<FeeLine>[];

/**
 * Every fee of a period, a row each, as the account of fees has it; after each day what the fees of each merchant or sub-merchant come to; at the end all of
 * them. A list whose total is not what the account says is not written.
 */
export function feeTable(pool: Pool, period: Period, mchid: string): Table {
  return tableOf(
    'Fees',
    feeColumns(period.by),
    fromSnapshot(pool, (snapshot) => feeLines(snapshot, period, mchid)),
  );
}

/** What the fee comes to, in per cent of what it is of. WeChat Pay rounds fees to the fen, so that of a small order it is not the agreed rate. */
function effectiveRate({ amount, settlement }: FeeEntry): string | null {
  if (!settlement) return null;
  const tenThousandths = Math.round((amount * 1_000_000) / settlement);
  return `${Math.trunc(tenThousandths / 10_000)}.${String(tenThousandths % 10_000).padStart(4, '0')}%`;
}

/** Fees by their currency. */
type Totals = Map<string, { fees: number; fee: Fen }>;

async function* feeLines(snapshot: Snapshot, period: Period, mchid: string): AsyncGenerator<FeeLine> {
  const all: Totals = new Map();
  let day: Totals = new Map();
  let last: FeeEntry | undefined;
  const dayTotals = function* (): Generator<FeeLine> {
    for (const [currency, total] of day) {
      yield {
        line: 'day_total',
        day: last?.day ?? null,
        mchid,
        subMchid: last?.subMchid ?? null,
        currency,
        ...total,
      };
    }
    day = new Map();
  };
  for await (const entry of feeEntries(snapshot, period)) {
    if (last && (last.day !== entry.day || last.subMchid !== entry.subMchid)) yield* dayTotals();
    last = entry;
    const { currency, subMchid } = entry;
    const fee = entry.side === 'debit' ? entry.amount : -entry.amount;
    for (const totals of [day, all]) {
      const before = totals.get(currency) ?? { fees: 0, fee: 0 };
      totals.set(currency, { fees: before.fees + 1, fee: before.fee + fee });
    }
    yield { line: 'fee', day: entry.day, mchid, subMchid, entry, fees: 1, fee, currency };
  }
  yield* dayTotals();
  for (const { id, code, currency } of await listAccounts(snapshot, period.merchantId)) {
    if (code !== 'gateway_fees') continue;
    const total = all.get(currency) ?? { fees: 0, fee: 0 };
    const { debits, credits, entries } = await periodTotals(snapshot, period, id);
    if (total.fee !== debits - credits || total.fees !== entries) {
      throw new Error(
        `the fees of ${mchid} come to ${total.fee} in ${total.fees}, and the account to ${debits - credits} in ${entries} ${currency}`,
      );
    }
    yield { line: 'total', day: null, mchid, subMchid: null, currency, ...total };
  }
}
