import { userInfo } from 'node:os';
import {
  accountResource,
  alarmResource,
  balanceResource,
  transactionResource,
  whatInstead,
} from '../api/ledger.ts';
import { BalancesQuery, ReverseTransaction, TransactionsQuery } from '../api/ledger-schemas.ts';
import { listResource } from '../api/lists.ts';
import { balancesAsOf, listAccounts } from '../database/ledger-accounts.ts';
import { listLedgerAlarms } from '../database/ledger-alarms.ts';
import { verifyChain } from '../database/ledger-seals.ts';
import {
  findTransaction,
  type LedgerTransaction,
  listTransactions,
} from '../database/ledger-transactions.ts';
import { inTransaction } from '../database/pool.ts';
import { takeBack } from '../database/reconciliation/decisions.ts';
import { isReversible, ledgerSequence, ledgerTransactionId } from '../domain/ledger.ts';
import { formatAmount } from '../domain/money.ts';
import { rfc3339 } from '../domain/time.ts';
import { merchantNamed, merchantsNamed, readOptions, withPool } from './query.ts';
import { UsageError } from './usage-error.ts';

/** Options that arrive from the command line: texts, or nothing. */
type Options = Record<string, string | undefined> & { json?: never };
type Printed = { json?: boolean };

/** `paysaga ledger accounts` */
export function printAccounts({ merchant, json }: { merchant?: string } & Printed): Promise<void> {
  return withPool(async (pool) => {
    const accounts = await listAccounts(pool, (await merchantNamed(pool, merchant)).id);
    if (json) return printJson(listResource(accounts.map(accountResource), false));
    printRows([
      ['account', 'kind', 'currency', 'purpose'],
      ...accounts.map(accountResource).map((one) => [one.account, one.kind, one.currency, one.purpose]),
    ]);
  });
}

/** `paysaga ledger balances` */
export function printBalances({
  merchant,
  json,
  ...options
}: Omit<Options, 'json'> & Printed): Promise<void> {
  return withPool(async (pool) => {
    const { at, by } = readOptions(BalancesQuery, options);
    const balances = await balancesAsOf(pool, (await merchantNamed(pool, merchant)).id, { by, at });
    if (json) {
      const list = listResource(balances.map(balanceResource), false);
      return printJson({ ...list, by, before: at ? rfc3339(at) : null });
    }
    printRows([
      ['account', 'kind', 'debits', 'credits', 'balance', 'currency'],
      ...balances.map(({ code, kind, debits, credits, balance, currency }) => [
        code,
        kind,
        formatAmount(debits, currency),
        formatAmount(credits, currency),
        formatAmount(balance, currency),
        currency,
      ]),
    ]);
    console.log(`by ${by}, ${at ? `before ${rfc3339(at)}` : 'everything until now'}`);
  });
}

/** `paysaga ledger alarms` */
export function printAlarms({ merchant, json }: { merchant?: string } & Printed): Promise<void> {
  return withPool(async (pool) => {
    const merchants = await merchantsNamed(pool, merchant);
    const alarms = await Promise.all(
      [...new Set(merchants.map(({ tenantId }) => tenantId))].map((tenantId) =>
        listLedgerAlarms(pool, tenantId),
      ),
    );
    const shown = alarms.flat().filter(({ merchantId }) => merchants.some(({ id }) => id === merchantId));
    if (json) return printJson(listResource(shown.map(alarmResource), false));
    if (shown.length === 0) return console.log('nothing is where it must not stay for too long');
    printRows([
      ['mchid', 'account', 'amount', 'currency', 'pieces', 'since'],
      ...shown.map(({ mchid, account, amount, currency, pieces, since }) => [
        mchid,
        account,
        formatAmount(amount, currency),
        currency,
        String(pieces),
        rfc3339(since),
      ]),
    ]);
  });
}

