import assert from 'node:assert/strict';
import { type Simulator, startSimulator } from '../../../simulator/index.ts';
import { control, RawClient } from './client.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

describe('simulator: orders', () => {
  let simulator: Simulator;
  let client: RawClient;
  let now: number;

  beforeEach(async () => {
    now = Date.now();
    simulator = await startSimulator({ clock: () => now, notifyDelayMs: 1e8 });
    client = new RawClient(simulator);
  });
  afterEach(async () => {
    await client.close();
    await simulator.close();
  });

  /** Moves the gateway's clock and lets the client follow it. */
  function later(milliseconds: number) {
    now += milliseconds;
    return { timestamp: Math.floor(now / 1000) };
  }
  const queryAt = (outTradeNo: string, at: { timestamp: number }) =>
    client.get(`/v3/pay/transactions/out-trade-no/${outTradeNo}?mchid=${simulator.merchant.mchid}`, at);

  it('an unpaid order is NOTPAY, without attach and transaction_id', async () => {
    await client.order('ORDER01', { attach: 'c=1' });
    const { status, json } = await client.query('ORDER01');
    assert.equal(status, 200);
    assert.deepEqual(json, {
      appid: simulator.merchant.appid,
      mchid: simulator.merchant.mchid,
      out_trade_no: 'ORDER01',
      trade_state: 'NOTPAY',
      trade_state_desc: '订单未支付',
      amount: { total: 2590, payer_currency: 'CNY' },
      promotion_detail: [],
      scene_info: { device_id: '' },
    });
  });

  it('a paid order answers by both numbers with everything the merchant needs', async () => {
    await client.order('ORDER02', { attach: 'c=1' });
    const paid = await control(simulator, 'POST', '/orders/ORDER02/pay', {});
    assert.equal(paid.status, 200);
    const { json } = await client.query('ORDER02');
    assert.equal(json.trade_state, 'SUCCESS');
    assert.equal(json.trade_state_desc, '支付成功');
    assert.equal(json.trade_type, 'NATIVE');
    assert.equal(json.attach, 'c=1');
    assert.match(json.transaction_id, /^4200\d{24}$/);
    assert.match(json.payer.openid, /^o.{27}$/);
    assert.match(json.success_time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00$/);
    assert.deepEqual(json.amount, { total: 2590, payer_total: 2590, currency: 'CNY', payer_currency: 'CNY' });
    const byId = await client.get(
      `/v3/pay/transactions/id/${json.transaction_id}?mchid=${simulator.merchant.mchid}`,
    );
    assert.deepEqual(byId.json, json);
  });

  it('an unknown order is 404 ORDER_NOT_EXIST by either number, and to close', async () => {
    const { mchid } = simulator.merchant;
    const answers = [
      await client.query('NOBODY1'),
      await client.get(`/v3/pay/transactions/id/4200000000000000000000000000?mchid=${mchid}`),
      await client.closeOrder('NOBODY1'),
    ];
    for (const { status, json, headers } of answers) {
      assert.deepEqual([status, json.code], [404, 'ORDER_NOT_EXIST']);
      assert.match(headers['Request-ID'] ?? '', /-268512771$/);
    }
  });

  it('the same parameters while unpaid give a fresh code_url, and the old one dies', async () => {
    const first = (await client.order('ORDER03')).json.code_url;
    const again = await client.order('ORDER03', { amount: { currency: 'CNY', total: 2590 } });
    assert.equal(again.status, 200);
    assert.notEqual(again.json.code_url, first);
    assert.equal(simulator.gateway.scan(first).status, 'dead');
    assert.equal(simulator.gateway.scan(again.json.code_url).status, 'payable');
    const dead = await control(simulator, 'POST', '/orders/ORDER03/pay', { code_url: first });
    assert.equal(dead.status, 409);
    assert.equal((await client.query('ORDER03')).json.trade_state, 'NOTPAY');
  });

  it('other parameters, or a number that was paid or closed, are OUT_TRADE_NO_USED', async () => {
    await client.order('ORDER04');
    const different = await client.order('ORDER04', { amount: { total: 1 } });
    assert.deepEqual([different.status, different.json.code], [403, 'OUT_TRADE_NO_USED']);
    simulator.gateway.pay('ORDER04');
    assert.equal((await client.order('ORDER04')).json.code, 'OUT_TRADE_NO_USED');
    await client.order('ORDER05');
    await client.closeOrder('ORDER05');
    assert.equal((await client.order('ORDER05')).json.code, 'OUT_TRADE_NO_USED');
  });

  it('an expired order cannot be paid but stays NOTPAY until it is closed', async () => {
    const time_expire = new Date(now + 5 * MINUTE).toISOString();
    const { code_url } = (await client.order('ORDER06', { time_expire })).json;
    const at = later(5 * MINUTE);
    assert.equal(simulator.gateway.scan(code_url).status, 'expired');
    assert.throws(() => simulator.gateway.pay('ORDER06'), /expired/);
    assert.equal((await queryAt('ORDER06', at)).json.trade_state, 'NOTPAY');
    simulator.gateway.pay('ORDER06', { late: true });
    assert.equal((await queryAt('ORDER06', at)).json.trade_state, 'SUCCESS');
  });

  it('a time_expire earlier than in a minute is raised to a minute', async () => {
    await client.order('ORDER07', { time_expire: new Date(now + 1000).toISOString() });
    later(59_000);
    assert.equal(simulator.gateway.pay('ORDER07').trade_state, 'SUCCESS');
  });

  it('a code_url dies after two hours although the order lives on', async () => {
    const { code_url } = (await client.order('ORDER08')).json;
    const at = later(2 * 60 * MINUTE);
    assert.equal(simulator.gateway.scan(code_url).status, 'dead');
    const fresh = await client.order('ORDER08', {}, at);
    assert.equal(simulator.gateway.scan(fresh.json.code_url).status, 'payable');
  });

  it('an order left unpaid for 7 days is closed', async () => {
    await client.order('ORDER09');
    assert.equal((await queryAt('ORDER09', later(7 * DAY - MINUTE))).json.trade_state, 'NOTPAY');
    assert.equal((await queryAt('ORDER09', later(2 * MINUTE))).json.trade_state, 'CLOSED');
  });

  it('closing is re-entrant, ends payment, and is refused once the money is there', async () => {
    await client.order('ORDER10');
    assert.equal((await client.closeOrder('ORDER10')).status, 204);
    assert.equal((await client.closeOrder('ORDER10')).status, 204);
    const { json } = await client.query('ORDER10');
    assert.deepEqual([json.trade_state, json.trade_state_desc], ['CLOSED', '订单已关闭']);
    assert.throws(() => simulator.gateway.pay('ORDER10'), /closed/);
    await client.order('ORDER11');
    simulator.gateway.pay('ORDER11');
    const refused = await client.closeOrder('ORDER11');
    assert.deepEqual([refused.status, refused.json.code], [400, 'ORDER_PAID']);
    assert.equal((await client.query('ORDER11')).json.trade_state, 'SUCCESS');
  });

  it('a failed attempt is recorded, notifies nobody and leaves the order payable', async () => {
    await client.order('ORDER12');
    const failed = await control(simulator, 'POST', '/orders/ORDER12/fail', { reason: 'wrong_password' });
    assert.equal(failed.json.failed_attempts[0].reason, 'wrong_password');
    assert.equal((await client.query('ORDER12')).json.trade_state, 'NOTPAY');
    assert.equal(simulator.gateway.notifications().length, 0);
    assert.equal(simulator.gateway.pay('ORDER12').trade_state, 'SUCCESS');
    assert.throws(() => simulator.gateway.pay('ORDER12', { late: true }), /paid/);
  });
});
