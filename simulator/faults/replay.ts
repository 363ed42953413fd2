import { z } from 'zod';
import { type FaultKind, type FaultRule, type FaultTable, faultParameters, firedFault } from './fault.ts';

/** What the log of a run must say about a fault so that it can fire again. */
export const recording = z.object({
  operation: firedFault.shape.operation,
  call: firedFault.shape.call,
  kind: firedFault.shape.kind,
  parameters: faultParameters.prefault({}),
  rule_id: z.string().default('replay'),
  /** Of a bill: the row that was wrong. */
  out_trade_no: firedFault.shape.out_trade_no.default(null),
  out_refund_no: firedFault.shape.out_refund_no.default(null),
});
export type Recording = z.input<typeof recording>;

/** What is wrong with recordings beyond their form: faults that this simulator does not have. */
export function recordingProblems(recordings: readonly Recording[], table: FaultTable): string[] {
  return recordings
    .filter(
      ({ operation, kind }) =>
        !Object.hasOwn(table, operation) || !(table[operation] as readonly string[]).includes(kind),
    )
    .map(({ operation, call, kind }) => `call ${call} of ${operation} cannot have the fault ${kind}`);
}

/** The faults of an earlier run, each waiting for the call at which it fired then. */
export class Replay {
  readonly #waiting = new Map<string, FaultRule[]>();
  #size = 0;

  constructor(recordings: readonly Recording[]) {
    for (const given of recordings) {
      const { operation, call, kind, parameters, rule_id: id, ...numbers } = recording.parse(given);
      const key = `${operation} ${call}`;
      const rule: FaultRule = {
        id,
        operation,
        kind: kind as FaultKind,
        ...parameters,
        out_trade_no: numbers.out_trade_no ?? undefined,
        out_refund_no: numbers.out_refund_no ?? undefined,
        times: 1,
        seen: call,
        probability: 1,
      };
      this.#waiting.set(key, [...(this.#waiting.get(key) ?? []), rule]);
      this.#size += 1;
    }
  }

  get size(): number {
    return this.#size;
  }

  /** The faults that fired at this call and fit, at most so many; a call can have a race and another one. */
  take(
    operation: string,
    call: number,
    fits: (kind: FaultKind, rule: FaultRule) => boolean,
    most: number,
  ): readonly FaultRule[] {
    const key = `${operation} ${call}`;
    const waiting = this.#waiting.get(key);
    if (!waiting) return [];
    const taken = waiting.filter((rule) => fits(rule.kind, rule)).slice(0, most);
    this.#waiting.set(
      key,
      waiting.filter((rule) => !taken.includes(rule)),
    );
    this.#size -= taken.length;
    return taken;
  }
}
