import type { BillDate } from '../../domain/bill-day.ts';
import type { Repair } from '../../domain/reconciliation.ts';
import { nameOf, type Shop } from './shop.ts';

/** A line that a day must have: what the month itself has made happen. Whoever goes on with it changes it. */
export interface Expected {
  /** The number of the order, or of the refund. */
  key: string;
  /** State and reason: `matched agreed`. */
  verdict: string;
  /** The other side has come since, on a later day. */
  closed?: boolean;
}

/** What a day of a shop must come to. */
export interface DayTruth {
  lines: Expected[];
  /** What the reconciliation must mend by itself. */
  repaired: Record<Repair, number>;
  /** Why its bills are not to be believed; undefined when they are. */
  failure?: string | undefined;
  /** The order whose fee is another one in the bills that WeChat Pay has issued anew. */
  restated?: string;
  /** Something has happened on a later day that makes one of its lines another one. */
  changed?: true;
}

/**
 * What really happened, written down by whoever made it happen. Nothing of it is read from the service, nor calculated by its rules: it says what the
 * reconciliation must find.
 */
export class Truth {
  readonly #days = new Map<string, DayTruth>();

  of(shop: Shop, date: BillDate): DayTruth {
    const key = `${nameOf(shop)} ${date}`;
    const known = this.#days.get(key);
    if (known) return known;
    const fresh: DayTruth = { lines: [], repaired: { settle_payment: 0, sync_refund: 0 } };
    this.#days.set(key, fresh);
    return fresh;
  }

  /** One more line of a day. */
  expect(shop: Shop, date: BillDate, key: string, verdict: string): Expected {
    const line = { key, verdict };
    this.of(shop, date).lines.push(line);
    return line;
  }

  /** The reconciliation of a day mends something by itself. */
  mended(shop: Shop, date: BillDate, repair: Repair): void {
    this.of(shop, date).repaired[repair] += 1;
  }

  /** What must be open in the end. */
  open(): Expected[] {
    return [...this.#days.values()].flatMap(({ lines }) =>
      lines.filter((line) => !isMatched(line) && !line.closed),
    );
  }
}

/** Whether all sides agree on it. */
export const isMatched = ({ verdict }: { verdict: string }): boolean => verdict.startsWith('matched ');
