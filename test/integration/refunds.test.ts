import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { settleRefund } from '../../activities/settle-refund.ts';
import { listEventTypes } from '../../database/events.ts';
import { loadRefund } from '../../database/refunds.ts';
import { type Paysaga, startPaysaga } from '../fixture.ts';

describe('refunds', () => {
  let paysaga: Paysaga;
  before(async () => {
    paysaga = await startPaysaga({
      refundTiming: { notifyWaitMs: 300, pollGapsMs: [200, 300] },
      gatewayTimeoutMs: 700,
    });
  });
  after(() => paysaga.stop());
  afterEach(() => paysaga.control('DELETE', '/faults'));

  const fault = (rule: object) => paysaga.control('POST', '/faults', rule);
  const paid = async () => {
    const { body } = await paysaga.createPayment({ amount: { total: 1000 } });
    await paysaga.control('POST', `/orders/${body.out_trade_no}/pay`, {});
    return await paysaga.until(`/v1/payments/${body.id}`, 'PAID');
  };
  const refund = (id: string, body: object = {}, headers = {}) =>
    paysaga.call('POST', `/v1/payments/${id}/refunds`, body, headers);
  const gatewayRefunds = async (number: string): Promise<unknown[]> => {
    const { body } = await paysaga.control('GET', '/refunds');
    return body.refunds.filter((entry: { out_trade_no: string }) => entry.out_trade_no === number);
  };

  it('a full refund goes through to SUCCEEDED and the payment is REFUNDED', async () => {
    const payment = await paid();
    const created = await refund(payment.id, { reason: 'broken' });
    assert.equal(created.status, 201, JSON.stringify(created.body));
    assert.equal(created.body.status, 'PROCESSING');
    assert.equal(created.body.amount.refund, 1000);
    const done = await paysaga.until(`/v1/refunds/${created.body.id}`, 'SUCCEEDED');
    assert.match(done.wechat_refund_id, /^50\d{27}$/);
    assert.match(done.success_time, /\+08:00$/);
    const after = await paysaga.until(`/v1/payments/${payment.id}`, 'REFUNDED');
    assert.equal(after.amount.refunded, 1000);
    assert.deepEqual((await listEventTypes(paysaga.pool, payment.id)).slice(3), [
      'refund.created',
      'refund.reserved',
      'refund.processing',
      'refund.succeeded',
      'payment.refunded',
    ]);
  });

  it('two halves make the payment PARTIALLY_REFUNDED, then REFUNDED', async () => {
    const payment = await paid();
    const first = await refund(payment.id, { amount: { refund: 400 } });
    await paysaga.until(`/v1/refunds/${first.body.id}`, 'SUCCEEDED');
    assert.equal((await paysaga.call('GET', `/v1/payments/${payment.id}`)).body.status, 'PARTIALLY_REFUNDED');
    const second = await refund(payment.id, { amount: { refund: 600 } });
    await paysaga.until(`/v1/refunds/${second.body.id}`, 'SUCCEEDED');
    assert.equal((await paysaga.call('GET', `/v1/payments/${payment.id}`)).body.status, 'REFUNDED');
  });

  it('a refund without an amount pays back all that is left', async () => {
    const payment = await paid();
    const first = await refund(payment.id, { amount: { refund: 400 } });
    await paysaga.until(`/v1/refunds/${first.body.id}`, 'SUCCEEDED');
    const rest = await refund(payment.id);
    assert.equal(rest.body.amount.refund, 600);
    await paysaga.until(`/v1/payments/${payment.id}`, 'REFUNDED');
    assert.equal((await refund(payment.id)).body.code, 'refund_exceeds_payment');
  });

  it('fifty refunds at once never exceed the payment', async () => {
    const payment = await paid();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => refund(payment.id, { amount: { refund: 100 } })),
    );
    const accepted = answers.filter((answer) => answer.status === 201 || answer.status === 202);
    const refused = answers.filter((answer) => answer.status === 409);
    assert.equal(accepted.length, 10);
    assert.equal(refused.length, 40);
    for (const answer of refused) assert.equal(answer.body.code, 'refund_exceeds_payment');
    await paysaga.until(`/v1/payments/${payment.id}`, 'REFUNDED');
    assert.equal((await gatewayRefunds(payment.out_trade_no)).length, 10);
  });

  it('polling alone settles a refund whose notification is lost', async () => {
    const payment = await paid();
    await fault({ operation: 'notification', kind: 'drop', times: null });
    const { body } = await refund(payment.id);
    await paysaga.until(`/v1/refunds/${body.id}`, 'SUCCEEDED');
  });

  for (const kind of [
    'timeout_after',
    'reset_after',
    'error_500',
    'rate_limited_429',
    'bad_signature',
    'accepted_202',
  ]) {
    it(`the same refund number goes through once when the answer is lost (${kind})`, async () => {
      const payment = await paid();
      await fault({ operation: 'refund.create', kind, processed: true });
      const { status, body } = await refund(payment.id);
      assert.equal(status, 201, JSON.stringify(body));
      await paysaga.until(`/v1/refunds/${body.id}`, 'SUCCEEDED');
      assert.equal((await gatewayRefunds(payment.out_trade_no)).length, 1);
    });
  }

  it('a request that never reached the gateway is sent again under the same number', async () => {
    const payment = await paid();
    await fault({ operation: 'refund.create', kind: 'timeout_before' });
    const { body } = await refund(payment.id);
    await paysaga.until(`/v1/refunds/${body.id}`, 'SUCCEEDED');
    assert.equal((await gatewayRefunds(payment.out_trade_no)).length, 1);
  });

  it('a payment that is not paid cannot be refunded', async () => {
    const { body } = await paysaga.createPayment();
    const refused = await refund(body.id);
    assert.equal(refused.status, 409);
    assert.equal(refused.body.code, 'payment_not_paid');
  });

  it('the relay starts the workflow of a refund whose client never comes back, and a repeat finds it', async () => {
    const payment = await paid();
    const key = { 'idempotency-key': randomUUID() };
    const first = await refund(payment.id, { amount: { refund: 1 } }, key);
    await paysaga.pool.query(
      `update refund_attempts set sent_at = sent_at - interval '1 minute' where refund_id = $1`,
      [first.body.id],
    );
    // As after a crash between storing the intent and starting the workflow: the row is there, the workflow never was.
    const id = `ref_${randomUUID().replaceAll('-', '')}`;
    await paysaga.pool.query(
      `with refund as (
         insert into refunds (id, tenant_id, merchant_id, payment_id, amount, status, ensure_at)
         select $1, tenant_id, merchant_id, payment_id, 2, 'CREATED', now() from refunds where id = $3
         returning id, tenant_id, merchant_id
       )
       insert into refund_attempts (refund_id, tenant_id, merchant_id, number, out_refund_no)
       select id, tenant_id, merchant_id, 1, $2 from refund`,
      [id, `ORPHAN${id.slice(4, 20)}`, first.body.id],
    );
    await paysaga.pool.query('update idempotency_keys set resource_id = $1 where resource_id = $2', [
      id,
      first.body.id,
    ]);
    await paysaga.until(`/v1/refunds/${id}`, 'SUCCEEDED');
    const repeated = await refund(payment.id, { amount: { refund: 1 } }, key);
    assert.equal(repeated.body.id, id);
    const stored = await loadRefund(paysaga.pool, id);
    assert.equal(JSON.parse(stored?.refundRequest ?? '').amount.refund, 2, 'the exact request is stored');
  });

  it('a repeat with the same Idempotency-Key is the same refund', async () => {
    const payment = await paid();
    const key = { 'idempotency-key': randomUUID() };
    const [a, b] = await Promise.all([refund(payment.id, {}, key), refund(payment.id, {}, key)]);
    assert.equal(a.body.id, b.body.id);
    const other = await refund(payment.id, { amount: { refund: 1 } }, key);
    assert.equal(other.status, 422);
    await paysaga.until(`/v1/refunds/${a.body.id}`, 'SUCCEEDED');
    assert.equal((await gatewayRefunds(payment.out_trade_no)).length, 1);
  });

  it('bad fields: 422 with a pointer each', async () => {
    const payment = await paid();
    const refused = await refund(payment.id, {
      amount: { refund: 0 },
      reason: 'x'.repeat(81),
      out_refund_no: 'a b',
      extra: 1,
    });
    assert.equal(refused.status, 422);
    const pointers = refused.body.errors.map((error: { pointer: string }) => error.pointer).sort();
    assert.deepEqual(pointers, ['/amount/refund', '/extra', '/out_refund_no', '/reason']);
  });

  it('an unknown refund: 404', async () => {
    assert.equal((await paysaga.call('GET', '/v1/refunds/ref_unknown')).status, 404);
  });
});

