import assert from 'node:assert/strict';
import { ensured } from '../../database/intents.ts';
import { claimOrphanedPayments } from '../../database/payments.ts';
import { eventually } from '../eventually.ts';
import { type Paysaga, startPaysaga } from '../fixture.ts';
import { create } from '../replay/path.ts';

/** The relay that starts the workflows of intents which nobody else has started. */
describe('the sweep over intents', () => {
  let paysaga: Paysaga;
  let model: string;
  before(async () => {
    paysaga = await startPaysaga({ paymentTiming: { notifyWaitMs: 60_000 } });
    model = (await create(paysaga)).id;
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
});
