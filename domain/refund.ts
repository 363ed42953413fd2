import type { RefundAttention } from './attention.ts';
import type { Fen } from './money.ts';
import { rfc3339 } from './time.ts';

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
  /** Refused, or closed by the gateway; the reservation is released. A retry, and nothing else, begins anew with another number. */
  FAILED: ['CREATED'],
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

/** Statuses in which an attempt has ended, and its workflow with it. */
export const ENDED_STATUSES = ['SUCCEEDED', 'FAILED'] as const satisfies RefundStatus[];

/** How an attempt has ended. */
export type RefundOutcome = (typeof ENDED_STATUSES)[number];

/** True when the workflow of this attempt has nothing left to do. */
export function isRefundFinal(status: RefundStatus): status is RefundOutcome {
  return (ENDED_STATUSES as readonly RefundStatus[]).includes(status);
}

/** True when the life cycle allows `from` to become `to`. */
export function canRefundTransition(from: RefundStatus, to: RefundStatus): boolean {
  return (REFUND_TRANSITIONS[from] as readonly RefundStatus[]).includes(to);
}

/** `reason` may have this many characters (official refund page). */
export const MAX_REFUND_REASON = 80;

/** `out_refund_no`: up to 64 of these characters (official refund page). */
export const OUT_REFUND_NO = /^[0-9A-Za-z_\-|*@]{1,64}$/;

/** What may be said of a refund besides, in the words of the wire. Every attempt says it. */
export interface RefundTerms {
  /** The merchant's account that pays. */
  funds_account?: (typeof FUNDS_ACCOUNTS)[number];
  /** How much each account pays, in all the refund. */
  from?: { account: (typeof REFUND_FROM)[number]; amount: Fen }[];
  /** What is given back. */
  goods_detail?: {
    merchant_goods_id: string;
    wechatpay_goods_id?: string;
    goods_name?: string;
    unit_price: Fen;
    refund_amount: Fen;
    refund_quantity: number;
  }[];
}

/** Accounts that a refund may draw on, and those whose shares it may name (official refund page). */
export const FUNDS_ACCOUNTS = ['AVAILABLE', 'UNSETTLED'] as const;
export const REFUND_FROM = ['AVAILABLE', 'UNAVAILABLE'] as const;

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

/** What WeChat Pay allows (official refund page). Each is checked before it is asked: its failing answers are the scarcer quota. */
export const REFUND_LIMITS = {
  /** So many refunds of one payment, closed ones included. */
  perPayment: 50,
  /** After the payment, in milliseconds. */
  periodMs: 365 * DAY,
  /** Between two refunds of one payment, in milliseconds. */
  gapMs: MINUTE,
  /**
   * Per merchant: 150 requests a second, and 6 that fail. A bucket of `burst` that is refilled with `perSecond` lets no second have more than
   * both together.
   */
  requests: { perSecond: 125, burst: 25 },
  failures: { perSecond: 5, burst: 1 },
} as const;

/** Between two tries to hand a refund to WeChat Pay, in milliseconds. */
const SUBMIT_AGAIN = { least: 1_000, most: MINUTE };

/**
 * How long to wait after a call that went wrong, in milliseconds: as long again as it is since the request was sent, and twice as long each time that it
 * was sent.
 */
export function submitAgainMs(sentAt: Date, timesSent: number, now: number): number {
  const { least, most } = SUBMIT_AGAIN;
  return Math.min(most, Math.max(least, now - sentAt.getTime(), least * 2 ** (timesSent - 1)));
}

/** What a refund draws on: money that came in, and what other refunds have taken of it. */
export interface RefundSource {
  /** WeChat Pay's number of the order; null while it is not paid. */
  transactionId: string | null;
  /** What was paid in all. */
  amount: Fen;
  currency: string;
  /** For people: the payment's status. */
  status: string;
  paidAt: Date | null;
  /** Set aside or paid back by other refunds. */
  reserved: Fen;
  /** How many refunds of it WeChat Pay knows, or may know. */
  refunds: number;
}

/** Where WeChat Pay can send the money of an abnormal refund instead: to the merchant, or to a debit card of the customer's. */
export const PAYOUT_TYPES = ['MERCHANT_BANK_CARD', 'USER_BANK_CARD'] as const;
export type PayoutType = (typeof PAYOUT_TYPES)[number];

/** What only two people together may decide about a refund, and the action they approve. */
export const APPROVED_CHOICES = {
  /** The merchant has paid the customer back by other means. */
  OFFLINE: 'settle_refund_offline',
  /** WeChat Pay has contradicted itself, and they know what became of the money. */
  ACCEPT: 'accept_contradiction',
} as const;

/** A name of the table. */
export type ApprovedChoice = keyof typeof APPROVED_CHOICES;

