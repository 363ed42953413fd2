const BEIJING_OFFSET_MS = 8 * 3600 * 1000;

/**
 * RFC 3339 in whole seconds with Beijing's offset, the form of every time WeChat Pay sends and expects, e.g. `2026-03-01T12:30:00+08:00`.
 */
export function rfc3339(time: Date): string {
  const beijing = new Date(time.getTime() + BEIJING_OFFSET_MS);
  return `${beijing.toISOString().slice(0, 19)}+08:00`;
}

/** The day of the calendar in Asia/Shanghai, `2026-03-01`: bills, statements and exports are cut at its midnight. */
export function beijingDay(time: Date): string {
  return new Date(time.getTime() + BEIJING_OFFSET_MS).toISOString().slice(0, 10);
}

/** The day after. */
export function nextDay(day: string): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + 24 * 3600 * 1000).toISOString().slice(0, 10);
}

/**
 * The moment that a person means by a day (`2026-03-01`, of Asia/Shanghai) or by an RFC 3339 time.
 * @param edge where in a day: its first moment, or the first one after it.
 * @returns undefined when it is neither, or no day of the calendar.
 */
export function readMoment(text: string, edge: 'start' | 'end'): Date | undefined {
  const day = /^\d{4}-\d{2}-\d{2}$/.test(text);
  if (!day && !/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,3})?(Z|[+-]\d{2}:\d{2})$/.test(text))
    return undefined;
  const date = text.slice(0, 10);
  const midnight = new Date(`${date}T00:00:00Z`);
  // A thirtieth of February would be read as the second of March.
  if (Number.isNaN(midnight.getTime()) || midnight.toISOString().slice(0, 10) !== date) return undefined;
  const moment = new Date(day ? `${edge === 'start' ? date : nextDay(date)}T00:00:00+08:00` : text);
  return Number.isNaN(moment.getTime()) ? undefined : moment;
}

/**
 * A time that WeChat Pay sent, as a field to spread; nothing when it is missing or cannot be read. A time that nobody can read must not
 * keep money from being settled.
 */
export function readTime(text: unknown): { successTime?: Date } {
  const time = typeof text === 'string' ? new Date(text) : undefined;
  return time && !Number.isNaN(time.getTime()) ? { successTime: time } : {};
}

/**
 * The same schedule, so many times sooner.
 * @param speed 1 leaves it as it is; more asks WeChat Pay more often than it recommends.
 */
export function sooner<
  Timing extends { notifyWaitMs: number; pollGapsMs: number[]; gapMs?: number; topUpGapsMs?: number[] },
>(timing: Timing, speed: number): Timing {
  const less = (ms: number) => Math.ceil(ms / speed);
  return {
    ...timing,
    notifyWaitMs: less(timing.notifyWaitMs),
    pollGapsMs: timing.pollGapsMs.map(less),
    ...(timing.gapMs !== undefined && { gapMs: less(timing.gapMs) }),
    ...(timing.topUpGapsMs && { topUpGapsMs: timing.topUpGapsMs.map(less) }),
  };
}
