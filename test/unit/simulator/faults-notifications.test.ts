import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import {
  type FaultRequest,
  type Simulator,
  type SimulatorOptions,
  startSimulator,
} from '../../../simulator/index.ts';
import { decryptResource } from '../../../wechatpay/v3/aead.ts';
import { answerMessage, verifyMessage } from '../../../wechatpay/v3/signature.ts';
import { control, isSigned, RawClient } from './client.ts';
import { type Delivery, type Receiver, startReceiver } from './receiver.ts';

const SECOND = 1000;
const HOUR = 3600 * SECOND;

describe('simulator: faults of notifications', () => {
  let simulator: Simulator;
  let client: RawClient;
  let receiver: Receiver;

  async function start(options: SimulatorOptions = {}) {
    simulator = await startSimulator({
      notifyDelayMs: SECOND,
      refundDelayMs: Number.POSITIVE_INFINITY,
      ...options,
    });
    client = new RawClient(simulator);
  }
  beforeEach(async () => {
    receiver = await startReceiver();
    await start();
  });
  afterEach(async () => {
    await client.close();
    await simulator.close();
    await receiver.close();
  });
  const arrange = (rule: Partial<FaultRequest> & { kind: string }) =>
    simulator.gateway.addFault({ operation: 'notification', ...rule });
  const advance = (advance_ms: number) => simulator.gateway.moveClock({ advance_ms });
  async function pay(outTradeNo: string, changes: Record<string, unknown> = {}) {
    await client.order(outTradeNo, { notify_url: receiver.url, ...changes });
    simulator.gateway.pay(outTradeNo);
  }
  async function refund(outTradeNo: string, outRefundNo: string) {
    await client.refund(outTradeNo, outRefundNo, 1000, { notify_url: receiver.url });
    simulator.gateway.finishRefund(outRefundNo, 'SUCCESS');
  }
  const plain = ({ body }: Delivery) =>
    JSON.parse(decryptResource(JSON.parse(body).resource, simulator.merchant.apiV3Key));
  const arrived = () =>
    receiver.deliveries.map((delivery) => plain(delivery).out_refund_no ?? plain(delivery).out_trade_no);
  const notification = (outTradeNo: string) =>
    simulator.gateway.notifications().find(({ out_trade_no }) => out_trade_no === outTradeNo);

  it('delay: it comes late on the simulated clock, once', async () => {
    arrange({ kind: 'delay', delay_ms: 3 * HOUR });
    await pay('LATE001');
    await advance(2 * HOUR);
    assert.equal(receiver.deliveries.length, 0);
    await advance(2 * HOUR);
    assert.equal(receiver.deliveries.length, 1);
    assert.deepEqual(
      notification('LATE001')?.attempts.map(({ status, fault }) => [status, fault]),
      [[204, 'delay']],
    );
  });

  it('duplicate with copies: it comes so many times at once, each with a signature of its own', async () => {
    arrange({ kind: 'duplicate', copies: 5 });
    await pay('MANY001');
    await advance(2 * SECOND);
    assert.equal(receiver.deliveries.length, 5);
    assert.equal(new Set(receiver.deliveries.map(({ body }) => body)).size, 1);
    assert.equal(new Set(receiver.deliveries.map(({ headers }) => headers['wechatpay-nonce'])).size, 5);
    for (const { headers, body } of receiver.deliveries) assert.ok(isSigned(simulator, headers, body));
  });

  it('reorder: a payment is told after its refund', async () => {
    arrange({ kind: 'reorder', event_type: 'TRANSACTION.SUCCESS', within: 'order' });
    await pay('ORDER01');
    await pay('OTHER01');
    await advance(HOUR);
    assert.deepEqual(arrived(), ['OTHER01'], 'another order does not let it go');
    assert.equal(notification('ORDER01')?.status, 'pending');
    await refund('ORDER01', 'R1');
    await advance(HOUR);
    assert.deepEqual(arrived(), ['OTHER01', 'R1', 'ORDER01']);
    const [late] = receiver.deliveries.slice(-1);
    assert.ok(late && isSigned(simulator, late.headers, late.body));
    assert.deepEqual(
      notification('ORDER01')?.attempts.map(({ fault }) => fault) ?? [],
      [null],
      'the newest is the refund',
    );
  });

  it('reorder: without within the next notification of the merchant goes before it', async () => {
    arrange({ kind: 'reorder', out_trade_no: 'ORDER01' });
    await pay('ORDER01');
    await advance(2 * SECOND);
    await pay('ORDER02');
    await advance(2 * SECOND);
    assert.deepEqual(arrived(), ['ORDER02', 'ORDER01']);
    assert.deepEqual(
      notification('ORDER01')?.attempts.map(({ fault }) => fault),
      ['reorder'],
    );
  });

  it('reorder: a redelivery lets it go at once', async () => {
    arrange({ kind: 'reorder' });
    await pay('ORDER01');
    await advance(2 * SECOND);
    const held = notification('ORDER01');
    assert.equal(receiver.deliveries.length, 0);
    await control(simulator, 'POST', `/notifications/${held?.id}/redeliver`);
    await pay('ORDER02');
    await advance(2 * SECOND);
    assert.deepEqual(arrived(), ['ORDER01', 'ORDER02']);
  });

  it('replay: hours after its delivery the same bytes come again, old signature included', async () => {
    arrange({ kind: 'replay', delay_ms: 6 * HOUR });
    await pay('AGAIN01');
    await advance(5 * HOUR);
    assert.equal(receiver.deliveries.length, 1);
    await advance(2 * HOUR);
    const [first, second] = receiver.deliveries;
    assert.equal(second?.body, first?.body);
    for (const name of ['wechatpay-signature', 'wechatpay-nonce', 'wechatpay-timestamp']) {
      assert.equal(second?.headers[name], first?.headers[name]);
    }
    assert.equal(notification('AGAIN01')?.status, 'delivered');
    await advance(48 * HOUR);
    assert.equal(receiver.deliveries.length, 2);
  });

  it('replay with freshly_signed: the same notification comes again with a signature of then', async () => {
    arrange({ kind: 'replay', delay_ms: 6 * HOUR, freshly_signed: true });
    await pay('AGAIN01');
    await advance(7 * HOUR);
    const [first, second] = receiver.deliveries;
    assert.equal(second?.body, first?.body);
    assert.notEqual(second?.headers['wechatpay-nonce'], first?.headers['wechatpay-nonce']);
    assert.ok(second && isSigned(simulator, second.headers, second.body));
  });

  it('forge: the signature is not one of WeChat Pay, the retry is right', async () => {
    receiver.answer = (response, count) => response.writeHead(count === 1 ? 401 : 204).end();
    arrange({ kind: 'forge' });
    await pay('FORGE01');
    await advance(HOUR);
    const [wrong, right] = receiver.deliveries;
    assert.ok(wrong && !isSigned(simulator, wrong.headers, wrong.body));
    assert.ok(right && isSigned(simulator, right.headers, right.body));
  });

  it('stale with skew_ms: properly signed with a timestamp that is off by so much', async () => {
    arrange({ kind: 'stale', skew_ms: -7 * HOUR });
    await pay('STALE01');
    await advance(2 * SECOND);
    const { headers, body } = await receiver.delivery(1);
    assert.ok(isSigned(simulator, headers, body));
    const off = Number(headers['wechatpay-timestamp']) - Date.now() / 1000;
    assert.ok(Math.abs(off + 7 * 3600) < 60, `${off}`);
  });

  it('wrong_amount: genuine in every way, and one fen more than was paid; the retry is right', async () => {
    receiver.answer = (response, count) => response.writeHead(count === 1 ? 500 : 204).end();
    arrange({ kind: 'wrong_amount' });
    await pay('WRONG01');
    await advance(HOUR);
    const [wrong, right] = receiver.deliveries;
    assert.ok(wrong && right && isSigned(simulator, wrong.headers, wrong.body));
    assert.equal(JSON.parse(wrong.body).id, JSON.parse(right.body).id);
    assert.deepEqual([plain(wrong).amount.total, plain(wrong).amount.payer_total], [2591, 2591]);
    assert.equal(plain(right).amount.total, 2590);
    assert.deepEqual({ ...plain(wrong), amount: null }, { ...plain(right), amount: null });
  });

  it('wrong_amount of a refund', async () => {
    arrange({ kind: 'wrong_amount', event_type: 'REFUND.SUCCESS' });
    await pay('WRONG02');
    await refund('WRONG02', 'R1');
    await advance(2 * SECOND);
    const told = receiver.deliveries.map(plain);
    assert.equal(told.find(({ out_refund_no }) => out_refund_no === undefined)?.amount.total, 2590);
    assert.equal(told.find(({ out_refund_no }) => out_refund_no === 'R1')?.amount.refund, 1001);
  });

  it('other_key_kind: a merchant of public keys is sent one signed with the certificate, and the other way round', async () => {
    arrange({ kind: 'other_key_kind', times: 2 });
    await pay('OTHER01');
    await advance(2 * SECOND);
    const byCertificate = await receiver.delivery(1);
    const [certificate] = simulator.world.certificates();
    assert.equal(byCertificate.headers['wechatpay-serial'], certificate?.serialNo);
    const { headers, body } = byCertificate;
    const message = answerMessage(
      headers['wechatpay-timestamp'] ?? '',
      headers['wechatpay-nonce'] ?? '',
      body,
    );
    const { publicKey } = new X509Certificate(certificate?.pem ?? '');
    assert.ok(verifyMessage(message, headers['wechatpay-signature'] ?? '', publicKey));
    await control(simulator, 'PUT', `/merchants/${simulator.merchant.mchid}`, {
      notified_with: 'certificate',
    });
    await pay('OTHER02');
    await advance(2 * SECOND);
    const byPublicKey = await receiver.delivery(2);
    assert.ok(isSigned(simulator, byPublicKey.headers, byPublicKey.body));
  });

  it('rules can be for one kind of notification', async () => {
    arrange({ kind: 'drop', event_type: 'REFUND.SUCCESS' });
    await pay('KIND001');
    await refund('KIND001', 'R1');
    await advance(2 * SECOND);
    assert.deepEqual(arrived(), ['KIND001']);
    assert.deepEqual(
      simulator.gateway.notifications().map(({ event_type, status }) => [event_type, status]),
      [
        ['REFUND.SUCCESS', 'lost'],
        ['TRANSACTION.SUCCESS', 'delivered'],
      ],
    );
  });
});
