import type { Column } from './column.ts';
import type { Line } from './line.ts';

/** What is in a bill besides the documented columns: the text by the title of its column. Only there when there are such columns. */
export interface Extra {
  extra?: Record<string, string>;
}

/** Fields that a column fills by itself. */
export type ColumnField<Row> = Exclude<keyof Row, 'extra' | `${string}_rfc3339`> & string;

/** Every figure of a summary. */
export type Totals<Summary> = Record<ColumnField<Summary>, number>;

/** One kind of bill, as data. */
export interface BillKind<Row, Summary extends { total_count: number }> {
  name: string;
  columns: Record<ColumnField<Row>, Column>;
  /**
   * Makes a row; `at` says where in the line a field is, -1 where the layout has no such column. Written out for each kind: an object literal
   * is several times as fast as filling an object field by field.
   */
  row: (line: Line, at: Record<ColumnField<Row>, number>) => Row;
  summary: Record<ColumnField<Summary>, Column>;
  /** Whether a bill without a summary is incomplete. */
  summaryRequired: boolean;
  /** Every sum of the summary over no rows. */
  totals: () => Totals<Summary>;
  /** Adds a row to the sums. A sum that becomes too large is NaN. */
  add: (totals: Totals<Summary>, row: Row) => void;
}
