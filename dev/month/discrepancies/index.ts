import { BEHIND_DISCREPANCIES } from './behind.ts';
import { BILL_DISCREPANCIES } from './bills.ts';
import { BOOK_DISCREPANCIES } from './books.ts';
import { MIDNIGHT_DISCREPANCIES } from './midnight.ts';
import { OUTSIDE_DISCREPANCIES } from './outside.ts';

/** Every way in which a day can be wrong, and some in which it only looks so. */
export const DISCREPANCIES = [
  ...BILL_DISCREPANCIES,
  ...OUTSIDE_DISCREPANCIES,
  ...BEHIND_DISCREPANCIES,
  ...MIDNIGHT_DISCREPANCIES,
  ...BOOK_DISCREPANCIES,
];

/** Reasons of days on which nothing is wrong. */
export const EVERYDAY_REASONS = ['agreed', 'refunded'] as const;
