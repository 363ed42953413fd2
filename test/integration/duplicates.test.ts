import assert from 'node:assert/strict';
import { listEventTypes } from '../../database/events.ts';
import { balances } from '../../database/ledger.ts';
import { updatePolicies } from '../../database/merchants.ts';
import { eventually } from '../eventually.ts';
import { type Answer, type Paysaga, startPaysaga } from '../fixture.ts';
import {
  booksSince,
  closed,
  gatewayRefunds,
  latePayments,
  payLate,
  untilLate,
  withoutWorker,
} from '../late-money.ts';
import { notify, success } from '../notification.ts';
import { enrolProvider, subMerchant } from '../provider.ts';
import { fault } from '../replay/path.ts';
import { untilAttention } from '../watch.ts';

describe('several payments for one order of the merchant’s', () => {
  let paysaga: Paysaga;
  before(async () => {
    paysaga = await startPaysaga({
      paymentTiming: { notifyWaitMs: 60_000 },
      refundTiming: { notifyWaitMs: 200, pollGapsMs: [300] },
    });
  });
  after(() => paysaga.stop());
  afterEach(() =>
    updatePolicies(paysaga.pool, paysaga.mchid, {
      latePaymentPolicy: 'refund',
      duplicatePaymentPolicy: 'refund',
    }),
  );

  const held = () => balances(paysaga.pool, paysaga.merchantId);
  const get = async (id: string) => (await paysaga.call('GET', `/v1/payments/${id}`)).body;
  const pay = (payment: { out_trade_no: string }) =>
    paysaga.control('POST', `/orders/${payment.out_trade_no}/pay`, {});
  let orders = 0;
  /** So many open payments of a new order. */
  const payments = async (count: number, fields: object = {}): Promise<Answer['body'][]> => {
    orders += 1;
    const order_reference = `订单 ${orders}`;
    const answers = Array.from({ length: count }, () =>
      paysaga.createPayment({ merchant_id: paysaga.merchantId, order_reference, ...fields }),
    );
    return (await Promise.all(answers)).map(({ body }) => body);
  };
  const untilPaid = (payment: { id: string }) => paysaga.until(`/v1/payments/${payment.id}`, 'PAID');
  const untilRefunded = (payment: { id: string }) => paysaga.until(`/v1/payments/${payment.id}`, 'REFUNDED');
  const refundsOf = async ({ id }: { id: string }) =>
    (await paysaga.pool.query('select * from refunds where payment_id = $1', [id])).rows;
  /** Both are paid, the first one by WeChat Pay's clock, too. */
  const bothPaid = async (): Promise<[Answer['body'], Answer['body']]> => {
    const [first, second] = await payments(2);
    await pay(first);
    await untilPaid(first);
    await pay(second);
    return [first, second];
  };

  it('the one that is paid later goes back in full, by a refund that its own workflow has started', async () => {
    const before = await held();
    const [first, second] = await bothPaid();
    const refunded = await untilRefunded(second);
    assert.equal(refunded.duplicate_of, first.id);
    const kept = await get(first.id);
    assert.equal(kept.status, 'PAID');
    assert.equal(kept.duplicate_of, null);
    assert.equal(kept.order_reference, second.order_reference);

    const [refund] = await refundsOf(second);
    const shown = (await paysaga.call('GET', `/v1/refunds/${refund.id}`)).body;
    assert.equal(shown.cause, 'duplicate');
    assert.equal(shown.amount.refund, 2590);
    assert.equal((await gatewayRefunds(paysaga, refunded.transaction_id)).length, 1);
    assert.deepEqual(await listEventTypes(paysaga.pool, second.id), [
      'payment.created',
      'payment.pending',
      'payment.paid',
      'payment.duplicate',
      'refund.created',
      'refund.reserved',
      'refund.processing',
      'refund.succeeded',
      'payment.refunded',
    ]);
    assert.deepEqual(await booksSince(paysaga, before), {
      wechat_receivable: 2590,
      sales: 5180,
      refunds: 2590,
    });
    const child = await paysaga.client.workflow
      .getHandle(`refund/${paysaga.mchid}/${shown.out_refund_no}`)
      .describe();
    assert.equal(child.parentExecution?.workflowId, `payment/${paysaga.mchid}/${second.out_trade_no}`);
  });

  it('of five that are paid at the same instant exactly one is kept', async () => {
    const all = await payments(5);
    await Promise.all(all.map(pay));
    const ended = await eventually('one is paid and four are refunded', async () => {
      const now = await Promise.all(all.map(({ id }) => get(id)));
      return now.filter(({ status }) => status === 'REFUNDED').length === 4 && now;
    });
    const kept = ended.filter(({ status }) => status === 'PAID');
    assert.equal(kept.length, 1);
    assert.equal(kept[0].duplicate_of, null);
    for (const { status, duplicate_of } of ended) assert.equal(status === 'PAID', duplicate_of === null);
  });

  it('what counts is when WeChat Pay was paid: of an earlier one that is heard of later the other one goes back', async () => {
    const [early, late] = await payments(2);
    const at = (minute: string) => ({ success_time: `2026-03-01T12:${minute}:00+08:00` });
    // The gateway tells nobody, so that the test says in which order the news come, and when it was paid.
    const lose = { operation: 'notification', kind: 'drop', event_type: 'TRANSACTION.SUCCESS', times: null };
    await paysaga.control('POST', '/faults', lose);
    for (const payment of [late, early]) {
      await pay(payment);
      const { transaction_id } = (await paysaga.control('GET', `/orders/${payment.out_trade_no}`)).body;
      const when = at(payment === early ? '03' : '04');
      await notify(paysaga, success(paysaga, payment.out_trade_no, { transaction_id, ...when }));
      await untilPaid(payment);
    }
    await paysaga.control('DELETE', '/faults');
    const refunded = await untilRefunded(late);
    assert.equal(refunded.duplicate_of, early.id);
    assert.equal((await get(early.id)).status, 'PAID');
  });

  it('a merchant that keeps them is told, and nothing goes back', async () => {
    await updatePolicies(paysaga.pool, paysaga.mchid, { duplicatePaymentPolicy: 'keep' });
    const [first, second] = await bothPaid();
    const paid = await untilPaid(second);
    assert.equal(paid.duplicate_of, first.id);
    assert.ok((await listEventTypes(paysaga.pool, second.id)).includes('payment.duplicate'));
    await paysaga.client.workflow.getHandle(`payment/${paysaga.mchid}/${second.out_trade_no}`).result();
    assert.deepEqual(await refundsOf(second), []);
  });

  it('while the first is given back in full, the second is no duplicate; while a part of it is, it is one', async () => {
    const [first, second] = await payments(2);
    await pay(first);
    await untilPaid(first);
    await paysaga.call('POST', `/v1/payments/${first.id}/refunds`, {});
    await pay(second);
    const paid = await untilPaid(second);
    assert.equal(paid.duplicate_of, null);
    assert.deepEqual(await refundsOf(second), []);

    const [partly, third] = await payments(2);
    await pay(partly);
    await untilPaid(partly);
    await paysaga.call('POST', `/v1/payments/${partly.id}/refunds`, { amount: { refund: 1 } });
    await pay(third);
    assert.equal((await untilRefunded(third)).duplicate_of, partly.id);
  });

  it('when the worker dies before it has started the refund, the relay starts it', async () => {
    const [first, second] = await payments(2);
    await pay(first);
    await untilPaid(first);
    await paysaga.stopWorker();
    await pay(second);
    const notificationId = await eventually('the notification is stored', async () => {
      const { rows } = await paysaga.pool.query('select id from notifications where subject_id = $1', [
        second.id,
      ]);
      return rows[0]?.id as string | undefined;
    });
    // The settlement commits, and the worker dies before it can tell the workflow.
    const { activities, close } = withoutWorker(paysaga);
    const finding = await activities.settleFromNotification({ paymentId: second.id, notificationId });
    assert.ok(finding.kind === 'final' && finding.refund, 'the settlement has called for a refund');
    await close();
    await paysaga.pool.query('update refunds set ensure_at = now() where id = $1', [finding.refund.id]);
    await paysaga.startWorker();
    await untilRefunded(second);
    assert.equal((await refundsOf(second)).length, 1);
  });

  it('late money is not accepted for an order that another payment has paid for', async () => {
    await updatePolicies(paysaga.pool, paysaga.mchid, { latePaymentPolicy: 'accept' });
    const [other] = await payments(1);
    const expired = await closed(paysaga, { order_reference: other.order_reference });
    await pay(other);
    await untilPaid(other);
    await payLate(paysaga, expired);
    const [late] = await latePayments(paysaga, expired.id);
    await untilLate(paysaga, late, 'REFUNDED');
    assert.equal((await get(expired.id)).status, 'CLOSED');
    assert.equal((await get(other.id)).status, 'PAID');
  });

  it('late money that is accepted pays for the order: whoever is paid after it is the duplicate', async () => {
    await updatePolicies(paysaga.pool, paysaga.mchid, { latePaymentPolicy: 'accept' });
    const [other] = await payments(1);
    const expired = await closed(paysaga, { order_reference: other.order_reference });
    await payLate(paysaga, expired);
    await untilPaid(expired);
    await pay(other);
    assert.equal((await untilRefunded(other)).duplicate_of, expired.id);
  });

  it('late money that is accepted all the same is the duplicate, if it came later, and stays', async () => {
    await updatePolicies(paysaga.pool, paysaga.mchid, {
      latePaymentPolicy: 'accept',
      duplicatePaymentPolicy: 'keep',
    });
    const [other] = await payments(1);
    const expired = await closed(paysaga, { order_reference: other.order_reference });
    await pay(other);
    await untilPaid(other);
    await payLate(paysaga, expired);
    assert.equal((await untilPaid(expired)).duplicate_of, other.id);
    assert.equal((await get(other.id)).duplicate_of, null);
    assert.deepEqual((await listEventTypes(paysaga.pool, expired.id)).slice(-3), [
      'late_payment.accepted',
      'payment.paid',
      'payment.duplicate',
    ]);
    assert.deepEqual([await refundsOf(expired), await refundsOf(other)], [[], []]);
  });

  describe('whose refund WeChat Pay refuses', () => {
    const refused = async () => {
      await fault(paysaga, { operation: 'refund.create', kind: 'refused', code: 'USER_ACCOUNT_ABNORMAL' });
      const [, second] = await bothPaid();
      await untilAttention(paysaga, `/v1/payments/${second.id}`, 'duplicate_not_refunded');
      return second;
    };

    it('is shown to an operator, until a retry has succeeded', async () => {
      const second = await refused();
      assert.deepEqual((await listEventTypes(paysaga.pool, second.id)).slice(-2), [
        'refund.failed',
        'payment.needs_operator',
      ]);
      const [refund] = await refundsOf(second);
      assert.equal((await paysaga.call('POST', `/v1/refunds/${refund.id}/retry`, {})).status, 200);
      assert.equal((await untilRefunded(second)).attention, 'none');
    });

    it('is shown until others have given back all of it: what is left of it is still too much', async () => {
      const second = await refused();
      const path = `/v1/payments/${second.id}`;
      await paysaga.call('POST', `${path}/refunds`, { amount: { refund: 90 } });
      await paysaga.until(path, 'PARTIALLY_REFUNDED');
      assert.equal((await get(second.id)).attention_reason, 'duplicate_not_refunded');
      await paysaga.call('POST', `${path}/refunds`, {});
      assert.equal((await untilRefunded(second)).attention, 'none');
    });
  });

  it('the same reference of another merchant is another order, and payments without one are nobody’s duplicate', async () => {
    const [mine] = await payments(1);
    const { body: theirs } = await paysaga.createPayment({
      merchant_id: await enrolProvider(paysaga),
      sub_merchant: { mchid: subMerchant(paysaga).mchid },
      order_reference: mine.order_reference,
    });
    const named = { merchant_id: paysaga.merchantId };
    const without = [await paysaga.createPayment(named), await paysaga.createPayment(named)];
    const all = [mine, theirs, ...without.map(({ body }) => body)];
    for (const payment of all) await pay(payment);
    for (const payment of all) assert.equal((await untilPaid(payment)).duplicate_of, null);
  });
});

