import type { BillKind, ColumnField } from './kind.ts';
import { Line } from './line.ts';

/** How a value of a line is read. */
type Read = () => unknown;

/** A line of which nothing is read yet: whoever asks for a value is told how to read it. */
class Reading extends Line {
  readonly amounts: Read[] = [];
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
    const read = () => this.#line.amount(index);
    this.amounts.push(read);
    return read as never;
  }

  override optionalAmount(index: number): never {
    const read = () => this.#line.optionalAmount(index);
    this.amounts.push(read);
    return read as never;
  }

  override extra(): never {
    return (() => this.#line.extra()) as never;
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
  const view = {};
  for (const [field, get] of Object.entries(row(reading, at) as Record<string, Read>)) {
    Object.defineProperty(view, field, { get, enumerable: true });
  }
  return {
    view: view as Row,
    readAmounts: () => {
      for (const read of reading.amounts) read();
    },
  };
}
