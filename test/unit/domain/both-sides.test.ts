import assert from 'node:assert/strict';
import { type BothSides, disagreement, type OrderFacts } from '../../../domain/both-sides.ts';

const ORDER: OrderFacts = {
  out_trade_no: 'T0001',
  mchid: '1900000001',
  appid: 'wx1',
  sub_mchid: '1900000002',
  sub_appid: 'wx2',
  amount: 2590,
  currency: 'CNY',
  transaction_id: '4200',
};
const sides = (theirs: Partial<OrderFacts>, ours: Partial<OrderFacts> = {}): BothSides => ({
  wechat_pay: { ...ORDER, ...theirs },
  paysaga: { ...ORDER, transaction_id: null, ...ours },
});

describe('a paid order and its payment', () => {
  it('agree when every field is the same, whatever the transaction', () => {
    assert.equal(disagreement(sides({})), undefined);
  });

  for (const [field, value] of [
    ['out_trade_no', 'T0002'],
    ['mchid', '1999999999'],
    ['appid', 'wx9'],
    ['sub_mchid', null],
    ['sub_mchid', '1999999999'],
    ['sub_appid', null],
    ['amount', 2589],
    ['amount', null],
    ['currency', 'USD'],
  ] as const) {
    it(`do not with ${field} ${value}`, () => {
      assert.equal(disagreement(sides({ [field]: value })), `${field}_differs`);
    });
  }

  it('agree although WeChat Pay leaves out what it need not say', () => {
    assert.equal(disagreement(sides({ currency: null })), undefined);
    assert.equal(disagreement(sides({ sub_appid: 'wx3' }, { sub_appid: null })), undefined);
  });

  it('that differ in several fields are told by the one that says most', () => {
    assert.equal(disagreement(sides({ amount: 1, mchid: '1999999999' })), 'mchid_differs');
  });
});
