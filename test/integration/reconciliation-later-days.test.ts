import assert from 'node:assert/strict';
import { balances } from '../../database/ledger.ts';
import { daysAfter } from '../../domain/bill-day.ts';
import { closed, decide, latePayments, payLate, untilLate, untilUndecided } from '../late-money.ts';
import { type Books, done, MORNING, type Sold, startBooks } from '../reconciliation.ts';
import { fault } from '../replay/path.ts';

const FIRST_DAY = '2037-03-01';

/** Each test has days of its own, in the order of the tests. */
describe('what later days say about a day', () => {
  let books: Books;
  let day = FIRST_DAY;
  before(async () => {
    // Workflows of late money are named by the gateway's transaction_id, which a seed repeats, and Temporal is that of all tests.
    books = await startBooks(FIRST_DAY, { simulator: { seed: 2037 } });
  });
  beforeEach(() => {
    day = books.today();
  });
  after(() => books.paysaga.stop());

  /** Reconciles a day, which must add up. */
  async function reconciled(date: string) {
    const morning = `${daysAfter(date, 1)}T${MORNING}+08:00`;
    if (books.now() < new Date(morning)) await books.at(MORNING, daysAfter(date, 1));
    return await done(books.reconcile(date));
  }
  const changesNothing = async (date: string) => assert.equal((await reconciled(date)).changed, false, date);
  const reasonsOf = async ({ runId }: { runId: string }) =>
    (await books.lines(runId)).map(({ state, reason }) => `${state} ${reason}`);
  async function itemOf({ id }: Sold): Promise<Sold> {
    const { body } = await books.paysaga.call('GET', '/v1/reconciliation-breaks?limit=100');
    return body.data.find(({ refund_id, payment_id }: Sold) => (refund_id ?? payment_id) === id);
  }
  /** A refund that is accepted on the day, and with the customer on the next one. Both are reconciled. */
  async function overMidnight() {
    await books.at('23:50:00');
    const refund = await books.giveBack(await books.sell({ fen: 5_000 }), 2_000, 'PROCESSING');
    await books.at('00:30:00', daysAfter(day, 1));
    await books.paysaga.until(`/v1/refunds/${refund.id}`, 'SUCCEEDED');
    assert.deepEqual(await reasonsOf(await reconciled(day)), ['carried refund_in_flight']);
    assert.deepEqual(await reasonsOf(await reconciled(daysAfter(day, 1))), []);
    assert.equal((await itemOf(refund)).status, 'closed');
    return refund;
  }

  it('what was closed and is found again on a later day is as old and as much as what that day has', async () => {
    const refund = await overMidnight();
    const later = daysAfter(day, 5);
    await books.alter({
      date: later,
      kind: 'stray_row',
      out_refund_no: refund.out_refund_no,
      bill: 'fund_flow',
    });
    assert.deepEqual(await reasonsOf(await reconciled(later)), ['carried in_another_bill']);
    const { status, difference, bill_date, closed_on } = await itemOf(refund);
    assert.deepEqual([status, difference, bill_date, closed_on], ['carried', -2_000 + 12, later, null]);
    for (const date of [later, day, daysAfter(day, 1)]) await changesNothing(date);
  });

  it('a version of a later day without the line that has closed an item opens it again, as it was', async () => {
    const next = daysAfter(day, 1);
    await books.at('23:50:00');
    const sold = await books.sell({ fen: 3_000 });
    const row = { out_trade_no: sold.out_trade_no, bill: 'all' } as const;
    await books.alter({ date: day, kind: 'missing_row', ...row });
    assert.deepEqual(await reasonsOf(await reconciled(day)), ['carried in_another_bill']);
    const carried = await itemOf(sold);
    await books.alter({ date: next, kind: 'stray_row', ...row });
    assert.deepEqual(await reasonsOf(await reconciled(next)), []);
    assert.equal((await itemOf(sold)).status, 'closed');

    // WeChat Pay has put the row where it belongs: the later day is issued anew first.
    await books.paysaga.control('DELETE', '/faults');
    const moved = await reconciled(next);
    assert.deepEqual(
      [moved.version, moved.lines.all, Object.values(moved.checks).includes(false)],
      [2, 0, false],
    );
    const { id, ...open } = await itemOf(sold);
    const told = ({ status, state, reason, difference, bill_date, closed_on }: Sold) => ({
      status,
      state,
      reason,
      difference,
      bill_date,
      closed_on,
    });
    assert.deepEqual(told(open), told(carried));
    assert.deepEqual(await reasonsOf(await reconciled(day)), []);
    const { body } = await books.paysaga.call('GET', `/v1/reconciliation-breaks/${id}`);
    assert.deepEqual(
      [body.status, body.closed_on, body.history.map(({ type }: Sold) => type)],
      ['closed', day, ['found', 'closed', 'reopened', 'closed']],
    );
    for (const date of [day, next]) await changesNothing(date);
  });

  it('a fee of a carried line that is restated after a later day has closed it is posted anew by that day', async () => {
    const { pool, merchantId } = books.paysaga;
    const before = await balances(pool, merchantId);
    const next = daysAfter(day, 1);
    const refund = await overMidnight();
    // 0.60 % of 50 yuan, less those of 20 yuan.
    assert.equal((await balances(pool, merchantId)).gateway_fees - before.gateway_fees, 30 - 12);

    await books.alter({ date: day, kind: 'restated', out_refund_no: refund.out_refund_no });
    assert.deepEqual(await reasonsOf(await reconciled(day)), ['carried refund_in_flight']);
    assert.equal((await reconciled(next)).version, 1);
    const { gateway_fees } = await balances(pool, merchantId);
    assert.notEqual(gateway_fees - before.gateway_fees, 30 - 12);
    const { rows } = await pool.query(
      `select t.cause_id as cause, t.bill_reference bill, exists (select 1 from ledger_transactions r where r.reverses = t.sequence) gone
         from ledger_transactions t where t.refund_id = $1 and t.step = 'refund.fee_returned' order by t.sequence`,
      [refund.id],
    );
    assert.deepEqual(
      rows.map(({ cause, gone }) => [cause, gone]),
      [
        [refund.id, true],
        [`${refund.id}/v1.2`, false],
      ],
    );
    await changesNothing(next);
    await changesNothing(day);
    assert.equal((await balances(pool, merchantId)).gateway_fees, gateway_fees);
  });

  it('late money that is accepted after its day was reconciled is the same line, and its fee is posted once', async () => {
    const { paysaga } = books;
    const { pool, merchantId } = paysaga;
    const before = await balances(pool, merchantId);
    await fault(paysaga, { operation: 'refund.create', kind: 'refused', code: 'USER_ACCOUNT_ABNORMAL' });
    const payment = await closed(paysaga);
    await payLate(paysaga, payment);
    const [late] = await latePayments(paysaga, payment.id);
    await untilUndecided(paysaga, late);
    const { runId, lines } = await reconciled(day);
    assert.deepEqual([lines.all, lines.matched], [1, 1], JSON.stringify(await books.lines(runId)));

    await decide(paysaga, late, { decision: 'accept', actor: 'lin', reason: 'shipped' });
    await untilLate(paysaga, late, 'ACCEPTED');
    await changesNothing(day);
    const now = await balances(pool, merchantId);
    assert.deepEqual([now.gateway_fees - before.gateway_fees, now.late_money - before.late_money], [16, 0]);
  });
});
