import { z } from 'zod';
import type { MovementType } from '../bills/entry.ts';
import { REFUSAL_CODES } from '../refusals.ts';
import { V2_ERROR_CODES } from '../v2/error.ts';

/** What a gateway does wrong to a request, or to its answer. */
export const ANSWER_FAULTS = {
  timeout_before: 'nothing happens and nothing is answered; the socket is destroyed after delay_ms (60 s)',
  timeout_after: 'it takes effect and nothing is answered; the socket is destroyed after delay_ms (60 s)',
  reset_after: 'it takes effect and the connection is reset',
  reset_mid_answer: 'it takes effect and the connection is reset in the middle of the answer',
  error_500: '500 SYSTEM_ERROR, without effect unless processed',
  error_502_html: '502 with the page of a proxy, without effect unless processed',
  error_503_html: '503 with the page of a proxy, without effect unless processed',
  accepted_202: '202 with an empty object, without effect unless processed',
  rate_limited_429: '429 FREQUENCY_LIMITED, without effect unless processed',
  slow: 'it takes effect and is answered after delay_ms (2 s)',
  bad_signature: 'it takes effect behind an answer with a wrong signature',
  probe_signature: 'it takes effect behind an answer with a signature probe',
  unknown_serial: 'it takes effect behind an answer signed with a key that nobody knows',
  unsigned: 'it takes effect behind an answer without a signature',
  clock_skew: 'it takes effect behind an answer whose timestamp is off by skew_ms (10 min back)',
  refused: 'refused with code, without effect unless processed',
} as const;

/** A payment that lands at the worst moment, or a gateway that has not noticed it yet. */
export const RACES = {
  pay_before: 'an unpaid order is paid just before the request is processed',
  pay_after:
    'an unpaid order is paid right after the request is answered; an order that it closed is paid all the same',
  notpay_lag: 'a paid order is answered NOTPAY; with lag_ms for so long after the payment',
} as const;

/** What makes sense for refund applications only. */
export const APPLICATION_FAULTS = {
  not_enough: '403 NOT_ENOUGH: the merchant has to top up',
} as const;

/** What an accepted refund comes to, `refund` being the name of the occasion. */
export const OUTCOME_FAULTS = {
  stuck: 'it stays PROCESSING until told, or until delay_ms are over',
  abnormal: 'it becomes ABNORMAL instead of SUCCESS',
  closed: 'it becomes CLOSED instead of SUCCESS',
} as const;

/** What goes wrong with an attempt to notify, `notification` being the name of the occasion. */
export const NOTIFICATION_FAULTS = {
  drop: 'it is never sent: lost, retries included',
  delay: 'it comes delay_ms (5 s) late',
  duplicate: 'it comes twice at once, or as many times as copies',
  reorder:
    'it is held until the next notification of the merchant (of the order, if within is order) was delivered',
  replay:
    'it comes, and again after delay_ms (1 h) with the same signature, or with a new one if freshly_signed',
  forge: 'its signature is wrong',
  stale: 'it is properly signed with a timestamp that is off by skew_ms (10 min back)',
  probe_signature: 'it carries a signature probe',
  wrong_amount: 'it is properly signed and says one unit of the currency more than was paid',
  other_key_kind:
    'it is signed with the other kind of key: certificate instead of public key, or the other way round',
} as const;

/** What is wrong with a bill that is applied for. The sums and the hash are those of the wrong rows, so nothing in the bill itself shows it. */
export const BILL_FAULTS = {
  missing_row: 'the row of out_trade_no or out_refund_no is missing, or the first payment',
  extra_row: 'it has a payment that the merchant never ordered, or a second one of the order out_trade_no',
  repeated_row: 'the row of out_trade_no or out_refund_no, or of the first payment, comes twice',
  stray_row: 'it has the row of out_trade_no or out_refund_no, too, which is of another day',
  altered_row: 'the row of out_trade_no or out_refund_no, or the first payment, is about a yuan more',
  other_fee: 'the row of out_trade_no or out_refund_no, or the first payment, has a fee that is a fen more',
  other_currency: 'the row of out_trade_no or out_refund_no, or the first payment, is in another currency',
  extra_movement:
    'it has a movement over a hundred yuan that is no trade: profit sharing, or what movement says',
  restated:
    'from now on the bills of the day are another version: refunds are as they are now, and the row of out_trade_no or out_refund_no, or the first payment, has another fee',
  bad_hash: 'its hash is not that of its bytes',
  truncated: 'its file ends in the middle, though the transfer is complete',
} as const;

export type AnswerFault = keyof typeof ANSWER_FAULTS;
export type Race = keyof typeof RACES;
export type ApplicationFault = keyof typeof APPLICATION_FAULTS;
export type OutcomeFault = keyof typeof OUTCOME_FAULTS;
export type NotificationFault = keyof typeof NOTIFICATION_FAULTS;
export type BillFault = keyof typeof BILL_FAULTS;
export type FaultKind = AnswerFault | Race | ApplicationFault | OutcomeFault | NotificationFault | BillFault;

