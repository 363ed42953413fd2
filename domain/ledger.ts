import type { Fen } from './money.ts';

/**
 * The chart of accounts, as data: the migration, the postings, the tests and docs/ledger.md read this table. Each merchant has one account
 * of each code and currency. Debits and credits are those of double-entry bookkeeping: an asset or expense grows by debits, a liability or
 * income by credits.
 */
export const ACCOUNTS = {
  wechat_receivable: {
    kind: 'asset',
    purpose: 'what customers have paid and WeChat Pay has not settled to the bank yet',
  },
  settlement_bank: { kind: 'asset', purpose: 'what WeChat Pay has settled to the bank' },
  sales: { kind: 'income', purpose: 'what customers have paid for' },
  refunds: { kind: 'expense', purpose: 'what is given back of sales, set aside already or paid back' },
  refunds_in_flight: {
    kind: 'liability',
    purpose: 'what is set aside for refunds whose money has not arrived at the customer yet',
  },
  gateway_fees: { kind: 'expense', purpose: 'what WeChat Pay keeps' },
  late_money: {
    kind: 'liability',
    purpose: 'what was paid for payments that had ended without money; it has to go back or be accepted',
  },
  suspense: { kind: 'liability', purpose: 'what nobody can explain yet; it has to become nothing' },
} as const satisfies Record<string, { kind: AccountKind; purpose: string }>;

/** What an account stands for, which says on which side it grows. */
export type AccountKind = 'asset' | 'expense' | 'liability' | 'income';

/** A code of the chart. */
export type AccountCode = keyof typeof ACCOUNTS;

/** Every code. */
export const ACCOUNT_CODES = Object.keys(ACCOUNTS) as AccountCode[];

/** One side of a transaction. */
export interface LedgerEntry {
  account: AccountCode;
  side: 'debit' | 'credit';
  amount: Fen;
}

/**
 * What happens to money, by the step that causes it: which account is debited and which credited. A reversible one was read from a bill or
 * judged by a person, and is taken back when it was wrong; the others are the life of a payment or refund, which WeChat Pay has confirmed.
 */
export const POSTINGS = {
  /** A customer has paid. */
  'payment.paid': { debit: 'wechat_receivable', credit: 'sales' },
  /** Money came for a payment that had ended without it. */
  'payment.late': { debit: 'wechat_receivable', credit: 'late_money' },
  /** Late money has paid the payment after all. */
  'payment.late_accepted': { debit: 'late_money', credit: 'sales' },
  /** WeChat Pay has kept its fee of a payment. */
  'payment.fee': { debit: 'gateway_fees', credit: 'wechat_receivable', reversible: true },
  /** A coupon that the merchant funds has paid a part: nobody owes that. */
  'payment.coupon': { debit: 'sales', credit: 'wechat_receivable', reversible: true },
  /** A refund has set its amount aside. */
  'refund.reserved': { debit: 'refunds', credit: 'refunds_in_flight' },
  /** The customer has the money back. */
  'refund.succeeded': { debit: 'refunds_in_flight', credit: 'wechat_receivable' },
  /** The merchant has paid the customer back by other means than WeChat Pay. */
  'refund.settled_offline': { debit: 'refunds_in_flight', credit: 'settlement_bank' },
  /** A refund that had set its amount aside came to nothing. */
  'refund.released': { debit: 'refunds_in_flight', credit: 'refunds' },
  /** A refund of late money has set it aside. That the customer has it back is `refund.succeeded`. */
  'late_refund.reserved': { debit: 'late_money', credit: 'refunds_in_flight' },
  /** A refund of late money that had set it aside came to nothing. */
  'late_refund.released': { debit: 'refunds_in_flight', credit: 'late_money' },
  /** What had come above a payment's amount went back with it: refunds were booked over more than the sale. */
  'suspense.refunded': { debit: 'suspense', credit: 'refunds' },
  /** What had come, less than a payment's amount, went back: nobody owes the rest of the sale any more. */
  'suspense.waived': { debit: 'refunds', credit: 'suspense' },
  /** WeChat Pay has given back the fee of what was refunded. */
  'refund.fee_returned': { debit: 'wechat_receivable', credit: 'gateway_fees', reversible: true },
  /** The same part of what was refunded: nobody gave that back. */
  'refund.coupon_returned': { debit: 'wechat_receivable', credit: 'refunds', reversible: true },
  /** WeChat Pay has paid to the bank: a settlement or a withdrawal. */
  'settlement.paid_out': { debit: 'settlement_bank', credit: 'wechat_receivable', reversible: true },
  /** The bank has paid to WeChat Pay: a top-up, or a withdrawal that came back. */
  'settlement.paid_in': { debit: 'wechat_receivable', credit: 'settlement_bank', reversible: true },
  /** Money came in at WeChat Pay that nobody can explain. */
  'suspense.in': { debit: 'wechat_receivable', credit: 'suspense', reversible: true },
  /** Money left WeChat Pay that nobody can explain, or what could not be explained went back. */
  'suspense.out': { debit: 'suspense', credit: 'wechat_receivable', reversible: true },
} as const satisfies Record<string, { debit: AccountCode; credit: AccountCode; reversible?: true }>;

/** A step that moves money. With what it is about, it is the key under which it is posted once. */
export type LedgerStep = keyof typeof POSTINGS;

/** The step of a transaction that takes another one back. */
export const REVERSAL = 'reversal';

/** The two entries of a step. */
export function entriesOf(step: LedgerStep, amount: Fen): [LedgerEntry, LedgerEntry] {
  const { debit, credit } = POSTINGS[step];
  return [
    { account: debit, side: 'debit', amount },
    { account: credit, side: 'credit', amount },
  ];
}

/** Whether what this step posted may be taken back. A reversal may not: post what is right under another cause. */
export function isReversible(step: string): boolean {
  return Object.hasOwn(POSTINGS, step) && 'reversible' in POSTINGS[step as LedgerStep];
}

/** The two times of a transaction, by which a report may be dated: when we knew of it, and when it happened. */
export const DATED_BY = ['posted_at', 'effective_at'] as const;

/** Which of the two a report uses. What is closed by `posted_at` never changes any more. */
export type DatedBy = (typeof DATED_BY)[number];

/** Where WeChat Pay holds the merchant's money: the account that its statements are about. */
export const GATEWAY_ACCOUNT = 'wechat_receivable' satisfies AccountCode;

/** The public id of a transaction. Its number is the document number in the books of the merchant. */
export function ledgerTransactionId(sequence: number): string {
  return `txn_${sequence}`;
}

/** The number in a public id; undefined when it is none. */
export function ledgerSequence(id: string): number | undefined {
  const sequence = Number(/^txn_([1-9]\d{0,15})$/.exec(id)?.[1]);
  return Number.isSafeInteger(sequence) ? sequence : undefined;
}
