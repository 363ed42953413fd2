import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { listEventTypes } from '../../database/events.ts';
import { balances } from '../../database/ledger.ts';
import { COMBINED_PRODUCTS, type CombinedProduct } from '../../domain/combined-payment.ts';
import { PRODUCTS } from '../../domain/product.ts';
import type { SimulatedMerchant } from '../../simulator/index.ts';
import {
  combinedEvents,
  combinedId,
  createCombined,
  enrolSecond,
  payCombined,
  SECOND_MCHID,
  subOrder,
  subStatuses,
  untilCombined,
  withSecondMerchant,
} from '../combined.ts';
import { type Answer, type Paysaga, startPaysaga } from '../fixture.ts';
import { enrolProvider, subMerchant } from '../provider.ts';

const CLIENT_IP = '203.0.113.9';
const BACK = 'https://shop.example.com/back?order=1&x=2';

/** Somebody who combines orders, with what their requests say. */
interface Combiner {
  who: string;
  merchant(paysaga: Paysaga): SimulatedMerchant;
  fields(paysaga: Paysaga, ids: Ids): Record<string, unknown>;
  payer: Record<string, string>;
  appId(paysaga: Paysaga, product: CombinedProduct): string;
  /** The mchid and sub_mchid of each sub-order. */
  owners(paysaga: Paysaga): [string, string | null][];
}

interface Ids {
  second: string;
  provider: string;
}

const COMBINERS: Combiner[] = [
  {
    who: 'a merchant, with an order of another merchant',
    merchant: ({ simulator }) => simulator.merchant,
    fields: (_paysaga, { second }) => ({
      sub_orders: [subOrder(1000), subOrder(1590, { merchant_id: second })],
    }),
    payer: { openid: 'oPRIVATE-1' },
    appId: ({ simulator }) => simulator.merchant.appid,
    owners: ({ mchid }) => [
      [mchid, null],
      [SECOND_MCHID, null],
    ],
  },
  {
    who: 'a service provider',
    merchant: ({ simulator }) => simulator.world.provider,
    fields: (paysaga, { provider }) => {
      const sub_merchant = { mchid: subMerchant(paysaga).mchid };
      return {
        merchant_id: provider,
        sub_orders: [subOrder(1000, { sub_merchant }), subOrder(1590, { sub_merchant })],
      };
    },
    payer: { sp_openid: 'oPRIVATE-2' },
    appId: ({ simulator }) => simulator.world.provider.appid,
    owners: (paysaga) => {
      const { provider } = paysaga.simulator.world;
      return [
        [provider.mchid, subMerchant(paysaga).mchid],
        [provider.mchid, subMerchant(paysaga).mchid],
      ];
    },
  },
  {
    who: 'a service provider whose sub-merchant knows the customer, of one order',
    merchant: ({ simulator }) => simulator.world.provider,
    fields: (paysaga, { provider }) => ({
      merchant_id: provider,
      sub_orders: [subOrder(2590, { sub_merchant: subMerchant(paysaga) })],
    }),
    payer: { sub_openid: 'oPRIVATE-3' },
    appId: (paysaga, product) =>
      PRODUCTS[product].namesPayer ? subMerchant(paysaga).appid : paysaga.simulator.world.provider.appid,
    owners: (paysaga) => [[paysaga.simulator.world.provider.mchid, subMerchant(paysaga).mchid]],
  },
];

function productFields(product: CombinedProduct, payer: Record<string, string>): Record<string, unknown> {
  return {
    product,
    ...(PRODUCTS[product].namesPayer && { payer }),
    ...(product === 'H5' && { client_ip: CLIENT_IP, h5: { type: 'Wap', redirect_url: BACK } }),
  };
}

