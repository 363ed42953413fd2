import assert from 'node:assert/strict';
import fc from 'fast-check';
import { readTradeBill, type TradeBillRow } from '../../../../wechatpay/bills/index.ts';
import {
  bill,
  PAYMENT,
  PAYMENT_READ,
  pieces,
  present,
  REFUND,
  readAll,
  SUMMARY_TITLES,
  TITLES,
  TWO_ROWS,
} from './gateway-bill.ts';

const NO_REFUND = {
  refund_id: '0',
  out_refund_no: '0',
  refund_amount: 0,
  coupon_refund_amount: 0,
  refund_type: '',
  refund_status: '',
};
const NEW_END = { order_amount: 2590, requested_refund_amount: 0, fee_rate_remark: '' };
const REFUND_READ = {
  ...PAYMENT_READ,
  trade_time: '2026-03-02 09:00:01',
  trade_time_rfc3339: '2026-03-02T09:00:01+08:00',
  trade_state: 'REFUND',
  settlement_total: 0,
  coupon_amount: 0,
  refund_id: '50300000122026030212345678901',
  out_refund_no: 'R20260302000001',
  refund_amount: 1000,
  coupon_refund_amount: 0,
  refund_type: 'ORIGINAL',
  refund_status: 'SUCCESS',
  fee_milli_fen: -6000,
};

