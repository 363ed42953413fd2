import { RULES, type Rule } from '../../domain/reconciliation.ts';
import type { LongWork } from './long-work.ts';
import type { Run } from './runs.ts';

/** What a run has done to the open items of its account. */
export interface ItemChanges {
  found: number;
  closed: number;
  aged: number;
}

/** Lines of an item: those that did not agree, in the runs that count and in this one. */
const DIFFERENCE = `
  (select coalesce(sum(o.bank - o.book - o.posted_fee - o.posted_coupon), 0)
     from reconciliation_lines o join reconciliation_runs r on r.sequence = o.run
    where o.subject = l.subject and o.state <> 'matched' and r.merchant_id = $2 and r.sub_mchid is not distinct from $3
      and r.bill_date <= $4 and (r.status = 'done' and r.bill_date < $4 or r.sequence = $1))`;

/**
 * Keeps the open items of the account: what did not agree today is found, or changed; what agrees now is closed; what is carried for too long becomes a
 * break. Each change is in the item's history. Repeating it changes nothing, and a day that is run again leaves alone what later days have closed.
 */
export async function keepItems(db: LongWork, run: Run, carryDays: number): Promise<ItemChanges> {
  const day = [run.sequence, run.merchantId, run.subMchid, run.billDate];
  const found = await db.query(
    `with before as materialized (
       select i.* from reconciliation_items i
         join reconciliation_lines l on l.run = $1 and l.state <> 'matched' and l.subject = i.subject
        where i.merchant_id = $2
     ),
     kept as (
       insert into reconciliation_items as i
         (id, tenant_id, merchant_id, sub_mchid, subject, status, bill_date, last_date, run, ordinal, kind, state, reason, payment_id,
          refund_id, transaction_id, out_trade_no, wechat_refund_id, out_refund_no, currency, difference)
       select 'brk_' || replace(gen_random_uuid()::text, '-', ''), $5, $2, $3, l.subject,
              case when l.state = 'carried' and $6 > 0 then 'carried' else 'break' end, $4, $4, $1, l.ordinal, l.kind, l.state, l.reason,
              l.payment_id, l.refund_id, l.transaction_id, l.out_trade_no, l.wechat_refund_id, l.out_refund_no,
              coalesce(l.currency, 'CNY'), ${DIFFERENCE}
         from reconciliation_lines l where l.run = $1 and l.state <> 'matched'
       on conflict (merchant_id, subject) do update set
         status = case when excluded.status = 'carried' and excluded.last_date - i.bill_date < $6 then 'carried' else 'break' end,
         last_date = excluded.last_date, run = excluded.run, ordinal = excluded.ordinal, kind = excluded.kind, state = excluded.state,
         reason = excluded.reason, payment_id = excluded.payment_id, refund_id = excluded.refund_id,
         transaction_id = coalesce(excluded.transaction_id, i.transaction_id), out_trade_no = coalesce(excluded.out_trade_no, i.out_trade_no),
         wechat_refund_id = coalesce(excluded.wechat_refund_id, i.wechat_refund_id),
         out_refund_no = coalesce(excluded.out_refund_no, i.out_refund_no), difference = excluded.difference, closed_on = null,
         resolution = null, version = i.version + 1, updated_at = now()
       where excluded.last_date >= i.last_date
         and case i.status
               when 'closed' then i.closed_on <= excluded.last_date
               when 'resolved' then excluded.last_date > i.last_date
               else (i.state, i.reason, i.difference, i.last_date) is distinct from
                    (case when i.status = 'break' and excluded.status = 'carried' and i.reason = excluded.reason then i.state else excluded.state end,
                     excluded.reason, excluded.difference, excluded.last_date)
             end
       returning i.id, i.status, i.state, i.reason
     )
     insert into reconciliation_item_events (item, type, run, state, reason)
     select k.id, case when b.id is null then 'found' when b.status in ('closed', 'resolved') then 'reopened' else 'changed' end, $1,
            k.state, k.reason
       from kept k left join before b on b.id = k.id`,
    [...day, run.tenantId, carryDays],
  );
  // A day that was reconciled after later ones: what it has left open, they are to begin with when they are run again.
  await db.query(
    `update reconciliation_items i set bill_date = $4, version = version + 1, updated_at = now()
       from reconciliation_lines l
      where l.run = $1 and l.state <> 'matched' and l.subject = i.subject and i.merchant_id = $2 and i.sub_mchid is not distinct from $3
        and i.bill_date > $4`,
    day,
  );
  const closed = await db.query(
    `with gone as (
       update reconciliation_items i set status = 'closed', closed_on = $4, difference = 0, version = version + 1, updated_at = now()
        where i.merchant_id = $2 and i.sub_mchid is not distinct from $3 and i.status in ('carried', 'break') and i.bill_date <= $4
          and (exists (select 1 from reconciliation_lines l where l.run = $1 and l.state = 'matched' and l.subject = i.subject)
            or i.last_date = $4 and i.bill_date = $4
               and not exists (select 1 from reconciliation_lines l where l.run = $1 and l.state <> 'matched' and l.subject = i.subject))
       returning i.id, i.state, i.reason
     )
     insert into reconciliation_item_events (item, type, run, state, reason) select id, 'closed', $1, state, reason from gone`,
    day,
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
  return { found: found.rowCount ?? 0, closed: closed.rowCount ?? 0, aged: aged.rowCount ?? 0 };
}
