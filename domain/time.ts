const BEIJING_OFFSET_MS = 8 * 3600 * 1000;

/**
 * RFC 3339 in whole seconds with Beijing's offset, the form of every time WeChat Pay sends and expects, e.g. `2026-03-01T12:30:00+08:00`.
 */
export function rfc3339(time: Date): string {
  const beijing = new Date(time.getTime() + BEIJING_OFFSET_MS);
  return `${beijing.toISOString().slice(0, 19)}+08:00`;
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
