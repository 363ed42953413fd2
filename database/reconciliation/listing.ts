import type { BillDate } from '../../domain/bill-day.ts';
import type { Fen } from '../../domain/money.ts';
import type { ItemStatus, LineKind, LineState } from '../../domain/reconciliation.ts';
import type { Queryable } from '../pool.ts';
import { POSTED_MOVEMENT } from './postings.ts';
import type { Run } from './runs.ts';

/** A part of a list: so many rows after the one named. */
export interface Page<Cursor> {
  limit: number;
  startingAfter?: Cursor | undefined;
}

/** A line as stored. Amounts in fen. */
export interface Line {
  ordinal: number;
  kind: LineKind;
  state: LineState;
  reason: string;
  rule: string | null;
  flowRule: string | null;
  subject: string;
  paymentId: string | null;
  refundId: string | null;
  transactionId: string | null;
  outTradeNo: string | null;
  wechatRefundId: string | null;
  outRefundNo: string | null;
  occurredAt: Date | null;
  currency: string | null;
  amountHere: Fen | null;
  amountBill: Fen | null;
  settlement: Fen | null;
  /** In thousandths of a fen. */
  feeMilliFen: number | null;
  amountFlow: Fen | null;
  feeFlow: Fen | null;
  tradeLine: number | null;
  flowLine: number | null;
  bank: Fen;
  book: Fen;
  postedFee: Fen;
  postedCoupon: Fen;
  /** Of a movement that explains itself. */
  postedMovement: Fen;
  /** What the row of an overseas statement says of the settlement; null for other lines. */
  settled: SettledLine | null;
}

/** Amounts in the smallest unit of the currency beside them, the fee in 1/100,000 of the whole one; null where the row is blank. */
export interface SettledLine {
  sub_mchid: string | null;
  settlement_currency: string | null;
  settlement: number | null;
  fee_hundred_thousandths: number | null;
  fee_rate: string;
  payer_currency: string | null;
  payer_amount: number | null;
  exchange_rate: string;
}

/** An open item, or one that was. */
export interface Item {
  id: string;
  tenantId: string;
  merchantId: string;
  mchid: string;
  subMchid: string | null;
  subject: string;
  status: ItemStatus;
  billDate: BillDate;
  lastDate: BillDate;
  /** The run that has said last what it is. */
  runId: string;
  ordinal: number;
  kind: LineKind;
  state: LineState;
  reason: string;
  paymentId: string | null;
  refundId: string | null;
  transactionId: string | null;
  outTradeNo: string | null;
  wechatRefundId: string | null;
  outRefundNo: string | null;
  currency: string;
  difference: Fen;
  closedOn: BillDate | null;
  owner: string | null;
  resolution: string | null;
  version: number;
  createdAt: Date;
  updatedAt: Date;
}

/** Something that happened to an item. */
export interface ItemEvent {
  type: string;
  actor: string | null;
  runId: string | null;
  state: string;
  reason: string | null;
  text: string | null;
  ledgerTransaction: number | null;
  createdAt: Date;
}

/** What runs are asked for. */
export interface RunFilter {
  merchantId?: string | undefined;
  billDate?: BillDate | undefined;
  status?: string | undefined;
}

/** Runs of a tenant, newest first. */
export async function listRuns(
  db: Queryable,
  tenantId: string,
  filter: RunFilter,
  page: Page<string>,
): Promise<Run[]> {
  const { rows } = await db.query<Run>(
    `select r.sequence, r.id, r.tenant_id "tenantId", r.merchant_id "merchantId", m.mchid, r.sub_mchid "subMchid",
            r.bill_date::text "billDate", r.version, r.trade_file "tradeFile", r.flow_file "flowFile", r.status, r.failure, r.summary,
            r.revision, r.started_at "startedAt", r.finished_at "finishedAt"
       from reconciliation_runs r join merchants m on m.id = r.merchant_id
      where r.tenant_id = $1 and ($2::text is null or r.merchant_id = $2) and ($3::date is null or r.bill_date = $3)
        and ($4::text is null or r.status = $4)
        and ($5::text is null or (r.started_at, r.id) < (select a.started_at, a.id from reconciliation_runs a where a.id = $5 and a.tenant_id = $1))
      order by r.started_at desc, r.id desc limit $6`,
    [
      tenantId,
      filter.merchantId ?? null,
      filter.billDate ?? null,
      filter.status ?? null,
      page.startingAfter ?? null,
      page.limit,
    ],
  );
  return rows;
}

/** The merchant's own numbers of a line or item: what only the fund flow has comes without them, and is known by our row. */
export const numbersOf = (of: string) => `
  coalesce(${of}.out_trade_no, (select p.out_trade_no from payments p where p.id = ${of}.payment_id)) "outTradeNo",
  coalesce(${of}.out_refund_no, (select a.out_refund_no from refund_attempts a
    where a.refund_id = ${of}.refund_id and a.wechat_refund_id = ${of}.wechat_refund_id)) "outRefundNo"`;

