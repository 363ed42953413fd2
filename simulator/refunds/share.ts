import { proportion } from '../money/fee.ts';

/** A refund of an order that is not closed, and what it took of one of its parts. */
interface Taken {
  refund: number;
  taken: number;
}

/**
 * The share that a refund has in a part of its order: in what the person paid, in what the merchant is settled with, in the fee. It is the
 * refund's proportion, rounded (official refund page); the last refund takes what is left. Roundings add up: where what is left would become
 * negative, or more than the refunds to come, a share is smaller or larger. Amounts in the smallest unit of their currencies.
 * @param part at most `total`, in the same currency; a part in another `currency` may be anything
 */
export function shareOf(
  refund: number,
  {
    part,
    total,
    before,
    currency = 'same',
  }: { part: number; total: number; before: readonly Taken[]; currency?: 'same' | 'other' },
): number {
  const toCome = before.reduce((rest, one) => rest - one.refund, total - refund);
  const left = before.reduce((rest, { taken }) => rest - taken, part);
  if (toCome <= 0) return left;
  const [least, most] = currency === 'same' ? [left - toCome, Math.min(left, refund)] : [0, left];
  return Math.max(0, least, Math.min(proportion(refund, part, total), most));
}
