import { randomUUID } from 'node:crypto';
import { type Request, type Response, Router } from 'express';
import { z } from 'zod';
import type { Pool, Queryable } from '../database/pool.ts';
import { assignItem, commentItem, resolveItem } from '../database/reconciliation/decisions.ts';
import { findBillFiles } from '../database/reconciliation/files.ts';
import {
  findItem,
  type Item,
  itemHistory,
  listItems,
  listLines,
  listRuns,
} from '../database/reconciliation/listing.ts';
import { findRun, type Run } from '../database/reconciliation/runs.ts';
import { billDateOf, daysAfter } from '../domain/bill-day.ts';
import { publicId } from '../domain/identity.ts';
import {
  AGE_BUCKETS,
  ITEM_STATUSES,
  type ItemStatus,
  LINE_STATES,
  type LineState,
  RESOLUTION_NAMES,
} from '../domain/reconciliation.ts';
import { caller } from './authentication.ts';
import { storeOnce } from './idempotency.ts';
import { listResource, PAGE_FIELDS } from './lists.ts';
import { onlyMethods, Problem } from './problems.ts';
import { itemResource, lineResource, runResource } from './reconciliation-resources.ts';
import { parseBody } from './schemas.ts';

/** Runs, lines and breaks are read forwards only. */
const { ending_before: _, ...PAGE } = PAGE_FIELDS;

const LINE_STATE = z.enum(Object.keys(LINE_STATES) as [LineState]).optional();
const DATE = z
  .string()
  .regex(/^\d{4}-\d\d-\d\d$/, { message: 'must be a day, 2026-03-01' })
  .optional();
const person = z.string().min(1, { message: 'must not be empty' }).max(100);
const words = z.string().min(1, { message: 'must not be empty' }).max(2000);

const RunQuery = z.strictObject({
  ...PAGE,
  merchant_id: z.string().max(64).optional(),
  bill_date: DATE,
  status: z.enum(['running', 'done', 'failed', 'superseded']).optional(),
});
const LineQuery = z.strictObject({
  ...PAGE,
  starting_after: z.coerce.number().int().min(0).optional(),
  state: LINE_STATE,
});
const ItemQuery = z.strictObject({
  ...PAGE,
  merchant_id: z.string().max(64).optional(),
  status: z.enum(Object.keys(ITEM_STATUSES) as [ItemStatus]).optional(),
  state: LINE_STATE,
  owner: person.optional(),
  age: z.enum(AGE_BUCKETS.map(({ name }) => name)).optional(),
});
const Comment = z.strictObject({ actor: person, text: words });
const Assign = z.strictObject({ actor: person, owner: person.nullable() });
const Resolve = z.strictObject({ actor: person, reason: words, resolution: z.enum(RESOLUTION_NAMES) });

