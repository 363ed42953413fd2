import assert from 'node:assert/strict';
import fc from 'fast-check';
import { shareOf } from '../../../simulator/refunds/share.ts';

/** An order, a part of it, and the sizes of refunds that add up to it. */
const refundedOrder = fc
  .tuple(fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 50 }), fc.nat(100))
  .map(([refunds, percentage]) => {
    const total = refunds.reduce((sum, refund) => sum + refund, 0);
    return { refunds, total, part: Math.floor((total * percentage) / 100) };
  });

function sharesOf({ refunds, total, part }: { refunds: number[]; total: number; part: number }): number[] {
  const before: { refund: number; taken: number }[] = [];
  for (const refund of refunds) before.push({ refund, taken: shareOf(refund, { part, total, before }) });
  return before.map(({ taken }) => taken);
}

describe('simulator: shares of refunds', () => {
  it('of five refunds of a fifth none is negative, and none is more than the refund', () => {
    const refunds = [1, 1, 1, 1, 1];
    assert.deepEqual(sharesOf({ refunds, total: 5, part: 3 }), [1, 1, 1, 0, 0]);
    assert.deepEqual(sharesOf({ refunds, total: 5, part: 2 }), [0, 0, 0, 1, 1]);
  });

  it('the documented example: 1000 of 2590, of which 2390 were paid, is 923', () => {
    assert.equal(shareOf(1000, { part: 2390, total: 2590, before: [] }), 923);
  });

  it('however an order is refunded: each share is within its refund, all of them are the part', () => {
    fc.assert(
      fc.property(refundedOrder, (order) => {
        const shares = sharesOf(order);
        assert.equal(
          shares.reduce((sum, share) => sum + share, 0),
          order.part,
        );
        for (const [index, share] of shares.entries()) {
          assert.ok(
            share >= 0 && share <= (order.refunds[index] ?? 0),
            `${share} of ${order.refunds[index]}`,
          );
        }
      }),
    );
  });

  it('refunds that are closed in between never make a share negative, nor all of them more than the part', () => {
    fc.assert(
      fc.property(
        refundedOrder,
        fc.array(fc.boolean(), { minLength: 50, maxLength: 50 }),
        (order, closed) => {
          const { total, part } = order;
          let open: { refund: number; taken: number }[] = [];
          for (const [index, refund] of order.refunds.entries()) {
            const taken = shareOf(refund, { part, total, before: open });
            assert.ok(taken >= 0 && taken <= refund, `${taken} of ${refund}`);
            open = [...open, { refund, taken }].slice(closed[index] ? 1 : 0);
            assert.ok(open.reduce((sum, one) => sum + one.taken, 0) <= part);
          }
        },
      ),
    );
  });
});