describe('refunds that take long', () => {
  let paysaga: Paysaga;
  before(async () => {
    paysaga = await startPaysaga({
      refundTiming: { notifyWaitMs: 300, pollGapsMs: [200, 300] },
      simulator: { refundDelayMs: Number.POSITIVE_INFINITY },
    });
  });
  after(() => paysaga.stop());

  const finish = (number: string, status: string) =>
    paysaga.control('POST', `/refunds/${number}/finish`, { status });
  const refund = (id: string) => paysaga.call('POST', `/v1/payments/${id}/refunds`, {});
  const paid = async () => {
    const { body } = await paysaga.createPayment();
    await paysaga.control('POST', `/orders/${body.out_trade_no}/pay`, {});
    return await paysaga.until(`/v1/payments/${body.id}`, 'PAID');
  };

  it('a refund that WeChat Pay closes fails and frees its amount', async () => {
    const payment = await paid();
    const { body: slow } = await refund(payment.id);
    await finish(slow.out_refund_no, 'CLOSED');
    const failed = await paysaga.until(`/v1/refunds/${slow.id}`, 'FAILED');
    assert.equal(failed.failure.code, 'REFUND_CLOSED');
    const again = await refund(payment.id);
    assert.equal(again.status, 201, JSON.stringify(again.body));
    await finish(again.body.out_refund_no, 'SUCCESS');
    await paysaga.until(`/v1/refunds/${again.body.id}`, 'SUCCEEDED');
  });

  it('a success after the gateway had closed the refund is shown to an operator, and the row does not lie', async () => {
    const payment = await paid();
    const { body: closed } = await refund(payment.id);
    await finish(closed.out_refund_no, 'CLOSED');
    await paysaga.until(`/v1/refunds/${closed.id}`, 'FAILED');
    const found = await loadRefund(paysaga.pool, closed.id);
    assert.ok(found);
    const { outRefundNo, refundId, amount } = found;
    const word = { outRefundNo, refundId: String(refundId), status: 'SUCCESS', amount } as const;
    const finding = await settleRefund(paysaga.pool, found, word);
    assert.equal(finding.kind === 'final' && finding.status, 'FAILED');
    const shown = (await paysaga.call('GET', `/v1/refunds/${closed.id}`)).body;
    assert.equal(shown.attention_reason, 'gateway_contradicts');
    // A status that nobody knows decides nothing and breaks nothing.
    const strange = { ...word, status: 'PAUSED' as 'SUCCESS' };
    assert.equal((await settleRefund(paysaga.pool, found, strange)).kind, 'final');
  });

  it('an abnormal refund waits for an operator, keeps its amount, and can still succeed', async () => {
    const payment = await paid();
    const { body: slow } = await refund(payment.id);
    await finish(slow.out_refund_no, 'ABNORMAL');
    const abnormal = await paysaga.until(`/v1/refunds/${slow.id}`, 'ABNORMAL');
    assert.equal(abnormal.attention, 'needs_operator');
    assert.equal((await refund(payment.id)).status, 409);
    await finish(slow.out_refund_no, 'SUCCESS');
    const done = await paysaga.until(`/v1/refunds/${slow.id}`, 'SUCCEEDED');
    assert.equal(done.attention, 'none');
  });
});
