import {
  ACCOUNT_CODES,
  ACCOUNTS,
  type AccountCode,
  type AccountKind,
  type DatedBy,
} from '../domain/ledger.ts';
import type { Fen } from '../domain/money.ts';
import type { Queryable } from './pool.ts';

/** An account of a merchant. */
export interface LedgerAccount {
  id: number;
  merchantId: string;
  mchid: string;
  code: AccountCode;
  kind: AccountKind;
  currency: string;
  createdAt: Date;
}

/** Up to when a report looks, by which of the two times. */
export interface AsOf {
  by: DatedBy;
  /** Before this moment; everything when there is none. */
  at?: Date | undefined;
}

/** An account and what was on it. */
export interface AccountBalance extends LedgerAccount {
  debits: Fen;
  credits: Fen;
  /** Positive on the side on which the account grows. */
  balance: Fen;
}

const COLUMNS = `a.id, a.merchant_id "merchantId", m.mchid, a.code, a.kind, a.currency, a.created_at "createdAt"`;

/** Opens the whole chart in these currencies; what there is stays. Each merchant has that of CNY from its first day. */
export async function openAccounts(db: Queryable, merchantId: string, currencies: string[]): Promise<void> {
  await db.query(
    `insert into ledger_accounts (tenant_id, merchant_id, code, kind, currency)
     select m.tenant_id, m.id, chart.code, chart.kind, currency
       from merchants m cross join unnest($2::text[]) currency cross join unnest($3::text[], $4::text[]) as chart (code, kind)
      where m.id = $1
     on conflict (merchant_id, code, currency) do nothing`,
    [merchantId, currencies, ACCOUNT_CODES, ACCOUNT_CODES.map((code) => ACCOUNTS[code].kind)],
  );
}

/** The accounts of a merchant, in the order of the chart. */
export async function listAccounts(db: Queryable, merchantId: string): Promise<LedgerAccount[]> {
  const { rows } = await db.query<LedgerAccount>(
    `select ${COLUMNS} from ledger_accounts a join merchants m on m.id = a.merchant_id where a.merchant_id = $1 order by a.id`,
    [merchantId],
  );
  return rows;
}

/** An account of a merchant; undefined when it has none in that currency. */
export async function findAccount(
  db: Queryable,
  merchantId: string,
  code: AccountCode,
  currency: string,
): Promise<LedgerAccount | undefined> {
  const accounts = await listAccounts(db, merchantId);
  return accounts.find((account) => account.code === code && account.currency === currency);
}

/**
 * The account of this code in a currency; when none is named, in the only one that was posted in, or CNY.
 * @returns undefined when there is no such account; the currencies when one of several is to be named.
 */
export async function accountIn(
  db: Queryable,
  merchantId: string,
  code: AccountCode,
  currency: string | undefined,
): Promise<LedgerAccount | undefined | { currencies: string[] }> {
  if (currency !== undefined) return findAccount(db, merchantId, code, currency);
  const { rows } = await db.query<{ currency: string }>(
    `select a.currency from ledger_accounts a
      where a.merchant_id = $1 and a.code = $2 and exists (select 1 from ledger_entries e where e.account = a.id) order by a.id`,
    [merchantId, code],
  );
  const currencies = rows.map((used) => used.currency);
  if (currencies.length > 1) return { currencies };
  return findAccount(db, merchantId, code, currencies[0] ?? 'CNY');
}

/** What the accounts of a merchant held, in the order of the chart. Derived from the entries: nothing is stored that could differ. */
export async function balancesAsOf(
  db: Queryable,
  merchantId: string,
  { by, at }: AsOf,
): Promise<AccountBalance[]> {
  const { rows } = await db.query<AccountBalance>(
    `select ${COLUMNS}, coalesce(s.debits, 0)::bigint debits, coalesce(s.credits, 0)::bigint credits,
            ((case when a.kind in ('asset', 'expense') then 1 else -1 end)
              * (coalesce(s.debits, 0) - coalesce(s.credits, 0)))::bigint balance
       from ledger_accounts a
       join merchants m on m.id = a.merchant_id
       left join (
         select e.account, sum(e.amount) filter (where e.side = 'debit') debits, sum(e.amount) filter (where e.side = 'credit') credits
           from ledger_entries e join ledger_transactions t on t.sequence = e.transaction
          where t.merchant_id = $1 and ($2::timestamptz is null or t.${by} < $2)
          group by e.account
       ) s on s.account = a.id
      where a.merchant_id = $1
      order by a.id`,
    [merchantId, at ?? null],
  );
  return rows;
}
