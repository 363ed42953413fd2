import { billDay } from '../../domain/bill-day.ts';
import { POSTINGS, REVERSAL } from '../../domain/ledger.ts';
import { BANK_MOVEMENTS, FOUND_STEPS } from '../../domain/reconciliation.ts';
import type { Pool } from '../pool.ts';
import { literal, literals } from './literal.ts';
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
 * transaction for each line, effective on the day of the bill. Each is posted once, however often this runs. What the day no longer says, because it was
 * restated or a day before it, is taken back and posted anew.
 * @param progress is told the last line that is done.
 * @returns how many transactions were news.
 */
export async function postFound(pool: Pool, run: Run, progress: (ordinal: number) => void): Promise<number> {
  let posted = await inLongTransaction(pool, (db) => takeBackGone(db, run));
  for (let after = 0; ; ) {
    const chunk = await inLongTransaction(pool, (db) => postChunk(db, run, after));
    posted += chunk.posted;
    if (chunk.last === null) return posted;
    after = chunk.last;
    progress(after);
  }
}

/** Whether nothing of the day has been posted before, unless a crash has interrupted just that. */
const isFirst = ({ version, status }: Run) => version === 1 && status === 'running';

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

/** Under which cause a version of a bill posts something about a subject: the subject itself; /v2 for version 2; .2 when it posts for the second time. */
const causeOf = (subject: string, version: string, time: string) =>
  `${subject} || case when ${version} = 1 and ${time} = 1 then '' else '/v' || ${version} end || case ${time} when 1 then '' else '.' || ${time} end`;

/** The end of a cause, after its subject; in brackets, the version. */
export const CAUSE_END = '/v(\\d+)(?:\\.\\d+)?$';

/** Which lines are posted at once: `l` is a line. */
const part = (run: Run, after: number, last: number) =>
  `l.run = ${run.sequence} and l.ordinal > ${after} and l.ordinal <= ${last} and ${HAS_TARGETS}`;

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
  const lines = part(run, after, last);
  let posted = 0;
  if (isFirst(run)) {
    await db.query(NO_NESTED_LOOPS);
    const first = await postDue(db, run, `select d.*, d.subject as cause_id from (${DUE(lines)}) d`);
    if (first.posted === first.due) return { posted: first.posted, last };
    // An interrupted run has posted some of it, or another day something else under the same cause.
    posted = first.posted;
  }
  await gatherPosted(db, run, `select distinct l.subject from reconciliation_lines l where ${lines}`);
  posted += await takeBack(db, run, lines);
  const again = await postDue(
    db,
    run,
    `select d.*, ${causeOf('d.subject', `${run.version}`, '(coalesce(u.time, 0) + 1)')} as cause_id
       from (${DUE(lines)}) d
       left join (select subject, max(time) as time from posted_before where version = ${run.version} group by subject) u on u.subject = d.subject
      where not exists (select 1 from posted_before p where p.stands and p.subject = d.subject and p.step = d.step and p.amount = d.amount)`,
  );
  return { posted: posted + again.posted, last };
}

/** What lines are to post. $3 and $4 are the day. */
const DUE = (lines: string) => `
  select l.subject, v.step, v.amount, l.payment_id, l.refund_id, l.out_trade_no, l.transaction_id, l.out_refund_no, l.wechat_refund_id,
         coalesce(l.currency, 'CNY') as currency,
         to_char($3::timestamptz, 'YYYY-MM-DD') || ' line ' || coalesce(l.trade_line, l.flow_line) as bill_reference,
         least(greatest(l.occurred_at, $3::timestamptz), $4::timestamptz - interval '1 second') as effective_at
    from reconciliation_lines l ${TARGETS}
   where ${lines} and v.amount > 0`;

async function postDue(db: LongWork, run: Run, due: string): Promise<{ due: number; posted: number }> {
  const { from, to } = billDay(run.billDate);
  const { rows } = await db.query<{ due: number; posted: number }>(
    `with due as materialized (${due}),
     posted as (
       insert into ledger_transactions (tenant_id, merchant_id, step, cause_id, payment_id, refund_id, out_trade_no, transaction_id,
         out_refund_no, wechat_refund_id, bill_reference, effective_at)
       select $1, $2, step, cause_id, payment_id, refund_id, out_trade_no, transaction_id, out_refund_no, wechat_refund_id, bill_reference,
              effective_at
         from due
       on conflict (cause_id, step) do nothing
       returning sequence, cause_id, step
     ),
     entries as (
       insert into ledger_entries (transaction, account, tenant_id, side, amount)
       select t.sequence, a.id, $1, s.side, d.amount
         from posted t join due d on d.cause_id = t.cause_id and d.step = t.step
         join unnest($5::text[], $6::text[], $7::text[]) as s (step, side, code) on s.step = t.step
         join ledger_accounts a on a.merchant_id = $2 and a.code = s.code and a.currency = d.currency
     )
     select (select count(*) from due)::integer as due, (select count(*) from posted)::integer as posted`,
    [
      run.tenantId,
      run.merchantId,
      from,
      to,
      SIDES.map(({ step }) => step),
      SIDES.map(({ side }) => side),
      SIDES.map(({ code }) => code),
    ],
  );
  return rows[0] ?? { due: 0, posted: 0 };
}

