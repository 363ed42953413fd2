import assert from 'node:assert/strict';
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import readXlsx from 'read-excel-file/node';
import { formatYuan } from '../../../domain/money.ts';
import { csvOf, ENCODINGS, type Encoding } from '../../../exports/csv.ts';
import { type Column, type Table, tableOf } from '../../../exports/table.ts';
import { xlsxOf } from '../../../exports/xlsx.ts';

interface Line {
  text: string | null;
  fen: number | null;
}
const COLUMNS = [
  { name: 'text', kind: 'text', of: ({ text }) => text },
  { name: 'amount', kind: 'amount', of: ({ fen }) => fen },
] as const satisfies Column<Line>[];

async function* each<Item>(items: Iterable<Item>): AsyncGenerator<Item> {
  for (const item of items) yield item;
}
const linesTable = (lines: Iterable<Line>): Table => tableOf('Lines', COLUMNS, each(lines));
const csv = async (lines: Line[], encoding: Encoding = 'utf-8') =>
  await buffer(csvOf(linesTable(lines), encoding));
const harmless = (text: string) => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text);

/** Texts with what files stumble over, and amounts of either sign. */
const anyLine = fc.record({
  text: fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom(
      '=1+1',
      '-2',
      '@x',
      '\tx',
      '\rx',
      '"',
      'a,b',
      'a\nb',
      'a\r\nb',
      ' x ',
      '',
      '微信支付',
      '€𠮷',
    ),
  ),
  fen: fc.oneof(fc.integer(), fc.constantFrom(0, 29, -29, 1, 5, -100, 900_719_925_474_099)),
});

describe('a table as CSV', () => {
  it('an independent reader finds every text and every amount as it was, in each encoding', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyLine, { maxLength: 20 }),
        fc.constantFrom(...ENCODINGS),
        async (lines, encoding) => {
          const bytes = await csv(lines, encoding);
          // Node's decoders come from ICU; the BOM is theirs to drop.
          const text = new TextDecoder(encoding === 'gb18030' ? 'gb18030' : 'utf-8', { fatal: true }).decode(
            bytes,
          );
          const rows = parse(text, { relax_column_count: false }) as string[][];
          assert.deepEqual(rows, [
            ['text', 'amount'],
            ...lines.map(({ text, fen }) => [harmless(text), formatYuan(fen)]),
          ]);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('lines end as RFC 4180 has it, and a cell without a value is empty', async () => {
    assert.equal((await csv([{ text: null, fen: null }])).toString(), 'text,amount\r\n,\r\n');
  });

  it('a text cannot become a formula; an amount below zero keeps its minus', async () => {
    const rows = parse(await csv([{ text: '-29', fen: -29 }])) as string[][];
    assert.deepEqual(rows[1], ["'-29", '-0.29']);
  });
});

describe('a table as a workbook', () => {
  const sheets = async (tables: Table[], sheetRows?: number) =>
    await readXlsx(await buffer(xlsxOf(tables, sheetRows)), { trim: false });

  it('an independent reader finds every text and every amount as it was', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyLine, { minLength: 1, maxLength: 8 }), async (lines) => {
        const [sheet] = await sheets([linesTable(lines)]);
        assert.deepEqual(
          sheet?.data.slice(1),
          // What XML cannot say is replaced; an empty text and no text are the same cell.
          lines.map(({ text, fen }) => [
            // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML 1.0 forbids
            text.replace(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g, '\uFFFD') || null,
            Number(formatYuan(fen)),
          ]),
        );
      }),
      { numRuns: 100 },
    );
  });

  it('amounts are written digit by digit, so that no cent of a large one is rounded', async () => {
    const body = await buffer(xlsxOf([linesTable([{ text: 'x', fen: 9_007_199_254_740_991 }])]));
    const [sheet] = await readXlsx<string>(body, { parseNumber: (text: string) => text });
    assert.deepEqual(sheet?.data[1], ['x', '90071992547409.91']);
  });

  it('fees keep the five decimals of the bills, in CSV and in a workbook', async () => {
    const fees = () =>
      tableOf('Fees', [{ name: 'fee', kind: 'fee', of: (fee: number) => fee }], each([15_540, -1, 600_000]));
    const rows = parse(await buffer(csvOf(fees(), 'utf-8'))) as string[][];
    assert.deepEqual(rows, [['fee'], ['0.15540'], ['-0.00001'], ['6.00000']]);
    const [sheet] = await sheets([fees()]);
    assert.deepEqual(sheet?.data, [['fee'], [0.1554], [-0.00001], [6]]);
  });

  it('has a sheet for each table, and goes on in another one when a sheet is full', async () => {
    const lines = (count: number) => Array.from({ length: count }, (_, fen) => ({ text: `row ${fen}`, fen }));
    for (const [count, expected] of [
      [0, [0]],
      [3, [3]],
      [4, [3, 1]],
      [7, [3, 3, 1]],
    ] as const) {
      const found = await sheets([linesTable(lines(count)), { ...linesTable(lines(2)), name: 'Others' }], 4);
      assert.deepEqual(
        found.map(({ sheet, data }) => [sheet, data.length - 1]),
        [
          ...expected.map((size, index) => [index === 0 ? 'Lines' : `Lines ${index + 1}`, size]),
          ['Others', 2],
        ],
      );
      assert.deepEqual(
        found.slice(0, -1).flatMap(({ data }) => data.slice(1).map(([text]) => text)),
        lines(count).map(({ text }) => text),
      );
      for (const { data } of found) assert.deepEqual(data[0], ['text', 'amount']);
    }
  });

  it('rows are read only as fast as the file is taken, and no longer when nobody takes it', async () => {
    let read = 0;
    let closed = false;
    async function* endless(): AsyncGenerator<Line> {
      try {
        for (;;) {
          read += 1;
          yield { text: `row ${read} ${Math.sin(read)}`, fen: read };
        }
      } finally {
        closed = true;
      }
    }
    const body = xlsxOf([tableOf('Endless', COLUMNS, endless())]);
    await once(body, 'readable');
    // Nobody reads on: the buffers fill, and then the rows stop. Two equal counts, many turns of the event loop apart, are the sign.
    let before = -1;
    while (before !== read) {
      before = read;
      for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(read < 100_000, `${read} rows were read for a file that nobody takes`);
    body.destroy();
    await once(body, 'close');
    for (let turn = 0; turn < 1000 && !closed; turn += 1)
      await new Promise((resolve) => setImmediate(resolve));
    assert.ok(closed);
  });

  it('a table that breaks breaks the file: what came of it is not taken for whole', async () => {
    async function* broken(): AsyncGenerator<Line> {
      yield { text: 'first', fen: 1 };
      throw new Error('the database has gone');
    }
    await assert.rejects(buffer(xlsxOf([tableOf('Broken', COLUMNS, broken())])), /the database has gone/);
  });
});
