import { FLOW_KEYS } from '../../domain/reconciliation.ts';
import { literal } from './literal.ts';
import type { LongWork } from './long-work.ts';
import { stagingTable, workTable } from './staging.ts';

/**
 * The fund flow by subject: a payment and its fee are one, and so are a refund, its closing and the fee given back. Mostly the file has them together, and so
 * has the staging table; what is apart there is put together here.
 * @returns where they are found.
 */
export async function gatherMovements(
  db: LongWork,
  { tradeFile, flowFile, run }: { tradeFile: number; flowFile: number | null; run: { sequence: number } },
): Promise<string> {
  if (flowFile === null) {
    return `(select null::text as key, null::text as side, 0::bigint as principal, 0::bigint as fee, 0 as flow_rows, 0 as flow_line,
       null::timestamptz as occurred_at, null::text as flow_id, null::text as flow_type, null::text as rule where false)`;
  }
  const flow = stagingTable(flowFile);
  const key = await flowKey(db, flow, stagingTable(tradeFile));
  const apart = key === 'business_id' ? 'apart' : 'type is null';
  const alone = `
    select ${key} as key, case when type is not null then 'other' when ${IS_IN} then 'in' else 'out' end as side,
           coalesce(paid, refunded, change) as principal, taken + returned as fee, flow_rows, line as flow_line, occurred_at,
           case when type is not null then flow_id end as flow_id, type as flow_type, case when type is null then ${literal(key)} end as rule
      from ${flow} where not (${apart})`;
  const { rows } = await db.query(`select 1 from ${flow} where ${apart} limit 1`);
  if (rows.length === 0) return `(${alone})`;
  const together = workTable('movements', run.sequence);
  await db.query(
    `create unlogged table ${together} as
     with sums as materialized (
       select ${key} as key, sum(paid)::bigint as paid, sum(refunded)::bigint as refunded, sum(taken)::bigint as taken,
              sum(returned)::bigint as returned, sum(rows_in)::integer as rows_in, sum(flow_rows)::integer as flow_rows, min(line) as line,
              min(occurred_at) as occurred_at
         from ${flow} where ${apart} group by ${key}
     )
     select key, case when ${IS_IN} then 'in' else 'out' end as side, coalesce(paid, refunded, 0) as principal, taken + returned as fee,
            flow_rows, line as flow_line, occurred_at, null::text as flow_id, null::text as flow_type, ${literal(key)} as rule
       from sums where paid is null or refunded is null
     union all
     select key, 'in', paid, taken, rows_in, line, occurred_at, null, null, ${literal(key)} from sums where paid is not null and refunded is not null
     union all
     select key, 'out', refunded, returned, flow_rows - rows_in, line, occurred_at, null, null, ${literal(key)}
       from sums where paid is not null and refunded is not null`,
  );
  await db.query(`analyze ${together}`);
  return `(${alone} union all select * from ${together})`;
}

/** Of what has no payment and refund at once: whether it is about a payment. */
const IS_IN = 'refunded is null and (paid is not null or returned = 0)';

/** Which column of the fund flow has the numbers of the trade bill: the official pages do not say. */
async function flowKey(db: LongWork, flow: string, trade: string): Promise<(typeof FLOW_KEYS)[number]> {
  for (const key of FLOW_KEYS) {
    const { rows } = await db.query(
      `select 1 from (select ${key} from ${flow} limit 1000) f join ${trade} t on t.wechat_id = f.${key} limit 1`,
    );
    if (rows.length > 0) return key;
  }
  return FLOW_KEYS[0];
}
