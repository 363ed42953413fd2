import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { closedLoop } from '../../../bench/closed-loop.ts';

describe('closed loop of the benchmarks', () => {
  it('keeps as many in flight as it was told, and does each once', async () => {
    let inFlight = 0;
    let most = 0;
    const { results, failures } = await closedLoop({ count: 20, concurrency: 4 }, async () => {
      inFlight += 1;
      most = Math.max(most, inFlight);
      await setImmediate();
      inFlight -= 1;
      return 'done';
    });
    assert.deepEqual([results.length, failures.length, most], [20, 0, 4]);
  });

  it('counts failures and goes on', async () => {
    let turn = 0;
    const { results, failures } = await closedLoop({ count: 10, concurrency: 3 }, async () => {
      turn += 1;
      if (turn === 5) throw new Error('lost');
      return turn;
    });
    assert.equal(results.length, 9);
    assert.deepEqual(failures, ['lost']);
  });

  it('gives up when nothing works any more', async () => {
    let started = 0;
    const { failures } = await closedLoop({ count: 1_000, concurrency: 5 }, async () => {
      started += 1;
      await setImmediate();
      throw new Error('down');
    });
    assert.equal(failures.length, started);
    assert.ok(started < 20);
  });

  it('when aborted, starts nothing more and ends once those in flight have ended', async () => {
    const stop = new AbortController();
    let ended = 0;
    const loop = closedLoop({ count: 100, concurrency: 4, signal: stop.signal }, async () => {
      await setImmediate();
      stop.abort(new Error('enough'));
      ended += 1;
    });
    await assert.rejects(loop, /enough/);
    assert.equal(ended, 4);
  });
});
