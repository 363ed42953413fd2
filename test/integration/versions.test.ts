import assert from 'node:assert/strict';
import { type Paysaga, startPaysaga } from '../fixture.ts';

/** `ROUTING_CONFIG_UPDATE_STATE_COMPLETED` of Temporal's API. */
const COMPLETED = 2;

async function eventually(done: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; !(await done()); turn += 1) {
    assert.ok(turn < 400, 'it does not happen');
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

describe('versions of the worker', () => {
  let paysaga: Paysaga;
  before(async () => {
    paysaga = await startPaysaga({
      worker: false,
      paymentTiming: { notifyWaitMs: 60_000, pollGapsMs: [200, 300] },
      refundTiming: { notifyWaitMs: 300, pollGapsMs: [200, 300] },
    });
  });
  after(() => paysaga.stop());

  /** What an operator does with `temporal worker deployment set-current-version`, once the version has shown itself. */
  async function makeCurrent(buildId: string): Promise<void> {
    const { workflowService } = paysaga.client;
    const deployment = { namespace: 'default', deploymentName: paysaga.taskQueue };
    await eventually(async () => {
      try {
        await workflowService.setWorkerDeploymentCurrentVersion({ ...deployment, buildId, identity: 'test' });
        return true;
      } catch {
        // The server knows a version only once its worker has polled.
        return false;
      }
    });
    // The task queues hear of it a moment later.
    await eventually(async () => {
      const { workerDeploymentInfo: info } = await workflowService.describeWorkerDeployment(deployment);
      return info?.routingConfigUpdateState === COMPLETED;
    });
  }

  const workflowId = (number: string) => `payment/${paysaga.mchid}/${number}`;

  /** Build ids of the workers that carried the workflow, each once, in order. */
  async function carriedBy(id: string): Promise<string[]> {
    const { events } = await paysaga.client.workflow.getHandle(id).fetchHistory();
    const builds = (events ?? []).flatMap(
      ({ workflowTaskCompletedEventAttributes: done }) => done?.deploymentVersion?.buildId ?? [],
    );
    return [...new Set(builds)];
  }

  it('a payment that began on one version ends on it although another is current, and new payments begin on the other', async () => {
    await paysaga.startWorker({ buildId: '0.1.0-aaaa' });
    await makeCurrent('0.1.0-aaaa');
    const old = (await paysaga.createPayment()).body;
    await paysaga.startWorker({ buildId: '0.2.0-bbbb' });
    await makeCurrent('0.2.0-bbbb');
    const young = (await paysaga.createPayment()).body;
    for (const { out_trade_no, id } of [old, young]) {
      await paysaga.control('POST', `/orders/${out_trade_no}/pay`, {});
      await paysaga.until(`/v1/payments/${id}`, 'PAID');
    }
    const refund = await paysaga.call('POST', `/v1/payments/${old.id}/refunds`, {});
    await paysaga.until(`/v1/refunds/${refund.body.id}`, 'SUCCEEDED');

    assert.deepEqual(await carriedBy(workflowId(old.out_trade_no)), ['0.1.0-aaaa']);
    assert.deepEqual(await carriedBy(workflowId(young.out_trade_no)), ['0.2.0-bbbb']);
    // A refund is a workflow of its own: it begins on what is current, whatever its payment ended on.
    assert.deepEqual(await carriedBy(`refund/${paysaga.mchid}/${refund.body.out_refund_no}`), ['0.2.0-bbbb']);

    const { raw } = await paysaga.client.workflow.getHandle(workflowId(old.out_trade_no)).describe();
    const { versioningInfo } = raw.workflowExecutionInfo ?? {};
    assert.equal(versioningInfo?.deploymentVersion?.buildId, '0.1.0-aaaa');
    assert.equal(versioningInfo?.behavior, 1, 'pinned');
  });

  it('a payment whose version is gone waits for it, and loses nothing', async () => {
    await paysaga.stopWorker();
    await paysaga.startWorker({ buildId: '0.2.0-bbbb' });
    await makeCurrent('0.2.0-bbbb');
    const { id, out_trade_no } = (await paysaga.createPayment()).body;
    await paysaga.stopWorker();
    await paysaga.startWorker({ buildId: '0.3.0-cccc' });
    await makeCurrent('0.3.0-cccc');
    await paysaga.control('POST', `/orders/${out_trade_no}/pay`, {});
    const delivered = async () =>
      (
        await paysaga.pool.query(
          'select 1 from notifications where subject_id = $1 and delivered_at is not null',
          [id],
        )
      ).rows.length > 0;
    await eventually(delivered);
    assert.equal((await paysaga.call('GET', `/v1/payments/${id}`)).body.status, 'PENDING');
    await paysaga.startWorker({ buildId: '0.2.0-bbbb' });
    await paysaga.until(`/v1/payments/${id}`, 'PAID');
    assert.deepEqual(await carriedBy(workflowId(out_trade_no)), ['0.2.0-bbbb']);
  });
});
