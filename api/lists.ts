import { z } from 'zod';
import type { Page, PageOf } from '../database/lists.ts';
import { invalidFields } from './problems.ts';

const id = z.string({ message: 'must be an id' }).regex(/^\w{1,64}$/, { message: 'must be an id' });

/** Where a list is read from: `limit` newest first, after or before one that was seen. Never by page numbers: the list grows meanwhile. */
export const PAGE_FIELDS = {
  limit: z.coerce
    .number({ message: 'must be a whole number' })
    .int({ message: 'must be a whole number' })
    .min(1, { message: 'must be at least 1' })
    .max(100, { message: 'must be at most 100' })
    .default(20),
  starting_after: id.optional(),
  ending_before: id.optional(),
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

/** A list as the API shows it. */
export function listResource<Item>(data: Item[], hasMore: boolean) {
  return { object: 'list', has_more: hasMore, data };
}

/** What a query with {@link PAGE_FIELDS} says of the page. */
interface PageQuery {
  limit: number;
  starting_after?: string | undefined;
  ending_before?: string | undefined;
}

/** The page that a query asks for, in the words of the database. */
export function pageOf({ limit, starting_after, ending_before }: PageQuery): Page {
  return { limit, startingAfter: starting_after, endingBefore: ending_before };
}

/**
 * A page of a list as the API shows it.
 * @param page undefined when the cursor is none of the list's.
 * @param whose what the list is of, in the plural.
 * @throws Problem `invalid_request` that names the cursor.
 */
export function pageResource<Row, Item>(
  page: PageOf<Row> | undefined,
  { ending_before }: PageQuery,
  whose: string,
  shown: (row: Row) => Item,
) {
  if (page)
    return listResource(
      page.rows.map((row) => shown(row)),
      page.hasMore,
    );
  const pointer = ending_before === undefined ? '/starting_after' : '/ending_before';
  throw invalidFields([{ pointer, detail: `is not the id of one of ${whose}` }]);
}
