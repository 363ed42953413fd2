import assert from 'node:assert/strict';
import { balances, reverse } from '../../database/ledger.ts';
import { inTransaction } from '../../database/pool.ts';
import { daysAfter } from '../../domain/bill-day.ts';
import { ledgerSequence } from '../../domain/ledger.ts';
import { type Books, done, MORNING, type Sold, startBooks } from '../reconciliation.ts';

const FIRST_DAY = '2036-03-01';

/** Each test has a day of its own, in the order of the tests. */
describe('decisions about breaks', () => {
  let books: Books;
  let day = FIRST_DAY;
  before(async () => {
    books = await startBooks(FIRST_DAY);
  });
  beforeEach(() => {
    day = books.today();
  });
  after(() => books.paysaga.stop());

  /** Reconciles a day, which must add up. */
  async function reconciled(date = day) {
    if (books.today() <= date) await books.at(MORNING, daysAfter(date, 1));
    return await done(books.reconcile(date));
  }
  const changesNothing = async (date: string) => assert.equal((await reconciled(date)).changed, false);
  async function breakOf(sold: Sold): Promise<Sold> {
    const { body } = await books.paysaga.call('GET', '/v1/reconciliation-breaks?limit=100');
    const { id } = body.data.find(({ payment_id }: Sold) => payment_id === sold.id);
    return (await books.paysaga.call('GET', `/v1/reconciliation-breaks/${id}`)).body;
  }
  const stateOf = async (sold: Sold) => {
    const { status, difference } = await breakOf(sold);
    return [status, difference];
  };
  async function resolve(sold: Sold, resolution: string) {
    const { id } = await breakOf(sold);
    const decision = { actor: 'li.na', reason: 'asked WeChat Pay', resolution };
    const { status, body } = await books.paysaga.call(
      'POST',
      `/v1/reconciliation-breaks/${id}/resolve`,
      decision,
    );
    assert.equal(status, 200, JSON.stringify(body));
    return body.history.at(-1).ledger_transaction as string;
  }
  /** What has happened to the accounts since. */
  async function since(before: Awaited<ReturnType<typeof held>>) {
    const now = await held();
    return {
      gateway_fees: now.gateway_fees - before.gateway_fees,
      suspense: now.suspense - before.suspense,
    };
  }
  const held = () => balances(books.paysaga.pool, books.paysaga.merchantId);

  it('is open again, less what was decided, when a restated day has lost the line that it was about', async () => {
    const next = daysAfter(day, 1);
    const run = async (date: string) => {
      if (books.today() <= date) await books.at(MORNING, daysAfter(date, 1));
      return await done(books.reconcile(date, { timing: { carryDays: 0 } }));
    };
    const sold = await books.sell({ fen: 3_000 });
    const row = { out_trade_no: sold.out_trade_no };
    await books.alter({ date: day, kind: 'missing_row', ...row, bill: 'all' });
    await run(day);
    assert.deepEqual(await stateOf(sold), ['break', -3_000]);
    await books.alter({ date: next, kind: 'stray_row', ...row, bill: 'fund_flow' });
    await run(next);
    assert.deepEqual(await stateOf(sold), ['break', -18]);
    await resolve(sold, 'to_fees');
    assert.deepEqual(await stateOf(sold), ['resolved', 0]);

    await books.paysaga.control('DELETE', '/faults');
    const { checks } = await run(next);
    assert.equal(Object.values(checks).includes(false), false, JSON.stringify(checks));
    assert.deepEqual(await stateOf(sold), ['break', -3_000 + 18]);
    assert.equal((await run(next)).changed, false);
    await run(day);
    assert.deepEqual(await stateOf(sold), ['closed', 0]);
  });

  it('a fee that a person has decided on is not charged twice when the restated bill agrees', async () => {
    const before = await held();
    const sold = await books.sell();
    await books.alter({ date: day, kind: 'other_fee', out_trade_no: sold.out_trade_no });
    await reconciled();
    const decision = await resolve(sold, 'to_fees');
    assert.deepEqual(await stateOf(sold), ['resolved', 0]);
    assert.equal((await since(before)).gateway_fees, 16);

    await books.alter({ date: day, kind: 'restated', out_trade_no: sold.out_trade_no });
    assert.equal((await reconciled()).version, 2);
    assert.equal((await since(before)).gateway_fees, 17);
    const { status, difference, resolution, history } = await breakOf(sold);
    assert.deepEqual([status, difference, resolution], ['closed', 0, null]);
    assert.equal(history.at(-1).type, 'closed');
    const { reversed_by } = (await books.paysaga.call('GET', `/v1/ledger/transactions/${decision}`)).body;
    const reversal = (await books.paysaga.call('GET', `/v1/ledger/transactions/${reversed_by}`)).body;
    assert.deepEqual(
      [reversal.actor, reversal.reason],
      ['reconciliation', `the break was closed by the bill of ${day}, version 2`],
    );
    await changesNothing(day);
  });

  it('what a decision has not settled is open again when the restated bill says something else', async () => {
    const before = await held();
    const sold = await books.sell();
    await books.alter({ date: day, kind: 'other_fee', out_trade_no: sold.out_trade_no });
    await reconciled();
    await resolve(sold, 'to_fees');

    const { out_trade_no } = sold;
    await books.alter({ date: day, kind: 'restated', out_trade_no });
    await books.alter({ date: day, kind: 'other_fee', out_trade_no, bill: 'fund_flow' });
    await reconciled();
    // WeChat Pay has kept 18 fen; of those, 16 are decided about.
    assert.deepEqual(await stateOf(sold), ['break', -2]);
    await changesNothing(day);
    await resolve(sold, 'to_fees');
    assert.equal((await since(before)).gateway_fees, 18);
    assert.deepEqual(await stateOf(sold), ['resolved', 0]);
    await changesNothing(day);
  });

  it('a decision about what the restated bill no longer has is taken back', async () => {
    const before = await held();
    await books.sell();
    await books.alter({ date: day, kind: 'extra_row', bill: 'fund_flow' });
    await reconciled();
    const { body } = await books.paysaga.call('GET', '/v1/reconciliation-breaks?status=break&limit=100');
    const [found] = body.data;
    assert.equal(found.reason, 'unknown_order');
    const path = `/v1/reconciliation-breaks/${found.id}`;
    const decision = { actor: 'li.na', reason: 'nobody knows it', resolution: 'to_suspense' };
    await books.paysaga.call('POST', `${path}/resolve`, decision);
    assert.equal((await since(before)).suspense, 2590 - 16);

    await books.alter({ date: day, kind: 'restated' });
    await reconciled();
    assert.equal((await since(before)).suspense, 0);
    assert.equal((await books.paysaga.call('GET', path)).body.status, 'closed');
    await changesNothing(day);
  });

  it('money that comes days after a person has decided about it closes the break, and the decision is taken back', async () => {
    const before = await held();
    const sold = await books.sell();
    const { out_trade_no } = sold;
    await books.alter({ date: day, kind: 'missing_row', out_trade_no, bill: 'fund_flow' });
    await reconciled();
    await resolve(sold, 'to_suspense');
    assert.deepEqual(await since(before), { gateway_fees: 0, suspense: -2590 });

    const later = daysAfter(day, 3);
    await books.alter({ date: later, kind: 'stray_row', out_trade_no, bill: 'fund_flow' });
    const result = await reconciled(later);
    assert.deepEqual(result.lines, { all: 1, matched: 1, carried: 0, breaks: 0 });
    assert.deepEqual(await stateOf(sold), ['closed', 0]);
    assert.deepEqual(await since(before), { gateway_fees: 16, suspense: 0 });
    await changesNothing(later);
    await changesNothing(day);
  });

  it('a decision that is taken back in the ledger leaves a break, with its difference, its history and another end', async () => {
    const { paysaga } = books;
    const before = await held();
    const sold = await books.sell();
    await books.alter({ date: day, kind: 'other_fee', out_trade_no: sold.out_trade_no });
    await reconciled();
    const decision = await resolve(sold, 'to_suspense');
    assert.equal((await since(before)).suspense, -16);

    const reversal = await paysaga.call('POST', `/v1/ledger/transactions/${decision}/reverse`, {
      reason: 'it was a fee after all',
    });
    assert.equal(reversal.status, 201, JSON.stringify(reversal.body));
    const { status, difference, resolution, history } = await breakOf(sold);
    assert.deepEqual([status, difference, resolution], ['break', -16, null]);
    const { type, actor, text, ledger_transaction } = history.at(-1);
    assert.deepEqual(
      { type, actor, text, ledger_transaction },
      {
        type: 'reopened',
        actor: reversal.body.actor,
        text: 'it was a fee after all',
        ledger_transaction: reversal.body.id,
      },
    );
    await changesNothing(day);
    await resolve(sold, 'to_fees');
    assert.deepEqual(await since(before), { gateway_fees: 16, suspense: 0 });
    assert.deepEqual(await stateOf(sold), ['resolved', 0]);
    await changesNothing(day);
  });

  it('a decision that is missing in the ledger makes the next day not add up, until its own day is run again', async () => {
    const { pool } = books.paysaga;
    const sold = await books.sell();
    await books.alter({ date: day, kind: 'other_fee', out_trade_no: sold.out_trade_no });
    await reconciled();
    const sequence = ledgerSequence(await resolve(sold, 'to_fees')) as number;
    // Past everything that knows of breaks.
    await inTransaction(pool, (db) => reverse(db, { sequence, reason: 'by hand', actor: 'nobody' }));

    const next = daysAfter(day, 1);
    await books.at(MORNING, daysAfter(day, 2));
    const result = await books.reconcile(next);
    assert.ok(result.kind === 'done');
    assert.deepEqual(result.checks, { rows: true, sums: true, ledger: true, items: false });
    await reconciled();
    assert.deepEqual(await stateOf(sold), ['break', -16]);
    await reconciled(next);
  });
});
