import { z } from 'zod';

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
