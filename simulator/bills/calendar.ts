import { GatewayError, paramError } from '../gateway-error.ts';
import { chinaTime } from '../time/china-time.ts';

const DAY_MS = 24 * 60 * 60_000;
const HOUR_MS = 60 * 60_000;

/** A day in Asia/Shanghai. */
export interface BillDay {
  /** `2026-03-01` */
  date: string;
  /** Its first millisecond, and that of the next day. */
  from: number;
  to: number;
}

/** The day of a date, `yyyy-MM-dd`; undefined when there is no such day. */
export function dayOf(date: string): BillDay | undefined {
  if (!/^\d{4}-\d\d-\d\d$/.test(date)) return undefined;
  const from = Date.parse(`${date}T00:00:00+08:00`);
  // 2026-02-30 is read as a day of March.
  if (Number.isNaN(from) || chinaTime(from).slice(0, 10) !== date) return undefined;
  return { date, from, to: from + DAY_MS };
}

/** `2026-03-01` for `20260301`; anything else as it is. */
export function isoDate(text: string): string {
  return text.replace(/^(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3');
}

/** @throws GatewayError 400 PARAM_ERROR */
export function billDay(date: string | null, field = 'bill_date'): BillDay {
  const day = date && dayOf(date);
  if (day) return day;
  throw paramError({
    field,
    value: date ?? undefined,
    issue: date ? 'must be a date, yyyy-MM-dd' : 'required',
    location: 'query',
  });
}

/** When the bill of a day is made: 09:00 of the next day. */
export function builtAt({ to }: BillDay): number {
  return to + 9 * HOUR_MS;
}

let shown = { second: Number.NaN, text: '' };

/** `2026-03-01 12:03:11`, as bills print times. */
export function billTime(milliseconds: number): string {
  const second = Math.floor(milliseconds / 1000);
  // Rows are in the order of time, and a large bill has many of one second.
  if (shown.second !== second) {
    shown = {
      second,
      text: chinaTime(second * 1000)
        .slice(0, 19)
        .replace('T', ' '),
    };
  }
  return shown.text;
}

/**
 * Whether the bill of a day can be had: trade and fund-flow bills three months back.
 * @throws GatewayError 400 INVALID_REQUEST for a day that has not begun or is too old, STATEMENT_CREATING before 09:00 of the next day.
 */
export function requireAvailable(
  day: BillDay,
  now: number,
  { available, oldest = monthsBack(now, 3) }: { available: 'next_day' | 'immediately'; oldest?: string },
): void {
  if (day.from > now) throw new GatewayError(400, 'INVALID_REQUEST', '账单日期不能晚于当前日期');
  if (day.date < oldest) throw new GatewayError(400, 'INVALID_REQUEST', '账单日期超过可下载的时间范围');
  if (available === 'next_day' && now < builtAt(day)) {
    throw new GatewayError(400, 'STATEMENT_CREATING', '账单生成中');
  }
}

/** The date so many months ago; the last of the month where that has no such day. */
export function monthsBack(now: number, months: number): string {
  const [year = 0, month = 0, day = 0] = chinaTime(now).slice(0, 10).split('-').map(Number);
  const lastDay = new Date(Date.UTC(year, month - months, 0)).getUTCDate();
  return new Date(Date.UTC(year, month - 1 - months, Math.min(day, lastDay))).toISOString().slice(0, 10);
}

/** The date so many days ago. */
export function daysBack(now: number, days: number): string {
  return chinaTime(now - days * DAY_MS).slice(0, 10);
}
