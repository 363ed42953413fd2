import assert from 'node:assert/strict';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../../simulator/index.ts';
import { RawClient } from './client.ts';
import { type Elements, RawV2Client } from './v2-client.ts';

describe('simulator: v2 refunds', () => {
  let simulator: Simulator;
  let client: RawV2Client;
  let v3: RawClient;

  async function start(options: SimulatorOptions = {}) {
    simulator = await startSimulator({
      refundDelayMs: Number.POSITIVE_INFINITY,
      notifyDelayMs: 1e8,
      ...options,
    });
    client = new RawV2Client(simulator);
    v3 = new RawClient(simulator);
  }
  async function paidOrder(outTradeNo = 'V2PAID1', coupon?: number) {
    await client.order(outTradeNo);
    return simulator.gateway.pay(outTradeNo, coupon ? { coupon: { amount: coupon } } : {});
  }
  const query = (elements: Elements) => client.post('/pay/refundquery', elements);
  afterEach(async () => {
    await client.close();
    await v3.close();
    await simulator.close();
  });

  for (const path of ['/secapi/pay/refund', '/secapi/pay/refundv2']) {
    it(`${path} accepts a refund and says the shares of money and coupons`, async () => {
      await start();
      const { transaction_id } = await paidOrder('V2PAID1', 200);
      const answer = await client.post(path, {
        out_trade_no: 'V2PAID1',
        out_refund_no: 'VR1',
        total_fee: '2590',
        refund_fee: '1000',
        refund_fee_type: 'CNY',
        refund_desc: 'broken',
        ...(path.endsWith('v2') && { version: '1.0', detail: '{"goods_detail":[]}' }),
      });
      assert.equal(answer.signedWith, 'MD5');
      const { return_code, return_msg, appid, mch_id, nonce_str, sign, result_code, ...refund } = answer.xml;
      assert.match(refund.refund_id ?? '', /^50\d{27}$/);
      const { refund_id, coupon_refund_id_0 } = refund;
      assert.deepEqual(refund, {
        transaction_id,
        out_trade_no: 'V2PAID1',
        total_fee: '2590',
        fee_type: 'CNY',
        cash_fee: '2390',
        out_refund_no: 'VR1',
        refund_id,
        refund_fee: '1000',
        settlement_refund_fee: '1000',
        settlement_total_fee: '2590',
        cash_fee_type: 'CNY',
        cash_refund_fee: '923',
        coupon_refund_fee: '77',
        coupon_refund_count: '1',
        coupon_type_0: 'CASH',
        coupon_refund_id_0,
        coupon_refund_fee_0: '77',
      });
      assert.equal((await client.query('V2PAID1')).xml.trade_state, 'REFUND');
      assert.equal(simulator.gateway.refund('VR1').reason, 'broken');
    });
  }

  const refused: [what: string, code: string, changes: Elements][] = [
    ['no order', 'LACK_PARAMS', { out_trade_no: '' }],
    ['no out_refund_no', 'LACK_PARAMS', { out_refund_no: '' }],
    ['no total_fee', 'LACK_PARAMS', { total_fee: '' }],
    ['no refund_fee', 'LACK_PARAMS', { refund_fee: '' }],
    ['a long out_refund_no', 'PARAM_ERROR', { out_refund_no: 'R'.repeat(65) }],
    ['a long refund_desc', 'PARAM_ERROR', { refund_desc: '坏'.repeat(81) }],
    ['a refund of nothing', 'PARAM_ERROR', { refund_fee: '0' }],
    ['an unknown account', 'PARAM_ERROR', { refund_account: 'AVAILABLE' }],
    ['another currency', 'PARAM_ERROR', { refund_fee_type: 'USD' }],
    ['notify_url with a query', 'PARAM_ERROR', { notify_url: 'https://pay.example.com/wx?a=b' }],
    ['an unknown order', 'ORDERNOTEXIST', { out_trade_no: 'V2UNKNOWN' }],
    ['an unpaid order', 'ORDERNOTEXIST', { out_trade_no: 'V2UNPAID' }],
    ['an unknown transaction', 'INVALID_TRANSACTIONID', { out_trade_no: '', transaction_id: '4200000000' }],
    ['another total', 'ERROR', { total_fee: '2591' }],
    ['more than was paid', 'ERROR', { refund_fee: '2591' }],
  ];
  for (const [what, err_code, changes] of refused) {
    it(`${what} is ${err_code}`, async () => {
      await start();
      await paidOrder();
      await client.order('V2UNPAID');
      const { xml, signedWith } = await client.refund('V2PAID1', 'VR1', 1000, changes);
      assert.deepEqual([xml.return_code, xml.result_code, xml.err_code], ['SUCCESS', 'FAIL', err_code]);
      assert.notEqual(xml.err_code_des ?? '', '');
      assert.equal(signedWith, 'MD5');
      assert.equal(simulator.gateway.state().refunds, 0);
    });
  }

  it('a year later it is TRADE_OVERDUE', async () => {
    let now = Date.parse('2026-03-01T12:00:00+08:00');
    await start({ clock: () => now });
    await paidOrder();
    now += 365 * 24 * 3600_000 + 1;
    assert.equal((await client.refund('V2PAID1', 'VR1', 1)).xml.err_code, 'TRADE_OVERDUE');
  });

  it('within a minute, where that is enforced, it is FREQUENCY_LIMITED', async () => {
    await start({ enforceRefundInterval: true });
    await paidOrder();
    assert.equal((await client.refund('V2PAID1', 'VR1', 1)).xml.result_code, 'SUCCESS');
    assert.equal((await client.refund('V2PAID1', 'VR2', 1)).xml.err_code, 'FREQUENCY_LIMITED');
  });

  it('without money it is NOTENOUGH, and the same application succeeds once there is some', async () => {
    await start();
    await paidOrder();
    const { mchid } = simulator.merchant;
    simulator.gateway.balances.arrange(mchid, { limited: true, AVAILABLE: 0, UNSETTLED: 0 });
    assert.equal((await client.refund('V2PAID1', 'VR1', 1000)).xml.err_code, 'NOTENOUGH');
    simulator.gateway.balances.arrange(mchid, { limited: true, AVAILABLE: 0, UNSETTLED: 5000 });
    assert.equal((await client.refund('V2PAID1', 'VR1', 1000)).xml.result_code, 'SUCCESS');
  });

  it('refund_account says which account pays; unsettled money unless told', async () => {
    await start();
    await paidOrder();
    const { mchid } = simulator.merchant;
    simulator.gateway.balances.arrange(mchid, { limited: true, AVAILABLE: 5000, UNSETTLED: 0 });
    assert.equal((await client.refund('V2PAID1', 'VR1', 1000)).xml.err_code, 'NOTENOUGH');
    const fromRecharge = { refund_account: 'REFUND_SOURCE_RECHARGE_FUNDS' };
    assert.equal((await client.refund('V2PAID1', 'VR1', 1000, fromRecharge)).xml.result_code, 'SUCCESS');
    const { xml } = await query({ out_refund_no: 'VR1' });
    assert.equal(xml.refund_account_0, 'REFUND_SOURCE_RECHARGE_FUNDS');
  });

  it('a person whose account is gone is USER_ACCOUNT_ABNORMAL', async () => {
    await start();
    await client.order('V2PAID1', { trade_type: 'JSAPI', openid: 'oGone' });
    simulator.gateway.pay('V2PAID1');
    simulator.gateway.payers.setAbnormal('oGone', true);
    assert.equal((await client.refund('V2PAID1', 'VR1', 1000)).xml.err_code, 'USER_ACCOUNT_ABNORMAL');
  });

  it('the same number with equal elements refunds once, with others it is ERROR', async () => {
    await start();
    await paidOrder();
    const first = await client.refund('V2PAID1', 'VR1', 1000);
    const again = await client.refund('V2PAID1', 'VR1', 1000);
    assert.equal(again.xml.refund_id, first.xml.refund_id);
    assert.equal(simulator.gateway.order('V2PAID1').amount.refunded, 1000);
    assert.equal((await client.refund('V2PAID1', 'VR1', 900)).xml.err_code, 'ERROR');
    assert.equal((await client.refund('V2PAID1', 'VR1', 1000, { refund_desc: 'x' })).xml.err_code, 'ERROR');
  });

  for (const path of ['/pay/refundquery', '/pay/refundqueryv2']) {
    it(`${path} tells everything of a refund by each of the four numbers`, async () => {
      let now = Date.parse('2026-03-02T09:00:00+08:00');
      await start({ clock: () => now });
      const { transaction_id } = await paidOrder('V2PAID1', 200);
      const { refund_id = '' } = (await client.refund('V2PAID1', 'VR1', 1000)).xml;
      now = Date.parse('2026-03-02T09:02:40+08:00');
      simulator.gateway.finishRefund('VR1', 'SUCCESS');
      const numbers: Elements[] = [
        { refund_id },
        { out_refund_no: 'VR1' },
        { transaction_id: transaction_id ?? '' },
        { out_trade_no: 'V2PAID1' },
      ];
      for (const number of numbers) {
        const answer = await client.post(path, number);
        assert.equal(answer.signedWith, 'MD5');
        const { return_code, return_msg, appid, mch_id, nonce_str, sign, result_code, ...refund } =
          answer.xml;
        const { coupon_refund_id_0_0 } = refund;
        assert.match(coupon_refund_id_0_0 ?? '', /^\d+$/);
        assert.deepEqual(refund, {
          transaction_id,
          out_trade_no: 'V2PAID1',
          total_fee: '2590',
          fee_type: 'CNY',
          cash_fee: '2390',
          settlement_total_fee: '2590',
          refund_count: '1',
          out_refund_no_0: 'VR1',
          refund_id_0: refund_id,
          refund_channel_0: 'ORIGINAL',
          refund_fee_0: '1000',
          settlement_refund_fee_0: '1000',
          coupon_refund_fee_0: '77',
          coupon_refund_count_0: '1',
          coupon_type_0_0: 'CASH',
          coupon_refund_id_0_0,
          coupon_refund_fee_0_0: '77',
          refund_status_0: 'SUCCESS',
          refund_account_0: 'REFUND_SOURCE_UNSETTLED_FUNDS',
          refund_recv_accout_0: '支付用户零钱',
          refund_success_time_0: '2026-03-02 09:02:40',
        });
      }
    });
  }

  it('the states have the names of v2, and only SUCCESS has a time', async () => {
    await start();
    await paidOrder();
    const names = { VR0: 'PROCESSING', VR1: 'SUCCESS', VR2: 'CHANGE', VR3: 'REFUNDCLOSE' };
    for (const number of Object.keys(names)) await client.refund('V2PAID1', number, 1);
    simulator.gateway.finishRefund('VR1', 'SUCCESS');
    simulator.gateway.finishRefund('VR2', 'ABNORMAL');
    simulator.gateway.finishRefund('VR3', 'CLOSED');
    const { xml } = await query({ out_trade_no: 'V2PAID1' });
    assert.equal(xml.refund_count, '4');
    assert.equal('total_refund_count' in xml, false);
    for (const [index, [number, name]] of Object.entries(names).entries()) {
      assert.equal(xml[`out_refund_no_${index}`], number);
      assert.equal(xml[`refund_status_${index}`], name);
      assert.equal(`refund_success_time_${index}` in xml, name === 'SUCCESS');
    }
  });

  it('more than twenty refunds come in pages by offset, or one by one', async () => {
    await start();
    await paidOrder();
    for (let number = 0; number < 23; number += 1) await client.refund('V2PAID1', `VR${number}`, 1);
    const first = (await query({ out_trade_no: 'V2PAID1' })).xml;
    assert.deepEqual([first.refund_count, first.total_refund_count], ['20', '23']);
    assert.equal(first.out_refund_no_19, 'VR19');
    assert.equal('out_refund_no_20' in first, false);
    const rest = (await query({ out_trade_no: 'V2PAID1', offset: '20' })).xml;
    assert.deepEqual([rest.refund_count, rest.total_refund_count], ['3', '23']);
    assert.deepEqual([rest.out_refund_no_0, rest.out_refund_no_2], ['VR20', 'VR22']);
    const one = (await query({ out_refund_no: 'VR22' })).xml;
    assert.deepEqual([one.refund_count, one.out_refund_no_0], ['1', 'VR22']);
    assert.equal((await query({ out_trade_no: 'V2PAID1', offset: '23' })).xml.err_code, 'REFUNDNOTEXIST');
    assert.equal((await query({ out_trade_no: 'V2PAID1', offset: '-1' })).xml.err_code, 'PARAM_ERROR');
  });

  it('an order takes 50 refunds and no more', async () => {
    await start();
    await paidOrder();
    for (let number = 0; number < 50; number += 1) await client.refund('V2PAID1', `VR${number}`, 1);
    assert.equal((await client.refund('V2PAID1', 'VR50', 1)).xml.err_code, 'ERROR');
    assert.equal(simulator.gateway.state().refunds, 50);
  });

  it('unknown refunds, orders without refunds and refunds of others are REFUNDNOTEXIST', async () => {
    await start();
    await paidOrder();
    const unknown: Elements[] = [
      { out_refund_no: 'VR9' },
      { refund_id: '50300000000' },
      { out_trade_no: 'V2PAID1' },
      { transaction_id: '42000000' },
    ];
    for (const number of unknown) assert.equal((await query(number)).xml.err_code, 'REFUNDNOTEXIST');
    assert.equal((await query({})).xml.err_code, 'LACK_PARAMS');
    await client.refund('V2PAID1', 'VR1', 1);
    const { provider } = simulator.world;
    const asked = { out_refund_no: 'VR1', sub_mch_id: provider.subMerchants[0]?.mchid ?? '' };
    const other = await client.post('/pay/refundquery', asked, { merchant: provider });
    assert.equal(other.xml.err_code, 'REFUNDNOTEXIST');
  });

  it('what was paid by v2 is refunded by v3, and the other way round', async () => {
    await start();
    await paidOrder('V2CROSS1');
    assert.equal((await v3.refund('V2CROSS1', 'R1', 590)).status, 200);
    assert.equal((await query({ out_refund_no: 'R1' })).xml.refund_fee_0, '590');
    assert.equal((await client.refund('V2CROSS1', 'R2', 2001)).xml.err_code, 'ERROR');
    await v3.order('V2CROSS2');
    simulator.gateway.pay('V2CROSS2');
    assert.equal((await client.refund('V2CROSS2', 'R3', 590)).xml.result_code, 'SUCCESS');
    const { json } = await v3.queryRefund('R3');
    assert.deepEqual([json.status, json.amount.refund, json.funds_account], ['PROCESSING', 590, 'UNSETTLED']);
  });
});
