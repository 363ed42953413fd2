import { BillError } from '../errors.ts';
import type { Column } from './column.ts';

/** A column as a header names it. */
export interface HeaderColumn {
  title: string;
  /** Undefined when it is not documented. */
  known: { field: string; column: Column } | undefined;
}

/** What answers instead of a bill: error pages of proxies, errors of the gateway. */
const OTHER_FORMATS = [
  { starts: ['<'], name: 'XML or HTML' },
  { starts: ['{', '['], name: 'JSON' },
  { starts: ['\u001f'], name: 'gzip' },
];

/**
 * Reads a line of titles, in any order.
 * @throws BillError when titles are missing or named twice: the line is not the header of such a bill.
 */
export function readHeader(
  text: string,
  { columns, name, line }: { columns: Record<string, Column>; name: string; line: number },
): HeaderColumn[] {
  const refuse = (what: string) => new BillError('BILL_MALFORMED', what, { line });
  const other = OTHER_FORMATS.find(({ starts }) =>
    starts.some((start) => text.trimStart().startsWith(start)),
  );
  if (other) throw refuse(`This is ${other.name} and no ${name}.`);

  const known = new Map(
    Object.entries(columns).flatMap(([field, column]) =>
      column.titles.map((title) => [title, { field, column }] as const),
    ),
  );
  const titles = text.replace(/^\ufeff/, '').split(',');
  const header = titles.map((title) => ({ title: title.trim(), known: known.get(plainTitle(title)) }));

  const found = new Set(header.map(({ known }) => known?.field));
  const missing = Object.entries(columns).filter(([field, { required }]) => required && !found.has(field));
  if (missing.length > 0) {
    const titles = missing.map(([, column]) => column.titles.join('/')).join(', ');
    throw refuse(`${quote(text)} is not the header of a ${name}: it has no ${titles}.`);
  }
  const seen = new Set<string>();
  for (const { title, known } of header) {
    const key = known ? `field ${known.field}` : `title ${title}`;
    if (seen.has(key)) throw refuse(`There is a second column ${quote(title)}.`);
    seen.add(key);
  }
  return header;
}

/** Where a field is in the header, -1 where it is not. */
export function positions<Field extends string>(
  header: readonly HeaderColumn[],
  columns: Record<Field, Column>,
): Record<Field, number> {
  const fields = Object.keys(columns) as Field[];
  return Object.fromEntries(
    fields.map((field) => [field, header.findIndex(({ known }) => known?.field === field)]),
  ) as Record<Field, number>;
}

/** Without blanks around it, and with ASCII brackets: `收支金额（元）` and `收支金额(元)` are the same. */
function plainTitle(title: string): string {
  return title.trim().replaceAll('（', '(').replaceAll('）', ')');
}

/** A piece of the file in the sentence of an error: enough to recognise it, never a page of it. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
