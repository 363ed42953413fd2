import { randomUUID } from 'node:crypto';
import { type Request, type Response, Router } from 'express';
import type { z } from 'zod';
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
import { listSchedules } from '../database/reconciliation/schedules.ts';
import { billDateOf } from '../domain/bill-day.ts';
import { publicId } from '../domain/identity.ts';
import { ITEM_STATUSES } from '../domain/reconciliation.ts';
import { caller } from './authentication.ts';
import { storeOnce } from './idempotency.ts';
import { listResource } from './lists.ts';
import { onlyMethods, Problem } from './problems.ts';
import { itemResource, lineResource, runResource, scheduleResource } from './reconciliation-resources.ts';
import {
  Assign,
  Comment,
  daysOfAge,
  ItemQuery,
  LineQuery,
  Resolve,
  RunQuery,
} from './reconciliation-schemas.ts';
import { parseBody } from './schemas.ts';

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
          ...daysOfAge(age, today()),
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

  router
    .route('/reconciliation-schedules')
    .get(async (_request, response) => {
      const schedules = await listSchedules(pool, caller(response).tenantId);
      response.json(listResource(schedules.map(scheduleResource), false));
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
