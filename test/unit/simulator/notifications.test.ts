import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  type NotificationView,
  RETRY_SECONDS,
  type Simulator,
  type SimulatorOptions,
  startSimulator,
} from '../../../simulator/index.ts';
import { decryptResource } from '../../../wechatpay/v3/aead.ts';
import { control, isSigned, RawClient } from './client.ts';
import { type Receiver, startReceiver } from './receiver.ts';

describe('simulator: notifications', () => {
  let simulator: Simulator;
  let client: RawClient;
  let receiver: Receiver;

  async function start(options: SimulatorOptions = {}) {
    simulator = await startSimulator({ notifyDelayMs: 0, refundDelayMs: 0, ...options });
    client = new RawClient(simulator);
  }
  async function payOrder(outTradeNo = 'NOTIFY1') {
    await client.order(outTradeNo, { notify_url: receiver.url, attach: 'c=1' });
    simulator.gateway.pay(outTradeNo);
  }
  async function attempted(): Promise<NotificationView> {
    const [view] = await once(simulator.gateway.events, 'attempt');
    return view;
  }
  beforeEach(async () => {
    receiver = await startReceiver();
  });
  afterEach(async () => {
    await client.close();
    await simulator.close();
    await receiver.close();
  });

  it('a payment is notified signed and encrypted, with the order object inside', async () => {
    await start();
    const recorded = attempted();
    await payOrder();
    const { headers, body } = await receiver.delivery(1);
    assert.ok(isSigned(simulator, headers, body));
    assert.equal(headers['wechatpay-signature-type'], 'WECHATPAY2-SHA256-RSA2048');
    const notification = JSON.parse(body);
    assert.match(notification.id, /^[0-9a-f-]{36}$/);
    assert.equal(notification.event_type, 'TRANSACTION.SUCCESS');
    assert.equal(notification.resource_type, 'encrypt-resource');
    assert.equal(notification.summary, '支付成功');
    assert.equal(notification.resource.original_type, 'transaction');
    assert.equal(notification.resource.associated_data, 'transaction');
    assert.equal(notification.resource.nonce.length, 12);
    const plain = JSON.parse(decryptResource(notification.resource, simulator.merchant.apiV3Key));
    assert.deepEqual(plain, (await client.query('NOTIFY1')).json);
    const view = await recorded;
    assert.equal(view.status, 'delivered');
    assert.deepEqual(
      view.attempts.map(({ status, error }) => [status, error]),
      [[204, null]],
    );
  });

  for (const outcome of ['SUCCESS', 'ABNORMAL', 'CLOSED'] as const) {
    it(`a refund that ends ${outcome} is notified with refund_status and no status`, async () => {
      await start({ refundDelayMs: Number.POSITIVE_INFINITY });
      await payOrder();
      await receiver.delivery(1);
      await client.refund('NOTIFY1', 'R1', 1000, { notify_url: receiver.url });
      simulator.gateway.finishRefund('R1', outcome);
      const notification = JSON.parse((await receiver.delivery(2)).body);
      assert.equal(notification.event_type, `REFUND.${outcome}`);
      assert.equal(notification.resource.original_type, 'refund');
      const plain = JSON.parse(decryptResource(notification.resource, simulator.merchant.apiV3Key));
      assert.equal(plain.refund_status, outcome);
      assert.equal('status' in plain, false);
      assert.equal('success_time' in plain, outcome === 'SUCCESS');
      assert.equal(plain.mchid, simulator.merchant.mchid);
      assert.deepEqual(plain.amount, { total: 2590, refund: 1000, payer_total: 2590, payer_refund: 1000 });
    });
  }

  it('a refund without notify_url is not notified', async () => {
    await start();
    await payOrder();
    await receiver.delivery(1);
    const ended = once(simulator.gateway.events, 'refund');
    await client.refund('NOTIFY1', 'R1', 1000);
    await ended;
    assert.equal(simulator.gateway.notifications().length, 1);
  });

  it('an error answer is repeated on the documented schedule: same id and body, fresh signature', async () => {
    const timeScale = 3000;
    await start({ timeScale });
    receiver.answer = (response, count) => response.writeHead(count < 4 ? 500 : 200).end();
    await payOrder();
    const deliveries = await Promise.all([1, 2, 3, 4].map((number) => receiver.delivery(number)));
    const [first] = deliveries;
    for (const delivery of deliveries) {
      assert.equal(delivery.body, first?.body);
      assert.ok(isSigned(simulator, delivery.headers, delivery.body));
    }
    assert.equal(new Set(deliveries.map(({ headers }) => headers['wechatpay-nonce'])).size, 4);
    const view = await attempted();
    assert.equal(view.status, 'delivered');
    assert.deepEqual(
      view.attempts.map(({ status }) => status),
      [500, 500, 500, 200],
    );
    for (const [index, seconds] of RETRY_SECONDS.slice(0, 3).entries()) {
      const [before, after] = [view.attempts[index], view.attempts[index + 1]];
      assert.ok(before && after && after.time - before.time >= (seconds * 1000) / timeScale - 1);
    }
  });

  it('after 15 retries it gives up, and a redelivery still works', async () => {
    await start({ timeScale: 1e6 });
    receiver.answer = (response) => response.writeHead(503).end();
    await payOrder();
    let view = await attempted();
    while (view.status === 'pending') view = await attempted();
    assert.equal(view.status, 'exhausted');
    assert.equal(view.attempts.length, 16);
    receiver.answer = (response) => response.writeHead(200).end();
    const again = await control(simulator, 'POST', `/notifications/${view.id}/redeliver`);
    assert.equal(again.json.status, 'delivered');
    assert.equal(receiver.deliveries.length, 17);
  });

  it('an answer that takes longer than the limit counts as a failure, as does no server at all', async () => {
    await start({ notifyTimeoutMs: 50, timeScale: 1e3 });
    receiver.answer = (response, count) => {
      if (count > 1) response.writeHead(204).end();
    };
    await payOrder();
    const late = await attempted();
    assert.equal(late.status, 'pending');
    assert.match(late.attempts[0]?.error ?? '', /no answer/);
    assert.equal((await attempted()).status, 'delivered');
    await client.order('NOTIFY2', { notify_url: 'http://127.0.0.1:1/wx' });
    simulator.gateway.pay('NOTIFY2');
    assert.equal((await attempted()).attempts[0]?.error, 'ECONNREFUSED');
  });

  describe('faults', () => {
    it('drop: it is never sent and counts as lost', async () => {
      await start();
      simulator.gateway.addFault({ operation: 'notification', kind: 'drop' });
      const recorded = attempted();
      await payOrder();
      const view = await recorded;
      assert.deepEqual([view.status, view.attempts.length, view.next_attempt_at], ['lost', 0, null]);
      assert.equal(receiver.deliveries.length, 0);
    });

    it('delay: it comes late', async () => {
      await start();
      simulator.gateway.addFault({ operation: 'notification', kind: 'delay', delay_ms: 60 });
      const before = Date.now();
      await payOrder();
      await receiver.delivery(1);
      assert.ok(Date.now() - before >= 59);
    });

    it('duplicate: it comes twice at once', async () => {
      await start();
      simulator.gateway.addFault({ operation: 'notification', kind: 'duplicate' });
      const recorded = attempted();
      await payOrder();
      const [first, second] = await Promise.all([receiver.delivery(1), receiver.delivery(2)]);
      assert.equal(first.body, second.body);
      assert.notEqual(first.headers['wechatpay-nonce'], second.headers['wechatpay-nonce']);
      assert.equal((await recorded).attempts.length, 2);
    });

    for (const kind of ['forge', 'probe_signature'] as const) {
      it(`${kind}: the signature is wrong once, the retry is right`, async () => {
        await start({ timeScale: 1e3 });
        simulator.gateway.addFault({ operation: 'notification', kind });
        receiver.answer = (response, count) => response.writeHead(count === 1 ? 401 : 204).end();
        await payOrder();
        const wrong = await receiver.delivery(1);
        assert.equal(isSigned(simulator, wrong.headers, wrong.body), false);
        const signature = wrong.headers['wechatpay-signature'] ?? '';
        assert.equal(
          signature.startsWith('WECHATPAY/SIGNTEST/') && signature.length === 355,
          kind === 'probe_signature',
        );
        const right = await receiver.delivery(2);
        assert.ok(isSigned(simulator, right.headers, right.body));
      });
    }

    it('stale: the timestamp is ten minutes old, properly signed', async () => {
      await start();
      simulator.gateway.addFault({ operation: 'notification', kind: 'stale', out_trade_no: 'NOTIFY1' });
      await payOrder();
      const { headers, body } = await receiver.delivery(1);
      assert.ok(isSigned(simulator, headers, body));
      assert.ok(Date.now() / 1000 - Number(headers['wechatpay-timestamp']) >= 599);
    });
  });
});
