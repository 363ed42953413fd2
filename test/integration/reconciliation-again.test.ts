import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { listDueDays } from '../../database/reconciliation/due.ts';
import { billDateOf, billDay, daysAfter } from '../../domain/bill-day.ts';
import { RECONCILIATION_TIMING } from '../../domain/reconciliation.ts';
import { type AccountResult, nightStart } from '../../workflows/reconciliation-start.ts';
import { enrolProvider, subMerchant } from '../provider.ts';
import { type Books, MORNING, type Sold, startBooks } from '../reconciliation.ts';

const SCHEDULED_AT = defineSearchAttributeKey('TemporalScheduledStartTime', SearchAttributeType.DATETIME);

/** A night as its schedule starts it, at the simulated time. @returns the days that it has reconciled, and how each ended. */
async function night({ paysaga, now }: Books): Promise<[string, string | undefined][]> {
  const { merchantId, mchid, taskQueue } = paysaga;
  const timing = RECONCILIATION_TIMING;
  const settings = { patience: { creatingGapMs: 300, againMs: 50 }, timing };
  const { workflowType, ...start } = nightStart({ merchantId, mchid, ...settings }, taskQueue);
  const results: AccountResult[] = await paysaga.client.workflow.execute(workflowType, {
    ...start,
    workflowId: `${start.workflowId}/${randomUUID()}`,
    typedSearchAttributes: [...start.typedSearchAttributes, { key: SCHEDULED_AT, value: now() }],
  });
  return results.map(({ billDate, result }) => [billDate, result?.kind]);
}

/** The break that is about this payment or refund. */
async function itemOf({ paysaga }: Books, id: string): Promise<Sold> {
  const { body } = await paysaga.call('GET', '/v1/reconciliation-breaks?limit=100');
  return body.data.find(({ payment_id, refund_id }: Sold) => (refund_id ?? payment_id) === id);
}

const noFaults = ({ paysaga }: Books) => paysaga.control('DELETE', '/faults');

describe('days that nights have missed, or reconcile again', () => {
  const FIRST_DAY = '2036-03-01';
  let books: Books;
  let day: string;
  before(async () => {
    books = await startBooks(FIRST_DAY);
  });
  beforeEach(() => {
    day = books.today();
  });
  after(() => books.paysaga.stop());

  const due = async (merchantId: string, date: string) =>
    (await listDueDays(books.paysaga.pool, merchantId, date)).map(({ subMchid, billDate }) => [
      subMchid,
      billDate,
    ]);

  it('an account begins with its merchant', async () => {
    const { pool, merchantId } = books.paysaga;
    await pool.query('update merchants set created_at = $2 where id = $1', [merchantId, books.now()]);
    assert.deepEqual(await due(merchantId, daysAfter(day, -1)), [[null, daysAfter(day, -1)]]);
    // Two nights have failed before they could write anything.
    assert.deepEqual(await due(merchantId, daysAfter(day, 1)), [
      [null, day],
      [null, daysAfter(day, 1)],
    ]);
  });

  it('the first day of an account is made up for when its bill was not to be believed', async () => {
    // As if the merchant had been enrolled on the second day: the night was about the day before.
    await books.paysaga.pool.query('update merchants set created_at = $2 where id = $1', [
      books.paysaga.merchantId,
      billDay(daysAfter(day, 1)).from,
    ]);
    await books.sell();
    await books.alter({ date: day, kind: 'bad_hash' });
    await books.at(MORNING, daysAfter(day, 1));
    assert.deepEqual(await night(books), [[day, 'failed']]);
    await noFaults(books);
    await books.at(MORNING, daysAfter(day, 2));
    assert.deepEqual(await night(books), [
      [day, 'done'],
      [daysAfter(day, 1), 'done'],
    ]);
  });

  it('what a day left open that could be reconciled only after the next one closes all the same', async () => {
    await books.at('23:50:00');
    const refund = await books.giveBack(await books.sell(), 590, 'PROCESSING');
    await books.at('00:30:00', daysAfter(day, 1));
    await books.paysaga.until(`/v1/refunds/${refund.id}`, 'SUCCEEDED');
    await books.alter({ date: day, kind: 'bad_hash' });
    await books.at(MORNING, daysAfter(day, 1));
    assert.deepEqual((await night(books)).at(-1), [day, 'failed']);
    await books.at(MORNING, daysAfter(day, 2));
    assert.deepEqual(await night(books), [
      [day, 'failed'],
      [daysAfter(day, 1), 'done'],
    ]);
    const { bill_date, difference } = await itemOf(books, refund.id);
    assert.deepEqual([bill_date, difference], [daysAfter(day, 1), 590]);

    await noFaults(books);
    await books.at(MORNING, daysAfter(day, 3));
    assert.deepEqual(await night(books), [
      [day, 'done'],
      [daysAfter(day, 2), 'done'],
    ]);
    assert.equal((await itemOf(books, refund.id)).bill_date, day);
    // The day after it has seen nothing of what it left open, and so it is due again, and what follows it.
    await books.at(MORNING, daysAfter(day, 4));
    assert.deepEqual(await night(books), [
      [daysAfter(day, 1), 'done'],
      [daysAfter(day, 2), 'done'],
      [daysAfter(day, 3), 'done'],
    ]);
    assert.equal((await itemOf(books, refund.id)).status, 'closed');
    await books.at(MORNING, daysAfter(day, 5));
    assert.deepEqual(await night(books), [[daysAfter(day, 4), 'done']]);
  });

  it('a day that is restated makes the days after it due, once', async () => {
    const sold = await books.sell();
    await books.at(MORNING, daysAfter(day, 1));
    await night(books);
    await books.at(MORNING, daysAfter(day, 2));
    await night(books);
    await books.alter({ date: day, kind: 'restated', out_trade_no: sold.out_trade_no });
    const restated = await books.reconcile(day);
    assert.ok(restated.kind === 'done' && restated.version === 2, JSON.stringify(restated));
    await books.at(MORNING, daysAfter(day, 3));
    assert.deepEqual(await night(books), [
      [daysAfter(day, 1), 'done'],
      [daysAfter(day, 2), 'done'],
    ]);
    await books.at(MORNING, daysAfter(day, 4));
    assert.deepEqual(await night(books), [[daysAfter(day, 3), 'done']]);
  });

  it('what is behind is asked about in each night, until WeChat Pay answers', async () => {
    const { paysaga } = books;
    const closed = await books.sell({ pay: false });
    await paysaga.call('POST', `/v1/payments/${closed.id}/close`, { reason: 'test' });
    await paysaga.control('POST', '/faults', { operation: 'notification', kind: 'drop', times: 1 });
    await paysaga.control('POST', '/faults', { operation: 'order.query', kind: 'error_500', times: null });
    await paysaga.control('POST', `/orders/${closed.out_trade_no}/pay`, { late: true });
    await books.at(MORNING, daysAfter(day, 1));
    await night(books);
    assert.equal((await itemOf(books, closed.id)).reason, 'paid_at_wechat');

    await noFaults(books);
    await books.at(MORNING, daysAfter(day, 2));
    assert.deepEqual(await night(books), [
      [day, 'done'],
      [daysAfter(day, 1), 'done'],
    ]);
    assert.equal((await itemOf(books, closed.id)).status, 'closed');
    const { rows } = await paysaga.pool.query(
      'select distinct reason from reconciliation_lines where payment_id = $1',
      [closed.id],
    );
    assert.deepEqual(rows, [{ reason: 'late_money' }]);
    await books.at(MORNING, daysAfter(day, 3));
    await night(books);
    await books.at(MORNING, daysAfter(day, 4));
    assert.deepEqual(await night(books), [[daysAfter(day, 3), 'done']]);
  });

  // The last one: with two merchants, each order has to name its own.
  it("a sub-merchant's account begins with its first payment", async () => {
    const { pool } = books.paysaga;
    const providerId = await enrolProvider(books.paysaga);
    await pool.query('update merchants set created_at = $2 where id = $1', [providerId, books.now()]);
    const sub = subMerchant(books.paysaga);
    await books.sell({ fields: { merchant_id: providerId, sub_merchant: { mchid: sub.mchid } } });
    const first = daysAfter(day, 3);
    await pool.query('update payments set created_at = $2 where merchant_id = $1', [
      providerId,
      billDay(first).from,
    ]);
    assert.deepEqual(await due(providerId, daysAfter(first, 1)), [
      [sub.mchid, first],
      [sub.mchid, daysAfter(first, 1)],
    ]);
  });
});

