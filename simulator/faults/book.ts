import { z } from 'zod';
import { ControlError } from '../gateway-error.ts';
import { Collection, type Journal } from '../journal.ts';
import { SeededRandom } from '../random.ts';
import {
  type FaultKind,
  type FaultParameters,
  type FaultRequest,
  type FaultRule,
  type FaultTable,
  type FiredFault,
  faultParameters,
  faultRequest,
  isBillFault,
  matchingOperations,
  ruleProblems,
  type Subject,
} from './fault.ts';
import { type Recording, Replay, recordingProblems } from './replay.ts';

/** How many fired faults are remembered, the newest: enough to replay a long run, and not the memory of a longer one. */
const MOST_LOGGED = 100_000;

const NONE: readonly FaultRule[] = [];

/** Names the rules of a scenario, so that a restart finds them. */
const SCENARIO_PREFIX = 'scenario-';

/** What goes wrong from the start. */
export interface ArrangedFaults {
  faults?: readonly FaultRequest[] | undefined;
  replay?: readonly Recording[] | undefined;
}

/** Whether a fault of a kind, by a rule, can happen on this occasion; the rule waits otherwise. */
export type Fits = (kind: FaultKind, rule: FaultRule) => boolean;

/** Fires what fits besides, on an occasion at hand. */
export type FireFaults = (fits: Fits) => readonly FaultRule[];

/** Arranged faults, and the log of those that fired. */
export class FaultBook {
  readonly #rules: Collection<FaultRule>;
  readonly #fired: Collection<FiredFault>;
  readonly #table: FaultTable;
  readonly #random: SeededRandom;
  readonly #clock: () => number;
  readonly #onFired: (fired: FiredFault) => void;
  /** The operations and the draws of each rule: one rule never shifts the draws of another. */
  readonly #prepared = new Map<string, { operations: ReadonlySet<string>; random: SeededRandom }>();
  readonly #scenario: ArrangedFaults;
  readonly #counts = new Map<string, number>();
  #sequence = 0;
  #calls = new WeakMap<Subject, number>();
  #replay: Replay | undefined;

