import { z } from 'zod';
import { invalidFields } from './problems.ts';

/** Where a list is read from: `limit` newest first, after or before one that was seen. Never by page numbers: the list grows meanwhile. */
export const PAGE_FIELDS = {
  limit: z.coerce
    .number({ message: 'must be a whole number' })
    .int({ message: 'must be a whole number' })
    .min(1, { message: 'must be at least 1' })
    .max(100, { message: 'must be at most 100' })
    .default(20),
  starting_after: z.string().optional(),
  ending_before: z.string().optional(),
};

/** For `.check` of an object with {@link PAGE_FIELDS}: one direction at a time. */
export function oneDirection(
  context: z.core.ParsePayload<{ starting_after?: unknown; ending_before?: unknown }>,
): void {
  const { value, issues } = context;
  if (value.starting_after === undefined || value.ending_before === undefined) return;
  issues.push({
    code: 'custom',
    path: ['ending_before'],
    message: 'cannot be combined with starting_after',
    input: value.ending_before,
  });
}

/**
 * Reads one page.
 * @param read the rows after (older than) or before (newer than) one, newest first; nothing when there is no such row. One row more than is shown
 * tells whether there are more.
 * @throws Problem `invalid_request` when the list has no row of that id.
 */
export async function readPage<Row>(
  page: { limit: number; starting_after?: string | undefined; ending_before?: string | undefined },
  read: (page: {
    limit: number;
    after?: string | undefined;
    before?: string | undefined;
  }) => Promise<Row[] | undefined>,
): Promise<{ rows: Row[]; hasMore: boolean }> {
  const { limit, starting_after: after, ending_before: before } = page;
  const found = await read({ limit: limit + 1, after, before });
  if (!found) {
    const pointer = before === undefined ? '/starting_after' : '/ending_before';
    throw invalidFields([{ pointer, detail: 'is not an id of this list' }]);
  }
  // The one too many is the oldest; of those before a row it is the newest.
  const rows = before === undefined ? found.slice(0, limit) : found.slice(-limit);
  return { rows, hasMore: found.length > limit };
}

/** A list as the API shows it. */
export function listResource<Item>(data: Item[], hasMore: boolean) {
  return { object: 'list', has_more: hasMore, data };
}
