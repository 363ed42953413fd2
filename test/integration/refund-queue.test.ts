import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { upsertTenant } from '../../database/merchants.ts';
import { inTransaction, openPool, type Pool } from '../../database/pool.ts';
import { takeFailureToken, takeRefundToken } from '../../database/refund-rates.ts';
import { REFUND_LIMITS } from '../../domain/refund.ts';
import { createDatabase } from '../servers.ts';

/** The queue of refunds that wait for a token, on a real database; the worlds in which it is right are in `refund-turn.test.ts`. */
describe('the queue of refunds', () => {
  const MERCHANT = 'mch_queue';
  const { perSecond, burst } = REFUND_LIMITS.requests;
  /** Two workers. */
  let pools: [Pool, Pool];
  let drop: () => Promise<void>;

  before(async () => {
    const database = await createDatabase({ migrated: true });
    drop = database.drop;
    pools = [openPool(database.url, { max: 8 }), openPool(database.url, { max: 8 })];
    const tenantId = await upsertTenant(pools[0], 'demo');
    await pools[0].query(`create table asks (sequence bigserial, refund_id text, granted boolean)`);
    await pools[0].query(
      `with merchant as (
         insert into merchants (id, tenant_id, mchid, appid, serial_no, sealed_private_key, sealed_api_v3_key, public_keys, api_base_url)
         values ('${MERCHANT}', $1, '1900000001', 'wx1', '1', '', '', '{}', 'http://127.0.0.1') returning id)
       insert into payments (id, tenant_id, merchant_id, out_trade_no, product, amount, currency, description, time_expire, status)
       select 'pay_queue', $1, id, 'Q000001', 'NATIVE', 1000000, 'CNY', 'x', now(), 'CREATED' from merchant`,
      [tenantId],
    );
    await pools[0].query(
      `with refund as (
         insert into refunds (id, tenant_id, merchant_id, payment_id, amount, status)
         select 'ref_' || n, $1, '${MERCHANT}', 'pay_queue', 1, 'RESERVED' from generate_series(1, 300) n returning id)
       insert into refund_attempts (tenant_id, merchant_id, refund_id, number, out_refund_no)
       select $1, '${MERCHANT}', id, 1, id from refund`,
      [tenantId],
    );
  });
  after(async () => {
    await Promise.all(pools.map((pool) => pool.end()));
    await drop();
  });

  /** One ask, on record in the order in which they were decided. */
  const ask = (id: string, worker = 0): Promise<number> =>
    inTransaction(pools[worker % 2] as Pool, async (db) => {
      const waitMs = await takeRefundToken(db, { id, merchantId: MERCHANT });
      await db.query('insert into asks (refund_id, granted) values ($1, $2)', [id, waitMs === 0]);
      return waitMs;
    });

  const queue = async (pool: Pool): Promise<string[]> => {
    const { rows } = await pool.query(
      'select refund_id from refund_attempts where queue_number is not null order by queue_number',
    );
    return rows.map((row) => row.refund_id);
  };

  it('three hundred, asked for by two workers at once: each is served once, at the rate, in the order of asking', async () => {
    const [pool] = pools;
    const ids = Array.from({ length: 300 }, (_, index) => `ref_${index + 1}`);
    assert.equal(await ask('ref_300'), 0, 'a merchant begins with a full bucket');
    await pool.query(`truncate asks; update refund_rates set failures_full_at = now() + interval '1 hour'`);
    for (const id of ids) assert.ok((await ask(id)) > 0);
    await pool.query(`update refund_rates set requests_full_at = now(), failures_full_at = now()`);
    const { rows: began } = await pool.query('select clock_timestamp() at');
    // They come back in the wrong order: the last ones first.
    await Promise.all(
      ids.toReversed().map(async (id, index) => {
        for (let turn = 0; ; turn += 1) {
          const waitMs = await ask(id, index + turn);
          if (waitMs === 0) return;
          await wait(waitMs);
        }
      }),
    );
    const { rows: ended } = await pool.query('select clock_timestamp() at');
    const seconds = (ended[0].at.getTime() - began[0].at.getTime()) / 1000;
    const { rows: asks } = await pool.query('select refund_id, granted from asks order by sequence');
    const granted = asks.filter((one) => one.granted).map((one) => one.refund_id);
    assert.equal(granted.length, 300);
    assert.equal(new Set(granted).size, 300);
    assert.ok(granted.length <= burst + perSecond * seconds + 1, `${granted.length} in ${seconds} s`);

    const waiting: { id: string; overtaken: boolean }[] = [];
    for (const { refund_id: id, granted: now } of asks) {
      const place = waiting.findIndex((one) => one.id === id);
      if (!now) {
        assert.ok(!waiting[place]?.overtaken, `${id} was overtaken for good`);
        if (place < 0) waiting.push({ id, overtaken: false });
        continue;
      }
      if (place >= 0) waiting.splice(place, 1);
      for (const one of place < 0 ? waiting : waiting.slice(0, place)) one.overtaken = true;
    }
    assert.deepEqual(waiting, []);
    assert.ok(asks.length > 2 * 300, 'those that came too early went away again');
  });

  it('whoever died is passed by, and has its place again when it is back', async () => {
    const [pool] = pools;
    await pool.query('truncate asks');
    await pool.query(
      `update refund_rates set requests_full_at = now(), failures_full_at = now() + interval '1 hour'`,
    );
    const ids = Array.from({ length: burst + 2 }, (_, index) => `ref_${index + 1}`);
    const last = ids.at(-1) as string;
    for (const id of ids) assert.ok((await ask(id)) > 0);
    // The bucket is as full as it gets, but there are not as many tokens as wait ahead of the last one.
    await pool.query(`update refund_rates set failures_full_at = now()`);
    assert.ok((await ask(last)) > 0);
    // Everyone else has died.
    await pool.query(
      `update refund_attempts set asks_again_at = now() - interval '1 hour' where queue_number is not null and refund_id <> $1`,
      [last],
    );
    assert.equal(await ask(last), 0);
    await pool.query(`update refund_rates set requests_full_at = now() + interval '1 hour'`);
    assert.ok((await ask(last)) > 0);
    for (const id of ids.slice(0, -1)) assert.ok((await ask(id)) > 0);
    assert.deepEqual(await queue(pool), ids);
  });

  it('a token that a worker took before it died is lost, and nothing else', async () => {
    const [pool] = pools;
    await pool.query('update refund_attempts set queue_number = null, asks_again_at = null');
    await pool.query(`update refund_rates set requests_full_at = now(), failures_full_at = now()`);
    const full = async () =>
      (await pool.query('select requests_full_at at from refund_rates')).rows[0].at.getTime();
    assert.equal(await ask('ref_1'), 0);
    // It dies before it has sent anything; its refund asks again, and nobody waits for it.
    assert.equal(await ask('ref_1'), 0);
    assert.equal(await ask('ref_3'), 0);
    // One that dies while it takes a token has taken none.
    const held = await full();
    await assert.rejects(
      inTransaction(pool, async (db) => {
        assert.equal(await takeRefundToken(db, { id: 'ref_2', merchantId: MERCHANT }), 0);
        throw new Error('killed');
      }),
      /killed/,
    );
    assert.equal(await full(), held);
  });

  it('failures make all of them wait, in their order', async () => {
    const [pool] = pools;
    await pool.query(`update refund_rates set requests_full_at = now(), failures_full_at = now()`);
    for (let failure = 0; failure < 50; failure += 1) await takeFailureToken(pool, MERCHANT);
    const ids = Array.from({ length: 2 * burst }, (_, index) => `ref_${index + 1}`);
    for (const id of ids) assert.ok((await ask(id)) > 0);
    for (const id of ids.toReversed()) assert.ok((await ask(id)) > 0);
    assert.deepEqual(await queue(pool), ids);
  });
});
