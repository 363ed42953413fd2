import { billDay } from '../../domain/bill-day.ts';
import { GATEWAY_ACCOUNT } from '../../domain/ledger.ts';
import { BANK_MOVEMENTS, MATCH_KEYS, RULES, type Rule } from '../../domain/reconciliation.ts';
import { type Book, gatherBook } from './book.ts';
import { isOpenBefore } from './items.ts';
import { literal, literals } from './literal.ts';
import type { LongWork } from './long-work.ts';
import { gatherMovements } from './movements.ts';
import type { Run } from './runs.ts';
import { stagingTable, workTable } from './staging.ts';

/** What a day is matched from. */
export interface Matching {
  run: Pick<Run, 'sequence' | 'merchantId' | 'subMchid' | 'billDate'>;
  tradeFile: number;
  /** How many rows that has. */
  tradeRows: number | null;
  /** Null where WeChat Pay has no fund flow: then the trade bill alone counts. */
  flowFile: number | null;
  midnightMinutes: number;
}

/** Where the ordinals begin of what is in the fund flow only, and in our ledger only. */
const FLOW_ONLY = 1_000_000_000_000;
const BOOKED_ONLY = 2 * FLOW_ONLY;

/** After so many new lines the planner is told of them at once. */
const MANY_LINES = 10_000;

/** Facts by the names that they have in the statement. */
const COLUMN_OF: Record<keyof Rule['when'], string> = {
  kind: 'whole_kind',
  here: 'here',
  bill: 'bill',
  flow: 'flow',
  book: 'booked',
  differs: 'differs',
  takenBack: 'reverted',
  nearMidnight: 'near',
};

/** The truth table as one expression: the number of the first rule that holds. */
const VERDICT = `case ${(RULES as readonly Rule[])
  .map(({ when }, index) => {
    const conditions = Object.entries(when).map(([fact, wanted]) =>
      Array.isArray(wanted)
        ? `f.${COLUMN_OF[fact as keyof Rule['when']]} in (${literals(wanted)})`
        : `${wanted ? '' : 'not '}f.${COLUMN_OF[fact as keyof Rule['when']]}`,
    );
    return `when ${conditions.join(' and ') || 'true'} then ${index + 1}`;
  })
  .join('\n')} end`;

/**
 * Finds a partner for everything that the trade bill, the fund flow and our ledger say of a day, judges each line by the truth table, and stores
 * the lines. A few statements over whole sets; a million rows of each are matched in seconds.
 * @returns how many lines are not as they were before; all of them, the first time. And the snapshot of the database that has all that the lines tell of.
 */
export async function matchDay(db: LongWork, matching: Matching): Promise<{ changed: number; seen: string }> {
  const seen = await currentSnapshot(db);
  // Everything is joined by texts, which are hashed several times as fast as they are sorted; the planner takes them for equal.
  await db.query('set local enable_mergejoin = off');
  const drop = `drop table if exists ${(['movements', 'more_book', 'more_subjects', 'prior'] as const)
    .map((name) => workTable(name, matching.run.sequence))
    .join(', ')}`;
  await db.query(`${drop}, fresh_lines`);
  const movements = await gatherMovements(db, matching);
  const book = await gatherBook(db, matching.run);
  const prior = await gatherPrior(db, matching);
  const lines = await judge(db, matching, { movements, book, prior });
  await db.query(drop);

  const { sequence } = matching.run;
  const { rows } = await db.query<{ known: boolean }>(
    'select exists (select 1 from reconciliation_lines where run = $1) known',
    [sequence],
  );
  if (!rows[0]?.known) {
    await db.query(`insert into reconciliation_lines (${LINE_COLUMNS}) select * from fresh_lines`);
    // Whoever looks for the few that do not agree must not walk through all of them.
    if (lines > MANY_LINES) await db.query('analyze reconciliation_lines (run, ordinal, state, subject)');
    return { changed: lines, seen };
  }
  await db.query('analyze fresh_lines (ordinal)');
  const gone = await db.query(
    `delete from reconciliation_lines l where l.run = $1
       and not exists (select 1 from fresh_lines f where f.ordinal = l.ordinal and l is not distinct from f)`,
    [sequence],
  );
  const added = await db.query(
    `insert into reconciliation_lines select f.* from fresh_lines f
      where not exists (select 1 from reconciliation_lines l where l.run = $1 and l.ordinal = f.ordinal)`,
    [sequence],
  );
  return { changed: Math.max(gone.rowCount ?? 0, added.rowCount ?? 0), seen };
}

