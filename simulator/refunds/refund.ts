import type { Share } from '../money/balance.ts';

/**
 * Refund states and where each may go (official page 4013071031): back to PROCESSING by the merchant's apply-abnormal-refund, elsewhere by itself
 * or by the control API.
 */
export const REFUND_TRANSITIONS = {
  PROCESSING: ['SUCCESS', 'ABNORMAL', 'CLOSED'],
  ABNORMAL: ['SUCCESS', 'CLOSED', 'PROCESSING'],
  SUCCESS: [],
  CLOSED: [],
} as const;
export type RefundStatus = keyof typeof REFUND_TRANSITIONS;
export type RefundOutcome = Exclude<RefundStatus, 'PROCESSING'>;

/** What a merchant asks for, said in the words of one of the APIs. */
export interface RefundTerms {
  /** Who signed: the number is unique for this mchid. */
  mchid: string;
  subMchid?: string | undefined;
  outRefundNo: string;
  outTradeNo?: string | undefined;
  transactionId?: string | undefined;
  /** Which notification and which objects it gets. */
  api: 'v2' | 'v3';
  /** What was sent, by value: an equal request answers the same refund. */
  request: unknown;
  /** In the smallest unit of the currency, as the next. */
  refund: number;
  total: number;
  currency: string;
  reason?: string | undefined;
  notifyUrl?: string | undefined;
  fundsAccount?: string | undefined;
  /** Which accounts pay. */
  from?: { account: 'AVAILABLE' | 'UNAVAILABLE'; amount: number }[] | undefined;
}

/** Where the money of an abnormal refund goes instead. */
export type Payout =
  | { type: 'MERCHANT_BANK_CARD' }
  | { type: 'USER_BANK_CARD'; bankType: string; bankAccount: string; realName: string };

/** A refund as the gateway keeps it. Times are milliseconds. */
export interface Refund extends RefundTerms {
  refundId: string;
  outTradeNo: string;
  transactionId: string;
  /** The person's share: what is refunded without the coupons' share. */
  payerRefund: number;
  /** The person's share in fen of CNY, which people pay with: another number for orders in other currencies. */
  payerFenRefund: number;
  /** The merchant's share: without that of coupons the merchant funded itself. */
  settlementRefund: number;
  /** The fee that the merchant gets back. */
  feeRefund: number;
  /** Accounts of the merchant that paid. */
  paidFrom: Share[];
  /** Where it goes since it was ABNORMAL. */
  payout?: Payout;
  status: RefundStatus;
  createdAt: number;
  /** When it ends by itself; null when only the control API finishes it. */
  dueAt: number | null;
  /** How it ends by itself, when not in SUCCESS. */
  dueOutcome?: RefundOutcome;
  finishedAt?: number;
}
