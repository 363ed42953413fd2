import assert from 'node:assert/strict';
import fc from 'fast-check';
import { REFUND_LIMITS, submitAgainMs } from '../../../domain/refund.ts';
import { FAILURE_MS, MISSING_AFTER_MS, type RefundRates, refundTurn } from '../../../domain/refund-turn.ts';

const { perSecond, burst } = REFUND_LIMITS.requests;

/** One that wants a token. */
interface Asker {
  /** When it asks first, and by how much it is late each time that it asks again, in milliseconds. */
  at: number;
  lateMs: number[];
  /** Its worker dies after it has asked for the first time, and nobody takes over. */
  dies: boolean;
}

/** What happened: who asked when, and whether there was a token. */
interface Ask {
  at: number;
  who: number;
  granted: boolean;
}

/** Has all of them ask, in the order of time, as the database does: each counts those in the queue ahead of it. */
function ask(askers: Asker[], failures: number[]): Ask[] {
  const rates: RefundRates = { now: 0, requestsFullAt: 0, failuresFullAt: 0 };
  const queue = new Map<number, { number: number; againAt: number }>();
  const asks: Ask[] = [];
  const calls = askers.map(({ at }, who) => ({ at, who, turn: 0 }));
  const failing = failures.toSorted((a, b) => b - a);
  for (;;) {
    calls.sort((a, b) => b.at - a.at || b.who - a.who);
    const call = calls.pop();
    if (!call) return asks;
    const { at, who } = call;
    while ((failing.at(-1) ?? Number.POSITIVE_INFINITY) <= at)
      rates.failuresFullAt = Math.max(rates.failuresFullAt, failing.pop() ?? 0) + FAILURE_MS;
    rates.now = at;
    const place = queue.get(who)?.number ?? Number.POSITIVE_INFINITY;
    const ahead = [...queue.values()].filter(
      ({ number, againAt }) => number < place && againAt > at - MISSING_AFTER_MS,
    ).length;
    const turn = refundTurn(rates, ahead);
    asks.push({ at, who, granted: turn.kind === 'now' });
    assert.ok(asks.length < 200 * askers.length, 'they ask without an end');
    if (turn.kind === 'now') {
      rates.requestsFullAt = turn.requestsFullAt;
      queue.delete(who);
      continue;
    }
    const againAt = at + turn.waitMs;
    queue.set(who, { number: Math.min(place, asks.length), againAt });
    const { lateMs, dies } = askers[who] as Asker;
    if (!dies)
      calls.push({ at: againAt + (lateMs[call.turn % lateMs.length] ?? 0), who, turn: call.turn + 1 });
  }
}

const asker = (longestLateMs: number, dies: fc.Arbitrary<boolean>) =>
  fc.record({
    at: fc.integer({ min: 0, max: 300 }),
    lateMs: fc.array(fc.integer({ min: 0, max: longestLateMs }), { minLength: 1, maxLength: 4 }),
    dies,
  });
const many = { minLength: 1, maxLength: 120, size: 'max' } as const;

describe('the turns of refunds', () => {
  it('never are more than WeChat Pay takes, and everyone that goes on asking has one', () => {
    assert.ok(burst + perSecond <= 150);
    fc.assert(
      fc.property(
        fc.array(
          asker(
            2 * MISSING_AFTER_MS,
            fc.integer({ min: 0, max: 9 }).map((one) => one === 0),
          ),
          many,
        ),
        fc.array(fc.integer({ min: 0, max: 3_000 }), { maxLength: 20 }),
        (askers, failures) => {
          const granted = ask(askers, failures).filter((one) => one.granted);
          for (const [first, { at: from }] of granted.entries()) {
            for (const [more, { at: to }] of granted.slice(first).entries())
              assert.ok(
                more + 1 <= burst + (perSecond * (to - from)) / 1000 + 1e-6,
                `${more + 1} in ${to - from} ms`,
              );
          }
          const served = granted.map(({ who }) => who);
          assert.equal(new Set(served).size, served.length, 'nobody has two');
          for (const [who, { dies }] of askers.entries())
            assert.ok(dies || served.includes(who), `${who} has none`);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('are in the order of asking: whoever was overtaken while it was away finds its token when it is back', () => {
    fc.assert(
      fc.property(fc.array(asker(MISSING_AFTER_MS - 1, fc.constant(false)), many), (askers) => {
        const waiting: { who: number; overtaken: boolean }[] = [];
        for (const { who, granted } of ask(askers, [])) {
          const place = waiting.findIndex((one) => one.who === who);
          if (!granted) {
            assert.ok(!waiting[place]?.overtaken, `${who} was overtaken for good`);
            if (place < 0) waiting.push({ who, overtaken: false });
            continue;
          }
          if (place >= 0) waiting.splice(place, 1);
          for (const one of place < 0 ? waiting : waiting.slice(0, place)) one.overtaken = true;
        }
        assert.deepEqual(waiting, []);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a refund whose call went wrong', () => {
  const now = Date.parse('2026-11-01T10:00:00+08:00');
  const again = (timesSent: number, sentBeforeMs: number) =>
    submitAgainMs(new Date(now - sentBeforeMs), timesSent, now);

  it('is tried again after a second, then as long after as it has been waited for, and at least once a minute', () => {
    assert.deepEqual(
      [again(1, 0), again(1, 700), again(1, 2_000), again(1, 45_000), again(1, 600_000)],
      [1_000, 1_000, 2_000, 45_000, 60_000],
    );
  });

  it('is sent twice as late each time', () => {
    assert.deepEqual(
      [1, 2, 3, 6, 7, 100].map((timesSent) => again(timesSent, 700)),
      [1_000, 2_000, 4_000, 32_000, 60_000, 60_000],
    );
  });

  it('minds no clock that is behind', () => {
    assert.equal(again(1, -5_000), 1_000);
  });
});
