import type { BillDate } from '../../domain/bill-day.ts';
import type { Fen } from '../../domain/money.ts';
import type { LineKind, LineState } from '../../domain/reconciliation.ts';
import type { Snapshot } from '../snapshot.ts';
import { LINES, type Line, numbersOf } from './listing.ts';
import type { Run } from './runs.ts';

/** A break as a list for finance has it. */
export interface ReportedBreak {
  /** Null where a line of a run has no item any more. */
  id: string | null;
  mchid: string;
  subMchid: string | null;
  /** The day of the bill in which it was found. */
  billDate: BillDate;
  kind: LineKind;
  state: LineState;
  reason: string;
  subject: string;
  transactionId: string | null;
  outTradeNo: string | null;
  wechatRefundId: string | null;
  outRefundNo: string | null;
  owner: string | null;
  currency: string;
  /** What WeChat Pay has more than our receivable. */
  difference: Fen;
  /** When it was found, or opened again. */
  openedAt: Date | null;
  comment: string | null;
  commentedBy: string | null;
  commentedAt: Date | null;
}

/** What has happened to the item `i`, as far as lists tell it. */
const STORY = `
  left join lateral (
    select e.created_at from reconciliation_item_events e where e.item = i.id and e.type in ('found', 'reopened')
     order by e.sequence desc limit 1
  ) opened on true
  left join lateral (
    select e.text, e.actor, e.created_at from reconciliation_item_events e where e.item = i.id and e.type = 'commented'
     order by e.sequence desc limit 1
  ) comment on true`;
const TOLD = `opened.created_at "openedAt", comment.text "comment", comment.actor "commentedBy", comment.created_at "commentedAt"`;

/** The open breaks of these merchants, oldest first. */
export function openBreaks(snapshot: Snapshot, merchantIds: string[]): AsyncIterable<ReportedBreak> {
  return snapshot.rows<ReportedBreak>(
    `select i.id, m.mchid, i.sub_mchid "subMchid", i.bill_date::text "billDate", i.kind, i.state, i.reason, i.subject,
            i.transaction_id "transactionId", ${numbersOf('i')}, i.wechat_refund_id "wechatRefundId", i.owner, i.currency, i.difference, ${TOLD}
       from reconciliation_items i join merchants m on m.id = i.merchant_id ${STORY}
      where i.merchant_id = any($1) and i.status = 'break'
      order by i.bill_date, m.mchid, i.created_at, i.id`,
    [merchantIds],
  );
}

/** Every line of a run, in the order of the bill. */
export function runLines(snapshot: Snapshot, run: Pick<Run, 'sequence'>): AsyncIterable<Line> {
  return snapshot.rows<Line>(`${LINES} where l.run = $1 order by l.ordinal`, [run.sequence]);
}

/** A break of a run, with what has become of it. */
export interface RunBreak extends ReportedBreak {
  position: number;
  status: string | null;
  resolution: string | null;
}

/** The lines of a run that were somebody's turn, in the order of the bill: as that run has found them, and what has become of them since. */
export function runBreaks(snapshot: Snapshot, run: Run): AsyncIterable<RunBreak> {
  return snapshot.rows<RunBreak>(
    `select l.ordinal "position", i.id, $2::text "mchid", $3::text "subMchid", $4::text "billDate", l.kind, l.state, l.reason, l.subject,
            l.transaction_id "transactionId", ${numbersOf('l')}, l.wechat_refund_id "wechatRefundId", i.owner, coalesce(l.currency, 'CNY') "currency", l.bank - l.book "difference", ${TOLD},
            i.status, i.resolution
       from reconciliation_lines l
       left join reconciliation_items i on i.merchant_id = $5 and i.subject = l.subject ${STORY}
      where l.run = $1 and l.state not in ('matched', 'carried')
      order by l.ordinal`,
    [run.sequence, run.mchid, run.subMchid, run.billDate, run.merchantId],
  );
}
