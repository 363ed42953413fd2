import { YUAN_IN_FEN, YUAN_IN_MILLI_FEN } from './money.ts';

/** How the text of a column is read. */
export type ColumnKind =
  | 'text'
  /** Beijing time: the text, and RFC 3339 in `<field>_rfc3339`. */
  | 'time'
  /** An amount with two decimals. */
  | 'fen'
  /** An amount with five decimals. */
  | 'milli_fen'
  | 'count';

/** Decimals that a kind keeps exactly; undefined for text. */
export const DECIMALS: Record<ColumnKind, number | undefined> = {
  text: undefined,
  time: undefined,
  fen: YUAN_IN_FEN,
  milli_fen: YUAN_IN_MILLI_FEN,
  count: 0,
};

/** One documented column. */
export interface Column {
  /** Its titles, in all layouts, with ASCII brackets. */
  titles: readonly string[];
  kind: ColumnKind;
  /** Whether a bill of this kind always has it; a header without it is none of this kind. */
  required?: true;
}
