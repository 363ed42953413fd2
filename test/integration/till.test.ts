import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { request as send } from 'undici';
import { upsertMerchant } from '../../database/merchants.ts';
import { openVault } from '../../database/secrets.ts';
import { merchantCertificate } from '../../simulator/keys/certificate.ts';
import { signFields } from '../../wechatpay/v2/signature.ts';
import { buildXml, parseXml } from '../../wechatpay/v2/xml.ts';
import { type Answer, type Paysaga, startPaysaga } from '../fixture.ts';
import { TILLS } from '../till.ts';

/** What a till says, and what its merchant needs for it. */
describe('tills', () => {
  let paysaga: Paysaga;
  before(async () => {
    paysaga = await startPaysaga({
      paymentTiming: { notifyWaitMs: 100, pollGapsMs: [100] },
    });
  });
  after(() => paysaga.stop());

  const [codepay = {}, micropay = {}, facepay = {}] = TILLS.map(
    ({ product, fields }): Record<string, unknown> => ({ product, ...fields }),
  );
  const count = async () => (await paysaga.pool.query('select count(*)::int n from payments')).rows[0].n;

  const refused: [what: string, body: object, pointer: string, detail: RegExp][] = [
    [
      'a payment code of another kind',
      { ...codepay, auth_code: '281234567890123456' },
      '/auth_code',
      /18 digits that start with 10 to 15/,
    ],
    ['a payment code that is too short', { ...micropay, auth_code: '13456789012345678' }, '/auth_code', /18/],
    ['no payment code', { ...codepay, auth_code: undefined }, '/auth_code', /is missing/],
    ['no face', { ...facepay, face_code: undefined }, '/face_code', /is missing/],
    ['a face with a blank', { ...facepay, face_code: 'a face' }, '/face_code', /printable ASCII/],
    ['a face for a code', { ...micropay, face_code: 'f' }, '/face_code', /is not a field of MICROPAY/],
    ['a payer', { ...codepay, payer: { openid: 'o' } }, '/payer', /is not a field of CODEPAY/],
    ['no store', { ...codepay, scene_info: { device_id: 'POS7' } }, '/scene_info', /has no store_info/],
    ['no scene_info', { ...codepay, scene_info: undefined }, '/scene_info', /has no store_info/],
    [
      'a store without a number',
      { ...codepay, scene_info: { store_info: {} } },
      '/scene_info/store_info',
      /must have id/,
    ],
    ['a till without an address', { ...micropay, scene_info: {} }, '/scene_info', /has no device_ip/],
    [
      'an address that is none',
      { ...facepay, scene_info: { device_ip: 'here' } },
      '/scene_info/device_ip',
      /IPv4 or IPv6/,
    ],
    ['a window below 15 seconds', { ...codepay, expires_in: 14 }, '/expires_in', /at least 15/],
    ['a window above a minute', { ...facepay, expires_in: 61 }, '/expires_in', /at most 60/],
    ['a long attach for v2', { ...micropay, attach: 'x'.repeat(128) }, '/attach', /at most 127/],
    ['a code for Native', { auth_code: codepay.auth_code }, '/auth_code', /is not a field of NATIVE/],
    ['a till for Native without the customer', { scene_info: {} }, '/client_ip', /is missing/],
  ];
  for (const [what, body, pointer, detail] of refused) {
    it(`${what}: 422 at ${pointer}, and nothing is stored`, async () => {
      const before = await count();
      const { status, body: problem } = await paysaga.createPayment(body as Record<string, unknown>);
      assert.equal(status, 422, JSON.stringify(problem));
      assert.equal(problem.code, 'invalid_request');
      assert.deepEqual(
        problem.errors.map((error: { pointer: string }) => error.pointer),
        [pointer],
      );
      assert.match(problem.errors[0].detail, detail);
      assert.ok(!JSON.stringify(problem).includes('281234567890123456'), 'what was shown is not repeated');
      assert.equal(await count(), before);
    });
  }

  it('without expires_in a customer has as long for the password as the official page says', async () => {
    for (const [fields, seconds] of [
      [codepay, 30],
      [micropay, 45],
      [facepay, 45],
    ] as const) {
      const { body } = await paysaga.createPayment(fields);
      const window = Date.parse(body.time_expire) - Date.parse(body.created_at);
      assert.ok(Math.abs(window - seconds * 1000) <= 1000, `${window} ms`);
    }
  });

  it('a refusal is the end of it, with as few events as money', async () => {
    paysaga.simulator.gateway.paymentCodes.arrange('144567890123456789', { outcome: 'NOT_ENOUGH' });
    const out_trade_no = 'TILLREFUSED01';
    const { status, body } = await paysaga.createPayment({
      ...codepay,
      auth_code: '144567890123456789',
      out_trade_no,
    });
    assert.equal(status, 422);
    assert.deepEqual([body.code, body.gateway_code], ['gateway_rejected', 'NOT_ENOUGH']);
    const workflowId = `payment/${paysaga.mchid}/${out_trade_no}`;
    assert.deepEqual(await paysaga.client.workflow.getHandle(workflowId).result(), { status: 'FAILED' });
    const events = await paysaga.history(workflowId);
    assert.ok(events.length <= 10, `${events.length} events: ${events.join(' ')}`);
  });

  it('there is nothing to be renewed', async () => {
    const { body } = await paysaga.createPayment({ ...codepay, amount: { total: 100_000 } });
    const { status, body: same } = await paysaga.call('POST', `/v1/payments/${body.id}/prepay`);
    assert.equal(status, 200);
    assert.deepEqual([same.status, same.prepay_expires_at, same.code_url], ['PENDING', null, null]);
    await paysaga.control('POST', `/orders/${body.out_trade_no}/pay`, {});
    await paysaga.until(`/v1/payments/${body.id}`, 'PAID');
  });

  it('what the order says reaches WeChat Pay', async () => {
    for (const fields of [codepay, micropay, facepay]) {
      const { body } = await paysaga.createPayment({ ...fields, attach: 'c=1', amount: { total: 77 } });
      assert.equal(body.status, 'PAID', JSON.stringify(body));
      const { rows } = await paysaga.pool.query('select scene_info, appid from payments where id = $1', [
        body.id,
      ]);
      assert.deepEqual(rows[0], {
        scene_info: fields.scene_info,
        appid: paysaga.simulator.merchant.appid,
      });
      const order = (await paysaga.control('GET', `/orders/${body.out_trade_no}`)).body;
      assert.deepEqual([order.attach, order.amount.total, order.description], ['c=1', 77, 'Tea set']);
    }
  });

  it('a merchant without the APIv2 key or without its certificate is told so, and v3 goes on', async () => {
    const { apiV2Key } = paysaga.simulator.merchant;
    const certificate = await merchantCertificate(paysaga.simulator.merchant);
    for (const half of [{}, { apiV2Key }, { certificate }]) {
      await upsert(paysaga, half);
      for (const fields of [micropay, facepay]) {
        const { status, body } = await paysaga.createPayment(fields);
        assert.equal(status, 422, JSON.stringify(body));
        assert.equal(body.errors[0].pointer, '/product');
        assert.match(body.errors[0].detail, /api_v2_key.*apiclient_cert\.pem.*paysaga merchant upsert/);
      }
      const { body } = await paysaga.createPayment(codepay);
      assert.equal(body.status, 'PAID', JSON.stringify(body));
    }
    await upsert(paysaga, { apiV2Key, certificate });
    assert.equal((await paysaga.createPayment(micropay)).body.status, 'PAID');
  });
});

