import type { AccountCode } from '../domain/ledger.ts';
import type { Fen } from '../domain/money.ts';
import type { Queryable } from './pool.ts';

/** Money that has been for too long where it must not stay. */
export interface LedgerAlarm {
  merchantId: string;
  mchid: string;
  account: Extract<AccountCode, 'late_money' | 'suspense'>;
  currency: string;
  /** What is too old, positive on the side on which the account grows. */
  amount: Fen;
  /** Of how many late payments, or postings, it is. */
  pieces: number;
  /** When the oldest of it came into the account. */
  since: Date;
  raisedAt: Date;
}

/**
 * What is in suspense, piece by piece: postings that were not taken back, of which what goes out is taken for the oldest that came in. And late money that nobody
 * has decided on.
 */
const PIECES = `
  suspense as (
    select t.tenant_id, t.merchant_id, a.currency, t.sequence, t.posted_at, case e.side when 'credit' then e.amount else -e.amount end as change
      from ledger_accounts a
      join ledger_entries e on e.account = a.id
      join ledger_transactions t on t.sequence = e.transaction
     where a.code = 'suspense' and t.reverses is null and not exists (select 1 from ledger_transactions b where b.reverses = t.sequence)
  ),
  held as (
    select s.*, sum(change) over (partition by merchant_id, currency) as net from suspense s
  ),
  newest_first as (
    select h.*, sum(abs(change)) over (partition by merchant_id, currency order by posted_at desc, sequence desc) - abs(change) as newer
      from held h where sign(change) = sign(net)
  ),
  pieces as (
    select tenant_id, merchant_id, 'suspense' as account, currency, posted_at as since, sign(net) * least(abs(change), abs(net) - newer) as amount
      from newest_first where newer < abs(net)
    union all
    select tenant_id, merchant_id, 'late_money', currency, created_at, amount from late_payments where status = 'RECEIVED'
  )`;

/**
 * Looks for money that is older than so many days, and keeps what it finds for those who ask. Call it in a transaction; only one of several who look at once
 * is told of an alarm.
 * @returns the alarms that are new, and those that are over.
 */
export async function watchLedger(
  db: Queryable,
  days: number,
): Promise<{ raised: LedgerAlarm[]; lowered: LedgerAlarm[] }> {
  const { rows } = await db.query<LedgerAlarm & { change: 'raised' | 'lowered' }>(
    `with ${PIECES},
     overdue as (
       select tenant_id, merchant_id, account, currency, sum(amount)::bigint as amount, count(*)::integer as pieces, min(since) as since
         from pieces where since <= now() - make_interval(days => $1) group by tenant_id, merchant_id, account, currency
     ),
     kept as (
       insert into ledger_alarms as l (tenant_id, merchant_id, account, currency, amount, pieces, since)
       select tenant_id, merchant_id, account, currency, amount, pieces, since from overdue
       on conflict (merchant_id, account, currency) do update set amount = excluded.amount, pieces = excluded.pieces, since = excluded.since
         where (l.amount, l.pieces, l.since) is distinct from (excluded.amount, excluded.pieces, excluded.since)
       returning l.*, xmax = 0 as is_new
     ),
     gone as (
       delete from ledger_alarms l
        where not exists (select 1 from overdue o where o.merchant_id = l.merchant_id and o.account = l.account and o.currency = l.currency)
       returning l.*
     )
     select c.change, c.merchant_id "merchantId", m.mchid, c.account, c.currency, c.amount, c.pieces, c.since, c.raised_at "raisedAt"
       from (select 'raised' as change, merchant_id, account, currency, amount, pieces, since, raised_at from kept where is_new
             union all
             select 'lowered', merchant_id, account, currency, amount, pieces, since, raised_at from gone) c
       join merchants m on m.id = c.merchant_id`,
    [days],
  );
  return {
    raised: rows.filter(({ change }) => change === 'raised'),
    lowered: rows.filter(({ change }) => change === 'lowered'),
  };
}

/** The alarms of a tenant's merchants, oldest money first. */
export async function listLedgerAlarms(db: Queryable, tenantId: string): Promise<LedgerAlarm[]> {
  const { rows } = await db.query<LedgerAlarm>(
    `select l.merchant_id "merchantId", m.mchid, l.account, l.currency, l.amount, l.pieces, l.since, l.raised_at "raisedAt"
       from ledger_alarms l join merchants m on m.id = l.merchant_id
      where l.tenant_id = $1 order by l.since, l.merchant_id, l.account`,
    [tenantId],
  );
  return rows;
}
