import { chinaTime } from './china-time.ts';
import type { FaultRule, FiredFault } from './fault.ts';
import type { Notification } from './notification.ts';
import type { Order } from './order.ts';
import type { Refund } from './refund.ts';

/** An order as the control API shows it. Amounts in fen, times RFC 3339 in Asia/Shanghai. */
export interface OrderView {
  out_trade_no: string;
  transaction_id: string | null;
  trade_state: string;
  description: string;
  attach: string | null;
  amount: { total: number; refunded: number; currency: 'CNY' };
  /** The newest code_url; older ones are dead. */
  code_url: string | null;
  payable: boolean;
  notify_url: string;
  created_at: string;
  expires_at: string;
  success_time: string | null;
  failed_attempts: { time: string; reason: string }[];
}

export interface RefundView {
  out_refund_no: string;
  refund_id: string;
  out_trade_no: string;
  transaction_id: string;
  status: string;
  reason: string | null;
  amount: { refund: number; total: number; currency: 'CNY' };
  notify_url: string | null;
  created_at: string;
  finished_at: string | null;
}

export interface NotificationView {
  id: string;
  event_type: string;
  out_trade_no: string;
  out_refund_no: string | null;
  notify_url: string;
  status: 'pending' | 'delivered' | 'exhausted' | 'lost';
  created_at: string;
  next_attempt_at: string | null;
  /** `time` in milliseconds, because attempts may lie within one second. */
  attempts: { time: number; status: number | null; error: string | null; fault: string | null }[];
}

/** What scanning a code shows; `status` says whether it can be paid, and else why not. */
export interface ScanView {
  status: 'payable' | 'paid' | 'closed' | 'expired' | 'dead' | 'unknown';
  order: OrderView | null;
}

export interface GatewayState {
  mchid: string;
  appid: string;
  time: number;
  orders: number;
  refunds: number;
  notifications: number;
  faults: FaultRule[];
  /** Every fault that fired, oldest first. */
  fault_log: FiredFault[];
}

export function orderView(order: Order, known: { payable: boolean; refundedFen: number }): OrderView {
  return {
    out_trade_no: order.outTradeNo,
    transaction_id: order.transactionId ?? null,
    trade_state: order.state,
    description: order.request.description,
    attach: order.request.attach ?? null,
    amount: { total: order.request.amount.total, refunded: known.refundedFen, currency: 'CNY' },
    code_url: order.codeUrls.at(-1)?.url ?? null,
    payable: known.payable,
    notify_url: order.request.notify_url,
    created_at: chinaTime(order.createdAt),
    expires_at: chinaTime(order.expiresAt),
    success_time: order.paidAt === undefined ? null : chinaTime(order.paidAt),
    failed_attempts: order.failedAttempts.map(({ time, reason }) => ({ time: chinaTime(time), reason })),
  };
}

export function refundView(refund: Refund): RefundView {
  return {
    out_refund_no: refund.outRefundNo,
    refund_id: refund.refundId,
    out_trade_no: refund.outTradeNo,
    transaction_id: refund.transactionId,
    status: refund.status,
    reason: refund.request.reason ?? null,
    amount: { refund: refund.request.amount.refund, total: refund.request.amount.total, currency: 'CNY' },
    notify_url: refund.request.notify_url ?? null,
    created_at: chinaTime(refund.createdAt),
    finished_at: refund.finishedAt === undefined ? null : chinaTime(refund.finishedAt),
  };
}

export function notificationView(notification: Notification): NotificationView {
  return {
    id: notification.id,
    event_type: notification.eventType,
    out_trade_no: notification.outTradeNo,
    out_refund_no: notification.outRefundNo ?? null,
    notify_url: notification.notifyUrl,
    status: notification.status,
    created_at: chinaTime(notification.createdAt),
    next_attempt_at: notification.nextAttemptAt === null ? null : chinaTime(notification.nextAttemptAt),
    attempts: notification.attempts,
  };
}
