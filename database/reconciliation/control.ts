import { billDay } from '../../domain/bill-day.ts';
import { LINE_STATES, type LineKind, type LineState } from '../../domain/reconciliation.ts';
import { controlAccounts, NOT_DECIDED } from './book.ts';
import type { BillFile } from './files.ts';
import { isOpenBefore, itemsAddUp } from './items.ts';
import type { LongWork } from './long-work.ts';
import { CAUSE_END, POSTED_MOVEMENT } from './postings.ts';
import type { Run } from './runs.ts';

/** What a day comes to, and whether it adds up. The sums are those of the mainland, or of each currency of an overseas statement. */
export interface Balance extends Partial<Sums> {
  lines: Record<'all' | 'matched' | 'carried' | 'breaks', number>;
  /** Of an overseas statement, in place of the sums: there is nothing that adds up over currencies. */
  currencies?: Record<string, Sums>;
  checks: {
    /** Each row of the bills is in one line, and the lines are matched, carried or breaks. */
    rows: boolean;
    /** The lines add up to the bills' own last lines. */
    sums: boolean;
    /** What differs between ledger and fund flow is carried, a break, or was open before. */
    ledger: boolean;
    /** The difference of each open item is that of its lines, less what people have decided. */
    items: boolean;
  };
}

/** What the lines of one currency come to, in its smallest unit: fen. Positive when our receivable grows. */
export interface Sums {
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
  posted: { fees: number; coupons: number; movements: number };
}

/** Adds the lines of a run up and compares them with what the files and the ledger say by themselves. */
export async function balanceOf(
  db: LongWork,
  run: Run,
  files: { trade: BillFile; flow: BillFile | null },
): Promise<Balance> {
  const { rows: all } = await db.query<LineSums>(
    `select state, kind, currency, count(*)::integer lines, count(trade_line)::integer trade_rows, sum(flow_rows)::integer flow_rows,
            coalesce(sum(amount_bill), 0)::bigint amount, coalesce(sum(settlement), 0)::bigint settlement,
            coalesce(sum(fee_milli_fen), 0)::bigint fee_milli_fen, sum(bank)::bigint bank, sum(book)::bigint book,
            sum(posted_fee)::bigint fees, sum(posted_coupon)::bigint coupons, sum(${POSTED_MOVEMENT})::bigint movements,
            count(*) filter (where book + posted_fee + posted_coupon + ${POSTED_MOVEMENT} <> bank)::integer unequal
       from reconciliation_lines l where run = $1 group by state, kind, currency`,
    [run.sequence],
  );
  const receivable = await receivableOf(db, run);
  const isClosing = all.some(({ state, unequal }) => state === 'matched' && unequal > 0);
  const openBefore = isClosing ? await openBeforeOf(db, run) : new Map<string, number>();

  const { trade, flow } = files;
  const rowsOf = (of: 'trade_rows' | 'flow_rows') => total(all, (line) => line[of]);
  const parts =
    trade.kind === 'statement'
      ? currenciesOf(all, receivable).map((currency) => ({
          currency,
          closedBefore: openBefore.get(currency) ?? 0,
          sums: sumsOf(
            all.filter((line) => (line.currency ?? 'CNY') === currency),
            receivable.get(currency) ?? 0,
            flow,
          ),
        }))
      : [{ currency: '', closedBefore: sum(openBefore), sums: sumsOf(all, sum(receivable), flow) }];
  const kinds = tradeKinds(all);
  const wechat = total(all, ({ bank }) => bank);
  return {
    lines: {
      all: total(all, lines),
      matched: total(all, lines, isMatched),
      carried: total(all, lines, isCarried),
      breaks: total(all, lines, isBreak),
    },
    ...(trade.kind === 'statement'
      ? { currencies: Object.fromEntries(parts.map(({ currency, sums }) => [currency, sums])) }
      : parts[0]?.sums),
    checks: {
      rows:
        rowsOf('trade_rows') === trade.rowCount && (flow === null || rowsOf('flow_rows') === flow.rowCount),
      sums:
        agreesWith(trade.summary, rowsOf('trade_rows'), kinds) && (flow === null || netOf(flow) === wechat),
      ledger: parts.every(
        ({ closedBefore, sums: { ledger } }) =>
          ledger.unexplained === 0 && ledger.closed + closedBefore === 0,
      ),
      items: await itemsAddUp(db, run),
    },
  };
}

const total = (
  sums: LineSums[],
  of: (sums: LineSums) => number,
  where: (sums: LineSums) => boolean = () => true,
) => sums.filter(where).reduce((sum, line) => sum + of(line), 0);
const sum = (amounts: Map<string, number>) => [...amounts.values()].reduce((sum, amount) => sum + amount, 0);
const isMatched = ({ state }: LineSums) => state === 'matched';
const isCarried = ({ state }: LineSums) => state === 'carried';
const isBreak = (line: LineSums) => !isMatched(line) && !isCarried(line);
const lines = ({ lines }: LineSums) => lines;
const difference = ({ book, fees, coupons, movements, bank }: LineSums) =>
  book + fees + coupons + movements - bank;

/** Every currency in which the day has moved something. */
function currenciesOf(all: LineSums[], receivable: Map<string, number>): string[] {
  const moved = [...receivable].flatMap(([currency, change]) => (change === 0 ? [] : [currency]));
  return [...new Set([...all.map(({ currency }) => currency ?? 'CNY'), ...moved])].sort();
}

