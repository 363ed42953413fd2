import assert from 'node:assert/strict';
import fc from 'fast-check';
import { countOf, fenOfYuan, milliFenOfYuan, wholeFen } from '../../../../wechatpay/bills/index.ts';

/** An integer of at most 15 digits, printed with a point before its last `decimals` digits. */
const printed = (decimals: number) =>
  fc
    .record({
      units: fc.bigInt({ min: -999_999_999_999_999n, max: 999_999_999_999_999n }),
      zeros: fc.nat({ max: 4 }),
      leading: fc.nat({ max: 3 }),
    })
    .map(({ units, zeros, leading }) => {
      const digits = String(units < 0n ? -units : units).padStart(decimals + 1, '0');
      const integer = '0'.repeat(leading) + digits.slice(0, digits.length - decimals);
      return {
        units,
        text: `${units < 0n ? '-' : ''}${integer}.${digits.slice(-decimals)}${'0'.repeat(zeros)}`,
      };
    });

describe('money of bills', () => {
  it('yuan become exactly the fen that integer arithmetic says', () => {
    fc.assert(
      fc.property(printed(2), ({ units, text }) => {
        assert.equal(BigInt(fenOfYuan(text) ?? Number.NaN), units);
      }),
      { numRuns: 2_000 },
    );
  });

  it('fees become exactly the 1/1000 fen that integer arithmetic says, and whole fen only where they are', () => {
    fc.assert(
      fc.property(printed(5), ({ units, text }) => {
        const amount = milliFenOfYuan(text) ?? Number.NaN;
        assert.equal(BigInt(amount), units);
        assert.equal(wholeFen(amount), units % 1000n === 0n ? Number(units / 1000n) : undefined);
        // The same text is fen only when nothing is lost.
        assert.equal(fenOfYuan(text), units % 1000n === 0n ? Number(units / 1000n) : undefined);
      }),
      { numRuns: 2_000 },
    );
  });

  for (const [yuan, fen] of [
    ['25.90', 2590],
    ['25.9', 2590],
    ['0.29', 29],
    ['25', 2500],
    ['0', 0],
    ['0.0', 0],
    ['-0.00', 0],
    ['-0.01', -1],
    ['0.16000', 16],
    ['007.5', 750],
    ['9999999999999.99', 999_999_999_999_999],
  ] as const) {
    it(`${yuan} yuan is ${fen} fen`, () => {
      // assert.equal of the strict module tells 0 from -0.
      assert.equal(fenOfYuan(yuan), fen);
    });
  }

  for (const [what, text] of [
    ['nothing', ''],
    ['a blank', ' '],
    ['a blank before', ' 1.00'],
    ['a blank behind', '1.00 '],
    ['a plus sign', '+1.00'],
    ['a sign alone', '-'],
    ['two signs', '--1'],
    ['a point alone', '.'],
    ['no digit before the point', '.50'],
    ['no digit behind the point', '1.'],
    ['two points', '1.0.0'],
    ['an exponent', '1e2'],
    ['a thousands separator', '1,000.00'],
    ['hexadecimal', '0x10'],
    ['NaN', 'NaN'],
    ['Infinity', 'Infinity'],
    ['full-width digits', '２５.９０'],
    ['a full-width point', '25．90'],
    ['Arabic digits', '٢٥'],
    ['letters that read like digits when cut to a byte', '\u0131\u0132'],
    ['a part of a fen', '0.001'],
    ['sixteen digits', '1000000000000000'],
    ['more digits than any number can hold', '9'.repeat(400)],
    ['a currency sign', '¥1.00'],
    ['a line break', '1.00\n'],
  ] as const) {
    it(`${what} is no amount`, () => {
      assert.equal(fenOfYuan(text), undefined);
      assert.equal(countOf(text), undefined);
      // What is too fine for fen may still be a fee; nothing else is.
      if (what !== 'a part of a fen') assert.equal(milliFenOfYuan(text), undefined);
    });
  }

  it('a count is a whole number with or without a point, and never below zero', () => {
    assert.equal(countOf('45'), 45);
    assert.equal(countOf('45.0'), 45);
    assert.equal(countOf('0'), 0);
    assert.equal(countOf('45.5'), undefined);
    assert.equal(countOf('-1'), undefined);
  });
});
