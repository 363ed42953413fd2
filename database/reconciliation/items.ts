import { GATEWAY_ACCOUNT } from '../../domain/ledger.ts';
import { type ItemStatus, RULES, type Rule } from '../../domain/reconciliation.ts';
import { reverse } from '../ledger.ts';
import { literal } from './literal.ts';
import type { LongWork } from './long-work.ts';
import { ACTOR } from './postings.ts';
import type { Run } from './runs.ts';

/** What a run has done to the open items of its account. */
export interface ItemChanges {
  found: number;
  closed: number;
  aged: number;
}

/**
 * Of a line of run `r` and its item `i`: whether it was still open when this day began. Each day that has closed the item has settled what was there before.
 * @param day text of SQL
 */
export const isOpenBefore = (day: string) => `r.bill_date < ${day}
  and not exists (select 1 from unnest(i.closed_before || i.closed_on) closed (day) where closed.day > r.bill_date and closed.day < ${day})`;

/** What decisions about item `i` have done to our receivable, unless they were taken back. */
const DECIDED = `
  (select coalesce(sum(case e.side when 'debit' then e.amount else -e.amount end), 0)
     from reconciliation_item_events d
     join ledger_entries e on e.transaction = d.ledger_transaction
     join ledger_accounts a on a.id = e.account and a.code = ${literal(GATEWAY_ACCOUNT)}
    where d.item = i.id and d.type = 'resolved' and not exists (select 1 from ledger_transactions b where b.reverses = d.ledger_transaction))`;

/** What WeChat Pay has more: by the lines that do not agree, in the runs that count and in this one, less what people have decided. */
const differenceOf = (subject: string) => `
  (select coalesce(sum(o.bank - o.book - o.posted_fee - o.posted_coupon), 0)
     from reconciliation_lines o join reconciliation_runs r on r.sequence = o.run
    where o.subject = ${subject} and o.state <> 'matched' and r.merchant_id = $2 and r.sub_mchid is not distinct from $3
      and (r.sequence = $1 or r.status = 'done' and ${isOpenBefore('$4')})) - ${DECIDED}`;

/** An item that was closed is found on a later day: from there on it is another matter. */
const IS_ANOTHER = `i.status = 'closed' and i.closed_on < excluded.last_date`;

/**
 * Keeps the open items of the account: what did not agree today is found, or changed; what agrees now is closed, and what people had decided about it taken
 * back; what is carried for too long becomes a break. Each change is in the item's history. Repeating it changes nothing, and a day that is run again leaves
 * alone what later days have closed.
 */
