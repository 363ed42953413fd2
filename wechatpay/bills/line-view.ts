import type { BillKind, ColumnField } from './kind.ts';
import { Line } from './line.ts';

/** How a value of a line is read. */
type Read = () => unknown;

/** A line of which nothing is read yet: whoever asks for a value is told how to read it. */
class Reading extends Line {
  /** What reads the amounts of a line, and what was read. */
  readonly amounts: (() => number | undefined)[] = [];
  readonly values: (number | undefined)[] = [];
  readonly #line: Line;

  constructor(line: Line) {
    super([]);
    this.#line = line;
  }

  override text(index: number): never {
    return (() => this.#line.text(index)) as never;
  }

  override optionalText(index: number): never {
    return (() => this.#line.optionalText(index)) as never;
  }

  override rfc3339(index: number): never {
    return (() => this.#line.rfc3339(index)) as never;
  }

  override amount(index: number): never {
    return this.#remembered(() => this.#line.amount(index));
  }

  override optionalAmount(index: number): never {
    return this.#remembered(() => this.#line.optionalAmount(index));
  }

  override extra(): never {
    return (() => this.#line.extra()) as never;
  }

  /** An amount is read once, however often it is asked for. */
  #remembered(read: () => number | undefined): never {
    const { values } = this;
    const at = this.amounts.push(read) - 1;
    return (() => values[at]) as never;
  }
}

/**
 * A row of this kind that is read out of the line only where it is asked, always the line that was taken last: reading a million rows makes no million
 * objects, and no texts that nobody wants.
 * @returns the row, and what reads all its amounts. @throws BillError, of either, when one of them is none
 */
export function lineView<Row>(
  { row }: Pick<BillKind<Row, never>, 'row'>,
  line: Line,
  at: Record<ColumnField<Row>, number>,
): { view: Row; readAmounts: () => void } {
  const reading = new Reading(line);
  const { amounts, values } = reading;
  const view = {};
  for (const [field, get] of Object.entries(row(reading, at) as Record<string, Read>)) {
    Object.defineProperty(view, field, { get, enumerable: true });
  }
  return {
    view: view as Row,
    readAmounts: () => {
      for (let at = 0; at < amounts.length; at++) values[at] = amounts[at]?.();
    },
  };
}
