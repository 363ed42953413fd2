import assert from 'node:assert/strict';
import { balances } from '../../database/ledger.ts';
import { daysAfter } from '../../domain/bill-day.ts';
import { type Books, FIRST_DAY, MORNING, startBooks } from '../reconciliation.ts';

describe('reconciliation', () => {
  let books: Books;
  before(async () => {
    books = await startBooks();
  });
  after(() => books.paysaga.stop());

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
    assert.deepEqual(result.checks, { rows: true, sums: true, ledger: true });
    const now = await balances(pool, merchantId);
    // 0.60 % of 100, 20 and 27 yuan, of which 18 fen came back with the refunds.
    assert.equal(now.gateway_fees - before.gateway_fees, 60 + 12 + 16 - 18);
    assert.equal(before.sales - now.sales, 300);

    const { events } = await books.paysaga.client.workflow
      .getHandle(`reconciliation/${books.paysaga.mchid}/${FIRST_DAY}`)
      .fetchHistory();
    assert.ok((events?.length ?? 0) <= 24, `${events?.length} events`);
  });
});
