import assert from 'node:assert/strict';
import { sealTransactions, verifyChain } from '../../database/ledger-seals.ts';
import { paysagaCommand } from '../command.ts';
import { type Paysaga, startPaysaga } from '../fixture.ts';
import { book } from '../ledger-books.ts';

describe('the chain of hashes over the ledger', () => {
  let paysaga: Paysaga;
  // Without a worker: nobody seals but the test.
  before(async () => {
    paysaga = await startPaysaga({ worker: false });
  });
  after(() => paysaga.stop());

  const verify = (options = {}) => verifyChain(paysaga.pool, paysaga.merchantId, options);
  const sale = (amount: number) =>
    book(paysaga.pool, {
      merchantId: paysaga.merchantId,
      step: 'payment.paid',
      amount,
      postedAt: '2026-03-01T12:00:00+08:00',
    });
  /** Does what only a superuser can: the guards of the ledger are off. */
  const tamper = async (statement: string, values: unknown[] = []) => {
    const client = await paysaga.pool.connect();
    try {
      await client.query('begin');
      await client.query('set local session_replication_role = replica');
      const { rowCount } = await client.query(statement, values);
      assert.ok(rowCount && rowCount > 0, statement);
      await client.query('commit');
    } finally {
      client.release();
    }
  };
  const sealAll = async () => {
    while ((await sealTransactions(paysaga.pool, 3)) > 0);
  };

  it('seals what has committed, in order, and waits for what has not', async () => {
    const client = await paysaga.pool.connect();
    await client.query('begin');
    const pending = await book(client as never, {
      merchantId: paysaga.merchantId,
      step: 'payment.paid',
      amount: 1,
      postedAt: '2026-03-01T12:00:00+08:00',
    });
    const sales = await Promise.all([100, 200, 300, 400].map(sale));
    await sealAll();
    await client.query('commit');
    client.release();
    assert.ok(sales.every((sequence) => sequence > pending));
    const before = await verify();
    assert.deepEqual([before.sealed, before.waiting, before.tampered], [4, 1, []]);
    await sealAll();
    const after = await verify();
    assert.deepEqual([after.sealed, after.waiting, after.tampered], [5, 0, []]);
    assert.equal((await verify({ contains: before.head })).contains, true);
    const { rows } = await paysaga.pool.query('select transaction from ledger_seals order by position');
    assert.equal(rows.at(-1).transaction, pending);
  });

  it('several sealers at once seal each transaction once, in one chain', async () => {
    await Promise.all(Array.from({ length: 40 }, (_, index) => sale(index + 1)));
    for (let left = true; left; ) {
      const sealed = await Promise.all(Array.from({ length: 6 }, () => sealTransactions(paysaga.pool, 5)));
      left = sealed.some((count) => count > 0);
    }
    const { sealed, waiting, tampered } = await verify();
    assert.deepEqual([sealed, waiting, tampered], [45, 0, []]);
  });

  it('nobody can change, delete or empty the seals', async () => {
    for (const statement of [
      "update ledger_seals set hash = decode(repeat('00', 32), 'hex')",
      'delete from ledger_seals',
      'truncate ledger_seals',
    ]) {
      await assert.rejects(paysaga.pool.query(statement), /append-only/, statement);
    }
  });

  for (const [what, statement, undo, how] of [
    [
      'an amount that was changed on both sides',
      'update ledger_entries set amount = amount + 1 where transaction = $1',
      'update ledger_entries set amount = amount - 1 where transaction = $1',
      'is not what was sealed',
    ],
    [
      'a time that was moved to another day',
      "update ledger_transactions set effective_at = effective_at - interval '1 day' where sequence = $1",
      "update ledger_transactions set effective_at = effective_at + interval '1 day' where sequence = $1",
      'is not what was sealed',
    ],
    [
      'a number that was given to somebody else',
      "update ledger_transactions set out_trade_no = 'T1' where sequence = $1",
      'update ledger_transactions set out_trade_no = null where sequence = $1',
      'is not what was sealed',
    ],
    [
      'an account that was swapped',
      `update ledger_entries e set account = n.id from ledger_accounts o join ledger_accounts n on n.merchant_id = o.merchant_id and n.code = 'suspense'
        where e.transaction = $1 and o.id = e.account and o.code = 'sales'`,
      `update ledger_entries e set account = n.id from ledger_accounts o join ledger_accounts n on n.merchant_id = o.merchant_id and n.code = 'sales'
        where e.transaction = $1 and o.id = e.account and o.code = 'suspense'`,
      'is not what was sealed',
    ],
  ] as const) {
    it(`${what} is found, and the transaction is named`, async () => {
      const sequence = await sale(777);
      await sale(778);
      await sealAll();
      await tamper(statement, [sequence]);
      assert.deepEqual((await verify()).tampered, [{ transaction: `txn_${sequence}`, how }]);
      await tamper(undo, [sequence]);
      assert.deepEqual((await verify()).tampered, []);
    });
  }

  it('a transaction that is deleted, and one that is slipped in, are named by the command, which fails', async () => {
    const gone = await sale(555);
    const last = await sale(556);
    await sealAll();
    const { head } = await verify();
    const run = (...words: string[]) =>
      paysagaCommand(['ledger', 'verify', ...words], { DATABASE_URL: paysaga.databaseUrl });
    const intact = await run('--contains', String(head));
    assert.equal(intact.code, 0, intact.said);
    assert.match(
      intact.said,
      new RegExp(`^${paysaga.mchid}: \\d+ sealed, 0 waiting, head ${head}, intact$`, 'm'),
    );

    await tamper('delete from ledger_entries where transaction = $1', [gone]);
    await tamper('delete from ledger_transactions where sequence = $1', [gone]);
    await tamper(
      `insert into ledger_transactions (tenant_id, merchant_id, step, cause_id, effective_at)
       select tenant_id, merchant_id, step, 'slipped in', effective_at from ledger_transactions where sequence = $1`,
      [last],
    );
    const { rows } = await paysaga.pool.query(
      "select sequence from ledger_transactions where cause_id = 'slipped in'",
    );
    const found = await run();
    assert.equal(found.code, 1);
    assert.match(found.said, new RegExp(`^${paysaga.mchid}: txn_${gone} is gone`, 'm'));
    assert.match(
      found.said,
      new RegExp(`^${paysaga.mchid}: txn_${rows[0].sequence} was written past the seals`, 'm'),
    );
    assert.match(found.said, /2 tampered with/);
  });

  it('a chain that was cut off together with its transaction names nothing, but no longer has the head that was noted', async () => {
    const sequence = await sale(999);
    await sealAll();
    const { head, tampered } = await verify();
    await tamper('delete from ledger_seals where transaction = $1', [sequence]);
    await tamper('delete from ledger_entries where transaction = $1', [sequence]);
    await tamper('delete from ledger_transactions where sequence = $1', [sequence]);
    const after = await verify({ contains: head });
    assert.deepEqual([after.tampered, after.contains], [tampered, false]);
    const run = await paysagaCommand(['ledger', 'verify', '--contains', String(head)], {
      DATABASE_URL: paysaga.databaseUrl,
    });
    assert.equal(run.code, 1);
    assert.match(run.said, new RegExp(`${head} is in no chain`));
  });

  it('the worker seals by itself', async () => {
    const { sealed } = await verify();
    await sale(4321);
    await paysaga.startWorker();
    for (let turn = 0; turn < 600 && (await verify()).sealed === sealed; turn += 1) {
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    assert.equal((await verify()).sealed, sealed + 1);
  });
});
