import assert from 'node:assert/strict';
import { pino } from 'pino';
import { clearOldNotifications, deleteOldIdempotencyKeys } from '../../database/retention.ts';
import { startRetention } from '../../worker/retention.ts';
import { type Paysaga, startPaysaga } from '../fixture.ts';

describe('what is only needed for a while', () => {
  let paysaga: Paysaga;
  before(async () => {
    paysaga = await startPaysaga();
  });
  after(() => paysaga.stop());

  async function paid(): Promise<{ id: string; number: string }> {
    const { body } = await paysaga.createPayment();
    await paysaga.control('POST', `/orders/${body.out_trade_no}/pay`, {});
    await paysaga.until(`/v1/payments/${body.id}`, 'PAID');
    for (let turn = 0; turn < 400; turn += 1) {
      const { rows } = await paysaga.pool.query(
        'select delivered_at from notifications where subject_id = $1',
        [body.id],
      );
      if (rows[0]?.delivered_at) break;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    return { id: body.id, number: body.out_trade_no };
  }
  const age = (id: string, days: number) =>
    paysaga.pool.query(
      'update notifications set received_at = now() - make_interval(days => $2) where subject_id = $1',
      [id, days],
    );
  const notification = async (id: string) =>
    (
      await paysaga.pool.query(
        'select id, headers, body, resource, verdict, notification_id, cleared_at from notifications where subject_id = $1',
        [id],
      )
    ).rows[0];

  it('is forgotten by the worker: what a notification said, not that it came', async () => {
    const old = await paid();
    const young = await paid();
    await age(old.id, 91);
    await age(young.id, 89);
    const before = await notification(old.id);
    assert.match(JSON.stringify(before.resource), /openid/);
    const retention = startRetention({
      pool: paysaga.pool,
      retention: { notificationDays: 90, idempotencyKeyDays: 30 },
      idleMs: 20,
      log: pino({ level: 'silent' }),
    });
    let after = before;
    for (let turn = 0; turn < 400 && !after.cleared_at; turn += 1) {
      await new Promise((resolve) => setTimeout(resolve, 25));
      after = await notification(old.id);
    }
    await retention.stop();
    assert.deepEqual([after.headers, after.body.length, after.resource], [[], 0, null]);
    assert.deepEqual([after.verdict, after.notification_id], ['accepted', before.notification_id]);
    assert.ok((await notification(young.id)).resource);
    assert.ok((await paysaga.pool.query('select 1 from idempotency_keys')).rowCount, 'young keys stay');
    // A copy of it is still one, and the workflow that is pointed to it by hand makes nothing of it.
    await paysaga.pool.query(
      `update notifications set deliver_at = now(), delivered_at = null where id = $1`,
      [before.id],
    );
    for (let turn = 0; turn < 400; turn += 1) {
      const { rows } = await paysaga.pool.query('select delivered_at from notifications where id = $1', [
        before.id,
      ]);
      if (rows[0].delivered_at) break;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    const { body } = await paysaga.call('GET', `/v1/payments/${old.id}`);
    assert.deepEqual([body.status, body.attention], ['PAID', 'none']);
  });

  it('is kept while it has not been handed on', async () => {
    const { id } = await paid();
    await age(id, 400);
    await paysaga.stopWorker();
    await paysaga.pool.query(
      `update notifications set deliver_at = now() + interval '1 hour' where subject_id = $1`,
      [id],
    );
    await clearOldNotifications(paysaga.pool, 90);
    assert.ok((await notification(id)).resource);
    await paysaga.startWorker();
  });

  it('is deleted: an Idempotency-Key, after its days; its order number stays taken', async () => {
    const key = { 'idempotency-key': 'monday' };
    const order = { description: 'Tea set', amount: { total: 100 }, out_trade_no: 'MONDAY1' };
    assert.equal((await paysaga.call('POST', '/v1/payments', order, key)).status, 201);
    await paysaga.pool.query(
      `update idempotency_keys set created_at = now() - interval '29 days' where key = 'monday'`,
    );
    assert.equal(await deleteOldIdempotencyKeys(paysaga.pool, 30), 0);
    const replayed = await paysaga.call('POST', '/v1/payments', order, key);
    assert.equal(replayed.headers['idempotency-replayed'], 'true');
    await paysaga.pool.query(
      `update idempotency_keys set created_at = now() - interval '31 days' where key = 'monday'`,
    );
    assert.equal(await deleteOldIdempotencyKeys(paysaga.pool, 30), 1);
    const again = await paysaga.call('POST', '/v1/payments', order, key);
    assert.equal(again.body.code, 'out_trade_no_exists');
  });
});
