import type { LedgerStep } from './ledger.ts';

/**
 * The rules of the nightly reconciliation, as data: what is compared by which key, and what follows from what was found. The SQL that applies them
 * to a million lines is made from these tables; tests and docs/reconciliation.md read them, too.
 */

/** What a line says about its subject. */
export const LINE_STATES = {
  matched: 'our row, the trade bill, the fund flow and the ledger agree',
  carried: 'one side is still to come, and the time explains it',
  missing_at_wechat: 'we have it, and WeChat Pay does not',
  missing_here: 'WeChat Pay has it, and we do not',
  amount_differs: 'the amounts are not the same',
  status_differs: 'it has ended in one way here, and in another at WeChat Pay',
  fee_differs: 'the fee of the trade bill is not what the fund flow took',
  duplicate: 'WeChat Pay has it twice',
  currency_differs: 'the currencies are not the same',
} as const;

/** State of a line. */
export type LineState = keyof typeof LINE_STATES;

/** States that are somebody's turn. */
export const BREAK_STATES = (Object.keys(LINE_STATES) as LineState[]).filter(
  (state) => state !== 'matched' && state !== 'carried',
);

/** What a line is about. */
export const LINE_KINDS = {
  payment: 'money from a customer',
  refund: 'money back to a customer',
  reversal: 'a payment that WeChat Pay has taken back',
  movement: 'another movement of the account, or of our books',
} as const;

/** Kind of a line. */
export type LineKind = keyof typeof LINE_KINDS;

/**
 * By what a row of WeChat Pay's finds ours: the first key that has a partner counts, and is stored with the match. `bill` is a column of the
 * trade bill, `here` one of our table: payments, or the attempts of refunds.
 */
export const MATCH_KEYS = {
  payment: [
    { name: 'transaction_id', bill: 'transaction_id', here: 'transaction_id' },
    { name: 'out_trade_no', bill: 'out_trade_no', here: 'out_trade_no' },
  ],
  refund: [
    { name: 'refund_id', bill: 'refund_id', here: 'wechat_refund_id' },
    { name: 'out_refund_no', bill: 'out_refund_no', here: 'out_refund_no' },
  ],
} as const;

/** The column of a fund flow that has the transaction_id or refund_id; official pages leave open which. The one that fits the trade bill counts. */
export const FLOW_KEYS = ['business_id', 'flow_id'] as const;

/** 业务类型 of a fund flow: on which side of which subject its amount is. What is not listed is a movement of its own. */
export const FLOW_TYPES = {
  交易: 'paid',
  扣除交易手续费: 'fee_taken',
  退款: 'refunded',
  退还交易手续费: 'fee_returned',
  退款关闭: 'refund_closed',
} as const;

/**
 * Movements of a fund flow that are no trade and still explain themselves: by 业务类型 and direction what the line says, and how it is posted. WeChat
 * Pay's pages have no list of types, and no money is moved on a guess: every other movement is somebody's turn.
 */
export const BANK_MOVEMENTS = [
  { type: '提现', direction: 'out', reason: 'withdrawn', step: 'settlement.paid_out' },
  { type: '提现', direction: 'in', reason: 'withdrawal_returned', step: 'settlement.paid_in' },
  { type: '提现退票', direction: 'in', reason: 'withdrawal_returned', step: 'settlement.paid_in' },
  { type: '充值', direction: 'in', reason: 'topped_up', step: 'settlement.paid_in' },
] as const satisfies { type: string; direction: 'in' | 'out'; reason: string; step: LedgerStep }[];

/** The cause under which a movement is posted begins so. */
export const MOVEMENT_CAUSE = 'flow/';

/** What is known about one line when it is judged. */
export interface LineFacts {
  kind: LineKind;
  /**
   * Our row. Of a payment: not there, still open, paid, ended without money, or ended and the money is kept as late. Of a refund: not there, not
   * accepted yet, moving, done, failed. Of a movement: not there, or one of {@link BANK_MOVEMENTS} on which nobody has decided.
   */
  here:
    | 'absent'
    | 'open'
    | 'paid'
    | 'ended'
    | 'late'
    | 'moving'
    | 'done'
    | 'failed'
    | (typeof BANK_MOVEMENTS)[number]['reason'];
  /** A row of the trade bill, of this day or of an earlier one that was carried. */
  bill: boolean;
  /** Movements of the fund flow; undone when a refund's money has gone and come back, or that of a payment before has gone back. */
  flow: 'absent' | 'present' | 'undone';
  /** A posting to our receivable, by the end of the day. */
  book: boolean;
  /** The first thing that is not the same. */
  differs:
    | 'nothing'
    /** A second row for the same subject. */
    | 'row'
    /** Another transaction_id than that of our paid payment. */
    | 'transaction'
    | 'currency'
    | 'amount'
    | 'flow_amount'
    | 'book_amount'
    | 'fee'
    /** The bill says that the refund has ended, ours has not. */
    | 'status';
  /** A payment that the same bill has as taken back, or what took back a payment of the same bill or of one before. */
  takenBack: boolean;
  /** It happened so close to midnight that the other side may be in the file of the next day, or of the day before. */
  nearMidnight: boolean;
}

