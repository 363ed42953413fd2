import { billDay } from '../../domain/bill-day.ts';
import { LINE_STATES, type LineKind, type LineState } from '../../domain/reconciliation.ts';
import type { BillFile } from './files.ts';
import type { LongWork } from './long-work.ts';
import { controlAccounts, NOT_DECIDED } from './match.ts';
import type { Run } from './runs.ts';

/** What a day comes to, and whether it adds up. Amounts in fen, positive when our receivable grows. */
export interface Balance {
  lines: Record<'all' | 'matched' | 'carried' | 'breaks', number>;
  states: Partial<Record<LineState, { lines: number; difference: number }>>;
  bills: {
    /** Rows of the trade bill by what they are, as our lines have them. */
    trade: { rows: number } & Partial<
      Record<
        Exclude<LineKind, 'movement'>,
        { rows: number; amount: number; settlement: number; fee_milli_fen: number }
      >
    >;
    fund_flow: { rows: number; net: number } | null;
  };
  ledger: {
    /** What the day has done to our receivable, fees and coupons of this run included. */
    receivable: number;
    /** What it has done to the account at WeChat Pay. */
    wechat: number;
    /** The first without the second; what explains it follows. */
    difference: number;
    carried: number;
    breaks: number;
    /** Items of earlier days that the day has closed. */
    closed: number;
    unexplained: number;
  };
  /** What this run has found and posted. */
  posted: { fees: number; coupons: number };
  checks: {
    /** Each row of the bills is in one line, and the lines are matched, carried or breaks. */
    rows: boolean;
    /** The lines add up to the bills' own last lines. */
    sums: boolean;
    /** What differs between ledger and fund flow is carried, a break, or was open before. */
    ledger: boolean;
  };
}

/** Adds the lines of a run up and compares them with what the files and the ledger say by themselves. */
export async function balanceOf(
  db: LongWork,
  run: Run,
  files: { trade: BillFile; flow: BillFile | null },
): Promise<Balance> {
  const { rows: sums } = await db.query<LineSums>(
    `select state, kind, count(*)::integer lines, count(trade_line)::integer trade_rows, sum(flow_rows)::integer flow_rows,
            coalesce(sum(amount_bill), 0)::bigint amount, coalesce(sum(settlement), 0)::bigint settlement,
            coalesce(sum(fee_milli_fen), 0)::bigint fee_milli_fen, sum(bank)::bigint bank, sum(book)::bigint book,
            sum(posted_fee)::bigint fees, sum(posted_coupon)::bigint coupons,
            count(*) filter (where book + posted_fee + posted_coupon <> bank)::integer unequal
       from reconciliation_lines where run = $1 group by state, kind`,
    [run.sequence],
  );
  // By texts and numbers of a whole day: one join, not a million look-ups.
  await db.query('set local enable_nestloop = off; set local enable_mergejoin = off');
  const receivable = await receivableOf(db, run);
  await db.query('set local enable_nestloop = on; set local enable_mergejoin = on');
  const isClosing = sums.some(({ state, unequal }) => state === 'matched' && unequal > 0);
  const openBefore = isClosing ? await openBeforeOf(db, run) : 0;

  const total = (of: (sums: LineSums) => number, where: (sums: LineSums) => boolean = () => true) =>
    sums.filter(where).reduce((sum, line) => sum + of(line), 0);
  const isMatched = ({ state }: LineSums) => state === 'matched';
  const isCarried = ({ state }: LineSums) => state === 'carried';
  const isBreak = (line: LineSums) => !isMatched(line) && !isCarried(line);
  const lines = ({ lines }: LineSums) => lines;
  const difference = ({ book, fees, coupons, bank }: LineSums) => book + fees + coupons - bank;

  const tradeRows = total(({ trade_rows }) => trade_rows);
  const flowRows = total(({ flow_rows }) => flow_rows);
  const wechat = total(({ bank }) => bank);
  const explained = {
    carried: total(difference, isCarried),
    breaks: total(difference, isBreak),
    closed: total(difference, isMatched),
  };
  const unexplained = receivable - wechat - explained.carried - explained.breaks - explained.closed;
  const { trade, flow } = files;
  const kinds = tradeKinds(sums);
  return {
    lines: {
      all: total(lines),
      matched: total(lines, isMatched),
      carried: total(lines, isCarried),
      breaks: total(lines, isBreak),
    },
    states: Object.fromEntries(
      (Object.keys(LINE_STATES) as LineState[]).flatMap((state) => {
        const ofState = (line: LineSums) => line.state === state;
        return total(lines, ofState) === 0
          ? []
          : [[state, { lines: total(lines, ofState), difference: total(difference, ofState) }]];
      }),
    ),
    bills: {
      trade: { rows: tradeRows, ...kinds },
      fund_flow: flow && { rows: flowRows, net: wechat },
    },
    ledger: { receivable, wechat, difference: receivable - wechat, ...explained, unexplained },
    posted: { fees: total(({ fees }) => fees), coupons: total(({ coupons }) => coupons) },
    checks: {
      rows: tradeRows === trade.rowCount && (flow === null || flowRows === flow.rowCount),
      sums: agreesWith(trade.summary, tradeRows, kinds) && (flow === null || netOf(flow) === wechat),
      ledger: unexplained === 0 && explained.closed + openBefore === 0,
    },
  };
}

