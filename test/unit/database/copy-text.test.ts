import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CopyText } from '../../../database/reconciliation/copy-text.ts';

type Value = string | number | null;

function written(rows: Value[][]): { text: string; out: CopyText } {
  const out = new CopyText();
  const pieces: Buffer[] = [];
  for (const row of rows) {
    for (const value of row) {
      if (value === null) out.nothing();
      else if (typeof value === 'number') out.integer(value);
      else out.text(value);
    }
    out.end();
    pieces.push(...out.take());
  }
  pieces.push(...out.take({ all: true }));
  return { text: Buffer.concat(pieces).toString(), out };
}

/** The text form of COPY, read as PostgreSQL's manual says. */
function read(text: string): (string | null)[][] {
  const UNESCAPED: Record<string, string> = { '\\\\': '\\', '\\t': '\t', '\\n': '\n', '\\r': '\r' };
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) =>
      line
        .split('\t')
        .map((value) =>
          value === '\\N' ? null : value.replace(/\\[\\tnr]/g, (escaped) => UNESCAPED[escaped] ?? ''),
        ),
    );
}

describe('rows in the text form of COPY', () => {
  it('any text, safe integer and null comes out as it went in', () => {
    const value = fc.oneof(
      fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
      fc.constantFrom('\\N', '\\', '\t\n\r', '茶具', '', '\\.'),
      fc.maxSafeInteger(),
      fc.constant(null),
    );
    fc.assert(
      fc.property(fc.array(fc.array(value, { minLength: 1, maxLength: 6 }), { minLength: 1 }), (rows) => {
        assert.deepEqual(
          read(written(rows).text),
          rows.map((row) => row.map((value) => (value === null ? null : String(value)))),
        );
      }),
    );
  });

  it('rows that do not fit into one piece go on in the next', () => {
    const rows = Array.from({ length: 5_000 }, (_, index) => [
      index,
      `茶${'x'.repeat(index % 90)}`,
      -index,
      null,
    ]);
    const long = ['y'.repeat(200_000), '茶'.repeat(100_000)];
    const { text } = written([...rows, long]);
    assert.deepEqual(
      read(text),
      [...rows, long].map((row) => row.map((value) => (value === null ? null : String(value)))),
    );
  });

  it('a NUL character is told', () => {
    assert.equal(written([['a\0b']]).out.hasNul, true);
    assert.equal(written([['ab']]).out.hasNul, false);
  });
});
