import { z } from 'zod';
import type { FaultRule, FiredFault } from '../faults/fault.ts';
import type { Notification } from '../notifications/notification.ts';
import { type Order, payerTotal } from '../orders/order.ts';
import type { Refund } from '../refunds/refund.ts';
import { chinaTime } from '../time/china-time.ts';

const fen = z.int();
const time = z.string();

/** An order as the control API shows it. Amounts in fen, times RFC 3339 in Asia/Shanghai. */
export const orderAnswer = z.strictObject({
  /** Who ordered: a merchant, or a service provider for `sub_mchid`. */
  mchid: z.string(),
  /** Under which of its appids. */
  appid: z.string(),
  sub_mchid: z.string().nullable(),
  out_trade_no: z.string(),
  combine_out_trade_no: z.string().nullable(),
  transaction_id: z.string().nullable(),
  trade_type: z.string(),
  trade_state: z.string(),
  description: z.string(),
  attach: z.string().nullable(),
  amount: z.strictObject({ total: fen, payer_total: fen, refunded: fen, currency: z.string() }),
  /** The newest code_url or h5_url, and prepay_id; older ones are dead. */
  code_url: z.string().nullable(),
  prepay_id: z.string().nullable(),
  payable: z.boolean(),
  notify_url: z.string().nullable(),
  created_at: time,
  expires_at: time,
  success_time: time.nullable(),
  failed_attempts: z.array(z.strictObject({ time, reason: z.string() })),
});
export type OrderView = z.infer<typeof orderAnswer>;

/** A refund as the control API shows it. */
export const refundAnswer = z.strictObject({
  mchid: z.string(),
  out_refund_no: z.string(),
  refund_id: z.string(),
  out_trade_no: z.string(),
  transaction_id: z.string(),
  status: z.string(),
  reason: z.string().nullable(),
  amount: z.strictObject({ refund: fen, total: fen, currency: z.string() }),
  notify_url: z.string().nullable(),
  created_at: time,
  finished_at: time.nullable(),
});
export type RefundView = z.infer<typeof refundAnswer>;

/** A notification as the control API shows it. */
export const notificationAnswer = z.strictObject({
  id: z.string(),
  mchid: z.string(),
  event_type: z.string(),
  out_trade_no: z.string(),
  out_refund_no: z.string().nullable(),
  complaint_id: z.string().nullable(),
  notify_url: z.string(),
  status: z.enum(['pending', 'delivered', 'exhausted', 'lost']),
  created_at: time,
  next_attempt_at: time.nullable(),
  /** `time` in milliseconds, because attempts may lie within one second. */
  attempts: z.array(
    z.strictObject({
      time: z.number(),
      status: z.int().nullable(),
      error: z.string().nullable(),
      fault: z.string().nullable(),
    }),
  ),
});
export type NotificationView = z.infer<typeof notificationAnswer>;

/** What scanning a code shows; `status` says whether it can be paid, and else why not. */
export const scanAnswer = z.strictObject({
  status: z.enum(['payable', 'paid', 'closed', 'expired', 'dead', 'unknown']),
  order: orderAnswer.nullable(),
});
export type ScanView = z.infer<typeof scanAnswer>;

/** Where a simulator stands. */
export interface GatewayState {
  mchid: string;
  appid: string;
  /** Milliseconds since 1970 on the simulator's clock. */
  time: number;
  orders: number;
  refunds: number;
  notifications: number;
  faults: FaultRule[];
  /** The newest 1000 faults that fired, oldest first. */
  fault_log: FiredFault[];
}

export function orderView(order: Order, known: { payable: boolean; refunded: number }): OrderView {
  const code = order.codes.at(-1);
  return {
    mchid: order.mchid,
    appid: order.appid,
    sub_mchid: order.subMchid ?? null,
    out_trade_no: order.outTradeNo,
    combine_out_trade_no: order.combineOutTradeNo ?? null,
    transaction_id: order.transactionId ?? null,
    trade_type: order.tradeType,
    trade_state: order.state,
    description: order.description,
    attach: order.attach ?? null,
    amount: {
      total: order.total,
      payer_total: payerTotal(order),
      refunded: known.refunded,
      currency: order.currency,
    },
    code_url: code?.url ?? null,
    prepay_id: code?.prepayId ?? null,
    payable: known.payable,
    notify_url: order.notifyUrl ?? null,
    created_at: chinaTime(order.createdAt),
    expires_at: chinaTime(order.expiresAt),
    success_time: order.paidAt === undefined ? null : chinaTime(order.paidAt),
    failed_attempts: order.failedAttempts.map(({ time, reason }) => ({ time: chinaTime(time), reason })),
  };
}

export function refundView(refund: Refund): RefundView {
  return {
    mchid: refund.mchid,
    out_refund_no: refund.outRefundNo,
    refund_id: refund.refundId,
    out_trade_no: refund.outTradeNo,
    transaction_id: refund.transactionId,
    status: refund.status,
    reason: refund.reason ?? null,
    amount: { refund: refund.refund, total: refund.total, currency: refund.currency },
    notify_url: refund.notifyUrl ?? null,
    created_at: chinaTime(refund.createdAt),
    finished_at: refund.finishedAt === undefined ? null : chinaTime(refund.finishedAt),
  };
}

export function notificationView(notification: Notification): NotificationView {
  return {
    id: notification.id,
    mchid: notification.mchid,
    event_type: notification.eventType,
    out_trade_no: notification.outTradeNo,
    out_refund_no: notification.outRefundNo ?? null,
    complaint_id: notification.complaintId ?? null,
    notify_url: notification.notifyUrl,
    status: notification.status,
    created_at: chinaTime(notification.createdAt),
    next_attempt_at: notification.nextAttemptAt === null ? null : chinaTime(notification.nextAttemptAt),
    attempts: notification.attempts,
  };
}
