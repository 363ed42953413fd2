import type { Entry } from './entry.ts';

/** Makes the lines of one bill, and sums them up on the way. */
export interface BillTable {
  readonly titles: string;
  /** None for overseas statements, which have no summary. */
  readonly summaryTitles: string | undefined;
  /** The rows that an entry has in this bill, values only. */
  rows(entry: Entry): string[][];
  /** The values of the summary, of the rows made so far. */
  summary(): string[];
}

/** How the text of a bill is written. */
export interface BillForm {
  newline: 'lf' | 'crlf';
  bom: boolean;
}

/** A piece of a file, some 64 KB. */
export interface BillPiece {
  /** Number of the part it belongs to, from 1. */
  part: number;
  /** How many rows it completes. */
  rows: number;
  bytes: Buffer;
}

const PIECE_CHARACTERS = 32 * 1024;

/**
 * The text of a bill in pieces, of which only the present one is in memory. The caller turns to other work between them.
 * @param partRows after how many rows a new part begins
 */
export function* billPieces(
  entries: Iterable<Entry>,
  table: BillTable,
  { newline, bom }: BillForm,
  partRows = Number.POSITIVE_INFINITY,
): Generator<BillPiece> {
  const end = newline === 'crlf' ? '\r\n' : '\n';
  let part = 1;
  let inPart = 0;
  let rows = 0;
  let text = (bom ? '\ufeff' : '') + table.titles + end;
  const piece = (): BillPiece => {
    const made = { part, rows, bytes: Buffer.from(text) };
    text = '';
    rows = 0;
    return made;
  };
  for (const entry of entries) {
    for (const values of table.rows(entry)) {
      if (inPart === partRows) {
        if (text) yield piece();
        part += 1;
        inPart = 0;
      }
      text += `\`${values.join(',`')}${end}`;
      inPart += 1;
      rows += 1;
      if (text.length >= PIECE_CHARACTERS) yield piece();
    }
  }
  if (table.summaryTitles !== undefined) {
    text += `${table.summaryTitles}${end}\`${table.summary().join(',`')}${end}`;
  }
  if (text) yield piece();
}