export async function keepItems(db: LongWork, run: Run, carryDays: number): Promise<ItemChanges> {
  const day = [run.sequence, run.merchantId, run.subMchid, run.billDate];
  // A decision that is being made is waited for: it counts, or there is still a break to decide about.
  const { rows: before } = await db.query<{ id: string; status: ItemStatus }>(
    `select i.id, i.status from reconciliation_items i
       join reconciliation_lines l on l.run = $1 and l.state <> 'matched' and l.subject = i.subject
      where i.merchant_id = $2 order by i.id for update of i`,
    day.slice(0, 2),
  );
  const ended = before.filter(({ status }) => status === 'closed' || status === 'resolved');
  const found = await db.query(
    `with kept as (
       insert into reconciliation_items as i
         (id, tenant_id, merchant_id, sub_mchid, subject, status, bill_date, last_date, run, ordinal, kind, state, reason, payment_id,
          refund_id, transaction_id, out_trade_no, wechat_refund_id, out_refund_no, currency, difference)
       select 'brk_' || replace(gen_random_uuid()::text, '-', ''), $5, $2, $3, l.subject,
              case when l.state = 'carried' and $6 > 0 then 'carried' else 'break' end, $4, $4, $1, l.ordinal, l.kind, l.state, l.reason,
              l.payment_id, l.refund_id, l.transaction_id, l.out_trade_no, l.wechat_refund_id, l.out_refund_no,
              coalesce(l.currency, 'CNY'), ${differenceOf('l.subject')}
         from reconciliation_lines l left join reconciliation_items i on i.merchant_id = $2 and i.subject = l.subject
        where l.run = $1 and l.state <> 'matched'
       on conflict (merchant_id, subject) do update set
         status = case when excluded.status = 'carried' and (${IS_ANOTHER} or excluded.last_date - i.bill_date < $6) then 'carried' else 'break' end,
         bill_date = case when ${IS_ANOTHER} then excluded.last_date else i.bill_date end,
         closed_before = case when ${IS_ANOTHER} then i.closed_before || i.closed_on else i.closed_before end,
         last_date = excluded.last_date, run = excluded.run, ordinal = excluded.ordinal, kind = excluded.kind, state = excluded.state,
         reason = excluded.reason, payment_id = excluded.payment_id, refund_id = excluded.refund_id,
         transaction_id = coalesce(excluded.transaction_id, i.transaction_id), out_trade_no = coalesce(excluded.out_trade_no, i.out_trade_no),
         wechat_refund_id = coalesce(excluded.wechat_refund_id, i.wechat_refund_id),
         out_refund_no = coalesce(excluded.out_refund_no, i.out_refund_no), difference = excluded.difference, closed_on = null,
         resolution = null, version = i.version + 1, updated_at = now()
       where excluded.last_date >= i.last_date
         and case i.status
               when 'closed' then i.closed_on <= excluded.last_date
               when 'resolved' then excluded.last_date > i.last_date or excluded.difference <> i.difference
               else (i.state, i.reason, i.difference, i.last_date) is distinct from
                    (case when i.status = 'break' and excluded.status = 'carried' and i.reason = excluded.reason then i.state else excluded.state end,
                     excluded.reason, excluded.difference, excluded.last_date)
             end
       returning i.id, i.version, i.state, i.reason
     )
     insert into reconciliation_item_events (item, type, run, state, reason)
     select k.id, case when k.version = 1 then 'found' when k.id = any($7) then 'reopened' else 'changed' end, $1, k.state, k.reason from kept k`,
    [...day, run.tenantId, carryDays, ended.map(({ id }) => id)],
  );
  // A day that was reconciled after later ones: what it has left open, they are to begin with when they are run again.
  await db.query(
    `update reconciliation_items i set bill_date = $4, version = version + 1, updated_at = now()
       from reconciliation_lines l
      where l.run = $1 and l.state <> 'matched' and l.subject = i.subject and i.merchant_id = $2 and i.sub_mchid is not distinct from $3
        and i.bill_date > $4 and not exists (select 1 from unnest(i.closed_before) closed (day) where closed.day > $4)`,
    day,
  );
  const lost = await loseLines(db, day);
  const closed = await db.query<{ item: string }>(
    `with gone as (
       update reconciliation_items i
          set status = 'closed', closed_on = $4, difference = 0, resolution = null, version = version + 1, updated_at = now()
        where i.merchant_id = $2 and i.sub_mchid is not distinct from $3 and i.status <> 'closed' and i.last_date <= $4
          and (exists (select 1 from reconciliation_lines l where l.run = $1 and l.state = 'matched' and l.subject = i.subject)
            or i.last_date = $4 and i.bill_date = $4
               and not exists (select 1 from reconciliation_lines l where l.run = $1 and l.state <> 'matched' and l.subject = i.subject))
       returning i.id, i.state, i.reason
     )
     insert into reconciliation_item_events (item, type, run, state, reason) select id, 'closed', $1, state, reason from gone
     returning item`,
    day,
  );
  await takeBackDecisions(
    db,
    run,
    closed.rows.map(({ item }) => item),
  );
  const rules = (RULES as readonly Rule[]).filter(({ aged }) => aged);
  const aged = await db.query(
    `with old as (
       update reconciliation_items i set status = 'break', state = a.state, version = version + 1, updated_at = now()
         from unnest($6::text[], $7::text[]) as a (reason, state)
        where i.merchant_id = $2 and i.sub_mchid is not distinct from $3 and i.status = 'carried' and a.reason = i.reason
          and i.bill_date <= $4::date - $5::integer
       returning i.id, i.state, i.reason
     )
     insert into reconciliation_item_events (item, type, run, state, reason) select id, 'aged', $1, state, reason from old`,
    [...day, carryDays, rules.map(({ reason }) => reason), rules.map(({ aged: state }) => state)],
  );
  return { found: (found.rowCount ?? 0) + lost, closed: closed.rowCount ?? 0, aged: aged.rowCount ?? 0 };
}

