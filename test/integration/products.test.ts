import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { type CashierProduct, isCharged, PRODUCT_NAMES, PRODUCTS } from '../../domain/product.ts';
import type { SimulatedMerchant } from '../../simulator/index.ts';
import { type Answer, type Paysaga, startPaysaga } from '../fixture.ts';
import { enrolProvider, subMerchant } from '../provider.ts';

/** What customers show at a till is in charges.test.ts. */
const CASHIER = PRODUCT_NAMES.filter((name): name is CashierProduct => !isCharged(name));

/** Somebody who takes money, with what their requests say. */
interface Taker {
  who: string;
  /** Who signs. */
  merchant(paysaga: Paysaga): SimulatedMerchant;
  /** Fields of every request. */
  fields(paysaga: Paysaga, providerId: string): Record<string, unknown>;
  payer: Record<string, string>;
  /** The appid that invocation parameters name. */
  appId(paysaga: Paysaga, product: CashierProduct): string;
}

const TAKERS: Taker[] = [
  {
    who: 'a merchant',
    merchant: ({ simulator }) => simulator.merchant,
    fields: ({ merchantId }) => ({ merchant_id: merchantId }),
    payer: { openid: 'oPRIVATE-1' },
    appId: ({ simulator }) => simulator.merchant.appid,
  },
  {
    who: 'a service provider',
    merchant: ({ simulator }) => simulator.world.provider,
    fields: (paysaga, merchant_id) => ({
      merchant_id,
      sub_merchant: { mchid: subMerchant(paysaga).mchid },
    }),
    payer: { sp_openid: 'oPRIVATE-2' },
    appId: ({ simulator }) => simulator.world.provider.appid,
  },
  {
    who: 'a service provider whose sub-merchant knows the customer',
    merchant: ({ simulator }) => simulator.world.provider,
    fields: (paysaga, merchant_id) => ({ merchant_id, sub_merchant: subMerchant(paysaga) }),
    payer: { sub_openid: 'oPRIVATE-3' },
    appId: (paysaga) => subMerchant(paysaga).appid,
  },
];

const TRADE_TYPES = {
  NATIVE: 'NATIVE',
  JSAPI: 'JSAPI',
  MINI_PROGRAM: 'JSAPI',
  APP: 'APP',
  H5: 'MWEB',
} as const;
const CLIENT_IP = '203.0.113.9';
const BACK = 'https://shop.example.com/back?order=1&x=2';

function productFields(product: CashierProduct, payer: Record<string, string>): Record<string, unknown> {
  return {
    product,
    ...(PRODUCTS[product].namesPayer && { payer }),
    ...(product === 'H5' && { client_ip: CLIENT_IP, h5: { type: 'Wap', redirect_url: BACK } }),
  };
}

const pay = (paysaga: Paysaga, { out_trade_no }: { out_trade_no: string }) =>
  paysaga.control('POST', `/orders/${out_trade_no}/pay`, {});

/** Checks that the front end can open the cashier with the answer. */
function assertCashier(
  body: Answer['body'],
  product: CashierProduct,
  { merchant, appId, prepayId }: { merchant: SimulatedMerchant; appId: string; prepayId: string },
): void {
  const signs = (signature: string, ...lines: string[]) =>
    assert.ok(
      verify(
        'RSA-SHA256',
        Buffer.from(lines.map((line) => `${line}\n`).join('')),
        createPublicKey(merchant.privateKeyPem),
        Buffer.from(signature, 'base64'),
      ),
    );
  assert.equal(body.code_url !== null, product === 'NATIVE');
  assert.equal(body.h5_url !== null, product === 'H5');
  assert.equal(body.invocation !== null, PRODUCTS[product].answer === 'prepay_id');
  assert.match(body.prepay_expires_at, /\+08:00$/);
  const { invocation } = body;
  switch (product) {
    case 'NATIVE':
      assert.match(body.code_url, /^weixin:\/\/wxpay\/bizpayurl\?pr=/);
      break;
    case 'H5': {
      const url = new URL(body.h5_url);
      assert.equal(url.host, 'wx.tenpay.com');
      assert.equal(url.searchParams.get('redirect_url'), BACK);
      break;
    }
    case 'APP':
      assert.equal(invocation.appId, appId);
      assert.equal(invocation.partnerId, merchant.mchid);
      assert.equal(invocation.prepayId, prepayId);
      signs(invocation.sign, appId, invocation.timeStamp, invocation.nonceStr, prepayId);
      break;
    default:
      assert.equal(invocation.appId, product === 'JSAPI' ? appId : undefined);
      assert.equal(invocation.package, `prepay_id=${prepayId}`);
      assert.equal(invocation.signType, 'RSA');
      signs(invocation.paySign, appId, invocation.timeStamp, invocation.nonceStr, `prepay_id=${prepayId}`);
  }
}

