import { type Fen, formatAmount, formatFee } from '../domain/money.ts';
import { rfc3339 } from '../domain/time.ts';

/**
 * A table of rows that becomes a file, whatever the format: what is in a column is said once. Rows are read as the file is taken, so a table
 * may have millions.
 */
export interface Table {
  /** Name of the sheet, where the format has sheets. */
  name: string;
  columns: readonly { name: string; kind: Kind }[];
  rows: AsyncIterable<readonly Cell[]>;
}

/**
 * What a column holds: `text`; an `amount` in fen, written in units with two decimals, or in the smallest unit of what the column `currency` names and
 * written with the decimals of that; a `fee` in thousandths of that, with the decimals of
 * WeChat Pay's bills; a `day` of Asia/Shanghai, `2026-03-01`; a `time`, written as RFC 3339 in Beijing's offset; a whole `number`.
 */
export type Kind = 'text' | 'amount' | 'fee' | 'day' | 'time' | 'number';

/** A value of a column; null leaves the cell empty. */
export type Cell = string | number | Date | null;

/** How a column is filled from a row. */
export type Column<Row> = { name: string } & (
  | { kind: 'text' | 'day'; of: (row: Row) => string | null }
  | { kind: 'amount'; of: (row: Row) => Fen | null }
  | { kind: 'time'; of: (row: Row) => Date | null }
  | { kind: 'fee' | 'number'; of: (row: Row) => number | null }
);

/** The table that these columns make of these rows. */
export function tableOf<Row>(name: string, columns: readonly Column<Row>[], rows: AsyncIterable<Row>): Table {
  return {
    name,
    columns: columns.map((column) => ({ name: column.name, kind: column.kind })),
    rows: (async function* () {
      for await (const row of rows) yield columns.map((column) => column.of(row));
    })(),
  };
}

/**
 * The values of each row as people read them, null where there is none. Amounts are made from integers, digit by digit: no floating point is
 * near them.
 */
export async function* written({ columns, rows }: Table): AsyncGenerator<(string | null)[]> {
  const currencyAt = columns.findIndex(({ name }) => name === 'currency');
  for await (const row of rows) {
    const currency = (row[currencyAt] as string | null | undefined) ?? 'CNY';
    yield columns.map(({ kind }, index) => {
      const cell = row[index] ?? null;
      if (cell === null) return null;
      if (kind === 'amount') return formatAmount(cell as Fen, currency);
      if (kind === 'fee') return formatFee(cell as number, currency);
      if (kind === 'time') return rfc3339(cell as Date);
      return String(cell);
    });
  }
}
