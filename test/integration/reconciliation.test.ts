import assert from 'node:assert/strict';
import { balances } from '../../database/ledger.ts';
import { daysAfter } from '../../domain/bill-day.ts';
import { combinedId, createCombined, payCombined, subStatuses, untilCombined } from '../combined.ts';
import { latePayments, untilLate } from '../late-money.ts';
import { type Books, done, MORNING, type Sold, startBooks } from '../reconciliation.ts';

const FIRST_DAY = '2027-03-01';

describe('reconciliation', () => {
  let books: Books;
  before(async () => {
    books = await startBooks(FIRST_DAY);
  });
  after(() => books.paysaga.stop());
  afterEach(() => books.paysaga.control('DELETE', '/faults'));

  it('a day on which all agree is matched line by line, and its fees are posted', async () => {
    const { pool, merchantId } = books.paysaga;
    const sold = await books.sell({ fen: 10_000 });
    await books.sell({ fen: 2_000, coupon: { amount: 200, type: 'CASH' } });
    await books.sell({ fen: 3_000, coupon: { amount: 300, type: 'NOCASH' } });
    await books.giveBack(sold, 1_000);
    await books.giveBack(sold, 2_000);
    const before = await balances(pool, merchantId);
    await books.at(MORNING, daysAfter(FIRST_DAY, 1));

    const result = await books.reconcile();
    assert.equal(result.kind, 'done');
    assert.ok(result.kind === 'done');
    assert.deepEqual(
      result.lines,
      { all: 5, matched: 5, carried: 0, breaks: 0 },
      JSON.stringify(await books.lines(result.runId)),
    );
    assert.deepEqual(result.checks, { rows: true, sums: true, ledger: true, items: true });
    const now = await balances(pool, merchantId);
    // 0.60 % of 100, 20 and 27 yuan, of which 18 fen came back with the refunds.
    assert.equal(now.gateway_fees - before.gateway_fees, 60 + 12 + 16 - 18);
    assert.equal(before.sales - now.sales, 300);

    const { events } = await books.paysaga.client.workflow
      .getHandle(`reconciliation/${books.paysaga.mchid}/${FIRST_DAY}`)
      .fetchHistory();
    assert.ok((events?.length ?? 0) <= 24, `${events?.length} events`);
  });

  it('a second run of the day changes nothing', async () => {
    const { pool } = books.paysaga;
    const everything = async () => {
      const { rows } = await pool.query(
        `select (select json_agg(r order by r.sequence) from reconciliation_runs r) runs,
                (select json_agg(l order by l.run, l.ordinal) from reconciliation_lines l) lines,
                (select json_agg(i order by i.id) from reconciliation_items i) items,
                (select json_agg(f.id order by f.id) from bill_files f) files,
                (select count(*)::int from ledger_entries) entries`,
      );
      return rows[0];
    };
    const before = await everything();
    const result = await books.reconcile(FIRST_DAY);
    assert.ok(result.kind === 'done');
    assert.equal(result.changed, false);
    assert.deepEqual(await everything(), before);
  });

  it('a refund that is on its way over midnight is carried, and closes when it has arrived', async () => {
    const day = books.today();
    await books.at('23:50:00');
    const refund = await books.giveBack(await books.sell({ fen: 5_000 }), 2_000, 'PROCESSING');
    await books.at('00:30:00', daysAfter(day, 1));
    await books.paysaga.until(`/v1/refunds/${refund.id}`, 'SUCCEEDED');
    await books.at(MORNING, daysAfter(day, 1));

    const first = await done(books.reconcile(day));
    assert.deepEqual(await stateOf(first), [['carried', 'refund_in_flight', refund.id]]);
    await books.at(MORNING, daysAfter(day, 2));
    const second = await done(books.reconcile(daysAfter(day, 1)));
    assert.deepEqual(second.lines, { all: 1, matched: 1, carried: 0, breaks: 0 });
    assert.equal(second.items.closed, 1);
    // The former day is run again: what a later one has closed stays closed.
    const again = await done(books.reconcile(day));
    assert.equal(again.changed, false);
    assert.equal((await itemOf(refund.id)).status, 'closed');
  });

  it('what is carried for too long becomes a break, and closes by its late counterpart all the same', async () => {
    const day = books.today();
    await books.at('23:50:00');
    const sold = await books.sell();
    await books.alter({ date: day, kind: 'missing_row', out_trade_no: sold.out_trade_no, bill: 'all' });
    await books.at(MORNING, daysAfter(day, 1));
    const first = await done(books.reconcile(day));
    assert.deepEqual(await stateOf(first), [['carried', 'in_another_bill', sold.id]]);
    for (const days of [1, 2, 3]) {
      await books.at(MORNING, daysAfter(day, days + 1));
      const result = await done(books.reconcile(daysAfter(day, days)));
      assert.equal(result.items.aged, days === 3 ? 1 : 0);
    }
    assert.deepEqual((({ status, state, age }) => ({ status, state, age }))(await itemOf(sold.id)), {
      status: 'break',
      state: 'missing_at_wechat',
      age: { days: 4, bucket: '4-7' },
    });

    await books.alter({ date: day, kind: 'restated', out_trade_no: sold.out_trade_no });
    const restated = await done(books.reconcile(day));
    assert.equal(restated.version, 2);
    assert.deepEqual(await stateOf(restated), []);
    const { status, history } = await itemOf(sold.id);
    assert.equal(status, 'closed');
    assert.deepEqual(
      history.map(({ type }: Sold) => type),
      ['found', 'aged', 'closed'],
    );
  });

  it('a restated day is another version: the difference is told, and what it changes is posted anew', async () => {
    const { pool, merchantId } = books.paysaga;
    const day = books.today();
    const [sold] = await Promise.all([books.sell({ fen: 10_000 }), books.sell({ fen: 20_000 })]);
    await books.at(MORNING, daysAfter(day, 1));
    const before = await balances(pool, merchantId);
    const first = await done(books.reconcile(day));
    assert.equal((await balances(pool, merchantId)).gateway_fees - before.gateway_fees, 60 + 120);

    await books.alter({ date: day, kind: 'restated', out_trade_no: sold.out_trade_no });
    const second = await done(books.reconcile(day));
    assert.deepEqual(second.restated, { version: 1, added: 0, removed: 0, changed: 1 });
    assert.equal((await balances(pool, merchantId)).gateway_fees - before.gateway_fees, 61 + 120);
    const { body } = await books.paysaga.call('GET', `/v1/reconciliations/${second.runId}`);
    assert.deepEqual(
      body.summary.restated.first.map(({ subject, before, now }: Sold) => [
        subject,
        before.fee_milli_fen,
        now.fee_milli_fen,
      ]),
      [[sold.id, 60_000, 61_000]],
    );
    assert.equal(
      (await books.paysaga.call('GET', `/v1/reconciliations/${first.runId}`)).body.status,
      'superseded',
    );
    assert.equal((await done(books.reconcile(day))).changed, false);
  });

  it('what is paid at WeChat Pay and not here is settled, and so is a refund that is behind', async () => {
    const { paysaga } = books;
    const day = books.today();
    const open = await books.sell({ pay: false });
    const closed = await books.sell({ pay: false });
    await paysaga.call('POST', `/v1/payments/${closed.id}/close`, { reason: 'test' });
    const refund = await books.giveBack(await books.sell(), 590, 'PROCESSING');
    // Nobody hears of it: no notification comes, nor is one repeated, and nobody asks.
    await paysaga.stopWorker();
    for (const rule of [{ event_type: 'TRANSACTION.SUCCESS' }, { out_refund_no: refund.out_refund_no }])
      await paysaga.control('POST', '/faults', {
        operation: 'notification',
        kind: 'drop',
        times: null,
        ...rule,
      });
    await paysaga.control('POST', `/orders/${open.out_trade_no}/pay`, {});
    await paysaga.control('POST', `/orders/${closed.out_trade_no}/pay`, { late: true });
    await paysaga.control('POST', `/refunds/${refund.out_refund_no}/finish`, { status: 'SUCCESS' });
    await paysaga.pool.query('update payments set ensure_at = null; update refunds set ensure_at = null');
    for (const id of [
      `payment/${paysaga.mchid}/${open.out_trade_no}`,
      `refund/${paysaga.mchid}/${refund.out_refund_no}`,
    ]) {
      await paysaga.client.workflow.getHandle(id).terminate('gone for good');
    }
    await books.at(MORNING, daysAfter(day, 1));
    await paysaga.startWorker();

    const result = await done(books.reconcile(day));
    assert.deepEqual(result.repaired, { settle_payment: 2, sync_refund: 1 });
    assert.deepEqual(await stateOf(result), []);
    assert.equal((await paysaga.call('GET', `/v1/payments/${open.id}`)).body.status, 'PAID');
    assert.equal((await paysaga.call('GET', `/v1/refunds/${refund.id}`)).body.status, 'SUCCEEDED');
    const { rows } = await paysaga.pool.query(
      `select reason from reconciliation_lines where payment_id = $1`,
      [closed.id],
    );
    assert.deepEqual(rows, [{ reason: 'late_money' }]);
    // What goes back is another day's, which is not to begin with a refund that nobody has heard of.
    const [late] = await latePayments(paysaga, closed.id);
    const { refund_id } = await untilLate(paysaga, late, 'REFUNDING');
    const back = await paysaga.until(`/v1/refunds/${refund_id}`, 'PROCESSING');
    await paysaga.control('POST', `/refunds/${back.out_refund_no}/finish`, { status: 'SUCCESS' });
    await untilLate(paysaga, late, 'REFUNDED');
  });

  it('sub-orders of combined payments are asked about by the number of the combined order', async () => {
    const { paysaga } = books;
    const day = books.today();
    const { body: open } = await createCombined(paysaga);
    const { body: closed } = await createCombined(paysaga);
    await paysaga.call('POST', `/v1/combined-payments/${closed.id}/close`, { reason: 'test' });
    await untilCombined(paysaga, closed, 'CLOSED');
    // Nobody hears of it.
    await paysaga.stopWorker();
    await paysaga.control('POST', '/faults', {
      ...{ operation: 'notification', kind: 'drop', times: null, event_type: 'TRANSACTION.SUCCESS' },
    });
    await paysaga.client.workflow.getHandle(combinedId(open)).terminate('gone for good');
    await paysaga.pool.query('update combined_payments set ensure_at = null');
    await payCombined(paysaga, open);
    const late = await paysaga.control('POST', `/orders/${closed.sub_payments[0].out_trade_no}/pay`, {
      late: true,
    });
    assert.equal(late.status, 200, JSON.stringify(late.body));
    await books.at(MORNING, daysAfter(day, 1));
    await paysaga.startWorker();

    const result = await done(books.reconcile(day));
    assert.deepEqual(result.repaired, { settle_payment: 4 }, JSON.stringify(await stateOf(result)));
    assert.deepEqual(await stateOf(result), []);
    const now = (await paysaga.call('GET', `/v1/combined-payments/${open.id}`)).body;
    assert.deepEqual([now.status, ...subStatuses(now)], ['PAID', 'PAID', 'PAID']);
  });

  it('a day on which nothing happened is empty, and a bill that is still being made is waited for', async () => {
    const day = books.today();
    await books.at('08:59:58', daysAfter(day, 1));
    const running = books.reconcile(day);
    await books.at('09:30:00', daysAfter(day, 1));
    const result = await done(running);
    assert.deepEqual(result.lines, { all: 0, matched: 0, carried: 0, breaks: 0 });
  });

  it('connections that break and workers that are replaced in the middle change nothing', async function () {
    this.timeout(120_000);
    const { paysaga } = books;
    const day = books.today();
    const sold = await Promise.all(Array.from({ length: 6 }, () => books.sell()));
    await books.giveBack(sold[0], 1_000);
    await books.alter({ date: day, kind: 'missing_row', out_trade_no: sold[1].out_trade_no });
    await books.at(MORNING, daysAfter(day, 1));
    let ended = false;
    const running = done(books.reconcile(day)).finally(() => {
      ended = true;
    });
    for (let kills = 0; kills < 9 && !ended; kills += 1) {
      await paysaga.pool
        .query(
          `select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'`,
        )
        .catch(() => {});
      if (kills % 4 === 3) {
        await paysaga.stopWorker();
        await paysaga.startWorker();
      }
    }
    const result = await running;
    assert.deepEqual(result.checks, { rows: true, sums: true, ledger: true, items: true });
    assert.deepEqual(await stateOf(result), [['missing_at_wechat', 'not_in_trade_bill', sold[1].id]]);
    const { rows: fees } = await paysaga.pool.query(
      `select t.step, count(*)::int times, sum(e.amount)::bigint fen
         from ledger_transactions t join ledger_entries e on e.transaction = t.sequence and e.side = 'debit'
        where t.payment_id = any($1) and t.step in ('payment.fee', 'refund.fee_returned') group by t.step order by t.step`,
      [sold.map(({ id }) => id)],
    );
    assert.deepEqual(fees, [
      { step: 'payment.fee', times: 5, fen: 5 * 16 },
      { step: 'refund.fee_returned', times: 1, fen: 6 },
    ]);
    const { rows } = await paysaga.pool.query(
      `select count(*)::int files from bill_files where bill_date = $1 and status = 'loaded'`,
      [day],
    );
    assert.deepEqual(rows, [{ files: 2 }]);
  });

  /** What is not matched. */
  async function stateOf({ runId }: { runId: string }) {
    return (await books.lines(runId)).map(({ state, reason, payment_id, refund_id }) => [
      state,
      reason,
      refund_id ?? payment_id,
    ]);
  }

  /** The break that is about this payment or refund. */
  async function itemOf(id: string): Promise<Sold> {
    const { body } = await books.paysaga.call('GET', '/v1/reconciliation-breaks?limit=100');
    const item = body.data.find(({ payment_id, refund_id }: Sold) => (refund_id ?? payment_id) === id);
    return (await books.paysaga.call('GET', `/v1/reconciliation-breaks/${item.id}`)).body;
  }
});
