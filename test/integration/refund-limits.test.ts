import assert from 'node:assert/strict';
import { inTransaction } from '../../database/pool.ts';
import { listAttempts } from '../../database/refund-attempts.ts';
import { takeFailureToken } from '../../database/refund-rates.ts';
import { loadRefund } from '../../database/refunds.ts';
import { REFUND_LIMITS, refundObstacle } from '../../domain/refund.ts';
import { eventually } from '../eventually.ts';
import { type Paysaga, startPaysaga } from '../fixture.ts';
import { paid, refund, refundId } from '../replay/path.ts';

const GAP_MS = 2_000;

const NUMBER_OF = `select a.out_refund_no from refund_attempts a join refunds r on r.id = a.refund_id
  where r.payment_id = $1 and r.status = 'RESERVED'`;

/** What WeChat Pay allows is kept before it is asked. */
describe('the minute between refunds of one payment', function () {
  this.timeout(60_000);
  let paysaga: Paysaga;
  before(async () => {
    // The gateway, too, insists: sixty seconds, forty times as fast.
    paysaga = await startPaysaga({
      refundTiming: { notifyWaitMs: 5_000, gapMs: GAP_MS },
      simulator: { enforceRefundInterval: true, timeScale: 40 },
    });
  });
  after(() => paysaga.stop());

  const sentAt = async (ids: string[]): Promise<number[]> => {
    const attempts = await Promise.all(ids.map((id) => listAttempts(paysaga.pool, id)));
    return attempts.map(([attempt]) => attempt?.sentAt?.getTime() ?? Number.NaN).sort((a, b) => a - b);
  };
  const ask = (payment: { id: string }, fen: number) =>
    paysaga.call('POST', `/v1/payments/${payment.id}/refunds`, { amount: { refund: fen } });
  const apart = (times: number[]) => {
    for (const [index, time] of times.slice(1).entries())
      assert.ok(time - (times[index] ?? 0) >= GAP_MS, `sent at ${times.join(', ')}`);
  };

  it('is waited for, not failed: three at once go through one after the other', async () => {
    const payment = await paid(paysaga);
    const answers = await Promise.all([100, 200, 300].map((fen) => ask(payment, fen)));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 202, 202]);
    const ids = answers.map(({ body }) => body.id);
    for (const id of ids) await paysaga.until(`/v1/refunds/${id}`, 'SUCCEEDED');
    apart(await sentAt(ids));
    const { faults } = (await paysaga.control('GET', '/fault-log')).body;
    assert.deepEqual(faults, []);
    const waited = answers.find(({ status }) => status === 202)?.body;
    const history = await paysaga.history(refundId(paysaga, waited.out_refund_no));
    assert.ok(history.includes('timerFired'), history.join(' '));
  });

  it('outlives every worker', async () => {
    const payment = await paid(paysaga);
    const first = await ask(payment, 100);
    const second = await ask(payment, 200);
    assert.equal(second.status, 202);
    assert.equal(second.body.status, 'RESERVED');
    await paysaga.stopWorker();
    await paysaga.startWorker();
    const ids = [first.body.id, second.body.id];
    for (const id of ids) await paysaga.until(`/v1/refunds/${id}`, 'SUCCEEDED');
    apart(await sentAt(ids));
  });

  it('is not waited for by refunds of other payments', async () => {
    const payments = await Promise.all([paid(paysaga), paid(paysaga), paid(paysaga)]);
    const answers = await Promise.all(payments.map((payment) => ask(payment, 100)));
    assert.deepEqual(
      answers.map(({ status }) => status),
      [201, 201, 201],
    );
  });
});

