import type { Pool } from '../database/pool.ts';
import { type Balance, netOf, type Sums, tradeFigures } from '../database/reconciliation/control.ts';
import { type BillFile, findBillFiles } from '../database/reconciliation/files.ts';
import type { Line } from '../database/reconciliation/listing.ts';
import { type RunBreak, runBreaks, runLines } from '../database/reconciliation/reports.ts';
import { mustLoadRun, type Run } from '../database/reconciliation/runs.ts';
import { fromSnapshot, type Snapshot } from '../database/snapshot.ts';
import type { Fen } from '../domain/money.ts';
import { gatewayReferenceOf, referenceOf } from './break-ageing.ts';
import { type Column, type Table, tableOf } from './table.ts';

/** A figure of a run beside the one that it has to equal. */
interface SummaryLine {
  section: 'run' | 'file' | 'rows' | 'sums' | 'ledger' | 'posted';
  what: string;
  text?: string | null;
  /** Of the amounts; absent where there are none. */
  currency?: string;
  count?: number;
  /** What the other side says. */
  otherCount?: number;
  amount?: Fen;
  otherAmount?: Fen;
  /** In thousandths of a fen. */
  fee?: number;
  otherFee?: number;
}

/** Columns of the sheet `Summary`. */
export const RUN_SUMMARY_COLUMNS = [
  { name: 'section', kind: 'text', of: ({ section }) => section },
  { name: 'what', kind: 'text', of: ({ what }) => what },
  { name: 'text', kind: 'text', of: ({ text }) => text ?? null },
  { name: 'currency', kind: 'text', of: ({ currency }) => currency ?? null },
  { name: 'count', kind: 'number', of: ({ count }) => count ?? null },
  { name: 'count_of_the_other', kind: 'number', of: ({ otherCount }) => otherCount ?? null },
  { name: 'amount', kind: 'amount', of: ({ amount }) => amount ?? null },
  { name: 'amount_of_the_other', kind: 'amount', of: ({ otherAmount }) => otherAmount ?? null },
  { name: 'fee', kind: 'fee', of: ({ fee }) => fee ?? null },
  { name: 'fee_of_the_other', kind: 'fee', of: ({ otherFee }) => otherFee ?? null },
  { name: 'agrees', kind: 'text', of: agreement },
] as const satisfies Column<SummaryLine>[];

/** Columns of the sheet `Lines`. */
export const RUN_LINE_COLUMNS = [
  { name: 'position', kind: 'number', of: ({ ordinal }) => ordinal },
  { name: 'kind', kind: 'text', of: ({ kind }) => kind },
  { name: 'state', kind: 'text', of: ({ state }) => state },
  { name: 'reason', kind: 'text', of: ({ reason }) => reason },
  { name: 'matched_by', kind: 'text', of: ({ rule }) => rule },
  { name: 'fund_flow_matched_by', kind: 'text', of: ({ flowRule }) => flowRule },
  { name: 'out_trade_no', kind: 'text', of: ({ outTradeNo }) => outTradeNo },
  { name: 'transaction_id', kind: 'text', of: ({ transactionId }) => transactionId },
  { name: 'out_refund_no', kind: 'text', of: ({ outRefundNo }) => outRefundNo },
  { name: 'wechat_refund_id', kind: 'text', of: ({ wechatRefundId }) => wechatRefundId },
  { name: 'occurred_at', kind: 'time', of: ({ occurredAt }) => occurredAt },
  { name: 'currency', kind: 'text', of: ({ currency }) => currency },
  { name: 'amount_here', kind: 'amount', of: ({ amountHere }) => amountHere },
  { name: 'trade_bill_line', kind: 'number', of: ({ tradeLine }) => tradeLine },
  { name: 'trade_bill_amount', kind: 'amount', of: ({ amountBill }) => amountBill },
  { name: 'trade_bill_settlement', kind: 'amount', of: ({ settlement }) => settlement },
  { name: 'trade_bill_fee', kind: 'fee', of: ({ feeMilliFen }) => feeMilliFen },
  { name: 'fund_flow_line', kind: 'number', of: ({ flowLine }) => flowLine },
  { name: 'fund_flow_amount', kind: 'amount', of: ({ amountFlow }) => amountFlow },
  { name: 'fund_flow_fee', kind: 'amount', of: ({ feeFlow }) => feeFlow },
  { name: 'wechat', kind: 'amount', of: ({ bank }) => bank },
  { name: 'receivable', kind: 'amount', of: ({ book }) => book },
  { name: 'posted_fee', kind: 'amount', of: ({ postedFee }) => postedFee },
  { name: 'posted_coupon', kind: 'amount', of: ({ postedCoupon }) => postedCoupon },
  { name: 'posted_movement', kind: 'amount', of: ({ postedMovement }) => postedMovement },
  { name: 'difference', kind: 'amount', of: differenceOf },
] as const satisfies Column<Line>[];