/** Checks that the front end can open the cashier with the answer. */
function assertCashier(
  body: Answer['body'],
  product: CombinedProduct,
  { merchant, appId, prepayId }: { merchant: SimulatedMerchant; appId: string; prepayId: string },
): void {
  const { answer } = PRODUCTS[product];
  assert.deepEqual(
    [body.code_url !== null, body.h5_url !== null, body.invocation !== null],
    [answer === 'code_url', answer === 'h5_url', answer === 'prepay_id'],
  );
  assert.match(body.prepay_expires_at, /\+08:00$/);
  if (answer === 'code_url') assert.match(body.code_url, /^weixin:\/\/wxpay\/bizpayurl\?pr=/);
  if (answer === 'h5_url') assert.equal(new URL(body.h5_url).searchParams.get('redirect_url'), BACK);
  if (answer !== 'prepay_id') return;
  const { invocation } = body;
  const inApp = product === 'APP';
  if (inApp) assert.deepEqual([invocation.appId, invocation.partnerId], [appId, merchant.mchid]);
  const lines = [
    appId,
    invocation.timeStamp,
    invocation.nonceStr,
    inApp ? prepayId : `prepay_id=${prepayId}`,
  ];
  assert.ok(
    verify(
      'RSA-SHA256',
      Buffer.from(lines.map((line) => `${line}\n`).join('')),
      createPublicKey(merchant.privateKeyPem),
      Buffer.from(inApp ? invocation.sign : invocation.paySign, 'base64'),
    ),
  );
}