describe('a charge whose answer is signed and names another amount', () => {
  let paysaga: Paysaga;
  /** Who says one fen more than was paid. */
  const liars = new Set<string>();
  const proxy = createServer(async (incoming, outgoing) => {
    const body = Buffer.concat(await incoming.toArray());
    const answer = await send(`${paysaga.simulator.baseUrl}${incoming.url}`, {
      method: 'POST',
      headers: { 'content-type': String(incoming.headers['content-type']) },
      body,
    });
    const { sign: _, ...fields } = parseXml(Buffer.from(await answer.body.arrayBuffer()), { maxBytes: 1e6 });
    if (liars.has(String(incoming.url)) && fields.total_fee)
      fields.total_fee = String(Number(fields.total_fee) + 1);
    const sign = signFields(fields, paysaga.simulator.merchant.apiV2Key, 'HMAC-SHA256');
    outgoing.end(buildXml({ ...fields, sign }));
  });
  before(async () => {
    paysaga = await startPaysaga({ paymentTiming: { notifyWaitMs: 100, pollGapsMs: [100] } });
    await once(proxy.listen(0, '127.0.0.1'), 'listening');
    await upsert(paysaga, {
      apiV2Key: paysaga.simulator.merchant.apiV2Key,
      certificate: await merchantCertificate(paysaga.simulator.merchant),
      apiBaseUrl: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    });
  });
  after(async () => {
    await paysaga.stop();
    proxy.closeAllConnections();
    proxy.close();
  });

  it('is not believed: the order is asked', async () => {
    liars.add('/pay/micropay');
    const { status, body } = await paysaga.createPayment({ product: 'MICROPAY', ...TILLS[1]?.fields });
    assert.equal(status, 201, JSON.stringify(body));
    assert.deepEqual([body.status, body.attention], ['PAID', 'none']);
  });

  it('is shown to an operator when the order says so, too; the money stays where it is', async () => {
    liars.add('/pay/orderquery');
    const { status, body } = await paysaga.createPayment({ product: 'MICROPAY', ...TILLS[1]?.fields });
    assert.equal(status, 202, JSON.stringify(body));
    let shown: Answer['body'] = body;
    for (let turn = 0; turn < 400 && shown.attention_reason !== 'amount_differs'; turn += 1) {
      shown = (await paysaga.call('GET', `/v1/payments/${body.id}`)).body;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    assert.equal(shown.attention_reason, 'amount_differs');
    const { body: order } = await paysaga.control('GET', `/orders/${body.out_trade_no}`);
    assert.equal(order.trade_state, 'SUCCESS');
    const { rows } = await paysaga.pool.query('select 1 from ledger_transactions where payment_id = $1', [
      body.id,
    ]);
    assert.deepEqual(rows, []);
    liars.clear();
    await paysaga.client.workflow
      .getHandle(`payment/${paysaga.mchid}/${body.out_trade_no}`)
      .executeUpdate('recheck', { args: [{ actor: 'test', reason: 'the liar is gone' }] });
    await paysaga.until(`/v1/payments/${body.id}`, 'PAID');
  });
});

/** Enrols the simulator's merchant again. */
async function upsert(
  { pool, masterKey, tenantId, simulator }: Paysaga,
  fields: { apiV2Key?: string; certificate?: string; apiBaseUrl?: string },
): Promise<void> {
  const { mchid, appid, serialNo, privateKeyPem, apiV3Key, publicKeyId, publicKeyPem } = simulator.merchant;
  await upsertMerchant(pool, openVault(masterKey), tenantId, {
    ...{ mchid, appid, serialNo, apiV3Key, privateKey: privateKeyPem },
    publicKeys: { [publicKeyId]: publicKeyPem },
    apiBaseUrl: simulator.baseUrl,
    ...fields,
  });
}