describe('limits of refunds', function () {
  this.timeout(60_000);
  let paysaga: Paysaga;
  before(async () => {
    paysaga = await startPaysaga({
      refundTiming: { notifyWaitMs: 300, pollGapsMs: [200] },
      gatewayTimeoutMs: 700,
      sagaDeadlineMs: 5_000,
    });
    // The merchant has its buckets from the first one on.
    await refund(paysaga, (await paid(paysaga)).id);
  });
  after(() => paysaga.stop());
  afterEach(() => paysaga.control('DELETE', '/faults'));

  const ask = (payment: { id: string }, body: object) =>
    paysaga.call('POST', `/v1/payments/${payment.id}/refunds`, body);
  const atGateway = async (number: string): Promise<{ amount: { refund: number } }[]> =>
    (await paysaga.control('GET', `/refunds?out_trade_no=${number}&limit=1000`)).body.refunds;

  it('a hundred requests at once never exceed the payment', async () => {
    const payment = await paid(paysaga);
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => ask(payment, { amount: { refund: 100 } })),
    );
    for (const { status, body } of answers) {
      if (status === 409) assert.equal(body.code, 'refund_exceeds_payment');
      // Accepted, or stored and not decided before the answer was due.
      else assert.ok(status === 201 || status === 202, JSON.stringify(body));
    }
    const accepted = answers.filter(({ status }) => status !== 409);
    const ended = await Promise.all(
      accepted.map(({ body }) => paysaga.until(`/v1/refunds/${body.id}`, 'SUCCEEDED', 'FAILED')),
    );
    assert.equal(ended.filter(({ status }) => status === 'SUCCEEDED').length, 10);
    await paysaga.until(`/v1/payments/${payment.id}`, 'REFUNDED');
    const there = await atGateway(payment.number);
    assert.equal(there.length, 10);
    assert.equal(
      there.reduce((sum, { amount }) => sum + amount.refund, 0),
      1000,
    );
  });

  it('a payment has fifty refunds; the next one is refused without asking WeChat Pay', async () => {
    const payment = await paid(paysaga);
    const answers = await Promise.all(
      Array.from({ length: REFUND_LIMITS.perPayment }, () => ask(payment, { amount: { refund: 1 } })),
    );
    for (const { status, body } of answers) assert.ok(status === 201 || status === 202, JSON.stringify(body));
    for (const { body } of answers) await paysaga.until(`/v1/refunds/${body.id}`, 'SUCCEEDED');
    const refused = await ask(payment, {});
    assert.equal(refused.status, 409);
    assert.equal(refused.body.code, 'too_many_refunds');
    assert.equal((await atGateway(payment.number)).length, 50);
  });

  it('a payment of a year ago is refused without asking WeChat Pay', async () => {
    const payment = await paid(paysaga);
    const aged = (age: string) =>
      paysaga.pool.query(`update payments set success_time = now() - $2::interval where id = $1`, [
        payment.id,
        age,
      ]);
    await aged('365 days');
    const refused = await ask(payment, {});
    assert.equal(refused.status, 409);
    assert.equal(refused.body.code, 'refund_period_over');
    assert.match(refused.body.detail, /365 days/);
    assert.deepEqual(await atGateway(payment.number), []);
    await aged('364 days 23 hours');
    assert.equal((await ask(payment, {})).status, 201);
  });

  it('another currency than the payment’s is refused', async () => {
    const payment = await paid(paysaga);
    const refused = await ask(payment, { amount: { refund: 1, currency: 'USD' } });
    assert.equal(refused.status, 422);
    assert.deepEqual(refused.body.errors, [{ pointer: '/amount/currency', detail: 'must be "CNY"' }]);
    const source = {
      transactionId: '4200',
      amount: 1000,
      currency: 'HKD',
      status: 'PAID',
      paidAt: null,
      reserved: 0,
      refunds: 0,
    };
    assert.equal(refundObstacle({ amount: 1, currency: 'CNY' }, source, 0)?.code, 'refund_currency_differs');
  });

  it('failing requests make all others wait, and one that waits goes through by itself', async () => {
    await paysaga.pool.query(`update refund_rates set requests_full_at = now(), failures_full_at = now()`);
    const { burst, perSecond } = REFUND_LIMITS.failures;
    assert.ok(burst + perSecond <= 6, 'no second has more than WeChat Pay takes');
    for (let failure = 0; failure < 2 * perSecond; failure += 1)
      await takeFailureToken(paysaga.pool, paysaga.merchantId);
    const { rows } = await paysaga.pool.query('select failures_full_at from refund_rates');
    const payment = await paid(paysaga);
    const { id } = await refund(paysaga, payment.id);
    await paysaga.until(`/v1/refunds/${id}`, 'SUCCEEDED');
    const sent = (await loadRefund(paysaga.pool, id))?.sentAt?.getTime() ?? 0;
    assert.ok(sent >= rows[0].failures_full_at.getTime() - 1, 'it was sent once there was a token');
  });

  it('a failing answer takes from the bucket of failures', async () => {
    await paysaga.pool.query(`update refund_rates set requests_full_at = now(), failures_full_at = now()`);
    const payment = await paid(paysaga);
    await paysaga.control('POST', '/faults', {
      operation: 'refund.create',
      kind: 'refused',
      code: 'TRADE_ERROR',
    });
    const full = async () =>
      (
        await paysaga.pool.query('select failures_full_at from refund_rates')
      ).rows[0].failures_full_at.getTime();
    const before = await full();
    assert.equal((await ask(payment, {})).status, 422);
    assert.ok((await full()) > before);
  });

  it('a refund that got no token has left no trace of having been sent', async () => {
    const payment = await paid(paysaga);
    await paysaga.pool.query(`update refund_rates set failures_full_at = now() + interval '1 day'`);
    const { id } = (await ask(payment, {})).body;
    const waiting = await loadRefund(paysaga.pool, id);
    assert.equal(waiting?.status, 'RESERVED');
    assert.equal(waiting?.sentAt, null);
    assert.deepEqual(await atGateway(payment.number), []);
    await inTransaction(paysaga.pool, (db) => db.query('update refund_rates set failures_full_at = now()'));
    await paysaga.pool.query(`update refund_rates set failures_full_at = now()`);
  });

  it('an answer that is lost after many turns without a token is asked for as soon as after the first', async () => {
    const payment = await paid(paysaga);
    await paysaga.control('POST', '/faults', {
      operation: 'refund.create',
      kind: 'error_502_html',
      processed: true,
    });
    const until = (interval: string) =>
      paysaga.pool.query(`update refund_rates set failures_full_at = clock_timestamp() + $1::interval`, [
        interval,
      ]);
    await until('300 milliseconds');
    const answer = ask(payment, {});
    const saga = paysaga.client.workflow.getHandle(
      await eventually('the refund is there', async () => {
        const [row] = (await paysaga.pool.query(NUMBER_OF, [payment.id])).rows;
        return row && refundId(paysaga, row.out_refund_no);
      }),
    );
    // By the activity's own backoff the next call would come after half a minute.
    await eventually('six turns without a token', async () => {
      await until('300 milliseconds');
      const { pendingActivities } = (await saga.describe()).raw;
      return pendingActivities?.some(({ attempt }) => (attempt ?? 0) > 6);
    });
    const { body } = await answer;
    const done = await paysaga.until(`/v1/refunds/${body.id}`, 'SUCCEEDED');
    assert.equal(done.attempts.length, 1);
    assert.equal((await atGateway(payment.number)).length, 1);
  });

  it('429 leaves the outcome unknown: the gateway is asked, then the same number gets the same bytes', async () => {
    const payment = await paid(paysaga);
    await paysaga.control('POST', '/faults', {
      operation: 'refund.create',
      kind: 'rate_limited_429',
      times: 1,
    });
    const { body } = await ask(payment, {});
    const done = await paysaga.until(`/v1/refunds/${body.id}`, 'SUCCEEDED');
    assert.equal(done.attempts.length, 1);
    assert.equal((await atGateway(payment.number)).length, 1);
  });
});
