import type { BuiltBill } from './file.ts';

const MOST = 32;

/** Bills that never change again, the latest ones. */
export class FinishedBills {
  readonly #bills = new Map<string, Promise<BuiltBill>>();

  /** The bill of a key, made unless it is known. */
  once(key: string, make: () => Promise<BuiltBill>): Promise<BuiltBill> {
    const known = this.#bills.get(key);
    if (known) return known;
    const made = make();
    this.#bills.set(key, made);
    // A day without trade may still get some: clocks of simulations go back, too.
    made.then(
      ({ rows }) => rows === 0 && this.#bills.delete(key),
      () => this.#bills.delete(key),
    );
    const [oldest] = this.#bills.keys();
    if (this.#bills.size > MOST && oldest !== undefined) this.#bills.delete(oldest);
    return made;
  }

  clear(): void {
    this.#bills.clear();
  }
}
