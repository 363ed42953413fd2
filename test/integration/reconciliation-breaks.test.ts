import assert from 'node:assert/strict';
import { daysAfter } from '../../domain/bill-day.ts';
import { eventually } from '../eventually.ts';
import { type Books, done, MORNING, newNumber, type Sold, startBooks } from '../reconciliation.ts';

const FIRST_DAY = '2028-03-01';

/** Each test has a day of its own, in the order of the tests. */
describe('breaks of a reconciliation', () => {
  let books: Books;
  let day = FIRST_DAY;
  before(async () => {
    books = await startBooks(FIRST_DAY);
  });
  beforeEach(async () => {
    day = books.today();
  });
  after(() => books.paysaga.stop());

  /** Reconciles the day of the test, on the morning after. */
  async function nextMorning() {
    await books.at(MORNING, daysAfter(day, 1));
    const result = await done(books.reconcile(day));
    return { result, lines: await books.lines(result.runId) };
  }
  const found = (lines: Awaited<ReturnType<Books['lines']>>) =>
    lines.map(({ state, reason, payment_id, refund_id, out_trade_no }) => ({
      state,
      reason,
      of: refund_id ?? payment_id ?? out_trade_no,
    }));
  const breakOf = async (sold: Sold) => {
    const { body } = await books.paysaga.call('GET', '/v1/reconciliation-breaks?limit=100');
    return body.data.find(({ payment_id, refund_id }: Sold) => (refund_id ?? payment_id) === sold.id);
  };

  it('a payment that is missing in the trade bill, in the fund flow, or in both', async () => {
    const [inNeither, notInTrade, notInFlow, agreed] = await Promise.all(
      Array.from({ length: 4 }, () => books.sell()),
    );
    await books.alter({ date: day, kind: 'missing_row', out_trade_no: inNeither.out_trade_no, bill: 'all' });
    await books.alter({ date: day, kind: 'missing_row', out_trade_no: notInTrade.out_trade_no });
    await books.alter({
      date: day,
      kind: 'missing_row',
      out_trade_no: notInFlow.out_trade_no,
      bill: 'fund_flow',
    });
    const { lines, result } = await nextMorning();
    assert.deepEqual(
      new Set(found(lines)),
      new Set([
        { state: 'missing_at_wechat', reason: 'not_in_fund_flow', of: notInFlow.id },
        { state: 'missing_at_wechat', reason: 'not_in_trade_bill', of: notInTrade.id },
        { state: 'missing_at_wechat', reason: 'not_at_wechat', of: inNeither.id },
      ]),
    );
    assert.equal(result.lines.matched, 1);
    assert.equal(await breakOf(agreed), undefined);
    // What WeChat Pay has less than we: all of it.
    assert.equal((await breakOf(inNeither)).difference, -2590);
  });

  it('a refund that only the fund flow and our ledger have is of the currency of both', async () => {
    const refund = await books.giveBack(await books.sell(), 590);
    await books.alter({ date: day, kind: 'missing_row', out_refund_no: refund.out_refund_no });
    const { lines, result } = await nextMorning();
    assert.deepEqual(found(lines), [
      { state: 'missing_at_wechat', reason: 'not_in_trade_bill', of: refund.id },
    ]);
    const { body } = await books.paysaga.call(
      'GET',
      `/v1/reconciliations/${result.runId}/lines?state=missing_at_wechat`,
    );
    assert.deepEqual(
      body.data.map(({ currency }: Sold) => currency),
      ['CNY'],
    );
    assert.equal((await done(books.reconcile(day))).changed, false);
  });

  it('too much at WeChat Pay is a break like too little, and the sign says which: they do not make up for each other', async () => {
    const [missing] = await Promise.all([books.sell(), books.sell()]);
    await books.alter({ date: day, kind: 'missing_row', out_trade_no: missing.out_trade_no, bill: 'all' });
    await books.alter({ date: day, kind: 'extra_row', bill: 'fund_flow' });
    const { lines } = await nextMorning();
    assert.deepEqual(lines.map(({ state }) => state).sort(), ['missing_at_wechat', 'missing_here']);
    const { body } = await books.paysaga.call('GET', '/v1/reconciliation-breaks?limit=100');
    const extra = body.data.find(({ state }: Sold) => state === 'missing_here');
    assert.equal((await breakOf(missing)).difference, -2590);
    assert.equal(extra.difference, 2590 - 16);
  });

  it('a row that nobody here knows, and another amount', async () => {
    const [altered] = await Promise.all([books.sell(), books.sell()]);
    await books.alter({ date: day, kind: 'altered_row', out_trade_no: altered.out_trade_no, bill: 'all' });
    await books.alter({ date: day, kind: 'extra_row', bill: 'all' });
    const { lines } = await nextMorning();
    assert.deepEqual(lines.map(({ state, reason }) => `${state} ${reason}`).sort(), [
      'amount_differs other_amount',
      'missing_here unknown_order',
    ]);
    assert.equal((await breakOf(altered)).difference, 2690 - 2590 - 16);
  });

  it('another currency, and a fee that the two bills do not have alike: neither fee is posted', async () => {
    const [dollars, dearer, cheaper] = await Promise.all(Array.from({ length: 3 }, () => books.sell()));
    await books.alter({ date: day, kind: 'other_currency', out_trade_no: dollars.out_trade_no });
    await books.alter({ date: day, kind: 'other_fee', out_trade_no: dearer.out_trade_no });
    await books.alter({
      date: day,
      kind: 'other_fee',
      out_trade_no: cheaper.out_trade_no,
      bill: 'fund_flow',
    });
    const { lines, result } = await nextMorning();
    assert.deepEqual(
      new Set(found(lines)),
      new Set([
        { state: 'currency_differs', reason: 'other_currency', of: dollars.id },
        { state: 'fee_differs', reason: 'other_fee', of: dearer.id },
        { state: 'fee_differs', reason: 'other_fee', of: cheaper.id },
      ]),
    );
    assert.deepEqual(result.posted, { fees: 0, coupons: 0, movements: 0 });
    // What the account at WeChat Pay has less than our receivable is the fee that was taken.
    assert.deepEqual([(await breakOf(dearer)).difference, (await breakOf(cheaper)).difference], [-16, -17]);
  });

  it('what has no number of WeChat Pay here, or another one, is found by the number of the merchant', async () => {
    const { paysaga } = books;
    const [sold, twice, open] = await Promise.all([books.sell(), books.sell(), books.sell({ pay: false })]);
    const fault = (rule: object) => paysaga.control('POST', '/faults', { times: null, ...rule });
    for (const { out_trade_no } of [open, sold])
      await fault({ operation: 'notification', kind: 'drop', out_trade_no });
    await fault({ operation: 'order.query', kind: 'notpay_lag', out_trade_no: open.out_trade_no });
    await paysaga.control('POST', `/orders/${open.out_trade_no}/pay`, {});
    // The refund is accepted, and neither that nor anything else about it is ever heard of.
    const out_refund_no = newNumber('R');
    for (const operation of ['refund.create', 'refund.query'])
      await fault({ operation, kind: 'error_500', processed: true, out_refund_no });
    const refund = await paysaga.call('POST', `/v1/payments/${sold.id}/refunds`, {
      out_refund_no,
      amount: { refund: 590 },
    });
    await eventually(
      'the refund at WeChat Pay',
      async () => (await paysaga.control('GET', `/refunds/${out_refund_no}`)).status === 200,
    );
    await books.alter({ date: day, kind: 'extra_row', out_trade_no: twice.out_trade_no });

    const { lines, result } = await nextMorning();
    assert.deepEqual(
      new Set(lines.map(({ reason, rule }) => [reason, rule])),
      new Set([
        ['paid_at_wechat', 'out_trade_no'],
        ['accepted_at_wechat', 'out_refund_no'],
        ['second_transaction', 'out_trade_no'],
      ]),
    );
    // Asked in vain, they are not mended; once WeChat Pay answers, they agree, and are found by its own numbers.
    assert.deepEqual(result.repaired, {});
    await paysaga.control('DELETE', '/faults');
    const again = await books.reconcile(day);
    assert.ok(again.kind === 'done');
    assert.equal(again.lines.matched, again.lines.all);
    const { rows } = await paysaga.pool.query(
      `select l.reason, l.rule from reconciliation_lines l join reconciliation_runs r on r.sequence = l.run
        where r.id = $1 and (l.refund_id = $2 or l.payment_id = $3) order by l.reason`,
      [again.runId, refund.body.id, open.id],
    );
    assert.deepEqual(rows, [
      { reason: 'agreed', rule: 'transaction_id' },
      { reason: 'refunded', rule: 'refund_id' },
    ]);
  });
});
