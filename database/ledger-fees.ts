import type { LedgerStep, REVERSAL } from '../domain/ledger.ts';
import type { Fen } from '../domain/money.ts';
import { DECISION_CAUSE } from '../domain/reconciliation.ts';
import type { Period } from './ledger-lines.ts';
import { CAUSE_END } from './reconciliation/postings.ts';
import type { Snapshot } from './snapshot.ts';

/** An entry of the account of WeChat Pay's fees, with the line of the bill that told of it. */
export interface FeeEntry {
  /** Of the time by which the period is dated, in Asia/Shanghai. */
  day: string;
  sequence: number;
  step: LedgerStep | typeof REVERSAL;
  side: 'debit' | 'credit';
  amount: Fen;
  currency: string;
  /** Of a transaction that takes another one back: which. */
  reverses: number | null;
  mchid: string;
  subMchid: string | null;
  outTradeNo: string | null;
  outRefundNo: string | null;
  transactionId: string | null;
  wechatRefundId: string | null;
  /** The bill that it was read from; null of what a person has posted without one. */
  billDate: string | null;
  billVersion: number | null;
  billLine: number | null;
  /** What was ordered, or asked back, and what of it the merchant is paid. */
  gross: Fen | null;
  settlement: Fen | null;
}

/** What is in the fund flow only has ordinals from here on. */
const FLOW_ORDINAL = 1_000_000_000_000;

/**
 * The line of the bill from which transaction `o` was read: of a fee that a run has posted, by the bill it names, in the version that its cause
 * names; of one that a person has decided, the line of the break.
 */
const BILL_LINE = `
  select r.bill_date, r.version, coalesce(l.trade_line, l.flow_line) as line, l.amount_bill, l.settlement
    from (select case when o.bill_reference ~ '^\\d{4}-\\d\\d-\\d\\d line \\d+$' then split_part(o.bill_reference, ' ', 1)::date end as day,
                 case when o.bill_reference ~ '^\\d{4}-\\d\\d-\\d\\d line \\d+$' then split_part(o.bill_reference, ' ', 3)::bigint end as line,
                 coalesce(substring(o.cause_id from '${CAUSE_END}')::integer, 1) as version,
                 regexp_replace(o.cause_id, '${CAUSE_END}', '') as subject) b
    join reconciliation_runs r on r.merchant_id = o.merchant_id and r.sub_mchid is not distinct from p.sub_mchid
     and r.bill_date = b.day and r.version = b.version
    join reconciliation_lines l on l.run = r.sequence and l.ordinal in (b.line, ${FLOW_ORDINAL} + b.line) and l.subject = b.subject
  union all
  select r.bill_date, r.version, coalesce(l.trade_line, l.flow_line), l.amount_bill, l.settlement
    from reconciliation_items i
    join reconciliation_runs r on r.sequence = i.run
    left join reconciliation_lines l on l.run = i.run and l.ordinal = i.ordinal
   where o.cause_id like '${DECISION_CAUSE}%' and i.id = split_part(o.cause_id, '/', 1)`;

/** Every entry of the accounts of fees in a period, by day and sub-merchant. */
export function feeEntries(
  snapshot: Snapshot,
  { merchantId, by, from, to }: Period,
): AsyncIterable<FeeEntry> {
  return snapshot.rows<FeeEntry>(
    `select to_char((t.${by} at time zone 'UTC') + interval '8 hours', 'YYYY-MM-DD') "day", t.sequence, t.step, e.side, e.amount, a.currency,
            t.reverses, m.mchid, p.sub_mchid "subMchid", t.out_trade_no "outTradeNo", t.out_refund_no "outRefundNo",
            t.transaction_id "transactionId", t.wechat_refund_id "wechatRefundId", b.bill_date::text "billDate", b.version "billVersion",
            b.line "billLine", b.amount_bill "gross", b.settlement
       from ledger_accounts a
       join ledger_entries e on e.account = a.id
       join ledger_transactions t on t.sequence = e.transaction
       join ledger_transactions o on o.sequence = coalesce(t.reverses, t.sequence)
       join merchants m on m.id = a.merchant_id
       left join payments p on p.id = t.payment_id
       left join lateral (${BILL_LINE} limit 1) b on true
      where a.merchant_id = $1 and a.code = 'gateway_fees' and t.${by} >= $2 and t.${by} < $3
      order by 1, p.sub_mchid nulls first, t.${by}, t.sequence`,
    [merchantId, from, to],
  );
}
