import type { z } from 'zod';
import type { faultRule, firedFault } from '../faults/fault.ts';
import type { NotificationView, OrderView, RefundView } from './view.ts';

/** An order, a refund, a notification and a fault, as the API description shows them. */
export const exampleOrder: OrderView = {
  mchid: '1900012345',
  appid: 'wx0f1e2d3c4b5a6978',
  sub_mchid: null,
  out_trade_no: 'T20260301A000017',
  combine_out_trade_no: null,
  transaction_id: '4200002088202603011234567890',
  trade_type: 'NATIVE',
  trade_state: 'SUCCESS',
  description: 'Tea set',
  attach: 'c=1',
  amount: { total: 2590, payer_total: 2390, refunded: 0, currency: 'CNY' },
  code_url: 'weixin://wxpay/bizpayurl?pr=Kq7Rt2Zzz',
  prepay_id: 'wx20260301120000a1b2c3d4e5f607181920',
  payable: false,
  notify_url: 'https://pay.example.com/wx',
  created_at: '2026-03-01T12:00:00+08:00',
  expires_at: '2026-03-01T12:30:00+08:00',
  success_time: '2026-03-01T12:03:11+08:00',
  failed_attempts: [{ time: '2026-03-01T12:02:50+08:00', reason: 'wrong_password' }],
};

export const exampleRefund: RefundView = {
  mchid: '1900012345',
  out_refund_no: 'R20260302000001',
  refund_id: '50300208882026030212345678901',
  out_trade_no: 'T20260301A000017',
  transaction_id: '4200002088202603011234567890',
  status: 'ABNORMAL',
  reason: 'broken',
  amount: { refund: 1000, total: 2590, currency: 'CNY' },
  notify_url: null,
  created_at: '2026-03-02T09:00:01+08:00',
  finished_at: '2026-03-02T09:00:04+08:00',
};

export const exampleNotification: NotificationView = {
  id: '3b9e61c2-7a40-5d18-9c2f-60d1e4a7b853',
  mchid: '1900012345',
  event_type: 'TRANSACTION.SUCCESS',
  out_trade_no: 'T20260301A000017',
  out_refund_no: null,
  complaint_id: null,
  notify_url: 'https://pay.example.com/wx',
  status: 'pending',
  created_at: '2026-03-01T12:03:11+08:00',
  next_attempt_at: '2026-03-01T12:03:26+08:00',
  attempts: [{ time: 1_772_337_791_200, status: 500, error: 'answered 500', fault: null }],
};

export const exampleFault: z.infer<typeof faultRule> = {
  id: '0d1c9a52-61f4-4c0e-8a57-0b6f3f1c2d4e',
  operation: 'order.*',
  kind: 'error_500',
  processed: false,
  probability: 0.1,
  times: null,
  seen: 12,
};

export const exampleFired: z.infer<typeof firedFault> = {
  sequence: 1,
  time: 1_772_337_600_000,
  rule_id: exampleFault.id,
  operation: 'order.query',
  call: 7,
  kind: 'error_500',
  parameters: { processed: false },
  mchid: '1900012345',
  out_trade_no: 'T20260301A000017',
  out_refund_no: null,
  bill_date: null,
};