describe('products, with notifications', () => {
  let paysaga: Paysaga;
  let providerId: string;
  before(async () => {
    paysaga = await startPaysaga({ paymentTiming: { notifyWaitMs: 60_000 } });
    providerId = await enrolProvider(paysaga);
  });
  after(() => paysaga.stop());

  for (const taker of TAKERS) {
    for (const product of CASHIER) {
      it(`${product} of ${taker.who}: the cashier opens, a notification settles it, it is paid back`, async () => {
        const merchant = taker.merchant(paysaga);
        const fields = { ...taker.fields(paysaga, providerId), ...productFields(product, taker.payer) };
        const { status, body } = await paysaga.createPayment(fields);
        assert.equal(status, 201, JSON.stringify(body));
        assert.equal(body.status, 'PENDING');
        assert.equal(body.product, product);
        assert.equal(body.mchid, merchant.mchid);
        const order = (await paysaga.control('GET', `/orders/${body.out_trade_no}`)).body;
        assert.equal(order.trade_type, TRADE_TYPES[product]);
        assert.equal(order.mchid, merchant.mchid);
        assert.equal(order.sub_mchid, body.sub_merchant?.mchid ?? null);
        const cashier = { merchant, appId: taker.appId(paysaga, product), prepayId: order.prepay_id };
        assertCashier(body, product, cashier);

        const read = (await paysaga.call('GET', `/v1/payments/${body.id}`)).body;
        assertCashier(read, product, cashier);
        if (body.invocation) assert.notEqual(read.invocation.nonceStr, body.invocation.nonceStr);

        await pay(paysaga, body);
        const paid = await paysaga.until(`/v1/payments/${body.id}`, 'PAID');
        assert.match(paid.transaction_id, /^4200/);
        assert.deepEqual(
          [paid.code_url, paid.h5_url, paid.invocation, paid.prepay_expires_at],
          [null, null, null, null],
        );
        const workflowId = `payment/${merchant.mchid}/${body.out_trade_no}`;
        assert.deepEqual(await paysaga.client.workflow.getHandle(workflowId).result(), { status: 'PAID' });
        const history = await paysaga.history(workflowId);
        assert.ok(history.length <= 16, `${history.length} events: ${history.join(' ')}`);

        const refund = await paysaga.call('POST', `/v1/payments/${body.id}/refunds`, {});
        assert.equal(refund.status, 201, JSON.stringify(refund.body));
        await paysaga.until(`/v1/refunds/${refund.body.id}`, 'SUCCEEDED');
        assert.equal((await paysaga.until(`/v1/payments/${body.id}`, 'REFUNDED')).amount.refunded, 2590);
      });
    }
  }

  it('who pays and from where is said to nobody but WeChat Pay', async () => {
    const { rows } = await paysaga.pool.query(
      `select coalesce(jsonb_agg(to_jsonb(e)), '[]')::text events, (select count(*)::int from payments) payments from events e`,
    );
    assert.ok(rows[0].payments >= TAKERS.length * CASHIER.length);
    const texts: string[] = [rows[0].events];
    const query = `TaskQueue = '${paysaga.taskQueue}'`;
    for await (const execution of paysaga.client.workflow.list({ query })) {
      const { events } = await paysaga.client.workflow.getHandle(execution.workflowId).fetchHistory();
      // Payloads are bytes: read as text.
      texts.push(
        JSON.stringify([execution.memo, execution.searchAttributes, events], (_key, value) =>
          value instanceof Uint8Array
            ? Buffer.from(value).toString('latin1')
            : typeof value === 'bigint'
              ? String(value)
              : value,
        ),
      );
    }
    for (const text of texts) {
      assert.ok(!text.includes('oPRIVATE'), 'an openid');
      assert.ok(!text.includes(CLIENT_IP), 'an address');
      assert.ok(!/weixin:\/\/|prepay_id=/.test(text), 'a code');
    }
  });
});

describe('products, without notifications', () => {
  let paysaga: Paysaga;
  let providerId: string;
  before(async () => {
    paysaga = await startPaysaga({
      // Behind, so that a window of one minute ends after two seconds.
      apiClock: () => Date.now() - 58_000,
      // No poll falls together with the end of the window, which would add the events of a repeated workflow task.
      paymentTiming: { notifyWaitMs: 200, pollGapsMs: [300, 300, 60_000] },
    });
    providerId = await enrolProvider(paysaga);
    await paysaga.control('POST', '/faults', { operation: 'notification', kind: 'drop', times: null });
  });
  after(() => paysaga.stop());

  for (const taker of TAKERS) {
    for (const product of CASHIER) {
      it(`${product} of ${taker.who}: polling finds the money; what nobody pays is closed`, async () => {
        const { mchid } = taker.merchant(paysaga);
        const fields = { ...taker.fields(paysaga, providerId), ...productFields(product, taker.payer) };
        const [paid, unpaid] = await Promise.all([
          paysaga.createPayment(fields),
          paysaga.createPayment({ ...fields, expires_in: 60 }),
        ]);
        assert.equal(paid.status, 201, JSON.stringify(paid.body));
        await pay(paysaga, paid.body);
        await paysaga.until(`/v1/payments/${paid.body.id}`, 'PAID');
        await paysaga.until(`/v1/payments/${unpaid.body.id}`, 'CLOSED');
        const { body: order } = await paysaga.control('GET', `/orders/${unpaid.body.out_trade_no}`);
        assert.equal(order.trade_state, 'CLOSED');
        for (const [{ body }, most] of [
          [paid, 22],
          [unpaid, 26],
        ] as const) {
          const workflowId = `payment/${mchid}/${body.out_trade_no}`;
          await paysaga.client.workflow.getHandle(workflowId).result();
          const history = await paysaga.history(workflowId);
          // News that comes while a workflow task is under way has it repeated.
          const repeats = history.filter((event) => event === 'workflowTaskFailed').length;
          assert.ok(history.length <= most + 5 * repeats, `${history.length} events: ${history.join(' ')}`);
        }
      });
    }
  }
});
