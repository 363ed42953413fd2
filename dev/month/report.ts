import type { BillDate } from '../../domain/bill-day.ts';

/** A day, as it is told. */
export interface DayReport {
  date: BillDate;
  lines: number;
  injected: number;
  found: number;
  precision: number;
  recall: number;
  /** Whether all figures of all shops add up. */
  addsUp: boolean;
  /** Workers that were killed while the day was reconciled, and processes that were killed while it went on. */
  kills: { night: number; day: number };
  seconds: number;
}

/** A month, as it is told. */
export interface MonthReport {
  seed: number;
  days: DayReport[];
  /** How often each verdict was found, of each kind of line. */
  verdicts: Record<string, number>;
  /** How often each discrepancy was made. */
  discrepancies: Record<string, number>;
  violations: string[];
}

/** A day in a line. @param violations how many */
export function dayLine(
  { date, lines, injected, found, precision, recall, addsUp, kills, seconds }: DayReport,
  violations: number,
): string {
  const mark = violations === 0 ? '✔' : '✘';
  return `${mark} ${date}  ${lines} lines, ${injected} injected, ${found} found, precision ${precision.toFixed(3)}, recall ${recall.toFixed(3)}, ${
    addsUp ? 'adds up' : 'DOES NOT ADD UP'
  }, kills ${kills.night} by night and ${kills.day} by day, ${seconds} s`;
}

/** A month in a line. */
export function summary({ seed, days, verdicts, discrepancies, violations }: MonthReport): string {
  const sum = (of: (day: MonthReport['days'][number]) => number) =>
    days.reduce((total, day) => total + of(day), 0);
  const count = (counts: Record<string, number>) => Object.keys(counts).length;
  return `seed ${seed}, ${days.length} days: ${sum(({ lines }) => lines)} lines, ${sum(({ injected }) => injected)} injected in ${count(discrepancies)} ways, ${sum(
    ({ found }) => found,
  )} found with ${count(verdicts)} verdicts, ${sum(({ kills }) => kills.night)} kills by night, ${sum(({ kills }) => kills.day)} by day, ${violations.length} violations`;
}
