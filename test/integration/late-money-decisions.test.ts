import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { WorkflowNotFoundError } from '@temporalio/client';
import { balances } from '../../database/ledger.ts';
import { updatePolicies } from '../../database/merchants.ts';
import { eventually } from '../eventually.ts';
import { type Paysaga, startPaysaga } from '../fixture.ts';
import {
  booksSince,
  closed,
  decide,
  gatewayRefunds,
  latePayments,
  lateWorkflow,
  otherTransaction,
  payLate,
  postedSteps,
  untilLate,
  untilUndecided,
} from '../late-money.ts';
import { notify, success } from '../notification.ts';
import { fault } from '../replay/path.ts';
import { PASSWORD_FEN, TILLS } from '../till.ts';

/** Late money that no policy disposes of waits for a person. */
describe('late money that needs an operator', () => {
  let paysaga: Paysaga;
  before(async () => {
    paysaga = await startPaysaga({
      paymentTiming: {
        notifyWaitMs: 200,
        pollGapsMs: [300],
        reversal: { earliestMs: 100, codeLivesMs: 500, settlesMs: 500 },
      },
      refundTiming: { notifyWaitMs: 200, pollGapsMs: [300] },
      // Its workflows are named by the gateway's transaction_id, which a seed repeats, and Temporal is that of all tests.
      simulator: { seed: 37 },
    });
  });
  after(() => paysaga.stop());
  afterEach(async () => {
    await paysaga.control('DELETE', '/faults');
    await updatePolicies(paysaga.pool, paysaga.mchid, { latePaymentPolicy: 'refund' });
  });

  const held = () => balances(paysaga.pool, paysaga.merchantId);
  const get = async (path: string) => (await paysaga.call('GET', path)).body;

  describe('whose refund WeChat Pay refuses', () => {
    const refused = async () => {
      await fault(paysaga, { operation: 'refund.create', kind: 'refused', code: 'USER_ACCOUNT_ABNORMAL' });
      const payment = await closed(paysaga);
      await payLate(paysaga, payment);
      const [late] = await latePayments(paysaga, payment.id);
      return { payment, late: await untilUndecided(paysaga, late) };
    };
    const operator = { actor: 'lin', reason: 'called the customer' };
    const notRetried = async (refund: string) => {
      const { status, body } = await paysaga.call('POST', `/v1/refunds/${refund}/retry`);
      assert.deepEqual([status, body.code], [409, 'refund_not_retryable'], JSON.stringify(body));
      assert.match(body.detail, /late money/);
    };

    it('waits for a person, in the row of the payment and in Temporal, with its money in its own account', async () => {
      const before = await held();
      const { payment, late } = await refused();
      assert.equal(late.status, 'RECEIVED');
      assert.equal(late.attention_reason, 'refund_failed');
      const shown = await get(`/v1/payments/${payment.id}`);
      assert.equal(shown.attention_reason, 'late_money');
      assert.deepEqual(await booksSince(paysaga, before), { wechat_receivable: 2590, late_money: 2590 });
      assert.deepEqual(await postedSteps(paysaga, payment.id), [
        'payment.late',
        'late_refund.reserved',
        'late_refund.released',
      ]);
      await eventually('Temporal finds it', async () => {
        const found = paysaga.client.workflow.list({
          query: `PaymentId = '${payment.id}' AND Attention = 'needs_operator' AND WorkflowType = 'latePayment'`,
        });
        for await (const { workflowId } of found) return workflowId;
        return undefined;
      });
      await decide(paysaga, late, { decision: 'refund', ...operator });
      await untilLate(paysaga, late, 'REFUNDED');
    });

    it('a decision without a name, a reason or a sense is refused and changes nothing', async () => {
      const { late } = await refused();
      for (const wrong of [
        { decision: 'refund', actor: 'lin', reason: '' },
        { decision: 'refund', actor: '', reason: 'why' },
        { decision: 'keep', ...operator },
        {},
      ]) {
        await assert.rejects(decide(paysaga, late, wrong), JSON.stringify(wrong));
      }
      assert.equal((await get(`/v1/late-payments/${late.id}`)).version, late.version);
      await decide(paysaga, late, { decision: 'refund', ...operator });
      await untilLate(paysaga, late, 'REFUNDED');
    });

    it('an operator has it refunded again, under another number', async () => {
      const before = await held();
      const { payment, late } = await refused();
      assert.deepEqual(await decide(paysaga, late, { decision: 'refund', ...operator }), { kind: 'decided' });
      const done = await untilLate(paysaga, late, 'REFUNDED');
      assert.deepEqual(done.decision, { decision: 'refund', by: 'lin', reason: 'called the customer' });
      assert.notEqual(done.refund_id, late.refund_id);
      assert.equal((await get(`/v1/payments/${payment.id}`)).attention, 'none');
      assert.deepEqual(await booksSince(paysaga, before), {});
      assert.equal((await gatewayRefunds(paysaga, late.transaction_id)).length, 1);
    });

    it('an operator accepts it: the payment is paid, and nothing is left to decide', async () => {
      const before = await held();
      const { payment, late } = await refused();
      assert.deepEqual(await decide(paysaga, late, { decision: 'accept', ...operator }), { kind: 'decided' });
      const paid = await paysaga.until(`/v1/payments/${payment.id}`, 'PAID');
      assert.equal(paid.attention, 'none');
      assert.deepEqual(await booksSince(paysaga, before), { wechat_receivable: 2590, sales: 2590 });
      assert.deepEqual(await lateWorkflow(paysaga, late).result(), { status: 'ACCEPTED' });
      const { searchAttributes } = await lateWorkflow(paysaga, late).describe();
      assert.ok(!(searchAttributes.Attention as unknown[] | undefined)?.includes('needs_operator'));
      await notRetried(late.refund_id);
      assert.equal((await get(`/v1/late-payments/${late.id}`)).attention, 'none');
    });

    it('its refund that failed is not retried beside another one, and does not hold that one up', async () => {
      const { payment, late } = await refused();
      await fault(paysaga, { operation: 'refund.create', kind: 'error_500', times: null });
      await decide(paysaga, late, { decision: 'refund', ...operator });
      await untilLate(paysaga, late, 'REFUNDING');
      await notRetried(late.refund_id);
      // A version that allowed it has begun it.
      await paysaga.pool.query(
        `with retried as (update refunds set status = 'CREATED', attempt = 2, ensure_at = now() where id = $1 returning *)
         insert into refund_attempts (tenant_id, merchant_id, refund_id, number, out_refund_no)
         select tenant_id, merchant_id, id, 2, $2 from retried`,
        [late.refund_id, `BESIDE${randomUUID().slice(0, 18)}`],
      );
      const beside = await paysaga.until(`/v1/refunds/${late.refund_id}`, 'FAILED');
      assert.equal(beside.failure.code, 'refund_exceeds_payment');
      const { status, attention } = await get(`/v1/late-payments/${late.id}`);
      assert.deepEqual([status, attention], ['REFUNDING', 'none']);
      await paysaga.control('DELETE', '/faults');
      await untilLate(paysaga, late, 'REFUNDED');
      assert.deepEqual(await lateWorkflow(paysaga, late).result(), { status: 'REFUNDED' });
      await notRetried(late.refund_id);
      assert.equal((await get(`/v1/payments/${payment.id}`)).attention, 'none');
    });
  });

  it('a decision while its refund is under way is refused with the reason', async () => {
    await fault(paysaga, { operation: 'refund.create', kind: 'error_500', times: null });
    const payment = await closed(paysaga);
    await payLate(paysaga, payment);
    const [late] = await latePayments(paysaga, payment.id);
    await untilLate(paysaga, late, 'REFUNDING');
    const answer = await decide(paysaga, late, { decision: 'accept', actor: 'lin', reason: 'shipped' });
    assert.deepEqual(answer, {
      kind: 'refused',
      why: 'nothing is left to decide: it is REFUNDING, by policy',
    });
    await paysaga.control('DELETE', '/faults');
    await untilLate(paysaga, late, 'REFUNDED');
  });

  it('whose workflow somebody terminated is shown to an operator, and begins anew when it is deleted', async function () {
    this.timeout(120_000);
    await fault(paysaga, { operation: 'refund.create', kind: 'refused', code: 'USER_ACCOUNT_ABNORMAL' });
    const payment = await closed(paysaga);
    await payLate(paysaga, payment);
    const [recorded] = await latePayments(paysaga, payment.id);
    const late = await untilUndecided(paysaga, recorded);
    const look = () =>
      paysaga.pool.query('update late_payments set ensure_at = now() where id = $1', [late.id]);
    await lateWorkflow(paysaga, late).terminate('by hand');
    await look();
    await eventually('it is shown', async () => {
      const { attention_reason } = await get(`/v1/late-payments/${late.id}`);
      return attention_reason === 'workflow_ended';
    });
    await paysaga.client.workflowService.deleteWorkflowExecution({
      namespace: 'default',
      workflowExecution: { workflowId: lateWorkflow(paysaga, late).workflowId },
    });
    // The server deletes it when it has time; until then the relay finds it ended again.
    const decided = async () => {
      await look();
      return await lateWorkflow(paysaga, late)
        .executeUpdate('decide', {
          args: [{ decision: 'refund', actor: 'lin', reason: 'terminated by mistake' }],
        })
        .catch((error) => {
          if (!(error instanceof WorkflowNotFoundError)) throw error;
        });
    };
    while (!(await decided())) await new Promise((resolve) => setTimeout(resolve, 250));
    await untilLate(paysaga, late, 'REFUNDED');
  });

  it('late money of before there were policies waits for a person', async () => {
    const payment = await closed(paysaga);
    await paysaga.stopWorker();
    const transaction = await otherTransaction(paysaga);
    await paysaga.pool.query(
      `insert into late_payments (id, tenant_id, merchant_id, payment_id, transaction_id, amount, currency, status, attention,
         attention_reason, ensure_at)
       select $2, tenant_id, merchant_id, id, $3, amount, 'CNY', 'RECEIVED', 'needs_operator', 'undecided', now()
         from payments where id = $1`,
      [payment.id, `late_${randomUUID().replaceAll('-', '')}`, transaction],
    );
    await paysaga.startWorker();
    const [late] = await latePayments(paysaga, payment.id);
    await decide(paysaga, late, { decision: 'refund', actor: 'lin', reason: 'nobody wanted it' });
    await untilLate(paysaga, late, 'REFUNDED');
  });

  it('money that is not what was ordered is handled by no policy: both sides are shown, and a person decides', async () => {
    await updatePolicies(paysaga.pool, paysaga.mchid, { latePaymentPolicy: 'accept' });
    const before = await held();
    const payment = await closed(paysaga);
    await paysaga.pool.query('update payments set amount = amount + 10 where id = $1', [payment.id]);
    await payLate(paysaga, payment);
    const [recorded] = await latePayments(paysaga, payment.id);
    const late = await untilUndecided(paysaga, recorded);
    assert.equal(late.attention_reason, 'amount_differs');
    assert.equal(late.amount.total, 2590);
    const shown = await get(`/v1/payments/${payment.id}`);
    assert.equal(shown.attention_reason, 'amount_differs');
    assert.equal(shown.attention_details.wechat_pay.amount, 2590);
    assert.equal(shown.attention_details.paysaga.amount, 2600);

    const accept = { decision: 'accept', actor: 'lin', reason: 'close enough' };
    assert.deepEqual(await decide(paysaga, late, accept), {
      kind: 'refused',
      why: 'the payment is over 2600 fen and 2590 came: this money can only be refunded',
    });
    await decide(paysaga, late, { decision: 'refund', actor: 'lin', reason: 'not ours to keep' });
    await untilLate(paysaga, late, 'REFUNDED');
    assert.equal((await get(`/v1/payments/${payment.id}`)).attention, 'none');
    assert.deepEqual(await booksSince(paysaga, before), {});
  });

  it('money for an order that was reversed can only go back, whoever decides: it may be on its way to the customer', async () => {
    await updatePolicies(paysaga.pool, paysaga.mchid, { latePaymentPolicy: 'accept' });
    const before = await held();
    const { body: payment } = await paysaga.createPayment({
      ...TILLS[0]?.fields,
      product: 'CODEPAY',
      amount: { total: PASSWORD_FEN },
    });
    await paysaga.call('POST', `/v1/payments/${payment.id}/close`, { reason: 'walked away' });
    await paysaga.until(`/v1/payments/${payment.id}`, 'CLOSED');
    await fault(paysaga, { operation: 'refund.create', kind: 'refused', code: 'USER_ACCOUNT_ABNORMAL' });
    const transaction_id = await otherTransaction(paysaga, PASSWORD_FEN);
    const amount = { total: PASSWORD_FEN, payer_total: PASSWORD_FEN, currency: 'CNY', payer_currency: 'CNY' };
    await notify(paysaga, success(paysaga, payment.out_trade_no, { transaction_id, amount }));
    const [recorded] = await latePayments(paysaga, payment.id);
    const late = await untilUndecided(paysaga, recorded);
    assert.deepEqual(late.decision, { decision: 'refund', by: 'policy', reason: null });

    assert.deepEqual(await decide(paysaga, late, { decision: 'accept', actor: 'lin', reason: 'shipped' }), {
      kind: 'refused',
      why: 'WeChat Pay was asked to take this order back, and may do so: this money can only be refunded',
    });
    await decide(paysaga, late, { decision: 'refund', actor: 'lin', reason: 'nothing was sold' });
    await untilLate(paysaga, late, 'REFUNDED');
    assert.equal((await get(`/v1/payments/${payment.id}`)).status, 'CLOSED');
    assert.deepEqual(await booksSince(paysaga, before), {});
  });
});
