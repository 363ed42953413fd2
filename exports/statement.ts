import { balancesAsOf, type LedgerAccount } from '../database/ledger-accounts.ts';
import { type LedgerLine, ledgerLines, type Period } from '../database/ledger-lines.ts';
import type { Pool } from '../database/pool.ts';
import { fromSnapshot, type Snapshot } from '../database/snapshot.ts';
import { ledgerTransactionId } from '../domain/ledger.ts';
import type { Fen } from '../domain/money.ts';
import { type Column, type Table, tableOf } from './table.ts';

/** A line of a statement: an entry with the balance after it, or one of the two balances around them. */
interface StatementLine {
  text: string;
  balance: Fen;
  currency: string;
  /** Of the two balances: the moment they are of. */
  at?: Date;
  line?: LedgerLine;
}

/** Columns of an account statement. */
export const STATEMENT_COLUMNS = [
  { name: 'posted_at', kind: 'time', of: ({ line }) => line?.postedAt ?? null },
  { name: 'effective_at', kind: 'time', of: ({ line }) => line?.effectiveAt ?? null },
  { name: 'transaction', kind: 'text', of: ({ line }) => (line ? ledgerTransactionId(line.sequence) : null) },
  { name: 'text', kind: 'text', of: ({ text }) => text },
  { name: 'debit', kind: 'amount', of: ({ line }) => (line?.side === 'debit' ? line.amount : null) },
  { name: 'credit', kind: 'amount', of: ({ line }) => (line?.side === 'credit' ? line.amount : null) },
  { name: 'balance', kind: 'amount', of: ({ balance }) => balance },
  { name: 'currency', kind: 'text', of: ({ currency }) => currency },
  { name: 'out_trade_no', kind: 'text', of: ({ line }) => line?.outTradeNo ?? null },
  { name: 'transaction_id', kind: 'text', of: ({ line }) => line?.transactionId ?? null },
  { name: 'out_refund_no', kind: 'text', of: ({ line }) => line?.outRefundNo ?? null },
  { name: 'wechat_refund_id', kind: 'text', of: ({ line }) => line?.wechatRefundId ?? null },
  { name: 'bill_reference', kind: 'text', of: ({ line }) => line?.billReference ?? null },
] as const satisfies Column<StatementLine>[];

/** The statement of an account: opening balance, each entry with the balance after it, closing balance; from one moment of the database. */
export function statementTable(pool: Pool, account: LedgerAccount, period: Period): Table {
  return tableOf(
    'Statement',
    STATEMENT_COLUMNS,
    fromSnapshot(pool, (snapshot) => statementLines(snapshot, account, period)),
  );
}

async function* statementLines(
  snapshot: Snapshot,
  account: LedgerAccount,
  period: Period,
): AsyncGenerator<StatementLine> {
  let balance = await openingBalance(snapshot, account, period);
  const { currency } = account;
  yield { text: `opening balance by ${period.by}`, balance, currency };
  for await (const line of ledgerLines(snapshot, period, account.id)) {
    balance += effectOn(account, line);
    yield { text: textOf(line), balance, currency, line };
  }
  yield { text: `closing balance by ${period.by}`, balance, currency };
}

/** What the account held before the period. */
export async function openingBalance(
  snapshot: Snapshot,
  account: LedgerAccount,
  { merchantId, by, from }: Period,
): Promise<Fen> {
  const balances = await balancesAsOf(snapshot, merchantId, { by, at: from });
  return balances.find(({ id }) => id === account.id)?.balance ?? 0;
}

/** What an entry does to the balance of its account: an asset or expense grows by debits, the others by credits. */
export function effectOn(
  { kind }: Pick<LedgerAccount, 'kind'>,
  { side, amount }: Pick<LedgerLine, 'side' | 'amount'>,
): Fen {
  const grows = (side === 'debit') === (kind === 'asset' || kind === 'expense');
  return grows ? amount : -amount;
}

/** What happened, in words: the step, or what was taken back and why. */
export function textOf({ step, reverses, reason }: LedgerLine): string {
  return reverses === null ? step : `${step} of ${ledgerTransactionId(reverses)}: ${reason}`;
}