/** In the past, as it is: what is learned is dated by the real clock. */
describe('money that is learned of after its day was reconciled', () => {
  let books: Books;
  before(async () => {
    books = await startBooks(daysAfter(billDateOf(new Date()), -6));
  });
  after(() => books.paysaga.stop());

  it('has its day, and those after it, reconciled again in the next night, once', async () => {
    const { paysaga } = books;
    const day = books.today();
    // The customer may pay until the day after today.
    const fields = { expires_in: 7 * 24 * 3600 };
    await paysaga.control('POST', '/faults', { operation: 'refund', kind: 'stuck', times: 1 });
    const refund = await books.giveBack(await books.sell({ fields }), 590, 'PROCESSING');
    const sold = await books.sell({ pay: false, fields });
    for (const fault of [
      { operation: 'order.query', kind: 'error_500' },
      { operation: 'refund.query', kind: 'error_500' },
      { operation: 'notification', kind: 'drop' },
    ]) {
      await paysaga.control('POST', '/faults', { ...fault, times: null });
    }
    await paysaga.control('POST', `/orders/${sold.out_trade_no}/pay`, {});
    await books.at(MORNING, daysAfter(day, 1));
    assert.deepEqual(await night(books), [[day, 'done']]);
    await paysaga.control('POST', `/refunds/${refund.out_refund_no}/finish`, { status: 'SUCCESS' });
    await books.at(MORNING, daysAfter(day, 2));
    await night(books);
    const stateOf = async ({ id }: Sold) => {
      const { status, reason } = await itemOf(books, id);
      return [status, reason];
    };
    assert.deepEqual(await stateOf(sold), ['break', 'paid_at_wechat']);
    assert.deepEqual(await stateOf(refund), ['carried', 'refund_in_flight']);

    // WeChat Pay speaks again: the payment was made on the first day, and the refund arrived on the second.
    await noFaults(books);
    await paysaga.until(`/v1/payments/${sold.id}`, 'PAID');
    await paysaga.until(`/v1/refunds/${refund.id}`, 'SUCCEEDED');
    await books.at(MORNING, daysAfter(day, 3));
    assert.deepEqual(await night(books), [
      [day, 'done'],
      [daysAfter(day, 1), 'done'],
      [daysAfter(day, 2), 'done'],
    ]);
    assert.equal((await itemOf(books, sold.id)).status, 'closed');
    assert.equal((await itemOf(books, refund.id)).status, 'closed');
    await books.at(MORNING, daysAfter(day, 4));
    assert.deepEqual(await night(books), [[daysAfter(day, 3), 'done']]);
  });
});
