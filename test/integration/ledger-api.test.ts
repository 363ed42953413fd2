import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { parse } from 'csv-parse/sync';
import { request as send } from 'undici';
import { createApiKey } from '../../database/api-keys.ts';
import { balances, post, reverse } from '../../database/ledger.ts';
import { upsertTenant } from '../../database/merchants.ts';
import { inTransaction } from '../../database/pool.ts';
import { ACCOUNT_CODES, ACCOUNTS, type LedgerStep } from '../../domain/ledger.ts';
import { eventually } from '../eventually.ts';
import { type Paysaga, startPaysaga } from '../fixture.ts';
import { book, bookMany } from '../ledger-books.ts';

describe('the ledger over HTTP', () => {
  let paysaga: Paysaga;
  before(async () => {
    paysaga = await startPaysaga({ refundTiming: { notifyWaitMs: 300, pollGapsMs: [200, 300] } });
  });
  after(() => paysaga.stop());

  const get = (path: string) => paysaga.call('GET', path);
  const paid = async (fen = 2590) => {
    const { body } = await paysaga.createPayment({ amount: { total: fen } });
    await paysaga.control('POST', `/orders/${body.out_trade_no}/pay`, {});
    return await paysaga.until(`/v1/payments/${body.id}`, 'PAID');
  };
  const fee = async (paymentId: string, amount: number, causeId = paymentId) => {
    await inTransaction(paysaga.pool, (db) =>
      post(db, {
        step: 'payment.fee',
        causeId,
        paymentId,
        amount,
        currency: 'CNY',
        billReference: 'line 7',
      }),
    );
    const { body } = await get(`/v1/ledger/transactions?payment_id=${paymentId}&account=gateway_fees`);
    return body.data[0];
  };
  const held = () => balances(paysaga.pool, paysaga.merchantId);
  const balanceOf = async (account: string, query: string) => {
    const { body } = await get(`/v1/ledger/balances?${query}`);
    return body.data.find((one: { account: string }) => one.account === account).balance;
  };

  it('shows the chart of accounts of the merchant, with what each is for', async () => {
    const { status, body } = await get('/v1/ledger/accounts');
    assert.equal(status, 200);
    assert.equal(body.has_more, false);
    assert.deepEqual(
      body.data,
      ACCOUNT_CODES.map((account) => ({
        object: 'ledger_account',
        merchant_id: paysaga.merchantId,
        mchid: paysaga.mchid,
        account,
        kind: ACCOUNTS[account].kind,
        currency: 'CNY',
        purpose: ACCOUNTS[account].purpose,
      })),
    );
  });

  it('moves money between the accounts of fees, of the bank and of suspense as the chart says, once for each cause', async () => {
    const { id } = await paid();
    const { body: refund } = await paysaga.call('POST', `/v1/payments/${id}/refunds`, {
      amount: { refund: 1000 },
    });
    await paysaga.until(`/v1/refunds/${refund.id}`, 'SUCCEEDED');
    const before = await held();
    const about = (step: LedgerStep, amount: number) => ({
      step,
      causeId: `${id}/${step}`,
      amount,
      currency: 'CNY',
    });
    const { merchantId } = paysaga;
    for (let turn = 0; turn < 2; turn += 1) {
      await inTransaction(paysaga.pool, async (db) => {
        await post(db, { ...about('payment.fee', 16), paymentId: id });
        await post(db, { ...about('refund.fee_returned', 6), paymentId: id, refundId: refund.id });
        await post(db, { ...about('settlement.paid_out', 1500), merchantId, billReference: 'W1' });
        await post(db, { ...about('settlement.paid_in', 200), merchantId, billReference: 'W2' });
        await post(db, { ...about('suspense.in', 70), merchantId });
        await post(db, { ...about('suspense.out', 50), merchantId });
      });
    }
    const now = await held();
    const changes = Object.fromEntries(
      ACCOUNT_CODES.map((code) => [code, now[code] - before[code]] as const).filter(
        ([, change]) => change !== 0,
      ),
    );
    assert.deepEqual(changes, {
      wechat_receivable: -16 + 6 - 1500 + 200 + 70 - 50,
      settlement_bank: 1300,
      gateway_fees: 10,
      suspense: 20,
    });
  });

  it('what is about a payment or merchant that does not exist is refused aloud, never dropped', async () => {
    const nowhere = { step: 'suspense.in', causeId: 'x', amount: 5, currency: 'CNY' } as const;
    await assert.rejects(
      inTransaction(paysaga.pool, (db) => post(db, { ...nowhere, merchantId: 'mch_none' })),
      /nothing we know/,
    );
    // There is no account in dollars: the transaction would have no entries.
    await assert.rejects(
      inTransaction(paysaga.pool, (db) =>
        post(db, { ...nowhere, currency: 'USD', merchantId: paysaga.merchantId }),
      ),
      /does not balance/,
    );
  });

  it("transactions carry the merchant's numbers and WeChat Pay's, and are found by payment, refund and account", async () => {
    const payment = await paid();
    const { body: refund } = await paysaga.call('POST', `/v1/payments/${payment.id}/refunds`, {
      amount: { refund: 900 },
    });
    const done = await paysaga.until(`/v1/refunds/${refund.id}`, 'SUCCEEDED');
    const { body: all } = await get(`/v1/ledger/transactions?payment_id=${payment.id}`);
    assert.deepEqual(
      all.data.map((one: { step: string }) => one.step),
      ['refund.succeeded', 'refund.reserved', 'payment.paid'],
    );
    const [succeeded, reserved, first] = all.data;
    assert.deepEqual(
      [first.out_trade_no, first.transaction_id, first.out_refund_no, first.wechat_refund_id],
      [payment.out_trade_no, payment.transaction_id, null, null],
    );
    assert.deepEqual(
      [succeeded.out_trade_no, succeeded.out_refund_no, succeeded.wechat_refund_id],
      [payment.out_trade_no, done.out_refund_no, done.wechat_refund_id],
    );
    assert.equal(reserved.refund_id, refund.id);
    assert.equal(first.effective_at, payment.success_time);
    assert.deepEqual(first.entries, [
      { account: 'wechat_receivable', side: 'debit', amount: 2590 },
      { account: 'sales', side: 'credit', amount: 2590 },
    ]);
    const { body: ofRefund } = await get(
      `/v1/ledger/transactions?refund_id=${refund.id}&account=wechat_receivable`,
    );
    assert.deepEqual(
      ofRefund.data.map(({ id }: { id: string }) => id),
      [succeeded.id],
    );
    const { body: one } = await get(`/v1/ledger/transactions/${first.id}`);
    assert.deepEqual(one, first);
  });

  it('balances are those of any moment, by when it happened or by when we knew, and say which', async () => {
    const { merchantId } = paysaga;
    const late = {
      merchantId,
      postedAt: '2026-02-02T09:30:00+08:00',
      effectiveAt: '2026-02-01T23:59:59+08:00',
    };
    await book(paysaga.pool, { ...late, step: 'payment.paid', amount: 5000 });
    await book(paysaga.pool, { ...late, step: 'payment.fee', amount: 30 });
    assert.equal(await balanceOf('sales', 'at=2026-02-01&by=effective_at'), 5000);
    assert.equal(await balanceOf('sales', 'at=2026-02-01T23:59:59%2B08:00&by=effective_at'), 0);
    assert.equal(await balanceOf('sales', 'at=2026-02-01'), 0);
    assert.equal(await balanceOf('wechat_receivable', 'at=2026-02-02'), 4970);
    assert.equal(await balanceOf('wechat_receivable', 'at=2026-02-02T01:30:01Z'), 4970);
    assert.equal(await balanceOf('wechat_receivable', 'at=2026-02-02T01:30:00Z&by=posted_at'), 0);
    const { body } = await get('/v1/ledger/balances?at=2026-02-01&by=effective_at');
    assert.deepEqual([body.by, body.before], ['effective_at', '2026-02-02T00:00:00+08:00']);
    const now = await held();
    const { body: latest } = await get('/v1/ledger/balances');
    assert.deepEqual(
      Object.fromEntries(
        latest.data.map((one: { account: string; balance: number }) => [one.account, one.balance]),
      ),
      now,
    );
    assert.deepEqual([latest.by, latest.before], ['posted_at', null]);
  });

  it('a list is read page by page in both directions, without a gap or a repeat', async () => {
    await paid();
    await paid();
    const path = '/v1/ledger/transactions';
    const { body: whole } = await get(`${path}?limit=100`);
    const ids = whole.data.map(({ id }: { id: string }) => id);
    assert.equal(whole.has_more, false);
    assert.ok(ids.length > 6);
    const forwards: string[] = [];
    for (let more = true; more; ) {
      const after = forwards.at(-1);
      const { body } = await get(`${path}?limit=4${after ? `&starting_after=${after}` : ''}`);
      forwards.push(...body.data.map(({ id }: { id: string }) => id));
      more = body.has_more;
    }
    assert.deepEqual(forwards, ids);
    const { body: newer } = await get(`${path}?limit=2&ending_before=${ids[4]}`);
    assert.deepEqual(
      newer.data.map(({ id }: { id: string }) => id),
      ids.slice(2, 4),
    );
    assert.equal(newer.has_more, true);
    const { body: day } = await get(`${path}?from=2026-02-02&to=2026-02-02`);
    assert.deepEqual(
      day.data.map(({ step }: { step: string }) => step),
      ['payment.fee', 'payment.paid'],
    );
  });

  it('says of every wrong word what is wrong with it', async () => {
    for (const [query, pointer, detail] of [
      ['transactions?limit=0', '/limit', 'must be at least 1'],
      ['transactions?limit=101', '/limit', 'must be at most 100'],
      ['transactions?limit=many', '/limit', 'must be a whole number'],
      [
        'transactions?starting_after=pay_1',
        '/starting_after',
        'must be the id of a transaction, e.g. txn_123',
      ],
      [
        'transactions?starting_after=txn_1&ending_before=txn_2',
        '/ending_before',
        'cannot be combined with starting_after',
      ],
      ['transactions?colour=red', '/colour', 'is not a known field'],
      ['transactions?account=cash', '/account', `must be one of ${ACCOUNT_CODES.join(', ')}`],
      ['transactions?from=2026-03-02&to=2026-03-01', '/to', 'must not be before from'],
      ['balances?at=2026-02-30', '/at', 'must be a day (2026-03-01, of Asia/Shanghai) or an RFC 3339 time'],
      ['balances?by=guess', '/by', 'must be one of posted_at, effective_at'],
      ['balances?merchant_id=mch_other', '/merchant_id', 'is not one of your merchants'],
      ['statement?to=2026-03-01', '/from', 'is missing'],
    ] as const) {
      const { status, body } = await get(`/v1/ledger/${query}`);
      assert.equal(status, 422, query);
      assert.deepEqual(body.errors, [{ pointer, detail }], query);
    }
    const { status } = await get('/v1/ledger/transactions/txn_999999999');
    assert.equal(status, 404);
  });

  it("is closed to other tenants: a stranger's transactions do not exist", async () => {
    const stranger = await createApiKey(paysaga.pool, await upsertTenant(paysaga.pool, 'stranger'), 'test');
    const headers = { authorization: `Bearer ${stranger}` };
    const { id } = await fee((await paid()).id, 9);
    const { body } = await paysaga.call('GET', '/v1/ledger/transactions', undefined, headers);
    assert.deepEqual(body.data, []);
    for (const [method, path, content] of [
      ['GET', `/v1/ledger/transactions/${id}`, undefined],
      ['POST', `/v1/ledger/transactions/${id}/reverse`, { reason: 'not mine' }],
    ] as const) {
      const { status } = await paysaga.call(method, path, content, headers);
      assert.equal(status, 404, path);
    }
    const { status } = await paysaga.call(
      'GET',
      `/v1/ledger/balances?merchant_id=${paysaga.merchantId}`,
      undefined,
      headers,
    );
    assert.equal(status, 422);
  });

  it('a fee is taken back by a transaction that mirrors it, points at it and says who and why, once', async () => {
    const payment = await paid();
    const before = await held();
    const original = await fee(payment.id, 16);
    const key = randomUUID();
    const path = `/v1/ledger/transactions/${original.id}/reverse`;
    const turn = () =>
      paysaga.call('POST', path, { reason: 'the bill was restated' }, { 'idempotency-key': key });
    const first = await turn();
    assert.equal(first.status, 201, JSON.stringify(first.body));
    assert.equal(first.headers.location, `/v1/ledger/transactions/${first.body.id}`);
    assert.equal(first.body.step, 'reversal');
    assert.equal(first.body.reverses, original.id);
    assert.equal(first.body.reason, 'the bill was restated');
    assert.match(first.body.actor, /^key_/);
    assert.equal(first.body.effective_at, original.effective_at);
    assert.equal(first.body.out_trade_no, payment.out_trade_no);
    assert.deepEqual(first.body.entries, [
      { account: 'wechat_receivable', side: 'debit', amount: 16 },
      { account: 'gateway_fees', side: 'credit', amount: 16 },
    ]);
    const again = await turn();
    assert.deepEqual([again.status, again.body], [201, first.body]);
    assert.equal(again.headers['idempotency-replayed'], 'true');
    const other = await paysaga.call('POST', path, { reason: 'once more' });
    assert.deepEqual([other.status, other.body.code], [409, 'transaction_already_reversed']);
    assert.deepEqual(await held(), before);
    const { body: now } = await get(`/v1/ledger/transactions/${original.id}`);
    assert.deepEqual(now, { ...original, reversed_by: first.body.id });
    // The same cause is not posted a second time; what is right comes under another one.
    assert.equal((await fee(payment.id, 16)).id, first.body.id);
    assert.equal((await fee(payment.id, 12, `${payment.id}/2`)).entries[0].amount, 12);
  });

  it('of many who take the same transaction back at the same moment one does', async () => {
    const { id } = await fee((await paid()).id, 11);
    const answers = await Promise.all(
      Array.from({ length: 8 }, () =>
        paysaga.call('POST', `/v1/ledger/transactions/${id}/reverse`, { reason: 'all at once' }),
      ),
    );
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, ...Array(7).fill(409)]);
  });

  it('what WeChat Pay has confirmed of a payment cannot be taken back, nor a reversal, and a reason is needed', async () => {
    const payment = await paid();
    const original = await fee(payment.id, 8);
    const before = await held();
    const { body: list } = await get(`/v1/ledger/transactions?payment_id=${payment.id}&account=sales`);
    const refused = await paysaga.call('POST', `/v1/ledger/transactions/${list.data[0].id}/reverse`, {
      reason: 'I want it so',
    });
    assert.deepEqual([refused.status, refused.body.code], [409, 'transaction_not_reversible']);
    assert.match(refused.body.detail, /refund/);
    for (const body of [{}, { reason: '' }, undefined]) {
      const { status } = await paysaga.call('POST', `/v1/ledger/transactions/${original.id}/reverse`, body);
      assert.equal(status, 422);
    }
    assert.deepEqual(await held(), before);
    const { body: reversal } = await paysaga.call('POST', `/v1/ledger/transactions/${original.id}/reverse`, {
      reason: 'wrong line',
    });
    const twice = await paysaga.call('POST', `/v1/ledger/transactions/${reversal.id}/reverse`, {
      reason: 'and back',
    });
    assert.deepEqual([twice.status, twice.body.code], [409, 'transaction_not_reversible']);
  });

  it('the database refuses a reversal that does not mirror its original, or says neither who nor why', async () => {
    const original = await fee((await paid()).id, 21);
    const insert = (columns: string, values: string) =>
      inTransaction(paysaga.pool, async (db) => {
        const { rows } = await db.query(
          `insert into ledger_transactions (tenant_id, merchant_id, step, cause_id, effective_at${columns})
           select tenant_id, merchant_id, 'reversal', 'forged', now()${values}
             from ledger_transactions where sequence = ${original.id.slice(4)} returning sequence`,
        );
        await db.query(
          `insert into ledger_entries (transaction, account, tenant_id, side, amount)
           select $1, account, tenant_id, case side when 'debit' then 'credit' else 'debit' end, 20
             from ledger_entries where transaction = $2`,
          [rows[0].sequence, original.id.slice(4)],
        );
      });
    await assert.rejects(
      insert(', reverses, reason, actor', ", sequence, 'because', 'me'"),
      /does not mirror/,
    );
    await assert.rejects(insert(', reverses', ', sequence'), /ledger_transactions_reversal/);
    await assert.rejects(insert('', ''), /ledger_transactions_reversal/);
  });

  it('a statement has the opening balance, every entry with the balance after it, and the closing balance', async () => {
    const { merchantId } = paysaga;
    const day = { merchantId, outTradeNo: 'T2026030100001', transactionId: '4200001234202603011234567890' };
    const sold = await book(paysaga.pool, {
      ...day,
      step: 'payment.paid',
      amount: 10_029,
      postedAt: '2026-03-01T00:00:00+08:00',
      effectiveAt: '2026-02-28T23:59:58+08:00',
    });
    await book(paysaga.pool, {
      ...day,
      step: 'payment.fee',
      amount: 60,
      postedAt: '2026-03-01T10:00:00+08:00',
    });
    const paidOut = await book(paysaga.pool, {
      merchantId,
      step: 'settlement.paid_out',
      amount: 20_000,
      billReference: '=1+1',
      postedAt: '2026-03-01T23:59:59+08:00',
    });
    await book(paysaga.pool, {
      ...day,
      step: 'payment.late',
      amount: 1,
      postedAt: '2026-03-02T00:00:00+08:00',
    });
    await inTransaction(paysaga.pool, (db) =>
      reverse(db, { sequence: paidOut, reason: '@SUM(A1:A9), "quoted"', actor: 'test' }),
    );
    const opening = await balanceOf('wechat_receivable', 'at=2026-02-28');
    const { status, headers, body } = await get('/v1/ledger/statement?from=2026-03-01&to=2026-03-01');
    assert.equal(status, 200);
    assert.match(String(headers['content-type']), /^text\/csv; charset=utf-8/);
    assert.equal(
      headers['content-disposition'],
      `attachment; filename="statement-wechat_receivable-CNY-${paysaga.mchid}-2026-03-01-2026-03-01-by-posted.csv"`,
    );
    const lines = parse(body, { columns: true }) as Record<string, string>[];
    const yuan = (fen: number) => (fen / 100).toFixed(2);
    assert.deepEqual(
      lines.map(({ text, debit, credit, balance }) => [text, debit, credit, balance]),
      [
        ['opening balance by posted_at', '', '', yuan(opening)],
        ['payment.paid', '100.29', '', yuan(opening + 10_029)],
        ['payment.fee', '', '0.60', yuan(opening + 10_029 - 60)],
        ['settlement.paid_out', '', '200.00', yuan(opening + 10_029 - 60 - 20_000)],
        ['closing balance by posted_at', '', '', yuan(opening + 10_029 - 60 - 20_000)],
      ],
    );
    assert.deepEqual(
      [
        lines[1]?.transaction,
        lines[1]?.posted_at,
        lines[1]?.effective_at,
        lines[1]?.out_trade_no,
        lines[1]?.transaction_id,
      ],
      [
        `txn_${sold}`,
        '2026-03-01T00:00:00+08:00',
        '2026-02-28T23:59:58+08:00',
        'T2026030100001',
        '4200001234202603011234567890',
      ],
    );
    assert.equal(lines[3]?.bill_reference, "'=1+1");
    // By the time it happened, the first is of the day before, and what was taken back was never there.
    const { body: effective } = await get(
      '/v1/ledger/statement?from=2026-03-01&to=2026-03-01&by=effective_at',
    );
    const byEffect = parse(effective, { columns: true }) as Record<string, string>[];
    assert.deepEqual(
      byEffect.map(({ text, balance }) => [text, balance]),
      [
        ['opening balance by effective_at', yuan(opening + 10_029)],
        ['payment.fee', yuan(opening + 10_029 - 60)],
        ['settlement.paid_out', yuan(opening + 10_029 - 60 - 20_000)],
        [`reversal of txn_${paidOut}: @SUM(A1:A9), "quoted"`, yuan(opening + 10_029 - 60)],
        ['closing balance by effective_at', yuan(opening + 10_029 - 60)],
      ],
    );
  });

  it('a reader who goes away in the middle of a file gives its connection back, and too many files at once are refused', async () => {
    await bookMany(paysaga.pool, paysaga.merchantId, {
      count: 3_000,
      postedAt: '2026-04-01T12:00:00+08:00',
    });
    const headers = { authorization: `Bearer ${paysaga.apiKey}` };
    const url = `${paysaga.apiUrl}/v1/ledger/statement?from=2026-04-01&to=2026-04-01`;
    const open = await Promise.all(Array.from({ length: 6 }, () => send(url, { headers })));
    assert.deepEqual(new Set(open.map(({ statusCode }) => statusCode)), new Set([200]));
    const refused = await get('/v1/ledger/statement?from=2026-04-01&to=2026-04-01');
    assert.deepEqual([refused.status, refused.body.code], [503, 'temporarily_unavailable']);
    for (const { body } of open) {
      body.on('error', () => {});
      body.destroy();
    }
    const busy = async () => {
      const { rows } = await paysaga.pool.query(
        "select count(*)::int n from pg_stat_activity where datname = current_database() and state = 'idle in transaction'",
      );
      return rows[0].n;
    };
    // Relays have transactions, too, but never for long.
    await eventually('no connection is held', async () => (await busy()) === 0);
    const { status, body } = await get('/v1/ledger/statement?from=2026-04-01&to=2026-04-01');
    assert.equal(status, 200);
    assert.equal(parse(body, { columns: true }).length, 3_002);
  });
});
