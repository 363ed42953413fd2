import assert from 'node:assert/strict';
import { upsertMerchant } from '../../database/merchants.ts';
import { openVault } from '../../database/secrets.ts';
import type { OtherAppid } from '../../domain/appid.ts';
import { COMBINED_PRODUCTS } from '../../domain/combined-payment.ts';
import { isCharged, PRODUCT_NAMES, PRODUCTS, type Product } from '../../domain/product.ts';
import { merchantCertificate } from '../../simulator/keys/certificate.ts';
import { createCombined, payCombined, subOrder, untilCombined } from '../combined.ts';
import { eventually } from '../eventually.ts';
import { type Answer, type Paysaga, startPaysaga } from '../fixture.ts';
import { PASSWORD_FEN, TILLS } from '../till.ts';

const MCHID = '1900088002';
const SP_MCHID = '1900088003';
const SUB = { mchid: '1900031112', appid: 'wx00112233445566ab' };
const [FIRST, MINI, APP, SHOP] = [
  'wx0000000000000001',
  'wx0000000000000002',
  'wx0000000000000003',
  'wx0000000000000004',
];
const OTHERS: OtherAppid[] = [
  { appid: MINI, products: ['MINI_PROGRAM', 'CODEPAY'] },
  { appid: APP, products: ['APP'] },
  { appid: SHOP, products: [] },
];
const STRANGER = 'wx9999999999999999';

