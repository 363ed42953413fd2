import { type Repair, RULES, type Rule } from '../../domain/reconciliation.ts';
import type { LongWork } from './long-work.ts';
import type { Run } from './runs.ts';

/** A line of ours that WeChat Pay knows more about. */
export interface RepairableLine {
  repair: Repair;
  paymentId: string;
  refundId: string | null;
}

/** So many lines one run mends; a bill of which more are behind has something else wrong with it, which a person should see first. */
const MOST_REPAIRS = 1_000;

const REPAIRS = (RULES as readonly Rule[]).flatMap(({ reason, repair }) =>
  repair ? [{ reason, repair }] : [],
);

/** Lines that this service mends by itself, in the order of the bill. */
export async function listRepairable(db: LongWork, run: Run): Promise<RepairableLine[]> {
  const { rows } = await db.query<RepairableLine>(
    `select r.repair, l.payment_id "paymentId", l.refund_id "refundId"
       from reconciliation_lines l join unnest($2::text[], $3::text[]) as r (reason, repair) on r.reason = l.reason
      where l.run = $1 and l.state <> 'matched' and l.payment_id is not null
      order by l.ordinal limit ${MOST_REPAIRS}`,
    [run.sequence, REPAIRS.map(({ reason }) => reason), REPAIRS.map(({ repair }) => repair)],
  );
  return rows;
}

/** How a restated day differs from the version before. */
export interface Restatement {
  /** The version before. */
  version: number;
  added: number;
  removed: number;
  changed: number;
  /** The first of them, by their subject. */
  first: {
    subject: string;
    before: LineFigures | null;
    now: LineFigures | null;
  }[];
}

/** What is compared of a line. Amounts in fen, fees in thousandths of a fen. */
export interface LineFigures {
  state: string;
  amount: number | null;
  settlement: number | null;
  fee_milli_fen: number | null;
  amount_flow: number | null;
  fee_flow: number | null;
}

/** So many differences are told one by one. */
const MOST_DIFFERENCES = 50;

const FIGURES = (of: string) =>
  `case when ${of}.subject is not null then jsonb_build_object('state', ${of}.state, 'amount', ${of}.amount_bill, 'settlement', ${of}.settlement,
     'fee_milli_fen', ${of}.fee_milli_fen, 'amount_flow', ${of}.amount_flow, 'fee_flow', ${of}.fee_flow) end`;

/** Compares a restated day with what was known of it before; undefined for the first version. */
export async function restatementOf(db: LongWork, run: Run): Promise<Restatement | undefined> {
  const { rows: before } = await db.query<{ sequence: number; version: number }>(
    `select sequence, version from reconciliation_runs
      where merchant_id = $1 and sub_mchid is not distinct from $2 and bill_date = $3 and version < $4 and status in ('done', 'superseded')
      order by version desc limit 1`,
    [run.merchantId, run.subMchid, run.billDate, run.version],
  );
  if (!before[0]) return undefined;
  const { rows } = await db.query<{
    kind: 'added' | 'removed' | 'changed';
    subject: string;
    before: LineFigures | null;
    now: LineFigures | null;
    all: number;
  }>(
    `with differences as (
       select case when o.subject is null then 'added' when n.subject is null then 'removed' else 'changed' end as kind,
              coalesce(n.subject, o.subject) as subject, coalesce(n.ordinal, o.ordinal) as ordinal, ${FIGURES('o')} as before, ${FIGURES('n')} as now
         from (select * from reconciliation_lines where run = $1) n
         full join (select * from reconciliation_lines where run = $2) o on o.subject = n.subject
        where (n.kind, n.state, n.amount_bill, n.settlement, n.fee_milli_fen, n.amount_flow, n.fee_flow)
              is distinct from (o.kind, o.state, o.amount_bill, o.settlement, o.fee_milli_fen, o.amount_flow, o.fee_flow)
     )
     select kind, subject, before, now, count(*) over (partition by kind)::integer as "all",
            row_number() over (order by ordinal, subject) as place
       from differences order by place`,
    [run.sequence, before[0].sequence],
  );
  const count = (kind: string) => rows.find((row) => row.kind === kind)?.all ?? 0;
  return {
    version: before[0].version,
    added: count('added'),
    removed: count('removed'),
    changed: count('changed'),
    first: rows.slice(0, MOST_DIFFERENCES).map(({ subject, before, now }) => ({ subject, before, now })),
  };
}
