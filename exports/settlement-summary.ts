import { type AccountBalance, balancesAsOf } from '../database/ledger-accounts.ts';
import { type DayTotal, dayTotals, type Period } from '../database/ledger-lines.ts';
import type { Pool } from '../database/pool.ts';
import { fromSnapshot, type Snapshot } from '../database/snapshot.ts';
import type { DatedBy } from '../domain/ledger.ts';
import type { Fen } from '../domain/money.ts';
import { beijingDay, nextDay } from '../domain/time.ts';
import { effectOn } from './statement.ts';
import { type Column, type Table, tableOf } from './table.ts';

/** A line of the summary: what an account held at an end of the day, what one step did to it, or the day's total. */
interface SummaryLine {
  day: string;
  account: string | null;
  currency: string;
  line: string;
  transactions: number | null;
  debit: Fen | null;
  credit: Fen | null;
  /** Positive on the side on which the account grows. */
  balance: Fen | null;
}

/** Columns of the daily settlement summary. */
export const summaryColumns = (by: DatedBy, mchid: string) =>
  [
    { name: 'day', kind: 'day', of: ({ day }) => day },
    { name: 'date_basis', kind: 'text', of: () => by },
    { name: 'mchid', kind: 'text', of: () => mchid },
    { name: 'account', kind: 'text', of: ({ account }) => account },
    { name: 'line', kind: 'text', of: ({ line }) => line },
    { name: 'transactions', kind: 'number', of: ({ transactions }) => transactions },
    { name: 'debit', kind: 'amount', of: ({ debit }) => debit },
    { name: 'credit', kind: 'amount', of: ({ credit }) => credit },
    { name: 'balance', kind: 'amount', of: ({ balance }) => balance },
    { name: 'currency', kind: 'text', of: ({ currency }) => currency },
  ] as const satisfies Column<SummaryLine>[];

/**
 * Each day of a period: what each account held, what was done to it by each step, what it held then; and the day's total, whose debits equal its
 * credits.
 * @param period begins and ends at midnight in Asia/Shanghai.
 */
export function summaryTable(pool: Pool, period: Period, mchid: string): Table {
  return tableOf(
    'Settlement summary',
    summaryColumns(period.by, mchid),
    fromSnapshot(pool, (snapshot) => summaryLines(snapshot, period)),
  );
}

async function* summaryLines(snapshot: Snapshot, period: Period): AsyncGenerator<SummaryLine> {
  const { merchantId, by, from, to } = period;
  const accounts = await balancesAsOf(snapshot, merchantId, { by, at: from });
  const totals = await dayTotals(snapshot, period);
  for (let day = beijingDay(from); day < beijingDay(to); day = nextDay(day)) {
    const ofTheDay = totals.filter((total) => total.day === day);
    yield* dayLines(day, accounts, ofTheDay);
  }
}

/** The lines of one day; moves the balances of the accounts. */
function* dayLines(day: string, accounts: AccountBalance[], steps: DayTotal[]): Generator<SummaryLine> {
  const totals = new Map<string, { debit: Fen; credit: Fen }>();
  for (const account of accounts) {
    const { code, currency } = account;
    const total = totals.get(currency) ?? { debit: 0, credit: 0 };
    totals.set(currency, total);
    const moved = steps.filter((step) => step.account === code && step.currency === currency);
    const held = { day, account: code, currency, transactions: null, debit: null, credit: null };
    // An account that has never been used says nothing.
    if (moved.length === 0 && account.balance === 0) continue;
    yield { ...held, line: 'opening_balance', balance: account.balance };
    for (const { step, transactions, debit, credit } of moved) {
      account.balance +=
        effectOn(account, { side: 'debit', amount: debit }) +
        effectOn(account, { side: 'credit', amount: credit });
      total.debit += debit;
      total.credit += credit;
      yield { day, account: code, currency, line: step, transactions, debit, credit, balance: null };
    }
    yield { ...held, line: 'closing_balance', balance: account.balance };
  }
  for (const [currency, { debit, credit }] of totals) {
    // The database has checked each transaction; a summary that does not balance must not leave the house.
    if (debit !== credit)
      throw new Error(`the day ${day} does not balance: ${debit} debit, ${credit} credit ${currency}`);
    yield { day, account: null, currency, line: 'total', transactions: null, debit, credit, balance: null };
  }
}
