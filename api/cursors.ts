import { z } from 'zod';

/** As many rows a list gives at most. */
const MOST = 100;

/** Parameters of every list: how many rows, and after which one. */
export const pageParameters = {
  limit: z.coerce
    .number()
    .int({ message: 'must be a whole number' })
    .min(1, { message: 'must be at least 1' })
    .max(MOST, { message: `must be at most ${MOST}` })
    .default(20),
  starting_after: z.string().max(64).optional(),
};

/** A list as the API shows it. Ask for one row more than there is room for: it tells whether there are more. */
export function listResource<Row>(rows: Row[], limit: number, shown: (row: Row) => object) {
  return { object: 'list', data: rows.slice(0, limit).map(shown), has_more: rows.length > limit };
}
