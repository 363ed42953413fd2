import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { settleRefund, wordOf } from '../../activities/settle-refund.ts';
import { listEventTypes } from '../../database/events.ts';
import { inTransaction } from '../../database/pool.ts';
import { listAttempts } from '../../database/refund-attempts.ts';
import { transitionRefund } from '../../database/refund-changes.ts';
import { loadRefund } from '../../database/refunds.ts';
import { type Paysaga, startPaysaga } from '../fixture.ts';
import { finishRefund, paid, refund, refundId } from '../replay/path.ts';
import { untilAttention } from '../watch.ts';

/** A refund that failed is tried again under another number of WeChat Pay's, and the same id of ours. */
describe('attempts of a refund', () => {
  let paysaga: Paysaga;
  before(async () => {
    paysaga = await startPaysaga({
      refundTiming: { notifyWaitMs: 300, pollGapsMs: [200, 300] },
      simulator: { refundDelayMs: Number.POSITIVE_INFINITY },
      gatewayTimeoutMs: 700,
    });
  });
  after(() => paysaga.stop());
  afterEach(() => paysaga.control('DELETE', '/faults'));

  const retry = (id: string, body?: object, headers = {}) =>
    paysaga.call('POST', `/v1/refunds/${id}/retry`, body, headers);
  const shown = async (id: string) => (await paysaga.call('GET', `/v1/refunds/${id}`)).body;
  /** A refund that the gateway has closed. */
  const closed = async (fields: object = {}) => {
    const payment = await paid(paysaga);
    const first = await refund(paysaga, payment.id, fields);
    await finishRefund(paysaga, first.number, 'CLOSED');
    await paysaga.until(`/v1/refunds/${first.id}`, 'FAILED');
    return { payment, ...first };
  };
  const steps = async (paymentId: string) => {
    const { rows } = await paysaga.pool.query(
      'select step, cause_id from ledger_transactions where payment_id = $1 order by sequence',
      [paymentId],
    );
    return rows.map(({ step, cause_id }) => [step, cause_id]);
  };

  it('one that the gateway closed goes through under a new number, and both are kept', async () => {
    const { payment, id, number } = await closed({ amount: { refund: 400 } });
    const retried = await retry(id);
    assert.equal(retried.status, 200, JSON.stringify(retried.body));
    assert.equal(retried.body.id, id);
    assert.equal(retried.body.status, 'PROCESSING');
    assert.notEqual(retried.body.out_refund_no, number);
    assert.equal(retried.body.failure, null);
    await finishRefund(paysaga, retried.body.out_refund_no, 'SUCCESS');
    const done = await paysaga.until(`/v1/refunds/${id}`, 'SUCCEEDED');
    assert.deepEqual(
      done.attempts.map((attempt: Record<string, unknown>) => [
        attempt.number,
        attempt.out_refund_no,
        attempt.outcome,
      ]),
      [
        [1, number, 'FAILED'],
        [2, retried.body.out_refund_no, 'SUCCEEDED'],
      ],
    );
    assert.equal(done.attempts[0].failure.code, 'REFUND_CLOSED');
    assert.match(done.attempts[0].wechat_refund_id, /^50\d{27}$/);
    assert.equal(done.wechat_refund_id, done.attempts[1].wechat_refund_id);
    const requests = await paysaga.pool.query(
      'select request from refund_attempts where refund_id = $1 order by number',
      [id],
    );
    assert.deepEqual(
      requests.rows.map(({ request }) => JSON.parse(request).out_refund_no),
      [number, retried.body.out_refund_no],
      'the exact request of each is stored',
    );
    assert.deepEqual((await listEventTypes(paysaga.pool, payment.id)).slice(3), [
      'refund.created',
      'refund.reserved',
      'refund.processing',
      'refund.failed',
      'refund.retried',
      'refund.reserved',
      'refund.processing',
      'refund.succeeded',
      'payment.partially_refunded',
    ]);
    assert.deepEqual(await steps(payment.id), [
      ['payment.paid', payment.id],
      ['refund.reserved', id],
      ['refund.released', id],
      ['refund.reserved', `${id}/2`],
      ['refund.succeeded', `${id}/2`],
    ]);
  });

  it('one that the gateway refused for good goes through as well, once the cause is gone', async () => {
    const payment = await paid(paysaga);
    await paysaga.control('POST', '/faults', {
      operation: 'refund.create',
      kind: 'refused',
      code: 'TRADE_ERROR',
    });
    const refused = await paysaga.call('POST', `/v1/payments/${payment.id}/refunds`, {});
    assert.equal(refused.status, 422, JSON.stringify(refused.body));
    const id = refused.body.refund_id;
    const retried = await retry(id, { out_refund_no: `AGAIN${randomUUID().slice(0, 18)}` });
    assert.equal(retried.status, 200, JSON.stringify(retried.body));
    await finishRefund(paysaga, retried.body.out_refund_no, 'SUCCESS');
    await paysaga.until(`/v1/refunds/${id}`, 'SUCCEEDED');
  });

  it('the same retry again is the same attempt; another key is refused while one is under way', async () => {
    const { id } = await closed();
    const key = { 'idempotency-key': randomUUID() };
    const answers = await Promise.all([
      retry(id, undefined, key),
      retry(id, undefined, key),
      retry(id, undefined, key),
    ]);
    for (const { status, body } of answers) assert.ok(status === 200 || status === 202, JSON.stringify(body));
    assert.equal((await listAttempts(paysaga.pool, id)).length, 2);
    const other = await retry(id);
    assert.equal(other.status, 409);
    assert.equal(other.body.code, 'refund_not_retryable');
    assert.equal(other.body.status_now, 'PROCESSING');
  });

  it('many retries at once begin one attempt', async () => {
    const { id } = await closed();
    const answers = await Promise.all(Array.from({ length: 20 }, () => retry(id)));
    assert.equal(answers.filter(({ status }) => status !== 409).length, 1);
    assert.equal((await listAttempts(paysaga.pool, id)).length, 2);
  });

  it('it has to fit again: what was refunded meanwhile is not refunded twice', async () => {
    const { payment, id } = await closed({ amount: { refund: 700 } });
    const other = await refund(paysaga, payment.id, { amount: { refund: 400 } });
    const refused = await retry(id);
    assert.equal(refused.status, 409, JSON.stringify(refused.body));
    assert.equal(refused.body.code, 'refund_exceeds_payment');
    assert.equal((await shown(id)).status, 'FAILED');
    await finishRefund(paysaga, other.number, 'CLOSED');
    await paysaga.until(`/v1/refunds/${other.id}`, 'FAILED');
    assert.equal((await retry(id)).status, 200);
  });

  it('a number that was used by any attempt is refused, and nothing changes', async () => {
    const { id, number } = await closed();
    const taken = await retry(id, { out_refund_no: number });
    assert.equal(taken.status, 409);
    assert.equal(taken.body.code, 'out_refund_no_exists');
    assert.equal((await shown(id)).status, 'FAILED');
    assert.equal((await shown(id)).attempts.length, 1);
  });

  it('one that succeeded, or is unknown, is not retried', async () => {
    const payment = await paid(paysaga);
    const { id, number } = await refund(paysaga, payment.id);
    await finishRefund(paysaga, number, 'SUCCESS');
    await paysaga.until(`/v1/refunds/${id}`, 'SUCCEEDED');
    assert.equal((await retry(id)).body.code, 'refund_not_retryable');
    assert.equal((await retry('ref_unknown')).status, 404);
  });

  it('the relay starts the attempt whose client never comes back', async () => {
    const { id } = await closed();
    const number = `ORPHAN${randomUUID().slice(0, 18)}`;
    await paysaga.pool.query(
      `with retried as (update refunds set status = 'CREATED', attempt = 2, ensure_at = now() where id = $1 returning *)
       insert into refund_attempts (tenant_id, merchant_id, refund_id, number, out_refund_no)
       select tenant_id, merchant_id, id, 2, $2 from retried`,
      [id, number],
    );
    await paysaga.until(`/v1/refunds/${id}`, 'PROCESSING');
    await finishRefund(paysaga, number, 'SUCCESS');
    await paysaga.until(`/v1/refunds/${id}`, 'SUCCEEDED');
  });

  it('a late copy about the first number changes nothing; money by it is shown, and holds back further numbers', async () => {
    const { id, number } = await closed();
    const second = await retry(id);
    const known = await loadRefund(paysaga.pool, id);
    assert.ok(known);
    const word = {
      outRefundNo: number,
      refundId: '50000000000000000000000000000',
      amount: known.amount,
      status: 'CLOSED',
    } as const;
    await settleRefund(paysaga.pool, known, word);
    assert.equal((await shown(id)).attention, 'none');
    await settleRefund(paysaga.pool, known, { ...word, status: 'SUCCESS' });
    assert.equal((await shown(id)).attention_reason, 'gateway_contradicts');
    // The end of the second attempt does not hide it.
    await finishRefund(paysaga, second.body.out_refund_no, 'CLOSED');
    const failed = await paysaga.until(`/v1/refunds/${id}`, 'FAILED');
    assert.equal(failed.attention_reason, 'gateway_contradicts');
    const refused = await retry(id);
    assert.equal(refused.body.code, 'refund_not_retryable');
    assert.match(refused.body.detail, /gateway_contradicts/);
    // WeChat Pay says now that all of it is closed.
    const rechecked = await paysaga.call('POST', `/v1/refunds/${id}/recheck`, { reason: 'support answered' });
    assert.equal(rechecked.status, 202, JSON.stringify(rechecked.body));
    await untilAttention(paysaga, `/v1/refunds/${id}`, null);
    assert.equal((await retry(id)).status, 200);
  });

  it('a number is not sent while WeChat Pay says that an earlier one has moved money', async () => {
    const { id, number } = await closed();
    // The gateway answers for the first number what it answers for a refund that succeeded.
    const other = await refund(paysaga, (await paid(paysaga)).id);
    await finishRefund(paysaga, other.number, 'SUCCESS');
    await paysaga.until(`/v1/refunds/${other.id}`, 'SUCCEEDED');
    const succeeded = other.number;
    await paysaga.pool.query('update refund_attempts set out_refund_no = $2 where refund_id = $1', [
      other.id,
      `MOVED${randomUUID().slice(0, 18)}`,
    ]);
    await paysaga.pool.query('update refund_attempts set out_refund_no = $2 where refund_id = $1', [
      id,
      succeeded,
    ]);
    const creating = retry(id);
    await untilAttention(paysaga, `/v1/refunds/${id}`, 'gateway_contradicts');
    const waiting = await creating;
    assert.equal(waiting.status, 202, JSON.stringify(waiting.body));
    assert.equal(waiting.body.status, 'RESERVED');
    assert.equal((await paysaga.control('GET', `/refunds/${waiting.body.out_refund_no}`)).status, 404);
    // Mended: the first number is the closed one again.
    await paysaga.pool.query(
      'update refund_attempts set out_refund_no = $2 where refund_id = $1 and number = 1',
      [id, number],
    );
    await paysaga.call('POST', `/v1/refunds/${id}/recheck`, { reason: 'mended' });
    const processing = await paysaga.until(`/v1/refunds/${id}`, 'PROCESSING');
    assert.equal(processing.attention, 'none');
  });

  it('the database takes another attempt only when a refund that failed begins anew', async () => {
    const { id } = await closed();
    const set = (sql: string) => paysaga.pool.query(`update refunds set ${sql} where id = $1`, [id]);
    await assert.rejects(set('attempt = 2'), /attempt 2 of a refund that is FAILED cannot follow attempt 1/);
    await assert.rejects(set(`status = 'CREATED'`), /attempt 1 of a refund that is CREATED/);
    await assert.rejects(set(`status = 'CREATED', attempt = 3`), /attempt 3/);
    // Nobody has begun it: the row must name an attempt that there is.
    await assert.rejects(set(`status = 'CREATED', attempt = 2`), /refunds_attempt_fkey/);
    assert.equal((await shown(id)).status, 'FAILED');
  });

  it('a repeated word about an attempt posts nothing twice', async () => {
    const { payment, id } = await closed();
    const second = await retry(id);
    await finishRefund(paysaga, second.body.out_refund_no, 'SUCCESS');
    await paysaga.until(`/v1/refunds/${id}`, 'SUCCEEDED');
    const before = await steps(payment.id);
    const known = await loadRefund(paysaga.pool, id);
    assert.ok(known);
    const view = (await paysaga.control('GET', `/refunds/${second.body.out_refund_no}`)).body;
    const word = wordOf({ ...view, status: 'SUCCESS', user_received_account: '', create_time: '' });
    await Promise.all(Array.from({ length: 10 }, () => settleRefund(paysaga.pool, known, word)));
    const again = await inTransaction(paysaga.pool, (db) => transitionRefund(db, id, 'SUCCEEDED'));
    assert.equal(again, undefined);
    assert.deepEqual(await steps(payment.id), before);
  });

  it('each attempt has a workflow of its own, and none is left running', async () => {
    const { id, number } = await closed();
    const second = await retry(id);
    await finishRefund(paysaga, second.body.out_refund_no, 'SUCCESS');
    await paysaga.until(`/v1/refunds/${id}`, 'SUCCEEDED');
    const results = [];
    for (const one of [number, second.body.out_refund_no])
      results.push(await paysaga.client.workflow.getHandle(refundId(paysaga, one)).result());
    assert.deepEqual(results, [{ status: 'FAILED' }, { status: 'SUCCEEDED' }]);
  });
});
