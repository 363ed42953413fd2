import type { Fen } from './money.ts';

/** The life cycle of a refund, as data. */
export const REFUND_TRANSITIONS = {
  /** The intent is stored; nothing is reserved and the gateway knows nothing. */
  CREATED: ['RESERVED', 'FAILED'],
  /** The amount is set aside, so that no other refund can use it. */
  RESERVED: ['PROCESSING', 'SUCCEEDED', 'FAILED', 'ABNORMAL'],
  /** The gateway accepted the refund and is moving the money. */
  PROCESSING: ['SUCCEEDED', 'FAILED', 'ABNORMAL'],
  /** The money is parked at WeChat Pay (the card is void, say): an operator chooses where it goes. Not final. */
  ABNORMAL: ['PROCESSING', 'SUCCEEDED', 'FAILED'],
  /** The customer has the money. */
  SUCCEEDED: [],
  /** Refused, or closed by the gateway; the reservation is released. */
  FAILED: [],
} as const;

/** Status of a refund. */
export type RefundStatus = keyof typeof REFUND_TRANSITIONS;

/** Every status, in life-cycle order. */
export const REFUND_STATUSES = Object.keys(REFUND_TRANSITIONS) as RefundStatus[];

/** Statuses whose amount counts against what can still be refunded. */
export const RESERVING_STATUSES = [
  'RESERVED',
  'PROCESSING',
  'ABNORMAL',
  'SUCCEEDED',
] as const satisfies RefundStatus[];

/** True when the refund's workflow has nothing left to do. */
export function isRefundFinal(status: RefundStatus): boolean {
  return REFUND_TRANSITIONS[status].length === 0;
}

/** True when the life cycle allows `from` to become `to`. */
export function canRefundTransition(from: RefundStatus, to: RefundStatus): boolean {
  return (REFUND_TRANSITIONS[from] as readonly RefundStatus[]).includes(to);
}

/** `reason` may have this many characters (official refund page). */
export const MAX_REFUND_REASON = 80;

/** `out_refund_no`: up to 64 of these characters (official refund page). */
export const OUT_REFUND_NO = /^[0-9A-Za-z_\-|*@]{1,64}$/;

/** Durations that govern one refund, in milliseconds; workflow input. */
export interface RefundTiming {
  /** How long to wait for the notification alone before asking the gateway. */
  notifyWaitMs: number;
  /** Gaps between polls; the last one repeats. */
  pollGapsMs: number[];
  /** After this long without an end the refund is shown to an operator. */
  giveUpMs: number;
}

const MINUTE = 60_000;

/**
 * Every minute from the first, after five minutes 5, 10, 20 and 30 minutes (official page 4012075249).
 * A refund to a bank card takes one to three working days, an unfunded one is closed after seven.
 */
export const REFUND_TIMING: RefundTiming = {
  notifyWaitMs: MINUTE,
  pollGapsMs: [1, 1, 1, 1, 5, 10, 20, 30].map((minutes) => minutes * MINUTE),
  giveUpMs: 30 * 24 * 60 * MINUTE,
};

/** Why a refund is there. */
export type RefundCause = 'requested' | 'duplicate' | 'late_money';

/** `reason` of refunds that nobody asked for, in the words that the customer reads on the phone. */
export const REFUND_REASONS = {
  duplicate: '同一订单重复支付，款项退回',
  late_money: '订单已关闭，款项退回',
} as const satisfies Partial<Record<RefundCause, string>>;

/** A refund as far as starting its workflow needs it; nothing private. */
export interface RefundToStart {
  id: string;
  paymentId: string;
  merchantId: string;
  mchid: string;
  outTradeNo: string;
  outRefundNo: string;
  amount: Fen;
}

/** What was found out about a refund. */
export type RefundFinding =
  | { kind: 'final'; status: 'SUCCEEDED' }
  | { kind: 'final'; status: 'FAILED'; code: string; message: string }
  /** The gateway is still at it. */
  | { kind: 'processing' }
  /** The money is parked: an operator chooses where it goes. */
  | { kind: 'abnormal' };
