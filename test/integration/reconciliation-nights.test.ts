import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { PAYSAGA } from '../../dev/paysaga-command.ts';
import { billDateOf, daysAfter } from '../../domain/bill-day.ts';
import { reconciliationScheduleId } from '../../domain/identity.ts';
import { RECONCILIATION_TIMING } from '../../domain/reconciliation.ts';
import type { AccountResult } from '../../workflows/reconciliation-start.ts';
import { type Paysaga, startPaysaga } from '../fixture.ts';
import { enrolProvider, subMerchant } from '../provider.ts';
import { temporalAddress } from '../servers.ts';

/** On real time: a night is about yesterday. */
describe('reconciliation nights', () => {
  let paysaga: Paysaga;
  let providerId: string;
  const yesterday = () => daysAfter(billDateOf(new Date()), -1);
  const nights = {
    cron: '30 10 * * *',
    carryDays: 3,
    everyMs: 100,
    settings: { patience: { creatingGapMs: 500, againMs: 50 }, timing: RECONCILIATION_TIMING },
  };
  before(async () => {
    paysaga = await startPaysaga({
      worker: false,
      simulator: { scenario: { bills: { available: 'immediately' } } },
    });
    providerId = await enrolProvider(paysaga);
    await paysaga.startWorker({ nights });
  });
  after(async () => {
    const { body } = await paysaga.call('GET', '/v1/reconciliation-schedules');
    await paysaga.stopWorker();
    for (const { mchid } of body.data) {
      await paysaga.client.schedule.getHandle(reconciliationScheduleId(mchid)).delete();
    }
    await paysaga.stop();
  });

  const until = async (what: string, holds: () => Promise<unknown>) => {
    for (let turn = 0; turn < 400; turn += 1) {
      if (await holds()) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`${what} has not come true`);
  };
  const schedules = async () => (await paysaga.call('GET', '/v1/reconciliation-schedules')).body.data;
  const scheduleOf = (mchid: string) => paysaga.client.schedule.getHandle(reconciliationScheduleId(mchid));
  /** The newest workflow that the schedule has started. */
  const nightOf = async (mchid: string) => {
    const { info } = await scheduleOf(mchid).describe();
    const action = info.recentActions.at(-1)?.action;
    return action && paysaga.client.workflow.getHandle(action.workflow.workflowId);
  };

  const resultsOf = async (mchid: string): Promise<AccountResult[]> => {
    const night = await nightOf(mchid);
    return night ? await night.result() : [];
  };

  it('each merchant has a schedule: half past ten in Shanghai, late ones buffered, paused by a failure', async () => {
    await until('there are two schedules', async () => (await schedules()).length === 2);
    const { policies, spec, info } = await scheduleOf(paysaga.mchid).describe();
    assert.equal(policies.overlap, 'BUFFER_ONE');
    assert.equal(policies.pauseOnFailure, true);
    assert.equal(spec.timezone, 'Asia/Shanghai');
    assert.match(info.nextActionTimes[0]?.toISOString() ?? '', /T02:30:00/);
  });

  it('a night reconciles yesterday, in a workflow of its own for each account', async () => {
    await scheduleOf(paysaga.mchid).trigger('BUFFER_ONE');
    await until('the night has begun', () => nightOf(paysaga.mchid));
    const [result] = await resultsOf(paysaga.mchid);
    assert.deepEqual([result?.billDate, result?.result?.kind], [yesterday(), 'done']);
    const { body } = await paysaga.call('GET', `/v1/reconciliations?bill_date=${yesterday()}`);
    assert.deepEqual(
      body.data.map(({ mchid, status }: { mchid: string; status: string }) => [mchid, status]),
      [[paysaga.mchid, 'done']],
    );
    assert.ok((await paysaga.history(`reconciliation/${paysaga.mchid}/${yesterday()}`)).length <= 24);
  });

  it("a service provider's night has an account for each sub-merchant, whose fund flow is encrypted", async () => {
    const sub = subMerchant(paysaga);
    const { body } = await paysaga.createPayment({
      merchant_id: providerId,
      sub_merchant: { mchid: sub.mchid },
    });
    const paid = once(paysaga.simulator.gateway.events, 'payment');
    await paysaga.control('POST', `/orders/${body.out_trade_no}/pay`, {});
    await paid;
    await paysaga.until(`/v1/payments/${body.id}`, 'PAID');
    // Of today: the night looks at yesterday, and finds nothing in it.
    const { mchid } = paysaga.simulator.world.provider;
    await scheduleOf(mchid).trigger('BUFFER_ONE');
    await until('the night has begun', () => nightOf(mchid));
    const results = await resultsOf(mchid);
    assert.deepEqual(
      results.map(({ subMchid, result }) => [subMchid, result?.kind]),
      [[sub.mchid, 'done']],
    );
  });

  it('paysaga reconcile runs days through the same workflow, and prints a line for each', async () => {
    const child = spawn(
      process.execPath,
      [...PAYSAGA, 'reconcile', '--from', daysAfter(yesterday(), -1), '--to', yesterday()],
      {
        env: {
          ...process.env,
          DATABASE_URL: paysaga.databaseUrl,
          TEMPORAL_ADDRESS: await temporalAddress(),
          TEMPORAL_TASK_QUEUE: paysaga.taskQueue,
        },
      },
    );
    let [out, errors] = ['', ''];
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    child.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    const [code] = await once(child, 'close');
    assert.equal(code, 0, errors);
    // Two days of the merchant, and of the sub-merchant of the provider.
    const lines = out.trim().split('\n');
    assert.equal(lines.length, 4, out);
    for (const line of lines)
      assert.match(line, /rec_[0-9a-f]{32} {2}0 lines = 0 matched .* ledger explained/);
    assert.match(errors, /1\/2 .*…\n(.*\n)*2\/2 /);
  });

  it('a night that fails pauses its schedule, which shows until somebody unpauses it', async () => {
    const { mchid } = paysaga;
    await paysaga.control('POST', '/bills/settings', { available: 'next_day' });
    await paysaga.control('POST', '/faults', { operation: 'bill.trade', kind: 'error_500', times: null });
    const handle = scheduleOf(mchid);
    const { info } = await handle.describe();
    const before = info.numActionsTaken;
    // Nights are named by the second: two in one would be one to Temporal.
    const last = info.recentActions.at(-1)?.takenAt.getTime() ?? 0;
    await until('it is another second', async () => Date.now() > last + 1_000);
    await handle.trigger('BUFFER_ONE');
    await until('the night has begun', async () => (await handle.describe()).info.numActionsTaken > before);
    const child = paysaga.client.workflow.getHandle(`reconciliation/${mchid}/${yesterday()}`);
    await until('the day is under way', async () => (await child.describe()).status.name === 'RUNNING');
    await child.terminate('the test ends it');
    await until('the pause shows', async () =>
      (await schedules()).some(
        (one: { mchid: string; paused: boolean }) => one.mchid === mchid && one.paused,
      ),
    );
    const [paused] = (await schedules()).filter((one: { mchid: string }) => one.mchid === mchid);
    assert.match(paused.note, /fail/i);
    await handle.unpause('mended');
    await until('the pause is over', async () =>
      (await schedules()).some(
        (one: { mchid: string; paused: boolean }) => one.mchid === mchid && !one.paused,
      ),
    );
  });
});
