import { Problem } from './problems.ts';

/** Which page is asked for, as the query says it. */
interface PageQuery {
  limit: number;
  starting_after?: string | undefined;
  ending_before?: string | undefined;
}

/** Which page is read: the rows after (older than) or before (newer than) one. One row more than is shown tells whether there are more. */
export interface Cursor {
  limit: number;
  after?: string | undefined;
  before?: string | undefined;
}

/**
 * Reads one page.
 * @param read returns nothing when the row that the cursor names does not exist.
 * @throws Problem `invalid_request` in that case.
 */
export async function readPage<Row>(
  { limit, starting_after: after, ending_before: before }: PageQuery,
  read: (cursor: Cursor) => Promise<Row[] | undefined>,
): Promise<{ rows: Row[]; hasMore: boolean }> {
  const found = await read({ limit: limit + 1, after, before });
  if (!found) {
    const pointer = before === undefined ? '/starting_after' : '/ending_before';
    throw new Problem('invalid_request', 'Begin at the first page.', {
      errors: [{ pointer, detail: 'is not an id of this list' }],
    });
  }
  const hasMore = found.length > limit;
  // The one too many is the oldest, or, before a row, the newest.
  const rows = before === undefined ? found.slice(0, limit) : found.slice(-limit);
  return { rows, hasMore };
}

/** A page as the API shows it. */
export function listResource<Item>(data: Item[], hasMore = false) {
  return { object: 'list', data, has_more: hasMore };
}