function sumsOf(sums: LineSums[], receivable: number, flow: BillFile | null): Sums {
  const wechat = total(sums, ({ bank }) => bank);
  const explained = {
    carried: total(sums, difference, isCarried),
    breaks: total(sums, difference, isBreak),
    closed: total(sums, difference, isMatched),
  };
  const unexplained = receivable - wechat - explained.carried - explained.breaks - explained.closed;
  return {
    states: Object.fromEntries(
      (Object.keys(LINE_STATES) as LineState[]).flatMap((state) => {
        const ofState = (line: LineSums) => line.state === state;
        return total(sums, lines, ofState) === 0
          ? []
          : [[state, { lines: total(sums, lines, ofState), difference: total(sums, difference, ofState) }]];
      }),
    ),
    bills: {
      trade: { rows: total(sums, ({ trade_rows }) => trade_rows), ...tradeKinds(sums) },
      fund_flow: flow && { rows: total(sums, ({ flow_rows }) => flow_rows), net: wechat },
    },
    ledger: { receivable, wechat, difference: receivable - wechat, ...explained, unexplained },
    posted: {
      fees: total(sums, ({ fees }) => fees),
      coupons: total(sums, ({ coupons }) => coupons),
      movements: total(sums, ({ movements }) => movements),
    },
  };
}

interface LineSums {
  state: LineState;
  kind: LineKind;
  currency: string | null;
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
  movements: number;
  /** Lines whose day here is not that at WeChat Pay. */
  unequal: number;
}

/** Sums of a trade bill by what its rows are. */
type TradeSums = Omit<Sums['bills']['trade'], 'rows'>;

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

/** What the lines of a run make of each figure of a trade bill's last line, by its name there. */
export function tradeFigures({ rows, ...kinds }: Sums['bills']['trade']): Record<string, number> {
  const back = (field: 'amount' | 'settlement') =>
    (kinds.refund?.[field] ?? 0) + (kinds.reversal?.[field] ?? 0);
  return {
    total_count: rows,
    settlement_total: kinds.payment?.settlement ?? 0,
    refund_total: back('settlement'),
    fee_total_milli_fen: Object.values(kinds).reduce((sum, kind) => sum + kind.fee_milli_fen, 0),
    order_total: kinds.payment?.amount ?? 0,
    requested_refund_total: back('amount'),
  };
}

/** Whether the lines add up to the last line of the bill; a layout that lacks a figure says nothing of it. */
function agreesWith(summary: BillFile['summary'], rows: number, kinds: TradeSums): boolean {
  if (!summary) return rows === 0;
  return Object.entries(tradeFigures({ rows, ...kinds })).every(
    ([figure, sum]) => summary[figure] === undefined || summary[figure] === sum,
  );
}

/** What a fund flow's last line says that the day has done to the account. */
export function netOf({ summary }: Pick<BillFile, 'summary'>): number {
  return summary ? (summary.income_amount ?? 0) - (summary.expense_amount ?? 0) : 0;
}

/**
 * What the day has done to the receivable of each currency, as the ledger itself adds up. What people have decided about breaks is not of the day. Movements
 * belong to no payment: those of a sub-merchant are the ones of its fund flow.
 */
async function receivableOf(db: LongWork, run: Run): Promise<Map<string, number>> {
  const { from, to } = billDay(run.billDate);
  const accounts = await controlAccounts(db, run);
  const receivable = new Map<string, number>();
  const add = async (part: string) => {
    const { rows } = await db.query<{ currency: string; change: number }>(
      `with changes as (
         select e.account, sum(case e.side when 'debit' then e.amount else -e.amount end)::bigint as change
           from ledger_transactions t
           join ledger_entries e on e.transaction = t.sequence and e.account = any($5::bigint[])
          where t.merchant_id = $1 and t.effective_at >= $2 and t.effective_at < $3 and ${part}
            and ($4::text is null or exists (select 1 from payments p where p.id = t.payment_id and p.sub_mchid = $4)
              or t.payment_id is null and (select regexp_replace(o.cause_id, '${CAUSE_END}', '') from ledger_transactions o
                                            where o.sequence = coalesce(t.reverses, t.sequence))
                 in (select subject from reconciliation_lines where run = $6 and kind = 'movement'))
          group by e.account
       )
       select a.currency, c.change from changes c join ledger_accounts a on a.id = c.account`,
      [run.merchantId, from, to, run.subMchid, accounts, run.sequence],
    );
    for (const { currency, change } of rows)
      receivable.set(currency, (receivable.get(currency) ?? 0) + change);
  };
  // By numbers of a whole day: one join, not a million look-ups. What was taken back is looked up.
  const [whole, takenBack] = NOT_DECIDED;
  await db.query('set local enable_nestloop = off; set local enable_mergejoin = off');
  await add(whole);
  await db.query('set local enable_nestloop = on; set local enable_mergejoin = on');
  await add(takenBack);
  return receivable;
}

/** What earlier days had left open of the subjects that agree now, by currency. */
async function openBeforeOf(db: LongWork, run: Run): Promise<Map<string, number>> {
  const { rows } = await db.query<{ currency: string; open: number }>(
    `with closed as materialized (
       select subject from reconciliation_lines l
        where run = $1 and state = 'matched' and book + posted_fee + posted_coupon + ${POSTED_MOVEMENT} <> bank
     )
     select coalesce(l.currency, 'CNY') as currency, sum(l.book - l.bank)::bigint as open
       from closed c
       join reconciliation_lines l on l.subject = c.subject and l.state <> 'matched'
       join reconciliation_items i on i.merchant_id = $3 and i.subject = l.subject
       join reconciliation_runs r on r.sequence = l.run and r.status = 'done' and r.merchant_id = $3 and ${isOpenBefore('$2')}
      group by 1`,
    [run.sequence, run.billDate, run.merchantId],
  );
  return new Map(rows.map(({ currency, open }) => [currency, open]));
}