describe('combined payments, with notifications', () => {
  let paysaga: Paysaga;
  let ids: Ids;
  before(async () => {
    paysaga = await startPaysaga({
      paymentTiming: { notifyWaitMs: 60_000 },
      simulator: withSecondMerchant(),
    });
    ids = { second: await enrolSecond(paysaga), provider: await enrolProvider(paysaga) };
  });
  after(() => paysaga.stop());

  for (const combiner of COMBINERS) {
    for (const product of COMBINED_PRODUCTS) {
      it(`${product} of ${combiner.who}: the cashier opens, one notification settles all orders, each is paid back`, async () => {
        const merchant = combiner.merchant(paysaga);
        const { status, body } = await createCombined(paysaga, {
          ...combiner.fields(paysaga, ids),
          ...productFields(product, combiner.payer),
        });
        assert.equal(status, 201, JSON.stringify(body));
        assert.deepEqual([body.object, body.status, body.product], ['combined_payment', 'PENDING', product]);
        assert.deepEqual([body.mchid, body.amount], [merchant.mchid, { total: 2590, currency: 'CNY' }]);
        assert.deepEqual(
          body.sub_payments.map((sub: Answer['body']) => [sub.mchid, sub.sub_merchant?.mchid ?? null]),
          combiner.owners(paysaga),
        );
        assert.ok(subStatuses(body).every((sub) => sub === 'PENDING'));
        const order = (await paysaga.control('GET', `/orders/${body.sub_payments[0].out_trade_no}`)).body;
        assert.equal(order.combine_out_trade_no, body.combine_out_trade_no);
        const cashier = { merchant, appId: combiner.appId(paysaga, product), prepayId: order.prepay_id };
        assertCashier(body, product, cashier);
        const read = (await paysaga.call('GET', `/v1/combined-payments/${body.id}`)).body;
        assertCashier(read, product, cashier);

        await payCombined(paysaga, body);
        const paid = await untilCombined(paysaga, body, 'PAID');
        assert.ok(subStatuses(paid).every((sub) => sub === 'PAID'));
        assert.deepEqual([paid.code_url, paid.h5_url, paid.invocation], [null, null, null]);
        const transactions = new Set(paid.sub_payments.map((sub: Answer['body']) => sub.transaction_id));
        assert.equal(transactions.size, paid.sub_payments.length, 'each has its own transaction_id');
        const workflow = paysaga.client.workflow.getHandle(combinedId(body));
        assert.deepEqual(await workflow.result(), { status: 'PAID' });
        const history = await paysaga.history(combinedId(body));
        assert.ok(history.length <= 16, `${history.length} events: ${history.join(' ')}`);

        for (const sub of paid.sub_payments) {
          const refund = await paysaga.call('POST', `/v1/payments/${sub.id}/refunds`, {});
          assert.equal(refund.status, 201, JSON.stringify(refund.body));
          await paysaga.until(`/v1/refunds/${refund.body.id}`, 'SUCCEEDED');
          const refunded = await paysaga.until(`/v1/payments/${sub.id}`, 'REFUNDED');
          assert.equal(refunded.combined_payment_id, body.id);
        }
        assert.equal((await untilCombined(paysaga, body, 'PAID')).status, 'PAID', 'it was paid');
      });
    }
  }

  it('who pays and from where is said to nobody but WeChat Pay', async () => {
    const { rows } = await paysaga.pool.query(
      `select coalesce(jsonb_agg(to_jsonb(e)), '[]')::text events, (select count(*)::int from combined_payments) combined from events e`,
    );
    assert.ok(rows[0].combined >= COMBINERS.length * COMBINED_PRODUCTS.length);
    const texts: string[] = [rows[0].events];
    const query = `TaskQueue = '${paysaga.taskQueue}' and WorkflowType = 'combined'`;
    let workflows = 0;
    for await (const execution of paysaga.client.workflow.list({ query })) {
      workflows += 1;
      const { events } = await paysaga.client.workflow.getHandle(execution.workflowId).fetchHistory();
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
    assert.ok(workflows > 0);
    for (const text of texts) {
      assert.ok(!text.includes('oPRIVATE'), 'an openid');
      assert.ok(!text.includes(CLIENT_IP), 'an address');
      assert.ok(!/weixin:\/\/|prepay_id=/.test(text), 'a code');
    }
  });

  it('the ledger and the events tell of each order, under its own merchant', async () => {
    const held = async () => ({
      first: await balances(paysaga.pool, paysaga.merchantId),
      second: await balances(paysaga.pool, ids.second),
    });
    const before = await held();
    const { body } = await createCombined(paysaga, {
      sub_orders: [subOrder(700), subOrder(300, { merchant_id: ids.second })],
    });
    await payCombined(paysaga, body);
    const [first, second] = (await untilCombined(paysaga, body, 'PAID')).sub_payments;
    const after = await held();
    assert.equal(after.first.sales - before.first.sales, 700);
    assert.equal(after.second.sales - before.second.sales, 300);
    assert.equal(after.second.wechat_receivable - before.second.wechat_receivable, 300);
    assert.deepEqual(await combinedEvents(paysaga, body.id), [
      'combined_payment.created',
      'combined_payment.pending',
      'combined_payment.paid',
    ]);
    for (const { id } of [first, second]) {
      assert.deepEqual(await listEventTypes(paysaga.pool, id), [
        'payment.created',
        'payment.pending',
        'payment.paid',
      ]);
    }
  });

  it('each order is refunded by itself, and never beyond itself', async () => {
    const { body } = await createCombined(paysaga, {
      sub_orders: [subOrder(700), subOrder(300, { merchant_id: ids.second })],
    });
    await payCombined(paysaga, body);
    const [first, second] = (await untilCombined(paysaga, body, 'PAID')).sub_payments;
    const refund = (id: string, amount: number) =>
      paysaga.call('POST', `/v1/payments/${id}/refunds`, { amount: { refund: amount } });

    const tooMuch = await refund(second.id, 301);
    assert.deepEqual([tooMuch.status, tooMuch.body.code], [409, 'refund_exceeds_payment']);
    const part = await refund(second.id, 100);
    await paysaga.until(`/v1/refunds/${part.body.id}`, 'SUCCEEDED');
    assert.equal(
      (await paysaga.until(`/v1/payments/${second.id}`, 'PARTIALLY_REFUNDED')).amount.refunded,
      100,
    );
    assert.equal((await paysaga.call('GET', `/v1/payments/${first.id}`)).body.status, 'PAID');
    const whole = await refund(first.id, 700);
    await paysaga.until(`/v1/refunds/${whole.body.id}`, 'SUCCEEDED');
    await paysaga.until(`/v1/payments/${first.id}`, 'REFUNDED');
    const again = await refund(first.id, 1);
    assert.deepEqual([again.status, again.body.code], [409, 'refund_exceeds_payment']);
    const { body: there } = await paysaga.control('GET', '/refunds?limit=1000');
    const sums = [first, second].map(({ out_trade_no }) =>
      there.refunds
        .filter((one: Answer['body']) => one.out_trade_no === out_trade_no && one.status === 'SUCCESS')
        .reduce((sum: number, { amount }: Answer['body']) => sum + amount.refund, 0),
    );
    assert.deepEqual(sums, [700, 100]);
  });

  it('a sub-order is read as a payment, and is closed, renewed and asked after with its combined payment only', async () => {
    const { body } = await createCombined(paysaga);
    const [sub] = body.sub_payments;
    const read = await paysaga.call('GET', `/v1/payments/${sub.id}`);
    assert.deepEqual(read.body, sub);
    assert.equal(read.body.combined_payment_id, body.id);
    for (const deed of ['close', 'prepay', 'sync']) {
      const refused = await paysaga.call('POST', `/v1/payments/${sub.id}/${deed}`);
      assert.deepEqual([refused.status, refused.body.code], [409, 'belongs_to_combined_payment'], deed);
      assert.equal(refused.body.combined_payment_id, body.id);
      assert.match(refused.body.detail, new RegExp(`/v1/combined-payments/${body.id}`));
    }
    const unpaid = await paysaga.call('POST', `/v1/payments/${sub.id}/refunds`, {});
    assert.equal(unpaid.body.code, 'payment_not_paid');
    assert.deepEqual(subStatuses(await untilCombined(paysaga, body, 'PENDING')), ['PENDING', 'PENDING']);
  });

  it('a combined payment is found in Temporal by its number and its id', async () => {
    const { body } = await createCombined(paysaga);
    const handle = paysaga.client.workflow.getHandle(combinedId(body));
    const { searchAttributes } = await handle.describe();
    assert.deepEqual(searchAttributes.PaymentId, [body.id]);
    assert.deepEqual(searchAttributes.OutTradeNo, [body.combine_out_trade_no]);
    assert.deepEqual(searchAttributes.PaymentStatus, ['OPEN']);
    await paysaga.call('POST', `/v1/combined-payments/${body.id}/close`);
    await handle.result();
    assert.deepEqual((await handle.describe()).searchAttributes.PaymentStatus, ['CLOSED']);
  });
});

describe('combined payments, without notifications', () => {
  let paysaga: Paysaga;
  let provider: string;
  before(async () => {
    paysaga = await startPaysaga({
      // Behind, so that a window of one minute ends after two seconds.
      apiClock: () => Date.now() - 58_000,
      // No poll falls together with the end of the window, which would add the events of a repeated workflow task.
      paymentTiming: { notifyWaitMs: 200, pollGapsMs: [300, 300, 60_000] },
    });
    provider = await enrolProvider(paysaga);
    await paysaga.control('POST', '/faults', { operation: 'notification', kind: 'drop', times: null });
  });
  after(() => paysaga.stop());

  for (const who of ['a merchant', 'a service provider'] as const) {
    it(`of ${who}: polling finds the money of all orders; what nobody pays is closed`, async () => {
      const sub_merchant = { mchid: subMerchant(paysaga).mchid };
      const fields =
        who === 'a merchant'
          ? {}
          : {
              merchant_id: provider,
              sub_orders: [subOrder(1000, { sub_merchant }), subOrder(1590, { sub_merchant })],
            };
      const [paid, unpaid] = await Promise.all([
        createCombined(paysaga, fields),
        createCombined(paysaga, { ...fields, expires_in: 60 }),
      ]);
      assert.equal(paid.status, 201, JSON.stringify(paid.body));
      await payCombined(paysaga, paid.body);
      assert.deepEqual(subStatuses(await untilCombined(paysaga, paid.body, 'PAID')), ['PAID', 'PAID']);
      assert.deepEqual(subStatuses(await untilCombined(paysaga, unpaid.body, 'CLOSED')), [
        'CLOSED',
        'CLOSED',
      ]);
      for (const { out_trade_no } of unpaid.body.sub_payments) {
        assert.equal((await paysaga.control('GET', `/orders/${out_trade_no}`)).body.trade_state, 'CLOSED');
      }
      assert.deepEqual(await combinedEvents(paysaga, unpaid.body.id), [
        'combined_payment.created',
        'combined_payment.pending',
        'combined_payment.closed',
      ]);
      for (const [{ body }, most] of [
        [paid, 22],
        [unpaid, 26],
      ] as const) {
        await paysaga.client.workflow.getHandle(combinedId(body)).result();
        const history = await paysaga.history(combinedId(body));
        assert.ok(history.length <= most, `${history.length} events: ${history.join(' ')}`);
      }
    });
  }
});
