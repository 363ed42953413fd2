import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type FaultRequest, type Simulator, startSimulator } from '../../../simulator/index.ts';
import { control, isSigned, RawClient } from './client.ts';

const SECOND = 1000;

describe('simulator: faults of answers', () => {
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
  const state = (outTradeNo: string) => simulator.gateway.order(outTradeNo).trade_state;

  /** What comes over the wire until the connection ends, by a reset or not: the system may show a reset behind data as an end. */
  async function raw(request: string): Promise<string> {
    const { hostname, port } = new URL(simulator.baseUrl);
    const socket = connect(Number(port), hostname);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', () => {});
    socket.write(request);
    await new Promise((resolve) => socket.once('close', resolve));
    return text;
  }

  /** A signed query as it looks on the wire: what a server notes that hangs up. */
  async function queryOnTheWire(outTradeNo: string): Promise<string> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const recorded = new RawClient({ ...simulator, baseUrl });
    const request = once(server, 'connection').then(async ([socket]) => {
      const [text] = await once(socket as Socket, 'data');
      socket.destroy();
      return String(text);
    });
    await recorded.query(outTradeNo).catch(() => {});
    await recorded.close();
    server.close();
    return await request;
  }

  it('reset_mid_answer: headers and half of the body come, then the connection is gone', async () => {
    await client.order('HALF001');
    const request = await queryOnTheWire('HALF001');
    const whole = await client.query('HALF001');
    arrange({ operation: 'order.query', kind: 'reset_mid_answer' });
    const text = await raw(request);
    const [headers = '', body = ''] = text.split('\r\n\r\n');
    assert.match(headers, /^HTTP\/1\.1 200 OK/);
    assert.match(headers, new RegExp(`Content-Length: ${Buffer.byteLength(whole.text)}`));
    assert.ok(body.length > 0 && whole.text.startsWith(body) && body.length < whole.text.length, body);
  });

  it('reset_mid_answer: an order that is answered by half exists', async () => {
    arrange({ operation: 'native.create', kind: 'reset_mid_answer' });
    await assert.rejects(client.order('HALF001'));
    assert.equal(state('HALF001'), 'NOTPAY');
  });

  it('reset_mid_answer: an answer without a body does not come', async () => {
    await client.order('HALF001');
    arrange({ operation: 'order.close', kind: 'reset_mid_answer' });
    await assert.rejects(client.closeOrder('HALF001'), { code: 'ECONNRESET' });
    assert.equal(state('HALF001'), 'CLOSED');
  });

  it('error_503_html: a page of a proxy, not signed, and nothing happened unless processed', async () => {
    arrange({ operation: 'native.create', kind: 'error_503_html' });
    const answer = await client.order('PROXY01');
    assert.equal(answer.status, 503);
    assert.match(answer.text, /^<html>\r\n<head><title>503 Service Temporarily Unavailable/);
    assert.equal(answer.headers['Wechatpay-Signature'], undefined);
    assert.equal(simulator.gateway.orders().length, 0);
    arrange({ operation: 'native.create', kind: 'error_503_html', processed: true });
    assert.equal((await client.order('PROXY01')).status, 503);
    assert.equal(state('PROXY01'), 'NOTPAY');
  });

  it('clock_skew: properly signed with a timestamp that is off, to either side', async () => {
    for (const [skew_ms, seconds] of [
      [undefined, -600],
      [-3_600_000, -3600],
      [310_000, 310],
    ] as const) {
      arrange({ operation: 'native.create', kind: 'clock_skew', ...(skew_ms && { skew_ms }) });
      const answer = await client.order('SKEW001');
      assert.equal(answer.status, 200);
      assert.ok(isSigned(simulator, answer.headers, answer.text));
      const off = Number(answer.headers['Wechatpay-Timestamp']) - Date.now() / 1000;
      assert.ok(Math.abs(off - seconds) < 30, `${off}`);
    }
  });

  it('refused: any documented refusal', async () => {
    arrange({ operation: 'native.create', kind: 'refused', code: 'RULE_LIMIT' });
    const answer = await client.order('REFUSE1');
    assert.deepEqual([answer.status, answer.json.code], [403, 'RULE_LIMIT']);
  });

  describe('payments at the worst moment', () => {
    it('pay_after a close: it is answered as done, and the money lands all the same', async () => {
      await client.order('RACE001');
      arrange({ operation: 'order.close', kind: 'pay_after' });
      assert.equal((await client.closeOrder('RACE001')).status, 204);
      assert.equal((await client.query('RACE001')).json.trade_state, 'SUCCESS');
    });

    it('pay_after a close that is refused leaves the order as it is', async () => {
      await client.order('RACE001');
      arrange({ operation: 'order.close', kind: 'pay_before' });
      arrange({ operation: 'order.close', kind: 'pay_after' });
      assert.equal((await client.closeOrder('RACE001')).json.code, 'ORDER_PAID');
      assert.equal(simulator.gateway.faults().length, 1, 'one race at a time');
      assert.equal(state('RACE001'), 'SUCCESS');
    });

    it('notpay_lag with lag_ms: every query says NOTPAY so long after the payment, on the simulated clock', async () => {
      await client.order('LAG0001');
      arrange({ operation: 'order.query', kind: 'notpay_lag', lag_ms: 30 * SECOND });
      simulator.gateway.pay('LAG0001');
      const states: string[] = [];
      for (const wait of [0, 10, 15, 10]) {
        if (wait) await control(simulator, 'POST', '/clock', { advance_ms: wait * SECOND });
        states.push((await client.query('LAG0001')).json.trade_state);
      }
      assert.deepEqual(states, ['NOTPAY', 'NOTPAY', 'NOTPAY', 'SUCCESS']);
      assert.equal(simulator.gateway.state().fault_log.length, 3);
    });
  });
});