/** What this service mends by itself. */
export type Repair =
  /** Ask WeChat Pay after the payment, and settle what it says: an open payment becomes paid, money for an ended one is kept as late. */
  | 'settle_payment'
  /** Ask after the refund and store how it goes. */
  | 'sync_refund';

/** A rule: when all conditions hold, the line is judged so. A condition that is left out always holds. */
export interface Rule {
  /** Stable; stored with the line and explained in docs/reconciliation.md. */
  reason: string;
  when: {
    [Fact in keyof LineFacts]?: LineFacts[Fact] extends boolean
      ? LineFacts[Fact]
      : readonly LineFacts[Fact][];
  };
  state: LineState;
  repair?: Repair;
  /** Of carried lines: what it is once it has been carried for too long. */
  aged?: LineState;
}

const PAYMENT = ['payment'] as const;
const REFUND = ['refund'] as const;

/** A movement that explains itself: our side of it is what this run posts. */
function movement<Here extends (typeof BANK_MOVEMENTS)[number]['reason']>(here: Here) {
  return {
    kind: ['movement'],
    here: [here],
    bill: false,
    flow: ['present'],
    book: false,
    differs: ['nothing'],
  } as const;
}

/** The truth table. The first rule that holds counts. */
export const RULES = [
  {
    reason: 'agreed',
    when: {
      kind: PAYMENT,
      here: ['paid'],
      bill: true,
      flow: ['present'],
      book: true,
      differs: ['nothing'],
    },
    state: 'matched',
  },
  {
    reason: 'refunded',
    when: {
      kind: REFUND,
      here: ['done'],
      bill: true,
      flow: ['present'],
      book: true,
      differs: ['nothing'],
    },
    state: 'matched',
  },
  { reason: 'second_row', when: { differs: ['row'] }, state: 'duplicate' },
  { reason: 'second_transaction', when: { differs: ['transaction'] }, state: 'duplicate' },
  { reason: 'withdrawn', when: movement('withdrawn'), state: 'matched' },
  { reason: 'withdrawal_returned', when: movement('withdrawal_returned'), state: 'matched' },
  { reason: 'topped_up', when: movement('topped_up'), state: 'matched' },
  { reason: 'unknown_movement', when: { kind: ['movement'], flow: ['present'] }, state: 'missing_here' },
  { reason: 'booked_by_hand', when: { kind: ['movement'] }, state: 'missing_at_wechat' },
  { reason: 'unknown_order', when: { kind: PAYMENT, here: ['absent'] }, state: 'missing_here' },
  { reason: 'unknown_refund', when: { kind: REFUND, here: ['absent'] }, state: 'missing_here' },
  // It was paid while it was being given up: WeChat Pay has both halves, and here it has never been paid.
  {
    reason: 'taken_back',
    when: {
      kind: ['payment', 'reversal'],
      here: ['ended'],
      bill: true,
      flow: ['present', 'undone'],
      book: false,
      differs: ['nothing'],
      takenBack: true,
    },
    state: 'matched',
  },
  { reason: 'reversed_unknown', when: { kind: ['reversal'], here: ['absent'] }, state: 'missing_here' },
  { reason: 'reversed', when: { kind: ['reversal'] }, state: 'status_differs' },
  { reason: 'other_currency', when: { differs: ['currency'] }, state: 'currency_differs' },
  { reason: 'other_amount', when: { differs: ['amount'] }, state: 'amount_differs' },
  {
    reason: 'paid_at_wechat',
    when: { kind: PAYMENT, here: ['open', 'ended'] },
    state: 'missing_here',
    repair: 'settle_payment',
  },
  {
    reason: 'accepted_at_wechat',
    when: { kind: REFUND, here: ['open'] },
    state: 'status_differs',
    repair: 'sync_refund',
  },
  {
    reason: 'refund_behind',
    when: { kind: REFUND, here: ['moving'], differs: ['status'] },
    state: 'status_differs',
    repair: 'sync_refund',
  },
  { reason: 'other_amount_in_fund_flow', when: { differs: ['flow_amount'] }, state: 'amount_differs' },
  { reason: 'other_amount_in_ledger', when: { differs: ['book_amount'] }, state: 'amount_differs' },
  {
    reason: 'late_money',
    when: {
      kind: PAYMENT,
      here: ['late'],
      bill: true,
      flow: ['present'],
      book: true,
      differs: ['nothing'],
    },
    state: 'matched',
  },
  {
    reason: 'refund_closed',
    when: { kind: REFUND, here: ['failed'], flow: ['undone'], book: false },
    state: 'matched',
  },
  {
    reason: 'refund_closing',
    when: { kind: REFUND, here: ['failed'], bill: true, book: false },
    state: 'carried',
    aged: 'status_differs',
  },
  { reason: 'failed_here', when: { kind: REFUND, here: ['failed'] }, state: 'status_differs' },
  {
    reason: 'closed_at_wechat',
    when: { kind: REFUND, flow: ['undone'] },
    state: 'status_differs',
    repair: 'sync_refund',
  },
  {
    reason: 'refund_in_flight',
    when: { kind: REFUND, here: ['moving', 'done'], bill: true, flow: ['present'], book: false },
    state: 'carried',
    aged: 'status_differs',
  },
  {
    reason: 'booked_later',
    when: { kind: PAYMENT, bill: true, flow: ['present'], book: false, nearMidnight: true },
    state: 'carried',
    aged: 'missing_here',
  },
  {
    reason: 'not_in_ledger',
    when: { kind: PAYMENT, bill: true, flow: ['present'], book: false },
    state: 'missing_here',
  },
  { reason: 'other_fee', when: { bill: true, flow: ['present'], differs: ['fee'] }, state: 'fee_differs' },
  {
    reason: 'in_another_fund_flow',
    when: { bill: true, flow: ['absent'], nearMidnight: true },
    state: 'carried',
    aged: 'missing_at_wechat',
  },
  { reason: 'not_in_fund_flow', when: { bill: true, flow: ['absent'] }, state: 'missing_at_wechat' },
  {
    reason: 'in_another_bill',
    when: { bill: false, nearMidnight: true },
    state: 'carried',
    aged: 'missing_at_wechat',
  },
  {
    reason: 'not_in_trade_bill',
    when: { bill: false, flow: ['present'] },
    state: 'missing_at_wechat',
  },
  { reason: 'not_at_wechat', when: { bill: false }, state: 'missing_at_wechat' },
  // What no rule foresees is shown to a person, never taken for agreed.
  { reason: 'not_foreseen', when: {}, state: 'status_differs' },
] as const satisfies Rule[];

