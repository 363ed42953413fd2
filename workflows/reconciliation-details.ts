import { formatMoney } from '../domain/money.ts';
import { BILLS, type BillKind, billsOf } from '../domain/region.ts';
import type { AccountResult, DayToReconcile, ReconciliationResult } from './reconciliation-start.ts';

type Done = Extract<ReconciliationResult, { kind: 'done' }>;

/** What the Temporal UI shows of a day while it is reconciled, and of its end: Markdown. */
export function runDetails(
  { mchid, subMchid, billDate, region }: DayToReconcile,
  bills: Partial<Record<BillKind, string>>,
  result?: ReconciliationResult,
): string {
  const whose = subMchid === null ? mchid : `${mchid} for ${subMchid}`;
  return `| ${whose} | ${billDate} |
|---|---|
${billsOf(region)
  .map((kind) => `| ${BILLS[kind].title} | ${bills[kind] ?? 'waiting for WeChat Pay'} |`)
  .join('\n')}
| result | ${result ? resultLine(result) : 'under way'} |`;
}

/** What the Temporal UI shows of a night: a line for each day of each account. */
export function nightDetails(mchid: string, results: AccountResult[]): string {
  return `| account | day | |
|---|---|---|
${results
  .map(
    ({ subMchid, billDate, result }) =>
      `| ${subMchid ?? mchid} | ${billDate} | ${result ? resultLine(result) : 'under way'} |`,
  )
  .join('\n')}`;
}

/** How a day ended, in one line. */
export function resultLine(result: ReconciliationResult): string {
  switch (result.kind) {
    case 'failed':
      return `failed: ${BILLS[result.failure.file].title}: ${result.failure.detail}`;
    case 'broken':
      return `could not be brought to an end: ${result.reason}`;
    case 'done': {
      const { all, matched, carried, breaks } = result.lines;
      const wrong = Object.entries(result.checks)
        .filter(([, holds]) => !holds)
        .map(([check]) => check);
      return [
        `${all} lines = ${matched} matched + ${carried} carried + ${breaks} breaks`,
        `ledger ${wrong.includes('ledger') ? `unexplained by ${unexplained(result)}` : 'explained'}`,
        ...(wrong.length > 0 ? [`does not add up: ${wrong.join(', ')}`] : []),
        ...(result.restated
          ? [
              `restated: ${result.restated.added} added, ${result.restated.removed} removed, ${result.restated.changed} changed`,
            ]
          : []),
        ...(result.changed ? [] : ['nothing has changed']),
      ].join('; ');
    }
  }
}

/** What nothing explains, in each currency. */
function unexplained({ unexplained = 0, currencies }: Done): string {
  if (!currencies) return formatMoney(unexplained, 'CNY');
  return Object.entries(currencies)
    .filter(([, { unexplained }]) => unexplained !== 0)
    .map(([currency, { unexplained }]) => formatMoney(unexplained, currency))
    .join(', ');
}
