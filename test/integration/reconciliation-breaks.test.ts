import assert from 'node:assert/strict';
import { daysAfter } from '../../domain/bill-day.ts';
import { type Books, MORNING, type Sold, startBooks } from '../reconciliation.ts';

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
    const result = await books.reconcile(day);
    assert.ok(result.kind === 'done', JSON.stringify(result));
    assert.deepEqual(result.checks, { rows: true, sums: true, ledger: true }, JSON.stringify(result));
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
});
