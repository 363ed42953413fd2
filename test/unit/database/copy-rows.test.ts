import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CopyRows } from '../../../database/reconciliation/copy-rows.ts';

type Value = string | bigint | number | null;

function written(rows: Value[][]): { bytes: Buffer; out: CopyRows } {
  const out = new CopyRows(rows[0]?.length ?? 0);
  const pieces: Buffer[] = [];
  for (const row of rows) {
    out.row();
    for (const value of row) {
      if (value === null) out.nothing();
      else if (typeof value === 'number') out.integer(value);
      else if (typeof value === 'bigint') out.bigint(Number(value));
      else out.text(value);
    }
    pieces.push(...out.take());
  }
  pieces.push(...out.take({ end: true }));
  return { bytes: Buffer.concat(pieces), out };
}

/** The binary form of COPY, read as PostgreSQL's manual says; what the values are is known from those that were written. */
function read(bytes: Buffer, rows: Value[][]): Value[][] {
  assert.equal(bytes.toString('latin1', 0, 11), 'PGCOPY\n\xff\r\n\0');
  assert.equal(bytes.readInt32BE(11), 0);
  assert.equal(bytes.readInt32BE(15), 0);
  let at = 19;
  const found = rows.map((row) => {
    assert.equal(bytes.readInt16BE(at), row.length);
    at += 2;
    return row.map((value) => {
      const length = bytes.readInt32BE(at);
      at += 4;
      if (length === -1) return null;
      const start = at;
      at += length;
      if (typeof value === 'string') return bytes.toString('utf8', start, at);
      assert.equal(length, typeof value === 'number' ? 4 : 8);
      return typeof value === 'number' ? bytes.readInt32BE(start) : bytes.readBigInt64BE(start);
    });
  });
  assert.equal(bytes.readInt16BE(at), -1);
  assert.equal(bytes.length, at + 2);
  return found;
}

describe('rows in the binary form of COPY', () => {
  it('any text, integer and null comes out as it went in', () => {
    const value = fc.oneof(
      fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
      fc.constantFrom('\\N', '\\', '\t\n\r', '茶具', 'é', '', '\\.'),
      fc.maxSafeInteger().map(BigInt),
      fc.integer(),
      fc.constant(null),
    );
    const rows = fc
      .integer({ min: 1, max: 6 })
      .chain((columns) =>
        fc.array(fc.array(value, { minLength: columns, maxLength: columns }), { minLength: 1 }),
      );
    fc.assert(fc.property(rows, (rows) => assert.deepEqual(read(written(rows).bytes, rows), rows)));
  });

  it('rows that do not fit into one piece go on in the next', () => {
    const rows: Value[][] = Array.from({ length: 5_000 }, (_, index) => [
      index,
      `茶${'x'.repeat(index % 90)}`,
      BigInt(-index) * 10_000_000_000n,
      null,
    ]);
    rows.push([0, 'y'.repeat(200_000), 0n, '茶'.repeat(100_000)]);
    assert.deepEqual(read(written(rows).bytes, rows), rows);
  });

  it('a time is counted in microseconds from the year 2000', () => {
    const out = new CopyRows(1);
    out.row().time(Date.parse('2026-11-01T10:20:30+08:00') / 1000);
    const bytes = Buffer.concat(out.take({ end: true }));
    const since = (Date.parse('2026-11-01T02:20:30Z') - Date.parse('2000-01-01T00:00:00Z')) * 1000;
    assert.equal(bytes.readBigInt64BE(19 + 2 + 4), BigInt(since));
  });

  it('what is no safe integer is refused', () => {
    for (const value of [Number.NaN, 1 / 3, 2 ** 53, Number.POSITIVE_INFINITY])
      for (const write of ['integer', 'bigint', 'time'] as const)
        assert.throws(() => new CopyRows(1).row()[write](value), RangeError, `${write} ${value}`);
  });

  it('a NUL character is told', () => {
    for (const text of ['a\0b', '茶\0', '\0']) assert.equal(written([[text]]).out.hasNul, true);
    assert.equal(written([['ab']]).out.hasNul, false);
  });
});
