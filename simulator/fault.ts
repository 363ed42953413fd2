import { z } from 'zod';
import { ControlError } from './gateway-error.ts';
import { Collection, type Journal } from './journal.ts';
import type { SeededRandom } from './random.ts';
import { REFUSAL_CODES } from './refusals.ts';
import { V2_ERROR_CODES } from './v2/error.ts';

/** What a gateway does wrong to a request, or to its answer. */
const ANSWER_FAULTS = [
  'timeout_before',
  'timeout_after',
  'reset_after',
  'error_500',
  'error_502_html',
  'accepted_202',
  'rate_limited_429',
  'slow',
  'bad_signature',
  'probe_signature',
  'unknown_serial',
  'unsigned',
  'refused',
] as const;
/** A payment that lands at the worst moment, or a gateway that has not noticed it yet. */
const RACES = ['pay_before', 'pay_after', 'notpay_lag'] as const;
const NOTIFICATION_FAULTS = ['drop', 'delay', 'duplicate', 'forge', 'stale', 'probe_signature'] as const;

export type AnswerFault = (typeof ANSWER_FAULTS)[number];
export type Race = (typeof RACES)[number];
export type NotificationFault = (typeof NOTIFICATION_FAULTS)[number];
export type FaultKind = AnswerFault | Race | NotificationFault | 'not_enough';

/** Which kinds of faults each operation knows, notifications being one of them. */
export type FaultTable = Readonly<Record<string, readonly FaultKind[]>>;

/** The kinds that fit an endpoint: any answer can be spoilt, and `special` are those that only make sense there. */
export function requestFaults(special: readonly (Race | 'not_enough')[] = []): readonly FaultKind[] {
  return [...ANSWER_FAULTS, ...special];
}

/** The kinds that fit notifications. */
export const NOTIFICATION_FAULT_KINDS: readonly FaultKind[] = NOTIFICATION_FAULTS;

const faultRequest = z.strictObject({
  /** Name of an endpoint, `native.create`, or `notification`. */
  operation: z.string(),
  kind: z.string(),
  /** Only for this order; a refund counts to its order. */
  out_trade_no: z.string().optional(),
  out_refund_no: z.string().optional(),
  /** How often it fires; null for ever. */
  times: z.int().positive().nullable().default(1),
  probability: z.number().min(0).max(1).default(1),
  /** How long an answer is slow, a socket is held, or a notification late, in real milliseconds. */
  delay_ms: z.int().nonnegative().optional(),
  /** With which documented code a `refused` request is refused; v2 has its own. */
  code: z.enum([...REFUSAL_CODES, ...V2_ERROR_CODES]).optional(),
  /** Whether the request takes effect although it is answered 202, 429, 500 or 502. */
  processed: z.boolean().default(false),
});

/** What the control API takes to arrange a fault. */
export type FaultRequest = z.input<typeof faultRequest>;

/** A fault that waits for its occasion; `times` counts down. */
export type FaultRule = Omit<z.output<typeof faultRequest>, 'kind'> & { id: string; kind: FaultKind };

/** A fault that fired. */
export interface FiredFault {
  sequence: number;
  time: number;
  rule_id: string;
  operation: string;
  kind: FaultKind;
  out_trade_no: string | null;
  out_refund_no: string | null;
}

/** What an operation is about. */
export interface Subject {
  /** Who signed the request. */
  mchid?: string | undefined;
  outTradeNo?: string | undefined;
  outRefundNo?: string | undefined;
}

/** Arranged faults, and the log of those that fired. */
export class Faults {
  readonly #rules: Collection<FaultRule>;
  readonly #fired: Collection<FiredFault>;
  readonly #random: SeededRandom;
  readonly #clock: () => number;
  readonly #onFired: (fired: FiredFault) => void;

  readonly #table: FaultTable;

