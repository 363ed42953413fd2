import assert from 'node:assert/strict';
import type { Client } from '@temporalio/client';
import { pino } from 'pino';
import { ensured } from '../../database/intents.ts';
import { claimOrphanedPayments } from '../../database/payments.ts';
import { startIntentRelay } from '../../worker/intent-relay.ts';
import { startOptions } from '../../workflows/start.ts';
import { eventually } from '../eventually.ts';
import { type Paysaga, startPaysaga } from '../fixture.ts';
import { create, fault, mend, paid } from '../replay/path.ts';

/** The relay that starts the workflows of intents which nobody else has started. */
describe('the sweep over intents', () => {
  let paysaga: Paysaga;
  let model: string;
  let sold: { id: string };
  before(async () => {
    paysaga = await startPaysaga({ paymentTiming: { notifyWaitMs: 60_000 }, sagaDeadlineMs: 1_000 });
    model = (await create(paysaga)).id;
    sold = await paid(paysaga);
    await paysaga.stopWorker();
  });
  after(() => paysaga.stop());

  /** Intents that nobody has started, the oldest first. */
  const orphans = (name: string, count: number) =>
    paysaga.pool.query(
      `insert into payments (id, tenant_id, merchant_id, out_trade_no, product, amount, currency, description, time_expire, status, ensure_at)
       select 'pay_' || $2 || n, tenant_id, merchant_id, $2 || n, product, amount, currency, description, time_expire, 'CREATED',
              now() - interval '1 hour' + n * interval '1 second'
         from payments, generate_series(1, $3) n where id = $1`,
      [model, name, count],
    );

  it('sees every row once, though rows leave while it runs and another one sweeps beside it', async () => {
    await orphans('SWEPT', 200);
    const seen: string[] = [];
    const sweep = async () => {
      for (;;) {
        const claimed = await claimOrphanedPayments(paysaga.pool, 20);
        if (claimed.length === 0) return;
        for (const { id } of claimed) {
          seen.push(id);
          await ensured(paysaga.pool, 'payments', id, { again: false });
        }
      }
    };
    await Promise.all([sweep(), sweep()]);
    assert.equal(seen.length, 200);
    assert.equal(new Set(seen).size, 200);
  });

  it('goes on past a row that cannot be handled, and comes back to it', async () => {
    await orphans('POISON', 4);
    // Too long for the name of a workflow.
    await paysaga.pool.query(`update payments set out_trade_no = repeat('9', 2000) where id = 'pay_POISON1'`);
    await paysaga.startWorker();
    const left = async () =>
      (
        await paysaga.pool.query(
          `select id, ensure_at > now() again from payments where id like 'pay_POISON%' and status = 'CREATED'`,
        )
      ).rows;
    await eventually('all but one have gone on', async () => (await left()).length === 1);
    assert.deepEqual(await left(), [{ id: 'pay_POISON1', again: true }]);
  });

  it('shows nothing to an operator of what begins and ends while it waits for Temporal', async () => {
    await paysaga.stopWorker();
    const payment = `/v1/payments/${(await create(paysaga)).id}`;
    const { body } = await paysaga.call('POST', `/v1/payments/${sold.id}/refunds`, {});
    const refund = `/v1/refunds/${body.id}`;
    await paysaga.pool.query(`update payments set ensure_at = now() where id = $1`, [
      payment.split('/').at(-1),
    ]);
    await paysaga.pool.query(`update refunds set ensure_at = now() where id = $1`, [body.id]);

    // Temporal hiccups, for this relay alone.
    let waiting = 0;
    let goOn = () => {};
    const hiccup = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const slowly: Client['workflow']['start'] = async (type, options) => {
      waiting += 1;
      await hiccup;
      return await paysaga.client.workflow.start(type, options);
    };
    const relay = startIntentRelay({
      pool: paysaga.pool,
      client: { workflow: { start: slowly } } as Client,
      startOptions: startOptions(paysaga.taskQueue, 1),
      idleMs: 60_000,
      log: pino({ level: 'silent' }),
    });
    await eventually('it has claimed both', async () => waiting >= 2);
    await fault(paysaga, { operation: 'refund.create', kind: 'refused', code: 'USER_ACCOUNT_ABNORMAL' });
    await paysaga.startWorker();
    await paysaga.until(refund, 'FAILED');
    await paysaga.until(payment, 'PENDING');
    await paysaga.call('POST', `${payment}/close`);
    const closed = await paysaga.until(payment, 'CLOSED');
    const { mchid, client } = paysaga;
    await client.workflow.getHandle(`payment/${mchid}/${closed.out_trade_no}`).result();
    await client.workflow.getHandle(`refund/${mchid}/${body.out_refund_no}`).result();

    goOn();
    await relay.stop();
    for (const path of [payment, refund])
      assert.equal((await paysaga.call('GET', path)).body.attention, 'none', path);
    await mend(paysaga);
    assert.equal((await paysaga.call('POST', `${refund}/retry`, {})).status, 200);
  });
});
