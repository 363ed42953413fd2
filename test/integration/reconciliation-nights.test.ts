import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { billDateOf, daysAfter } from '../../domain/bill-day.ts';
import { reconciliationScheduleId } from '../../domain/identity.ts';
import { RECONCILIATION_TIMING } from '../../domain/reconciliation.ts';
import type { AccountResult } from '../../workflows/reconciliation-start.ts';
import { runPaysaga } from '../command.ts';
import { type Paysaga, startPaysaga } from '../fixture.ts';
import { enrolOverseas, type Overseas } from '../overseas.ts';
import { enrolProvider, subMerchant } from '../provider.ts';
import { openShell, shellBlocks } from '../shell.ts';

/** On real time: a night is about yesterday. */
describe('reconciliation nights', () => {
  let paysaga: Paysaga;
  let providerId: string;
  let overseas: Overseas;
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
    overseas = await enrolOverseas(paysaga);
    await paysaga.startWorker({ nights });
  });
  after(async () => {
    const { body } = await paysaga.call('GET', '/v1/reconciliation-schedules');
    await paysaga.stopWorker();
    for (const { mchid } of body.data) {
      await paysaga.client.schedule.getHandle(reconciliationScheduleId(mchid)).delete();
    }
    await overseas.close();
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
    await until('there are three schedules', async () => (await schedules()).length === 3);
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

  it('a merchant overseas has a night, too, with one statement in place of two bills', async () => {
    await scheduleOf(overseas.mchid).trigger('BUFFER_ONE');
    await until('the night has begun', () => nightOf(overseas.mchid));
    const [night] = await resultsOf(overseas.mchid);
    assert.ok(night?.result?.kind === 'done', JSON.stringify(night));
    const { body } = await paysaga.call('GET', `/v1/reconciliations/${night.result.runId}`);
    assert.deepEqual(
      body.files.map(({ kind, rows }: { kind: string; rows: number }) => [kind, rows]),
      [['statement', 0]],
    );
  });

  it('paysaga reconcile runs days through the same workflow, and prints a line for each', async () => {
    const reconciled = await runPaysaga(paysaga, [
      ...['reconcile', '--from', daysAfter(yesterday(), -1)],
      ...['--to', yesterday()],
    ]);
    assert.equal(reconciled.code, 0, reconciled.said);
    // Two days of the merchant, of the one overseas, and of the sub-merchant of the provider.
    const lines = reconciled.stdout.trim().split('\n');
    assert.equal(lines.length, 6, reconciled.said);
    for (const line of lines)
      assert.match(line, /rec_[0-9a-f]{32} {2}0 lines = 0 matched .* ledger explained/);
    assert.match(reconciled.said, /1\/2 .*…\n(.*\n)*2\/2 /);
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
    // As the guide says, word for word.
    const shell = await openShell(paysaga);
    try {
      const guide = readFileSync(new URL('../../docs/reconciliation.md', import.meta.url), 'utf8');
      const command = shellBlocks(guide).find((block) => block.includes('--unpause'));
      const { code, said } = await shell.run(String(command).replace('1900000001', mchid), {});
      assert.equal(code, 0, said);
    } finally {
      shell.close();
    }
    assert.equal((await handle.describe()).state.paused, false);
    await until('the pause is over', async () =>
      (await schedules()).some(
        (one: { mchid: string; paused: boolean }) => one.mchid === mchid && !one.paused,
      ),
    );
  });
});
