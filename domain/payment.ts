import type { PaymentAttention } from './attention.ts';
import type { BothSides } from './both-sides.ts';
import type { RefundToStart } from './refund.ts';

/**
 * The life cycle of a payment, as data. The workflow, the database constraint, the tests and the docs
 * all read this table.
 */
export const PAYMENT_TRANSITIONS = {
  /** The intent is stored; WeChat Pay may or may not know the order yet. */
  CREATED: ['PENDING', 'PAID', 'CLOSED', 'FAILED'],
  /** WeChat Pay has accepted the order; the customer can pay. */
  PENDING: ['PAID', 'CLOSED'],
  /** The gateway confirmed the money. Refunds may follow. */
  PAID: ['PARTIALLY_REFUNDED', 'REFUNDED'],
  PARTIALLY_REFUNDED: ['PARTIALLY_REFUNDED', 'REFUNDED'],
  REFUNDED: [],
  /** The gateway confirmed that the order is closed and unpaid. Only late money that is accepted makes it paid. */
  CLOSED: ['PAID'],
  /** The gateway refused the order for good; nothing can be paid. As above: late money. */
  FAILED: ['PAID'],
} as const;

/** Status of a payment. */
export type PaymentStatus = keyof typeof PAYMENT_TRANSITIONS;

/** Every status, in life-cycle order. */
export const PAYMENT_STATUSES = Object.keys(PAYMENT_TRANSITIONS) as PaymentStatus[];

/** True when the life cycle allows `from` to become `to`. */
export function canTransition(from: PaymentStatus, to: PaymentStatus): boolean {
  return (PAYMENT_TRANSITIONS[from] as readonly PaymentStatus[]).includes(to);
}

/** Statuses in which the customer's money has arrived (refunds included). */
export const PAID_STATUSES = ['PAID', 'PARTIALLY_REFUNDED', 'REFUNDED'] as const satisfies PaymentStatus[];

/** True when the money arrived, whether or not some of it has gone back since. */
export function isPaid(status: PaymentStatus): boolean {
  return (PAID_STATUSES as readonly PaymentStatus[]).includes(status);
}

/** Statuses in which a payment has ended without money. */
export const UNPAID_STATUSES = ['CLOSED', 'FAILED'] as const satisfies PaymentStatus[];

/** True when the payment has ended without money. */
export function endedUnpaid(status: PaymentStatus): status is (typeof UNPAID_STATUSES)[number] {
  return (UNPAID_STATUSES as readonly PaymentStatus[]).includes(status);
}

/** How long a customer may take to pay, in seconds. `time_expire` is computed from it once. */
export interface ExpiresIn {
  min: number;
  max: number;
  default: number;
}

/** Where nothing else is said. */
export const EXPIRES_IN = {
  /** WeChat Pay silently raises anything below one minute (official page 4012525167). */
  min: 60,
  /** WeChat Pay closes unpaid orders itself after seven days. */
  max: 7 * 24 * 3600,
  /** The life of a Native code_url: two hours. */
  default: 2 * 3600,
} as const satisfies ExpiresIn;

/** `description` may have this many characters (official order page). */
export const MAX_DESCRIPTION = 127;

/** `attach` may have this many characters (official order page). */
export const MAX_ATTACH = 128;

/** `order_reference` may have this many characters; ours, WeChat Pay is not told. */
export const MAX_ORDER_REFERENCE = 64;

/** `out_trade_no`: 6 to 32 of these characters (official order page). */
export const OUT_TRADE_NO = /^[0-9A-Za-z_\-|*]{6,32}$/;

/** Durations that govern one payment, in milliseconds. They are workflow input so that tests can shorten them. */
export interface PaymentTiming {
  /** How long to wait for the notification alone before asking the gateway. */
  notifyWaitMs: number;
  /** Gaps between polls; the last one repeats until `time_expire`. */
  pollGapsMs: number[];
  /** For orders that are reversed instead of closed. */
  reversal?: ReversalTiming;
  /** For so long it is asked whether the order is closed before an operator is asked; absent: a day. */
  closeWithinMs?: number;
}

/** When a charged order may be taken back, and when silence about one is believed; in milliseconds. */
export interface ReversalTiming {
  /** Not earlier than this after the charge: it may still be under way (official page 4012075249: 15 seconds). */
  earliestMs: number;
  /** What was sent so long ago is charged no more, as it has expired; payment codes live a minute. */
  codeLivesMs: number;
  /** A reversal that was not answered is carried out within this, or never. */
  settlesMs: number;
}

/** The usual {@link ReversalTiming}. */
export const REVERSAL_TIMING: ReversalTiming = {
  earliestMs: 15_000,
  codeLivesMs: 90_000,
  settlesMs: 60_000,
};

/**
 * WeChat Pay's recommended schedule for asking after an order: 5 s, 30 s, 1 m, 3 m, 5 m, 10 m, 30 m
 * (official page 4012075249, plan A).
 */
export const PAYMENT_TIMING: PaymentTiming = {
  notifyWaitMs: 5_000,
  pollGapsMs: [30_000, 60_000, 180_000, 300_000, 600_000, 1_800_000],
};

/** What was found out about a payment's order: the gateway's word, compared with our own row. */
export type PaymentFinding =
  /** It has ended, and the row says so. With the refund that this has called for, of a combined payment several, whose workflow is to be started. */
  | { kind: 'final'; status: 'PAID' | 'CLOSED' | 'FAILED'; refund?: RefundToStart; refunds?: RefundToStart[] }
  /** The gateway knows of no money (yet). */
  | { kind: 'unpaid' }
  /** The charge has failed, or was taken back: nobody can pay any more, and the order is to be ended. */
  | { kind: 'unpayable' }
  /** The gateway's answer contradicts our row, or leaves the end open: a person decides. */
  | { kind: 'undecided'; reason: PaymentAttention; sides?: BothSides };