/** A merchant has a mini program, an official account and an app: each order is under one of their appids. */
describe('appids of a merchant', () => {
  let paysaga: Paysaga;
  const ids = { merchant: '', partner: '' };
  const enrolled = async (mchid: string, role: 'merchant' | 'partner', otherAppids = OTHERS) => {
    const { merchant } = paysaga.simulator.world.get(mchid);
    const { id } = await upsertMerchant(paysaga.pool, openVault(paysaga.masterKey), paysaga.tenantId, {
      mchid,
      appid: merchant.appid,
      otherAppids,
      role,
      serialNo: merchant.serialNo,
      privateKey: merchant.privateKeyPem,
      apiV3Key: merchant.apiV3Key,
      publicKeys: { [merchant.publicKeyId]: merchant.publicKeyPem },
      apiBaseUrl: paysaga.simulator.baseUrl,
      apiV2Key: merchant.apiV2Key,
      certificate: await merchantCertificate(merchant),
    });
    return id;
  };
  before(async () => {
    paysaga = await startPaysaga({
      simulator: {
        seed: 42,
        scenario: {
          merchants: [
            { mchid: MCHID, appid: FIRST, other_appids: [MINI, APP, SHOP] },
            { mchid: SP_MCHID, appid: FIRST, other_appids: [MINI, APP, SHOP], sub_merchants: [SUB] },
          ],
        },
      },
      paymentTiming: {
        notifyWaitMs: 60_000,
        reversal: { earliestMs: 300, codeLivesMs: 1_500, settlesMs: 1_000 },
      },
    });
    ids.merchant = await enrolled(MCHID, 'merchant');
    ids.partner = await enrolled(SP_MCHID, 'partner');
  });
  after(() => paysaga.stop());

  const takers = {
    merchant: { fields: () => ({ merchant_id: ids.merchant }), payer: { openid: 'oA1b' } },
    partner: {
      fields: () => ({ merchant_id: ids.partner, sub_merchant: { mchid: SUB.mchid } }),
      payer: { sp_openid: 'oA1b' },
    },
  } as const;
  const productFields = (product: Product, payer: object) => ({
    product,
    ...(PRODUCTS[product].namesPayer && { payer }),
    ...(product === 'H5' && { client_ip: '203.0.113.9', h5: { type: 'Wap' } }),
    ...TILLS.find((till) => till.product === product)?.fields,
  });
  const accepted = ({ status, body }: Answer) => {
    assert.ok(status === 201 || status === 202, JSON.stringify(body));
    return body;
  };
  const order = async (number: string) => (await paysaga.control('GET', `/orders/${number}`)).body;
  const pay = (number: string) => paysaga.control('POST', `/orders/${number}/pay`, {});
  const unless = (product: Product) =>
    OTHERS.find(({ products }) => products.includes(product))?.appid ?? FIRST;

  for (const [role, { fields, payer }] of Object.entries(takers)) {
    for (const product of PRODUCT_NAMES) {
      it(`${product} of a ${role} is ordered under the product’s appid, or the one that is asked for, and paid`, async () => {
        for (const wanted of [undefined, SHOP]) {
          const appid = wanted ?? unless(product);
          const body = accepted(
            await paysaga.createPayment({
              ...fields(),
              ...productFields(product, payer),
              ...(wanted && { appid: wanted }),
            }),
          );
          assert.equal(body.appid, appid);
          if (product === 'JSAPI' || product === 'APP') assert.equal(body.invocation.appId, appid);
          if (!isCharged(product)) await pay(body.out_trade_no);
          const paid = await paysaga.until(`/v1/payments/${body.id}`, 'PAID');
          assert.equal(paid.attention, 'none');
          assert.equal((await order(body.out_trade_no)).appid, appid);
        }
      });
    }

    for (const { product } of TILLS) {
      it(`${product} of a ${role} under another appid is asked after and taken back`, async () => {
        const body = accepted(
          await paysaga.createPayment({
            ...fields(),
            ...productFields(product, payer),
            appid: APP,
            amount: { total: PASSWORD_FEN },
          }),
        );
        await paysaga.call('POST', `/v1/payments/${body.id}/close`);
        await paysaga.until(`/v1/payments/${body.id}`, 'CLOSED');
        const { trade_state, appid } = await order(body.out_trade_no);
        assert.deepEqual([trade_state, appid], ['REVOKED', APP]);
      });
    }

    for (const product of COMBINED_PRODUCTS) {
      it(`combined ${product} of a ${role} is ordered, paid and closed under the appid that is asked for`, async () => {
        const { merchant_id, ...sub } = fields() as { merchant_id: string; sub_merchant?: object };
        const create = async () =>
          accepted(
            await createCombined(paysaga, {
              merchant_id,
              ...productFields(product, payer),
              appid: SHOP,
              sub_orders: [subOrder(1000, sub), subOrder(1590, sub)],
            }),
          );
        const [paid, closed] = [await create(), await create()];
        assert.deepEqual([paid.appid, paid.sub_payments[0].appid], [SHOP, SHOP]);
        await payCombined(paysaga, paid);
        await untilCombined(paysaga, paid, 'PAID');
        await paysaga.call('POST', `/v1/combined-payments/${closed.id}/close`);
        await untilCombined(paysaga, closed, 'CLOSED');
        for (const { sub_payments } of [paid, closed])
          assert.equal((await order(sub_payments[0].out_trade_no)).appid, SHOP);
      });
    }

    it(`a stranger’s appid: 422 at /appid, for payments and combined ones of a ${role}`, async () => {
      const { merchant_id, ...sub } = fields() as { merchant_id: string; sub_merchant?: object };
      const answers = [
        await paysaga.createPayment({ ...fields(), appid: STRANGER }),
        await createCombined(paysaga, {
          merchant_id,
          appid: STRANGER,
          sub_orders: [subOrder(1, sub), subOrder(2, sub)],
        }),
      ];
      for (const { status, body } of answers) {
        assert.equal(status, 422);
        assert.deepEqual(
          body.errors.map(({ pointer }: Answer['body']) => pointer),
          ['/appid'],
        );
        assert.match(body.errors[0].detail, new RegExp(FIRST));
      }
    });
  }

  it('the sub-merchant’s appid is none of the service provider’s', async () => {
    const { status, body } = await paysaga.createPayment({ ...takers.partner.fields(), appid: SUB.appid });
    assert.equal(status, 422);
    assert.equal(body.errors[0].pointer, '/appid');
  });

  it('money under another appid of the same merchant settles nothing, and an operator sees both', async () => {
    const body = accepted(await paysaga.createPayment({ ...takers.merchant.fields(), appid: MINI }));
    await paysaga.pool.query('update payments set appid = $2 where id = $1', [body.id, APP]);
    await pay(body.out_trade_no);
    const shown = await eventually('it is shown to an operator', async () => {
      const { body: now } = await paysaga.call('GET', `/v1/payments/${body.id}`);
      return now.attention === 'needs_operator' && now;
    });
    assert.deepEqual([shown.status, shown.attention_reason], ['PENDING', 'appid_differs']);
    const { wechat_pay, paysaga: ours } = shown.attention_details;
    assert.deepEqual([wechat_pay.appid, ours.appid], [MINI, APP]);
  });

  it('an order goes on under its appid when that is the merchant’s no more', async () => {
    const create = async () =>
      accepted(
        await createCombined(paysaga, {
          ...takers.merchant.fields(),
          appid: SHOP,
          sub_orders: [subOrder(1), subOrder(2)],
        }),
      );
    const combined = await create();
    try {
      await enrolled(
        MCHID,
        'merchant',
        OTHERS.filter(({ appid }) => appid !== SHOP),
      );
      await paysaga.call('POST', `/v1/combined-payments/${combined.id}/close`);
      await untilCombined(paysaga, combined, 'CLOSED');
      const { status } = await paysaga.createPayment({ ...takers.merchant.fields(), appid: SHOP });
      assert.equal(status, 422);
    } finally {
      await enrolled(MCHID, 'merchant');
    }
  });
});
