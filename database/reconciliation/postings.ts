import { billDay } from '../../domain/bill-day.ts';
import { POSTINGS, REVERSAL } from '../../domain/ledger.ts';
import { BANK_MOVEMENTS, FOUND_STEPS } from '../../domain/reconciliation.ts';
import type { Pool } from '../pool.ts';
import { inLongTransaction, type LongWork } from './long-work.ts';
import type { Run } from './runs.ts';

/** Lines that are posted in one transaction. */
const CHUNK = 20_000;

/** Steps that a run posts. */
const STEPS = [...new Set([...FOUND_STEPS, ...BANK_MOVEMENTS.map(({ step }) => step)])];

/** The two sides of each step. */
const SIDES = STEPS.flatMap((step) => [
  { step, side: 'debit', code: POSTINGS[step].debit },
  { step, side: 'credit', code: POSTINGS[step].credit },
]);

/** Who takes back what an earlier version of a bill had said, and decisions that have been overtaken. */
export const ACTOR = 'reconciliation';

/**
 * Posts what the bills say of lines that agree: WeChat Pay's fees, the merchant's own coupons, what went to the bank and came from it; a balanced
 * transaction for each line, effective on the day of the bill. Each is posted once, however often this runs. Of a restated day, what has changed is taken
 * back and posted anew.
 * @param progress is told the last line that is done.
 * @returns how many transactions were news.
 */
export async function postFound(pool: Pool, run: Run, progress: (ordinal: number) => void): Promise<number> {
  let posted = run.version > 1 ? await inLongTransaction(pool, (db) => takeBack(db, run)) : 0;
  for (let after = 0; ; ) {
    const chunk = await inLongTransaction(pool, (db) => postChunk(db, run, after));
    posted += chunk.posted;
    if (chunk.last === null) return posted;
    after = chunk.last;
    progress(after);
  }
}

/** The planner knows nothing of the rows that one part of a statement hands to the next, and would compare each with each. */
const NO_NESTED_LOOPS = 'set local enable_nestloop = off';

/** What a line posts of a movement that explains itself: all of it, as nobody else does. `l` is a line. */
export const POSTED_MOVEMENT = `case when l.kind = 'movement' and l.state = 'matched' then l.bank else 0 end`;

/** Lines that have something to post. `l` is a line. */
const HAS_TARGETS = `(l.posted_fee <> 0 or l.posted_coupon <> 0 or l.kind = 'movement' and l.state = 'matched')`;

/** What a line is to post: the step, and the amount. `l` is a line. */
const TARGETS = `
  cross join lateral (values
    (case l.reason ${[...new Map(BANK_MOVEMENTS.map(({ reason, step }) => [reason, step]))]
      .map(([reason, step]) => `when '${reason}' then '${step}'`)
      .join(' ')} end, abs(${POSTED_MOVEMENT})),
    (case when l.posted_fee < 0 then 'payment.fee' else 'refund.fee_returned' end, abs(l.posted_fee)),
    (case when l.posted_coupon < 0 then 'payment.coupon' else 'refund.coupon_returned' end, abs(l.posted_coupon))
  ) v (step, amount)`;

/** What was posted for a subject by the versions so far, this one included, and not taken back. `l` is a line, $3 the version. */
const STANDING = `
  select t.sequence, t.step, e.amount
    from generate_series(1, $3::integer) version
    join ledger_transactions t on t.cause_id = l.subject || case when version = 1 then '' else '/v' || version end
     and t.step in (${STEPS.map((step) => `'${step}'`).join(', ')})
    join ledger_entries e on e.transaction = t.sequence and e.side = 'debit'
   where not exists (select 1 from ledger_transactions b where b.reverses = t.sequence)`;

