const CHINA_OFFSET_MS = 8 * 60 * 60 * 1000;

let [shownSecond, shown] = [Number.NaN, ''];

/** RFC 3339 with the offset of Asia/Shanghai, the form of every time in v3 answers: `2026-03-01T12:03:11+08:00`. */
export function chinaTime(milliseconds: number): string {
  // Most times within a request are of the same second.
  const second = Math.floor(milliseconds / 1000);
  if (second !== shownSecond) {
    shown = `${new Date(milliseconds + CHINA_OFFSET_MS).toISOString().slice(0, 19)}+08:00`;
    shownSecond = second;
  }
  return shown;
}

/** As {@link chinaTime}, with milliseconds: `2026-03-01T13:29:35.120+08:00`, the form of times in complaints. */
export function chinaMilliseconds(milliseconds: number): string {
  return `${new Date(milliseconds + CHINA_OFFSET_MS).toISOString().slice(0, 23)}+08:00`;
}

/** `20260301`, the date inside transaction and refund ids, in Asia/Shanghai. */
export function chinaDate(milliseconds: number): string {
  return chinaTime(milliseconds).slice(0, 10).replaceAll('-', '');
}

/** `20260301120000`, the time inside prepay ids and of v2, in Asia/Shanghai. */
export function chinaTimestamp(milliseconds: number): string {
  return chinaTime(milliseconds).slice(0, 19).replace(/\D/g, '');
}