/** Columns of the sheet `Breaks`. */
export const RUN_BREAK_COLUMNS = [
  { name: 'position', kind: 'number', of: ({ position }) => position },
  { name: 'kind', kind: 'text', of: ({ kind }) => kind },
  { name: 'state', kind: 'text', of: ({ state }) => state },
  { name: 'reason', kind: 'text', of: ({ reason }) => reason },
  { name: 'our_reference', kind: 'text', of: referenceOf },
  { name: 'gateway_reference', kind: 'text', of: gatewayReferenceOf },
  { name: 'amount', kind: 'amount', of: ({ difference }) => difference },
  { name: 'currency', kind: 'text', of: ({ currency }) => currency },
  { name: 'status', kind: 'text', of: ({ status }) => status },
  { name: 'resolution', kind: 'text', of: ({ resolution }) => resolution },
  { name: 'owner', kind: 'text', of: ({ owner }) => owner },
  { name: 'open_since', kind: 'time', of: ({ openedAt }) => openedAt },
  { name: 'last_comment', kind: 'text', of: ({ comment }) => comment },
  { name: 'commented_by', kind: 'text', of: ({ commentedBy }) => commentedBy },
  { name: 'commented_at', kind: 'time', of: ({ commentedAt }) => commentedAt },
  { name: 'break', kind: 'text', of: ({ id }) => id },
] as const satisfies Column<RunBreak>[];

/** The sheets of a run, all from one moment of the database: what it comes to, every line, and the breaks. */
export function runTables(pool: Pool, run: Pick<Run, 'sequence'>): AsyncGenerator<Table> {
  return fromSnapshot(pool, (snapshot) => tablesOf(snapshot, run.sequence));
}

async function* tablesOf(snapshot: Snapshot, sequence: number): AsyncGenerator<Table> {
  const run = await mustLoadRun(snapshot, sequence);
  const files = await findBillFiles(snapshot, [run.tradeFile, run.flowFile]);
  yield tableOf('Summary', RUN_SUMMARY_COLUMNS, each(summaryLines(run, files)));
  yield tableOf('Lines', RUN_LINE_COLUMNS, runLines(snapshot, run));
  yield tableOf('Breaks', RUN_BREAK_COLUMNS, runBreaks(snapshot, run));
}

function* summaryLines(run: Run, files: BillFile[]): Generator<SummaryLine> {
  const word = (what: string, text: string | null): SummaryLine => ({ section: 'run', what, text });
  yield word('reconciliation', run.id);
  yield word('mchid', run.mchid);
  yield word('sub_mchid', run.subMchid);
  yield word('bill_date', run.billDate);
  yield { section: 'run', what: 'version', count: run.version };
  yield { section: 'run', what: 'revision', count: run.revision };
  yield word('status', run.status);
  if (run.failure) yield word('failure', `${run.failure.file} ${run.failure.code}: ${run.failure.detail}`);
  for (const { kind, rowCount, sha256 } of files) {
    yield {
      section: 'file',
      what: kind,
      text: sha256?.toString('hex') ?? null,
      ...(rowCount !== null && { count: rowCount }),
    };
  }
  const balance = run.summary as Balance | null;
  if (balance) yield* identities(balance, files);
}

