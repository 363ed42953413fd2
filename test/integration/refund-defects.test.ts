import assert from 'node:assert/strict';
import { listAttempts } from '../../database/refund-attempts.ts';
import { loadRefund } from '../../database/refunds.ts';
import { type Paysaga, startPaysaga } from '../fixture.ts';
import { fault, finishRefund, mend, paid, refund } from '../replay/path.ts';

const DAY_MS = 24 * 3600_000;

/** Behaviours that other systems are known to get wrong. */
describe('refunds, where others fail', function () {
  this.timeout(60_000);
  let paysaga: Paysaga;
  before(async () => {
    paysaga = await startPaysaga({
      refundTiming: { notifyWaitMs: 300, pollGapsMs: [200, 300] },
      simulator: { refundDelayMs: Number.POSITIVE_INFINITY },
      gatewayTimeoutMs: 700,
      sagaDeadlineMs: 3_000,
    });
  });
  after(() => paysaga.stop());
  afterEach(() => mend(paysaga));

  const row = async (id: string) => {
    const found = await loadRefund(paysaga.pool, id);
    assert.ok(found);
    return found;
  };
  const view = async (number: string) => (await paysaga.control('GET', `/refunds/${number}`)).body;

  it('a refund that takes five days succeeds, and was never taken for failed', async () => {
    const payment = await paid(paysaga);
    await fault(paysaga, { operation: 'refund', kind: 'stuck', delay_ms: 5 * DAY_MS });
    const { id } = await refund(paysaga, payment.id);
    for (let day = 0; day < 4; day += 1) {
      await paysaga.control('POST', '/clock', { advance_ms: DAY_MS });
      assert.equal((await row(id)).status, 'PROCESSING');
    }
    await paysaga.control('POST', '/clock', { advance_ms: 2 * DAY_MS });
    await paysaga.until(`/v1/refunds/${id}`, 'SUCCEEDED');
    await paysaga.control('POST', '/clock', { reset: true });
  });

  it('a refund that has not ended is looked after in every status, and then no more', async () => {
    const looked = async (id: string) =>
      (
        await paysaga.pool.query('select status, ensure_at is not null looked from refunds where id = $1', [
          id,
        ])
      ).rows[0];
    const payment = await paid(paysaga);
    await paysaga.stopWorker();
    const { body } = await paysaga.call('POST', `/v1/payments/${payment.id}/refunds`, {});
    const { id, out_refund_no: number } = body;
    assert.deepEqual(await looked(id), { status: 'CREATED', looked: true });
    await fault(paysaga, { operation: 'refund.create', kind: 'error_500', times: null });
    await paysaga.startWorker();
    await paysaga.until(`/v1/refunds/${id}`, 'RESERVED');
    assert.deepEqual(await looked(id), { status: 'RESERVED', looked: true });
    await mend(paysaga);
    await paysaga.until(`/v1/refunds/${id}`, 'PROCESSING');
    assert.deepEqual(await looked(id), { status: 'PROCESSING', looked: true });
    await finishRefund(paysaga, number, 'ABNORMAL');
    await paysaga.until(`/v1/refunds/${id}`, 'ABNORMAL');
    assert.deepEqual(await looked(id), { status: 'ABNORMAL', looked: true });
    await finishRefund(paysaga, number, 'SUCCESS');
    await paysaga.until(`/v1/refunds/${id}`, 'SUCCEEDED');
    assert.deepEqual(await looked(id), { status: 'SUCCEEDED', looked: false });
  });

  it('however the truth arrives, the row ends with the same fields', async () => {
    const ways = {
      notification: async () => {},
      poll: async () => fault(paysaga, { operation: 'notification', kind: 'drop', times: null }),
      'query after a lost answer': async () =>
        fault(paysaga, { operation: 'refund.create', kind: 'reset_after' }),
    };
    for (const [way, prepare] of Object.entries(ways)) {
      const payment = await paid(paysaga);
      await prepare();
      const { id, number } = await refund(paysaga, payment.id);
      await paysaga.until(`/v1/refunds/${id}`, 'PROCESSING');
      await finishRefund(paysaga, number, 'SUCCESS');
      await paysaga.until(`/v1/refunds/${id}`, 'SUCCEEDED');
      await mend(paysaga);
      const there = await view(number);
      const here = await row(id);
      assert.equal(here.refundId, there.refund_id, way);
      assert.equal(here.userReceivedAccount, '支付用户零钱', way);
      assert.equal(here.successTime?.getTime(), Date.parse(there.finished_at), way);
      const [attempt] = await listAttempts(paysaga.pool, id);
      assert.deepEqual([attempt?.outcome, attempt?.refundId], ['SUCCEEDED', there.refund_id], way);
    }
  });

  it('when no worker runs, the refund waits and says so; then the call is made', async () => {
    const payment = await paid(paysaga);
    await paysaga.stopWorker();
    const { status, body } = await paysaga.call('POST', `/v1/payments/${payment.id}/refunds`, {});
    assert.equal(status, 202, JSON.stringify(body));
    assert.equal(body.status, 'CREATED');
    assert.equal(body.attempts[0].sent_at, null);
    assert.equal((await paysaga.control('GET', `/refunds/${body.out_refund_no}`)).status, 404);
    await paysaga.startWorker();
    await paysaga.until(`/v1/refunds/${body.id}`, 'PROCESSING');
    assert.equal((await view(body.out_refund_no)).status, 'PROCESSING');
  });

  it('a call that goes wrong never removes the refund or its number', async () => {
    const payment = await paid(paysaga);
    await fault(paysaga, { operation: 'refund.create', kind: 'error_500', times: null });
    const { body } = await paysaga.call('POST', `/v1/payments/${payment.id}/refunds`, {});
    const waiting = await row(body.id);
    assert.deepEqual([waiting.status, waiting.outRefundNo], ['RESERVED', body.out_refund_no]);
    const before = waiting.refundRequest;
    await mend(paysaga);
    await paysaga.until(`/v1/refunds/${body.id}`, 'PROCESSING');
    const after = await row(body.id);
    assert.deepEqual(
      [after.outRefundNo, after.refundRequest],
      [body.out_refund_no, before],
      'same number, same bytes',
    );
  });

  it('notification, poll and an operator’s question at one moment make one transition and one set of postings', async () => {
    const payment = await paid(paysaga);
    const { id, number } = await refund(paysaga, payment.id);
    await paysaga.pool.query(
      `update refunds set attention = 'needs_operator', attention_reason = 'refund_unresolved' where id = $1`,
      [id],
    );
    await Promise.all([
      finishRefund(paysaga, number, 'SUCCESS'),
      ...Array.from({ length: 5 }, () =>
        paysaga.call('POST', `/v1/refunds/${id}/recheck`, { reason: 'at once' }),
      ),
    ]);
    await paysaga.until(`/v1/refunds/${id}`, 'SUCCEEDED');
    const { rows } = await paysaga.pool.query(
      `select (select count(*)::int from events where refund_id = $1 and type = 'refund.succeeded') events,
              (select count(*)::int from ledger_transactions where refund_id = $1 and step = 'refund.succeeded') postings`,
      [id],
    );
    assert.deepEqual(rows[0], { events: 1, postings: 1 });
  });

  it('every id in every message is the right one', async () => {
    const payment = await paid(paysaga);
    const { id, number } = await refund(paysaga, payment.id, { amount: { refund: 300 }, reason: 'broken' });
    const shown = (await paysaga.call('GET', `/v1/payments/${payment.id}`)).body;
    const there = await view(number);
    assert.deepEqual(
      [
        there.out_refund_no,
        there.out_trade_no,
        there.transaction_id,
        there.reason,
        there.amount,
        there.notify_url,
      ],
      [
        number,
        payment.number,
        shown.transaction_id,
        'broken',
        { refund: 300, total: 1000, currency: 'CNY' },
        `${paysaga.apiUrl}/v1/notifications/${paysaga.merchantId}`,
      ],
    );
    await finishRefund(paysaga, number, 'SUCCESS');
    const done = await paysaga.until(`/v1/refunds/${id}`, 'SUCCEEDED');
    assert.equal(done.wechat_refund_id, there.refund_id);
    const { rows } = await paysaga.pool.query(
      `select type, payment_id, refund_id, data from events where refund_id = $1 order by sequence`,
      [id],
    );
    for (const event of rows)
      assert.deepEqual([event.payment_id, event.refund_id], [payment.id, id], event.type);
    assert.equal(rows.at(-1).data.refund_id, there.refund_id);
    // WeChat Pay was answered as it wants to be, once.
    for (let turn = 0; turn < 200; turn += 1) {
      const { notifications } = (await paysaga.control('GET', '/notifications?limit=1000')).body;
      const about = notifications.filter(
        (one: { out_refund_no: string | null }) => one.out_refund_no === number,
      );
      if (about[0]?.attempts[0]) {
        assert.equal(about.length, 1);
        assert.equal(about[0].attempts[0].status, 204);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.fail('nobody was notified');
  });
});
