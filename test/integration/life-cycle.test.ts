import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { guardBody, LIFE_CYCLE_FILE, LIFE_CYCLES, lifeCycleDocument } from '../../dev/life-cycle.ts';
import { canTransition, PAYMENT_STATUSES } from '../../domain/payment.ts';
import { canRefundTransition, REFUND_STATUSES } from '../../domain/refund.ts';
import { createCombined } from '../combined.ts';
import { type Paysaga, startPaysaga } from '../fixture.ts';

describe('the life cycles', () => {
  let paysaga: Paysaga;
  let paymentId: string;
  before(async () => {
    paysaga = await startPaysaga({ worker: false, sagaDeadlineMs: 50 });
    paymentId = (await paysaga.createPayment()).body.id;
  });
  after(() => paysaga.stop());

  it('are drawn as they are', () => {
    assert.equal(
      readFileSync(LIFE_CYCLE_FILE, 'utf8'),
      lifeCycleDocument(),
      'make it anew: npm run life-cycle',
    );
  });

  for (const cycle of LIFE_CYCLES) {
    it(`of ${cycle.subject}s are guarded in the database by the same table`, async () => {
      const { rows } = await paysaga.pool.query('select prosrc from pg_proc where proname = $1', [
        `${cycle.subject}_transition_is_legal`,
      ]);
      assert.equal(
        rows[0].prosrc,
        guardBody(cycle),
        'a migration has to replace the function: npm run life-cycle -- --sql',
      );
    });
  }

  /** Whether the database lets a fresh row of the first status become the second. */
  async function allows(table: 'payments' | 'refunds', from: string, to: string): Promise<boolean> {
    const db = await paysaga.pool.connect();
    try {
      await db.query('begin');
      const number = `${from}_${to}`.slice(0, 32);
      const id = `row_${number}`;
      if (table === 'payments') {
        await db.query(
          `insert into payments (id, tenant_id, merchant_id, out_trade_no, product, amount, currency, description, time_expire, status, transaction_id)
           select $1, tenant_id, merchant_id, $2, product, amount, currency, description, time_expire, $3, $1 from payments where id = $4`,
          [id, number, from, paymentId],
        );
      } else {
        await db.query(
          `insert into refunds (id, tenant_id, merchant_id, payment_id, amount, status)
           select $1, tenant_id, merchant_id, id, 1, $2 from payments where id = $3`,
          [id, from, paymentId],
        );
      }
      // A refund begins anew with another attempt only.
      const anew = table === 'refunds' && from === 'FAILED' && to === 'CREATED' ? ', attempt = 2' : '';
      await db.query(`update ${table} set status = $2${anew} where id = $1`, [id, to]);
      return true;
    } catch (error) {
      assert.match((error as Error).message, new RegExp(`that is ${from} never becomes ${to}`));
      return false;
    } finally {
      await db.query('rollback');
      db.release();
    }
  }

  it('hold against an UPDATE by hand: every pair of statuses of a payment', async () => {
    for (const from of PAYMENT_STATUSES) {
      for (const to of PAYMENT_STATUSES) {
        const legal = from === to || canTransition(from, to);
        assert.equal(await allows('payments', from, to), legal, `${from} -> ${to}`);
      }
    }
  });

  it('hold against an UPDATE by hand: every pair of statuses of a refund', async () => {
    for (const from of REFUND_STATUSES) {
      for (const to of REFUND_STATUSES) {
        const legal = from === to || canRefundTransition(from, to);
        assert.equal(await allows('refunds', from, to), legal, `${from} -> ${to}`);
      }
    }
  });

  it('hold against an UPDATE by hand: a combined payment changes as a payment does', async () => {
    const { body } = await createCombined(paysaga);
    const become = (status: string) =>
      paysaga.pool.query('update combined_payments set status = $2 where id = $1', [body.id, status]);
    await assert.rejects(become('REFUNDED'), /that is CREATED never becomes REFUNDED/);
    assert.equal((await become('CLOSED')).rowCount, 1);
    await assert.rejects(become('PENDING'), /that is CLOSED never becomes PENDING/);
  });
});
