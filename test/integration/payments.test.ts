import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createApiKey } from '../../database/api-keys.ts';
import { listEventTypes } from '../../database/events.ts';
import { WechatPay } from '../../wechatpay/index.ts';
import { type Paysaga, startPaysaga } from '../fixture.ts';

describe('payments', () => {
  let paysaga: Paysaga;
  before(async () => {
    paysaga = await startPaysaga();
  });
  after(() => paysaga.stop());

  it('a Native payment goes from the prepay order to PAID when the notification arrives', async () => {
    const created = await paysaga.createPayment({ attach: 'c=1' });
    assert.equal(created.status, 201);
    assert.equal(created.body.status, 'PENDING');
    assert.match(created.body.code_url, /^weixin:\/\/wxpay\/bizpayurl\?pr=/);
    assert.equal(created.headers.location, `/v1/payments/${created.body.id}`);

    const number = created.body.out_trade_no;
    await paysaga.control('POST', `/orders/${number}/pay`, {});
    const paid = await paysaga.until(`/v1/payments/${created.body.id}`, 'PAID');
    assert.match(paid.transaction_id, /^4200\d{24}$/);
    assert.equal(paid.amount.payer_total, 2590);
    assert.match(paid.success_time, /\+08:00$/);
    assert.equal(paid.code_url, null);
    assert.deepEqual(await listEventTypes(paysaga.pool, paid.id), [
      'payment.created',
      'payment.pending',
      'payment.paid',
    ]);

    const handle = paysaga.client.workflow.getHandle(`payment/${paysaga.mchid}/${number}`);
    assert.deepEqual(await handle.result(), { status: 'PAID' });
    const { searchAttributes } = await handle.describe();
    assert.deepEqual(searchAttributes.PaymentStatus, ['PAID']);
    assert.deepEqual(searchAttributes.MerchantId, [paysaga.merchantId]);
    assert.deepEqual(searchAttributes.OutTradeNo, [number]);
    assert.deepEqual(searchAttributes.PaymentId, [paid.id]);
    const history = await paysaga.history(`payment/${paysaga.mchid}/${number}`);
    assert.ok(history.length <= 16, `${history.length} events: ${history.join(' ')}`);
  });

  it('every id of an order is the right one, at the gateway, in the answer and in the events', async () => {
    const names = { out_trade_no: 'EVERYID0001', attach: 'cart 7', order_reference: 'order 7' };
    const { body } = await paysaga.createPayment(names);
    const { rows: stored } = await paysaga.pool.query('select prepay_request from payments where id = $1', [
      body.id,
    ]);
    const { mchid, appid } = paysaga.simulator.merchant;
    const { time_expire: _, ...sent } = JSON.parse(stored[0].prepay_request);
    assert.deepEqual(sent, {
      ...{ appid, mchid, out_trade_no: names.out_trade_no, attach: names.attach, description: 'Tea set' },
      notify_url: `${paysaga.apiUrl}/v1/notifications/${paysaga.merchantId}`,
      amount: { total: 2590, currency: 'CNY' },
    });
    await paysaga.control('POST', `/orders/${names.out_trade_no}/pay`, {});
    const paid = await paysaga.until(`/v1/payments/${body.id}`, 'PAID');
    const there = (await paysaga.control('GET', `/orders/${names.out_trade_no}`)).body;
    const shown = { ...names, mchid, merchant_id: paysaga.merchantId, transaction_id: there.transaction_id };
    for (const [name, value] of Object.entries(shown)) assert.equal(paid[name], value, name);
    const { rows: events } = await paysaga.pool.query(
      'select payment_id, refund_id, tenant_id, data from events where payment_id = $1 order by sequence',
      [body.id],
    );
    for (const event of events)
      assert.deepEqual([event.tenant_id, event.refund_id], [paysaga.tenantId, null]);
    assert.deepEqual(events.at(-1).data, { status: 'PAID', transaction_id: there.transaction_id });
  });

  it('a repeat with the same Idempotency-Key answers with the same payment and creates no second order', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const body = { description: 'Tea', amount: { total: 100, currency: 'CNY' } };
    const answers = await Promise.all([1, 2, 3].map(() => paysaga.call('POST', '/v1/payments', body, key)));
    // The same content in another spelling is the same request.
    const respelled = { amount: { currency: 'CNY', total: 100 }, description: 'Tea' };
    answers.push(await paysaga.call('POST', '/v1/payments', respelled, key));
    assert.deepEqual(new Set(answers.map((answer) => answer.status)), new Set([201]));
    assert.equal(new Set(answers.map((answer) => answer.body.id)).size, 1);
    assert.equal(answers.filter((answer) => answer.headers['idempotency-replayed'] === 'true').length, 3);
    const { body: gateway } = await paysaga.control('GET', '/orders');
    assert.equal(
      gateway.orders.filter((order: { description: string }) => order.description === 'Tea').length,
      1,
    );
  });

  it('an Idempotency-Key counts for the resource, however the path is spelled', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const body = { description: 'Spelling', amount: { total: 100 } };
    const first = await paysaga.call('POST', '/v1/payments', body, key);
    const second = await paysaga.call('POST', '/v1/Payments/', body, key);
    assert.equal(second.body.id, first.body.id);
    assert.equal(second.headers['idempotency-replayed'], 'true');
  });

  it('an Idempotency-Key with other content is refused with 422', async () => {
    const key = { 'idempotency-key': randomUUID() };
    await paysaga.call('POST', '/v1/payments', { description: 'A', amount: { total: 1 } }, key);
    const other = await paysaga.call('POST', '/v1/payments', { description: 'A', amount: { total: 2 } }, key);
    assert.equal(other.status, 422);
    assert.equal(other.body.code, 'idempotency_key_reused');
  });

  it('completes a request that was cut off between storing the intent and starting the workflow', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const body = { description: 'Cut off', amount: { total: 300 } };
    const first = await paysaga.call('POST', '/v1/payments', body, key);
    // As after a crash: the row is there, the workflow never was.
    const id = `pay_${randomUUID().replaceAll('-', '')}`;
    const number = `CRASH${id.slice(4, 20)}`;
    await paysaga.pool.query(
      `insert into payments (id, tenant_id, merchant_id, out_trade_no, product, amount, currency, description, time_expire, status)
       select $1, tenant_id, merchant_id, $2, product, amount, currency, description, time_expire, 'CREATED' from payments where id = $3`,
      [id, number, first.body.id],
    );
    await paysaga.pool.query('update idempotency_keys set resource_id = $1 where resource_id = $2', [
      id,
      first.body.id,
    ]);
    const repeated = await paysaga.call('POST', '/v1/payments', body, key);
    assert.equal(repeated.status, 201);
    assert.equal(repeated.body.id, id);
    assert.equal(repeated.body.status, 'PENDING');
  });

  it('the relay starts the workflow of an intent whose client never comes back', async () => {
    const first = await paysaga.createPayment();
    const id = `pay_${randomUUID().replaceAll('-', '')}`;
    await paysaga.pool.query(
      `insert into payments (id, tenant_id, merchant_id, out_trade_no, product, amount, currency, description, time_expire, status, ensure_at)
       select $1, tenant_id, merchant_id, $2, product, amount, currency, description, time_expire, 'CREATED', now() from payments where id = $3`,
      [id, `ORPHAN${id.slice(4, 20)}`, first.body.id],
    );
    const pending = await paysaga.until(`/v1/payments/${id}`, 'PENDING');
    assert.match(pending.code_url, /^weixin:/);
  });

  it('an out_trade_no of another payment is refused with 409', async () => {
    const out_trade_no = `N${Date.now()}`;
    assert.equal((await paysaga.createPayment({ out_trade_no })).status, 201);
    const second = await paysaga.createPayment({ out_trade_no });
    assert.equal(second.status, 409);
    assert.equal(second.body.code, 'out_trade_no_exists');
  });

  it('a refused order ends FAILED with the gateway’s reason, and a repeat says the same', async () => {
    const out_trade_no = `USED${Date.now()}`;
    // Somebody else at the same merchant has used the number.
    const { mchid, appid, serialNo, privateKeyPem, apiV3Key, publicKeyId, publicKeyPem } =
      paysaga.simulator.merchant;
    const wechat = new WechatPay({
      mchid,
      appid,
      serialNo,
      privateKey: privateKeyPem,
      apiV3Key,
      publicKeys: { [publicKeyId]: publicKeyPem },
      baseUrl: paysaga.simulator.baseUrl,
    });
    await wechat.native.create({
      description: 'theirs',
      out_trade_no,
      notify_url: `${paysaga.apiUrl}/elsewhere`,
      amount: { total: 1, currency: 'CNY' },
    });
    await wechat.close();
    const refused = await paysaga.createPayment({ out_trade_no });
    assert.equal(refused.status, 422);
    assert.equal(refused.body.code, 'gateway_rejected');
    assert.equal(refused.body.gateway_code, 'OUT_TRADE_NO_USED');
    const { body } = await paysaga.call('GET', `/v1/payments/${refused.body.payment_id}`);
    assert.equal(body.status, 'FAILED');
    assert.equal(body.failure.code, 'OUT_TRADE_NO_USED');
  });

  it('shows a payment to its own tenant only', async () => {
    const { body } = await paysaga.createPayment();
    const { rows } = await paysaga.pool.query(
      `insert into tenants (id, name) values ('ten_x', 'other') returning id`,
    );
    const key = await createApiKey(paysaga.pool, rows[0].id, 'other');
    const answer = await paysaga.call('GET', `/v1/payments/${body.id}`, undefined, {
      authorization: `Bearer ${key}`,
    });
    assert.equal(answer.status, 404);
  });

  describe('bad input changes nothing and says what to mend', () => {
    const refused = async (body: unknown, status: number, code: string, headers = {}) => {
      const count = async () =>
        (
          await paysaga.pool.query(
            'select (select count(*) from payments) + (select count(*) from idempotency_keys) n',
          )
        ).rows[0].n;
      const before = await count();
      const answer = await paysaga.call('POST', '/v1/payments', body, headers);
      assert.equal(answer.status, status, JSON.stringify(answer.body));
      assert.equal(answer.body.code, code);
      assert.match(String(answer.headers['content-type']), /^application\/problem\+json/);
      assert.equal(await count(), before);
      return answer.body;
    };
    const valid = { description: 'Tea', amount: { total: 100 } };

    it('malformed JSON: 400', () =>
      refused('{"amount":', 400, 'malformed_json', { 'content-type': 'application/json' }));
    it('a body that is not what its headers say, or not UTF-8: 400', async () => {
      const post = (body: Buffer, headers: Record<string, string>) =>
        fetch(`${paysaga.apiUrl}/v1/payments`, {
          method: 'POST',
          headers: {
            authorization: `Bearer ${paysaga.apiKey}`,
            'idempotency-key': randomUUID(),
            'content-type': 'application/json',
            ...headers,
          },
          body,
        });
      const json = JSON.stringify({ description: 'Tea', amount: { total: 1 } });
      assert.equal((await post(Buffer.from(json), { 'content-encoding': 'gzip' })).status, 400);
      assert.equal((await post(Buffer.from(json.replace('Tea', 'T\xe9'), 'latin1'), {})).status, 400);
    });
    it('another content type: 415', () =>
      refused('amount=1', 415, 'unsupported_media_type', {
        'content-type': 'application/x-www-form-urlencoded',
      }));
    it('a body over 64 KiB: 413', () =>
      refused({ ...valid, description: 'x'.repeat(70_000) }, 413, 'payload_too_large'));
    it('no Idempotency-Key: 400', async () => {
      const answer = await paysaga.call('POST', '/v1/payments', valid, { 'idempotency-key': '' });
      assert.equal(answer.status, 400);
    });
    it('a wrong API key: 401', () =>
      refused(valid, 401, 'unauthorized', { authorization: 'Bearer sk_wrong' }));
    it('no API key: 401', () => refused(valid, 401, 'unauthorized', { authorization: '' }));
    it('a stranger as merchant: 422', async () => {
      const { errors } = await refused({ ...valid, merchant_id: 'mch_stranger' }, 422, 'invalid_request');
      assert.equal(errors[0].pointer, '/merchant_id');
    });

    const fields: [string, object, string][] = [
      ['an unknown field', { ...valid, colour: 'red' }, '/colour'],
      ['an unknown field in the amount', { ...valid, amount: { total: 1, tax: 1 } }, '/amount/tax'],
      ['an amount that is not an integer', { ...valid, amount: { total: 25.9 } }, '/amount/total'],
      ['an amount in text', { ...valid, amount: { total: '2590' } }, '/amount/total'],
      ['an amount of zero', { ...valid, amount: { total: 0 } }, '/amount/total'],
      ['a negative amount', { ...valid, amount: { total: -1 } }, '/amount/total'],
      ['an amount above ten million yuan', { ...valid, amount: { total: 1_000_000_001 } }, '/amount/total'],
      ['another currency', { ...valid, amount: { total: 1, currency: 'USD' } }, '/amount/currency'],
      ['a description of 128 characters', { ...valid, description: '茶'.repeat(128) }, '/description'],
      ['a description with emoji', { ...valid, description: 'Tea 🍵' }, '/description'],
      ['a description with a NUL', { ...valid, description: 'Tea\0' }, '/description'],
      ['no description', { amount: { total: 1 } }, '/description'],
      ['a window below one minute', { ...valid, expires_in: 59 }, '/expires_in'],
      ['a window above seven days', { ...valid, expires_in: 7 * 24 * 3600 + 1 }, '/expires_in'],
      ['an out_trade_no with a blank', { ...valid, out_trade_no: 'T 123456' }, '/out_trade_no'],
      ['another product', { ...valid, product: 'BARTER' }, '/product'],
    ];
    for (const [what, body, pointer] of fields) {
      it(`${what}: 422 at ${pointer}`, async () => {
        const { errors } = await refused(body, 422, 'invalid_request');
        assert.deepEqual(
          errors.map((error: { pointer: string }) => error.pointer),
          [pointer],
        );
      });
    }

    it('lists every wrong field at once', async () => {
      const { errors } = await refused({ amount: { total: 0 }, expires_in: 1 }, 422, 'invalid_request');
      assert.equal(errors.length, 3);
    });
    it('an unknown payment: 404', async () => {
      const answer = await paysaga.call('GET', '/v1/payments/pay_unknown');
      assert.equal(answer.status, 404);
      assert.equal(answer.body.code, 'not_found');
    });
    it('a path that cannot be decoded or stored: 404', async () => {
      for (const path of ['/v1/payments/%00', '/v1/payments/%E0%A4%A', '/v1/refunds/%00']) {
        assert.equal((await paysaga.call('GET', path)).status, 404, path);
      }
      assert.equal((await paysaga.call('POST', '/v1/notifications/%00', {})).status, 404);
    });
    it('another method: 405', async () => {
      const answer = await paysaga.call('DELETE', '/v1/payments');
      assert.equal(answer.status, 405);
      assert.equal(answer.headers.allow, 'GET, POST');
    });
    it('an unknown path: 404', async () => {
      assert.equal((await paysaga.call('GET', '/v2/payments')).status, 404);
    });
  });
});
