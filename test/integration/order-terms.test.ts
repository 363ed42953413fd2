import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { COMBINED_PRODUCTS } from '../../domain/combined-payment.ts';
import { type CashierProduct, isCharged, PRODUCT_NAMES, PRODUCTS } from '../../domain/product.ts';
import { createCombined, subOrder } from '../combined.ts';
import { type Answer, type Paysaga, startPaysaga } from '../fixture.ts';
import { subMerchant } from '../provider.ts';
import { reachThrough, startRecorder } from '../recorder.ts';
import { AUTH_CODE, FACE_CODE } from '../till.ts';

const CLIENT_IP = '203.0.113.9';
const GOODS = {
  merchant_goods_id: 'SKU-88',
  wechatpay_goods_id: '1001',
  goods_name: 'Tea',
  quantity: 1,
  unit_price: 2790,
};
const TERMS = {
  goods_tag: 'SPRING',
  detail: { cost_price: 2790, invoice_id: 'R-5', goods_detail: [GOODS] },
  support_fapiao: true,
  settle_info: { profit_sharing: true },
};
const PLACE = {
  device_id: 'POS7-01',
  store_info: { id: 'S01', name: 'Harbour', area_code: '440305', address: '1 Pier Rd' },
};

const cashierFields = (product: CashierProduct, payer: object) => ({
  product,
  client_ip: CLIENT_IP,
  ...(PRODUCTS[product].namesPayer && { payer }),
  ...(product === 'H5' && { h5: { type: 'Wap' } }),
});