  constructor(options: {
    table: FaultTable;
    journal: Journal;
    random: SeededRandom;
    clock: () => number;
    onFired: (fired: FiredFault) => void;
  }) {
    this.#rules = new Collection<FaultRule>(options.journal, 'fault');
    this.#fired = new Collection<FiredFault>(options.journal, 'fired_fault');
    this.#random = options.random;
    this.#clock = options.clock;
    this.#onFired = options.onFired;
    this.#table = options.table;
  }

  /** @throws ControlError 400 when the rule is malformed or its kind does not fit its operation. */
  add(request: unknown): FaultRule {
    const result = faultRequest.safeParse(request);
    if (!result.success) throw new ControlError(400, z.prettifyError(result.error));
    const { operation, kind } = result.data;
    const kinds = Object.hasOwn(this.#table, operation) ? this.#table[operation] : undefined;
    if (!kinds)
      throw new ControlError(
        400,
        `no operation ${operation}; there are ${Object.keys(this.#table).join(', ')}`,
      );
    if (!(kinds as readonly string[]).includes(kind)) {
      throw new ControlError(400, `${operation} has no fault kind ${kind}; it has ${kinds.join(', ')}`);
    }
    if ((kind === 'refused') !== (result.data.code !== undefined)) {
      throw new ControlError(400, 'refused needs a code, and nothing else has one');
    }
    const codes: readonly string[] = operation.startsWith('v2.') ? V2_ERROR_CODES : REFUSAL_CODES;
    if (result.data.code && !codes.includes(result.data.code)) {
      throw new ControlError(400, `${operation} has no code ${result.data.code}; it has ${codes.join(', ')}`);
    }
    const rule: FaultRule = { id: this.#random.uuid(), ...result.data, kind: result.data.kind as FaultKind };
    this.#rules.put(rule.id, rule);
    return rule;
  }

  list(): FaultRule[] {
    return [...this.#rules.values()];
  }

  log(): FiredFault[] {
    return [...this.#fired.values()];
  }

  /** @throws ControlError 404 for an unknown or spent rule. */
  remove(id: string): void {
    if (!this.#rules.delete(id)) throw new ControlError(404, `no fault ${id}`);
  }

  removeAll(): void {
    for (const { id } of this.list()) this.#rules.delete(id);
  }

  /** Fires the oldest rule that fits, if any: it counts down and is logged. */
  fire(operation: string, subject: Subject, fits: (kind: FaultKind) => boolean): FaultRule | undefined {
    if (this.#rules.size === 0) return undefined;
    for (const rule of this.#rules.values()) {
      if (rule.operation !== operation || !fits(rule.kind)) continue;
      if (rule.out_trade_no && rule.out_trade_no !== subject.outTradeNo) continue;
      if (rule.out_refund_no && rule.out_refund_no !== subject.outRefundNo) continue;
      if (rule.probability < 1 && this.#random.fraction() >= rule.probability) continue;
      this.#spend(rule);
      this.#record(rule, subject);
      return rule;
    }
    return undefined;
  }

  clear(): void {
    this.#rules.clear();
    this.#fired.clear();
  }

  #spend(rule: FaultRule): void {
    if (rule.times === null) return;
    rule.times -= 1;
    if (rule.times === 0) this.#rules.delete(rule.id);
    else this.#rules.put(rule.id, rule);
  }

  #record(rule: FaultRule, subject: Subject): void {
    const fired: FiredFault = {
      sequence: this.#fired.size + 1,
      time: this.#clock(),
      rule_id: rule.id,
      operation: rule.operation,
      kind: rule.kind,
      out_trade_no: subject.outTradeNo ?? null,
      out_refund_no: subject.outRefundNo ?? null,
    };
    this.#fired.put(String(fired.sequence), fired);
    this.#onFired(fired);
  }
}

/** Whether a kind is a race; the other kinds spoil the answer. */
export function isRace(kind: FaultKind): kind is Race {
  return (RACES as readonly string[]).includes(kind);
}
