import assert from 'node:assert/strict';
import { balances, post } from '../../database/ledger.ts';
import { inTransaction } from '../../database/pool.ts';
import { ACCOUNT_CODES, ACCOUNTS, entriesOf, POSTINGS } from '../../domain/ledger.ts';
import { type Paysaga, startPaysaga } from '../fixture.ts';

describe('ledger', () => {
  let paysaga: Paysaga;
  before(async () => {
    paysaga = await startPaysaga({
      paymentTiming: { notifyWaitMs: 300, pollGapsMs: [200, 300] },
      refundTiming: { notifyWaitMs: 300, pollGapsMs: [200, 300] },
      gatewayTimeoutMs: 700,
    });
  });
  after(() => paysaga.stop());

  const held = () => balances(paysaga.pool, paysaga.merchantId);
  /** What has changed since. */
  const since = async (before: Record<string, number>) => {
    const now = await held();
    return Object.fromEntries(
      Object.entries(now)
        .map(([code, balance]) => [code, balance - (before[code] ?? 0)] as const)
        .filter(([, change]) => change !== 0),
    );
  };
  const paid = async (fen = 2590) => {
    const { body } = await paysaga.createPayment({ amount: { total: fen } });
    await paysaga.control('POST', `/orders/${body.out_trade_no}/pay`, {});
    await paysaga.until(`/v1/payments/${body.id}`, 'PAID');
    return body;
  };
  const steps = async (id: string) => {
    const { rows } = await paysaga.pool.query(
      'select step from ledger_transactions where payment_id = $1 order by sequence',
      [id],
    );
    return rows.map(({ step }) => step);
  };

  it('a payment that is paid is owed by WeChat Pay and sold, by the time of the gateway', async () => {
    const before = await held();
    const { id } = await paid();
    assert.deepEqual(await since(before), { wechat_receivable: 2590, sales: 2590 });
    assert.deepEqual(await steps(id), ['payment.paid']);
    const { rows } = await paysaga.pool.query(
      `select t.effective_at = p.success_time same, t.posted_at >= t.effective_at later
         from ledger_transactions t join payments p on p.id = t.payment_id where p.id = $1`,
      [id],
    );
    assert.deepEqual(rows, [{ same: true, later: true }]);
  });

  it('an unpaid payment that is closed leaves no trace', async () => {
    const before = await held();
    const { body } = await paysaga.createPayment();
    await paysaga.call('POST', `/v1/payments/${body.id}/close`, { reason: 'test' });
    await paysaga.until(`/v1/payments/${body.id}`, 'CLOSED');
    assert.deepEqual(await since(before), {});
  });

  it('a refund is in flight until the customer has it, and then WeChat Pay owes less', async () => {
    const { id } = await paid();
    const before = await held();
    const { body: refund } = await paysaga.call('POST', `/v1/payments/${id}/refunds`, {
      amount: { refund: 1000 },
    });
    await paysaga.until(`/v1/refunds/${refund.id}`, 'SUCCEEDED');
    assert.deepEqual(await since(before), { refunds: 1000, wechat_receivable: -1000 });
    assert.deepEqual(await steps(id), ['payment.paid', 'refund.reserved', 'refund.succeeded']);
  });

  it('a refund that the gateway closes gives back what it had set aside', async () => {
    const { id } = await paid();
    const before = await held();
    await paysaga.control('POST', '/faults', { operation: 'refund.create', kind: 'slow', delay_ms: 1 });
    const { body: refund } = await paysaga.call('POST', `/v1/payments/${id}/refunds`, {
      amount: { refund: 700 },
    });
    await paysaga.control('POST', `/refunds/${refund.out_refund_no}/finish`, { status: 'CLOSED' });
    await paysaga.until(`/v1/refunds/${refund.id}`, 'FAILED');
    assert.deepEqual(await since(before), {});
    assert.deepEqual(await steps(id), ['payment.paid', 'refund.reserved', 'refund.released']);
  });

  it('a refund that was refused before anything was set aside leaves no trace', async () => {
    const { id } = await paid();
    const before = await held();
    const answers = await Promise.all(
      [2000, 2000].map((refund) =>
        paysaga.call('POST', `/v1/payments/${id}/refunds`, { amount: { refund } }),
      ),
    );
    const accepted = answers.filter(({ status }) => status === 201 || status === 202);
    assert.equal(accepted.length, 1, JSON.stringify(answers));
    await paysaga.until(`/v1/refunds/${accepted[0]?.body.id}`, 'SUCCEEDED');
    assert.deepEqual(await since(before), { refunds: 2000, wechat_receivable: -2000 });
  });

  it('the same step posted again, even at the same moment, is posted once', async () => {
    const { id } = await paid();
    const before = await held();
    const posting = {
      step: 'payment.paid',
      causeId: id,
      paymentId: id,
      amount: 2590,
      currency: 'CNY',
    } as const;
    const news = await Promise.all(
      Array.from({ length: 10 }, () => inTransaction(paysaga.pool, (db) => post(db, posting))),
    );
    assert.deepEqual(new Set(news), new Set([false]));
    assert.deepEqual(await since(before), {});
  });

  it('nothing in it can be changed, deleted, emptied or added to afterwards', async () => {
    await paid();
    for (const statement of [
      'update ledger_entries set amount = amount + 1',
      'delete from ledger_entries',
      'update ledger_transactions set effective_at = now()',
      'delete from ledger_transactions',
      "update ledger_accounts set kind = 'income'",
      'truncate ledger_entries',
      'truncate ledger_transactions cascade',
    ]) {
      await assert.rejects(paysaga.pool.query(statement), /append-only/, statement);
    }
    await assert.rejects(
      paysaga.pool.query(
        `insert into ledger_entries (transaction, account, tenant_id, side, amount)
         select t.sequence, a.id, t.tenant_id, s.side, 5
           from (select * from ledger_transactions order by sequence limit 1) t
           join ledger_accounts a on a.merchant_id = t.merchant_id and a.code = 'suspense'
           cross join (values ('debit'), ('credit')) s (side)`,
      ),
      /written before/,
    );
  });

  it('a transaction that does not balance, or has no entries, never commits', async () => {
    const { id } = await paid();
    const before = await held();
    const transaction = `insert into ledger_transactions (tenant_id, merchant_id, step, cause_id, payment_id, effective_at)
       select tenant_id, merchant_id, 'test', $2, id, now() from payments where id = $1 returning sequence, tenant_id, merchant_id`;
    await assert.rejects(paysaga.pool.query(transaction, [id, 'empty']), /does not balance/);
    await assert.rejects(
      paysaga.pool.query(
        `with t as (${transaction})
         insert into ledger_entries (transaction, account, tenant_id, side, amount)
         select t.sequence, a.id, t.tenant_id, case a.code when 'sales' then 'credit' else 'debit' end,
                case a.code when 'sales' then 99 else 100 end
           from t join ledger_accounts a on a.merchant_id = t.merchant_id and a.code in ('sales', 'wechat_receivable')`,
        [id, 'lopsided'],
      ),
      /does not balance/,
    );
    assert.deepEqual(await since(before), {});
  });

  it('is judged by what a database transaction has written in the end, in however many statements', async () => {
    const { id } = await paid();
    const before = await held();
    const write = async (entries: [account: string, side: 'debit' | 'credit', amount: number][][]) =>
      await inTransaction(paysaga.pool, async (db) => {
        const { rows } = await db.query<{ sequence: number }>(
          `insert into ledger_transactions (tenant_id, merchant_id, step, cause_id, payment_id, effective_at)
           select tenant_id, merchant_id, 'test', $2, id, now() from payments where id = $1 returning sequence`,
          [id, `in ${entries.length} statements`],
        );
        for (const statement of entries) {
          await db.query(
            `insert into ledger_entries (transaction, account, tenant_id, side, amount)
             select t.sequence, a.id, t.tenant_id, s.side, s.amount
               from ledger_transactions t
               join jsonb_to_recordset($2) s (code text, side text, amount bigint) on true
               join ledger_accounts a on a.merchant_id = t.merchant_id and a.code = s.code
              where t.sequence = $1`,
            [
              rows[0]?.sequence,
              JSON.stringify(statement.map(([code, side, amount]) => ({ code, side, amount }))),
            ],
          );
        }
      });
    await assert.rejects(
      write([
        [
          ['wechat_receivable', 'debit', 7],
          ['sales', 'credit', 7],
        ],
        [['suspense', 'debit', 1]],
      ]),
      /does not balance/,
    );
    assert.deepEqual(await since(before), {});
    await write([[['wechat_receivable', 'debit', 7]], [['suspense', 'credit', 3]], [['sales', 'credit', 4]]]);
    assert.deepEqual(await since(before), { wechat_receivable: 7, suspense: 3, sales: 4 });
    await write([
      [
        ['suspense', 'debit', 3],
        ['sales', 'debit', 4],
        ['wechat_receivable', 'credit', 7],
      ],
    ]);
  });

  for (const [what, transaction, account, tenant] of [
    ['transaction', '-1', 'a.id', 't.tenant_id'],
    ['account', 't.sequence', '-1', 't.tenant_id'],
    ['tenant', 't.sequence', 'a.id', "'ten_nobody'"],
  ] as const) {
    it(`an entry of no such ${what} is refused`, async () => {
      const { id } = await paid();
      await assert.rejects(
        inTransaction(paysaga.pool, async (db) => {
          const { rows } = await db.query<{ sequence: number }>(
            `insert into ledger_transactions (tenant_id, merchant_id, step, cause_id, payment_id, effective_at)
             select tenant_id, merchant_id, 'test', $2, id, now() from payments where id = $1 returning sequence`,
            [id, `no such ${what}`],
          );
          await db.query(
            `insert into ledger_entries (transaction, account, tenant_id, side, amount)
             select ${transaction}, ${account}, ${tenant}, 'debit', 1
               from ledger_transactions t join ledger_accounts a on a.merchant_id = t.merchant_id and a.code = 'sales' where t.sequence = $1`,
            [rows[0]?.sequence],
          );
        }),
        new RegExp(`no such ${what}`),
      );
    });
  }

  it('the database has the chart of accounts of the code, for merchants of before the ledger, too', async () => {
    const { rows } = await paysaga.pool.query(
      'select code, kind from ledger_accounts where merchant_id = $1 order by id',
      [paysaga.merchantId],
    );
    assert.deepEqual(
      rows,
      ACCOUNT_CODES.map((code) => ({ code, kind: ACCOUNTS[code].kind })),
    );
  });

  it('after all of this the books of everybody balance, and what is in flight is what is open', async () => {
    const { rows } = await paysaga.pool.query(
      `select sum(case side when 'debit' then amount else -amount end)::bigint difference from ledger_entries`,
    );
    assert.equal(rows[0].difference, 0);
    const { rows: open } = await paysaga.pool.query(
      `select coalesce(sum(amount), 0)::bigint amount from refunds where status in ('RESERVED', 'PROCESSING', 'ABNORMAL')`,
    );
    assert.equal((await held()).refunds_in_flight, open[0].amount);
    const { rows: truth } = await paysaga.pool.query(
      `select coalesce(sum(amount), 0)::bigint paid from payments where status in ('PAID', 'PARTIALLY_REFUNDED', 'REFUNDED')`,
    );
    assert.equal((await held()).sales, truth[0].paid);
  });

  it('every step debits and credits two different accounts with the same amount', () => {
    for (const step of Object.keys(POSTINGS) as (keyof typeof POSTINGS)[]) {
      const [debit, credit] = entriesOf(step, 7);
      assert.notEqual(debit.account, credit.account);
      assert.deepEqual([debit.side, credit.side, debit.amount, credit.amount], ['debit', 'credit', 7, 7]);
    }
  });
});