/** What an order may say besides price and parties, and what WeChat Pay hears of it. */
describe('terms of orders and refunds', () => {
  let paysaga: Paysaga;
  let recorder: Awaited<ReturnType<typeof startRecorder>>;
  const ids = { merchant: '', partner: '' };
  before(async () => {
    paysaga = await startPaysaga({ simulator: { seed: 41 } });
    recorder = await startRecorder(paysaga.simulator);
    const { merchant, world } = paysaga.simulator;
    ids.merchant = await reachThrough(paysaga, recorder.url, merchant, 'merchant');
    ids.partner = await reachThrough(paysaga, recorder.url, world.provider, 'partner');
  });
  after(async () => {
    await paysaga.stop();
    await recorder.stop();
  });

  const takers = {
    merchant: { fields: () => ({ merchant_id: ids.merchant }), payer: { openid: 'oA1b' } },
    partner: {
      fields: () => ({
        merchant_id: ids.partner,
        sub_merchant: { mchid: subMerchant(paysaga).mchid },
      }),
      payer: { sp_openid: 'oA1b' },
    },
  } as const;
  /** Bodies that were sent and speak of this number, oldest first. */
  const sentOf = (number: string) =>
    recorder.sent.filter(({ body }) => body.includes(number)).map(({ body }) => body);
  const firstOf = (number: string) => JSON.parse(sentOf(number)[0] ?? 'null');
  const accepted = ({ status, body }: Answer) => {
    assert.equal(status, 201, JSON.stringify(body));
    return body;
  };

  for (const [role, { fields, payer }] of Object.entries(takers)) {
    for (const product of PRODUCT_NAMES.filter((name): name is CashierProduct => !isCharged(name))) {
      it(`${product} of a ${role}: every term reaches WeChat Pay, and the API shows it`, async () => {
        const terms = { ...TERMS, limit_pay: ['no_credit', 'no_debit'] };
        const request = { ...fields(), ...cashierFields(product, payer), ...terms, scene_info: PLACE };
        const body = accepted(await paysaga.createPayment(request));
        const { scene_info, ...sent } = firstOf(body.out_trade_no);
        for (const [name, value] of Object.entries(terms)) {
          assert.deepEqual(sent[name], value, name);
          assert.deepEqual(body[name], value, name);
        }
        const h5 = product === 'H5' && { h5_info: { type: 'Wap' } };
        assert.deepEqual(scene_info, { payer_client_ip: CLIENT_IP, ...PLACE, ...h5 });
      });
    }

    it(`CODEPAY of a ${role}: goods are named as payment codes name them`, async () => {
      const till = { device_id: 'POS7', device_ip: CLIENT_IP, store_info: { out_id: 'HARBOUR-1' } };
      const request = { ...fields(), product: 'CODEPAY', auth_code: AUTH_CODE, scene_info: till, ...TERMS };
      const body = accepted(await paysaga.createPayment(request));
      const { goods_tag, detail, support_fapiao, settle_info, scene_info } = firstOf(body.out_trade_no);
      const { wechatpay_goods_id: wxpay_goods_id, ...goods } = GOODS;
      assert.deepEqual(
        { goods_tag, detail, support_fapiao, settle_info, scene_info },
        {
          ...TERMS,
          detail: { ...TERMS.detail, goods_detail: [{ ...goods, wxpay_goods_id }] },
          scene_info: till,
        },
      );
      assert.equal(body.status, 'PAID');
    });

    for (const [product, shown] of [
      ['MICROPAY', { auth_code: AUTH_CODE }],
      ['FACEPAY', { face_code: FACE_CODE }],
    ] as const) {
      it(`${product} of a ${role}: terms are said in the words of the XML API`, async () => {
        const request = {
          ...fields(),
          product,
          ...shown,
          scene_info: { device_ip: CLIENT_IP },
          ...TERMS,
          limit_pay: ['no_credit'],
        };
        const body = accepted(await paysaga.createPayment(request));
        const xml = sentOf(body.out_trade_no)[0] ?? '';
        const element = (name: string) =>
          new RegExp(`<${name}>(?:<!\\[CDATA\\[)?(.*?)(?:\\]\\]>)?</${name}>`, 's').exec(xml)?.[1];
        assert.deepEqual(['goods_tag', 'receipt', 'limit_pay', 'profit_sharing', 'version'].map(element), [
          'SPRING',
          'Y',
          'no_credit',
          'Y',
          product === 'MICROPAY' ? '1.0' : undefined,
        ]);
        assert.deepEqual(JSON.parse(element('detail') ?? ''), {
          cost_price: 2790,
          receipt_id: 'R-5',
          goods_detail: [
            { goods_id: 'SKU-88', wxpay_goods_id: '1001', goods_name: 'Tea', quantity: 1, price: 2790 },
          ],
        });
      });
    }

    for (const product of COMBINED_PRODUCTS) {
      it(`combined ${product} of a ${role}: each sub-order says its own terms`, async () => {
        const { merchant_id, ...sub } = fields() as { merchant_id: string; sub_merchant?: object };
        const own = {
          goods_tag: 'SPRING',
          detail: 'a pot',
          settle_info: { profit_sharing: true, subsidy_amount: 5 },
        };
        const body = accepted(
          await createCombined(paysaga, {
            merchant_id,
            ...cashierFields(product, payer),
            limit_pay: ['no_balance'],
            scene_info: { device_id: 'POS7-01' },
            sub_orders: [subOrder(1000, { ...sub, ...own }), subOrder(1590, sub)],
          }),
        );
        const { limit_pay, scene_info, sub_orders } = firstOf(body.combine_out_trade_no);
        assert.deepEqual([limit_pay, scene_info.device_id], [['no_balance'], 'POS7-01']);
        const { goods_tag, detail, settle_info } = sub_orders[0];
        assert.deepEqual({ goods_tag, detail, settle_info }, own);
        assert.deepEqual(
          ['goods_tag', 'detail', 'settle_info'].map((name) => name in sub_orders[1]),
          [false, false, false],
        );
        assert.equal(body.sub_payments[0].goods_tag, 'SPRING');
      });
    }

    it(`a refund of a ${role} says which account pays and what is given back, in every attempt`, async () => {
      const payment = accepted(await paysaga.createPayment(fields()));
      await paysaga.control('POST', `/orders/${payment.out_trade_no}/pay`, {});
      await paysaga.until(`/v1/payments/${payment.id}`, 'PAID');
      const from = [
        { account: 'AVAILABLE', amount: 600 },
        { account: 'UNAVAILABLE', amount: 400 },
      ];
      const { quantity: _, ...goods } = GOODS;
      const terms = {
        funds_account: 'AVAILABLE',
        goods_detail: [{ ...goods, refund_amount: 1000, refund_quantity: 1 }],
      };
      await paysaga.control('POST', '/faults', {
        operation: 'refund.create',
        kind: 'refused',
        code: 'INVALID_REQUEST',
        out_trade_no: payment.out_trade_no,
      });
      const refused = await paysaga.call('POST', `/v1/payments/${payment.id}/refunds`, {
        amount: { refund: 1000, from },
        ...terms,
      });
      assert.equal(refused.body.code, 'gateway_rejected', JSON.stringify(refused.body));
      const path = `/v1/refunds/${refused.body.refund_id}`;
      const refund = await paysaga.call('POST', `${path}/retry`);
      assert.equal(refund.status, 200, JSON.stringify(refund.body));
      assert.equal(refund.body.attempts.length, 2);
      for (const { out_refund_no } of refund.body.attempts) {
        const { amount, funds_account, goods_detail } = firstOf(out_refund_no);
        assert.deepEqual({ funds_account, goods_detail }, terms);
        assert.deepEqual(amount, { refund: 1000, total: 2590, currency: 'CNY', from });
      }
      assert.deepEqual(
        [refund.body.funds_account, refund.body.goods_detail, refund.body.amount.from],
        [terms.funds_account, terms.goods_detail, from],
      );
    });
  }

  it('a repeat after a lost answer sends the same bytes, terms included', async () => {
    await paysaga.control('POST', '/faults', {
      operation: 'native.create',
      kind: 'error_500',
      processed: true,
    });
    const request = { ...takers.merchant.fields(), ...TERMS, limit_pay: ['no_balance'] };
    const { out_trade_no } = accepted(await paysaga.createPayment(request));
    const sent = sentOf(out_trade_no);
    assert.ok(sent.length >= 2, 'it was repeated');
    assert.equal(new Set(sent).size, 1);
  });

  it('terms are part of what an Idempotency-Key stands for', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const request = { ...takers.merchant.fields(), description: 'Tea', amount: { total: 1 }, goods_tag: 'A' };
    accepted(await paysaga.call('POST', '/v1/payments', request, headers));
    const other = await paysaga.call('POST', '/v1/payments', { ...request, goods_tag: 'B' }, headers);
    assert.deepEqual([other.status, other.body.code], [422, 'idempotency_key_reused']);
  });

  const micropay = { product: 'MICROPAY', auth_code: AUTH_CODE, scene_info: { device_ip: CLIENT_IP } };
  const codepay = { product: 'CODEPAY', auth_code: AUTH_CODE, scene_info: { store_info: { out_id: 'S' } } };
  const many = Array.from({ length: 60 }, () => ({ ...GOODS, goods_name: 'T'.repeat(64) }));
  const REFUSED: [string, object, ...string[]][] = [
    ['a tag of 33 characters', { goods_tag: 'x'.repeat(33) }, '/goods_tag'],
    ['a fapiao that is no choice', { support_fapiao: 'yes' }, '/support_fapiao'],
    ['goods of more than 6144 bytes', { detail: { goods_detail: many } }, '/detail'],
    ['no goods', { detail: { goods_detail: [] } }, '/detail/goods_detail'],
    [
      'half a thing',
      { detail: { goods_detail: [{ ...GOODS, quantity: 0.5 }] } },
      '/detail/goods_detail/0/quantity',
    ],
    [
      'an unknown field of goods',
      { detail: { goods_detail: [{ ...GOODS, wxpay_goods_id: '1' }] } },
      '/detail/goods_detail/0/wxpay_goods_id',
    ],
    ['an unknown means of payment', { limit_pay: ['no_cash'] }, '/limit_pay/0'],
    ['no means of payment', { limit_pay: [] }, '/limit_pay'],
    ['the same means twice', { limit_pay: ['no_debit', 'no_debit'] }, '/limit_pay'],
    ['limits of a payment code', { ...codepay, limit_pay: ['no_credit'] }, '/limit_pay'],
    ['limits that v2 has not', { ...micropay, limit_pay: ['no_debit'] }, '/limit_pay'],
    ['an empty settle_info', { settle_info: {} }, '/settle_info/profit_sharing'],
    [
      'a subsidy of a single order',
      { settle_info: { profit_sharing: true, subsidy_amount: 1 } },
      '/settle_info/subsidy_amount',
    ],
    ['a place without an address', { scene_info: { device_id: 'x' } }, '/client_ip'],
    [
      'a till’s address',
      { client_ip: CLIENT_IP, scene_info: { device_ip: CLIENT_IP } },
      '/scene_info/device_ip',
    ],
    [
      'a shop by the merchant’s own number',
      { client_ip: CLIENT_IP, scene_info: { store_info: { out_id: 'S' } } },
      '/scene_info/store_info/out_id',
    ],
    [
      'the name of a till’s shop',
      { ...codepay, scene_info: { store_info: { out_id: 'S', name: 'Harbour' } } },
      '/scene_info/store_info/name',
    ],
  ];
  for (const [what, fields, ...pointers] of REFUSED) {
    it(`${what}: 422 at ${pointers.join(', ')}`, async () => {
      const { status, body } = await paysaga.createPayment({ ...takers.merchant.fields(), ...fields });
      assert.equal(status, 422, JSON.stringify(body));
      assert.deepEqual(
        body.errors.map(({ pointer }: { pointer: string }) => pointer),
        pointers,
      );
    });
  }

  const REFUSED_REFUNDS: [string, object, string][] = [
    ['an account that pays no refunds', { funds_account: 'BASIC' }, '/funds_account'],
    [
      'shares that do not add up',
      { amount: { refund: 10, from: [{ account: 'AVAILABLE', amount: 9 }] } },
      '/amount/from',
    ],
    [
      'an account twice',
      { amount: { refund: 2, from: [1, 1].map((amount) => ({ account: 'AVAILABLE', amount })) } },
      '/amount/from',
    ],
    ['no goods', { goods_detail: [] }, '/goods_detail'],
  ];
  for (const [what, fields, pointer] of REFUSED_REFUNDS) {
    it(`a refund with ${what}: 422 at ${pointer}`, async () => {
      const { status, body } = await paysaga.call('POST', '/v1/payments/pay_x/refunds', fields);
      assert.equal(status, 422, JSON.stringify(body));
      assert.deepEqual(
        body.errors.map((error: { pointer: string }) => error.pointer),
        [pointer],
      );
    });
  }

  const REFUSED_COMBINED: [string, object, string][] = [
    ['no_credit', { limit_pay: ['no_credit'] }, '/limit_pay/0'],
    [
      'a short device of H5',
      { product: 'H5', client_ip: CLIENT_IP, h5: { type: 'Wap' }, scene_info: { device_id: 'POS7' } },
      '/scene_info/device_id',
    ],
    ['a shop', { client_ip: CLIENT_IP, scene_info: PLACE }, '/scene_info/store_info'],
    [
      'goods as a list',
      { sub_orders: [subOrder(1, { detail: TERMS.detail }), subOrder(2)] },
      '/sub_orders/0/detail',
    ],
  ];
  for (const [what, fields, pointer] of REFUSED_COMBINED) {
    it(`a combined payment with ${what}: 422 at ${pointer}`, async () => {
      const { status, body } = await createCombined(paysaga, { ...takers.merchant.fields(), ...fields });
      assert.equal(status, 422, JSON.stringify(body));
      assert.deepEqual(
        body.errors.map((error: { pointer: string }) => error.pointer),
        [pointer],
      );
    });
  }
});
