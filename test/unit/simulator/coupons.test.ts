import assert from 'node:assert/strict';
import { type Simulator, startSimulator } from '../../../simulator/index.ts';
import { control, type RawAnswer, RawClient } from './client.ts';

const DAY = 24 * 60 * 60 * 1000;
type Body = Record<string, unknown>;

describe('simulator: coupons and the money of merchants', () => {
  let simulator: Simulator;
  let client: RawClient;
  let now: number;

  beforeEach(async () => {
    // Noon in Asia/Shanghai, so that a test does not run into the next day.
    now = Date.parse('2026-03-01T12:00:00+08:00');
    simulator = await startSimulator({
      clock: () => now,
      notifyDelayMs: 1e8,
      refundDelayMs: Number.POSITIVE_INFINITY,
    });
    client = new RawClient(simulator, { clock: () => now });
  });
  afterEach(async () => {
    await client.close();
    await simulator.close();
  });

  const pay = (outTradeNo: string, payment: Body = {}) =>
    control(simulator, 'POST', `/orders/${outTradeNo}/pay`, payment);
  async function paid(outTradeNo: string, payment: Body = {}) {
    await client.order(outTradeNo);
    const answer = await pay(outTradeNo, payment);
    assert.equal(answer.status, 200);
    return answer.json;
  }
  const balance = async (mchid = simulator.merchant.mchid) => {
    const { AVAILABLE, UNSETTLED, UNAVAILABLE } = (
      await control(simulator, 'GET', `/merchants/${mchid}/balance`)
    ).json;
    return { AVAILABLE, UNSETTLED, UNAVAILABLE };
  };
  const setBalance = (request: Body, mchid = simulator.merchant.mchid) =>
    control(simulator, 'PUT', `/merchants/${mchid}/balance`, request);
  const refused = ({ status, json }: RawAnswer) => [status, json.code];

  describe('coupons', () => {
    it('one that WeChat Pay funds lowers what the person pays, not what the merchant gets', async () => {
      const view = await paid('CASH001', { coupon: { amount: 200 }, openid: simulator.world.openid });
      assert.equal(view.amount.payer_total, 2390);
      const { json } = await client.query('CASH001');
      assert.deepEqual(json.amount, {
        total: 2590,
        payer_total: 2390,
        currency: 'CNY',
        payer_currency: 'CNY',
      });
      assert.equal(json.payer.openid, simulator.world.openid);
      const [coupon] = json.promotion_detail;
      assert.deepEqual(
        [coupon.type, coupon.scope, coupon.amount, coupon.currency],
        ['CASH', 'GLOBAL', 200, 'CNY'],
      );
      assert.match(coupon.coupon_id, /^\d{9}$/);
      const { amount } = (await client.refund('CASH001', 'R1', 1)).json;
      assert.equal(amount.settlement_total, 2590);
      assert.equal((await balance()).UNSETTLED, 2590 - 16 - 1);
    });

    it('one that the merchant funds lowers the settlement amount, too', async () => {
      await paid('NOCASH1', { coupon: { amount: 200, type: 'NOCASH' } });
      assert.equal((await client.query('NOCASH1')).json.promotion_detail[0].type, 'NOCASH');
      // 0.60 % of 23.90 yuan.
      assert.equal((await balance()).UNSETTLED, 2390 - 14);
      const { json } = await client.refund('NOCASH1', 'R1', 1000);
      assert.deepEqual(
        [json.amount.settlement_total, json.amount.settlement_refund, json.amount.payer_refund],
        [2390, 923, 923],
      );
    });

    it('a refund returns them in proportion, as the official example computes it', async () => {
      await paid('SHARE01', { coupon: { amount: 200 } });
      const { json } = await client.refund('SHARE01', 'R1', 1000);
      assert.deepEqual(json.amount, {
        total: 2590,
        refund: 1000,
        from: [],
        payer_total: 2390,
        payer_refund: 923,
        settlement_refund: 1000,
        settlement_total: 2590,
        discount_refund: 77,
        currency: 'CNY',
        refund_fee: 6,
      });
      const [promotion] = json.promotion_detail;
      assert.deepEqual(
        [promotion.scope, promotion.type, promotion.amount, promotion.refund_amount],
        ['GLOBAL', 'COUPON', 200, 77],
      );
      const [coupon] = (await client.query('SHARE01')).json.promotion_detail;
      assert.equal(promotion.promotion_id, coupon.coupon_id);
    });

    for (const type of ['CASH', 'NOCASH'] as const) {
      it(`${type}: partial refunds add up to exactly what was paid, whatever the rounding`, async () => {
        await paid('SUM0001', { coupon: { amount: 333, type } });
        const sums = { payer_refund: 0, discount_refund: 0, settlement_refund: 0, refund_fee: 0, refund: 0 };
        for (const [index, part] of [1, 7, 863, 863, 856].entries()) {
          const { json } = await client.refund('SUM0001', `R${index}`, part);
          for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += json.amount[name];
          assert.equal(json.amount.payer_refund + json.amount.discount_refund, part);
          assert.equal(json.promotion_detail[0].refund_amount, json.amount.discount_refund);
          assert.equal(json.promotion_detail[0].type, type === 'CASH' ? 'COUPON' : 'DISCOUNT');
        }
        const settled = type === 'CASH' ? 2590 : 2257;
        const fee = type === 'CASH' ? 16 : 14;
        assert.deepEqual(sums, {
          payer_refund: 2257,
          discount_refund: 333,
          settlement_refund: settled,
          refund_fee: fee,
          refund: 2590,
        });
        assert.deepEqual(await balance(), { AVAILABLE: 0, UNSETTLED: 0, UNAVAILABLE: 0 });
      });
    }

    it('the goods of the request are told with the coupon', async () => {
      await paid('GOODS01', { coupon: { amount: 200 } });
      const goods_detail = [
        { merchant_goods_id: 'SKU-88', unit_price: 2590, refund_amount: 1000, refund_quantity: 1 },
      ];
      const { json } = await client.refund('GOODS01', 'R1', 1000, { goods_detail });
      assert.deepEqual(json.promotion_detail[0].goods_detail, goods_detail);
    });

    it('one over the whole amount leaves nothing to pay; more is refused', async () => {
      await client.order('WHOLE01');
      assert.equal((await pay('WHOLE01', { coupon: { amount: 2591 } })).status, 409);
      assert.equal((await pay('WHOLE01', { coupon: { amount: 0 } })).status, 400);
      assert.equal((await pay('WHOLE01', { coupon: { amount: 1, type: 'FREE' } })).status, 400);
      assert.equal((await pay('WHOLE01', { coupon: { amount: 2590 } })).json.amount.payer_total, 0);
      const { amount } = (await client.refund('WHOLE01', 'R1', 2590)).json;
      assert.deepEqual([amount.payer_refund, amount.discount_refund], [0, 2590]);
    });
  });

  describe('whose number', () => {
    it('?mchid= says whose order or refund is meant when numbers collide', async () => {
      const { provider } = simulator.world;
      const sub = provider.subMerchants[0];
      assert.ok(sub);
      const partner = new RawClient(simulator, { merchant: provider, clock: () => now });
      try {
        await client.order('SAME001');
        const order = {
          sp_appid: provider.appid,
          sp_mchid: provider.mchid,
          sub_mchid: sub.mchid,
          description: 'Tea',
          out_trade_no: 'SAME001',
          notify_url: 'https://pay.example.com/wx',
          amount: { total: 2590 },
        };
        assert.equal((await partner.post('/v3/pay/partner/transactions/native', order)).status, 200);
        const owner = `?mchid=${simulator.merchant.mchid}`;
        const failed = await control(simulator, 'POST', `/orders/SAME001/fail${owner}`, {
          reason: 'cancelled',
        });
        assert.equal(failed.json.mchid, simulator.merchant.mchid);
        const own = await control(simulator, 'POST', `/orders/SAME001/pay${owner}`, {});
        assert.equal(own.json.mchid, simulator.merchant.mchid);
        const newest = await control(simulator, 'GET', '/orders/SAME001');
        assert.deepEqual([newest.json.mchid, newest.json.trade_state], [provider.mchid, 'NOTPAY']);
        assert.equal(
          (await control(simulator, 'GET', `/orders/SAME001${owner}`)).json.trade_state,
          'SUCCESS',
        );
        assert.equal((await control(simulator, 'GET', '/orders/SAME001?mchid=1')).status, 404);

        simulator.gateway.pay('SAME001', {}, provider.mchid);
        await client.refund('SAME001', 'R1', 1);
        await partner.post('/v3/refund/domestic/refunds', {
          sub_mchid: sub.mchid,
          out_trade_no: 'SAME001',
          out_refund_no: 'R1',
          amount: { refund: 2, total: 2590, currency: 'CNY' },
        });
        const finished = await control(simulator, 'POST', `/refunds/R1/finish${owner}`, { status: 'CLOSED' });
        assert.equal(finished.json.amount.refund, 1);
        assert.equal((await control(simulator, 'GET', `/refunds/R1${owner}`)).json.status, 'CLOSED');
        assert.equal((await control(simulator, 'GET', '/refunds/R1')).json.status, 'PROCESSING');
      } finally {
        await partner.close();
      }
    });
  });

  describe('balances', () => {
    it('a payment comes in without its fee, unsettled until the next day', async () => {
      assert.deepEqual(await balance(), { AVAILABLE: 0, UNSETTLED: 0, UNAVAILABLE: 0 });
      await paid('BOOK001');
      assert.deepEqual(await balance(), { AVAILABLE: 0, UNSETTLED: 2574, UNAVAILABLE: 0 });
      now += DAY;
      assert.deepEqual(await balance(), { AVAILABLE: 2574, UNSETTLED: 0, UNAVAILABLE: 0 });
      await paid('BOOK002');
      assert.deepEqual(await balance(), { AVAILABLE: 2574, UNSETTLED: 2574, UNAVAILABLE: 0 });
    });

    it('refunds need no money unless the merchant is limited', async () => {
      await paid('LIMIT01');
      now += DAY;
      await setBalance({ limited: false, AVAILABLE: 0 });
      assert.equal((await client.refund('LIMIT01', 'R1', 2590)).status, 200);
      assert.equal((await balance()).AVAILABLE, -2574);
    });

    it('NOT_ENOUGH until the account is topped up, then the same number with the same body is accepted', async () => {
      await paid('LIMIT02');
      await setBalance({ UNSETTLED: 0, AVAILABLE: 993 });
      const poor = await client.refund('LIMIT02', 'R1', 1000);
      assert.deepEqual(refused(poor), [403, 'NOT_ENOUGH']);
      assert.deepEqual(refused(await client.queryRefund('R1')), [404, 'RESOURCE_NOT_EXISTS']);
      assert.equal((await client.query('LIMIT02')).json.trade_state, 'SUCCESS');
      // The fee of 6 fen comes back, so that 994 are enough.
      await setBalance({ AVAILABLE: 994 });
      assert.equal((await client.refund('LIMIT02', 'R1', 1000)).status, 200);
      assert.equal((await balance()).AVAILABLE, 0);
      assert.equal((await client.refund('LIMIT02', 'R1', 1000)).status, 200, 'a repeat needs no money');
    });

    it('what is not settled pays first, if it is enough', async () => {
      await paid('FUNDS01');
      await setBalance({ AVAILABLE: 5000 });
      assert.equal((await client.refund('FUNDS01', 'R1', 1000)).json.funds_account, 'UNSETTLED');
      assert.equal((await client.refund('FUNDS01', 'R2', 1590)).json.funds_account, 'UNSETTLED');
      assert.deepEqual(await balance(), { AVAILABLE: 5000, UNSETTLED: 0, UNAVAILABLE: 0 });
      await paid('FUNDS02');
      now += DAY;
      assert.equal((await client.refund('FUNDS02', 'R3', 1000)).json.funds_account, 'AVAILABLE');
    });

    it('funds_account names the one account that pays', async () => {
      await paid('FUNDS03');
      await setBalance({ AVAILABLE: 0 });
      const available = await client.refund('FUNDS03', 'R1', 1000, { funds_account: 'AVAILABLE' });
      assert.deepEqual(refused(available), [403, 'NOT_ENOUGH']);
      const unsettled = await client.refund('FUNDS03', 'R1', 1000, { funds_account: 'UNSETTLED' });
      assert.equal(unsettled.json.funds_account, 'UNSETTLED');
      now += DAY;
      const settled = await client.refund('FUNDS03', 'R2', 100, { funds_account: 'UNSETTLED' });
      assert.deepEqual(refused(settled), [403, 'NOT_ENOUGH']);
    });

    it('amount.from names shares, each of which must be there', async () => {
      await paid('FROM001');
      const amount = (from: Body[]) => ({
        amount: { refund: 1000, total: 2590, currency: 'CNY', from },
      });
      const from = [
        { account: 'AVAILABLE', amount: 600 },
        { account: 'UNAVAILABLE', amount: 400 },
      ];
      await setBalance({ UNSETTLED: 0, AVAILABLE: 600, UNAVAILABLE: 393 });
      assert.deepEqual(refused(await client.refund('FROM001', 'R1', 1000, amount(from))), [
        403,
        'NOT_ENOUGH',
      ]);
      await setBalance({ UNAVAILABLE: 394 });
      const { status, json } = await client.refund('FROM001', 'R1', 1000, amount(from));
      assert.equal(status, 200);
      assert.deepEqual(json.amount.from, from);
      assert.deepEqual(await balance(), { AVAILABLE: 0, UNSETTLED: 0, UNAVAILABLE: 0 });
      const sum = await client.refund('FROM001', 'R2', 1000, amount(from.slice(1)));
      assert.equal(sum.json.detail.field, '/amount/from');
      const account = await client.refund(
        'FROM001',
        'R2',
        1000,
        amount([{ account: 'BASIC', amount: 1000 }]),
      );
      assert.equal(account.json.detail.field, '/amount/from/0/account');
      const nothing = await client.refund(
        'FROM001',
        'R2',
        1000,
        amount([{ account: 'AVAILABLE', amount: 0 }]),
      );
      assert.equal(nothing.json.detail.field, '/amount/from/0/amount');
    });

    it('a closed refund gives its money back, an abnormal one does not', async () => {
      await paid('BACK001');
      await client.refund('BACK001', 'R1', 1000);
      assert.equal((await balance()).UNSETTLED, 2574 - 994);
      simulator.gateway.finishRefund('R1', 'ABNORMAL');
      assert.equal((await balance()).UNSETTLED, 2574 - 994);
      simulator.gateway.finishRefund('R1', 'CLOSED');
      assert.equal((await balance()).UNSETTLED, 2574);
    });

    it('the scenario can set them, and so can the control API for everybody who exists', async () => {
      const limited = await startSimulator({
        scenario: { merchants: [{ mchid: '1900088001', balance: 100 }] },
      });
      try {
        const { json } = await control(limited, 'GET', '/merchants/1900088001/balance');
        assert.deepEqual([json.limited, json.AVAILABLE], [true, 100]);
      } finally {
        await limited.close();
      }
      const sub = simulator.world.provider.subMerchants[0];
      assert.equal((await setBalance({ AVAILABLE: 5 }, sub?.mchid)).json.AVAILABLE, 5);
      assert.equal((await setBalance({ AVAILABLE: 5 }, '1900099999')).status, 404);
      assert.equal((await setBalance({ AVAILABLE: 0.5 })).status, 400);
      assert.equal((await setBalance({ BASIC: 1 })).status, 400);
    });
  });

  describe('accounts of people', () => {
    it('USER_ACCOUNT_ABNORMAL can be arranged for a person, and taken back', async () => {
      const { openid } = simulator.world;
      await paid('PERSON1', { openid });
      await paid('PERSON2');
      await control(simulator, 'PUT', `/payers/${openid}`, { account: 'abnormal' });
      assert.deepEqual(refused(await client.refund('PERSON1', 'R1', 1)), [403, 'USER_ACCOUNT_ABNORMAL']);
      assert.deepEqual(refused(await client.queryRefund('R1')), [404, 'RESOURCE_NOT_EXISTS']);
      assert.equal((await client.refund('PERSON2', 'R2', 1)).status, 200);
      await control(simulator, 'PUT', `/payers/${openid}`, { account: 'normal' });
      assert.equal((await client.refund('PERSON1', 'R1', 1)).status, 200);
    });

    it('and for the person who paid an order', async () => {
      await paid('PERSON3');
      assert.equal(
        (await control(simulator, 'PUT', '/orders/PERSON3/payer', { account: 'gone' })).status,
        400,
      );
      await control(simulator, 'PUT', '/orders/PERSON3/payer', { account: 'abnormal' });
      assert.deepEqual(refused(await client.refund('PERSON3', 'R1', 1)), [403, 'USER_ACCOUNT_ABNORMAL']);
      await control(simulator, 'PUT', '/orders/PERSON3/payer', { account: 'normal' });
      assert.equal((await client.refund('PERSON3', 'R1', 1)).status, 200);
    });
  });
});
