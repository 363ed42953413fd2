import iconv from 'iconv-lite';
import { type Table, written } from './table.ts';

/** Encodings of a CSV file: UTF-8, the same with the byte order mark that spreadsheets look for, and the one of Chinese ERP systems. */
export const ENCODINGS = ['utf-8', 'utf-8-bom', 'gb18030'] as const;
export type Encoding = (typeof ENCODINGS)[number];

/** Characters gathered before they are handed on. */
const CHUNK = 32_768;

/** The table as CSV (RFC 4180: commas, CRLF, quotes doubled), with a header, in chunks of bytes. */
export async function* csvOf(table: Table, encoding: Encoding): AsyncGenerator<Buffer> {
  const encoder = iconv.getEncoder(encoding === 'gb18030' ? 'gb18030' : 'utf-8');
  let text = encoding === 'utf-8-bom' ? '\uFEFF' : '';
  const line = (cells: string[]) => {
    text += `${cells.join(',')}\r\n`;
  };
  line(table.columns.map(({ name }) => quoted(name)));
  for await (const row of written(table)) {
    line(
      table.columns.map(({ kind }, index) => {
        const value = row[index] ?? '';
        return quoted(kind === 'text' ? harmless(value) : value);
      }),
    );
    if (text.length >= CHUNK) {
      yield encoder.write(text);
      text = '';
    }
  }
  yield Buffer.concat([encoder.write(text), encoder.end() ?? Buffer.alloc(0)]);
}

/**
 * A spreadsheet runs a text that begins with one of these as a formula (OWASP, "CSV injection"); an apostrophe before it makes it a text
 * again. Numbers of ours are no texts and keep their minus.
 */
function harmless(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
