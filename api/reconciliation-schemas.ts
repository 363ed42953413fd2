import { z } from 'zod';
import { type BillDate, daysAfter } from '../domain/bill-day.ts';
import {
  AGE_BUCKETS,
  ITEM_STATUSES,
  type ItemStatus,
  LINE_STATES,
  type LineState,
  RESOLUTION_NAMES,
} from '../domain/reconciliation.ts';
import { PAGE_FIELDS } from './lists.ts';

/** Runs, lines and breaks are read forwards only. */
const { ending_before: _, ...PAGE } = PAGE_FIELDS;

const LINE_STATE = z.enum(Object.keys(LINE_STATES) as [LineState]).optional();
const DATE = z
  .string()
  .regex(/^\d{4}-\d\d-\d\d$/, { message: 'must be a day, 2026-03-01' })
  .optional();
const person = z.string().min(1, { message: 'must not be empty' }).max(100);
const words = z.string().min(1, { message: 'must not be empty' }).max(2000);

/** Parameters of `GET /v1/reconciliations`. */
export const RunQuery = z.strictObject({
  ...PAGE,
  merchant_id: z.string().max(64).optional(),
  bill_date: DATE,
  status: z.enum(['running', 'done', 'failed', 'superseded']).optional(),
});
/** Parameters of `GET /v1/reconciliations/{id}/lines`. */
export const LineQuery = z.strictObject({
  ...PAGE,
  starting_after: z.coerce.number().int().min(0).optional(),
  state: LINE_STATE,
});
/** Parameters of `GET /v1/reconciliation-breaks`. */
export const ItemQuery = z.strictObject({
  ...PAGE,
  merchant_id: z.string().max(64).optional(),
  status: z.enum(Object.keys(ITEM_STATUSES) as [ItemStatus]).optional(),
  state: LINE_STATE,
  owner: person.optional(),
  age: z.enum(AGE_BUCKETS.map(({ name }) => name)).optional(),
});
/** Body of a comment. */
export const Comment = z.strictObject({ actor: person, text: words });
/** Body that makes somebody the owner; null takes it back. */
export const Assign = z.strictObject({ actor: person, owner: person.nullable() });
/** Body of a decision. */
export const Resolve = z.strictObject({ actor: person, reason: words, resolution: z.enum(RESOLUTION_NAMES) });

/** The days on which items of this age were found. */
export function daysOfAge(age: string | undefined, today: BillDate): { until?: BillDate; after?: BillDate } {
  const at = AGE_BUCKETS.findIndex(({ name }) => name === age);
  const bucket = AGE_BUCKETS[at];
  if (!bucket) return {};
  const older = AGE_BUCKETS[at + 1];
  return {
    until: daysAfter(today, -bucket.from),
    ...(older && { after: daysAfter(today, -older.from) }),
  };
}
