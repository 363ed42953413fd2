import assert from 'node:assert/strict';
import { latency, percentile } from '../../../bench/latency.ts';

describe('percentiles of the benchmarks', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);

  it('are nearest-rank: the smallest value that so many percent do not exceed', () => {
    assert.equal(percentile(hundred, 50), 50);
    assert.equal(percentile(hundred, 99), 99);
    assert.equal(percentile(hundred, 99.1), 100);
    assert.equal(percentile(hundred, 100), 100);
    // The example of the definition's usual source: ranks 1, 2, 2, 3 and 5 of five values.
    const five = [15, 20, 35, 40, 50];
    assert.deepEqual(
      [5, 30, 40, 50, 100].map((percent) => percentile(five, percent)),
      [15, 20, 20, 35, 50],
    );
  });

  it('are always a value that was measured', () => {
    assert.equal(percentile([7], 1), 7);
    assert.equal(percentile([7], 99), 7);
    assert.equal(percentile([1, 1000], 50), 1);
    assert.equal(percentile([1, 1000], 51), 1000);
  });

  it('sort by number, and leave the measurements in their order', () => {
    const values = [100, 9, 30];
    assert.deepEqual(latency(values), { p50: 30, p99: 100, max: 100 });
    assert.deepEqual(values, [100, 9, 30]);
  });

  it('of nothing, or outside of 0 to 100, are an error', () => {
    assert.throws(() => percentile([], 50), RangeError);
    for (const percent of [0, -1, 101, Number.NaN]) assert.throws(() => percentile([1], percent), RangeError);
  });
});