describe('the list of payments', () => {
  let paysaga: Paysaga;
  before(async () => {
    paysaga = await startPaysaga();
  });
  after(() => paysaga.stop());
  const list = async (query: string) => await paysaga.call('GET', `/v1/payments${query}`);
  const ids = ({ body }: Answer) => body.data.map(({ id }: { id: string }) => id);

  it('of one order, newest first, page by page in both directions, while others come', async () => {
    const order_reference = 'A&B=1 订单';
    const made: string[] = [];
    for (let index = 0; index < 5; index += 1) {
      made.unshift((await paysaga.createPayment({ order_reference })).body.id);
      await paysaga.createPayment({ order_reference: 'another' });
    }
    const of = `?order_reference=${encodeURIComponent(order_reference)}`;
    const all = await list(of);
    assert.equal(all.status, 200);
    assert.deepEqual(ids(all), made);
    assert.equal(all.body.has_more, false);
    assert.equal(all.body.data[0].order_reference, order_reference);

    const first = await list(`${of}&limit=2`);
    assert.deepEqual([ids(first), first.body.has_more], [made.slice(0, 2), true]);
    made.unshift((await paysaga.createPayment({ order_reference })).body.id);
    const second = await list(`${of}&limit=2&starting_after=${ids(first)[1]}`);
    assert.deepEqual([ids(second), second.body.has_more], [made.slice(3, 5), true]);
    const last = await list(`${of}&limit=2&starting_after=${ids(second)[1]}`);
    assert.deepEqual([ids(last), last.body.has_more], [made.slice(5), false]);
    const back = await list(`${of}&limit=2&ending_before=${ids(last)[0]}`);
    assert.deepEqual([ids(back), back.body.has_more], [made.slice(3, 5), true]);
    const news = await list(`${of}&ending_before=${ids(first)[0]}`);
    assert.deepEqual([ids(news), news.body.has_more], [made.slice(0, 1), false]);
    assert.equal((await list('')).body.data.length, 11);
  });

  for (const [query, pointer] of [
    ['?limit=0', '/limit'],
    ['?limit=101', '/limit'],
    ['?limit=1.5', '/limit'],
    ['?limit=x', '/limit'],
    ['?starting_after=pay_nobody', '/starting_after'],
    ['?ending_before=pay_nobody', '/ending_before'],
    ['?starting_after=a&ending_before=b', '/ending_before'],
    ['?order_reference=', '/order_reference'],
    ['?order_reference=a&order_reference=b', '/order_reference'],
    ['?page=2', '/page'],
  ] as const) {
    it(`refuses ${query} with a pointer to what is wrong`, async () => {
      const refused = await list(query);
      assert.equal(refused.status, 422, JSON.stringify(refused.body));
      assert.deepEqual(
        refused.body.errors.map((error: { pointer: string }) => error.pointer),
        [pointer],
      );
    });
  }

  it('an order_reference has 1 to 64 characters, and none that cannot be stored', async () => {
    for (const order_reference of ['', 'x'.repeat(65), 'a\u0000b', 7]) {
      const refused = await paysaga.createPayment({ order_reference });
      assert.equal(refused.status, 422);
      assert.equal(refused.body.errors[0].pointer, '/order_reference');
    }
    const { status, body } = await paysaga.createPayment({ order_reference: '单'.repeat(64) });
    assert.equal(status, 201);
    assert.equal(body.order_reference, '单'.repeat(64));
  });
});
