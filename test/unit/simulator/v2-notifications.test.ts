import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type NotificationView,
  type Simulator,
  type SimulatorOptions,
  startSimulator,
} from '../../../simulator/index.ts';
import { openV2Notification } from '../../../wechatpay/v2/notifications.ts';
import { control, RawClient } from './client.ts';
import { type Receiver, startReceiver } from './receiver.ts';
import { type Elements, peer, RawV2Client, signatureOf } from './v2-client.ts';

const ACCEPTED =
  '<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>';

describe('simulator: v2 notifications', () => {
  let simulator: Simulator;
  let client: RawV2Client;
  let v3: RawClient;
  let receiver: Receiver;

  async function start(options: SimulatorOptions = {}) {
    simulator = await startSimulator({
      notifyDelayMs: 0,
      refundDelayMs: Number.POSITIVE_INFINITY,
      ...options,
    });
    client = new RawV2Client(simulator);
    v3 = new RawClient(simulator);
  }
  async function attempted(): Promise<NotificationView> {
    const [view] = await once(simulator.gateway.events, 'attempt');
    return view;
  }
  const key = () => ({ mchid: simulator.merchant.mchid, apiV2Key: simulator.merchant.apiV2Key });
  const open = (body: string) => openV2Notification(Buffer.from(body), key());
  beforeEach(async () => {
    receiver = await startReceiver();
    receiver.answer = (response) => response.writeHead(200).end(ACCEPTED);
  });
  afterEach(async () => {
    await client.close();
    await v3.close();
    await simulator.close();
    await receiver.close();
  });

  for (const signType of ['MD5', 'HMAC-SHA256'] as const) {
    it(`a payment is told as XML, signed with ${signType} as the order was, without v3 headers`, async () => {
      await start();
      const recorded = attempted();
      const order = { notify_url: receiver.url, attach: 'c=1 & <more>' };
      await client.order('V2NOTIFY1', order, { signType });
      simulator.gateway.pay('V2NOTIFY1', { coupon: { amount: 200 } });
      const { headers, body } = await receiver.delivery(1);
      assert.equal(headers['content-type'], 'text/xml');
      assert.deepEqual(
        Object.keys(headers).filter((name) => name.startsWith('wechatpay-')),
        [],
      );
      const told = peer.Transformer.toObject(body);
      assert.equal(signatureOf(told, simulator.merchant.apiV2Key), signType);
      const asked = (await client.query('V2NOTIFY1', { signType })).xml;
      const { trade_state, trade_state_desc, ...paid } = asked;
      assert.deepEqual({ ...told, nonce_str: '', sign: '' }, { ...paid, nonce_str: '', sign: '' });
      assert.equal(open(body).kind, 'payment');
      const view = await recorded;
      assert.deepEqual([view.event_type, view.status], ['V2.TRANSACTION', 'delivered']);
      assert.deepEqual(
        view.attempts.map(({ status, error }) => [status, error]),
        [[200, null]],
      );
    });
  }

  const replies: [what: string, status: number, body: string, error: RegExp][] = [
    [
      'FAIL',
      200,
      '<xml><return_code>FAIL</return_code><return_msg>later</return_msg></xml>',
      /return_code FAIL later/,
    ],
    ['nothing', 204, '', /has no root element|no root|is not/],
    ['the words that v3 accepts', 200, '{"code":"SUCCESS"}', /XML/],
    ['another status', 500, ACCEPTED, /answered 500/],
    ['too much', 200, `<xml>${' '.repeat(70_000)}</xml>`, /more than 65536 bytes/],
  ];
  for (const [what, status, reply, error] of replies) {
    it(`a reply of ${what} is repeated with the very same bytes`, async () => {
      await start({ timeScale: 1000 });
      receiver.answer = (response, count) =>
        response.writeHead(count === 1 ? status : 200).end(count === 1 ? reply : ACCEPTED);
      await client.order('V2NOTIFY2', { notify_url: receiver.url });
      const first = attempted();
      simulator.gateway.pay('V2NOTIFY2');
      assert.match((await first).attempts[0]?.error ?? '', error);
      const again = await receiver.delivery(2);
      assert.equal(again.body, receiver.deliveries[0]?.body);
    });
  }

  it('nobody is told of payment codes', async () => {
    await start();
    await client.micropay('V2NOTIFY3', '134567890123456789');
    assert.deepEqual(simulator.gateway.notifications(), []);
  });

  it('a service provider is told whose order it was', async () => {
    await start();
    const { provider } = simulator.world;
    const [sub] = provider.subMerchants;
    const relation: Elements = { sub_mch_id: sub?.mchid ?? '', sub_appid: sub?.appid ?? '' };
    await client.order('V2NOTIFY4', { notify_url: receiver.url, ...relation }, { merchant: provider });
    simulator.gateway.pay('V2NOTIFY4');
    const told = peer.Transformer.toObject((await receiver.delivery(1)).body);
    assert.deepEqual(
      [told.mch_id, told.appid, told.sub_mch_id, told.sub_appid],
      [provider.mchid, provider.appid, sub?.mchid, sub?.appid],
    );
  });

  const outcomes = [
    ['SUCCESS', 'SUCCESS', '2026-03-02 09:02:40'],
    ['ABNORMAL', 'CHANGE', undefined],
    ['CLOSED', 'REFUNDCLOSE', undefined],
  ] as const;
  for (const [outcome, refund_status, success_time] of outcomes) {
    it(`a refund that is ${outcome} is told as ${refund_status}, encrypted and not signed`, async () => {
      await start({ clock: () => Date.parse('2026-03-02T09:02:40+08:00') });
      await client.order('V2NOTIFY5');
      const { transaction_id } = simulator.gateway.pay('V2NOTIFY5', { coupon: { amount: 200 } });
      const { refund_id } = (await client.refund('V2NOTIFY5', 'VR1', 1000, { notify_url: receiver.url })).xml;
      simulator.gateway.finishRefund('VR1', outcome);
      const { body } = await receiver.delivery(1);
      const { nonce_str, req_info, ...envelope } = peer.Transformer.toObject(body);
      const { mchid, appid, apiV2Key } = simulator.merchant;
      assert.deepEqual(envelope, { return_code: 'SUCCESS', appid, mch_id: mchid });
      assert.match(nonce_str ?? '', /^\w{32}$/);
      const md5 = createHash('md5').update(apiV2Key).digest('hex');
      const inside = peer.Transformer.toObject(peer.Aes.AesEcb.decrypt(req_info ?? '', md5));
      assert.deepEqual(inside, {
        out_refund_no: 'VR1',
        out_trade_no: 'V2NOTIFY5',
        refund_account: 'REFUND_SOURCE_UNSETTLED_FUNDS',
        refund_fee: '1000',
        refund_id,
        refund_recv_accout: '支付用户零钱',
        refund_request_source: 'API',
        refund_status,
        settlement_refund_fee: '1000',
        settlement_total_fee: '2590',
        ...(success_time && { success_time }),
        total_fee: '2590',
        transaction_id,
        cash_refund_fee: '923',
      });
      const opened = open(body);
      assert.ok(opened.kind === 'refund');
      assert.deepEqual([opened.refund_status, opened.refund_fee], [refund_status, 1000]);
    });
  }

  describe('refunds that name no address', () => {
    it('are told to nobody unless the merchant platform has one', async () => {
      await start();
      await client.order('V2PLATFORM1');
      simulator.gateway.pay('V2PLATFORM1');
      await client.refund('V2PLATFORM1', 'VR1', 1000);
      simulator.gateway.finishRefund('VR1', 'SUCCESS');
      const types = simulator.gateway.notifications().map(({ event_type }) => event_type);
      assert.deepEqual(types, ['V2.TRANSACTION']);
    });

    it('are told there as XML, those of v3 too, while v3 refunds with an address are told as v3', async () => {
      await start();
      const { mchid } = simulator.merchant;
      const url = `/merchants/${mchid}/refund-notify-url`;
      assert.equal((await control(simulator, 'POST', url, { url: receiver.url })).status, 204);
      await v3.order('V2PLATFORM2');
      simulator.gateway.pay('V2PLATFORM2');
      await v3.refund('V2PLATFORM2', 'R1', 1000);
      simulator.gateway.finishRefund('R1', 'SUCCESS');
      const opened = open((await receiver.delivery(1)).body);
      assert.ok(opened.kind === 'refund');
      assert.deepEqual(
        [opened.out_refund_no, opened.refund_status, opened.refund_fee],
        ['R1', 'SUCCESS', 1000],
      );
      await client.refund('V2PLATFORM2', 'VR2', 500);
      simulator.gateway.finishRefund('VR2', 'CLOSED');
      assert.match((await receiver.delivery(2)).body, /<req_info>/);
      await v3.refund('V2PLATFORM2', 'R3', 10, { notify_url: receiver.url });
      simulator.gateway.finishRefund('R3', 'SUCCESS');
      assert.equal(JSON.parse((await receiver.delivery(3)).body).event_type, 'REFUND.SUCCESS');
      assert.equal((await control(simulator, 'POST', url, { url: null })).status, 204);
      assert.equal(simulator.gateway.settings.refundNotifyUrl(mchid), undefined);
      assert.equal(
        (await control(simulator, 'POST', '/merchants/1999999999/refund-notify-url', { url: null })).status,
        404,
      );
    });

    it('a scenario can set it, for one merchant or for all', async () => {
      const merchants = [{ mchid: '1900000009', refund_notify_url: receiver.url }, { mchid: '1900000010' }];
      const everybody = 'https://pay.example.com/refunds';
      await start({ scenario: { merchants, refund_notify_url: everybody } });
      const { settings, world } = simulator.gateway;
      assert.equal(settings.refundNotifyUrl('1900000009'), receiver.url);
      assert.equal(settings.refundNotifyUrl('1900000010'), everybody);
      assert.equal(settings.refundNotifyUrl(world.merchant.mchid), everybody);
      assert.equal(settings.refundNotifyUrl(world.provider.mchid), everybody);
    });
  });

  it('after a restart a pending XML notification goes on', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'paysaga-v2-'));
    await start({ dataDir, notifyDelayMs: 1e8 });
    await client.order('V2RESTART1', { notify_url: receiver.url }, { signType: 'HMAC-SHA256' });
    simulator.gateway.pay('V2RESTART1');
    const [{ id = '' } = {}] = simulator.gateway.notifications();
    await client.close();
    await v3.close();
    await simulator.close();
    await start({ dataDir, notifyDelayMs: 0 });
    await simulator.gateway.redeliver(id);
    const told = peer.Transformer.toObject((await receiver.delivery(1)).body);
    assert.equal(signatureOf(told, simulator.merchant.apiV2Key), 'HMAC-SHA256');
    await rm(dataDir, { recursive: true });
  });
});