interface LineSums {
  state: LineState;
  kind: LineKind;
  lines: number;
  trade_rows: number;
  flow_rows: number;
  amount: number;
  settlement: number;
  fee_milli_fen: number;
  bank: number;
  book: number;
  fees: number;
  coupons: number;
  /** Lines whose day here is not that at WeChat Pay. */
  unequal: number;
}

type TradeSums = Omit<Balance['bills']['trade'], 'rows'>;

function tradeKinds(sums: LineSums[]): TradeSums {
  const kinds: TradeSums = {};
  for (const { kind, trade_rows: rows, amount, settlement, fee_milli_fen } of sums) {
    if (rows === 0 || kind === 'movement') continue;
    const before = kinds[kind] ?? { rows: 0, amount: 0, settlement: 0, fee_milli_fen: 0 };
    kinds[kind] = {
      rows: before.rows + rows,
      amount: before.amount + amount,
      settlement: before.settlement + settlement,
      fee_milli_fen: before.fee_milli_fen + fee_milli_fen,
    };
  }
  return kinds;
}

/** The figures of a trade bill's last line, by their names there; a layout that lacks one says nothing of it. */
function agreesWith(summary: BillFile['summary'], rows: number, kinds: TradeSums): boolean {
  if (!summary) return rows === 0;
  const back = (field: 'amount' | 'settlement') =>
    (kinds.refund?.[field] ?? 0) + (kinds.reversal?.[field] ?? 0);
  const fees = Object.values(kinds).reduce((sum, kind) => sum + kind.fee_milli_fen, 0);
  const ours: Record<string, number> = {
    total_count: rows,
    settlement_total: kinds.payment?.settlement ?? 0,
    refund_total: back('settlement'),
    fee_total_milli_fen: fees,
    order_total: kinds.payment?.amount ?? 0,
    requested_refund_total: back('amount'),
  };
  return Object.entries(ours).every(
    ([figure, sum]) => summary[figure] === undefined || summary[figure] === sum,
  );
}

function netOf({ summary }: BillFile): number {
  return summary ? (summary.income_amount ?? 0) - (summary.expense_amount ?? 0) : 0;
}

/** What the day has done to the receivable, as the ledger itself adds up. What people have decided about breaks is not of the day. */
async function receivableOf(db: LongWork, run: Run): Promise<number> {
  const { from, to } = billDay(run.billDate);
  const { rows } = await db.query<{ change: number }>(
    `select coalesce(sum(case e.side when 'debit' then e.amount else -e.amount end), 0)::bigint as change
       from ledger_transactions t
       join ledger_entries e on e.transaction = t.sequence and e.account = any($5::bigint[])
      where t.merchant_id = $1 and t.effective_at >= $2 and t.effective_at < $3 and ${NOT_DECIDED}
        and ($4::text is null or exists (select 1 from payments p where p.id = t.payment_id and p.sub_mchid = $4))`,
    [run.merchantId, from, to, run.subMchid, await controlAccounts(db, run)],
  );
  return rows[0]?.change ?? 0;
}

/** What earlier days had left open of the subjects that agree now. */
async function openBeforeOf(db: LongWork, run: Run): Promise<number> {
  const { rows } = await db.query<{ open: number }>(
    `with closed as materialized (
       select subject from reconciliation_lines
        where run = $1 and state = 'matched' and book + posted_fee + posted_coupon <> bank
     )
     select coalesce(sum(l.book - l.bank), 0)::bigint as open
       from closed c
       join reconciliation_lines l on l.subject = c.subject and l.state <> 'matched'
       join reconciliation_runs r on r.sequence = l.run and r.status = 'done' and r.bill_date < $2 and r.merchant_id = $3`,
    [run.sequence, run.billDate, run.merchantId],
  );
  return rows[0]?.open ?? 0;
}
