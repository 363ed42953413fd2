import { z } from 'zod';

const LARGEST_PAGE = 10_000;

/** What every list takes. */
export const pageQuery = {
  /** Entries of a page, 1000 unless told. */
  limit: z.coerce.number().int().min(1).max(LARGEST_PAGE).default(1000),
  /** Entries to leave out; `next_offset` of the page before. */
  offset: z.coerce.number().int().min(0).default(0),
};

/** What every list answers besides its entries. */
export const pageAnswer = {
  /** Entries that match, on all pages together. */
  total: z.int().nonnegative(),
  /** Where the next page starts; null on the last one. */
  next_offset: z.int().positive().nullable(),
};

/** One page of a list. */
export interface Page<T> {
  entries: T[];
  total: number;
  next_offset: number | null;
}

/** The entries that match, newest first, one page of them. */
export function listed<T>(
  newestFirst: readonly T[],
  { limit, offset }: { limit: number; offset: number },
  matches: (entry: T) => boolean = () => true,
): Page<T> {
  const matching = newestFirst.filter(matches);
  const end = offset + limit;
  return {
    entries: matching.slice(offset, end),
    total: matching.length,
    next_offset: end < matching.length ? end : null,
  };
}
