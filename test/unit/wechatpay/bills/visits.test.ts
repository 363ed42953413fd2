import assert from 'node:assert/strict';
import { type BillReader, readTradeBill } from '../../../../wechatpay/bills/index.ts';
import { bill, PAYMENT, pieces, REFUND, readAll, SUMMARY_TITLES, TITLES, TWO_ROWS } from './gateway-bill.ts';

/** What a reader shows, each row copied while it is there. */
async function visited<Row extends object, Summary>(reader: BillReader<Row, Summary>) {
  const rows: Row[] = [];
  try {
    for await (const _ of reader.visits((row) => rows.push({ ...row })));
    return { rows, summary: reader.summary, error: undefined };
  } catch (error) {
    return { rows, summary: reader.summary, error };
  }
}

const WIDE = ['茶具', 'Tea, set', '会员充值', '茶'.repeat(40), '茶'.repeat(39)];
const MANY = bill(
  TITLES.all,
  Array.from({ length: 700 }, (_, index) => ({
    ...(index % 7 === 6 ? REFUND : PAYMENT),
    商品名称: WIDE[index % WIDE.length] ?? '',
  })),
  [SUMMARY_TITLES.all, '700.0', '15540.00', '1000.00', '0.00', '90.00000', '15540.00', '1000.00'],
);

describe('rows of a bill, shown one by one', () => {
  for (const [what, text] of [
    ['the bill of all trades', TWO_ROWS],
    ['many rows, names in Chinese that repeat', MANY],
    ['a row with too few columns', TWO_ROWS.replace(',`25.90', '')],
    ['an amount that is none', TWO_ROWS.replace('`25.90', '`25.9x')],
    ['a coupon amount that nobody asks for, and is none', TWO_ROWS.replaceAll('`0.00', '`0.0x')],
    ['a bill without its end', TWO_ROWS.slice(0, TWO_ROWS.indexOf('总交易单数'))],
  ] as const) {
    it(`${what}: the same as in batches, rows, summary and error alike, however the bytes are cut`, async () => {
      const expected = await readAll(readTradeBill(pieces(text)));
      for (const size of [64 * 1024, 997, 61]) {
        const found = await visited(readTradeBill(pieces(text, size)));
        assert.deepEqual(found.rows, expected.rows);
        assert.deepEqual(found.summary, expected.summary);
        assert.equal(String(found.error), String(expected.error));
      }
    });
  }

  it('are all of a sound bill', async () => {
    const { rows, summary } = await visited(readTradeBill(pieces(MANY)));
    assert.equal(rows.length, 700);
    assert.equal(summary?.total_count, 700);
  });

  it('an error of whoever is shown a row comes out', async () => {
    const reader = readTradeBill(pieces(TWO_ROWS));
    await assert.rejects(async () => {
      for await (const _ of reader.visits(() => {
        throw new RangeError('mine');
      }));
    }, /mine/);
  });
});
