import type { BillDate } from '../../domain/bill-day.ts';
import { GATEWAY_ACCOUNT } from '../../domain/ledger.ts';
import { FOUND_STEPS, RULES, type Rule } from '../../domain/reconciliation.ts';
import type { Queryable } from '../pool.ts';
import { type AccountDay, listAccounts } from './account.ts';
import { NOT_OURS } from './book.ts';
import { literal, literals } from './literal.ts';

/** As many days back a night looks for what was missed; WeChat Pay keeps bills for three months. */
const MISSED_DAYS = 14;

/**
 * Whether what a run has found has been overtaken: an earlier day has ended after it, whose open items it has not seen, or our ledger has learned of money of its
 * day since. `r` is a run that is done. Money is looked for in an index of what was posted late, whose conditions are repeated here.
 */
export const IS_OVERTAKEN = `(
  exists (select 1 from reconciliation_runs e
           where e.merchant_id = r.merchant_id and e.sub_mchid is not distinct from r.sub_mchid and e.status = 'done'
             and e.bill_date < r.bill_date and e.finished_at > r.finished_at)
  or exists (select 1 from ledger_transactions t
              where t.merchant_id = r.merchant_id and t.posted_at - t.effective_at >= interval '9 hours' and t.step not in (${literals(FOUND_STEPS)})
                and t.effective_at >= ${midnight('r.bill_date')} and t.effective_at < ${midnight('r.bill_date + 1')}
                and not pg_visible_in_snapshot(t.written_by, r.seen) and ${NOT_OURS}
                and (r.sub_mchid is null or r.sub_mchid = (select p.sub_mchid from payments p where p.id = t.payment_id))
                and exists (select 1 from ledger_entries l join ledger_accounts a on a.id = l.account
                             where l.transaction = t.sequence and a.code = ${literal(GATEWAY_ACCOUNT)})))`;

/** Whether a run has left something open that this service mends by asking WeChat Pay. `r` is a run. */
const IS_BEHIND = `exists (
  select 1 from reconciliation_items i
   where i.merchant_id = r.merchant_id and i.status = 'break' and i.bill_date <= r.bill_date and i.run = r.sequence
     and i.reason in (${literals((RULES as readonly Rule[]).flatMap(({ reason, repair }) => (repair ? [reason] : [])))}))`;

/** The moment at which a day begins: an expression of SQL of one. */
function midnight(date: string): string {
  return `(${date})::timestamp at time zone 'Asia/Shanghai'`;
}

/**
 * The days of a merchant's accounts that are due, in their order: the one named, and before it those that nights have missed, could not believe, or have left
 * something behind in. A day that has been overtaken is due again, and so is every day after it, as each begins with what the days before have left open.
 *
 * An account begins with the merchant, that of a sub-merchant with its first payment, or with the first day that anybody has reconciled.
 */
export async function listDueDays(
  db: Queryable,
  merchantId: string,
  billDate: BillDate,
): Promise<AccountDay[]> {
  const accounts = await listAccounts(db, merchantId);
  const days = await Promise.all(
    accounts.map(async (account) => {
      const { rows } = await db.query<{ day: BillDate }>(
        `with runs as (
           select * from reconciliation_runs r where r.merchant_id = $1 and r.sub_mchid is not distinct from $2
         ),
         done as (
           select r.bill_date, ${IS_OVERTAKEN} as overtaken, ${IS_BEHIND} as behind
             from runs r where r.status = 'done' and r.bill_date >= $3::date - ${MISSED_DAYS} and r.bill_date <= $3::date
         )
         select d.day::text
           from (select $3::date - n as day from generate_series(0, ${MISSED_DAYS}) n) d
          where d.day = $3::date
             or d.day >= (select min(bill_date) from done where overtaken)
             or not exists (select 1 from done where bill_date = d.day and not behind)
            and (exists (select 1 from runs where bill_date <= d.day)
              or exists (select 1 from merchants m
                          where m.id = $1 and m.created_at < ${midnight('d.day + 1')}
                            and ($2::text is null
                              or exists (select 1 from payments p
                                          where p.merchant_id = m.id and p.sub_mchid = $2 and p.created_at < ${midnight('d.day + 1')}))))
          order by d.day`,
        [account.merchantId, account.subMchid, billDate],
      );
      return rows.map(({ day }) => ({ ...account, billDate: day }));
    }),
  );
  return days.flat();
}
