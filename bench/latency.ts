/** What is said of a set of latencies, in milliseconds. */
export interface Latency {
  p50: number;
  p99: number;
  max: number;
}

/**
 * The nearest-rank percentile: the smallest value that at least `percent` % of all values do not exceed. It is always a value that was
 * measured; nothing is interpolated, so a p99 of 50 values is their maximum.
 * @param sorted ascending
 * @param percent above 0, up to 100
 */
export function percentile(sorted: readonly number[], percent: number): number {
  if (!(percent > 0 && percent <= 100)) throw new RangeError(`no percentile: ${percent}`);
  const value = sorted[Math.ceil((percent / 100) * sorted.length) - 1];
  if (value === undefined) throw new RangeError('a percentile of nothing');
  return value;
}

/** p50, p99 and maximum of the values, in any order. */
export function latency(values: readonly number[]): Latency {
  const sorted = [...values].sort((a, b) => a - b);
  return { p50: percentile(sorted, 50), p99: percentile(sorted, 99), max: percentile(sorted, 100) };
}
