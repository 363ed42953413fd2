import { billDay } from '../../domain/bill-day.ts';
import { POSTINGS } from '../../domain/ledger.ts';
import { FOUND_STEPS } from '../../domain/reconciliation.ts';
import type { Pool } from '../pool.ts';
import { inLongTransaction, type LongWork } from './long-work.ts';
import type { Run } from './runs.ts';

/** Lines that are posted in one transaction. */
const CHUNK = 20_000;

/** The two sides of each step. */
const SIDES = FOUND_STEPS.flatMap((step) => [
  { step, side: 'debit', code: POSTINGS[step].debit },
  { step, side: 'credit', code: POSTINGS[step].credit },
]);

/**
 * Posts what the bills say of lines that agree: WeChat Pay's fees and the merchant's own coupons, a balanced transaction for each line, effective on
 * the day of the bill. Each is posted once, however often this runs. Of a restated day only the change is posted.
 * @param progress is told the last line that is done.
 * @returns how many transactions were news.
 */
export async function postFound(pool: Pool, run: Run, progress: (ordinal: number) => void): Promise<number> {
  let posted = 0;
  for (let after = 0; ; ) {
    const chunk = await inLongTransaction(pool, (db) => postChunk(db, run, after));
    posted += chunk.posted;
    if (chunk.last === null) break;
    after = chunk.last;
    progress(after);
  }
  if (run.version > 1) posted += await inLongTransaction(pool, (db) => takeBack(db, run));
  return posted;
}

const AMOUNTS = `
  cross join lateral (values
    (case when fee < 0 then 'fee.charged' else 'fee.returned' end, abs(fee)),
    (case when coupon < 0 and refund_id is null or coupon > 0 and refund_id is not null
          then case when refund_id is null then 'coupon.funded' else 'coupon.returned' end
          else case when refund_id is null then 'coupon.returned' else 'coupon.funded' end end, abs(coupon))
  ) v (step, amount)`;

/** Stores transactions with their entries. `due` has subject, payment_id, refund_id, moment, fee and coupon: what the receivable grows by. */
function posting(due: string): string {
  return `
    with due as materialized (${due}),
    postings as materialized (
      select d.subject || case when $4 = 1 then '' else '/' || $4 end as cause_id, v.step, v.amount, d.payment_id, d.refund_id,
             least(greatest(d.moment, $5::timestamptz), $6::timestamptz - interval '1 second') as effective_at
        from due d ${AMOUNTS} where v.amount > 0
    ),
    posted as (
      insert into ledger_transactions (tenant_id, merchant_id, step, cause_id, payment_id, refund_id, effective_at)
      select $2, $3, step, cause_id, payment_id, refund_id, effective_at from postings
      on conflict (cause_id, step) do nothing
      returning sequence, cause_id, step
    ),
    entries as (
      insert into ledger_entries (transaction, account, tenant_id, side, amount)
      select t.sequence, a.id, $2, s.side, p.amount
        from posted t join postings p on p.cause_id = t.cause_id and p.step = t.step
        join unnest($7::text[], $8::text[], $9::text[]) as s (step, side, code) on s.step = t.step
        join ledger_accounts a on a.merchant_id = $3 and a.code = s.code and a.currency = 'CNY'
    )
    select (select count(*) from posted)::integer as posted`;
}

const values = (run: Run) => {
  const { from, to } = billDay(run.billDate);
  return [
    run.sequence,
    run.tenantId,
    run.merchantId,
    run.version,
    from,
    to,
    SIDES.map(({ step }) => step),
    SIDES.map(({ side }) => side),
    SIDES.map(({ code }) => code),
  ];
};

/** The planner knows nothing of the rows that one part of a statement hands to the next, and would compare each with each. */
const NO_NESTED_LOOPS = 'set local enable_nestloop = off';

/** What was posted for a subject by the versions before. */
const BEFORE = `
  left join lateral (
    select coalesce(sum(case t.step when 'fee.charged' then -e.amount when 'fee.returned' then e.amount end), 0)::bigint as fee,
           coalesce(sum(case t.step when 'coupon.funded' then -e.amount when 'coupon.returned' then e.amount end), 0)::bigint as coupon
      from generate_series(1, $4 - 1) version
      join ledger_transactions t on t.cause_id = l.subject || case when version = 1 then '' else '/' || version end
       and t.step in ('fee.charged', 'fee.returned', 'coupon.funded', 'coupon.returned')
      join ledger_entries e on e.transaction = t.sequence and e.side = 'debit'
  ) before on $4 > 1`;

async function postChunk(
  db: LongWork,
  run: Run,
  after: number,
): Promise<{ posted: number; last: number | null }> {
  await db.query(NO_NESTED_LOOPS);
  const { rows: chunk } = await db.query<{ last: number | null }>(
    `select max(ordinal) as last from (
       select ordinal from reconciliation_lines
        where run = $1 and ordinal > $2 and ($3 > 1 or posted_fee <> 0 or posted_coupon <> 0) order by ordinal limit ${CHUNK}) c`,
    [run.sequence, after, run.version],
  );
  const last = chunk[0]?.last ?? null;
  if (last === null) return { posted: 0, last };
  const due =
    run.version === 1
      ? `select subject, payment_id, refund_id, occurred_at as moment, posted_fee as fee, posted_coupon as coupon
           from reconciliation_lines l
          where run = $1 and ordinal > $10 and ordinal <= $11 and (posted_fee <> 0 or posted_coupon <> 0)`
      : `select subject, payment_id, refund_id, occurred_at as moment, posted_fee - coalesce(before.fee, 0) as fee,
                posted_coupon - coalesce(before.coupon, 0) as coupon
           from reconciliation_lines l ${BEFORE}
          where run = $1 and ordinal > $10 and ordinal <= $11`;
  const { rows } = await db.query<{ posted: number }>(posting(due), [...values(run), after, last]);
  return { posted: rows[0]?.posted ?? 0, last };
}

/** What versions before had posted of subjects that the new one no longer has. */
async function takeBack(db: LongWork, run: Run): Promise<number> {
  const { rows } = await db.query<{ posted: number }>(
    posting(
      `select l.subject, l.payment_id, l.refund_id, l.occurred_at as moment, -before.fee as fee, -before.coupon as coupon
         from (select distinct on (l.subject) l.subject, l.payment_id, l.refund_id, l.occurred_at
                 from reconciliation_runs r join reconciliation_lines l on l.run = r.sequence
                where r.merchant_id = $3 and r.sub_mchid is not distinct from $10 and r.bill_date = $11 and r.sequence <> $1
                  and (l.posted_fee <> 0 or l.posted_coupon <> 0)) l ${BEFORE}
        where not exists (select 1 from reconciliation_lines n where n.run = $1 and n.subject = l.subject)`,
    ),
    [...values(run), run.subMchid, run.billDate],
  );
  return rows[0]?.posted ?? 0;
}
