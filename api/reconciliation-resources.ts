import type { BillFile } from '../database/reconciliation/files.ts';
import type { Item, ItemEvent, Line } from '../database/reconciliation/listing.ts';
import type { Run } from '../database/reconciliation/runs.ts';
import type { listSchedules } from '../database/reconciliation/schedules.ts';
import { type BillDate, daysBetween } from '../domain/bill-day.ts';
import { ledgerTransactionId } from '../domain/ledger.ts';
import { ageBucket } from '../domain/reconciliation.ts';
import { rfc3339 } from '../domain/time.ts';

/** A run as the API shows it; with its files when it is asked for by itself. */
export function runResource(run: Run, files?: BillFile[]) {
  return {
    id: run.id,
    object: 'reconciliation',
    merchant_id: run.merchantId,
    mchid: run.mchid,
    sub_mchid: run.subMchid,
    bill_date: run.billDate,
    version: run.version,
    revision: run.revision,
    status: run.status,
    failure: run.failure,
    summary: run.summary,
    ...(files && { files: files.map(fileResource) }),
    started_at: rfc3339(run.startedAt),
    finished_at: run.finishedAt && rfc3339(run.finishedAt),
  };
}

function fileResource(file: BillFile) {
  return {
    kind: file.kind,
    version: file.version,
    status: file.status,
    sha256: file.sha256?.toString('hex') ?? null,
    rows: file.rowCount,
    packed_bytes: file.packedBytes,
    summary: file.summary,
    findings: file.findings,
    received_at: rfc3339(file.receivedAt),
  };
}

/** A line as the API shows it: what each of the four ways says. */
export function lineResource(line: Line) {
  return {
    object: 'reconciliation_line',
    position: line.ordinal,
    kind: line.kind,
    state: line.state,
    reason: line.reason,
    matched_by: line.rule,
    fund_flow_matched_by: line.flowRule,
    payment_id: line.paymentId,
    refund_id: line.refundId,
    transaction_id: line.transactionId,
    out_trade_no: line.outTradeNo,
    wechat_refund_id: line.wechatRefundId,
    out_refund_no: line.outRefundNo,
    occurred_at: line.occurredAt && rfc3339(line.occurredAt),
    currency: line.currency,
    here: { amount: line.amountHere },
    trade_bill:
      line.tradeLine === null
        ? null
        : {
            line: line.tradeLine,
            amount: line.amountBill,
            settlement: line.settlement,
            fee_milli_fen: line.feeMilliFen,
          },
    fund_flow:
      line.flowLine === null
        ? null
        : { line: line.flowLine, amount: line.amountFlow, fee: line.feeFlow, net: line.bank },
    ...(line.settled && { settled: line.settled }),
    ledger: {
      receivable: line.book,
      posted_fee: line.postedFee,
      posted_coupon: line.postedCoupon,
      posted_movement: line.postedMovement,
    },
  };
}

/** A break as the API shows it, with its age on this day. */
export function itemResource(item: Item, today: BillDate, history?: ItemEvent[]) {
  const open = item.status === 'break' || item.status === 'carried';
  const days = Math.max(0, daysBetween(item.billDate, today));
  return {
    id: item.id,
    object: 'reconciliation_break',
    merchant_id: item.merchantId,
    mchid: item.mchid,
    sub_mchid: item.subMchid,
    status: item.status,
    state: item.state,
    reason: item.reason,
    kind: item.kind,
    bill_date: item.billDate,
    age: open ? { days, bucket: ageBucket(days) } : null,
    difference: item.difference,
    currency: item.currency,
    payment_id: item.paymentId,
    refund_id: item.refundId,
    transaction_id: item.transactionId,
    out_trade_no: item.outTradeNo,
    wechat_refund_id: item.wechatRefundId,
    out_refund_no: item.outRefundNo,
    reconciliation_id: item.runId,
    position: item.ordinal,
    owner: item.owner,
    resolution: item.resolution,
    closed_on: item.closedOn,
    version: item.version,
    ...(history && { history: history.map(eventResource) }),
    created_at: rfc3339(item.createdAt),
    updated_at: rfc3339(item.updatedAt),
  };
}

function eventResource(event: ItemEvent) {
  return {
    type: event.type,
    actor: event.actor,
    reconciliation_id: event.runId,
    state: event.state,
    reason: event.reason,
    text: event.text,
    ledger_transaction: event.ledgerTransaction && ledgerTransactionId(event.ledgerTransaction),
    created_at: rfc3339(event.createdAt),
  };
}

/** The schedule of a merchant's nights as the API shows it. */
export function scheduleResource(schedule: Awaited<ReturnType<typeof listSchedules>>[number]) {
  return {
    object: 'reconciliation_schedule',
    merchant_id: schedule.merchantId,
    mchid: schedule.mchid,
    paused: schedule.paused,
    note: schedule.note,
    next_at: schedule.nextAt && rfc3339(schedule.nextAt),
    checked_at: rfc3339(schedule.checkedAt),
  };
}
