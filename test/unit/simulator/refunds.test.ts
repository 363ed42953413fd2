import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../../simulator/index.ts';
import { control, RawClient } from './client.ts';

describe('simulator: refunds', () => {
  let simulator: Simulator;
  let client: RawClient;

  async function start(options: SimulatorOptions = {}) {
    simulator = await startSimulator({
      refundDelayMs: Number.POSITIVE_INFINITY,
      notifyDelayMs: 1e8,
      ...options,
    });
    client = new RawClient(simulator);
  }
  async function paidOrder(outTradeNo = 'PAID001') {
    await client.order(outTradeNo);
    return simulator.gateway.pay(outTradeNo);
  }
  afterEach(async () => {
    await client.close();
    await simulator.close();
  });

  it('a refund is PROCESSING first, and the order becomes REFUND even for a part', async () => {
    await start();
    const { transaction_id } = await paidOrder();
    const { status, json } = await client.refund('PAID001', 'R1', 1000, { reason: 'broken' });
    assert.equal(status, 200);
    assert.equal(json.status, 'PROCESSING');
    assert.match(json.refund_id, /^50\d{27}$/);
    assert.equal(json.transaction_id, transaction_id);
    assert.equal(json.out_trade_no, 'PAID001');
    assert.equal(json.amount.refund, 1000);
    assert.equal(json.amount.payer_refund, 1000);
    assert.equal('success_time' in json, false);
    const order = (await client.query('PAID001')).json;
    assert.deepEqual([order.trade_state, order.trade_state_desc], ['REFUND', '转入退款']);
    assert.deepEqual((await client.queryRefund('R1')).json, json);
  });

  it('it succeeds by itself after the delay divided by the time scale', async () => {
    await start({ refundDelayMs: 3000, timeScale: 100 });
    await paidOrder();
    const done = once(simulator.gateway.events, 'refund');
    await client.refund('PAID001', 'R1', 2590);
    const [refund] = await done;
    assert.equal(refund.status, 'SUCCESS');
    const { json } = await client.queryRefund('R1');
    assert.equal(json.status, 'SUCCESS');
    assert.match(json.success_time, /\+08:00$/);
  });

  it('refunds never add up to more than the order, and a closed one gives its money back', async () => {
    await start();
    await paidOrder();
    await client.refund('PAID001', 'R1', 2000);
    const tooMuch = await client.refund('PAID001', 'R2', 591);
    assert.deepEqual([tooMuch.status, tooMuch.json.code], [400, 'INVALID_REQUEST']);
    assert.equal((await client.refund('PAID001', 'R2', 590)).status, 200);
    simulator.gateway.finishRefund('R1', 'CLOSED');
    assert.equal((await client.refund('PAID001', 'R3', 2000)).status, 200);
    assert.equal((await client.refund('PAID001', 'R4', 1)).status, 400);
  });

  it('the same number with equal parameters refunds once, with others it is refused', async () => {
    await start();
    await paidOrder();
    const first = await client.refund('PAID001', 'R1', 1000);
    const again = await client.refund('PAID001', 'R1', 1000);
    assert.deepEqual(again.json, first.json);
    assert.equal(simulator.gateway.order('PAID001').amount.refunded, 1000);
    const amount = await client.refund('PAID001', 'R1', 900);
    assert.deepEqual([amount.status, amount.json.code], [400, 'REFUND_FEE_MISMATCH']);
    const reason = await client.refund('PAID001', 'R1', 1000, { reason: 'other' });
    assert.deepEqual([reason.status, reason.json.code], [400, 'INVALID_REQUEST']);
  });

  it('unknown and unpaid orders, and unknown refunds, are RESOURCE_NOT_EXISTS', async () => {
    await start();
    await client.order('UNPAID1');
    for (const answer of [
      await client.refund('UNKNOWN1', 'R1', 1),
      await client.refund('UNPAID1', 'R1', 1),
      await client.queryRefund('R1'),
    ]) {
      assert.deepEqual([answer.status, answer.json.code], [404, 'RESOURCE_NOT_EXISTS']);
    }
  });

  it('a total that is not the order total is a mismatch; currency and one order number are required', async () => {
    await start();
    await paidOrder();
    const mismatch = await client.refund('PAID001', 'R1', 1, {
      amount: { refund: 1, total: 1, currency: 'CNY' },
    });
    assert.equal(mismatch.json.code, 'REFUND_FEE_MISMATCH');
    const currency = await client.refund('PAID001', 'R1', 1, { amount: { refund: 1, total: 2590 } });
    assert.equal(currency.json.detail.field, '/amount/currency');
    const neither = await client.refund('PAID001', 'R1', 1, { out_trade_no: undefined });
    assert.equal(neither.json.detail.field, '/transaction_id');
  });

  it('an order takes 50 refunds and no more', async () => {
    await start();
    await paidOrder();
    for (let number = 1; number <= 50; number += 1) {
      assert.equal((await client.refund('PAID001', `R${number}`, 1)).status, 200);
    }
    const refused = await client.refund('PAID001', 'R51', 1);
    assert.deepEqual([refused.status, refused.json.code], [403, 'RULE_LIMIT']);
  });

  it('partial refunds need a minute between them only when that rule is switched on', async () => {
    await start({ enforceRefundInterval: true });
    await paidOrder();
    await client.refund('PAID001', 'R1', 1);
    const refused = await client.refund('PAID001', 'R2', 1);
    assert.deepEqual([refused.status, refused.json.code], [429, 'FREQUENCY_LIMITED']);
  });

  it('the control API ends a refund as its state allows', async () => {
    await start();
    await paidOrder();
    await client.refund('PAID001', 'R1', 1000);
    const abnormal = await control(simulator, 'POST', '/refunds/R1/finish', { status: 'ABNORMAL' });
    assert.equal(abnormal.json.status, 'ABNORMAL');
    assert.equal((await client.queryRefund('R1')).json.status, 'ABNORMAL');
    assert.equal((await control(simulator, 'POST', '/refunds/R1/finish', { status: 'SUCCESS' })).status, 200);
    assert.equal((await control(simulator, 'POST', '/refunds/R1/finish', { status: 'CLOSED' })).status, 409);
  });
});
