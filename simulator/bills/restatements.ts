import type { FaultRule } from '../faults/fault.ts';
import { Collection, type Journal } from '../journal.ts';
import type { BillDay } from './calendar.ts';

/** A row by the number of its order or refund; the first payment's unless told. */
export type Row = Pick<FaultRule, 'out_trade_no' | 'out_refund_no'>;

/** A version of a merchant's bills of a day, after the first one. */
export interface Restatement {
  /** From 2. */
  version: number;
  /** Milliseconds. */
  madeAt: number;
  /** Whose fee is another one. */
  row: Row;
}

/** Bills that are not the first version any more. */
export class Restatements {
  readonly #latest: Collection<Restatement>;
  readonly #clock: () => number;

  constructor({ journal, clock }: { journal: Journal; clock: () => number }) {
    this.#latest = new Collection<Restatement>(journal, 'bill_restatement');
    this.#clock = clock;
  }

  /** The present version; undefined for the first. */
  of(mchid: string, { date }: BillDay): Restatement | undefined {
    return this.#latest.get(`${mchid} ${date}`);
  }

  /** Issues another version of all bills of a day. */
  issue(mchid: string, day: BillDay, { out_trade_no, out_refund_no }: Row): void {
    const version = (this.of(mchid, day)?.version ?? 1) + 1;
    const row = { out_trade_no, out_refund_no };
    this.#latest.put(`${mchid} ${day.date}`, { version, madeAt: this.#clock(), row });
  }

  clear(): void {
    this.#latest.clear();
  }
}
