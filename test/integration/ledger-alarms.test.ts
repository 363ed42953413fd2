import assert from 'node:assert/strict';
import { pino } from 'pino';
import { reverse } from '../../database/ledger.ts';
import { inTransaction } from '../../database/pool.ts';
import { rfc3339 } from '../../domain/time.ts';
import { startLedgerWatch } from '../../worker/ledger-watch.ts';
import { runPaysaga } from '../command.ts';
import { eventually } from '../eventually.ts';
import { type Answer, type Paysaga, startPaysaga } from '../fixture.ts';
import { closed, decide, latePayments, payLate, untilLate, untilUndecided } from '../late-money.ts';
import { book } from '../ledger-books.ts';

const DAY_MS = 24 * 3600 * 1000;

describe('money that stays where it must not', () => {
  let paysaga: Paysaga;
  let lines: { level: number; msg: string; [field: string]: unknown }[];
  let watches: ReturnType<typeof startLedgerWatch>[];
  before(async () => {
    // Transactions of its own: workflows of late money are named by them, and the namespace is that of all tests.
    paysaga = await startPaysaga({ simulator: { seed: 47 } });
  });
  beforeEach(() => {
    lines = [];
    watches = [];
  });
  afterEach(async () => {
    for (const watch of watches) await watch.stop();
  });
  after(() => paysaga.stop());

  /** As a worker does, and looks often. */
  function watch(days = 3): void {
    const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
    watches.push(startLedgerWatch({ pool: paysaga.pool, days, idleMs: 20, log }));
  }
  const alarms = async (): Promise<Answer['body'][]> =>
    (await paysaga.call('GET', '/v1/ledger/alarms')).body.data;
  const alarmOf = async (account: string) => (await alarms()).find((alarm) => alarm.account === account);
  const ago = (days: number) => rfc3339(new Date(Date.now() - days * DAY_MS));
  const suspend = (step: 'suspense.in' | 'suspense.out', amount: number, days: number) =>
    book(paysaga.pool, { merchantId: paysaga.merchantId, step, amount, postedAt: ago(days) });
  const takeBack = (sequence: number) =>
    inTransaction(paysaga.pool, (db) => reverse(db, { sequence, reason: 'explained', actor: 'test' }));
  const said = (words: RegExp) => lines.filter(({ msg }) => words.test(msg));

  it('what has been in suspense for three days raises an alarm, once, however many workers look', async () => {
    const old = await suspend('suspense.in', 500, 4);
    const young = await suspend('suspense.in', 70, 2);
    watch();
    watch();
    const alarm = await eventually('the alarm', () => alarmOf('suspense'));
    assert.deepEqual(
      [alarm.object, alarm.mchid, alarm.amount, alarm.pieces, alarm.currency],
      ['ledger_alarm', paysaga.mchid, 500, 1, 'CNY'],
    );
    assert.equal(Date.parse(alarm.since) <= Date.now() - 4 * DAY_MS, true);
    // A worker that starts anew says nothing again.
    watch();
    const older = await suspend('suspense.in', 30, 10);
    await eventually('more of it is seen', async () => (await alarmOf('suspense')).amount === 530);
    assert.equal((await alarmOf('suspense')).pieces, 2);
    const [raised, again] = said(/^ALARM: money has been in suspense for too long$/);
    assert.equal(again, undefined);
    assert.deepEqual([raised?.level, raised?.mchid, raised?.amount], [50, paysaga.mchid, '5.00']);

    // What was explained is taken back and no longer old; what is left is young.
    for (const sequence of [old, older]) await takeBack(sequence);
    await eventually('the alarm is over', async () => (await alarms()).length === 0);
    await eventually('it is said', async () => said(/^no money is in suspense for too long/).length > 0);
    await takeBack(young);
  });

  it('what goes out of suspense is taken for the oldest that came in; of either side', async () => {
    const own = [await suspend('suspense.in', 100, 9), await suspend('suspense.in', 50, 1)];
    own.push(await suspend('suspense.out', 60, 0));
    watch();
    const alarm = await eventually('the alarm', () => alarmOf('suspense'));
    assert.deepEqual([alarm.amount, alarm.pieces], [40, 1]);
    own.push(await suspend('suspense.out', 40, 0));
    await eventually('nothing is old', async () => (await alarms()).length === 0);
    for (const sequence of own) await takeBack(sequence);
    // More has gone out than came in, and for long.
    const out = [await suspend('suspense.out', 75, 5), await suspend('suspense.in', 50, 0)];
    const other = await eventually('the other alarm', async () => {
      const found = await alarmOf('suspense');
      return found?.amount === -25 && found;
    });
    assert.equal(other.pieces, 1);
    for (const sequence of out) await takeBack(sequence);
    await eventually('nothing is left', async () => (await alarms()).length === 0);
  });

  it('late money that nobody has decided on raises one, until somebody decides', async () => {
    await paysaga.control('POST', '/faults', {
      ...{ operation: 'refund.create', kind: 'refused', code: 'USER_ACCOUNT_ABNORMAL' },
    });
    const payment = await closed(paysaga);
    await payLate(paysaga, payment);
    const [recorded] = await latePayments(paysaga, payment.id);
    const late = await untilUndecided(paysaga, recorded);
    watch();
    assert.deepEqual(await alarms(), []);
    await paysaga.pool.query(
      `update late_payments set created_at = now() - interval '73 hours' where id = $1`,
      [late.id],
    );
    const alarm = await eventually('the alarm', () => alarmOf('late_money'));
    assert.deepEqual([alarm.amount, alarm.pieces], [2590, 1]);
    const printed = await runPaysaga(paysaga, ['ledger', 'alarms', '--json']);
    assert.deepEqual(JSON.parse(printed.stdout).data, [alarm]);

    await decide(paysaga, late, { decision: 'accept', actor: 'lin', reason: 'delivered already' });
    await untilLate(paysaga, late, 'ACCEPTED');
    await eventually('the alarm is over', async () => (await alarms()).length === 0);
    assert.equal(said(/^ALARM: money has been in late_money/).length, 1);
  });

  it('is nothing to see for another tenant', async () => {
    const sequence = await suspend('suspense.in', 5, 30);
    watch();
    await eventually('the alarm', () => alarmOf('suspense'));
    await paysaga.pool.query(`insert into tenants (id, name) values ('ten_other', 'other')`);
    await paysaga.pool.query(`update ledger_alarms set tenant_id = 'ten_other'`);
    assert.deepEqual(await alarms(), []);
    await takeBack(sequence);
  });
});
