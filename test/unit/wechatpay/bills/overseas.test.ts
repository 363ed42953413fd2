import assert from 'node:assert/strict';
import { readGlobalStatement } from '../../../../wechatpay/bills/index.ts';
import { bill, PAYMENT, PAYMENT_READ, pieces, present, readAll, TITLES } from './gateway-bill.ts';

describe('overseas statements', () => {
  const PAID = {
    ...PAYMENT,
    充值券币种: 'HKD',
    充值券金额: '0.00',
    优惠券币种: 'HKD',
    优惠券金额: '1.50',
    标价币种: 'HKD',
    '订单金额(标价币种)': '25.90',
    用户支付币种: 'CNY',
    用户支付金额: '22.41',
    结算币种: 'HKD',
    应结订单金额: '25.90',
    支付汇率: '86500000',
    退款汇率: '',
    申请退款金额: '',
    用户退款币种: '',
    用户退款金额: '',
    退款结算币种: '',
    退款应结订单金额: '',
    充值券退款金额: '',
    优惠券退款金额: '',
  };

  it('all 38 columns are read, blank amounts as undefined; there is no summary to miss', async () => {
    assert.equal(TITLES.global.split(',').length, 38);
    const { rows, summary, error } = await readAll(readGlobalStatement(pieces(bill(TITLES.global, [PAID]))));
    assert.equal(error, undefined);
    const {
      currency: _,
      settlement_total: __,
      coupon_amount: ___,
      fee_milli_fen: ____,
      ...common
    } = PAYMENT_READ;
    assert.deepEqual(rows.map(present), [
      {
        ...common,
        recharge_coupon_currency: 'HKD',
        recharge_coupon_amount: 0,
        discount_coupon_currency: 'HKD',
        discount_coupon_amount: 150,
        refund_id: '0',
        out_refund_no: '0',
        refund_type: '',
        refund_status: '',
        fee_hundred_thousandths: 16_000,
        currency: 'HKD',
        order_amount: 2590,
        payer_currency: 'CNY',
        payer_amount: 2241,
        settlement_currency: 'HKD',
        settlement_total: 2590,
        exchange_rate: '86500000',
        refund_exchange_rate: '',
        payer_refund_currency: '',
        refund_settlement_currency: '',
      },
    ]);
    assert.deepEqual(summary, { total_count: 1 });
  });

  it('a refund has its amounts', async () => {
    const refund = {
      ...PAID,
      ...{ 退款汇率: '86000000', 申请退款金额: '10.00', 用户退款币种: 'CNY', 用户退款金额: '8.60' },
      ...{ 退款结算币种: 'HKD', 退款应结订单金额: '9.99', 充值券退款金额: '0.02', 优惠券退款金额: '0.01' },
    };
    const { rows, error } = await readAll(readGlobalStatement(pieces(bill(TITLES.global, [refund]))));
    assert.equal(error, undefined);
    const [row] = rows;
    assert.deepEqual(
      [row?.requested_refund_amount, row?.payer_refund_amount, row?.refund_settlement_total],
      [1000, 860, 999],
    );
    assert.deepEqual([row?.recharge_coupon_refund_amount, row?.discount_coupon_refund_amount], [2, 1]);
    assert.deepEqual([row?.payer_refund_currency, row?.refund_settlement_currency], ['CNY', 'HKD']);
    assert.equal(row?.refund_exchange_rate, '86000000');
  });

  it('a summary that is there nevertheless must have the count', async () => {
    const good = await readAll(
      readGlobalStatement(pieces(bill(TITLES.global, [PAID], ['总交易单数,总交易额', '1', '9']))),
    );
    assert.equal(good.error, undefined);
    assert.deepEqual(good.summary, { total_count: 1, extra: { 总交易额: '9' } });
    const bad = await readAll(readGlobalStatement(pieces(bill(TITLES.global, [PAID], ['总交易单数', '2']))));
    assert.match(String(bad.error), /\(total_count\) is 2, but the rows add up to 1/);
  });
});
