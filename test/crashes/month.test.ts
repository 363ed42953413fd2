import assert from 'node:assert/strict';
import { DISCREPANCIES, EVERYDAY_REASONS } from '../../dev/month/discrepancies/index.ts';
import { runMonth } from '../../dev/month/run.ts';
import { SCENARIO, shopsOf } from '../../dev/month/scenario.ts';
import { startPaysaga as startCommand } from '../../dev/paysaga-command.ts';
import { READY_TIMEOUT_MS } from '../../dev/paysaga-service.ts';
import { Supervisor } from '../../dev/supervisor.ts';
import { billDateOf, daysAfter } from '../../domain/bill-day.ts';
import { RULES } from '../../domain/reconciliation.ts';
import { environmentOf } from '../command.ts';
import { type Paysaga, startPaysaga } from '../fixture.ts';
import { enrolMerchant } from '../provider.ts';

describe('a month of reconciliations, the first days', function () {
  this.timeout(180_000);
  let paysaga: Paysaga;
  const processes = new Supervisor({ longestBackoffMs: 100, backoffMs: 100 });
  const environment = () => ({
    ...environmentOf(paysaga),
    PUBLIC_URL: paysaga.apiUrl,
    POLLING_SPEED: '5',
    RECONCILIATION_CRON: 'off',
  });
  before(async () => {
    paysaga = await startPaysaga({
      worker: false,
      sagaDeadlineMs: 1_000,
      simulator: { seed: 1411, scenario: SCENARIO },
    });
    // As the service runs: a process of its own, that is kept alive.
    await processes.start({
      name: 'worker',
      async start(signal) {
        const worker = await startCommand({ args: ['worker'], env: environment(), signal });
        await worker.printed(/"msg":"worker ready"/, READY_TIMEOUT_MS);
        return worker;
      },
    });
  });
  after(async () => {
    await processes.stop();
    await paysaga.stop();
  });

  it('all that is made wrong is found, and nothing else, though the worker is killed in the middle', async () => {
    const said: string[] = [];
    const { world } = paysaga.simulator;
    const shops = await shopsOf((mchid) => enrolMerchant(paysaga, world.get(mchid).merchant));
    const report = await runMonth(
      {
        ...paysaga,
        simulatorUrl: paysaga.simulator.baseUrl,
        temporalNamespace: 'default',
        environment: environment(),
        pids: () => processes.pids(),
      },
      {
        seed: 1,
        days: 1,
        firstDay: daysAfter(billDateOf(new Date()), -40),
        shops,
        payments: 1,
        wrong: 11,
        carryDays: 1,
        nightKills: 1,
        dayKills: 0,
        say: (line) => {
          said.push(line);
          if (process.env.TEST_LOG) console.log(line);
        },
      },
    );
    assert.deepEqual(report.violations, [], said.join('\n'));
    for (const { precision, recall, addsUp } of report.days)
      assert.deepEqual({ precision, recall, addsUp }, { precision: 1, recall: 1, addsUp: true });
    assert.ok(
      report.days.some(({ kills }) => kills.night > 0),
      said.join('\n'),
    );
    const reasons = new Set(Object.keys(report.verdicts).map((verdict) => verdict.split(' ')[1]));
    assert.deepEqual([...reasons].sort(), RULES.map(({ reason }) => reason as string).sort());
  });

  it('every reason there is belongs to a discrepancy', () => {
    const provoked = new Set<string>([
      ...DISCREPANCIES.flatMap(({ reasons }) => reasons),
      ...EVERYDAY_REASONS,
    ]);
    assert.deepEqual([...provoked].sort(), RULES.map(({ reason }) => reason as string).sort());
  });
});