/**
 * A former version of the day had a line about these items, which closed them or said something new, and this one has none: they are again what earlier
 * days have left open. @returns how many.
 */
async function loseLines(db: LongWork, day: unknown[]): Promise<number> {
  const [run, merchantId, subMchid, billDate] = day;
  // As above: a decision that is being made is waited for, and the statement that follows sees it.
  const { rows: concerned } = await db.query<{ id: string; subject: string }>(
    `select i.id, i.subject from reconciliation_items i
      where i.merchant_id = $1 and i.sub_mchid is not distinct from $2
        and (i.status = 'closed' and i.closed_on = $3 or i.status <> 'closed' and i.last_date = $3 and i.bill_date < $3)
      order by i.id for update`,
    [merchantId, subMchid, billDate],
  );
  if (concerned.length === 0) return 0;
  const { rows: there } = await db.query<{ subject: string }>(
    'select subject from reconciliation_lines where run = $1 and subject = any($2)',
    [run, concerned.map(({ subject }) => subject)],
  );
  const subjects = new Set(there.map(({ subject }) => subject));
  const lost = concerned.filter(({ subject }) => !subjects.has(subject)).map(({ id }) => id);
  if (lost.length === 0) return 0;
  const { rowCount } = await db.query(
    `with lost as (
       select i.id, i.status as was, o.*, ${differenceOf('i.subject')} as difference
         from reconciliation_items i
         cross join lateral (
           select o.run, o.ordinal, o.kind, o.state, o.reason, r.bill_date
             from reconciliation_lines o join reconciliation_runs r on r.sequence = o.run and r.status = 'done'
            where o.subject = i.subject and o.state <> 'matched' and r.merchant_id = $2 and r.sub_mchid is not distinct from $3
              and ${isOpenBefore('$4')}
            order by r.bill_date desc limit 1) o
        where i.id = any($5)
     ),
     kept as (
       update reconciliation_items i
          set status = case lost.state when 'carried' then 'carried' else 'break' end, closed_on = null, resolution = null,
              last_date = lost.bill_date, run = lost.run, ordinal = lost.ordinal, kind = lost.kind, state = lost.state, reason = lost.reason,
              difference = lost.difference, version = i.version + 1, updated_at = now()
         from lost where i.id = lost.id and (i.status <> 'resolved' or i.difference <> lost.difference)
       returning i.id, i.state, i.reason
     )
     insert into reconciliation_item_events (item, type, run, state, reason)
     select k.id, case when lost.was in ('closed', 'resolved') then 'reopened' else 'changed' end, $1, k.state, k.reason
       from kept k join lost using (id)`,
    [...day, lost],
  );
  return rowCount ?? 0;
}

/** Whether what is open or resolved by the end of the day is over what its lines and decisions come to. */
export async function itemsAddUp(db: LongWork, run: Run): Promise<boolean> {
  const { rows } = await db.query(
    `select 1 from reconciliation_items i
      where i.merchant_id = $2 and i.sub_mchid is not distinct from $3 and i.status <> 'closed' and i.last_date <= $4
        and i.difference <> ${differenceOf('i.subject')} limit 1`,
    [run.sequence, run.merchantId, run.subMchid, run.billDate],
  );
  return rows.length === 0;
}

/** The other side of these items has come, or they are gone: what people had decided about them meanwhile would be counted twice. */
async function takeBackDecisions(db: LongWork, run: Run, items: string[]): Promise<void> {
  const { rows: decisions } = await db.query<{ sequence: number }>(
    `select ledger_transaction as sequence from reconciliation_item_events
      where item = any($1) and type = 'resolved' and ledger_transaction is not null`,
    [items],
  );
  const reason = `the break was closed by the bill of ${run.billDate}, version ${run.version}`;
  for (const { sequence } of decisions) await reverse(db.client, { sequence, reason, actor: ACTOR });
}