/** Why a line is in its state. */
export type Reason = (typeof RULES)[number]['reason'];

/** The rule that holds for a line. */
export function ruleFor(facts: LineFacts): Rule {
  const holds = ({ when }: Rule) =>
    (Object.entries(when) as [keyof LineFacts, unknown][]).every(([fact, wanted]) =>
      Array.isArray(wanted) ? wanted.includes(facts[fact]) : wanted === facts[fact],
    );
  // The last rule has no condition.
  return (RULES as readonly Rule[]).find(holds) as Rule;
}

/** What an accountant may change. */
export interface ReconciliationTiming {
  /** A carried line becomes a break after so many days. */
  carryDays: number;
  /** So many minutes around midnight the other side may be in another day's file. */
  midnightMinutes: number;
}

/** Three days are the usual custom; the bill and the fund flow of one movement are booked within seconds. */
export const RECONCILIATION_TIMING: ReconciliationTiming = { carryDays: 3, midnightMinutes: 30 };

/** How old a break is, by the days since the day of its bill. */
export const AGE_BUCKETS = [
  { name: '0-1', from: 0 },
  { name: '2-3', from: 2 },
  { name: '4-7', from: 4 },
  { name: '8+', from: 8 },
] as const;

/** Name of an age. */
export type AgeBucket = (typeof AGE_BUCKETS)[number]['name'];

/** The bucket of an age in days. */
export function ageBucket(days: number): AgeBucket {
  return AGE_BUCKETS.findLast(({ from }) => days >= from)?.name ?? '0-1';
}

/** Where an open item is in its life. */
export const ITEM_STATUSES = {
  carried: 'waits for the other side',
  break: "is somebody's turn",
  closed: 'the other side has come, or the difference is gone',
  resolved: 'a person has decided, with a reason',
} as const;

/** Status of an open item. */
export type ItemStatus = keyof typeof ITEM_STATUSES;

/**
 * What a person may decide about a break. The difference is what WeChat Pay has more (`more`) or less (`less`) than our receivable: with an account,
 * one balanced transaction moves it there; without, nothing is posted.
 */
export const RESOLUTIONS = {
  no_action: { purpose: 'it is explained, and our books are right' },
  to_suspense: {
    purpose: 'it goes to suspense until somebody can explain it',
    more: 'suspense.in',
    less: 'suspense.out',
  },
  to_fees: {
    purpose: 'it is a fee of WeChat Pay, or one given back',
    more: 'refund.fee_returned',
    less: 'payment.fee',
  },
  to_bank: {
    purpose: 'it was paid out to the bank, or paid in from it',
    more: 'settlement.paid_in',
    less: 'settlement.paid_out',
  },
} as const satisfies Record<string, { purpose: string; more?: LedgerStep; less?: LedgerStep }>;

/** A decision. */
export type Resolution = keyof typeof RESOLUTIONS;

/** Every decision. */
export const RESOLUTION_NAMES = Object.keys(RESOLUTIONS) as Resolution[];

/** Whether there is such a decision. */
export function isResolution(name: string): name is Resolution {
  return Object.hasOwn(RESOLUTIONS, name);
}

/** Steps by which this reconciliation posts what it has found in the bills about payments and refunds, of lines that agree. */
export const FOUND_STEPS = [
  'payment.fee',
  'refund.fee_returned',
  'payment.coupon',
  'refund.coupon_returned',
] as const satisfies LedgerStep[];

/** The cause under which a decision of a person is posted begins so: with the id of the item. */
export const DECISION_CAUSE = 'brk_';