describe('trade bills', () => {
  it('the bill of all trades has payments and refunds', async () => {
    const { rows, summary, error } = await readAll(readTradeBill(pieces(TWO_ROWS)));
    assert.equal(error, undefined);
    assert.deepEqual(rows.map(present), [
      { ...PAYMENT_READ, ...NO_REFUND, ...NEW_END },
      { ...REFUND_READ, order_amount: 0, requested_refund_amount: 1000, fee_rate_remark: '' },
    ]);
    assert.deepEqual(summary, {
      total_count: 2,
      settlement_total: 2590,
      refund_total: 1000,
      coupon_refund_total: 0,
      fee_total_milli_fen: 10_000,
      order_total: 2590,
      requested_refund_total: 1000,
    });
  });

  it('the bill of payments has no refund columns', async () => {
    const text = bill(TITLES.success, [PAYMENT], [SUMMARY_TITLES.success, '1.0', '25.90', '0.16', '25.9']);
    const { rows, summary, error } = await readAll(readTradeBill(pieces(text)));
    assert.equal(error, undefined);
    assert.deepEqual(rows.map(present), [{ ...PAYMENT_READ, order_amount: 2590, fee_rate_remark: '' }]);
    assert.deepEqual(summary, {
      total_count: 1,
      settlement_total: 2590,
      fee_total_milli_fen: 16_000,
      order_total: 2590,
    });
  });

  it('the bill of refunds has their two times', async () => {
    const processing = { ...REFUND, 退款成功时间: '', 退款状态: 'PROCESSING' };
    const text = bill(
      TITLES.refund,
      [REFUND, processing],
      [SUMMARY_TITLES.all, '2', '0.00', '20.00', '0.00', '-0.12000', '0.00', '20.00'],
    );
    const { rows, error } = await readAll(readTradeBill(pieces(text)));
    assert.equal(error, undefined);
    const expected = {
      ...REFUND_READ,
      refund_apply_time: '2026-03-02 09:00:01',
      refund_apply_time_rfc3339: '2026-03-02T09:00:01+08:00',
      refund_success_time: '2026-03-02 09:00:05',
      refund_success_time_rfc3339: '2026-03-02T09:00:05+08:00',
      order_amount: 0,
      requested_refund_amount: 1000,
      fee_rate_remark: '',
    };
    const { refund_success_time_rfc3339: _, ...unfinished } = expected;
    assert.deepEqual(rows.map(present), [
      expected,
      { ...unfinished, refund_success_time: '', refund_status: 'PROCESSING' },
    ]);
  });

  for (const layout of ['old', 'oldRedPacket'] as const) {
    it(`the old layout has the same fields (${TITLES[layout].split(',')[13]})`, async () => {
      const text = bill(
        TITLES[layout],
        [PAYMENT, REFUND],
        [SUMMARY_TITLES[layout], '2', '25.90', '10.00', '0.00', '0.10000'],
        '\r\n',
      );
      const { rows, summary, error } = await readAll(readTradeBill(pieces(`\ufeff${text}`)));
      assert.equal(error, undefined);
      assert.deepEqual(rows.map(present), [{ ...PAYMENT_READ, ...NO_REFUND }, REFUND_READ]);
      assert.deepEqual(summary, {
        total_count: 2,
        settlement_total: 2590,
        refund_total: 1000,
        coupon_refund_total: 0,
        fee_total_milli_fen: 10_000,
      });
    });
  }

  it('an old bill of payments may print sums of refunds that are zero', async () => {
    const titles = TITLES.old
      .split(',')
      .filter((title) => !title.includes('退款'))
      .join(',');
    const good = bill(titles, [PAYMENT], [SUMMARY_TITLES.old, '1', '25.90', '0.00', '0.00', '0.16000']);
    assert.equal((await readAll(readTradeBill(pieces(good)))).error, undefined);
    const bad = bill(titles, [PAYMENT], [SUMMARY_TITLES.old, '1', '25.90', '0.01', '0.00', '0.16000']);
    assert.match(String((await readAll(readTradeBill(pieces(bad)))).error), /总?退款/);
  });

  it('fees below a fen are exact, and so is their sum', async () => {
    const rows = ['0.00020', '0.00020', '0.00001'].map((fee) => ({ ...PAYMENT, 手续费: fee }));
    const text = bill(TITLES.success, rows, [SUMMARY_TITLES.success, '3', '77.70', '0.00041', '77.70']);
    const found = await readAll(readTradeBill(pieces(text)));
    assert.equal(found.error, undefined);
    assert.deepEqual(
      found.rows.map((row) => row.fee_milli_fen),
      [20, 20, 1],
    );
    assert.equal(found.summary?.fee_total_milli_fen, 41);
  });

  it('a bill without rows has a summary of zeros', async () => {
    const text = bill(TITLES.success, [], [SUMMARY_TITLES.success, '0', '0.00', '0.00000', '0.00']);
    const { rows, summary, error } = await readAll(readTradeBill(pieces(text)));
    assert.equal(error, undefined);
    assert.deepEqual(rows, []);
    assert.equal(summary?.total_count, 0);
  });

  it('columns may come in any order, and those unknown are kept', async () => {
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(TITLES.all.split(','), { minLength: 27 }), async (titles) => {
        const shuffled = [...titles.slice(0, 5), '门店编号', ...titles.slice(5), '__proto__'].join(',');
        const values = { ...PAYMENT, 门店编号: '001`店', ['__proto__']: 'x' };
        const text = bill(
          shuffled,
          [values],
          [`${SUMMARY_TITLES.success},渠道`, '1', '25.90', '0.16000', '25.90', 'wx'],
        );
        const { rows, summary, error } = await readAll(readTradeBill(pieces(text)));
        assert.equal(error, undefined);
        const { extra, ...row } = rows[0] as TradeBillRow;
        assert.deepEqual(present(row), { ...PAYMENT_READ, ...NO_REFUND, ...NEW_END });
        assert.deepEqual(extra, { 门店编号: '001`店', ['__proto__']: 'x' });
        assert.deepEqual(summary?.extra, { 渠道: 'wx' });
      }),
      { numRuns: 30 },
    );
  });

  it('what is no time stays a text', async () => {
    for (const time of [
      '',
      '0',
      '2014-11-10 16：33：45',
      '2026-03-01T12:03:11',
      '2026-13-01 12:03:11',
      '2026-00-01 12:03:11',
      '2026-03-32 12:03:11',
      '2026-03-01 24:03:11',
      '2026-03-01 12:60:11',
      '2026-03-01 12:03:60',
      '2026-3-1 12:03:11',
      '20x6-03-01 12:03:11',
    ]) {
      const text = bill(
        TITLES.success,
        [{ ...PAYMENT, 交易时间: time }],
        [SUMMARY_TITLES.success, '1', '25.90', '0.16000', '25.90'],
      );
      const { rows, error } = await readAll(readTradeBill(pieces(text)));
      assert.equal(error, undefined);
      assert.equal(rows[0]?.trade_time, time);
      assert.equal(rows[0]?.trade_time_rfc3339, undefined, time);
    }
  });
});