/** `paysaga ledger transactions` */
export function printTransactions({
  merchant,
  json,
  payment,
  refund,
  startingAfter,
  endingBefore,
  ...options
}: Omit<Options, 'json'> & Printed): Promise<void> {
  return withPool(async (pool) => {
    const query = readOptions(TransactionsQuery, {
      ...options,
      payment_id: payment,
      refund_id: refund,
      starting_after: startingAfter,
      ending_before: endingBefore,
    });
    const { id, tenantId } = await merchantNamed(pool, merchant);
    const { transactions, hasMore } = await listTransactions(
      pool,
      {
        tenantId,
        merchantId: id,
        account: query.account,
        paymentId: query.payment_id,
        refundId: query.refund_id,
        by: query.by,
        from: query.from,
        to: query.to,
      },
      { limit: query.limit, startingAfter: query.starting_after, endingBefore: query.ending_before },
    );
    if (json) return printJson(listResource(transactions.map(transactionResource), hasMore));
    printRows([
      ['transaction', query.by, 'step', 'debit', 'credit', 'amount', 'currency', 'number'],
      ...transactions.map((one) =>
        transactionRow(one, query.by === 'posted_at' ? one.postedAt : one.effectiveAt),
      ),
    ]);
    const last = transactions.at(-1);
    if (hasMore && last)
      console.log(`there are more: --starting-after ${ledgerTransactionId(last.sequence)}`);
  });
}

function transactionRow(transaction: LedgerTransaction, dated: Date): string[] {
  const { sequence, step, entries, currency, outRefundNo, outTradeNo, billReference } = transaction;
  const side = (which: 'debit' | 'credit') =>
    entries
      .filter((entry) => entry.side === which)
      .map(({ account }) => account)
      .join('+');
  const sum = entries.reduce((fen, entry) => (entry.side === 'debit' ? fen + entry.amount : fen), 0);
  return [
    ledgerTransactionId(sequence),
    rfc3339(dated),
    step,
    side('debit'),
    side('credit'),
    formatAmount(sum, currency),
    currency,
    outRefundNo ?? outTradeNo ?? billReference ?? '',
  ];
}

/** `paysaga ledger reverse` */
export function reverseTransaction(
  id: string,
  { reason, actor, json }: { reason: string; actor?: string } & Printed,
): Promise<void> {
  return withPool(async (pool) => {
    const given = readOptions(ReverseTransaction, { reason });
    const sequence = ledgerSequence(id);
    if (sequence === undefined) throw new UsageError(`${id} is not the id of a transaction, e.g. txn_123`);
    const { rows } = await pool.query<{ tenant_id: string }>(
      'select tenant_id from ledger_transactions where sequence = $1',
      [sequence],
    );
    const tenantId = rows[0]?.tenant_id;
    const original = tenantId && (await findTransaction(pool, tenantId, sequence));
    if (!original) throw new UsageError(`there is no transaction ${id}`);
    if (!isReversible(original.step)) {
      throw new UsageError(`${id} is ${original.step}: ${whatInstead(original)}`);
    }
    const by = `cli/${actor ?? userInfo().username}`;
    const reversal = await inTransaction(pool, (db) => takeBack(db, { sequence, ...given, actor: by }));
    if (reversal === undefined) throw new UsageError(`${id} has been taken back before`);
    if (!json) return console.log(`${id} is taken back by ${ledgerTransactionId(reversal)}`);
    const found = await findTransaction(pool, tenantId, reversal);
    if (found) printJson(transactionResource(found));
  });
}

/** `paysaga ledger verify` */
export function verifyLedger({
  merchant,
  contains,
}: {
  merchant?: string;
  contains?: string;
}): Promise<void> {
  return withPool(async (pool) => {
    if (contains !== undefined && !/^[0-9a-f]{64}$/.test(contains)) {
      throw new UsageError('--contains must be 64 hexadecimal digits, as verify prints them');
    }
    let found = 0;
    let contained = false;
    for (const { id, mchid } of await merchantsNamed(pool, merchant)) {
      const report = await verifyChain(pool, id, contains === undefined ? {} : { contains });
      for (const { transaction, how } of report.tampered) console.log(`${mchid}: ${transaction} ${how}`);
      console.log(
        `${mchid}: ${report.sealed} sealed, ${report.waiting} waiting, head ${report.head ?? 'none'}, ${
          report.tampered.length === 0 ? 'intact' : `${report.tampered.length} tampered with`
        }`,
      );
      found += report.tampered.length;
      contained ||= report.contains;
    }
    if (contains !== undefined && !contained) {
      throw new UsageError(`${contains} is in no chain: what it sealed was changed or cut off`);
    }
    if (found > 0) throw new UsageError('the ledger was tampered with');
  });
}

function printJson(value: unknown): void {
  console.log(JSON.stringify(value, null, 2));
}

/** Columns under each other. */
function printRows(rows: string[][]): void {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  for (const row of rows) {
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  }
}
