import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createApiKey } from '../../database/api-keys.ts';
import { upsertMerchant, upsertTenant } from '../../database/merchants.ts';
import { openVault } from '../../database/secrets.ts';
import { type Paysaga, startPaysaga } from '../fixture.ts';
import { paid } from '../replay/path.ts';

/** Every POST of the API, and what makes its repeat harmless. */
const POSTS: Record<string, 'an Idempotency-Key' | 'its nature'> = {
  '/v1/payments': 'an Idempotency-Key',
  '/v1/payments/:id/refunds': 'an Idempotency-Key',
  '/v1/refunds/:id/retry': 'an Idempotency-Key',
  '/v1/combined-payments': 'an Idempotency-Key',
  '/v1/ledger/transactions/:id/reverse': 'an Idempotency-Key',
  '/v1/reconciliation-breaks/:id/comments': 'an Idempotency-Key',
  '/v1/reconciliation-breaks/:id/assign': 'an Idempotency-Key',
  '/v1/reconciliation-breaks/:id/resolve': 'an Idempotency-Key',
  // Closing twice is closing once; what they ask for is the same however often it is asked for.
  '/v1/payments/:id/close': 'its nature',
  '/v1/payments/:id/prepay': 'its nature',
  '/v1/payments/:id/sync': 'its nature',
  '/v1/payments/:id/acknowledge': 'its nature',
  '/v1/refunds/:id/recheck': 'its nature',
  '/v1/refunds/:id/resolve': 'its nature',
  // WeChat Pay's own; repeats have the same id.
  '/v1/notifications/:merchantId': 'its nature',
};

describe('repeated requests', () => {
  let paysaga: Paysaga;
  before(async () => {
    paysaga = await startPaysaga({ simulator: { scenario: { merchants: [{ mchid: '1900030000' }] } } });
  });
  after(() => paysaga.stop());

  it('are thought of for every POST there is', () => {
    const folder = new URL('../../api/', import.meta.url);
    const routes = readdirSync(folder)
      .filter((file) => file.endsWith('.ts'))
      .flatMap((file) =>
        readFileSync(new URL(file, folder), 'utf8')
          .split(/(?=\.route\()/)
          .slice(1),
      )
      .filter((route) => /\.post\(/.test(route))
      .map((route) => /\.route\('([^']*)'/.exec(route)?.[1] ?? route);
    assert.ok(routes.length > 0);
    for (const route of routes)
      assert.ok(
        Object.keys(POSTS).some((path) => path.endsWith(route.replace(/\/$/, ''))),
        `${route} is not in the table`,
      );
    assert.equal(routes.length, Object.keys(POSTS).length, routes.join(' '));
  });

  it('of everything that creates something need an Idempotency-Key', async () => {
    const payment = await paid(paysaga);
    const { body: refund } = await paysaga.call('POST', `/v1/payments/${payment.id}/refunds`, {
      amount: { refund: 1 },
    });
    const { body: ledger } = await paysaga.call('GET', `/v1/ledger/transactions?payment_id=${payment.id}`);
    const ids: Record<string, string> = {
      '/v1/payments/:id/refunds': payment.id,
      '/v1/refunds/:id/retry': refund.id,
      '/v1/ledger/transactions/:id/reverse': ledger.data[0].id,
    };
    const body: Record<string, object> = {
      '/v1/payments': { description: 'Tea', amount: { total: 1 } },
      '/v1/ledger/transactions/:id/reverse': { reason: 'test' },
      '/v1/combined-payments': {
        product: 'NATIVE',
        sub_orders: [1, 2].map((total) => ({ description: 'Tea', attach: 'c=1', amount: { total } })),
      },
    };
    for (const [path, by] of Object.entries(POSTS)) {
      // Breaks are those of a reconciliation, of which there is none here: see reconciliation-api.test.ts.
      if (by === 'its nature' || path.startsWith('/v1/reconciliation-breaks')) continue;
      const url = path.replace(':id', ids[path] ?? 'nobody');
      const answer = await paysaga.call('POST', url, body[path] ?? {}, { 'idempotency-key': '' });
      assert.equal(answer.status, 400, `${path}: ${JSON.stringify(answer.body)}`);
      assert.match(answer.body.code, /idempotency_key$/, path);
    }
  });

  it('have a key of one tenant and one resource: elsewhere the same key is another request', async () => {
    const other = await upsertTenant(paysaga.pool, 'other');
    const { merchant } = paysaga.simulator.world.get('1900030000');
    await upsertMerchant(paysaga.pool, openVault(paysaga.masterKey), other, {
      mchid: merchant.mchid,
      appid: merchant.appid,
      serialNo: merchant.serialNo,
      privateKey: merchant.privateKeyPem,
      apiV3Key: merchant.apiV3Key,
      publicKeys: { [merchant.publicKeyId]: merchant.publicKeyPem },
      apiBaseUrl: paysaga.simulator.baseUrl,
    });
    const authorization = `Bearer ${await createApiKey(paysaga.pool, other, 'other')}`;
    const key = { 'idempotency-key': randomUUID() };
    const order = { description: 'Tea', amount: { total: 100 } };
    const ours = await paysaga.call('POST', '/v1/payments', order, key);
    const theirs = await paysaga.call('POST', '/v1/payments', order, { ...key, authorization });
    assert.deepEqual([ours.status, theirs.status], [201, 201], JSON.stringify(theirs.body));
    assert.notEqual(ours.body.id, theirs.body.id);
    assert.equal(theirs.headers['idempotency-replayed'], undefined);
    const [first, second] = [await paid(paysaga), await paid(paysaga)];
    const refunds = await Promise.all(
      [first, second, first].map(({ id }) => paysaga.call('POST', `/v1/payments/${id}/refunds`, {}, key)),
    );
    assert.deepEqual(
      refunds.map(({ status }) => status),
      [201, 201, 201],
    );
    const [one, another, repeat] = refunds.map(({ body }) => body.id);
    assert.equal(repeat, one);
    assert.notEqual(another, one);
  });

  it('leave their key free when they were refused', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const refused = await paysaga.call('POST', '/v1/payments', { description: 'Tea' }, key);
    assert.equal(refused.status, 422);
    const mended = await paysaga.call(
      'POST',
      '/v1/payments',
      { description: 'Tea', amount: { total: 1 } },
      key,
    );
    assert.equal(mended.status, 201);
  });

  it('of one batch, fifty under one key, are fifty answers about one payment', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const order = { description: 'fifty', amount: { total: 100 } };
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => paysaga.call('POST', '/v1/payments', order, key)),
    );
    // 202 where WeChat Pay's answer is still to come.
    for (const { status, body } of answers) assert.ok([201, 202].includes(status), JSON.stringify(body));
    assert.equal(new Set(answers.map(({ body }) => body.id)).size, 1);
    await paysaga.until(`/v1/payments/${answers[0]?.body.id}`, 'PENDING');
    const { orders } = (await paysaga.control('GET', '/orders?limit=10000')).body;
    assert.equal(
      orders.filter(({ description }: { description: string }) => description === order.description).length,
      1,
    );
  });
});
