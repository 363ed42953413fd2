/** What a closed loop has done. */
export interface Loop<Result> {
  results: Result[];
  /** Message of each that failed. */
  failures: string[];
  /** From the first start to the last end. */
  seconds: number;
}

/**
 * Does `one` `count` times with `concurrency` of them in flight: a new one starts when one has ended, so the load adapts to what the
 * system can do and never piles up. Failures are counted; after as many as there may be in flight the rest is not started, as nothing
 * works any more.
 * @throws the signal's reason when it was aborted
 */
export async function closedLoop<Result>(
  { count, concurrency, signal }: { count: number; concurrency: number; signal?: AbortSignal | undefined },
  one: () => Promise<Result>,
): Promise<Loop<Result>> {
  const results: Result[] = [];
  const failures: string[] = [];
  let started = 0;
  async function lane(): Promise<void> {
    while (started < count && failures.length < concurrency && !signal?.aborted) {
      started += 1;
      try {
        results.push(await one());
      } catch (error) {
        failures.push(error instanceof Error ? error.message : String(error));
      }
    }
  }
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: Math.min(concurrency, count) }, lane));
  const seconds = (performance.now() - startedAt) / 1000;
  // Not before those in flight have ended: what they use is closed next.
  signal?.throwIfAborted();
  return { results, failures, seconds };
}
