import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { settle } from '../../activities/settle-payment.ts';
import { upsertMerchant } from '../../database/merchants.ts';
import { loadPayment, type Payment } from '../../database/payments.ts';
import { openVault } from '../../database/secrets.ts';
import type { GatewayOrder } from '../../gateway/payment-gateway.ts';
import type { PartnerOrder } from '../../wechatpay/index.ts';
import { type Answer, type Paysaga, startPaysaga } from '../fixture.ts';
import { notify } from '../notification.ts';
import { enrolProvider, subMerchant } from '../provider.ts';

/** Who takes the money and who pays: what a request may say, and what the gateway's word is compared with. */
describe('parties of a payment', () => {
  let paysaga: Paysaga;
  let providerId: string;
  before(async () => {
    paysaga = await startPaysaga({
      paymentTiming: { notifyWaitMs: 600_000 },
      refundTiming: { notifyWaitMs: 600_000 },
      simulator: { refundDelayMs: Number.POSITIVE_INFINITY },
    });
    providerId = await enrolProvider(paysaga);
  });
  after(() => paysaga.stop());

  const ofMerchant = (fields: object = {}) =>
    paysaga.createPayment({ merchant_id: paysaga.merchantId, ...fields });
  const ofProvider = (fields: object = {}) =>
    paysaga.createPayment({ merchant_id: providerId, sub_merchant: subMerchant(paysaga), ...fields });

  describe('a request that does not fit the product or the merchant is refused, field by field', () => {
    const openid = 'oA1b';
    const wap = { type: 'Wap' };
    const ip = '203.0.113.9';
    const h5 = { product: 'H5', client_ip: ip, h5: wap };
    const stored = async () => (await paysaga.pool.query('select count(*)::int n from payments')).rows[0].n;
    const refuses = async (answer: () => Promise<Answer>, pointers: string[]) => {
      const before = await stored();
      const { status, body } = await answer();
      assert.equal(status, 422, JSON.stringify(body));
      assert.equal(body.code, 'invalid_request');
      const found = body.errors.map((error: { pointer: string }) => error.pointer);
      assert.deepEqual(found.sort(), pointers);
      for (const { detail } of body.errors) assert.match(detail, /^(is|must) /);
      assert.equal(await stored(), before);
    };

    const merchantCases: [string, object, ...string[]][] = [
      ['JSAPI without a payer', { product: 'JSAPI' }, '/payer'],
      ['a mini program without a payer', { product: 'MINI_PROGRAM' }, '/payer'],
      ['JSAPI with an empty payer', { product: 'JSAPI', payer: {} }, '/payer/openid'],
      ['an openid with a blank', { product: 'JSAPI', payer: { openid: 'o A' } }, '/payer/openid'],
      [
        'an openid of 129 characters',
        { product: 'JSAPI', payer: { openid: 'o'.repeat(129) } },
        '/payer/openid',
      ],
      ['an openid that is no text', { product: 'JSAPI', payer: { openid: 7 } }, '/payer/openid'],
      ['an unknown field of the payer', { product: 'JSAPI', payer: { openid, name: 'x' } }, '/payer/name'],
      [
        'an openid of service providers',
        { product: 'JSAPI', payer: { openid, sp_openid: openid } },
        '/payer/sp_openid',
      ],
      [
        'nothing but an openid of service providers',
        { product: 'JSAPI', payer: { sub_openid: openid } },
        '/payer/openid',
        '/payer/sub_openid',
      ],
      ['a payer for Native', { payer: { openid } }, '/payer'],
      ['a payer for an app', { product: 'APP', payer: { openid } }, '/payer'],
      ['a payer for H5', { ...h5, payer: { openid } }, '/payer'],
      ['H5 alone', { product: 'H5' }, '/client_ip', '/h5'],
      ['H5 without an address', { product: 'H5', h5: wap }, '/client_ip'],
      ['H5 without its page', { product: 'H5', client_ip: ip }, '/h5'],
      ['H5 from this machine', { ...h5, client_ip: '127.0.0.1' }, '/client_ip'],
      ['H5 from this machine by IPv6', { ...h5, client_ip: '::1' }, '/client_ip'],
      ['an address that is none', { client_ip: '203.0.113' }, '/client_ip'],
      ['H5 without a type', { ...h5, h5: {} }, '/h5/type'],
      ['H5 of another type', { ...h5, h5: { type: 'wap' } }, '/h5/type'],
      [
        'an app name of 65 characters',
        { ...h5, h5: { type: 'iOS', app_name: 'x'.repeat(65) } },
        '/h5/app_name',
      ],
      ['an app_url of 129 characters', { ...h5, h5: { ...wap, app_url: 'x'.repeat(129) } }, '/h5/app_url'],
      [
        'a bundle_id of 129 characters',
        { ...h5, h5: { type: 'iOS', bundle_id: 'x'.repeat(129) } },
        '/h5/bundle_id',
      ],
      [
        'a package_name of 129 characters',
        { ...h5, h5: { type: 'Android', package_name: 'x'.repeat(129) } },
        '/h5/package_name',
      ],
      ['an unknown field of h5', { ...h5, h5: { ...wap, os: 'x' } }, '/h5/os'],
      ['a way back that is no address', { ...h5, h5: { ...wap, redirect_url: 'shop' } }, '/h5/redirect_url'],
      [
        'a way back without https',
        { ...h5, h5: { ...wap, redirect_url: 'http://shop.example.com' } },
        '/h5/redirect_url',
      ],
      ['h5 for Native', { h5: wap }, '/h5'],
      ['a sub-merchant', { sub_merchant: { mchid: '1900031111' } }, '/sub_merchant'],
      ['everything at once', { product: 'H5', amount: { total: 0 } }, '/amount/total', '/client_ip', '/h5'],
    ];
    for (const [what, fields, ...pointers] of merchantCases) {
      it(`${what}: 422 at ${pointers.join(', ')}`, () => refuses(() => ofMerchant(fields), pointers));
    }

    const sub = { mchid: '1900031111' };
    const jsapi = { product: 'JSAPI', payer: { sp_openid: openid } };
    const providerCases: [string, object, ...string[]][] = [
      ['no sub-merchant', { sub_merchant: undefined }, '/sub_merchant'],
      ['a sub-merchant without its number', { sub_merchant: { appid: 'wx1' } }, '/sub_merchant/mchid'],
      ['a sub-merchant’s number with a slash', { sub_merchant: { mchid: '19/00' } }, '/sub_merchant/mchid'],
      ['an unknown field of the sub-merchant', { sub_merchant: { ...sub, name: 'x' } }, '/sub_merchant/name'],
      ['an appid with a blank', { sub_merchant: { ...sub, appid: 'wx 1' } }, '/sub_merchant/appid'],
      ['an openid of merchants', { ...jsapi, payer: { openid } }, '/payer/openid'],
      ['an empty payer', { ...jsapi, payer: {} }, '/payer/sp_openid'],
      ['two payers', { ...jsapi, payer: { sp_openid: openid, sub_openid: openid } }, '/payer/sub_openid'],
      [
        'a sub_openid without the appid that knows it',
        { ...jsapi, payer: { sub_openid: openid }, sub_merchant: sub },
        '/sub_merchant/appid',
      ],
    ];
    for (const [what, fields, ...pointers] of providerCases) {
      it(`of a service provider, ${what}: 422 at ${pointers.join(', ')}`, () =>
        refuses(() => ofProvider(fields), pointers));
    }

    it('a service provider as its own sub-merchant: 422 at /sub_merchant/mchid', () =>
      refuses(
        () => ofProvider({ sub_merchant: { mchid: paysaga.simulator.world.provider.mchid } }),
        ['/sub_merchant/mchid'],
      ));

    it('an address is taken for every product', async () => {
      const { status, body } = await ofMerchant({ client_ip: '2001:db8::7' });
      assert.equal(status, 201);
      const { rows } = await paysaga.pool.query('select prepay_request from payments where id = $1', [
        body.id,
      ]);
      assert.deepEqual(JSON.parse(rows[0].prepay_request).scene_info, { payer_client_ip: '2001:db8::7' });
    });

    it('a stranger as sub-merchant is refused by WeChat Pay, and the payment is FAILED', async () => {
      const { status, body } = await ofProvider({ sub_merchant: { mchid: '1900099999' } });
      assert.equal(status, 422);
      assert.equal(body.code, 'gateway_rejected');
      assert.equal((await paysaga.call('GET', `/v1/payments/${body.payment_id}`)).body.status, 'FAILED');
    });
  });

  it('a repeat with the same Idempotency-Key signs afresh for the same prepay_id', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const request = {
      merchant_id: paysaga.merchantId,
      product: 'JSAPI',
      payer: { openid: 'oA1b' },
      description: 'Tea',
      amount: { total: 1 },
    };
    const first = (await paysaga.call('POST', '/v1/payments', request, headers)).body;
    const second = await paysaga.call('POST', '/v1/payments', request, headers);
    assert.equal(second.headers['idempotency-replayed'], 'true');
    assert.equal(second.body.id, first.id);
    assert.equal(second.body.invocation.package, first.invocation.package);
    assert.notEqual(second.body.invocation.paySign, first.invocation.paySign);
    const { rows } = await paysaga.pool.query('select to_jsonb(p)::text row from payments p where id = $1', [
      first.id,
    ]);
    assert.ok(!rows[0].row.includes('paySign') && !rows[0].row.includes(first.invocation.paySign));
  });

  it('a number is unique for a service provider, over all of its sub-merchants', async () => {
    const out_trade_no = `P${randomUUID().slice(0, 12)}`;
    assert.equal((await ofProvider({ out_trade_no })).status, 201);
    const again = await ofProvider({ out_trade_no, sub_merchant: { mchid: '1900031111' } });
    assert.equal(again.body.code, 'out_trade_no_exists');
    assert.equal((await ofMerchant({ out_trade_no })).status, 201, 'another merchant has numbers of its own');
  });

  it('a merchant that has payments keeps its role', async () => {
    await ofProvider();
    const { rows } = await paysaga.pool.query('select role, mchid, appid from merchants where id = $1', [
      providerId,
    ]);
    const { provider } = paysaga.simulator.world;
    const input = {
      mchid: provider.mchid,
      appid: provider.appid,
      serialNo: provider.serialNo,
      privateKey: provider.privateKeyPem,
      apiV3Key: provider.apiV3Key,
      publicKeys: { [provider.publicKeyId]: provider.publicKeyPem },
      apiBaseUrl: paysaga.simulator.baseUrl,
    };
    const vault = openVault(paysaga.masterKey);
    await assert.rejects(
      upsertMerchant(paysaga.pool, vault, paysaga.tenantId, { ...input, role: 'merchant' }),
      /its role cannot change/,
    );
    const same = await upsertMerchant(paysaga.pool, vault, paysaga.tenantId, input);
    assert.equal(same.role, 'partner', 'unless told, it stays what it is');
    assert.equal(rows[0].role, 'partner');
  });

  /** Posts what WeChat Pay tells the service provider. @returns the status of the answer. */
  const post = async (eventType: string, resource: object): Promise<number> => {
    const { mchid } = paysaga.simulator.world.provider;
    return (await notify(paysaga, resource, { eventType, merchantId: providerId, mchid })).status;
  };

  /** Waits until the workflow has done something about the notification that it was told of. */
  async function lookedAt(workflowId: string): Promise<void> {
    for (let turn = 0; turn < 400; turn += 1) {
      const history = await paysaga.history(workflowId);
      const signalled = history.lastIndexOf('workflowExecutionSignaled');
      const since = signalled < 0 ? [] : history.slice(signalled);
      if (since.includes('markerRecorded') || since.includes('activityTaskCompleted')) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error('nobody has looked at the notification');
  }

  /** A paid order of a service provider as it should be; undefined fields are left out by JSON. */
  function paidOrder(outTradeNo: string, fields: object = {}): GatewayOrder {
    const { provider } = paysaga.simulator.world;
    const sub = subMerchant(paysaga);
    return {
      sp_appid: provider.appid,
      sp_mchid: provider.mchid,
      sub_appid: sub.appid,
      sub_mchid: sub.mchid,
      out_trade_no: outTradeNo,
      transaction_id: '4200002088202603010000000001',
      trade_type: 'NATIVE',
      trade_state: 'SUCCESS',
      trade_state_desc: '支付成功',
      success_time: '2026-03-01T12:03:11+08:00',
      amount: { total: 2590, payer_total: 2590, currency: 'CNY' },
      ...fields,
    };
  }

  /** The order does not settle the payment, and the finding shows in which field they differ. */
  async function undecided(payment: Payment, order: GatewayOrder, reason: string): Promise<void> {
    const finding = await settle(paysaga.pool, payment, order);
    assert.ok(finding.kind === 'undecided' && finding.sides, JSON.stringify(finding));
    assert.equal(finding.reason, reason);
    const field = reason.replace('_differs', '') as keyof typeof finding.sides.paysaga;
    assert.notEqual(finding.sides.paysaga[field], finding.sides.wechat_pay[field]);
  }

  const differences: [string, object, string][] = [
    ['another service provider', { sp_mchid: '1900000001' }, 'mchid_differs'],
    ['another appid of the service provider', { sp_appid: 'wx0' }, 'appid_differs'],
    ['another sub-merchant', { sub_mchid: '1900000002' }, 'sub_mchid_differs'],
    ['no sub-merchant', { sub_mchid: undefined }, 'sub_mchid_differs'],
    ['another appid of the sub-merchant', { sub_appid: 'wx0' }, 'sub_appid_differs'],
    ['no appid of the sub-merchant', { sub_appid: undefined }, 'sub_appid_differs'],
    ['another amount', { amount: { total: 1, currency: 'CNY' } }, 'amount_differs'],
    ['another currency', { amount: { total: 2590, currency: 'HKD' } }, 'currency_differs'],
  ];
  for (const [what, fields, reason] of differences) {
    it(`${what} in a service provider's paid order never settles`, async () => {
      const { body } = await ofProvider();
      const payment = await loadPayment(paysaga.pool, body.id);
      assert.ok(payment);
      const order = JSON.parse(JSON.stringify(paidOrder(body.out_trade_no, fields)));
      await undecided(payment, order, reason);
      assert.equal((await paysaga.call('GET', `/v1/payments/${body.id}`)).body.status, 'PENDING');
    });
  }

  it('an order of the other role never settles', async () => {
    const { body: own } = await ofMerchant();
    const payment = await loadPayment(paysaga.pool, own.id);
    assert.ok(payment);
    const theirs = paidOrder(own.out_trade_no, { sp_mchid: payment.mchid, sp_appid: payment.appid });
    await undecided(payment, theirs, 'sub_mchid_differs');
    const { body: partner } = await ofProvider();
    const other = await loadPayment(paysaga.pool, partner.id);
    assert.ok(other);
    const { sp_mchid: mchid, sp_appid: appid, ...rest } = paidOrder(partner.out_trade_no) as PartnerOrder;
    const asMerchant = { ...rest, mchid, appid, sub_mchid: undefined } as unknown as GatewayOrder;
    await undecided(other, asMerchant, 'sub_mchid_differs');
  });

  it('a genuine notification with another sub-merchant settles nothing: the gateway is asked', async () => {
    const { body } = await ofProvider();
    const order = paidOrder(body.out_trade_no, { sub_mchid: '1900000002' });
    assert.equal(await post('TRANSACTION.SUCCESS', order), 204);
    const workflowId = `payment/${body.mchid}/${body.out_trade_no}`;
    await lookedAt(workflowId);
    assert.equal((await paysaga.call('GET', `/v1/payments/${body.id}`)).body.status, 'PENDING');
    assert.equal(await post('TRANSACTION.SUCCESS', paidOrder(body.out_trade_no)), 204);
    await paysaga.until(`/v1/payments/${body.id}`, 'PAID');
  });

  it('a refund notification with another sub-merchant moves nothing; one without any is known by its number', async () => {
    const { body } = await ofProvider();
    await paysaga.control('POST', `/orders/${body.out_trade_no}/pay`, {});
    const paid = await paysaga.until(`/v1/payments/${body.id}`, 'PAID');
    const refund = (await paysaga.call('POST', `/v1/payments/${body.id}/refunds`, {})).body;
    assert.equal(refund.status, 'PROCESSING');
    const told = (owner: object) => ({
      ...owner,
      out_trade_no: body.out_trade_no,
      transaction_id: paid.transaction_id,
      out_refund_no: refund.out_refund_no,
      refund_id: refund.wechat_refund_id,
      refund_status: 'SUCCESS',
      success_time: '2026-03-02T09:02:40+08:00',
      user_received_account: '支付用户零钱',
      amount: { total: 2590, refund: 2590, payer_total: 2590, payer_refund: 2590 },
    });
    const sp_mchid = paysaga.simulator.world.provider.mchid;
    assert.equal(await post('REFUND.SUCCESS', told({ sp_mchid, sub_mchid: '1900000002' })), 204);
    const workflowId = `refund/${sp_mchid}/${refund.out_refund_no}`;
    await lookedAt(workflowId);
    assert.equal((await paysaga.call('GET', `/v1/refunds/${refund.id}`)).body.status, 'PROCESSING');
    assert.equal(await post('REFUND.SUCCESS', told({ mchid: sp_mchid })), 204);
    await paysaga.until(`/v1/refunds/${refund.id}`, 'SUCCEEDED');
  });
});
