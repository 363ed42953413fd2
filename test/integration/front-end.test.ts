import assert from 'node:assert/strict';
import { type CashierProduct, isCharged, PRODUCT_NAMES, PRODUCTS } from '../../domain/product.ts';
import { type Answer, type Paysaga, startPaysaga } from '../fixture.ts';

const HOUR_MS = 3_600_000;

/** What the customer's front end asks for while it is open. */
describe('the front end of a payment', () => {
  let paysaga: Paysaga;
  before(async () => {
    // Neither polling nor a notification is fast enough to answer for a sync.
    paysaga = await startPaysaga({
      paymentTiming: { notifyWaitMs: 600_000 },
      gatewayTimeoutMs: 1_500,
    });
  });
  after(() => paysaga.stop());
  afterEach(() => paysaga.control('DELETE', '/faults'));

  const fault = (rule: object) => paysaga.control('POST', '/faults', rule);
  const create = async (product: CashierProduct = 'NATIVE') => {
    const { status, body } = await paysaga.createPayment({
      product,
      expires_in: 24 * 3600,
      ...(PRODUCTS[product].namesPayer && { payer: { openid: 'oA1b' } }),
      ...(product === 'H5' && { client_ip: '203.0.113.9', h5: { type: 'Wap' } }),
    });
    assert.equal(status, 201, JSON.stringify(body));
    return body;
  };
  const prepay = (id: string) => paysaga.call('POST', `/v1/payments/${id}/prepay`);
  const sync = (id: string) => paysaga.call('POST', `/v1/payments/${id}/sync`);
  /** Time passes for the gateway and for what it has issued to the payment. */
  const age = async (id: string, hours: number) => {
    await paysaga.control('POST', '/clock', { advance_ms: hours * HOUR_MS });
    await paysaga.pool.query(
      'update payments set prepay_issued_at = prepay_issued_at - make_interval(hours => $2) where id = $1',
      [id, hours],
    );
  };
  const codeIn = (body: Answer['body']): string =>
    body.code_url ??
    body.h5_url ??
    body.invocation?.prepayId ??
    body.invocation?.package.slice('prepay_id='.length);
  const scan = async (code: string) =>
    (await paysaga.control('GET', `/codes?code_url=${encodeURIComponent(code)}`)).body.status;
  const order = async ({ out_trade_no }: { out_trade_no: string }) =>
    (await paysaga.control('GET', `/orders/${out_trade_no}`)).body;

  describe('POST /v1/payments/{id}/prepay', () => {
    for (const product of PRODUCT_NAMES) {
      if (isCharged(product)) continue;
      it(`${product}: what has expired is renewed, by the same order`, async () => {
        const payment = await create(product);
        const old = codeIn(payment);
        await age(payment.id, 3);
        const expired = (await paysaga.call('GET', `/v1/payments/${payment.id}`)).body;
        assert.deepEqual([expired.code_url, expired.h5_url, expired.invocation], [null, null, null]);
        assert.equal(await scan(old), 'dead');

        const renewed = await prepay(payment.id);
        assert.equal(renewed.status, 200, JSON.stringify(renewed.body));
        const code = codeIn(renewed.body);
        assert.notEqual(code, old);
        assert.equal(await scan(code), 'payable');
        assert.equal(renewed.body.version, payment.version, 'the status is the same');
        const { body } = await paysaga.control('GET', `/orders?out_trade_no=${payment.out_trade_no}`);
        assert.equal(body.total, 1, 'one order');

        await paysaga.control('POST', `/orders/${payment.out_trade_no}/pay`, { code_url: code });
        await paysaga.until(`/v1/payments/${payment.id}`, 'PAID');
      });
    }

    it('what is alive is left alone', async () => {
      const payment = await create();
      const { status, body } = await prepay(payment.id);
      assert.equal(status, 200);
      assert.equal(body.code_url, payment.code_url);
      assert.equal(await scan(payment.code_url), 'payable');
    });

    it('many requests at once renew it once, and all get what is alive', async () => {
      const payment = await create();
      await age(payment.id, 3);
      const answers = await Promise.all(Array.from({ length: 8 }, () => prepay(payment.id)));
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
      const codes = new Set(answers.map(({ body }) => body.code_url));
      assert.equal(codes.size, 1);
      assert.equal((await order(payment)).code_url, [...codes][0]);
    });

    it('an answer that is lost is asked for again, and what the row has is what works', async () => {
      const payment = await create();
      await age(payment.id, 3);
      await fault({ operation: 'native.create', kind: 'timeout_after' });
      let answer = await prepay(payment.id);
      for (let turn = 0; turn < 20 && answer.status === 503; turn += 1) answer = await prepay(payment.id);
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      assert.equal((await order(payment)).code_url, answer.body.code_url);
    });

    it('a gateway that is away is a 503, and the payment stays open', async () => {
      const payment = await create();
      await age(payment.id, 3);
      await fault({ operation: 'native.create', kind: 'error_500', times: null });
      const answer = await prepay(payment.id);
      assert.equal(answer.status, 503);
      assert.equal(answer.body.code, 'temporarily_unavailable');
      assert.equal((await paysaga.call('GET', `/v1/payments/${payment.id}`)).body.status, 'PENDING');
    });

    it('a payment that was paid meanwhile is settled, and not renewed', async () => {
      const payment = await create();
      await fault({ operation: 'notification', kind: 'drop', times: null });
      await paysaga.control('POST', `/orders/${payment.out_trade_no}/pay`, {});
      await age(payment.id, 3);
      const answer = await prepay(payment.id);
      assert.equal(answer.status, 409, JSON.stringify(answer.body));
      assert.equal(answer.body.code, 'payment_not_open');
      assert.equal(answer.body.status_now, 'PAID');
      const workflow = paysaga.client.workflow.getHandle(`payment/${paysaga.mchid}/${payment.out_trade_no}`);
      assert.deepEqual(await workflow.result(), { status: 'PAID' });
    });

    it('an order that somebody closed at the gateway is not renewed: 422 with the gateway’s word', async () => {
      const payment = await create();
      await paysaga.simulator.gateway.orderBook.close(
        paysaga.simulator.gateway.orderBook.find(paysaga.mchid, payment.out_trade_no) as never,
      );
      await age(payment.id, 3);
      const answer = await prepay(payment.id);
      assert.equal(answer.status, 422, JSON.stringify(answer.body));
      assert.equal(answer.body.gateway_code, 'OUT_TRADE_NO_USED');
    });

    it('a payment that was closed, or whose window is over, is not renewed: 409', async () => {
      const closed = await create();
      await paysaga.call('POST', `/v1/payments/${closed.id}/close`);
      assert.equal((await prepay(closed.id)).body.code, 'payment_not_open');
      const over = await create();
      await paysaga.pool.query(
        `update payments set time_expire = now() - interval '1 second' where id = $1`,
        [over.id],
      );
      const answer = await prepay(over.id);
      assert.equal(answer.status, 409);
      assert.equal(answer.body.status_now, 'PENDING');
    });

    it('a body with fields, another method, a payment of nobody: refused', async () => {
      const payment = await create();
      const fields = await paysaga.call('POST', `/v1/payments/${payment.id}/prepay`, { force: true });
      assert.equal(fields.status, 422);
      assert.equal(fields.body.errors[0].pointer, '/force');
      assert.equal((await paysaga.call('GET', `/v1/payments/${payment.id}/prepay`)).status, 405);
      assert.equal((await prepay('pay_unknown')).status, 404);
    });
  });

  describe('POST /v1/payments/{id}/sync', () => {
    it('finds the money at once, and the workflow ends with it', async () => {
      await fault({ operation: 'notification', kind: 'drop', times: null });
      const payment = await create('JSAPI');
      const before = await sync(payment.id);
      assert.equal(before.status, 200);
      assert.equal(before.body.status, 'PENDING');
      await paysaga.control('POST', `/orders/${payment.out_trade_no}/pay`, {});
      const after = await sync(payment.id);
      assert.equal(after.status, 200);
      assert.equal(after.body.status, 'PAID');
      const workflow = paysaga.client.workflow.getHandle(`payment/${paysaga.mchid}/${payment.out_trade_no}`);
      assert.deepEqual(await workflow.result(), { status: 'PAID' });
      assert.equal((await sync(payment.id)).body.status, 'PAID');
    });

    it('many at once agree', async () => {
      await fault({ operation: 'notification', kind: 'drop', times: null });
      const payment = await create();
      await paysaga.control('POST', `/orders/${payment.out_trade_no}/pay`, {});
      const answers = await Promise.all(Array.from({ length: 8 }, () => sync(payment.id)));
      assert.deepEqual(new Set(answers.map(({ body }) => body.status)), new Set(['PAID']));
    });

    it('a gateway that is away is a 503: nobody knows', async () => {
      const payment = await create();
      await fault({ operation: 'order.query', kind: 'error_500', times: null });
      const answer = await sync(payment.id);
      assert.equal(answer.status, 503);
      assert.equal(answer.body.code, 'temporarily_unavailable');
    });

    it('money that contradicts the row is shown to an operator, and not settled', async () => {
      await fault({ operation: 'notification', kind: 'drop', times: null });
      const payment = await create();
      await paysaga.pool.query('update payments set amount = amount + 1 where id = $1', [payment.id]);
      await paysaga.control('POST', `/orders/${payment.out_trade_no}/pay`, {});
      assert.equal((await sync(payment.id)).body.status, 'PENDING');
      let shown: Answer['body'] = {};
      for (let turn = 0; turn < 200 && shown.attention !== 'needs_operator'; turn += 1) {
        shown = (await paysaga.call('GET', `/v1/payments/${payment.id}`)).body;
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
      assert.equal(shown.attention_reason, 'amount_differs');
      assert.equal((await sync(payment.id)).body.attention, 'needs_operator');
      await paysaga.pool.query('update payments set amount = amount - 1 where id = $1', [payment.id]);
      assert.equal((await sync(payment.id)).body.status, 'PAID');
    });
  });
});
