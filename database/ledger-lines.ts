import type { AccountCode, AccountKind, DatedBy, LedgerStep, REVERSAL } from '../domain/ledger.ts';
import type { Fen } from '../domain/money.ts';
import type { Snapshot } from './snapshot.ts';

/** Of what, and from when to when, a report is. */
export interface Period {
  merchantId: string;
  by: DatedBy;
  /** From this moment on. */
  from: Date;
  /** Before this moment. */
  to: Date;
}

/** One entry with what its transaction says. */
export interface LedgerLine {
  sequence: number;
  step: LedgerStep | typeof REVERSAL;
  postedAt: Date;
  effectiveAt: Date;
  account: AccountCode;
  kind: AccountKind;
  currency: string;
  side: 'debit' | 'credit';
  amount: Fen;
  /** Why it took another one back. */
  reason: string | null;
  reverses: number | null;
  /** Id of the payment or refund, or what else caused it. */
  causeId: string;
  outTradeNo: string | null;
  transactionId: string | null;
  outRefundNo: string | null;
  wechatRefundId: string | null;
  billReference: string | null;
  mchid: string;
  /** For whom a service provider took the money. */
  subMchid: string | null;
}

/** The entries of a period in the order of its dates, debits first; of one account, or of all. */
export function ledgerLines(
  snapshot: Snapshot,
  { merchantId, by, from, to }: Period,
  accountId?: number,
): AsyncIterable<LedgerLine> {
  return snapshot.rows<LedgerLine>(
    `select t.sequence, t.step, t.posted_at "postedAt", t.effective_at "effectiveAt", a.code account, a.kind, a.currency, e.side, e.amount,
            t.reason, t.reverses, t.cause_id "causeId", t.out_trade_no "outTradeNo", t.transaction_id "transactionId",
            t.out_refund_no "outRefundNo", t.wechat_refund_id "wechatRefundId", t.bill_reference "billReference", m.mchid,
            p.sub_mchid "subMchid"
       from ledger_transactions t
       join ledger_entries e on e.transaction = t.sequence
       join ledger_accounts a on a.id = e.account
       join merchants m on m.id = t.merchant_id
       left join payments p on p.id = t.payment_id
      where t.merchant_id = $1 and t.${by} >= $2 and t.${by} < $3 and ($4::bigint is null or e.account = $4)
      order by t.${by}, t.sequence, e.side desc, a.id`,
    [merchantId, from, to, accountId ?? null],
  );
}

/** What one step did to one account on one day. */
export interface DayTotal {
  /** Of Asia/Shanghai, `2026-03-01`. */
  day: string;
  account: AccountCode;
  currency: string;
  step: LedgerStep | typeof REVERSAL;
  transactions: number;
  debit: Fen;
  credit: Fen;
}

/** The totals of a period by day, account and step. Days without a transaction have none. */
export async function dayTotals(
  snapshot: Snapshot,
  { merchantId, by, from, to }: Period,
): Promise<DayTotal[]> {
  const { rows } = await snapshot.query<DayTotal>(
    `select to_char((t.${by} at time zone 'UTC') + interval '8 hours', 'YYYY-MM-DD') "day", a.code account, a.currency, t.step,
            count(*)::int transactions,
            coalesce(sum(e.amount) filter (where e.side = 'debit'), 0)::bigint debit,
            coalesce(sum(e.amount) filter (where e.side = 'credit'), 0)::bigint credit
       from ledger_transactions t
       join ledger_entries e on e.transaction = t.sequence
       join ledger_accounts a on a.id = e.account
      where t.merchant_id = $1 and t.${by} >= $2 and t.${by} < $3
      group by 1, a.id, t.step
      order by 1, a.id, t.step`,
    [merchantId, from, to],
  );
  return rows;
}

/** What went into and out of an account in a period. */
export async function periodTotals(
  snapshot: Snapshot,
  { by, from, to }: Period,
  accountId: number,
): Promise<{ entries: number; debits: Fen; debitEntries: number; credits: Fen; creditEntries: number }> {
  const { rows } = await snapshot.query(
    `select count(*)::int entries,
            coalesce(sum(e.amount) filter (where e.side = 'debit'), 0)::bigint debits,
            (count(*) filter (where e.side = 'debit'))::int "debitEntries",
            coalesce(sum(e.amount) filter (where e.side = 'credit'), 0)::bigint credits,
            (count(*) filter (where e.side = 'credit'))::int "creditEntries"
       from ledger_entries e join ledger_transactions t on t.sequence = e.transaction
      where e.account = $3 and t.${by} >= $1 and t.${by} < $2`,
    [from, to, accountId],
  );
  return rows[0];
}
