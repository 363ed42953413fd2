import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { listEventTypes } from '../../database/events.ts';
import { balances } from '../../database/ledger.ts';
import { updatePolicies } from '../../database/merchants.ts';
import type { LatePaymentDecision } from '../../domain/late-payment.ts';
import { eventually } from '../eventually.ts';
import { type Paysaga, startPaysaga } from '../fixture.ts';
import {
  booksSince,
  closed,
  gatewayRefunds,
  latePayments,
  lateWorkflow,
  otherTransaction,
  payLate,
  postedSteps,
  untilLate,
  withoutWorker,
} from '../late-money.ts';
import { notify, success } from '../notification.ts';
import { fault } from '../replay/path.ts';

const WINDOW_MS = 2_000;

describe('late money', () => {
  let paysaga: Paysaga;
  before(async () => {
    paysaga = await startPaysaga({
      // The API's clock is behind, so that a window of one minute ends after two seconds.
      apiClock: () => Date.now() - 60_000 + WINDOW_MS,
      paymentTiming: { notifyWaitMs: 200, pollGapsMs: [300] },
      refundTiming: { notifyWaitMs: 200, pollGapsMs: [300] },
      // Its workflows are named by the gateway's transaction_id, which a seed repeats, and Temporal is that of all tests.
      simulator: { seed: 29 },
    });
  });
  after(() => paysaga.stop());
  afterEach(async () => {
    await paysaga.control('DELETE', '/faults');
    await policy('refund');
  });

  const policy = (latePaymentPolicy: LatePaymentDecision) =>
    updatePolicies(paysaga.pool, paysaga.mchid, { latePaymentPolicy });
  /** Nobody hears of payments. */
  const loseNotifications = () =>
    fault(paysaga, {
      operation: 'notification',
      kind: 'drop',
      event_type: 'TRANSACTION.SUCCESS',
      times: null,
    });
  const held = () => balances(paysaga.pool, paysaga.merchantId);
  const get = async (path: string) => (await paysaga.call('GET', path)).body;

  it('expired, then paid: gateway, row, ledger and events tell one truth, and the customer has the money back', async () => {
    const before = await held();
    const { body: payment } = await paysaga.createPayment({ expires_in: 60 });
    await paysaga.until(`/v1/payments/${payment.id}`, 'CLOSED');
    assert.equal(
      (await paysaga.control('GET', `/orders/${payment.out_trade_no}`)).body.trade_state,
      'CLOSED',
    );

    await payLate(paysaga, payment);
    const [late] = await latePayments(paysaga, payment.id);
    const done = await untilLate(paysaga, late, 'REFUNDED');

    const shown = await get(`/v1/payments/${payment.id}`);
    assert.equal(shown.status, 'CLOSED');
    assert.equal(shown.attention, 'none');
    assert.equal(shown.amount.refunded, 0, 'nothing of the payment was refunded: it was never paid');
    assert.deepEqual(done.decision, { decision: 'refund', by: 'policy', reason: null });
    const refund = await get(`/v1/refunds/${done.refund_id}`);
    assert.equal(refund.status, 'SUCCEEDED');
    assert.equal(refund.cause, 'late_money');
    assert.equal(refund.late_payment_id, late.id);
    assert.equal(refund.amount.refund, 2590);

    const { rows: numbers } = await paysaga.pool.query(
      'select distinct transaction_id from ledger_transactions where payment_id = $1',
      [payment.id],
    );
    assert.deepEqual(
      numbers,
      [{ transaction_id: done.transaction_id }],
      'the ledger names what came and went',
    );
    const [there] = await gatewayRefunds(paysaga, done.transaction_id);
    assert.equal(there.out_refund_no, refund.out_refund_no);
    assert.equal(there.status, 'SUCCESS');
    assert.deepEqual(await booksSince(paysaga, before), {}, 'late_money is empty again');
    assert.deepEqual(await postedSteps(paysaga, payment.id), [
      'payment.late',
      'late_refund.reserved',
      'refund.succeeded',
    ]);
    assert.deepEqual(await listEventTypes(paysaga.pool, payment.id), [
      'payment.created',
      'payment.pending',
      'payment.closed',
      'payment.late_money',
      'refund.created',
      'refund.reserved',
      'late_payment.refunding',
      'refund.processing',
      'refund.succeeded',
      'late_payment.refunded',
    ]);
    assert.deepEqual(await lateWorkflow(paysaga, done).result(), { status: 'REFUNDED' });
    const child = await paysaga.client.workflow
      .getHandle(`refund/${paysaga.mchid}/${refund.out_refund_no}`)
      .describe();
    assert.equal(child.parentExecution?.workflowId, lateWorkflow(paysaga, done).workflowId);
  });

  it('accepted by policy it is the payment, which can be refunded like any other', async () => {
    await policy('accept');
    const before = await held();
    const payment = await closed(paysaga);
    await payLate(paysaga, payment);
    const paid = await paysaga.until(`/v1/payments/${payment.id}`, 'PAID');
    const [late] = await latePayments(paysaga, payment.id);
    assert.equal(late.status, 'ACCEPTED');
    assert.equal(paid.transaction_id, late.transaction_id);
    assert.equal(paid.success_time, late.success_time);
    assert.equal(paid.attention, 'none');
    assert.deepEqual(await booksSince(paysaga, before), { wechat_receivable: 2590, sales: 2590 });
    assert.deepEqual(await postedSteps(paysaga, payment.id), ['payment.late', 'payment.late_accepted']);
    assert.deepEqual((await listEventTypes(paysaga.pool, payment.id)).slice(2), [
      'payment.closed',
      'payment.late_money',
      'late_payment.accepted',
      'payment.paid',
    ]);
    const { status } = await paysaga.call('POST', `/v1/payments/${payment.id}/refunds`, {});
    assert.equal(status, 201);
    await paysaga.until(`/v1/payments/${payment.id}`, 'REFUNDED');
    assert.deepEqual(await booksSince(paysaga, before), { sales: 2590, refunds: 2590 });
  });

  it('for an order that WeChat Pay had refused it goes back as well, or makes the payment paid without a trace of the failure', async () => {
    const refused = async () => {
      await fault(paysaga, { operation: 'native.create', kind: 'refused', code: 'RULE_LIMIT' });
      const { body } = await paysaga.createPayment();
      return { ...(await paysaga.until(`/v1/payments/${body.payment_id}`, 'FAILED')) };
    };
    const first = await refused();
    await notify(
      paysaga,
      success(paysaga, first.out_trade_no, { transaction_id: await otherTransaction(paysaga) }),
    );
    const [late] = await latePayments(paysaga, first.id);
    await untilLate(paysaga, late, 'REFUNDED');
    assert.equal((await get(`/v1/payments/${first.id}`)).status, 'FAILED');

    await policy('accept');
    const second = await refused();
    // The gateway knows nothing of the order that it has refused: the appid is what the request named.
    await notify(
      paysaga,
      success(paysaga, second.out_trade_no, { transaction_id: await otherTransaction(paysaga) }),
    );
    const paid = await paysaga.until(`/v1/payments/${second.id}`, 'PAID');
    assert.equal(paid.failure, null);
  });

  it('is found when the customer comes back, though every notification is lost', async () => {
    const payment = await closed(paysaga);
    await loseNotifications();
    await payLate(paysaga, payment);
    const answer = await paysaga.call('POST', `/v1/payments/${payment.id}/sync`);
    assert.equal(answer.status, 200);
    const [late] = await latePayments(paysaga, payment.id);
    await untilLate(paysaga, late, 'REFUNDED');
    const again = await paysaga.call('POST', `/v1/payments/${payment.id}/sync`);
    assert.equal(again.body.status, 'CLOSED');
    assert.equal((await latePayments(paysaga, payment.id)).length, 1);
  });

  it('a look after the end that WeChat Pay does not answer is a 503, not an answer', async () => {
    const payment = await closed(paysaga);
    await fault(paysaga, { operation: 'order.query', kind: 'error_500', times: null });
    const answer = await paysaga.call('POST', `/v1/payments/${payment.id}/sync`);
    assert.equal(answer.status, 503);
    assert.equal(answer.body.code, 'temporarily_unavailable');
  });

  it('is found by a poll that was under way when the payment was closed', async () => {
    await loseNotifications();
    const payment = await closed(paysaga);
    await payLate(paysaga, payment);
    const { activities, close } = withoutWorker(paysaga);
    const turn = { paymentId: payment.id, pollGapsMs: [300], timeExpire: Date.now() };
    const finding = await new MockActivityEnvironment().run(activities.settleByPolling, turn);
    await close();
    assert.deepEqual(finding, { kind: 'final', status: 'CLOSED' });
    const [late] = await latePayments(paysaga, payment.id);
    await untilLate(paysaga, late, 'REFUNDED');
    assert.equal((await get(`/v1/payments/${payment.id}`)).status, 'CLOSED');
  });

  it('a hundred notifications of it are acknowledged and have one effect, and no workflow fails', async () => {
    const payment = await closed(paysaga);
    const before = await held();
    const resource = success(paysaga, payment.out_trade_no, {
      transaction_id: await otherTransaction(paysaga),
    });
    const id = randomUUID();
    // Half of them are copies of one, the others have ids of their own.
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => notify(paysaga, resource, index % 2 ? { id } : {})),
    );
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([204]));
    const [late] = await latePayments(paysaga, payment.id);
    await untilLate(paysaga, late, 'REFUNDED');
    await eventually('every one is delivered', async () => {
      const { rows } = await paysaga.pool.query('select 1 from notifications where deliver_at is not null');
      return rows.length === 0;
    });
    assert.equal((await latePayments(paysaga, payment.id)).length, 1);
    assert.equal((await gatewayRefunds(paysaga, late.transaction_id)).length, 1);
    assert.deepEqual(await booksSince(paysaga, before), {});
    const types = await listEventTypes(paysaga.pool, payment.id);
    assert.equal(new Set(types).size, types.length, `each event once: ${types}`);
    const failed = paysaga.client.workflow.list({
      query: `PaymentId = '${payment.id}' AND ExecutionStatus IN ('Failed', 'Terminated', 'TimedOut')`,
    });
    for await (const { workflowId } of failed) assert.fail(`${workflowId} failed`);
  });

  describe('whatever dies between two steps', () => {
    const notification = async (paymentId: string) =>
      await eventually('the notification is stored', async () => {
        const { rows } = await paysaga.pool.query<{ id: string }>(
          `select id from notifications where subject_id = $1 and verdict = 'accepted'`,
          [paymentId],
        );
        return rows[0]?.id;
      });
    afterEach(async () => {
      await paysaga.stopWorker();
      await paysaga.startWorker();
    });

    it('before it is recorded: the stored notification is', async () => {
      const payment = await closed(paysaga);
      await paysaga.stopWorker();
      await payLate(paysaga, payment);
      await notification(payment.id);
      await paysaga.startWorker();
      const [late] = await latePayments(paysaga, payment.id);
      await untilLate(paysaga, late, 'REFUNDED');
    });

    it('before its workflow is started: the relay starts it', async () => {
      const payment = await closed(paysaga);
      await paysaga.stopWorker();
      await payLate(paysaga, payment);
      const { activities, close } = withoutWorker(paysaga);
      const notificationId = await notification(payment.id);
      await activities.settleFromNotification({ paymentId: payment.id, notificationId });
      await close();
      const [late] = await latePayments(paysaga, payment.id);
      assert.equal(late.status, 'RECEIVED');
      await paysaga.startWorker();
      await untilLate(paysaga, late, 'REFUNDED');
    });

    it('before its refund is started: it is found, and not stored twice', async () => {
      const payment = await closed(paysaga);
      await paysaga.stopWorker();
      await payLate(paysaga, payment);
      const { activities, close } = withoutWorker(paysaga);
      await activities.settleFromNotification({
        paymentId: payment.id,
        notificationId: await notification(payment.id),
      });
      const [late] = await latePayments(paysaga, payment.id);
      const step = { latePaymentId: late.id };
      const decided = await Promise.all([
        activities.decideLatePayment(step),
        activities.decideLatePayment(step),
      ]);
      assert.deepEqual(decided[0], decided[1]);
      await close();
      await paysaga.startWorker();
      await untilLate(paysaga, late, 'REFUNDED');
      assert.equal((await gatewayRefunds(paysaga, late.transaction_id)).length, 1);
    });

    it('when its own workflow is gone for good, the refund goes through all the same', async () => {
      const payment = await closed(paysaga);
      await paysaga.stopWorker();
      await payLate(paysaga, payment);
      const { activities, close } = withoutWorker(paysaga);
      await activities.settleFromNotification({
        paymentId: payment.id,
        notificationId: await notification(payment.id),
      });
      const [late] = await latePayments(paysaga, payment.id);
      await activities.decideLatePayment({ latePaymentId: late.id });
      await close();
      await paysaga.pool.query('update late_payments set ensure_at = null where id = $1', [late.id]);
      await paysaga.pool.query('update refunds set ensure_at = now() where late_payment_id = $1', [late.id]);
      await paysaga.startWorker();
      await untilLate(paysaga, late, 'REFUNDED');
    });
  });

  it('of two late transactions for one payment the first is accepted, and the second goes back whatever the policy', async () => {
    await policy('accept');
    const before = await held();
    const payment = await closed(paysaga);
    const [first, second] = [await otherTransaction(paysaga), await otherTransaction(paysaga)];
    await notify(paysaga, success(paysaga, payment.out_trade_no, { transaction_id: first }));
    await paysaga.until(`/v1/payments/${payment.id}`, 'PAID');
    await notify(paysaga, success(paysaga, payment.out_trade_no, { transaction_id: second }));
    const [, late] = await latePayments(paysaga, payment.id, 2);
    assert.equal(late.transaction_id, second);
    await untilLate(paysaga, late, 'REFUNDED');
    const paid = await get(`/v1/payments/${payment.id}`);
    assert.equal(paid.status, 'PAID');
    assert.equal(paid.transaction_id, first);
    assert.equal(paid.amount.refunded, 0);
    assert.deepEqual(await booksSince(paysaga, before), { wechat_receivable: 2590, sales: 2590 });
  });

  it('another transaction for a payment that was paid in time goes back, and the payment stays as it is', async () => {
    const { body } = await paysaga.createPayment({ expires_in: 3600 });
    await paysaga.control('POST', `/orders/${body.out_trade_no}/pay`, {});
    const paid = await paysaga.until(`/v1/payments/${body.id}`, 'PAID');
    const other = await otherTransaction(paysaga);
    await notify(paysaga, success(paysaga, body.out_trade_no, { transaction_id: other }));
    const [late] = await latePayments(paysaga, body.id);
    await untilLate(paysaga, late, 'REFUNDED');
    assert.equal((await get(`/v1/payments/${body.id}`)).version, paid.version);
    // What is the payment's own can still be refunded in full.
    assert.equal((await paysaga.call('POST', `/v1/payments/${body.id}/refunds`, {})).status, 201);
    await paysaga.until(`/v1/payments/${body.id}`, 'REFUNDED');
  });

  it('no statement makes late money take a way that its life cycle does not know', async () => {
    const payment = await closed(paysaga);
    await payLate(paysaga, payment);
    const [late] = await latePayments(paysaga, payment.id);
    await untilLate(paysaga, late, 'REFUNDED');
    await assert.rejects(
      paysaga.pool.query(`update late_payments set status = 'ACCEPTED' where id = $1`, [late.id]),
      /REFUNDED never becomes ACCEPTED/,
    );
  });

  it('what belongs to another tenant, or to nobody, is not shown', async () => {
    assert.equal((await paysaga.call('GET', '/v1/late-payments/late_nobody')).status, 404);
    assert.equal((await paysaga.call('GET', '/v1/payments/pay_nobody/late-payments')).status, 404);
    assert.equal((await paysaga.call('POST', '/v1/late-payments/late_nobody', {})).status, 405);
  });
});
