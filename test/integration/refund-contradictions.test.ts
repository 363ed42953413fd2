import assert from 'node:assert/strict';
import { WithStartWorkflowOperation } from '@temporalio/client';
import { settleRefund } from '../../activities/settle-refund.ts';
import { inTransaction } from '../../database/pool.ts';
import { requestRefundAttention } from '../../database/refund-changes.ts';
import { loadRefund, type Refund } from '../../database/refunds.ts';
import { recheck } from '../../workflows/messages.ts';
import { refundRestart } from '../../workflows/start.ts';
import { eventually } from '../eventually.ts';
import { type Paysaga, startPaysaga } from '../fixture.ts';
import { approvedByTwo, fault, finishRefund, mend, paid, refund, refundId } from '../replay/path.ts';
import { untilAttention } from '../watch.ts';

/** WeChat Pay takes back what it has said of a refund: the customer may have the money twice. */
describe('a refund about which WeChat Pay contradicts itself', function () {
  this.timeout(60_000);
  let paysaga: Paysaga;
  before(async () => {
    paysaga = await startPaysaga({
      refundTiming: { notifyWaitMs: 300, pollGapsMs: [200, 300], gapMs: 0 },
      simulator: { refundDelayMs: Number.POSITIVE_INFINITY },
      gatewayTimeoutMs: 700,
      sagaDeadlineMs: 10_000,
    });
  });
  after(() => paysaga.stop());
  afterEach(() => mend(paysaga));

  const shown = async (id: string) => (await paysaga.call('GET', `/v1/refunds/${id}`)).body;
  const post = (id: string, what: string, body: object = {}) =>
    paysaga.call('POST', `/v1/refunds/${id}/${what}`, body);
  const loaded = async (id: string): Promise<Refund> => {
    const row = await loadRefund(paysaga.pool, id);
    assert.ok(row);
    return row;
  };
  const closed = async () => {
    const payment = await paid(paysaga);
    const first = await refund(paysaga, payment.id);
    await finishRefund(paysaga, first.number, 'CLOSED');
    await paysaga.until(`/v1/refunds/${first.id}`, 'FAILED');
    return { payment, ...first };
  };
  const atGateway = async (number: string) => (await paysaga.control('GET', `/refunds/${number}`)).status;
  /** The gateway shows a refund otherwise than before. */
  const reopen = (number: string, status: 'PROCESSING' | 'SUCCESS' | 'CLOSED') => {
    const there = paysaga.simulator.gateway.refundBook.findByNumber(number);
    assert.ok(there);
    there.status = status;
    return { outRefundNo: number, refundId: there.refundId, amount: there.refund, status };
  };
  /** Sends the stored bytes of the present number past the saga. */
  const sendAgain = async (id: string) => {
    const row = await loaded(id);
    await (await paysaga.merchants.for(row)).applyRefund(row.refundRequest ?? '');
  };
  /** What two people have approved. */
  const approved = (id: string): Promise<string> =>
    approvedByTwo(paysaga, {
      action: 'accept_contradiction',
      subjectId: id,
      payload: {},
      reason: 'the customer keeps it',
    });
  const accept = async (id: string) =>
    post(id, 'resolve', { choice: 'ACCEPT', reason: 'agreed', approval_id: await approved(id) });
  /** A second attempt that found the account empty, and then the first one has moved money. */
  const emptyThenContradicted = async () => {
    const one = await closed();
    await fault(paysaga, { operation: 'refund.create', kind: 'not_enough', times: null });
    const second = (await post(one.id, 'retry')).body.out_refund_no;
    await untilAttention(paysaga, `/v1/refunds/${one.id}`, 'refund_not_enough');
    const word = reopen(one.number, 'SUCCESS');
    await settleRefund(paysaga.pool, await loaded(one.id), word);
    await mend(paysaga);
    return { ...one, second };
  };

  it('is not applied for again once an earlier number has moved money, although its own was refused for want of money', async () => {
    const { id, second } = await emptyThenContradicted();
    assert.equal((await post(id, 'recheck', { reason: 'topped up' })).status, 202);
    const handle = paysaga.client.workflow.getHandle(refundId(paysaga, second));
    await eventually('it was looked at again', async () => {
      const { events } = await handle.fetchHistory();
      return (
        (events ?? []).filter((event) => event.activityTaskCompletedEventAttributes).length >= 2 && events
      );
    });
    assert.equal(await atGateway(second), 404, 'it was not sent');
    const waiting = await shown(id);
    assert.deepEqual([waiting.status, waiting.attention_reason], ['RESERVED', 'gateway_contradicts']);
  });

  it('goes on showing it, whatever else is wrong', async () => {
    const { id } = await emptyThenContradicted();
    for (const reason of ['refund_not_enough', 'refund_unresolved', 'workflow_ended'] as const)
      await inTransaction(paysaga.pool, (db) => requestRefundAttention(db, id, reason));
    assert.equal((await shown(id)).attention_reason, 'gateway_contradicts');
  });

  it('is released by two people when a number of it was held back, and its money can be refunded anew', async () => {
    const held: (() => Promise<{ id: string; second: string; payment: { id: string } }>)[] = [
      emptyThenContradicted,
      // Another one was never sent.
      async () => {
        const one = await closed();
        reopen(one.number, 'SUCCESS');
        return { ...one, second: (await post(one.id, 'retry')).body.out_refund_no };
      },
    ];
    for (const hold of held) {
      const { id, second, payment } = await hold();
      await untilAttention(paysaga, `/v1/refunds/${id}`, 'gateway_contradicts');
      const ended = await accept(id);
      assert.equal(ended.status, 200, JSON.stringify(ended.body));
      assert.deepEqual([ended.body.status, ended.body.attention], ['FAILED', 'none']);
      assert.equal(ended.body.failure.code, 'gateway_contradicts');
      assert.equal(await atGateway(second), 404);
      assert.deepEqual(await paysaga.client.workflow.getHandle(refundId(paysaga, second)).result(), {
        status: 'FAILED',
      });
      const { rows } = await paysaga.pool.query(
        'select step, cause_id from ledger_transactions where payment_id = $1 order by sequence desc limit 2',
        [payment.id],
      );
      assert.deepEqual(
        rows.map(({ step, cause_id }) => [step, cause_id]),
        [
          ['refund.released', `${id}/2`],
          ['refund.reserved', `${id}/2`],
        ],
      );
    }
  });

  it('is not released when its own number is there after all', async () => {
    const { id, number, second } = await emptyThenContradicted();
    // The gateway's own rules would not have it beside the first one.
    reopen(number, 'CLOSED');
    await sendAgain(id);
    reopen(number, 'SUCCESS');
    const ended = await accept(id);
    assert.equal(ended.status, 200, JSON.stringify(ended.body));
    assert.deepEqual([ended.body.status, ended.body.attention], ['PROCESSING', 'none']);
    await finishRefund(paysaga, second, 'SUCCESS');
    await paysaga.until(`/v1/refunds/${id}`, 'SUCCEEDED');
  });

  it('has a decision carried out that comes while its workflow is about to end', async () => {
    const { id, number } = await closed();
    await settleRefund(paysaga.pool, await loaded(id), reopen(number, 'SUCCESS'));
    const approvalId = await approved(id);
    const lock = await paysaga.pool.connect();
    try {
      // What an operator asks cannot be put on record yet: the workflow waits for that alone.
      await lock.query('begin; lock table operator_actions in access exclusive mode');
      const { workflowType, ...start } = refundRestart(await loaded(id), {
        taskQueue: paysaga.taskQueue,
      });
      const asking = await paysaga.client.workflow.startUpdateWithStart(recheck, {
        args: [{ actor: 'ana', reason: 'is it so?' }],
        waitForStage: 'ACCEPTED',
        startWorkflowOperation: new WithStartWorkflowOperation(workflowType, start),
      });
      // Not the run of the attempt, which has ended.
      const handle = paysaga.client.workflow.getHandle(asking.workflowId, asking.workflowRunId);
      await eventually('WeChat Pay was asked, and the workflow has heard of it', async () => {
        const events = (await handle.fetchHistory()).events ?? [];
        const asked = events.findIndex((event) => event.activityTaskCompletedEventAttributes);
        return asked > 0 && events.slice(asked).some((event) => event.workflowTaskCompletedEventAttributes);
      });
      const resolving = post(id, 'resolve', {
        choice: 'ACCEPT',
        reason: 'agreed',
        approval_id: approvalId,
      });
      await eventually('the decision has come', async () => {
        const { events } = await handle.fetchHistory();
        return (
          (events ?? []).filter((event) => event.workflowExecutionUpdateAcceptedEventAttributes).length === 2
        );
      });
      await lock.query('rollback');
      await asking.result();
      const resolved = await resolving;
      assert.equal(resolved.status, 200, JSON.stringify(resolved.body));
      assert.equal(resolved.body.attention, 'none');
      assert.deepEqual(await handle.result(), { status: 'FAILED' });
    } finally {
      lock.release(true);
    }
  });

  it('shows that a refund which it had refused is there after all, parked', async () => {
    const payment = await paid(paysaga);
    await fault(paysaga, { operation: 'refund.create', kind: 'refused', code: 'TRADE_ERROR' });
    const { body } = await paysaga.call('POST', `/v1/payments/${payment.id}/refunds`, {});
    const id = body.refund_id;
    const failed = await paysaga.until(`/v1/refunds/${id}`, 'FAILED');
    assert.deepEqual([failed.failure.code, failed.attention], ['TRADE_ERROR', 'none']);
    // Another call with the same bytes had been taken, and its query was too early.
    await sendAgain(id);
    await finishRefund(paysaga, failed.out_refund_no, 'ABNORMAL');
    await untilAttention(paysaga, `/v1/refunds/${id}`, 'gateway_contradicts');
    assert.equal((await post(id, 'retry')).body.code, 'refund_not_retryable');
  });

  it('shows that the money of an earlier number is parked; an old word about a closed one is none', async () => {
    const { id, number } = await closed();
    await settleRefund(paysaga.pool, await loaded(id), reopen(number, 'PROCESSING'));
    assert.equal((await shown(id)).attention, 'none', 'it may be older than the end');
    reopen(number, 'CLOSED');
    const second = (await post(id, 'retry')).body.out_refund_no;
    reopen(number, 'PROCESSING');
    await finishRefund(paysaga, number, 'ABNORMAL');
    await untilAttention(paysaga, `/v1/refunds/${id}`, 'gateway_contradicts');
    // The end of the contradiction does not hide what else is to be decided.
    await finishRefund(paysaga, second, 'ABNORMAL');
    await paysaga.until(`/v1/refunds/${id}`, 'ABNORMAL');
    reopen(number, 'CLOSED');
    assert.equal((await post(id, 'recheck', { reason: 'support has corrected it' })).status, 202);
    await untilAttention(paysaga, `/v1/refunds/${id}`, 'refund_abnormal');
  });
});
