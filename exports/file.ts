import { Readable } from 'node:stream';
import { csvOf, type Encoding } from './csv.ts';
import type { Table } from './table.ts';
import { xlsxOf } from './xlsx.ts';

/** Formats that a table can be had in. */
export const FORMATS = ['csv', 'xlsx'] as const;
export type Format = (typeof FORMATS)[number];

/** How a table is written; unless told as CSV in UTF-8. */
export interface TableFormat {
  format?: Format;
  /** Of CSV. */
  encoding?: Encoding;
}

/** A file, made while it is taken. Destroying its body stops the reading of rows. */
export interface ExportFile {
  /** Name to save it under. */
  name: string;
  contentType: string;
  body: Readable;
}

/** A table as a file. */
export function fileOf(
  name: string,
  table: Table,
  { format = 'csv', encoding = 'utf-8' }: TableFormat,
): ExportFile {
  if (format === 'xlsx') return workbookOf(name, [table]);
  return {
    name: `${name}.csv`,
    contentType: `text/csv; charset=${encoding === 'gb18030' ? 'gb18030' : 'utf-8'}; header=present`,
    body: Readable.from(csvOf(table, encoding), { objectMode: false }),
  };
}

/** Tables as the sheets of a workbook. */
export function workbookOf(name: string, tables: Parameters<typeof xlsxOf>[0]): ExportFile {
  return {
    name: `${name}.xlsx`,
    contentType: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
    body: xlsxOf(tables),
  };
}
