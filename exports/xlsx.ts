import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { ZipFile } from 'yazl';
import { type Kind, type Table, written } from './table.ts';
import { escapeXml } from './xml.ts';

/** Rows of a sheet, the header among them: the limit of Excel. What does not fit goes on in another sheet. */
export const SHEET_ROWS = 1_048_576;

const XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const MAIN = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
const RELATIONS = 'http://schemas.openxmlformats.org/package/2006/relationships';
const DOCUMENT = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';

/** Index of a cell's format in {@link STYLES}, and the width of its column in characters. */
const FORMATS = {
  text: { style: 2, width: 34 },
  amount: { style: 3, width: 16 },
  fee: { style: 5, width: 16 },
  day: { style: 4, width: 12 },
  time: { style: 2, width: 27 },
  number: { style: 0, width: 14 },
} as const satisfies Record<Kind, { style: number; width: number }>;
const HEADER_STYLE = 1;

const STYLES = `${XML}<styleSheet xmlns="${MAIN}"><numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/>\
<numFmt numFmtId="165" formatCode="#,##0.00000"/></numFmts>\
<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts>\
<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>\
<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>\
<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>\
<cellXfs count="6"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>\
<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1" applyNumberFormat="1"/>\
<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>\
<xf numFmtId="4" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>\
<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>\
<xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>\
<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`;

/**
 * A workbook (ECMA-376) with a sheet for each table, written as it is taken: rows are read only as fast as the file is. Amounts are exact
 * decimal numbers, days are dates, texts can never become formulas.
 * @param tables read one after the other: the next one is asked for when the rows of the one before have come to their end.
 * @param sheetRows rows of a sheet after which another one is begun.
 */
export function xlsxOf(
  tables: Iterable<Table> | AsyncIterable<Table>,
  sheetRows: number = SHEET_ROWS,
): Readable {
  const zip = new ZipFile();
  const output = zip.outputStream as Readable;
  let part: Readable | undefined;
  // Whoever takes the file has gone, or it cannot be made: stop reading rows.
  output.once('close', () => part?.destroy());
  zip.on('error', (error: unknown) => output.destroy(error as Error));

  async function write(): Promise<void> {
    const names: string[] = [];
    for await (const table of tables) {
      const rows = await ahead(written(table));
      try {
        for (let turn = 1; turn === 1 || rows.next; turn += 1) {
          if (output.destroyed) throw new Error('nobody takes the file any more');
          names.push(turn === 1 ? table.name : `${table.name} ${turn}`);
          part = Readable.from(sheetXml(table, rows, sheetRows), { objectMode: false });
          zip.addReadStream(part, `xl/worksheets/sheet${names.length}.xml`);
          await finished(part);
        }
      } finally {
        await rows.end();
      }
    }
    for (const [path, xml] of frame(names)) zip.addBuffer(Buffer.from(xml), path);
    zip.end();
  }
  write().catch((error: Error) => output.destroy(error));
  return output;
}

/** Rows of which the next one is known: whether there is another sheet must be. */
interface Ahead {
  /** Undefined after the last one. */
  next: readonly (string | null)[] | undefined;
  advance(): Promise<void>;
  end(): Promise<void>;
}

async function ahead(rows: AsyncIterable<readonly (string | null)[]>): Promise<Ahead> {
  const iterator = rows[Symbol.asyncIterator]();
  const state: Ahead = {
    next: undefined,
    async advance() {
      const { done, value } = await iterator.next();
      state.next = done ? undefined : value;
    },
    async end() {
      await iterator.return?.();
    },
  };
  await state.advance();
  return state;
}

/** Characters gathered before they are handed on. */
const CHUNK = 32_768;

