import assert from 'node:assert/strict';
import { balances } from '../../database/ledger.ts';
import { daysAfter } from '../../domain/bill-day.ts';
import { runPaysaga } from '../command.ts';
import { type Books, MORNING, type Sold, startBooks } from '../reconciliation.ts';

const FIRST_DAY = '2029-03-01';

describe('reconciliations through the API and the command line', () => {
  let books: Books;
  let runId: string;
  let sold: Sold[];
  before(async () => {
    books = await startBooks(FIRST_DAY);
    sold = await Promise.all(Array.from({ length: 5 }, () => books.sell()));
    for (const { out_trade_no } of sold.slice(0, 3)) {
      await books.alter({ date: FIRST_DAY, kind: 'missing_row', out_trade_no, bill: 'all' });
    }
    await books.at(MORNING, daysAfter(FIRST_DAY, 1));
    const result = await books.reconcile(FIRST_DAY);
    assert.ok(result.kind === 'done');
    runId = result.runId;
  });
  after(() => books.paysaga.stop());

  const get = async (path: string) => (await books.paysaga.call('GET', path)).body;
  const post = (path: string, body: unknown, headers = {}) => books.paysaga.call('POST', path, body, headers);
  const breaks = async (query = '') =>
    (await get(`/v1/reconciliation-breaks?limit=100${query}`)).data as Sold[];
  const run = (...words: string[]) =>
    runPaysaga(books.paysaga, words, { env: { TEMPORAL_ADDRESS: '127.0.0.1:1' } });
  const breakOf = async ({ id }: Sold) => (await breaks()).find(({ payment_id }) => payment_id === id);

  it('a reconciliation tells what it found, from which files, and that it adds up', async () => {
    const run = await get(`/v1/reconciliations/${runId}`);
    assert.equal(run.bill_date, FIRST_DAY);
    assert.deepEqual(run.summary.lines, { all: 5, matched: 2, carried: 0, breaks: 3 });
    assert.deepEqual(run.summary.checks, { rows: true, sums: true, ledger: true, items: true });
    // Five payments here, two of them at WeChat Pay, without their fees.
    assert.deepEqual(run.summary.ledger, {
      receivable: 5 * 2590 - 2 * 16,
      wechat: 2 * (2590 - 16),
      difference: 3 * 2590,
      carried: 0,
      breaks: 3 * 2590,
      closed: 0,
      unexplained: 0,
    });
    assert.deepEqual(
      run.files.map(({ kind, rows, status }: Sold) => [kind, rows, status]),
      [
        ['trade', 2, 'loaded'],
        ['fund_flow', 4, 'loaded'],
      ],
    );
    assert.match(run.files[0].sha256, /^[0-9a-f]{64}$/);
  });

  it('lines and breaks are lists with cursors', async () => {
    const first = await get(`/v1/reconciliations/${runId}/lines?limit=3`);
    assert.deepEqual([first.data.length, first.has_more], [3, true]);
    const rest = await get(
      `/v1/reconciliations/${runId}/lines?limit=3&starting_after=${first.data[2].position}`,
    );
    assert.deepEqual([rest.data.length, rest.has_more], [2, false]);
    assert.equal(new Set([...first.data, ...rest.data].map(({ payment_id }: Sold) => payment_id)).size, 5);
    const matched = await get(`/v1/reconciliations/${runId}/lines?state=matched`);
    assert.deepEqual(
      matched.data.map(({ matched_by, fund_flow_matched_by }: Sold) => [matched_by, fund_flow_matched_by]),
      [
        ['transaction_id', 'business_id'],
        ['transaction_id', 'business_id'],
      ],
    );
    const page = await get('/v1/reconciliation-breaks?limit=2');
    const next = await get(`/v1/reconciliation-breaks?limit=2&starting_after=${page.data[1].id}`);
    assert.deepEqual([page.has_more, next.has_more, page.data.length + next.data.length], [true, false, 3]);
  });

  it('breaks are found by their age, in days since the day of the bill', async () => {
    assert.equal((await breaks('&age=0-1')).length, 3);
    assert.equal((await breaks('&age=2-3')).length, 0);
    const [one] = await breaks();
    assert.deepEqual(one.age, { days: 1, bucket: '0-1' });
    assert.equal((await post('/v1/reconciliation-breaks?age=9', {})).status, 405);
    assert.equal((await books.paysaga.call('GET', '/v1/reconciliation-breaks?age=9')).status, 422);
  });

  it('a break has comments and an owner, and keeps its history', async () => {
    const { id } = await breakOf(sold[0]);
    const key = { 'idempotency-key': 'comment-1' };
    const comment = { actor: 'li.na', text: 'asked WeChat Pay' };
    assert.equal((await post(`/v1/reconciliation-breaks/${id}/comments`, comment, key)).status, 200);
    const repeated = await post(`/v1/reconciliation-breaks/${id}/comments`, comment, key);
    assert.equal(repeated.headers['idempotency-replayed'], 'true');
    await post(`/v1/reconciliation-breaks/${id}/assign`, { actor: 'li.na', owner: 'wang.wei' });
    const { owner, history } = await get(`/v1/reconciliation-breaks/${id}`);
    assert.equal(owner, 'wang.wei');
    assert.deepEqual(
      history.map(({ type, actor, text }: Sold) => [type, actor, text]),
      [
        ['found', null, null],
        ['commented', 'li.na', 'asked WeChat Pay'],
        ['assigned', 'li.na', 'wang.wei'],
      ],
    );
    assert.equal((await breaks('&owner=wang.wei')).length, 1);
  });

  it('a decision needs a person and a reason, posts one balanced transaction, and is final', async () => {
    const { pool, merchantId } = books.paysaga;
    const { id } = await breakOf(sold[0]);
    const path = `/v1/reconciliation-breaks/${id}/resolve`;
    const refused = await post(path, { resolution: 'to_suspense' });
    assert.deepEqual(
      refused.body.errors.map(({ pointer }: Sold) => pointer),
      ['/actor', '/reason'],
    );
    const before = await balances(pool, merchantId);
    const { body } = await post(path, {
      actor: 'li.na',
      reason: 'WeChat Pay has lost it',
      resolution: 'to_suspense',
    });
    assert.deepEqual([body.status, body.difference], ['resolved', 0]);
    const now = await balances(pool, merchantId);
    assert.equal(now.wechat_receivable - before.wechat_receivable, -2590);
    assert.equal(now.suspense - before.suspense, -2590);
    const { rows } = await pool.query(
      "select step, payment_id from ledger_transactions where 'txn_' || sequence = $1",
      [body.history.at(-1).ledger_transaction],
    );
    assert.deepEqual(rows, [{ step: 'suspense.out', payment_id: sold[0].id }]);

    const again = await post(path, { actor: 'li.na', reason: 'again', resolution: 'to_fees' });
    assert.deepEqual([again.status, again.body.code], [409, 'break_not_open']);
    // The day is run again: what a person has decided stays, and the books of the day still add up.
    const rerun = await books.reconcile(FIRST_DAY);
    assert.ok(rerun.kind === 'done' && !rerun.changed, JSON.stringify(rerun));
    assert.equal((await get(`/v1/reconciliation-breaks/${id}`)).status, 'resolved');
  });

  it('a decision without an account posts nothing', async () => {
    const { pool, merchantId } = books.paysaga;
    const { id } = await breakOf(sold[1]);
    const before = await balances(pool, merchantId);
    const { body } = await post(`/v1/reconciliation-breaks/${id}/resolve`, {
      actor: 'li.na',
      reason: 'it comes with the bill of next month',
      resolution: 'no_action',
    });
    assert.equal(body.history.at(-1).ledger_transaction, null);
    assert.deepEqual(await balances(pool, merchantId), before);
  });

  it("another tenant's are not found", async () => {
    for (const path of [
      `reconciliations/${runId}x`,
      `reconciliations/${runId}x/lines`,
      'reconciliation-breaks/brk_x',
    ]) {
      assert.equal((await books.paysaga.call('GET', `/v1/${path}`)).status, 404);
    }
  });

  it('the command line reads them, and resolves', async () => {
    const list = await run('reconciliation', 'list');
    assert.match(list.stdout, new RegExp(`${runId} .* ${FIRST_DAY} .* done .*5 lines = 2 matched`));
    const lines = await run('reconciliation', 'lines', runId, '--state', 'missing_at_wechat');
    assert.equal(lines.stdout.trim().split('\n').length, 3);
    const { id } = await breakOf(sold[2]);
    const resolved = await run(
      ...[
        'reconciliation',
        'resolve',
        id,
        '--actor',
        'li.na',
        '--resolution',
        'to_bank',
        '--reason',
        'paid out by hand',
      ],
    );
    assert.match(resolved.stdout, /resolved: to_bank/);
    const again = await run(
      ...[
        'reconciliation',
        'resolve',
        id,
        '--actor',
        'li.na',
        '--resolution',
        'to_bank',
        '--reason',
        'again',
      ],
    );
    assert.deepEqual([again.code, /only an open break/.test(again.stderr)], [1, true]);
    const open = await run('reconciliation', 'breaks', '--status', 'break');
    assert.equal(open.stdout, 'nothing is open that is asked for\n');
  });

  it('paysaga reconcile runs a period, with a line for each day, and refuses days that are not over', async () => {
    const future = await run('reconcile', '--from', '2099-01-01');
    assert.deepEqual([future.code, /not over yet/.test(future.stderr)], [1, true]);
    const backwards = await run('reconcile', '--from', '2026-03-02', '--to', '2026-03-01');
    assert.match(backwards.stderr, /before/);
  });
});