/** Everything that can be decided about a refund. */
export const REFUND_CHOICES = [
  ...PAYOUT_TYPES,
  ...(Object.keys(APPROVED_CHOICES) as ApprovedChoice[]),
  /** It is seen to on the merchant platform: ask WeChat Pay now, and go on waiting. */
  'WAIT',
] as const;

/** The number of such a card. */
export const BANK_ACCOUNT = /^\d{12,19}$/;

/** Banks whose debit cards it takes (official page of abnormal refunds). */
export const PAYOUT_BANKS = [
  'CMB_DEBIT',
  'COMM_DEBIT',
  'ABC_DEBIT',
  'CCB_DEBIT',
  'ICBC_DEBIT',
  'BOC_DEBIT',
  'PAB_DEBIT',
  'SPDB_DEBIT',
  'CITIC_DEBIT',
  'CEB_DEBIT',
  'CMBC_DEBIT',
  'CIB_DEBIT',
  'GDB_DEBIT',
  'PSBC_DEBIT',
  'NBCB_DEBIT',
] as const;

/** Why a refund is refused before WeChat Pay is asked; codes of the error catalogue. */
export const REFUND_OBSTACLES = [
  'payment_not_paid',
  'refund_currency_differs',
  'refund_exceeds_payment',
  'too_many_refunds',
  'refund_period_over',
] as const;

/** What forbids a refund. */
export interface RefundObstacle {
  code: (typeof REFUND_OBSTACLES)[number];
  message: string;
}

/** What forbids a refund of this amount; undefined when nothing does. */
export function refundObstacle(
  { amount, currency }: { amount: Fen; currency: string },
  source: RefundSource,
  now: number,
): RefundObstacle | undefined {
  if (source.transactionId === null)
    return { code: 'payment_not_paid', message: `the payment is ${source.status}` };
  if (currency !== source.currency) {
    return { code: 'refund_currency_differs', message: `the payment is in ${source.currency}` };
  }
  const left = source.amount - source.reserved;
  if (left === 0) return { code: 'refund_exceeds_payment', message: 'nothing is left to refund' };
  if (amount > left) {
    const message = `${left} of ${source.amount} fen are left to refund`;
    return { code: 'refund_exceeds_payment', message };
  }
  if (source.refunds >= REFUND_LIMITS.perPayment) {
    const message = `WeChat Pay takes at most ${REFUND_LIMITS.perPayment} refunds of one payment`;
    return { code: 'too_many_refunds', message };
  }
  if (source.paidAt !== null && source.paidAt.getTime() + REFUND_LIMITS.periodMs <= now) {
    const message = `it was paid at ${rfc3339(source.paidAt)}, and WeChat Pay takes refunds for 365 days`;
    return { code: 'refund_period_over', message };
  }
  return undefined;
}

/** Durations that govern one refund, in milliseconds; workflow input. */
export interface RefundTiming {
  /** How long to wait for the notification alone before asking the gateway. */
  notifyWaitMs: number;
  /** Gaps between polls; the last one repeats. */
  pollGapsMs: number[];
  /** After this long without an end the refund is shown to an operator. */
  giveUpMs: number;
  /** Between two refunds of one payment. Absent in histories from before there was a queue. */
  gapMs?: number;
  /** Gaps between attempts while the merchant's account is empty; the last one repeats. */
  topUpGapsMs?: number[];
}

/**
 * Every minute from the first, after five minutes 5, 10, 20 and 30 minutes (official page 4012075249).
 * A refund to a bank card takes one to three working days, an unfunded one is closed after seven.
 */
export const REFUND_TIMING: Required<RefundTiming> = {
  notifyWaitMs: MINUTE,
  pollGapsMs: [1, 1, 1, 1, 5, 10, 20, 30].map((minutes) => minutes * MINUTE),
  giveUpMs: 30 * DAY,
  gapMs: REFUND_LIMITS.gapMs,
  topUpGapsMs: [5, 10, 20, 30].map((minutes) => minutes * MINUTE),
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
  /** The gateway is still at it; with a reason, if a person has to look. */
  | { kind: 'processing'; attention?: RefundAttention }
  /** The money is parked: an operator chooses where it goes. */
  | { kind: 'abnormal'; attention?: RefundAttention };

/** What became of a refund request. */
export type SubmitFinding =
  | RefundFinding
  /** Not sent yet: another refund of the payment was sent less than a minute ago. */
  | { kind: 'queued'; waitMs: number }
  /** Refused for now: the merchant's account has not enough money. */
  | { kind: 'not_enough' }
  /** Not sent: an earlier attempt has not come to nothing after all. */
  | { kind: 'undecided'; reason: RefundAttention };