/** What happens by each kind, in a sentence; notifications and answers say it in their own words. */
export const FAULT_DESCRIPTIONS = {
  answer: { ...ANSWER_FAULTS, ...RACES, ...APPLICATION_FAULTS, ...BILL_FAULTS },
  refund: OUTCOME_FAULTS,
  notification: NOTIFICATION_FAULTS,
} as const;

/** Which kinds of faults each occasion knows: endpoints by their names, and `notification` and `refund`. */
export type FaultTable = Readonly<Record<string, readonly FaultKind[]>>;

/** The kinds that fit an endpoint of v3: any answer can be spoilt, and `special` are those that only make sense there. */
export function requestFaults(
  special: readonly (Race | ApplicationFault | BillFault)[] = [],
): readonly FaultKind[] {
  return [...(Object.keys(ANSWER_FAULTS) as AnswerFault[]), ...special];
}

/** The kinds that fit applications for bills. */
export const BILL_FAULT_KINDS = Object.keys(BILL_FAULTS) as readonly BillFault[];

/** Those of trade bills and statements, which have nothing but trade. */
export const TRADE_BILL_FAULTS = BILL_FAULT_KINDS.filter((kind) => kind !== 'extra_movement');

/** Those of fund flows, which name no currency. */
export const FUND_FLOW_FAULTS = BILL_FAULT_KINDS.filter((kind) => kind !== 'other_currency');

/** The kinds that fit notifications. */
export const NOTIFICATION_FAULT_KINDS = Object.keys(NOTIFICATION_FAULTS) as readonly NotificationFault[];

/** What is no endpoint, with its kinds. A wildcard does not mean these. */
export const EVENT_FAULT_KINDS = {
  notification: NOTIFICATION_FAULT_KINDS,
  refund: Object.keys(OUTCOME_FAULTS) as readonly OutcomeFault[],
} as const satisfies FaultTable;

/** What a fund flow may have besides trade: 业务类型, and whether money comes in or goes out. */
export const EXTRA_MOVEMENTS = {
  profit_sharing: { type: '分账', sign: -1 },
  withdrawal: { type: '提现', sign: -1 },
  withdrawal_returned: { type: '提现退票', sign: 1 },
  top_up: { type: '充值', sign: 1 },
} as const satisfies Record<string, { type: MovementType; sign: 1 | -1 }>;

/** How a fault happens. Each of these is for the kinds of {@link PARAMETER_KINDS}, where that names it, and else for all. */
export const faultParameters = z.strictObject({
  /**
   * How long a refund is stuck and a notification late, on the simulator's clock; how long an answer is slow and a socket held, in real
   * milliseconds.
   */
  delay_ms: z.int().nonnegative().optional(),
  /** How far a timestamp is off; negative is the past. */
  skew_ms: z.int().optional(),
  /** How long after the payment queries say NOTPAY. */
  lag_ms: z.int().positive().optional(),
  /** How many times a notification comes at once. */
  copies: z.int().min(2).max(100).optional(),
  /** Whether a replayed notification is signed anew. */
  freshly_signed: z.boolean().optional(),
  /** Whose next notification a held one waits for; the merchant's unless told. */
  within: z.enum(['merchant', 'order']).optional(),
  /** With which documented code a request is refused; v2 has codes of its own. */
  code: z.enum([...REFUSAL_CODES, ...V2_ERROR_CODES]).optional(),
  /** What the extra movement is. */
  movement: z.enum(Object.keys(EXTRA_MOVEMENTS) as [keyof typeof EXTRA_MOVEMENTS]).optional(),
  /** Whether the request takes effect although it is answered as if not. */
  processed: z.boolean().default(false),
});
export type FaultParameters = z.output<typeof faultParameters>;

/** Parameters that mean something for some kinds only. */
export const PARAMETER_KINDS: Partial<Record<keyof FaultParameters, readonly FaultKind[]>> = {
  skew_ms: ['clock_skew', 'stale'],
  lag_ms: ['notpay_lag'],
  copies: ['duplicate'],
  freshly_signed: ['replay'],
  within: ['reorder'],
  code: ['refused'],
  movement: ['extra_movement'],
};

/** What the control API takes to arrange a fault. */
export const faultRequest = faultParameters.extend({
  /** An endpoint (`native.create`), several (`*.create`, `order.*`, `*`), `notification` or `refund`. */
  operation: z.string().min(1),
  kind: z.string().min(1),
  /** Only for what this merchant signed, or is told. */
  mchid: z.string().min(1).optional(),
  /** Only for this order; a refund counts to its order. Of a bill: the row that is wrong. */
  out_trade_no: z.string().min(1).optional(),
  out_refund_no: z.string().min(1).optional(),
  /** Only for notifications of this kind: `REFUND.SUCCESS`. */
  event_type: z.string().min(1).optional(),
  /** Only for the bills of this day in Asia/Shanghai: `2026-03-01`. */
  bill_date: z
    .string()
    .regex(/^\d{4}-\d\d-\d\d$/, 'must be a date, yyyy-MM-dd')
    .optional(),
  /** Only for the n-th of the calls that match, counted from 1. */
  nth: z.int().positive().optional(),
  /** From the n-th of the calls that match. */
  after: z.int().positive().optional(),
  /** How often it fires, 1 unless told; null for ever, which is what `lag_ms` means unless told. */
  times: z.int().positive().nullable().optional(),
  probability: z.number().min(0).max(1).default(1),
  /** Of the draws for the probability; the simulator's unless told. */
  seed: z.int().optional(),
});
export type FaultRequest = z.input<typeof faultRequest>;