/** What is visible now; later statements of the transaction may see more. */
async function currentSnapshot(db: LongWork): Promise<string> {
  const { rows } = await db.query<{ seen: string }>('select pg_current_snapshot()::text seen');
  return (rows[0] as { seen: string }).seen;
}

/**
 * What earlier days have left open, by subject: the other side may have come today, whatever a person has decided meanwhile. It does not depend on what
 * later days have made of it.
 * @returns where it is found.
 */
async function gatherPrior(db: LongWork, { run }: Matching): Promise<string> {
  const table = workTable('prior', run.sequence);
  await db.query(
    `create unlogged table ${table} (subject text primary key, has_bill boolean, has_flow boolean, has_book boolean, amount_here bigint,
       amount_bill bigint, settlement bigint, fee_milli_fen bigint, principal bigint, fee bigint, book bigint, currency text,
       refund_id text, transaction_id text)`,
  );
  const { rowCount } = await db.query(
    `insert into ${table}
     select l.subject, bool_or(l.trade_line is not null), bool_or(l.flow_line is not null), bool_or(l.book <> 0), max(l.amount_here),
            max(l.amount_bill), max(l.settlement), max(l.fee_milli_fen), coalesce(sum(l.amount_flow), 0), coalesce(sum(l.fee_flow), 0),
            sum(l.book), max(l.currency), max(l.wechat_refund_id), max(l.transaction_id)
       from reconciliation_items i
       join reconciliation_lines l on l.subject = i.subject and l.state <> 'matched'
       join reconciliation_runs r on r.sequence = l.run and r.status = 'done' and r.merchant_id = i.merchant_id
        and r.sub_mchid is not distinct from i.sub_mchid and ${isOpenBefore('$3')}
      where i.merchant_id = $1 and i.sub_mchid is not distinct from $2 and (i.status <> 'closed' or i.closed_on >= $3)
      group by l.subject`,
    [run.merchantId, run.subMchid, run.billDate],
  );
  return rowCount ? table : `(select (null::${table}).* where false)`;
}

/** The currency of what only our ledger has: that of the account it is posted to. `f` is such a line. */
const BOOKED_CURRENCY = `(select max(a.currency) from ledger_entries e join ledger_accounts a on a.id = e.account
  where e.transaction = f.ordinal - ${BOOKED_ONLY} and a.code = ${literal(GATEWAY_ACCOUNT)})`;

/**
 * A column that keeps the planner from merging a subquery with the next one, which would compute its expressions wherever they are asked for. `offset 0`
 * would do that as well, but not in parallel.
 */
const ONCE = 'clock_timestamp() as once';

/** What a movement of the fund flow is, as far as that explains itself; `s` is a line. Once a person has decided, the decision stays. */
const MOVEMENT_HERE = `case
    when s.is_decided then 'absent'
    ${BANK_MOVEMENTS.map(
      ({ type, direction, reason }) =>
        `when s.flow_type = ${literal(type)} and s.principal ${direction === 'in' ? '>' : '<'} 0 then ${literal(reason)}`,
    ).join('\n')} else 'absent' end`;

/** Of a line, in the order of its table. */
const LINE_COLUMNS = `run, ordinal, kind, state, reason, rule, flow_rule, subject, payment_id, refund_id, transaction_id, out_trade_no,
  wechat_refund_id, out_refund_no, occurred_at, currency, amount_here, amount_bill, settlement, fee_milli_fen, amount_flow,
  fee_flow, trade_line, flow_line, flow_rows, bank, book, posted_fee, posted_coupon`;