/** What every run has to fulfil, figure by figure; what is counted in money, for each currency of an overseas statement. */
function* identities({ lines, currencies, ...whole }: Balance, files: BillFile[]): Generator<SummaryLine> {
  const flow = files.find(({ kind }) => kind === 'fund_flow');
  const trade = files.find((file) => file !== flow);
  const parts = Object.entries(currencies ?? { CNY: whole as Sums });
  const { matched, carried, breaks } = lines;
  yield {
    section: 'rows',
    what: trade?.kind === 'statement' ? 'statement' : 'trade_bill',
    count: parts.reduce((sum, [, { bills }]) => sum + bills.trade.rows, 0),
    otherCount: trade?.rowCount ?? 0,
  };
  if (flow)
    yield {
      section: 'rows',
      what: 'fund_flow',
      count: parts.reduce((sum, [, { bills }]) => sum + (bills.fund_flow?.rows ?? 0), 0),
      otherCount: flow.rowCount ?? 0,
    };
  yield { section: 'rows', what: 'matched', count: matched };
  yield { section: 'rows', what: 'carried', count: carried };
  yield { section: 'rows', what: 'breaks', count: breaks };
  yield { section: 'rows', what: 'lines', count: matched + carried + breaks, otherCount: lines.all };

  // A statement's last line only counts its rows: nothing adds up over currencies.
  if (!currencies) yield* billSums(whole as Sums, trade, flow);
  for (const [currency, sums] of parts) yield* ledgerSums(currency, sums);
}

function* billSums({ bills }: Sums, trade?: BillFile, flow?: BillFile): Generator<SummaryLine> {
  const section = 'sums';
  for (const [what, ours] of Object.entries(tradeFigures(bills.trade))) {
    const theirs = trade?.summary?.[what];
    if (what === 'total_count')
      yield { section, what, count: ours, ...(theirs !== undefined && { otherCount: theirs }) };
    else if (what === 'fee_total_milli_fen')
      yield { section, what: 'fee_total', fee: ours, ...(theirs !== undefined && { otherFee: theirs }) };
    else
      yield {
        section,
        what,
        currency: 'CNY',
        amount: ours,
        ...(theirs !== undefined && { otherAmount: theirs }),
      };
  }
  if (bills.fund_flow) {
    const otherAmount = flow ? netOf(flow) : 0;
    yield { section, what: 'fund_flow_net', currency: 'CNY', amount: bills.fund_flow.net, otherAmount };
  }
}

function* ledgerSums(currency: string, { ledger, posted }: Sums): Generator<SummaryLine> {
  const section = 'ledger';
  for (const what of ['receivable', 'wechat', 'carried', 'breaks', 'closed'] as const)
    yield { section, what, currency, amount: ledger[what] };
  yield {
    section,
    what: 'difference',
    currency,
    amount: ledger.difference,
    otherAmount: ledger.carried + ledger.breaks + ledger.closed,
  };
  for (const [what, amount] of Object.entries(posted)) yield { section: 'posted', what, currency, amount };
}

/** Whether a figure is that of the other side; nothing where there is no other. */
function agreement({ count, otherCount, amount, otherAmount, fee, otherFee }: SummaryLine): string | null {
  const pairs = [
    [count, otherCount],
    [amount, otherAmount],
    [fee, otherFee],
  ].filter(([, other]) => other !== undefined);
  if (pairs.length === 0) return null;
  return pairs.every(([one, other]) => one === other) ? 'yes' : 'no';
}

/** What WeChat Pay has more than our receivable. */
function differenceOf({ bank, book, postedFee, postedCoupon, postedMovement }: Line): Fen {
  return bank - book - postedFee - postedCoupon - postedMovement;
}

async function* each<Item>(items: Iterable<Item>): AsyncGenerator<Item> {
  yield* items;
}