  constructor(options: {
    table: FaultTable;
    journal: Journal;
    random: SeededRandom;
    clock: () => number;
    onFired: (fired: FiredFault) => void;
    /** What goes wrong from the start. */
    scenario: ArrangedFaults;
  }) {
    this.#rules = new Collection<FaultRule>(options.journal, 'fault');
    this.#fired = new Collection<FiredFault>(options.journal, 'fired_fault');
    this.#table = options.table;
    this.#random = options.random;
    this.#clock = options.clock;
    this.#onFired = options.onFired;
    this.#scenario = options.scenario;
    for (const rule of this.#rules.values()) this.#prepare(rule);
    for (const { sequence } of this.#fired.values()) this.#sequence = sequence;
    this.start();
  }

  /** Arranges what the scenario says, in place of what an earlier start arranged for it. */
  start(): void {
    for (const { id } of this.list()) if (id.startsWith(SCENARIO_PREFIX)) this.remove(id);
    const { faults = [], replay } = this.#scenario;
    for (const [index, fault] of faults.entries()) this.#add(fault, `${SCENARIO_PREFIX}${index}`);
    if (replay) this.replay(replay);
  }

  /** @throws ControlError 400 when the rule is malformed or its kind does not fit its operation. */
  add(request: unknown): FaultRule {
    return this.#add(request, this.#random.uuid());
  }

  #add(request: unknown, id: string): FaultRule {
    const result = faultRequest.safeParse(request);
    if (!result.success) throw new ControlError(400, z.prettifyError(result.error));
    const problems = ruleProblems(result.data, this.#table);
    if (problems.length) throw new ControlError(400, problems.join('; '));
    const { times = result.data.lag_ms === undefined ? 1 : null } = result.data;
    const kind = result.data.kind as FaultKind;
    const rule: FaultRule = { id, ...result.data, kind, times, seen: 0 };
    this.#prepare(rule);
    this.#rules.put(rule.id, rule);
    return rule;
  }

  list(): FaultRule[] {
    return [...this.#rules.values()];
  }

  /** Those that fired, oldest first; the newest 100,000, or `limit` of them. */
  log(limit = MOST_LOGGED): FiredFault[] {
    return this.#fired.newest(limit).reverse();
  }

  /** @throws ControlError 404 for an unknown or spent rule. */
  remove(id: string): void {
    if (!this.#rules.delete(id)) throw new ControlError(404, `no fault ${id}`);
    this.#prepared.delete(id);
  }

  removeAll(): void {
    for (const { id } of this.list()) this.remove(id);
  }

  /**
   * Fires the oldest rule that fits, if any: it counts down and is logged. A request asks once for a race and once for the rest; both are one
   * call as long as they pass the same subject.
   */
  fire(operation: string, subject: Subject, fits: Fits): FaultRule | undefined {
    return this.#fire(operation, subject, fits, 1)[0];
  }

  /** As {@link fire}, all rules that fit: a bill can be wrong in several ways. */
  fireAll(operation: string, subject: Subject, fits: Fits): readonly FaultRule[] {
    return this.#fire(operation, subject, fits, Number.POSITIVE_INFINITY);
  }

  #fire(operation: string, subject: Subject, fits: Fits, most: number): readonly FaultRule[] {
    const call = this.#callOf(operation, subject);
    const fired = this.#replay
      ? this.#replay.take(operation, call, fits, most)
      : this.#due(operation, subject, fits, most);
    for (const rule of fired) {
      if (!this.#replay) this.#spend(rule);
      this.#record(rule, operation, call, subject);
    }
    return fired;
  }

  /** The oldest rules that fit, at most so many. */
  #due(operation: string, subject: Subject, fits: Fits, most: number): readonly FaultRule[] {
    if (this.#rules.size === 0) return NONE;
    const due: FaultRule[] = [];
    for (const rule of this.#rules.values()) {
      if (!this.#concerns(rule, operation, subject) || !fits(rule.kind, rule)) continue;
      // Every rule counts the calls that match it, also those that another one spoils.
      rule.seen += 1;
      if (due.length < most && this.#isDue(rule)) due.push(rule);
      else if (rule.nth !== undefined || rule.after !== undefined) this.#rules.put(rule.id, rule);
    }
    return due;
  }

  /**
   * From now on exactly these faults fire at the same calls, counted anew, and no rule does.
   * @throws ControlError 400 for faults that this simulator does not have.
   */
  replay(recordings: readonly Recording[]): void {
    const problems = recordingProblems(recordings, this.#table);
    if (problems.length) throw new ControlError(400, problems.join('; '));
    this.#restartCount();
    this.#forgetFired();
    this.#replay = new Replay(recordings);
  }

  /** How many recorded faults are still to fire; undefined when none is replayed. */
  get replaying(): number | undefined {
    return this.#replay?.size;
  }

  /** The rules fire again. */
  endReplay(): void {
    this.#replay = undefined;
  }

  clear(): void {
    this.#rules.clear();
    this.#prepared.clear();
    this.#forgetFired();
    this.#replay = undefined;
    this.#restartCount();
  }

  #forgetFired(): void {
    this.#fired.clear();
    this.#sequence = 0;
  }

  #restartCount(): void {
    this.#counts.clear();
    this.#calls = new WeakMap();
  }

  #prepare(rule: FaultRule): void {
    this.#prepared.set(rule.id, {
      operations: new Set(
        matchingOperations(rule.operation, this.#table).filter((name) =>
          this.#table[name]?.includes(rule.kind),
        ),
      ),
      random: rule.seed === undefined ? this.#random.fork(rule.id) : new SeededRandom(`fault/${rule.seed}`),
    });
  }

  #callOf(operation: string, subject: Subject): number {
    const known = this.#calls.get(subject);
    if (known !== undefined) return known;
    const call = (this.#counts.get(operation) ?? 0) + 1;
    this.#counts.set(operation, call);
    this.#calls.set(subject, call);
    return call;
  }

  #concerns(rule: FaultRule, operation: string, subject: Subject): boolean {
    return (
      this.#prepared.get(rule.id)?.operations.has(operation) === true &&
      (rule.mchid === undefined || rule.mchid === subject.mchid) &&
      // A bill is about many orders: it says by itself whether it has the row.
      (isBillFault(rule.kind) || isAbout(rule, subject)) &&
      (rule.event_type === undefined || rule.event_type === subject.eventType) &&
      (rule.bill_date === undefined || rule.bill_date === subject.billDate)
    );
  }

  #isDue({ id, nth, after = 1, seen, probability }: FaultRule): boolean {
    if (nth === undefined ? seen < after : seen !== nth) return false;
    if (probability === 1) return true;
    return (this.#prepared.get(id)?.random.fraction() ?? 1) < probability;
  }

  #spend(rule: FaultRule): void {
    if (rule.times !== null) rule.times -= 1;
    // The n-th call comes once.
    if (rule.times === 0 || rule.nth !== undefined) this.remove(rule.id);
    else this.#rules.put(rule.id, rule);
  }

  #record(rule: FaultRule, operation: string, call: number, subject: Subject): void {
    this.#sequence += 1;
    const fired: FiredFault = {
      sequence: this.#sequence,
      time: this.#clock(),
      rule_id: rule.id,
      operation,
      call,
      kind: rule.kind,
      parameters: parametersOf(rule),
      mchid: subject.mchid ?? null,
      out_trade_no: subject.outTradeNo ?? rule.out_trade_no ?? null,
      out_refund_no: subject.outRefundNo ?? rule.out_refund_no ?? null,
      bill_date: subject.billDate ?? null,
    };
    this.#fired.put(String(fired.sequence), fired);
    if (this.#fired.size > MOST_LOGGED) this.#fired.delete(String(fired.sequence - MOST_LOGGED));
    this.#onFired(fired);
  }
}

function isAbout({ out_trade_no, out_refund_no }: FaultRule, { outTradeNo, outRefundNo }: Subject): boolean {
  return (
    (out_trade_no === undefined || out_trade_no === outTradeNo) &&
    (out_refund_no === undefined || out_refund_no === outRefundNo)
  );
}

function parametersOf(rule: FaultRule): FaultParameters {
  const given = Object.keys(faultParameters.shape).filter(
    (name) => rule[name as keyof FaultParameters] !== undefined,
  );
  return Object.fromEntries(
    given.map((name) => [name, rule[name as keyof FaultParameters]]),
  ) as unknown as FaultParameters;
}