/** Puts the three ways together and judges every line, into the table fresh_lines. @returns how many there are. */
async function judge(
  db: LongWork,
  { run, tradeFile, tradeRows, flowFile, midnightMinutes }: Matching,
  { movements, book, prior }: { movements: string; book: Book; prior: string },
): Promise<number> {
  const { from, to } = billDay(run.billDate);
  const [transaction, number] = MATCH_KEYS.payment;
  const [refund, refundNumber] = MATCH_KEYS.refund;
  const rules = RULES as readonly Rule[];
  const bill = `
    select t.*, case t.kind when 'payment' then 'in' else 'out' end as side, case when not second then wechat_id end as flow_key
      from ${stagingTable(tradeFile)} t`;
  const theirs = `
    select coalesce(t.kind, case m.side when 'in' then 'payment' when 'out' then 'refund' else 'movement' end) as kind,
           coalesce(t.transaction_id, case m.side when 'in' then m.key end) as transaction_id, t.out_trade_no,
           coalesce(t.refund_id, case when t.line is null and m.side = 'out' then m.key end) as refund_id, t.out_refund_no,
           t.refund_status, coalesce(t.wechat_id, m.flow_id, m.key) as wechat_id, coalesce(t.occurred_at, m.occurred_at) as occurred_at,
           t.currency, t.amount, t.settlement, t.fee_milli_fen, t.line, coalesce(t.second, false) as second, coalesce(t.taken_back, false) as taken_back,
           m.principal, m.fee, m.flow_line, m.flow_type, coalesce(m.flow_rows, 0) as flow_rows, m.rule as flow_rule
      from (${bill}) t full join ${movements} m on m.key = t.flow_key and m.side = t.side`;
  const byTransaction = `
    select w.*, p.id, p.transaction_id as paid_transaction, p.status, p.amount as paid_amount, p.currency as paid_currency,
           case when w.kind <> 'refund' and p.id is null then payment_numbered($2, w.${number.bill}) end as numbered, ${ONCE}
      from (${theirs}) w
      left join payments p on p.merchant_id = $2 and p.${transaction.here} = w.${transaction.bill}`;
  const known = `
    select w.*, coalesce(l.payment_id, w.id, (w.numbered).id) as payment_id,
           coalesce(w.paid_transaction, (w.numbered).transaction_id) as known_transaction,
           coalesce(w.status, (w.numbered).status) as payment_status, l.payment_id is not null as is_late,
           r.id || case coalesce(a1.number, a2.number) when 1 then '' else '/' || coalesce(a1.number, a2.number) end as attempt,
           r.id as refund, coalesce(a1.wechat_refund_id, a2.wechat_refund_id) as known_refund, r.payment_id as refunded_payment,
           -- A number that was given up, or a refund that was paid back by other means, has moved nothing.
           case when coalesce(a1.number, a2.number) <> r.attempt or r.settled_offline then 'FAILED' else r.status end as refund_status_here,
           case w.kind when 'refund' then r.amount else coalesce(l.amount, w.paid_amount, (w.numbered).amount) end as amount_here,
           coalesce(w.paid_currency, (w.numbered).currency) as currency_here,
           case when w.kind = 'refund' then
             case when a1.refund_id is not null then '${refund.name}' when a2.refund_id is not null then '${refundNumber.name}' end
           else
             case when w.id is not null or l.payment_id is not null then '${transaction.name}'
                  when (w.numbered).id is not null then '${number.name}' end
           end as rule
      from (${byTransaction}) w
      left join late_payments l on l.merchant_id = $2
       and l.transaction_id = case when w.kind <> 'refund' then w.transaction_id end
      left join refund_attempts a1 on a1.merchant_id = $2
       and a1.${refund.here} = case when w.kind = 'refund' then w.${refund.bill} end
      left join refund_attempts a2 on a2.merchant_id = $2
       and a2.${refundNumber.here} = case when w.kind = 'refund' and a1.refund_id is null then w.${refundNumber.bill} end
      left join refunds r on r.id = coalesce(a1.refund_id, a2.refund_id)`;
  const named = `
    select w.*,
           case when w.kind = 'refund' then
             case when w.refund is null then 'wechat/' || w.wechat_id
                  when coalesce(w.known_refund, w.refund_id) = w.refund_id then w.attempt else w.attempt || '/' || w.refund_id end
           when w.kind = 'movement' then 'flow/' || w.wechat_id
           -- What takes back a payment that an earlier day has left open, and that was never paid here, is the other side of that.
           else case when w.kind = 'reversal' and not coalesce(not w.is_late and w.payment_status in ('CLOSED', 'FAILED')
                       and w.payment_id || '/' || w.transaction_id in (select q.subject from ${prior} q), false)
                  then 'reversal/' else '' end ||
             case when w.payment_id is null then 'wechat/' || w.wechat_id
                  -- Money that came late stays what it was when it is accepted.
                  when w.known_transaction = w.transaction_id and not w.is_late then w.payment_id else w.payment_id || '/' || w.transaction_id end
           end
           -- Amounts of two currencies have no difference: what is booked in the other one is a line of its own.
           || case when not $3 and w.currency <> w.currency_here then '/' || w.currency else '' end
           || case when w.second then '#' || w.line else '' end as subject
      from (${known}) w`;
  const joined = `
    select k.*, b.book, b.late, b.sequence, b.effective_at,
           coalesce(k.subject, b.subject) as whole_subject, coalesce(k.kind, b.kind) as whole_kind,
           b.subject is not null as is_booked, k.subject is not null as is_theirs
      from (${named}) k full join ${book.postings} b on b.subject = k.subject`;
  const sums = `
    select j.*, q.subject is not null as is_prior, d.subject is not null as is_decided,
           j.line is not null or coalesce(q.has_bill, false) as bill,
           j.flow_line is not null or coalesce(q.has_flow, false) as has_flow,
           j.is_booked or coalesce(q.has_book, false) as has_book,
           coalesce(j.amount, q.amount_bill) as amount_bill, coalesce(j.settlement, q.settlement) as all_settlement,
           coalesce(j.fee_milli_fen, q.fee_milli_fen) as all_fee_milli_fen,
           coalesce(j.principal, 0) + coalesce(q.principal, 0) as all_principal, coalesce(j.fee, 0) + coalesce(q.fee, 0) as all_fee,
           coalesce(j.book, 0) + coalesce(q.book, 0) as all_book,
           coalesce(j.amount_here, abs(j.book), q.amount_here) as all_here, coalesce(j.currency, q.currency) as all_currency,
           coalesce(j.occurred_at, j.effective_at) as moment, ${ONCE}
      from (${joined}) j
      left join ${prior} q on q.subject = j.whole_subject
      left join (select i.subject from reconciliation_items i
                  where i.merchant_id = $2 and i.status = 'resolved' and i.kind = 'movement') d on d.subject = j.whole_subject`;
  const facts = `
    select s.*,
           case s.whole_kind
             when 'refund' then
               case when s.refund is null then case when s.is_theirs then 'absent' else 'done' end
                    when s.refund_status_here in ('CREATED', 'RESERVED') then 'open'
                    when s.refund_status_here in ('PROCESSING', 'ABNORMAL') then 'moving'
                    when s.refund_status_here = 'SUCCEEDED' then 'done' else 'failed' end
             when 'movement' then ${MOVEMENT_HERE}
             else
               case when s.is_late then 'late'
                    when s.payment_id is null then case when s.is_theirs then 'absent' when s.late then 'late' else 'paid' end
                    when s.payment_status in ('PAID', 'PARTIALLY_REFUNDED', 'REFUNDED') then 'paid'
                    when s.payment_status in ('CREATED', 'PENDING') then 'open'
                    else 'ended' end
           end as here,
           case when s.whole_kind = 'movement' then case when s.is_theirs then 'present' else 'absent' end
                -- Where there is no fund flow, the bill is what has moved the money.
                when not $3 then
                  case when not s.bill then 'absent' when s.whole_kind = 'refund' and s.refund_status = 'FAIL' then 'undone'
                       else 'present' end
                when not s.has_flow then 'absent'
                when s.whole_kind <> 'payment' and s.all_principal = 0 then 'undone' else 'present' end as flow,
           s.has_book as booked,
           case when s.second then 'row'
                when s.whole_kind = 'payment' and not s.is_late and s.payment_status in ('PAID', 'PARTIALLY_REFUNDED', 'REFUNDED')
                 and s.known_transaction <> s.transaction_id then 'transaction'
                when s.all_currency <> s.currency_here then 'currency'
                when s.bill and s.amount_bill <> s.all_here and not (s.has_book and s.amount_bill = abs(s.all_book)) then 'amount'
                when s.bill and s.has_flow and $3 and abs(s.all_principal) <> s.all_settlement
                 and not (s.whole_kind <> 'payment' and s.all_principal = 0) then 'flow_amount'
                when s.has_book and abs(s.all_book) <> coalesce(s.amount_bill, s.all_here) then 'book_amount'
                when s.refund_status_here in ('PROCESSING', 'ABNORMAL') and s.refund_status in ('SUCCESS', 'FAIL') then 'status'
                when s.bill and s.has_flow and $3 and abs(s.all_fee_milli_fen + s.all_fee * 1000) >= 1000
                 and not (s.whole_kind = 'refund' and s.all_fee_milli_fen = 0)
                 and not (s.whole_kind = 'reversal' and s.all_principal = 0) then 'fee'
                else 'nothing' end as differs,
           s.taken_back or s.whole_kind = 'reversal' and s.is_prior and s.all_principal = 0 as reverted,
           s.moment >= $5::timestamptz - $6 * interval '1 minute' or s.moment < $4::timestamptz + $6 * interval '1 minute' as near,
           ${ONCE}
      from (${sums}) s`;
  const judged = `
    select f.*, ${VERDICT} as verdict, ${ONCE} from (${facts}) f`;
  const stated = `
    select j.*, ($7::text[])[verdict] as state, ($8::text[])[verdict] as reason,
           round(j.fee_milli_fen / 1000.0)::bigint as fee_bill
      from (${judged}) j`;
  const { rowCount } = await db.query(
    // Made as a table, and then inserted: PostgreSQL puts several processes to the first, and never to an insert.
    `create temporary table fresh_lines (${LINE_COLUMNS}) on commit drop as
     select $1::bigint, coalesce(line::bigint, ${FLOW_ONLY} + flow_line, ${BOOKED_ONLY} + sequence), whole_kind, state, reason, rule, flow_rule,
            whole_subject, coalesce(refunded_payment, payment_id), refund, transaction_id, out_trade_no, refund_id, out_refund_no, moment,
            coalesce(all_currency, currency_here), all_here, amount, settlement,
            fee_milli_fen, principal, fee, line, flow_line, coalesce(flow_rows, 0),
            case when $3 then coalesce(principal, 0) + coalesce(fee, 0)
                 when line is null or second or flow = 'undone' then 0
                 when whole_kind = 'payment' then settlement - fee_bill else -settlement - fee_bill end,
            coalesce(book, 0),
            case when state <> 'matched' then 0 when $3 then all_fee else -round(all_fee_milli_fen / 1000.0)::bigint end,
            case when state <> 'matched' or flow = 'undone' or whole_kind = 'movement' then 0
                 when whole_kind = 'payment' then all_settlement - amount_bill else amount_bill - all_settlement end
       from (${stated}) stated`,
    [
      run.sequence,
      run.merchantId,
      flowFile !== null,
      from,
      to,
      midnightMinutes,
      rules.map(({ state }) => state),
      rules.map(({ reason }) => reason),
    ],
  );
  // Each row of the trade bill has a line.
  if (!rowCount || rowCount === tradeRows) return rowCount ?? 0;
  // What the trade bill does not have is called by the numbers of our ledger; fund flows are of the mainland. Few lines ask for them; carried through the joins, they would cost all.
  await db.query(
    `update fresh_lines f
        set currency = coalesce(f.currency, case when f.ordinal >= ${BOOKED_ONLY} then ${BOOKED_CURRENCY} else 'CNY' end),
            payment_id = coalesce(f.payment_id, b.payment_id), refund_id = coalesce(f.refund_id, b.refund_id),
            transaction_id = coalesce(f.transaction_id, b.transaction_id), out_trade_no = coalesce(f.out_trade_no, b.out_trade_no),
            wechat_refund_id = coalesce(f.wechat_refund_id, b.wechat_refund_id), out_refund_no = coalesce(f.out_refund_no, b.out_refund_no)
       from ${book.numbers} b where f.trade_line is null and b.subject = f.subject`,
  );
  return rowCount;
}