/** A fault that waits for its occasion; `times` counts down. */
export const faultRule = faultRequest.extend({
  id: z.string(),
  times: z.int().positive().nullable(),
  /** Calls that matched so far. */
  seen: z.int().nonnegative(),
});
export type FaultRule = Omit<z.output<typeof faultRule>, 'kind'> & { kind: FaultKind };

/** A fault that fired; these are enough to make it fire again at the same call. */
export const firedFault = z.strictObject({
  sequence: z.int().positive(),
  /** Milliseconds since 1970 on the simulator's clock. */
  time: z.number(),
  rule_id: z.string(),
  operation: z.string(),
  /** Which call of this operation it was, counted from 1; attempts to notify and accepted refunds are counted alike. */
  call: z.int().positive(),
  kind: z.string(),
  parameters: faultParameters,
  mchid: z.string().nullable(),
  out_trade_no: z.string().nullable(),
  out_refund_no: z.string().nullable(),
  bill_date: z.string().nullable(),
});
export type FiredFault = Omit<z.output<typeof firedFault>, 'kind'> & { kind: FaultKind };

/** What an operation is about. The stages of one request share the object. */
export interface Subject {
  /** Who signed the request, or is told. */
  mchid?: string | undefined;
  outTradeNo?: string | undefined;
  outRefundNo?: string | undefined;
  eventType?: string | undefined;
  /** Of which day a bill is, `yyyy-MM-dd`. */
  billDate?: string | undefined;
}

/** Whether a kind is a race. */
export function isRace(kind: FaultKind): kind is Race {
  return Object.hasOwn(RACES, kind);
}

/** Whether a kind is about what a bill says. */
export function isBillFault(kind: FaultKind): kind is BillFault {
  return Object.hasOwn(BILL_FAULTS, kind);
}

/** The operations that a name or a pattern with `*` means. */
export function matchingOperations(pattern: string, table: FaultTable): string[] {
  if (Object.hasOwn(table, pattern)) return [pattern];
  if (!pattern.includes('*')) return [];
  return Object.keys(table).filter(
    (name) => fitsPattern(name, pattern) && !Object.hasOwn(EVENT_FAULT_KINDS, name),
  );
}

/** Each part at its first place after the one before: no pattern takes long, unlike as a regular expression. */
function fitsPattern(name: string, pattern: string): boolean {
  const [first = '', ...parts] = pattern.split('*');
  const last = parts.pop() ?? '';
  if (!name.startsWith(first) || !name.endsWith(last)) return false;
  let at = first.length;
  for (const part of parts) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at + last.length <= name.length;
}

/** What is wrong with a rule beyond its form; empty when it makes sense. */
export function ruleProblems(rule: z.output<typeof faultRequest>, table: FaultTable): string[] {
  const operations = matchingOperations(rule.operation, table);
  if (operations.length === 0) {
    return [`no operation ${rule.operation}; there are ${Object.keys(table).join(', ')}`];
  }
  const kinds = new Set<string>(operations.flatMap((operation) => table[operation] ?? []));
  if (!kinds.has(rule.kind)) {
    return [`${rule.operation} has no fault kind ${rule.kind}; it has ${[...kinds].join(', ')}`];
  }
  const problems: string[] = [];
  if (rule.kind === 'refused' && rule.code === undefined) problems.push('refused needs a code');
  const codes: readonly string[] = operations.every((name) => name.startsWith('v2.'))
    ? V2_ERROR_CODES
    : REFUSAL_CODES;
  if (rule.code !== undefined && !codes.includes(rule.code)) {
    problems.push(`${rule.operation} has no code ${rule.code}; it has ${codes.join(', ')}`);
  }
  if (rule.kind === 'stray_row' && rule.out_trade_no === undefined && rule.out_refund_no === undefined) {
    problems.push('stray_row needs an out_trade_no or out_refund_no');
  }
  if (rule.nth !== undefined && rule.after !== undefined) problems.push('nth and after exclude each other');
  for (const [parameter, meant] of Object.entries(PARAMETER_KINDS)) {
    if (rule[parameter as keyof FaultParameters] === undefined || meant.includes(rule.kind as FaultKind))
      continue;
    problems.push(`${parameter} means nothing for ${rule.kind}, only for ${meant.join(' and ')}`);
  }
  if (rule.event_type !== undefined && rule.operation !== 'notification') {
    problems.push('event_type is for notifications');
  }
  if (rule.bill_date !== undefined && !operations.some((name) => table[name]?.some(isBillFault))) {
    problems.push('bill_date is for applications for bills');
  }
  return problems;
}
