import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { appendFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Simulator, startSimulator } from '../../../simulator/index.ts';
import { control, isSigned, RawClient } from './client.ts';
import { startReceiver } from './receiver.ts';

describe('simulator: start, restart and control', () => {
  let directory: string;
  const running: { close(): Promise<void> }[] = [];
  const track = <T extends { close(): Promise<void> }>(closable: T): T => {
    running.push(closable);
    return closable;
  };
  const start = async (
    options: Parameters<typeof startSimulator>[0] = {},
  ): Promise<[Simulator, RawClient]> => {
    const simulator = track(await startSimulator(options));
    return [simulator, track(new RawClient(simulator))];
  };

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'simulator-'));
  });
  afterEach(async () => {
    for (const closable of running.splice(0).reverse()) await closable.close();
    await rm(directory, { recursive: true });
  });

  it('writes credentials like those of the merchant platform; the certificate has the serial number', async () => {
    const [simulator] = await start({ credentialsDir: directory });
    const read = (name: string) => readFile(join(directory, name), 'utf8');
    assert.deepEqual((await readdir(directory)).sort(), [
      'apiclient_cert.pem',
      'apiclient_key.pem',
      'merchant.json',
      'platform_cert.pem',
      'pub_key.pem',
    ]);
    const { merchant, world } = simulator;
    const platform = new X509Certificate(await read('platform_cert.pem'));
    assert.match(platform.serialNumber, /^[1-7][0-9A-F]{39}$/);
    const settings = JSON.parse(await read('merchant.json'));
    const { overseas_mchid, overseas_appid, overseas_sp_mchid, overseas_sp_appid, ...mainland } = settings;
    const { overseas_sub_mchid, overseas_sub_appid, ...contract } = mainland;
    assert.deepEqual(contract, {
      base_url: simulator.baseUrl,
      mchid: merchant.mchid,
      appid: merchant.appid,
      merchant_serial_no: merchant.serialNo,
      api_v3_key: merchant.apiV3Key,
      api_v2_key: merchant.apiV2Key,
      public_key_id: merchant.publicKeyId,
      platform_serial_no: platform.serialNumber,
      sp_mchid: world.provider.mchid,
      sp_appid: world.provider.appid,
      sub_mchid: world.provider.subMerchants[0]?.mchid,
      sub_appid: world.provider.subMerchants[0]?.appid,
      openid: world.openid,
      control_url: simulator.controlUrl,
    });
    for (const mchid of [overseas_mchid, overseas_sp_mchid]) {
      assert.equal(world.find(mchid)?.merchant.region, 'overseas');
    }
    assert.match(overseas_sub_mchid, /^\d{10}$/);
    for (const appid of [overseas_appid, overseas_sp_appid, overseas_sub_appid]) assert.match(appid, /^wx/);
    assert.equal(await read('apiclient_key.pem'), merchant.privateKeyPem);
    assert.equal(await read('pub_key.pem'), merchant.publicKeyPem);
    const certificate = new X509Certificate(await read('apiclient_cert.pem'));
    assert.equal(certificate.serialNumber, merchant.serialNo);
    assert.match(merchant.serialNo, /^[1-7][0-9A-F]{39}$/);
    assert.ok(certificate.verify(certificate.publicKey));
    assert.match(merchant.publicKeyId, /^PUB_KEY_ID_\d+$/);
    assert.equal(merchant.apiV3Key.length, 32);
  });

  it('the same seed gives the same credentials and ids, another seed others', async () => {
    const ids = async (seed: number) => {
      const [simulator, client] = await start({ seed, notifyDelayMs: 1e8, clock: Date.now });
      const { code_url } = (await client.order('SEED001')).json;
      return { merchant: simulator.merchant, code_url };
    };
    const [first, second, other] = [await ids(1), await ids(1), await ids(2)];
    assert.deepEqual(first, second);
    assert.notEqual(other.merchant.privateKeyPem, first.merchant.privateKeyPem);
    assert.notEqual(other.merchant.mchid, first.merchant.mchid);
    assert.notEqual(other.code_url, first.code_url);
  });

  it('after a restart everything is remembered, pending notifications and refunds go on, and no id comes twice', async () => {
    const receiver = track(await startReceiver());
    const [killed, client] = await start({ dataDir: directory, notifyDelayMs: 1e8, refundDelayMs: 400 });
    await client.order('KEPT001', { notify_url: receiver.url });
    const paid = killed.gateway.pay('KEPT001');
    await client.order('KEPT002');
    await client.closeOrder('KEPT002');
    const open = (await client.order('KEPT003')).json.code_url;
    const refund = (await client.refund('KEPT001', 'R1', 2590, { notify_url: receiver.url })).json;
    killed.gateway.addFault({ operation: 'order.query', kind: 'slow', times: null, out_trade_no: 'NOBODY1' });
    const state = killed.gateway.state();
    await killed.close();
    // What a kill in the middle of a write leaves behind.
    await appendFile(join(directory, 'journal.jsonl'), '{"kind":"order","key":"KEPT0');

    const future = () => Date.now() + 1e8;
    const [revived, again] = await start({ dataDir: directory, notifyDelayMs: 0, clock: future });
    const deliveries = await Promise.all([receiver.delivery(1), receiver.delivery(2)]);
    const events = deliveries.map(({ body }) => JSON.parse(body).event_type).sort();
    assert.deepEqual(events, ['REFUND.SUCCESS', 'TRANSACTION.SUCCESS']);
    for (const { headers, body } of deliveries) assert.ok(isSigned(revived, headers, body));
    assert.equal(revived.gateway.order('KEPT001').transaction_id, paid.transaction_id);
    assert.equal(revived.gateway.order('KEPT002').trade_state, 'CLOSED');
    assert.equal(revived.gateway.scan(open).order?.out_trade_no, 'KEPT003');
    assert.equal(revived.gateway.refund('R1').refund_id, refund.refund_id);
    assert.equal(revived.gateway.refund('R1').status, 'SUCCESS');
    assert.deepEqual(revived.gateway.faults(), state.faults);
    const fresh = await again.order('KEPT003', {}, { timestamp: Math.floor(future() / 1000) });
    assert.notEqual(fresh.json.code_url, open);
    assert.equal(
      revived.gateway.orders().filter(({ code_url }) => code_url === fresh.json.code_url).length,
      1,
    );
  });

  it('the control API lists, finds and forgets', async () => {
    const [simulator, client] = await start({ dataDir: directory });
    const { code_url } = (await client.order('LIST001')).json;
    await client.order('LIST002');
    const { orders } = (await control(simulator, 'GET', '/orders')).json;
    assert.deepEqual(
      orders.map((order: { out_trade_no: string }) => order.out_trade_no),
      ['LIST002', 'LIST001'],
    );
    assert.equal((await control(simulator, 'GET', '/orders?limit=1')).json.orders.length, 1);
    assert.equal((await control(simulator, 'GET', '/orders/LIST001')).json.code_url, code_url);
    const scanned = (await control(simulator, 'GET', `/codes?code_url=${encodeURIComponent(code_url)}`)).json;
    assert.deepEqual([scanned.status, scanned.order.out_trade_no], ['payable', 'LIST001']);
    assert.equal((await control(simulator, 'GET', '/orders/NOBODY1')).status, 404);
    assert.equal((await control(simulator, 'POST', '/orders/LIST001/fail', { reason: 'x' })).status, 400);
    assert.equal((await control(simulator, 'GET', '/state')).json.orders, 2);
    assert.equal((await control(simulator, 'POST', '/reset')).status, 204);
    assert.equal((await control(simulator, 'GET', '/state')).json.orders, 0);
    await simulator.close();
    const [reopened] = await start({ dataDir: directory });
    assert.equal(reopened.gateway.state().orders, 0);
  });

  it('serves both pages', async () => {
    const [simulator] = await start();
    for (const path of ['', '/', '/scan?code_url=x']) {
      const answer = await fetch(simulator.controlUrl + path);
      assert.equal(answer.status, 200);
      assert.match(answer.headers.get('content-type') ?? '', /text\/html/);
      assert.match(await answer.text(), /^<!doctype html>/);
    }
  });
});
