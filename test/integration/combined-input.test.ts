import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import {
  createCombined,
  enrolSecond,
  SECOND_MCHID,
  subOrder,
  untilCombined,
  withSecondMerchant,
} from '../combined.ts';
import { type Paysaga, startPaysaga } from '../fixture.ts';
import { enrolProvider, subMerchant } from '../provider.ts';

type Fields = Record<string, unknown>;

describe('what is said of a combined payment', () => {
  let paysaga: Paysaga;
  let second: string;
  let provider: string;
  before(async () => {
    paysaga = await startPaysaga({ simulator: withSecondMerchant() });
    second = await enrolSecond(paysaga);
    provider = await enrolProvider(paysaga);
  });
  after(() => paysaga.stop());

  const stored = async () => {
    const { rows } = await paysaga.pool.query(
      `select (select count(*)::int from combined_payments) combined, (select count(*)::int from payments) payments,
              (select count(*)::int from idempotency_keys) keys`,
    );
    return rows[0];
  };
  const two = (fields: Fields) => [subOrder(1000), subOrder(1590, fields)];
  const sub = (fields: Fields = {}) => ({ mchid: subMerchant(paysaga).mchid, ...fields });
  const OTHER_APPID = 'wx8888888888888888';

  const REFUSED: [string, () => Fields, string[]][] = [
    ['no orders', () => ({ sub_orders: undefined }), ['/sub_orders']],
    ['an empty list', () => ({ sub_orders: [] }), ['/sub_orders']],
    ['orders that are no list', () => ({ sub_orders: subOrder(1) }), ['/sub_orders']],
    ['a single order of a merchant', () => ({ sub_orders: [subOrder(1)] }), ['/sub_orders']],
    [
      'eleven orders of a merchant',
      () => ({ sub_orders: Array.from({ length: 11 }, () => subOrder(1)) }),
      ['/sub_orders'],
    ],
    [
      '51 orders',
      () => ({
        merchant_id: provider,
        sub_orders: Array.from({ length: 51 }, () => subOrder(1, { sub_merchant: sub() })),
      }),
      ['/sub_orders'],
    ],
    [
      'a number twice',
      () => ({
        sub_orders: ['TWICE01', 'ONCE001', 'TWICE01'].map((out_trade_no) => subOrder(1, { out_trade_no })),
      }),
      ['/sub_orders/2/out_trade_no'],
    ],
    [
      'a number twice, of two merchants',
      () => ({
        sub_orders: [
          subOrder(1, { out_trade_no: 'TWICE01' }),
          subOrder(1, { out_trade_no: 'TWICE01', merchant_id: second }),
        ],
      }),
      ['/sub_orders/1/out_trade_no'],
    ],
    ['no attach', () => ({ sub_orders: two({ attach: undefined }) }), ['/sub_orders/1/attach']],
    [
      'no description',
      () => ({ sub_orders: two({ description: undefined }) }),
      ['/sub_orders/1/description'],
    ],
    ['half a fen', () => ({ sub_orders: two({ amount: { total: 0.5 } }) }), ['/sub_orders/1/amount/total']],
    [
      'more than ten million yuan for one order',
      () => ({ sub_orders: two({ amount: { total: 1_000_000_001 } }) }),
      ['/sub_orders/1/amount/total'],
    ],
    [
      'dollars',
      () => ({ sub_orders: two({ amount: { total: 1, currency: 'USD' } }) }),
      ['/sub_orders/1/amount/currency'],
    ],
    [
      'a field of a payment in an order',
      () => ({ sub_orders: two({ product: 'H5' }) }),
      ['/sub_orders/1/product'],
    ],
    ['a field of a payment beside them', () => ({ description: 'Tea' }), ['/description']],
    ['a number that is too short', () => ({ combine_out_trade_no: 'SHORT' }), ['/combine_out_trade_no']],
    ['a product of the till', () => ({ product: 'MICROPAY' }), ['/product']],
    ['JSAPI without a payer', () => ({ product: 'JSAPI' }), ['/payer']],
    ['a payer of Native', () => ({ payer: { openid: 'oA' } }), ['/payer']],
    ['H5 without its fields', () => ({ product: 'H5' }), ['/h5', '/client_ip']],
    ['a merchant of nobody', () => ({ merchant_id: 'mch_unknown' }), ['/merchant_id']],
    [
      'an order of a merchant of nobody',
      () => ({ sub_orders: two({ merchant_id: 'mch_unknown' }) }),
      ['/sub_orders/1/merchant_id'],
    ],
    [
      'an order of a service provider among those of a merchant',
      () => ({ sub_orders: two({ merchant_id: provider }) }),
      ['/sub_orders/1/merchant_id'],
    ],
    [
      'a sub-merchant of a merchant',
      () => ({ sub_orders: two({ sub_merchant: sub() }) }),
      ['/sub_orders/1/sub_merchant'],
    ],
    [
      'a service provider without sub-merchants, and another merchant of it',
      () => ({ merchant_id: provider, sub_orders: two({ merchant_id: second }) }),
      ['/sub_orders/0/sub_merchant', '/sub_orders/1/sub_merchant', '/sub_orders/1/merchant_id'],
    ],
    [
      "a merchant's openid at a service provider, said once",
      () => ({
        merchant_id: provider,
        product: 'JSAPI',
        payer: { openid: 'oA' },
        sub_orders: two({ sub_merchant: sub() }).map((one) => ({ ...one, sub_merchant: sub() })),
      }),
      ['/payer/openid'],
    ],
    [
      'a customer of two appids',
      () => ({
        merchant_id: provider,
        product: 'JSAPI',
        payer: { sub_openid: 'oB' },
        sub_orders: [
          subOrder(1, { sub_merchant: subMerchant(paysaga) }),
          subOrder(2, { sub_merchant: sub({ appid: OTHER_APPID }) }),
          subOrder(3, { sub_merchant: sub() }),
        ],
      }),
      ['/sub_orders/1/sub_merchant/appid', '/sub_orders/2/sub_merchant/appid'],
    ],
  ];
  for (const [what, fields, pointers] of REFUSED) {
    it(`${what}: refused with a pointer to it, and nothing is stored`, async () => {
      const before = await stored();
      const { status, body } = await createCombined(paysaga, fields());
      assert.deepEqual([status, body.code], [422, 'invalid_request'], JSON.stringify(body));
      assert.deepEqual(
        body.errors.map(({ pointer }: { pointer: string }) => pointer),
        pointers,
      );
      assert.deepEqual(await stored(), before);
    });
  }

  it('numbers are kept, and those of each kind are used once', async () => {
    const numbers = { first: `S1${randomUUID().slice(0, 8)}`, second: `S2${randomUUID().slice(0, 8)}` };
    const fields = (combine: string, first = numbers.first) => ({
      combine_out_trade_no: combine,
      sub_orders: [subOrder(1, { out_trade_no: first }), subOrder(2, { out_trade_no: numbers.second })],
    });
    const combine = `C${randomUUID().slice(0, 8)}`;
    const { status, body } = await createCombined(paysaga, fields(combine));
    assert.equal(status, 201, JSON.stringify(body));
    assert.equal(body.combine_out_trade_no, combine);
    assert.deepEqual(
      body.sub_payments.map(({ out_trade_no }: { out_trade_no: string }) => out_trade_no),
      [numbers.first, numbers.second],
    );
    const before = await stored();
    const combineAgain = await createCombined(paysaga, { combine_out_trade_no: combine });
    assert.deepEqual([combineAgain.status, combineAgain.body.code], [409, 'combine_out_trade_no_exists']);
    const subAgain = await createCombined(paysaga, fields(`${combine}X`, `${numbers.first}X`));
    assert.deepEqual([subAgain.status, subAgain.body.code], [409, 'out_trade_no_exists']);
    assert.match(subAgain.body.detail, new RegExp(numbers.second));
    const alone = await paysaga.createPayment({
      merchant_id: paysaga.merchantId,
      out_trade_no: numbers.first,
    });
    assert.deepEqual([alone.status, alone.body.code], [409, 'out_trade_no_exists']);
    assert.deepEqual(await stored(), before, 'a refusal stores nothing, not even one of the orders');
  });

  it('the same number of another merchant is another number', async () => {
    const out_trade_no = `SAME${randomUUID().slice(0, 8)}`;
    const alone = await paysaga.createPayment({ merchant_id: second, out_trade_no });
    assert.equal(alone.body.mchid, SECOND_MCHID);
    const { status } = await createCombined(paysaga, { sub_orders: two({ out_trade_no }) });
    assert.equal(status, 201);
  });

  it('a repeat with the same key is the same combined payment, twenty at once too', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const before = await stored();
    const answers = await Promise.all(Array.from({ length: 20 }, () => createCombined(paysaga, {}, key)));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]));
    assert.equal(new Set(answers.map(({ body }) => body.id)).size, 1);
    assert.equal(answers.filter(({ headers }) => headers['idempotency-replayed']).length, 19);
    const after = await stored();
    assert.deepEqual([after.combined - before.combined, after.payments - before.payments], [1, 2]);
    const other = await createCombined(paysaga, { expires_in: 600 }, key);
    assert.deepEqual([other.status, other.body.code], [422, 'idempotency_key_reused']);
    const none = await createCombined(paysaga, {}, { 'idempotency-key': '' });
    assert.equal(none.status, 400);
  });

  it('a service provider may combine fifty orders', async () => {
    const { status, body } = await createCombined(paysaga, {
      merchant_id: provider,
      sub_orders: Array.from({ length: 50 }, () => subOrder(1_000_000_000, { sub_merchant: sub() })),
    });
    assert.equal(status, 201, JSON.stringify(body));
    assert.equal(body.amount.total, 50_000_000_000);
    assert.equal(body.sub_payments.length, 50);
    await paysaga.control('POST', `/orders/${body.sub_payments[49].out_trade_no}/pay`, {});
    const paid = await untilCombined(paysaga, body, 'PAID');
    assert.ok(paid.sub_payments.every(({ status }: { status: string }) => status === 'PAID'));
  });

  it('what is not there, or somebody else’s, is not found', async () => {
    assert.equal((await paysaga.call('GET', '/v1/combined-payments/cmb_unknown')).status, 404);
    assert.equal((await paysaga.call('POST', '/v1/combined-payments/cmb_unknown/close')).status, 404);
    const { body } = await createCombined(paysaga);
    assert.equal((await paysaga.call('GET', `/v1/payments/${body.id}`)).status, 404);
    assert.equal((await paysaga.call('GET', `/v1/combined-payments/${body.sub_payments[0].id}`)).status, 404);
    await paysaga.pool.query(`insert into tenants (id, name) values ('ten_other', 'other')`);
    await paysaga.pool.query(`update combined_payments set tenant_id = 'ten_other' where id = $1`, [body.id]);
    assert.equal((await paysaga.call('GET', `/v1/combined-payments/${body.id}`)).status, 404);
  });

  it('paths have no other methods, and the deeds no fields', async () => {
    const { body } = await createCombined(paysaga);
    const path = `/v1/combined-payments/${body.id}`;
    assert.equal((await paysaga.call('DELETE', '/v1/combined-payments')).status, 405);
    assert.equal((await paysaga.call('POST', path)).status, 405);
    for (const deed of ['close', 'prepay', 'sync']) {
      assert.equal((await paysaga.call('GET', `${path}/${deed}`)).status, 405);
      const fields = await paysaga.call('POST', `${path}/${deed}`, { force: true });
      assert.deepEqual([fields.status, fields.body.errors[0].pointer], [422, '/force']);
    }
  });
});
