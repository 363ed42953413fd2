import assert from 'node:assert/strict';
import { createApiKey } from '../../database/api-keys.ts';
import { requestCombinedAttention } from '../../database/combined-payments.ts';
import { upsertTenant } from '../../database/merchants.ts';
import {
  createCombined,
  enrolSecond,
  payCombined,
  SECOND_MCHID,
  subOrder,
  untilCombined,
  withSecondMerchant,
} from '../combined.ts';
import { eventually } from '../eventually.ts';
import { type Answer, type Paysaga, startPaysaga } from '../fixture.ts';

describe('combined payments: lists, and orders of the merchant’s own', () => {
  let paysaga: Paysaga;
  let second: string;
  before(async () => {
    paysaga = await startPaysaga({
      paymentTiming: { notifyWaitMs: 60_000 },
      simulator: withSecondMerchant(),
    });
    second = await enrolSecond(paysaga);
  });
  after(() => paysaga.stop());

  const list = (query = '', headers = {}) =>
    paysaga.call('GET', `/v1/combined-payments${query}`, undefined, headers);
  const idsOf = ({ body }: Answer): string[] => body.data.map(({ id }: { id: string }) => id);

  it('are listed newest first, with their sub-orders, forward and back, by status and attention, and nobody else’s', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1) ids.unshift((await createCombined(paysaga)).body.id);
    const all = await list();
    assert.deepEqual([idsOf(all), all.body.has_more], [ids, false]);
    const { code_url, h5_url, invocation, prepay_expires_at, sub_payments, ...one } = (
      await paysaga.call('GET', `/v1/combined-payments/${ids[0]}`)
    ).body;
    const { sub_payments: listed, ...rest } = all.body.data[0];
    assert.deepEqual(rest, one);
    assert.deepEqual(
      listed.map(({ id, amount }: Answer['body']) => [id, amount]),
      sub_payments.map(({ id, amount }: Answer['body']) => [id, amount]),
    );
    const page = await list('?limit=2');
    assert.deepEqual([idsOf(page), page.body.has_more], [ids.slice(0, 2), true]);
    const next = await list(`?limit=3&starting_after=${ids[1]}`);
    assert.deepEqual([idsOf(next), next.body.has_more], [ids.slice(2), false]);
    assert.deepEqual(idsOf(await list(`?limit=2&ending_before=${ids[3]}`)), ids.slice(1, 3));

    await payCombined(paysaga, { ...one, sub_payments });
    await untilCombined(paysaga, one, 'PAID');
    assert.deepEqual(idsOf(await list('?status=PAID')), [ids[0]]);
    await requestCombinedAttention(paysaga.pool, String(ids[2]), 'partly_paid');
    assert.deepEqual(idsOf(await list('?attention=needs_operator&status=PENDING')), [ids[2]]);

    const key = await createApiKey(paysaga.pool, await upsertTenant(paysaga.pool, 'other'), 'test');
    const stranger = { authorization: `Bearer ${key}` };
    assert.deepEqual(idsOf(await list('', stranger)), []);
    assert.equal((await list(`?starting_after=${ids[0]}`, stranger)).status, 422);
    for (const [query, pointer] of [
      ['status=REFUNDED', '/status'],
      ['order_reference=x', '/order_reference'],
      ['ending_before=cmb_none', '/ending_before'],
    ])
      assert.equal((await list(`?${query}`)).body.errors[0].pointer, pointer);
  });

  const withReferences = (...references: [string | undefined, string | undefined]) =>
    references.map((order_reference, index) =>
      subOrder(1000 + index, order_reference === undefined ? {} : { order_reference }),
    );
  const pay = async (combined: Answer['body']) => {
    await payCombined(paysaga, combined);
    return await untilCombined(paysaga, combined, 'PAID');
  };

  it('an order that two of them pay for is found: what was paid later goes back, and the rest stays', async () => {
    const first = (await createCombined(paysaga, { sub_orders: withReferences('CART-1', 'CART-2') })).body;
    const later = (await createCombined(paysaga, { sub_orders: withReferences('CART-2', 'CART-3') })).body;
    await pay(first);
    await paysaga.pool.query(
      `update payments set success_time = success_time - interval '1 minute' where combined_id = $1`,
      [first.id],
    );
    await pay(later);
    const [twice, once] = later.sub_payments;
    const refunded = await paysaga.until(`/v1/payments/${twice.id}`, 'REFUNDED');
    assert.equal(refunded.duplicate_of, first.sub_payments[1].id);
    assert.equal(refunded.order_reference, 'CART-2');
    const kept = (await paysaga.call('GET', `/v1/payments/${once.id}`)).body;
    assert.deepEqual([kept.status, kept.duplicate_of], ['PAID', null]);
    const { body } = await paysaga.call('GET', '/v1/payments?order_reference=CART-2');
    assert.equal(body.data.length, 2);
  });

  it('a single payment and a sub-order can be for the same order, too', async () => {
    const single = (
      await paysaga.createPayment({ merchant_id: paysaga.merchantId, order_reference: 'CART-5' })
    ).body;
    await paysaga.control('POST', `/orders/${single.out_trade_no}/pay`, {});
    await paysaga.until(`/v1/payments/${single.id}`, 'PAID');
    const combined = (await createCombined(paysaga, { sub_orders: withReferences('CART-5', undefined) }))
      .body;
    await paysaga.pool.query(
      `update payments set success_time = success_time - interval '1 minute' where id = $1`,
      [single.id],
    );
    await pay(combined);
    const duplicate = await paysaga.until(`/v1/payments/${combined.sub_payments[0].id}`, 'REFUNDED');
    assert.equal(duplicate.duplicate_of, single.id);
  });

  it('of two that share orders in turn and are paid at once, each order has one payer', async () => {
    const [one, other] = await Promise.all(
      [withReferences('TURN-1', 'TURN-2'), withReferences('TURN-2', 'TURN-1')].map(
        async (sub_orders) => (await createCombined(paysaga, { sub_orders })).body,
      ),
    );
    await Promise.all([pay(one), pay(other)]);
    for (const reference of ['TURN-1', 'TURN-2'])
      await eventually(`${reference} has one payer`, async () => {
        const { data } = (await paysaga.call('GET', `/v1/payments?order_reference=${reference}`)).body;
        const statuses = data.map(({ status }: Answer['body']) => status).sort();
        return JSON.stringify(statuses) === '["PAID","REFUNDED"]';
      });
  });

  it('two sub-orders of a merchant are not for one order; those of two merchants are two orders', async () => {
    const refused = await createCombined(paysaga, { sub_orders: withReferences('CART-7', 'CART-7') });
    assert.equal(refused.status, 422);
    assert.deepEqual(
      refused.body.errors.map(({ pointer }: Answer['body']) => pointer),
      ['/sub_orders/1/order_reference'],
    );
    const { status, body } = await createCombined(paysaga, {
      sub_orders: [
        subOrder(1, { order_reference: 'CART-7' }),
        subOrder(2, { order_reference: 'CART-7', merchant_id: second }),
      ],
    });
    assert.equal(status, 201, JSON.stringify(body));
    assert.equal(body.sub_payments[1].mchid, SECOND_MCHID);
    const paid = await pay(body);
    for (const { duplicate_of } of paid.sub_payments) assert.equal(duplicate_of, null);
  });
});