async function postChunk(
  db: LongWork,
  run: Run,
  after: number,
): Promise<{ posted: number; last: number | null }> {
  const { rows: chunk } = await db.query<{ last: number | null }>(
    `select max(ordinal) as last from (
       select ordinal from reconciliation_lines l where run = $1 and ordinal > $2 and ${HAS_TARGETS} order by ordinal limit ${CHUNK}) c`,
    [run.sequence, after],
  );
  const last = chunk[0]?.last ?? null;
  if (last === null) return { posted: 0, last };
  if (run.version === 1) await db.query(NO_NESTED_LOOPS);
  const { from, to } = billDay(run.billDate);
  const { rows } = await db.query<{ posted: number }>(
    `with due as materialized (
       select l.subject || case when $3::integer = 1 then '' else '/v' || $3::integer end as cause_id, v.step, v.amount, l.payment_id, l.refund_id,
              l.out_trade_no, l.transaction_id, l.out_refund_no, l.wechat_refund_id, coalesce(l.currency, 'CNY') as currency,
              to_char($6::timestamptz, 'YYYY-MM-DD') || ' line ' || coalesce(l.trade_line, l.flow_line) as bill_reference,
              least(greatest(l.occurred_at, $6::timestamptz), $7::timestamptz - interval '1 second') as effective_at
         from reconciliation_lines l ${TARGETS}
        where l.run = $1 and l.ordinal > $2 and l.ordinal <= $8 and ${HAS_TARGETS} and v.amount > 0
          ${run.version === 1 ? '' : `and not exists (select 1 from (${STANDING}) s where s.step = v.step and s.amount = v.amount)`}
     ),
     posted as (
       insert into ledger_transactions (tenant_id, merchant_id, step, cause_id, payment_id, refund_id, out_trade_no, transaction_id,
         out_refund_no, wechat_refund_id, bill_reference, effective_at)
       select $4, $5, step, cause_id, payment_id, refund_id, out_trade_no, transaction_id, out_refund_no, wechat_refund_id, bill_reference,
              effective_at
         from due
       on conflict (cause_id, step) do nothing
       returning sequence, cause_id, step
     ),
     entries as (
       insert into ledger_entries (transaction, account, tenant_id, side, amount)
       select t.sequence, a.id, $4, s.side, d.amount
         from posted t join due d on d.cause_id = t.cause_id and d.step = t.step
         join unnest($9::text[], $10::text[], $11::text[]) as s (step, side, code) on s.step = t.step
         join ledger_accounts a on a.merchant_id = $5 and a.code = s.code and a.currency = d.currency
     )
     select count(*)::integer as posted from posted`,
    [
      run.sequence,
      after,
      run.version,
      run.tenantId,
      run.merchantId,
      from,
      to,
      last,
      SIDES.map(({ step }) => step),
      SIDES.map(({ side }) => side),
      SIDES.map(({ code }) => code),
    ],
  );
  return { posted: rows[0]?.posted ?? 0, last };
}

/** Takes back what earlier versions of the day had posted and the new one no longer says: a reversal for each, as of the same time. */
async function takeBack(db: LongWork, run: Run): Promise<number> {
  const { rows } = await db.query<{ taken: number }>(
    `with said as materialized (
       select l.subject, v.step, v.amount from reconciliation_lines l ${TARGETS} where l.run = $1 and v.amount > 0
     ),
     wrong as materialized (
       select distinct s.sequence
         from (select distinct l.subject
                 from reconciliation_runs r join reconciliation_lines l on l.run = r.sequence
                where r.merchant_id = $2 and r.sub_mchid is not distinct from $4 and r.bill_date = $5::date and r.sequence <> $1
                  and ${HAS_TARGETS}) l
         cross join lateral (${STANDING}) s
        where not exists (
          select 1 from said where said.subject = l.subject and said.step = s.step and said.amount = s.amount)
     ),
     taken as (
       insert into ledger_transactions (tenant_id, merchant_id, step, cause_id, payment_id, refund_id, out_trade_no, transaction_id,
         out_refund_no, wechat_refund_id, bill_reference, effective_at, reverses, reason, actor)
       select t.tenant_id, t.merchant_id, '${REVERSAL}', 'txn_' || t.sequence, t.payment_id, t.refund_id, t.out_trade_no, t.transaction_id,
              t.out_refund_no, t.wechat_refund_id, t.bill_reference, t.effective_at, t.sequence,
              'the bill of ' || $5::date || ' was restated, version ' || $3::integer, '${ACTOR}'
         from wrong w join ledger_transactions t on t.sequence = w.sequence
       on conflict do nothing
       returning sequence, reverses
     ),
     entries as (
       insert into ledger_entries (transaction, account, tenant_id, side, amount)
       select t.sequence, e.account, e.tenant_id, case e.side when 'debit' then 'credit' else 'debit' end, e.amount
         from taken t join ledger_entries e on e.transaction = t.reverses
     )
     select count(*)::integer as taken from taken`,
    [run.sequence, run.merchantId, run.version, run.subMchid, run.billDate],
  );
  return rows[0]?.taken ?? 0;
}