/**
 * Takes back what was posted of this day for lines that have nothing to post any more, or are gone. In a first run only an interrupted one can have posted
 * anything, and lines that agree still do.
 */
async function takeBackGone(db: LongWork, run: Run): Promise<number> {
  const own = `select l.subject from reconciliation_lines l
    where l.run = ${run.sequence} and ${isFirst(run) ? "l.state <> 'matched'" : `not ${HAS_TARGETS}`}`;
  const others = `
    select l.subject from reconciliation_runs r join reconciliation_lines l on l.run = r.sequence and ${HAS_TARGETS}
     where r.merchant_id = ${literal(run.merchantId)} and r.sub_mchid is not distinct from ${run.subMchid === null ? 'null' : literal(run.subMchid)}
       and r.bill_date = ${literal(run.billDate)} and r.sequence <> ${run.sequence}
    except select l.subject from reconciliation_lines l where l.run = ${run.sequence} and ${HAS_TARGETS}`;
  await gatherPosted(db, run, run.version === 1 ? own : `${own} union (${others})`);
  return await takeBack(db, run, 'false');
}

/** Puts into the table posted_before what versions of bills up to this one have ever posted for these subjects, and whether it stands on this day. */
async function gatherPosted(db: LongWork, run: Run, subjects: string): Promise<void> {
  const { from, to } = billDay(run.billDate);
  // Each cause is looked up by its key, however large the ledger is: "offset" keeps the planner from turning that round.
  const postedUnder = (cause: string) => `
    cross join lateral (select t.sequence, t.step, t.effective_at from ledger_transactions t
                         where t.cause_id = ${cause} and t.step in (${literals(STEPS)}) offset 0) t`;
  await db.query('set local enable_nestloop = on');
  await db.query(
    `create temporary table posted_before on commit drop as
     with recursive subjects as materialized (${subjects}),
     used (subject, version, time, sequence, step, effective_at) as (
       select s.subject, v.version, 1, t.sequence, t.step, t.effective_at
         from subjects s cross join generate_series(1, ${run.version}) v (version) ${postedUnder(causeOf('s.subject', 'v.version', '1'))}
       union
       select u.subject, u.version, u.time + 1, t.sequence, t.step, t.effective_at
         from used u ${postedUnder(causeOf('u.subject', 'u.version', '(u.time + 1)'))}
     )
     select u.subject, u.version, u.time, u.sequence, u.step, e.amount,
            u.effective_at >= ${literal(from.toISOString())} and u.effective_at < ${literal(to.toISOString())}
              and not exists (select 1 from ledger_transactions b where b.reverses = u.sequence) as stands
       from used u cross join lateral (select amount from ledger_entries where transaction = u.sequence and side = 'debit' offset 0) e`,
  );
  await db.query(`${NO_NESTED_LOOPS}; analyze posted_before`);
}

/** Takes back what stands of posted_before and these lines do not say: a reversal for each, as of the same time. */
async function takeBack(db: LongWork, run: Run, lines: string): Promise<number> {
  const { rows: wrong } = await db.query<{ sequence: number }>(
    `with said as materialized (
       select l.subject, v.step, v.amount from reconciliation_lines l ${TARGETS} where ${lines} and v.amount > 0
     )
     select p.sequence from posted_before p
      where p.stands and not exists (
        select 1 from said where said.subject = p.subject and said.step = p.step and said.amount = p.amount)`,
  );
  if (wrong.length === 0) return 0;
  await db.query('set local enable_nestloop = on');
  const { rows } = await db.query<{ taken: number }>(
    `with taken as (
       insert into ledger_transactions (tenant_id, merchant_id, step, cause_id, payment_id, refund_id, out_trade_no, transaction_id,
         out_refund_no, wechat_refund_id, bill_reference, effective_at, reverses, reason, actor)
       select t.tenant_id, t.merchant_id, '${REVERSAL}', 'txn_' || t.sequence, t.payment_id, t.refund_id, t.out_trade_no, t.transaction_id,
              t.out_refund_no, t.wechat_refund_id, t.bill_reference, t.effective_at, t.sequence, $2, '${ACTOR}'
         from ledger_transactions t where t.sequence = any($1)
       on conflict do nothing
       returning sequence, reverses
     ),
     entries as (
       insert into ledger_entries (transaction, account, tenant_id, side, amount)
       select t.sequence, e.account, e.tenant_id, case e.side when 'debit' then 'credit' else 'debit' end, e.amount
         from taken t join ledger_entries e on e.transaction = t.reverses
     )
     select count(*)::integer as taken from taken`,
    [
      wrong.map(({ sequence }) => sequence),
      `the bill of ${run.billDate}, version ${run.version}, says something else`,
    ],
  );
  await db.query(NO_NESTED_LOOPS);
  return rows[0]?.taken ?? 0;
}