/** Lines `l`, to be narrowed down. */
export const LINES = `
  select l.ordinal, l.kind, l.state, l.reason, l.rule, l.flow_rule "flowRule", l.subject, l.payment_id "paymentId", l.refund_id "refundId",
  l.transaction_id "transactionId", ${numbersOf('l')}, l.wechat_refund_id "wechatRefundId", l.occurred_at "occurredAt", l.currency,
  l.amount_here "amountHere", l.amount_bill "amountBill", l.settlement, l.fee_milli_fen "feeMilliFen", l.amount_flow "amountFlow",
  l.fee_flow "feeFlow", l.trade_line "tradeLine", l.flow_line "flowLine", l.bank, l.book, l.posted_fee "postedFee",
  l.posted_coupon "postedCoupon", ${POSTED_MOVEMENT} "postedMovement",
  to_jsonb(s) - 'file' - 'line' settled
    from reconciliation_lines l join reconciliation_runs r on r.sequence = l.run
    left join statement_lines s on s.file = r.trade_file and s.line = l.trade_line`;

/** Lines of a run in the order of the bill; those of one state, or all. */
export async function listLines(
  db: Queryable,
  run: Pick<Run, 'sequence'>,
  state: LineState | undefined,
  page: Page<number>,
): Promise<Line[]> {
  const { rows } = await db.query<Line>(
    `${LINES}
      where l.run = $1 and ($2::text is null or l.state = $2) and l.ordinal > $3 order by l.ordinal limit $4`,
    [run.sequence, state ?? null, page.startingAfter ?? 0, page.limit],
  );
  return rows;
}

/** What items are asked for. */
export interface ItemFilter {
  merchantId?: string | undefined;
  status?: ItemStatus | undefined;
  state?: LineState | undefined;
  owner?: string | undefined;
  /** Found on this day or before, and after the other one. */
  until?: BillDate | undefined;
  after?: BillDate | undefined;
}

const ITEM = `
  select i.id, i.tenant_id "tenantId", i.merchant_id "merchantId", m.mchid, i.sub_mchid "subMchid", i.subject, i.status,
         i.bill_date::text "billDate", i.last_date::text "lastDate", r.id "runId", i.ordinal, i.kind, i.state, i.reason,
         i.payment_id "paymentId", i.refund_id "refundId", i.transaction_id "transactionId", ${numbersOf('i')},
         i.wechat_refund_id "wechatRefundId", i.currency, i.difference, i.closed_on::text "closedOn",
         i.owner, i.resolution, i.version, i.created_at "createdAt", i.updated_at "updatedAt"
    from reconciliation_items i join merchants m on m.id = i.merchant_id join reconciliation_runs r on r.sequence = i.run`;

/** Items of a tenant, newest first. */
export async function listItems(
  db: Queryable,
  tenantId: string,
  filter: ItemFilter,
  page: Page<string>,
): Promise<Item[]> {
  const { rows } = await db.query<Item>(
    `${ITEM}
      where i.tenant_id = $1 and ($2::text is null or i.merchant_id = $2) and ($3::text is null or i.status = $3)
        and ($4::text is null or i.state = $4) and ($5::text is null or i.owner = $5)
        and ($6::date is null or i.bill_date <= $6) and ($7::date is null or i.bill_date > $7)
        and ($8::text is null or (i.created_at, i.id) < (select a.created_at, a.id from reconciliation_items a where a.id = $8 and a.tenant_id = $1))
      order by i.created_at desc, i.id desc limit $9`,
    [
      tenantId,
      filter.merchantId ?? null,
      filter.status ?? null,
      filter.state ?? null,
      filter.owner ?? null,
      filter.until ?? null,
      filter.after ?? null,
      page.startingAfter ?? null,
      page.limit,
    ],
  );
  return rows;
}

/** An item of this tenant. */
export async function findItem(db: Queryable, tenantId: string, id: string): Promise<Item | undefined> {
  const { rows } = await db.query<Item>(`${ITEM} where i.id = $1 and i.tenant_id = $2`, [id, tenantId]);
  return rows[0];
}

/** What happened to an item, oldest first. */
export async function itemHistory(db: Queryable, id: string): Promise<ItemEvent[]> {
  const { rows } = await db.query<ItemEvent>(
    `select e.type, e.actor, r.id "runId", e.state, e.reason, e.text, e.ledger_transaction "ledgerTransaction", e.created_at "createdAt"
       from reconciliation_item_events e left join reconciliation_runs r on r.sequence = e.run
      where e.item = $1 order by e.sequence`,
    [id],
  );
  return rows;
}
