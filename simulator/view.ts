import { chinaTime } from './china-time.ts';
import type { FaultRule, FiredFault } from './fault.ts';
import type { Notification } from './notification.ts';
import { type Order, payerTotal } from './order.ts';
import type { Refund } from './refund.ts';

/** An order as the control API shows it. Amounts in fen, times RFC 3339 in Asia/Shanghai. */
export interface OrderView {
  out_trade_no: string;
  transaction_id: string | null;
  trade_state: string;
  description: string;
  attach: string | null;
  /** Who ordered: a merchant, or a service provider for `sub_mchid`. */
  mchid: string;
  sub_mchid: string | null;
  trade_type: string;
  combine_out_trade_no: string | null;
  amount: { total: number; payer_total: number; refunded: number; currency: string };
  /** The newest code_url or h5_url, and prepay_id; older ones are dead. */
  code_url: string | null;
  prepay_id: string | null;
  payable: boolean;
  notify_url: string | null;
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
  mchid: string;
  amount: { refund: number; total: number; currency: string };
  notify_url: string | null;
  created_at: string;
  finished_at: string | null;
}

export interface NotificationView {
  id: string;
  mchid: string;
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

export function orderView(order: Order, known: { payable: boolean; refunded: number }): OrderView {
  const code = order.codes.at(-1);
  return {
    mchid: order.mchid,
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
    notify_url: notification.notifyUrl,
    status: notification.status,
    created_at: chinaTime(notification.createdAt),
    next_attempt_at: notification.nextAttemptAt === null ? null : chinaTime(notification.nextAttemptAt),
    attempts: notification.attempts,
  };
}
