/**
 * Days of bills. There is one time zone for all of them, Asia/Shanghai, which has had no summer time since 1991.
 */

const DAY_MS = 24 * 3600 * 1000;
const BEIJING_OFFSET_MS = 8 * 3600 * 1000;

/** A day of a bill, `2026-03-01`, in Asia/Shanghai. */
export type BillDate = string;

/** The first moment of the day and the first after it. @throws RangeError when there is no such day. */
export function billDay(date: BillDate): { from: Date; to: Date } {
  const from = new Date(`${date}T00:00:00+08:00`);
  // 2026-02-30 would be read as a day of March.
  if (!/^\d{4}-\d\d-\d\d$/.test(date) || Number.isNaN(from.getTime()) || billDateOf(from) !== date) {
    throw new RangeError(`${date} is no day: write it as 2026-03-01`);
  }
  return { from, to: new Date(from.getTime() + DAY_MS) };
}

/** The day in which a moment lies. */
export function billDateOf(moment: Date): BillDate {
  return new Date(moment.getTime() + BEIJING_OFFSET_MS).toISOString().slice(0, 10);
}

/** The day so many days later, or earlier. */
export function daysAfter(date: BillDate, days: number): BillDate {
  return billDateOf(new Date(billDay(date).from.getTime() + days * DAY_MS));
}

/** How many days lie between two of them; negative when the second is earlier. */
export function daysBetween(from: BillDate, to: BillDate): number {
  return Math.round((billDay(to).from.getTime() - billDay(from).from.getTime()) / DAY_MS);
}

/** Every day from the first to the last, both included. */
export function daysFrom(from: BillDate, to: BillDate): BillDate[] {
  return Array.from({ length: Math.max(0, daysBetween(from, to) + 1) }, (_, days) => daysAfter(from, days));
}
