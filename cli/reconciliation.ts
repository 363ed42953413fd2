import { itemResource, lineResource, runResource } from '../api/reconciliation-resources.ts';
import { daysOfAge, ItemQuery, LineQuery, RunQuery } from '../api/reconciliation-schemas.ts';
import { inTransaction, type Pool } from '../database/pool.ts';
import { assignItem, commentItem, resolveItem } from '../database/reconciliation/decisions.ts';
import { findBillFiles } from '../database/reconciliation/files.ts';
import {
  type Item,
  itemHistory,
  listItems,
  listLines,
  listRuns,
} from '../database/reconciliation/listing.ts';
import type { Run } from '../database/reconciliation/runs.ts';
import { billDateOf } from '../domain/bill-day.ts';
import { formatMoney } from '../domain/money.ts';
import { isResolution, RESOLUTION_NAMES } from '../domain/reconciliation.ts';
import { mustFindItem, mustFindRun } from './found.ts';
import { merchantsNamed, readOptions, withPool } from './query.ts';
import { UsageError } from './usage-error.ts';

type Options = Record<string, string | undefined> & { json?: true };

/** `paysaga reconciliation list` */
export async function printRuns({
  json,
  merchant,
  billDate,
  startingAfter,
  ...rest
}: Options): Promise<void> {
  const query = readOptions(
    RunQuery,
    defined({ ...rest, bill_date: billDate, starting_after: startingAfter }),
  );
  await withPool(async (pool) => {
    let found = 0;
    for (const { tenantId, id } of await merchantsNamed(pool, merchant)) {
      const runs = await listRuns(
        pool,
        tenantId,
        { merchantId: id, billDate: query.bill_date },
        { limit: query.limit, startingAfter: query.starting_after },
      );
      for (const run of runs) console.log(json ? JSON.stringify(runResource(run)) : runLine(run));
      found += runs.length;
    }
    if (found === 0 && !json) console.log('no day was reconciled yet that is asked for');
  });
}

/** `paysaga reconciliation show` */
export async function printRun(id: string): Promise<void> {
  await withPool(async (pool) => {
    const run = await mustFindRun(pool, id);
    console.log(
      JSON.stringify(
        runResource(run, await findBillFiles(pool, [run.tradeFile, run.flowFile])),
        undefined,
        2,
      ),
    );
  });
}

/** `paysaga reconciliation lines` */
export async function printLines(id: string, { json, startingAfter, ...rest }: Options): Promise<void> {
  const query = readOptions(LineQuery, defined({ ...rest, starting_after: startingAfter }));
  await withPool(async (pool) => {
    const lines = await listLines(pool, await mustFindRun(pool, id), query.state, {
      limit: query.limit,
      startingAfter: query.starting_after,
    });
    for (const line of lines) {
      const number =
        line.outRefundNo ?? line.outTradeNo ?? line.wechatRefundId ?? line.transactionId ?? line.subject;
      console.log(
        json
          ? JSON.stringify(lineResource(line))
          : `${line.ordinal}  ${line.kind}  ${line.state} (${line.reason})  ${number}  ${amount(line.amountHere, line.currency)} here, ${amount(line.amountBill, line.currency)} in the bill`,
      );
    }
  });
}

/** `paysaga reconciliation breaks` */
export async function printBreaks({ json, merchant, startingAfter, ...rest }: Options): Promise<void> {
  const query = readOptions(ItemQuery, defined({ ...rest, starting_after: startingAfter }));
  const today = billDateOf(new Date());
  await withPool(async (pool) => {
    let found = 0;
    for (const { tenantId, id } of await merchantsNamed(pool, merchant)) {
      const items = await listItems(
        pool,
        tenantId,
        {
          merchantId: id,
          status: query.status,
          state: query.state,
          owner: query.owner,
          ...daysOfAge(query.age, today),
        },
        { limit: query.limit, startingAfter: query.starting_after },
      );
      for (const item of items) {
        const shown = itemResource(item, today);
        console.log(json ? JSON.stringify(shown) : itemLine(item, shown.age?.bucket));
      }
      found += items.length;
    }
    if (found === 0 && !json) console.log('nothing is open that is asked for');
  });
}

/** `paysaga reconciliation break` */
export async function printBreak(id: string): Promise<void> {
  await withPool(async (pool) => {
    const item = await mustFindItem(pool, id);
    console.log(
      JSON.stringify(itemResource(item, billDateOf(new Date()), await itemHistory(pool, id)), undefined, 2),
    );
  });
}

/** `paysaga reconciliation comment` */
export async function comment(id: string, { actor, text }: { actor: string; text: string }): Promise<void> {
  await changed(id, (pool) => inTransaction(pool, (db) => commentItem(db, { item: id, actor, text })));
}

/** `paysaga reconciliation assign` */
export async function assign(id: string, { actor, owner }: { actor: string; owner: string }): Promise<void> {
  await changed(id, (pool) => inTransaction(pool, (db) => assignItem(db, { item: id, actor, owner })));
}

/** `paysaga reconciliation resolve` */
export async function resolve(
  id: string,
  { actor, reason, resolution }: { actor: string; reason: string; resolution: string },
): Promise<void> {
  if (!isResolution(resolution))
    throw new UsageError(`--resolution must be one of ${RESOLUTION_NAMES.join(', ')}`);
  if (actor === '' || reason === '') throw new UsageError('--actor and --reason must not be empty');
  await changed(id, async (pool, item) => {
    const resolved = await inTransaction(pool, (db) =>
      resolveItem(db, { item: id, actor, text: reason, resolution }),
    );
    if (!resolved) throw new UsageError(`${id} is ${item.status}: only an open break can be resolved`);
  });
}

async function changed(id: string, change: (pool: Pool, item: Item) => Promise<void>): Promise<void> {
  await withPool(async (pool) => {
    await change(pool, await mustFindItem(pool, id));
    console.log(itemLine(await mustFindItem(pool, id)));
  });
}

function runLine({ id, mchid, subMchid, billDate, version, status, summary, failure }: Run): string {
  const lines = (summary as { lines?: Record<string, number> } | null)?.lines;
  const found = lines
    ? `${lines.all} lines = ${lines.matched} matched + ${lines.carried} carried + ${lines.breaks} breaks`
    : (failure?.detail ?? '');
  return `${id}  ${subMchid ?? mchid}  ${billDate}  version ${version}  ${status}  ${found}`;
}

function itemLine(item: Item, age?: string): string {
  const number =
    item.outRefundNo ?? item.outTradeNo ?? item.wechatRefundId ?? item.transactionId ?? item.subject;
  return [
    item.id,
    item.billDate,
    ...(age ? [`${age} days`] : []),
    item.status,
    `${item.state} (${item.reason})`,
    number,
    `WeChat Pay has ${formatMoney(item.difference, item.currency)} more`,
    ...(item.owner ? [`owner ${item.owner}`] : []),
    ...(item.resolution ? [`resolved: ${item.resolution}`] : []),
  ].join('  ');
}

const amount = (units: number | null, currency: string | null) =>
  units === null ? '–' : formatMoney(units, currency ?? 'CNY');

function defined(options: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
