import type { BillDate } from '../../domain/bill-day.ts';
import type { ReconciliationResult } from '../../workflows/reconciliation-start.ts';
import type { MerchantBackend } from '../tour/merchant-backend.ts';
import { nameOf, type Shop } from './shop.ts';
import { type DayTruth, isMatched } from './truth.ts';

/** How what was found compares with what was made wrong. */
export interface Finding {
  lines: number;
  /** What was made wrong, and how much of it was found. */
  injected: number;
  /** What the reconciliation says is wrong, or was mended. */
  found: number;
  /** What it says and what was made wrong: the same. */
  right: number;
  /** Whether all figures add up: rows, sums and ledger. */
  addsUp: boolean;
  /** State and reason of every line. */
  verdicts: string[];
  /** One sentence for each; none when all is as it should be. */
  violations: string[];
}

/** A line as the API tells it, as far as it is compared. */
interface Line {
  position: number;
  kind: 'payment' | 'refund' | 'reversal' | 'movement';
  state: string;
  reason: string;
  out_trade_no: string | null;
  out_refund_no: string | null;
  fund_flow: { amount: number } | null;
  ledger: { receivable: number };
}

interface Page<Of> {
  data: Of[];
  has_more: boolean;
}

/** Compares a reconciled day of a shop with the truth, line by line, as a user of the API reads it. */
export async function audit(
  backend: MerchantBackend,
  { shop, date, truth }: { shop: Shop; date: BillDate; truth: DayTruth },
  result: ReconciliationResult,
): Promise<Finding> {
  const whose = `${date} ${nameOf(shop)}`;
  if (result.kind !== 'done') return failed(whose, truth, result);
  const lines = await linesOf(backend, result.runId);
  const expected = truth.lines.map((line) => `${line.key}: ${line.verdict}`);
  const seen = lines.map((line) => `${keyOf(line)}: ${line.state} ${line.reason}`);
  const missed = without(expected, seen);
  const invented = without(seen, expected);
  const repaired = { settle_payment: 0, sync_refund: 0, ...result.repaired };
  const repairs = (of: DayTruth['repaired']) => of.settle_payment + of.sync_refund;
  const rightRepairs =
    Math.min(repaired.settle_payment, truth.repaired.settle_payment) +
    Math.min(repaired.sync_refund, truth.repaired.sync_refund);
  const wrong = (all: string[]) => all.filter((line) => !line.includes(': matched '));
  const { all, matched, carried, breaks } = result.lines;
  const addsUp =
    Object.values(result.checks).every(Boolean) &&
    all === matched + carried + breaks &&
    all === lines.length &&
    result.unexplained === 0;
  const violations = [
    ...missed.map((line) => `${whose}: not found: ${line}`),
    ...invented.map((line) => `${whose}: found, and never made: ${line}`),
    ...(JSON.stringify(repaired) === JSON.stringify(truth.repaired)
      ? []
      : [`${whose}: mended ${JSON.stringify(repaired)}, not ${JSON.stringify(truth.repaired)}`]),
    ...(addsUp
      ? []
      : [`${whose}: does not add up: ${JSON.stringify({ ...result.checks, ...result.lines })}`]),
    ...(truth.failure ? [`${whose}: its bills were believed, in spite of ${truth.failure}`] : []),
  ];
  return {
    lines: lines.length,
    injected: truth.lines.filter((line) => !isMatched(line)).length + repairs(truth.repaired),
    found: wrong(seen).length + repairs(repaired),
    right: wrong(seen).length - wrong(invented).length + rightRepairs,
    addsUp,
    verdicts: lines.map(({ state, reason }) => `${state} ${reason}`),
    violations,
  };
}

/** A day whose bills are not to be believed: that is what is to be found. */
function failed(
  whose: string,
  truth: DayTruth,
  result: Exclude<ReconciliationResult, { kind: 'done' }>,
): Finding {
  const said = result.kind === 'failed' ? result.failure.code : result.reason;
  const right = said === truth.failure;
  return {
    lines: 0,
    injected: truth.failure ? 1 : 0,
    found: 1,
    right: right ? 1 : 0,
    addsUp: true,
    verdicts: [],
    violations: right
      ? []
      : [`${whose}: failed for ${said}${truth.failure ? `, not for ${truth.failure}` : ''}`],
  };
}

async function linesOf(backend: MerchantBackend, runId: string): Promise<Line[]> {
  const lines: Line[] = [];
  for (;;) {
    const after = lines.at(-1) ? `&starting_after=${lines.at(-1)?.position}` : '';
    const page = await backend.get<Page<Line>>(`/reconciliations/${runId}/lines?limit=100${after}`);
    lines.push(...page.data);
    if (!page.has_more) return lines;
  }
}

/** What a line is about, in the words of {@link Expected}. */
function keyOf({ kind, out_trade_no, out_refund_no, fund_flow, ledger }: Line): string {
  switch (kind) {
    case 'refund':
      return out_refund_no ?? '';
    case 'reversal':
      return `reversal ${out_trade_no}`;
    case 'movement':
      return `movement ${fund_flow?.amount ?? ledger.receivable}`;
    default:
      return out_trade_no ?? '';
  }
}

/** What is in the one and not in the other, each as often as it is there too often. */
function without(all: readonly string[], others: readonly string[]): string[] {
  const left = [...others];
  return all.filter((one) => {
    const index = left.indexOf(one);
    if (index >= 0) left.splice(index, 1);
    return index < 0;
  });
}

/** An open break, as the API tells it. */
interface Open {
  id: string;
  kind: Line['kind'];
  reason: string;
  status: string;
  out_trade_no: string | null;
  out_refund_no: string | null;
}

/** Compares the breaks that are open in the end with what never came right. @returns one sentence for each violation. */
export async function auditBreaks(
  backend: MerchantBackend,
  expected: readonly { key: string; verdict: string }[],
): Promise<string[]> {
  const open: Open[] = [];
  for (const status of ['carried', 'break']) {
    for (let after = ''; ; ) {
      const page = await backend.get<Page<Open>>(
        `/reconciliation-breaks?status=${status}&limit=100${after && `&starting_after=${after}`}`,
      );
      open.push(...page.data);
      after = page.data.at(-1)?.id ?? '';
      if (!page.has_more) break;
    }
  }
  const seen = open.map(({ kind, reason, out_trade_no, out_refund_no }) => {
    const number = kind === 'movement' ? kind : kind === 'refund' ? out_refund_no : out_trade_no;
    return `${kind === 'reversal' ? 'reversal ' : ''}${number}: ${reason}`;
  });
  const wanted = expected.map(
    ({ key, verdict }) => `${key.startsWith('movement ') ? 'movement' : key}: ${verdict.split(' ')[1]}`,
  );
  return [
    ...without(wanted, seen).map((one) => `in the end ${one} is not open`),
    ...without(seen, wanted).map((one) => `in the end ${one} is open, and should not be`),
  ];
}