/** The rows of one sheet, as many as it has place for. */
async function* sheetXml({ columns }: Table, rows: Ahead, sheetRows: number): AsyncGenerator<string> {
  const letters = columns.map((_, index) => columnLetters(index));
  let xml = `${XML}<worksheet xmlns="${MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" \
activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols>${columns
    .map(
      ({ kind }, index) =>
        `<col min="${index + 1}" max="${index + 1}" width="${FORMATS[kind].width}" customWidth="1"/>`,
    )
    .join('')}</cols><sheetData><row r="1">${columns
    .map(({ name }, index) => textCell(`${letters[index]}1`, HEADER_STYLE, name))
    .join('')}</row>`;
  for (let number = 2; rows.next && number <= sheetRows; number += 1) {
    const row = rows.next;
    xml += `<row r="${number}">${columns
      .map(({ kind }, index) => cellXml(`${letters[index]}${number}`, kind, row[index] ?? null))
      .join('')}</row>`;
    await rows.advance();
    if (xml.length >= CHUNK) {
      yield xml;
      xml = '';
    }
  }
  yield `${xml}</sheetData></worksheet>`;
}

function cellXml(at: string, kind: Kind, value: string | null): string {
  if (value === null) return '';
  const { style } = FORMATS[kind];
  if (kind === 'text' || kind === 'time') return textCell(at, style, value);
  return `<c r="${at}" s="${style}"><v>${kind === 'day' ? serialDay(value) : value}</v></c>`;
}

function textCell(at: string, style: number, text: string): string {
  return `<c r="${at}" s="${style}" t="inlineStr"><is><t xml:space="preserve">${escapeXml(text)}</t></is></c>`;
}

/** Days since the thirtieth of December 1899, which is how Excel counts from March 1900 on. */
function serialDay(day: string): number {
  return (Date.parse(`${day}T00:00:00Z`) - Date.UTC(1899, 11, 30)) / 86_400_000;
}

/** A for the first column, AA for the twenty-seventh. */
function columnLetters(index: number): string {
  const rest = Math.floor(index / 26);
  return `${rest > 0 ? columnLetters(rest - 1) : ''}${String.fromCharCode(65 + (index % 26))}`;
}

/** Everything besides the sheets; it comes last, because only then it is known how many there are. */
function frame(names: string[]): [path: string, xml: string][] {
  const type = (part: string) => `application/vnd.openxmlformats-officedocument.spreadsheetml.${part}+xml`;
  return [
    [
      'xl/workbook.xml',
      `${XML}<workbook xmlns="${MAIN}" xmlns:r="${DOCUMENT}"><sheets>${names
        .map(
          (name, index) => `<sheet name="${escapeXml(name)}" sheetId="${index + 1}" r:id="rId${index + 1}"/>`,
        )
        .join('')}</sheets></workbook>`,
    ],
    [
      'xl/_rels/workbook.xml.rels',
      `${XML}<Relationships xmlns="${RELATIONS}">${names
        .map(
          (_, index) =>
            `<Relationship Id="rId${index + 1}" Type="${DOCUMENT}/worksheet" Target="worksheets/sheet${index + 1}.xml"/>`,
        )
        .join(
          '',
        )}<Relationship Id="rId${names.length + 1}" Type="${DOCUMENT}/styles" Target="styles.xml"/></Relationships>`,
    ],
    ['xl/styles.xml', STYLES],
    [
      '_rels/.rels',
      `${XML}<Relationships xmlns="${RELATIONS}"><Relationship Id="rId1" Type="${DOCUMENT}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
    ],
    [
      '[Content_Types].xml',
      `${XML}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">\
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>\
<Default Extension="xml" ContentType="application/xml"/>\
<Override PartName="/xl/workbook.xml" ContentType="${type('sheet.main')}"/>\
<Override PartName="/xl/styles.xml" ContentType="${type('styles')}"/>${names
        .map(
          (_, index) =>
            `<Override PartName="/xl/worksheets/sheet${index + 1}.xml" ContentType="${type('worksheet')}"/>`,
        )
        .join('')}</Types>`,
    ],
  ];
}