/** `/v1/reconciliations` and `/v1/reconciliation-breaks` */
export function reconciliationRoutes({ pool, clock }: { pool: Pool; clock: () => number }): Router {
  const router = Router();
  const today = () => billDateOf(new Date(clock()));

  router
    .route('/reconciliations')
    .get(async (request, response) => {
      const { limit, starting_after, ...filter } = parseBody(RunQuery, request.query);
      const runs = await listRuns(
        pool,
        caller(response).tenantId,
        { merchantId: filter.merchant_id, billDate: filter.bill_date, status: filter.status },
        { limit: limit + 1, startingAfter: starting_after },
      );
      response.json(pageOf(runs, limit, (run) => runResource(run)));
    })
    .all(onlyMethods('GET'));

  router
    .route('/reconciliations/:id')
    .get(async (request, response) => {
      const run = await requestedRun(request, response);
      const files = await findBillFiles(pool, [run.tradeFile, run.flowFile]);
      response.json(runResource(run, files));
    })
    .all(onlyMethods('GET'));

  router
    .route('/reconciliations/:id/lines')
    .get(async (request, response) => {
      const { limit, starting_after, state } = parseBody(LineQuery, request.query);
      const run = await requestedRun(request, response);
      const lines = await listLines(pool, run, state, { limit: limit + 1, startingAfter: starting_after });
      response.json(pageOf(lines, limit, lineResource));
    })
    .all(onlyMethods('GET'));

  router
    .route('/reconciliation-breaks')
    .get(async (request, response) => {
      const { limit, starting_after, age, ...filter } = parseBody(ItemQuery, request.query);
      const items = await listItems(
        pool,
        caller(response).tenantId,
        {
          merchantId: filter.merchant_id,
          status: filter.status,
          state: filter.state,
          owner: filter.owner,
          ...daysOf(age, today()),
        },
        { limit: limit + 1, startingAfter: starting_after },
      );
      response.json(pageOf(items, limit, (item) => itemResource(item, today())));
    })
    .all(onlyMethods('GET'));

  router
    .route('/reconciliation-breaks/:id')
    .get(async (request, response) => {
      const item = await requestedItem(request, response);
      response.json(itemResource(item, today(), await itemHistory(pool, item.id)));
    })
    .all(onlyMethods('GET'));

  /** Changes an item once per Idempotency-Key, and answers what it is then. */
  const changing =
    <Schema extends z.ZodType>(
      schema: Schema,
      change: (db: Queryable, item: Item, body: z.output<Schema>) => Promise<void>,
    ) =>
    async (request: Request, response: Response) => {
      const body = parseBody(schema, request.body);
      const { tenantId } = caller(response);
      const item = await requestedItem(request, response);
      const path = request.originalUrl.split('?')[0] ?? '';
      const { replayed } = await storeOnce(
        pool,
        request,
        { tenantId, path, newId: publicId('evt', randomUUID()) },
        (db) => change(db, item, body),
      );
      if (replayed) response.set('idempotency-replayed', 'true');
      const now = await requestedItem(request, response);
      response.json(itemResource(now, today(), await itemHistory(pool, item.id)));
    };

  router
    .route('/reconciliation-breaks/:id/comments')
    .post(changing(Comment, (db, { id }, { actor, text }) => commentItem(db, { item: id, actor, text })))
    .all(onlyMethods('POST'));
  router
    .route('/reconciliation-breaks/:id/assign')
    .post(changing(Assign, (db, { id }, { actor, owner }) => assignItem(db, { item: id, actor, owner })))
    .all(onlyMethods('POST'));
  router
    .route('/reconciliation-breaks/:id/resolve')
    .post(
      changing(Resolve, async (db, { id, status }, { actor, reason, resolution }) => {
        if (await resolveItem(db, { item: id, actor, text: reason, resolution })) return;
        throw new Problem('break_not_open', `It is ${status}: ${ITEM_STATUSES[status]}.`, {
          status_now: status,
        });
      }),
    )
    .all(onlyMethods('POST'));

  return router;

  async function requestedRun(request: Request, response: Response): Promise<Run> {
    const id = String(request.params.id);
    const run = await findRun(pool, caller(response).tenantId, id);
    if (!run) throw new Problem('not_found', `There is no reconciliation ${id}.`);
    return run;
  }

  async function requestedItem(request: Request, response: Response): Promise<Item> {
    const id = String(request.params.id);
    const item = await findItem(pool, caller(response).tenantId, id);
    if (!item) throw new Problem('not_found', `There is no break ${id}.`);
    return item;
  }
}

/** A list of at most `limit` rows; one more was asked for, which tells whether there are more. */
function pageOf<Row>(rows: Row[], limit: number, shown: (row: Row) => object) {
  return listResource(rows.slice(0, limit).map(shown), rows.length > limit);
}

/** The days on which items of this age were found. */
function daysOf(age: string | undefined, today: string): { until?: string; after?: string } {
  const at = AGE_BUCKETS.findIndex(({ name }) => name === age);
  const bucket = AGE_BUCKETS[at];
  if (!bucket) return {};
  const older = AGE_BUCKETS[at + 1];
  return {
    until: daysAfter(today, -bucket.from),
    ...(older && { after: daysAfter(today, -older.from) }),
  };
}
