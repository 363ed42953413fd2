import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import readXlsx from 'read-excel-file/node';
import { paysagaCommand } from '../command.ts';
import { type Paysaga, startPaysaga } from '../fixture.ts';
import { book } from '../ledger-books.ts';

describe('paysaga ledger and paysaga export', () => {
  let paysaga: Paysaga;
  let folder: string;
  let paid: number;
  let fee: number;
  before(async () => {
    paysaga = await startPaysaga({ worker: false });
    folder = await mkdtemp(join(tmpdir(), 'paysaga-exports-'));
    const day = {
      merchantId: paysaga.merchantId,
      postedAt: '2026-03-01T10:00:00+08:00',
      outTradeNo: 'T1',
      transactionId: '4200000001',
    };
    paid = await book(paysaga.pool, { ...day, step: 'payment.paid', amount: 2590 });
    fee = await book(paysaga.pool, { ...day, step: 'payment.fee', amount: 16 });
  });
  after(async () => {
    await paysaga.stop();
    await rm(folder, { recursive: true });
  });

  const run = (...words: string[]) => paysagaCommand(words, { DATABASE_URL: paysaga.databaseUrl });
  const words = (line: string | undefined) => (line ?? '').trim().split(/ {2,}/);

  it('prints accounts, balances and transactions for people, and on demand what the API answers', async () => {
    const accounts = await run('ledger', 'accounts');
    assert.equal(accounts.code, 0, accounts.said);
    assert.deepEqual(words(accounts.said.split('\n')[1]).slice(0, 3), ['wechat_receivable', 'asset', 'CNY']);

    const balances = await run('ledger', 'balances', '--at', '2026-03-01', '--by', 'effective_at');
    const lines = balances.said.trim().split('\n');
    assert.deepEqual(words(lines[1]), ['wechat_receivable', 'asset', '25.90', '0.16', '25.74', 'CNY']);
    assert.equal(lines.at(-1), 'by effective_at, before 2026-03-02T00:00:00+08:00');

    const transactions = await run('ledger', 'transactions', '--limit', '1', '--merchant', paysaga.mchid);
    const [, row, more] = transactions.said.trim().split('\n');
    assert.deepEqual(words(row), [
      `txn_${fee}`,
      '2026-03-01T10:00:00+08:00',
      'payment.fee',
      'gateway_fees',
      'wechat_receivable',
      '0.16',
      'CNY',
      'T1',
    ]);
    assert.equal(more, `there are more: --starting-after txn_${fee}`);

    for (const [command, path] of [
      [['accounts'], '/v1/ledger/accounts'],
      [['balances', '--at', '2026-02-28'], '/v1/ledger/balances?at=2026-02-28'],
      [['transactions', '--account', 'sales'], '/v1/ledger/transactions?account=sales'],
    ] as const) {
      const { body } = await paysaga.call('GET', path);
      const printed = await run('ledger', ...command, '--json');
      assert.deepEqual(JSON.parse(printed.said), body, path);
    }
  });

  it('takes a fee back with reason and actor, once, and refuses what WeChat Pay has confirmed', async () => {
    const reversal = ['--reason', 'restated bill', '--actor', 'finance'];
    const done = await run('ledger', 'reverse', `txn_${fee}`, ...reversal, '--json');
    assert.equal(done.code, 0, done.said);
    const { reverses, reason, actor } = JSON.parse(done.said);
    assert.deepEqual([reverses, reason, actor], [`txn_${fee}`, 'restated bill', 'cli/finance']);
    for (const [id, answer] of [
      [`txn_${fee}`, /has been taken back before/],
      [`txn_${paid}`, /is payment\.paid.*refund/],
      ['txn_999999', /there is no transaction/],
      ['pay_1', /is not the id of a transaction/],
    ] as const) {
      const { code, said } = await run('ledger', 'reverse', id, ...reversal);
      assert.equal(code, 1);
      assert.match(said, answer);
      assert.doesNotMatch(said, /\n {4}at /, 'no stack for what the operator can mend');
    }
  });

  it('writes statement, journal, summary and camt.053 to standard output or to a new file', async () => {
    const days = ['--from', '2026-03-01', '--to', '2026-03-01'];
    const statement = await run('ledger', 'statement', '--account', 'gateway_fees', ...days);
    assert.deepEqual(
      (parse(statement.out, { columns: true }) as Record<string, string>[]).map(({ text, balance }) => [
        text,
        balance,
      ]),
      [
        ['opening balance by posted_at', '0.00'],
        ['payment.fee', '0.16'],
        ['closing balance by posted_at', '0.16'],
      ],
    );
    const { body } = await paysaga.call('GET', '/v1/exports/journal?from=2026-03-01&to=2026-03-01');
    assert.equal((await run('export', 'journal', ...days)).out.toString(), body);

    const workbook = join(folder, 'summary.xlsx');
    const written = await run(
      'export',
      'settlement-summary',
      ...days,
      '--format',
      'xlsx',
      '--output',
      workbook,
    );
    assert.equal(written.code, 0, written.said);
    const [sheet] = await readXlsx(workbook);
    assert.equal(sheet?.sheet, 'Settlement summary');

    const camt = await run('export', 'camt.053', ...days);
    assert.match(camt.out.toString(), /^<\?xml[\s\S]*<\/Document>\n$/);

    assert.doesNotMatch(camt.said, /has not come yet/);
    const next = new Date().getFullYear() + 1;
    const open = await run('export', 'journal', '--from', `${next}-01-01`, '--to', `${next}-01-31`);
    assert.equal(open.code, 0);
    assert.match(open.said, new RegExp(`^${next}-02-01T00:00:00\\+08:00 has not come yet`, 'm'));

    const kept = join(folder, 'kept.csv');
    await writeFile(kept, 'mine');
    const refused = await run('export', 'journal', ...days, '--output', kept);
    assert.equal(refused.code, 1);
    assert.match(refused.said, /cannot write .*kept\.csv: there is such a file already/);
    assert.equal(await readFile(kept, 'utf8'), 'mine');
  });

  it('says which option is wrong, and what each command does', async () => {
    const wrong = await run(
      'export',
      'journal',
      '--from',
      '2026-03-02',
      '--to',
      '2026-03-01',
      '--by',
      'guess',
    );
    assert.equal(wrong.code, 1);
    assert.match(wrong.said, /paysaga: .*--by must be one of posted_at, effective_at/);
    const stranger = await run('ledger', 'balances', '--merchant', '1999999999');
    assert.match(stranger.said, /there is no merchant 1999999999/);
    for (const [group, commands] of [
      ['ledger', ['accounts', 'balances', 'alarms', 'transactions', 'statement', 'reverse', 'verify']],
      ['export', ['journal', 'settlement-summary', 'fees', 'camt.053', 'break-ageing', 'reconciliation']],
    ] as const) {
      const { said } = await run(group, '--help');
      for (const command of commands)
        assert.match(said, new RegExp(`^  ${command.replace('.', '\\.')} `, 'm'));
      assert.match(said, /Examples:/);
    }
  });
});
