import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type FaultRequest, type Simulator, startSimulator } from '../../../simulator/index.ts';
import { control, isSigned, RawClient } from './client.ts';

describe('simulator: faults of requests', () => {
  let simulator: Simulator;
  let client: RawClient;

  beforeEach(async () => {
    simulator = await startSimulator({ notifyDelayMs: 1e8, refundDelayMs: Number.POSITIVE_INFINITY });
    client = new RawClient(simulator);
  });
  afterEach(async () => {
    await client.close();
    await simulator.close();
  });
  const arrange = (rule: FaultRequest) => simulator.gateway.addFault(rule);
  const created = () => simulator.gateway.orders().length === 1;

  it('timeout_before: nothing happens and nothing is answered', async () => {
    arrange({ operation: 'native.create', kind: 'timeout_before', delay_ms: 20 });
    await assert.rejects(client.order('FAULT01'), { code: 'UND_ERR_SOCKET' });
    assert.equal(created(), false);
  });

  it('timeout_after: the order exists but nothing is answered', async () => {
    arrange({ operation: 'native.create', kind: 'timeout_after', delay_ms: 20 });
    await assert.rejects(client.order('FAULT01'), { code: 'UND_ERR_SOCKET' });
    assert.equal(created(), true);
  });

  it('a held answer does not keep the simulator from closing', async () => {
    arrange({ operation: 'native.create', kind: 'timeout_after' });
    const fired = once(simulator.gateway.events, 'fault');
    const held = assert.rejects(client.order('FAULT01'));
    await fired;
    const before = Date.now();
    await simulator.close();
    await held;
    assert.ok(Date.now() - before < 500);
    simulator = await startSimulator();
  });

  it('reset_after: the order exists and the connection is reset', async () => {
    arrange({ operation: 'native.create', kind: 'reset_after' });
    await assert.rejects(client.order('FAULT01'), { code: 'ECONNRESET' });
    assert.equal(created(), true);
  });

  it('error_500, accepted_202 and rate_limited_429: a signed answer, and nothing happened', async () => {
    const answers = [
      ['error_500', 500, 'SYSTEM_ERROR'],
      ['accepted_202', 202, undefined],
      ['rate_limited_429', 429, 'FREQUENCY_LIMITED'],
    ] as const;
    for (const [kind, status, code] of answers) {
      arrange({ operation: 'native.create', kind });
      const answer = await client.order('FAULT01');
      assert.deepEqual([answer.status, answer.json.code], [status, code]);
      assert.ok(isSigned(simulator, answer.headers, answer.text));
      assert.equal(created(), false);
    }
  });

  it('error_502_html: a page of a proxy, not signed', async () => {
    arrange({ operation: 'native.create', kind: 'error_502_html' });
    const answer = await client.order('FAULT01');
    assert.equal(answer.status, 502);
    assert.match(answer.text, /^<html>/);
    assert.equal(answer.headers['Wechatpay-Signature'], undefined);
    assert.equal(created(), false);
  });

  it('processed: the request takes effect behind an answer that does not say so', async () => {
    await client.order('FAULT01');
    simulator.gateway.pay('FAULT01');
    arrange({ operation: 'refund.create', kind: 'rate_limited_429', processed: true });
    assert.equal((await client.refund('FAULT01', 'R1', 100)).status, 429);
    assert.equal((await client.queryRefund('R1')).json.status, 'PROCESSING');
  });

  it('not_enough: a refund is refused until the account is topped up', async () => {
    await client.order('FAULT01');
    simulator.gateway.pay('FAULT01');
    arrange({ operation: 'refund.create', kind: 'not_enough', out_refund_no: 'R1' });
    const refused = await client.refund('FAULT01', 'R1', 100);
    assert.deepEqual([refused.status, refused.json.code], [403, 'NOT_ENOUGH']);
    assert.equal((await client.refund('FAULT01', 'R1', 100)).status, 200);
  });

  it('slow: the right answer after a while', async () => {
    arrange({ operation: 'native.create', kind: 'slow', delay_ms: 60 });
    const before = Date.now();
    assert.equal((await client.order('FAULT01')).status, 200);
    assert.ok(Date.now() - before >= 59);
  });

  for (const kind of ['bad_signature', 'probe_signature', 'unknown_serial', 'unsigned'] as const) {
    it(`${kind}: the order exists behind an answer that does not verify`, async () => {
      arrange({ operation: 'native.create', kind });
      const answer = await client.order('FAULT01');
      assert.equal(answer.status, 200);
      assert.equal(isSigned(simulator, answer.headers, answer.text), false);
      const signature = answer.headers['Wechatpay-Signature'];
      if (kind === 'unsigned') assert.equal(signature, undefined);
      if (kind === 'probe_signature') assert.match(signature ?? '', /^WECHATPAY\/SIGNTEST\/.{336}$/);
      if (kind === 'unknown_serial')
        assert.match(answer.headers['Wechatpay-Serial'] ?? '', /^PUB_KEY_ID_\d+$/);
      assert.equal(created(), true);
    });
  }

  it('pay_before: the money lands just before a query', async () => {
    await client.order('FAULT01');
    arrange({ operation: 'order.query', kind: 'pay_before' });
    assert.equal((await client.query('FAULT01')).json.trade_state, 'SUCCESS');
  });

  it('pay_before: the money lands just before a close, which is refused', async () => {
    await client.order('FAULT01');
    arrange({ operation: 'order.close', kind: 'pay_before' });
    assert.equal((await client.closeOrder('FAULT01')).json.code, 'ORDER_PAID');
    assert.equal((await client.query('FAULT01')).json.trade_state, 'SUCCESS');
  });

  it('pay_after: a query says NOTPAY and the money lands right after it', async () => {
    await client.order('FAULT01');
    arrange({ operation: 'order.query', kind: 'pay_after' });
    assert.equal((await client.query('FAULT01')).json.trade_state, 'NOTPAY');
    assert.equal((await client.query('FAULT01')).json.trade_state, 'SUCCESS');
  });

  it('notpay_lag: waits for the payment, then a query still says NOTPAY', async () => {
    await client.order('FAULT01');
    arrange({ operation: 'order.query', kind: 'notpay_lag' });
    await client.query('FAULT01');
    assert.equal(simulator.gateway.faults().length, 1, 'an unpaid order does not use it up');
    simulator.gateway.pay('FAULT01');
    const lagging = (await client.query('FAULT01')).json;
    assert.equal(lagging.trade_state, 'NOTPAY');
    assert.equal('transaction_id' in lagging, false);
    assert.equal((await client.query('FAULT01')).json.trade_state, 'SUCCESS');
  });

  it('a race and a spoiled answer can fall together', async () => {
    await client.order('FAULT01');
    arrange({ operation: 'order.close', kind: 'pay_before' });
    arrange({ operation: 'order.close', kind: 'reset_after' });
    await assert.rejects(client.closeOrder('FAULT01'));
    assert.equal(simulator.gateway.order('FAULT01').trade_state, 'SUCCESS');
  });

  it('a rule fires as often as told, only for its order, and is logged', async () => {
    arrange({ operation: 'native.create', kind: 'error_500', out_trade_no: 'FAULT02', times: 2 });
    assert.equal((await client.order('FAULT01')).status, 200);
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 3; attempt += 1) statuses.push((await client.order('FAULT02')).status);
    assert.deepEqual(statuses, [500, 500, 200]);
    const { faults, fault_log } = simulator.gateway.state();
    assert.equal(faults.length, 0);
    assert.deepEqual(
      fault_log.map(({ sequence, kind, out_trade_no }) => [sequence, kind, out_trade_no]),
      [
        [1, 'error_500', 'FAULT02'],
        [2, 'error_500', 'FAULT02'],
      ],
    );
  });

  it('times null is for ever and probability is drawn from the seed', async () => {
    arrange({ operation: 'order.query', kind: 'error_500', times: null, probability: 0.5 });
    await client.order('FAULT01');
    const statuses: number[] = [];
    for (let query = 0; query < 40; query += 1) statuses.push((await client.query('FAULT01')).status);
    const failed = statuses.filter((status) => status === 500).length;
    assert.ok(failed > 8 && failed < 32, String(failed));
    assert.equal(simulator.gateway.faults().length, 1);
  });

  it('the control API arranges, lists and removes faults, and refuses those that make no sense', async () => {
    const rule = (await control(simulator, 'POST', '/faults', { operation: 'order.close', kind: 'unsigned' }))
      .json;
    assert.deepEqual((await control(simulator, 'GET', '/faults')).json, { faults: [rule] });
    assert.equal((await control(simulator, 'DELETE', `/faults/${rule.id}`)).status, 204);
    assert.equal((await control(simulator, 'DELETE', `/faults/${rule.id}`)).status, 404);
    await control(simulator, 'POST', '/faults', { operation: 'order.close', kind: 'unsigned' });
    assert.equal((await control(simulator, 'DELETE', '/faults')).status, 204);
    assert.deepEqual((await control(simulator, 'GET', '/faults')).json, { faults: [] });
    const wrong = await control(simulator, 'POST', '/faults', {
      operation: 'order.close',
      kind: 'notpay_lag',
    });
    assert.equal(wrong.status, 400);
    assert.match(wrong.json.error, /order\.close has no fault kind notpay_lag/);
  });
});
