import type { CopyRows } from '../../database/reconciliation/copy-rows.ts';
import type { BillFinding } from '../../database/reconciliation/files.ts';
import type { BillDate } from '../../domain/bill-day.ts';
import type { BillKind } from '../../domain/region.ts';

/** Whose bill, and of which day: another one is refused. */
export interface ExpectedBill {
  kind: BillKind;
  mchid: string;
  subMchid: string | null;
  billDate: BillDate;
  /** When the day begins, in seconds since 1970. */
  from: number;
}

/** A bill that is sound as a file and still not to be believed. */
export class UnsoundBill extends Error {
  override readonly name = 'UnsoundBill';
  readonly code: 'BILL_OF_ANOTHER_MERCHANT' | 'BILL_OF_ANOTHER_DAY' | 'BILL_UNREADABLE_ROW';
  readonly line: number;

  constructor(code: UnsoundBill['code'], line: number, what: string) {
    super(`Line ${line}: ${what}`);
    this.code = code;
    this.line = line;
  }
}

/** What was seen on the way. */
export interface Reading {
  rows: number;
  findings: Map<string, BillFinding>;
  /** The bill's own last line, once everything was read. */
  summary: Record<string, number> | null;
}

/** A reading that has not begun. */
export const newReading = (): Reading => ({ rows: 0, findings: new Map(), summary: null });

/** @returns the time in seconds since 1970. @throws UnsoundBill unless it is one, and of the day */
export function requireDay<Field extends string>(
  row: Record<Field, string> & Partial<Record<`${Field}_rfc3339`, string | undefined>>,
  field: Field,
  line: number,
  { billDate, from }: ExpectedBill,
): number {
  const text = row[field];
  const seconds = text.startsWith(billDate) ? secondsOfDay(text) : Number.NaN;
  if (!Number.isNaN(seconds)) return from + seconds;
  if (row[`${field}_rfc3339`] === undefined) {
    throw new UnsoundBill('BILL_UNREADABLE_ROW', line, `${JSON.stringify(text)} is no time.`);
  }
  throw new UnsoundBill('BILL_OF_ANOTHER_DAY', line, `the row is of ${text}, the bill of ${billDate}.`);
}

/** The time of day of `2026-03-01 10:20:30`, of which there are millions; NaN when it is none. */
function secondsOfDay(text: string): number {
  if (text.length !== 19 || text[10] !== ' ' || text[13] !== ':' || text[16] !== ':') return Number.NaN;
  return twoDigits(text, 11, 24) * 3600 + twoDigits(text, 14, 60) * 60 + twoDigits(text, 17, 60);
}

function twoDigits(text: string, at: number, below: number): number {
  const tens = text.charCodeAt(at) - ZERO;
  const ones = text.charCodeAt(at + 1) - ZERO;
  if (!(tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9)) return Number.NaN;
  const value = tens * 10 + ones;
  return value < below ? value : Number.NaN;
}
const ZERO = 48;

/** PostgreSQL has no such character, and a bill no use for it. @throws UnsoundBill when one was written */
export function requireNoNul({ hasNul }: CopyRows, line: number): void {
  if (hasNul) throw new UnsoundBill('BILL_UNREADABLE_ROW', line, 'it has a NUL character.');
}

/** The sub-merchant of a row; null where there is none. */
export const subMerchantOf = ({ sub_mchid }: { sub_mchid: string }): string | null =>
  sub_mchid === '0' || sub_mchid === '' ? null : sub_mchid;

/** What a row of a trade bill or a statement is about. @throws UnsoundBill for a state that is not known. */
export function kindOf(tradeState: string, line: number): 'payment' | 'refund' | 'reversal' {
  const kind = KINDS[tradeState];
  if (kind) return kind;
  throw new UnsoundBill('BILL_UNREADABLE_ROW', line, `the state ${tradeState} is not known.`);
}

/** The row of a refund is REFUND whatever became of it; REVOKED is a payment that was taken back. */
const KINDS: Record<string, 'payment' | 'refund' | 'reversal'> = {
  SUCCESS: 'payment',
  REFUND: 'refund',
  REVOKED: 'reversal',
};

/** A spreadsheet takes a text that begins so for a formula. */
const FORMULA = /^[=+\-@\t\r]/;

/** Names are the customer's and the merchant's own words: odd ones are shown, and neutralised wherever they are written out. */
export function noteName(title: string, text: string, line: number, reading: Reading): void {
  if (text === '') return;
  if (FORMULA.test(text)) {
    note(reading, 'formula_text', line, `${title} begins like a formula of a spreadsheet`);
  }
  if (text.includes('\ufffd')) note(reading, 'not_utf8', line, `${title} is not UTF-8, but GBK perhaps`);
}

/** Notes something odd; what was noted before is counted. */
export function note(reading: Reading, code: string, line: number, detail: string): void {
  const known = reading.findings.get(code);
  if (known) known.count += 1;
  else reading.findings.set(code, { code, line, detail, count: 1 });
}
