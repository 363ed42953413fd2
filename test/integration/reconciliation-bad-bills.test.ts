import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { MockActivityEnvironment } from '@temporalio/testing';
import { type MatchOutcome, matchBills } from '../../activities/reconciliation/match-bills.ts';
import { appendBytes, insertBillFile } from '../../database/reconciliation/files.ts';
import { daysAfter } from '../../domain/bill-day.ts';
import { RECONCILIATION_TIMING } from '../../domain/reconciliation.ts';
import { type Delivery, loadFile, refused as refusedFile, soundFile, withLine } from '../bill-files.ts';
import { type Books, MORNING, startBooks } from '../reconciliation.ts';

const FIRST_DAY = '2030-03-01';

/**
 * Bills that must not be believed, or only in part. Each is the sound bill of a day, changed by hand and handed to the activities in place of WeChat Pay's: the
 * hash is right again unless the test is about it.
 */
describe('bad bills', () => {
  let books: Books;
  /** The sound files of the day, decompressed. */
  let sound: Record<'trade' | 'fund_flow', Buffer>;
  before(async () => {
    books = await startBooks(FIRST_DAY);
    await Promise.all(
      [2590, 1000].map((fen) => books.sell({ fen, fields: { description: '茶具 Tea set' } })),
    );
    await books.at(MORNING, daysAfter(FIRST_DAY, 1));
    const result = await books.reconcile(FIRST_DAY);
    assert.ok(result.kind === 'done' && result.lines.matched === 2);
    const { pool } = books.paysaga;
    sound = { trade: await soundFile(pool, 'trade'), fund_flow: await soundFile(pool, 'fund_flow') };
  });
  after(() => books.paysaga.stop());

  const dayOf = () => ({
    tenantId: books.paysaga.tenantId,
    merchantId: books.paysaga.merchantId,
    mchid: books.paysaga.mchid,
    subMchid: null,
    billDate: FIRST_DAY,
  });

  const load = (kind: 'trade' | 'fund_flow', text: Buffer | string, delivery?: Delivery) =>
    loadFile(books.paysaga.pool, { day: dayOf(), kind, text, delivery });
  const refused = (
    kind: 'trade' | 'fund_flow',
    text: Buffer | string,
    expected: { code: string; line: number | null; detail: RegExp },
    delivery?: Delivery,
  ) => refusedFile(books.paysaga.pool, { day: dayOf(), kind, text, delivery }, expected);

  it('a gzip file that was cut off', () => {
    const packed = gzipSync(sound.trade);
    return refused(
      'trade',
      sound.trade,
      { code: 'BILL_CORRUPT', line: null, detail: /damaged or incomplete/ },
      { packed: packed.subarray(0, packed.length - 12) },
    );
  });

  it('a file with another hash than WeChat Pay says', () =>
    refused(
      'fund_flow',
      sound.fund_flow,
      { code: 'BILL_HASH_MISMATCH', line: null, detail: /SHA-1/ },
      { sha1: '0'.repeat(40) },
    ));

  it('a row with a column less', () =>
    refused(
      'trade',
      withLine(sound.trade, 3, (line) => line.slice(0, line.lastIndexOf(',`'))),
      { code: 'BILL_MALFORMED', line: 3, detail: /26 columns, its header 27/ },
    ));

  it('a summary that disagrees with the rows', () =>
    refused(
      'trade',
      withLine(sound.trade, 5, (line) => line.replace('35.90', '35.91')),
      { code: 'BILL_MALFORMED', line: 5, detail: /add up/ },
    ));

  it('a bill of another merchant', () =>
    refused('trade', sound.trade.toString().replaceAll(books.paysaga.mchid, '1999999999'), {
      code: 'BILL_OF_ANOTHER_MERCHANT',
      line: 2,
      detail: /1999999999/,
    }));

  it('a bill of another day', () =>
    refused(
      'fund_flow',
      withLine(sound.fund_flow, 3, (line) => line.replace(FIRST_DAY, '2030-02-28')),
      { code: 'BILL_OF_ANOTHER_DAY', line: 3, detail: /2030-02-28/ },
    ));

  it('a bill in GBK', () =>
    refused('trade', Buffer.from('bdbbd2d7cab1bce42cb9abd6dad5cbbac549440a', 'hex'), {
      code: 'BILL_MALFORMED',
      line: 1,
      detail: /is not the header/,
    }));

  it('a file that is damaged on its way is downloaded three times, whatever has become of workers before', async () => {
    const { outcome } = await load('trade', sound.trade, { damaged: 2 });
    assert.ok(outcome.kind === 'loaded', JSON.stringify(outcome));
  });

  it('what a killed worker had of the same bill goes when a later attempt has ended, sound or not', async () => {
    const { pool } = books.paysaga;
    const broken = async () => {
      const file = await insertBillFile(pool, dayOf(), 'trade', []);
      await appendBytes(pool, file, { part: 0, ordinal: 0, bytes: Buffer.from('half of it') });
    };
    const left = async () =>
      (await pool.query("select id from bill_files where status = 'received'")).rows.length;
    await broken();
    await broken();
    assert.equal(await left(), 2);
    assert.equal((await load('trade', sound.trade)).outcome.kind, 'loaded');
    assert.equal(await left(), 0);
    await broken();
    assert.equal((await load('trade', '<html>502</html>\n')).outcome.kind, 'failed');
    assert.equal(await left(), 0);
    const { rows } = await pool.query("select 1 from bill_file_bytes where bytes = 'half of it'");
    assert.equal(rows.length, 0);
  });

  it('an error page', () =>
    refused('trade', '<html>502</html>\n', { code: 'BILL_MALFORMED', line: 1, detail: /XML or HTML/ }));

  it('a NUL character, which no database takes', () =>
    refused(
      'trade',
      withLine(sound.trade, 2, (line) => line.replace('`T', '`T\0')),
      { code: 'BILL_UNREADABLE_ROW', line: 2, detail: /NUL/ },
    ));

  it('columns that are not known are told, and read over', async () => {
    const text = sound.trade
      .toString()
      .split('\n')
      .map((line, index) =>
        index === 0 ? `${line},新列` : index === 1 || index === 2 ? `${line},\`x` : line,
      )
      .join('\n');
    const { outcome } = await load('trade', text);
    assert.ok(outcome.kind === 'loaded', JSON.stringify(outcome));
    assert.deepEqual(outcome.findings, ['unknown_columns: line 1: columns that are not known: 新列']);
  });

  it('a name that a spreadsheet takes for a formula, and one in GBK, are told with their lines', async () => {
    const formula = withLine(sound.trade, 2, (line) =>
      line.replace('茶具 Tea set', '=HYPERLINK("http://evil")'),
    );
    const lines = Buffer.from(formula);
    const at = lines.indexOf(Buffer.from('茶具'));
    const text = Buffer.concat([lines.subarray(0, at), Buffer.from([0xb2, 0xe8]), lines.subarray(at + 6)]);
    const { outcome } = await load('trade', text);
    assert.ok(outcome.kind === 'loaded', JSON.stringify(outcome));
    assert.deepEqual(outcome.findings, [
      'formula_text: line 2: 商品名称 begins like a formula of a spreadsheet',
      'not_utf8: line 3: 商品名称 is not UTF-8, but GBK perhaps',
    ]);
  });

  it('a row that is there twice is found as a duplicate, and counted', async () => {
    const lines = sound.trade.toString().split('\n');
    const text = [lines[0], lines[1], lines[1], lines[2], lines[3], lines[4], '']
      .join('\n')
      .replace(/`2,`(\S+)$/m, (summary) => doubled(summary, lines[1] ?? ''));
    const { outcome, dependencies } = await load('trade', text);
    assert.ok(outcome.kind === 'loaded', JSON.stringify(outcome));
    const flow = await load('fund_flow', sound.fund_flow);
    assert.ok(flow.outcome.kind === 'loaded');
    const result = (await new MockActivityEnvironment().run(matchBills(dependencies), {
      day: dayOf(),
      tradeFile: outcome.file,
      flowFile: flow.outcome.file,
      timing: RECONCILIATION_TIMING,
    })) as MatchOutcome;
    assert.deepEqual(result.lines, { all: 3, matched: 2, carried: 0, breaks: 1 });
    assert.deepEqual(result.checks, { rows: true, sums: true, ledger: true, items: true });
    assert.deepEqual(
      (await books.lines(result.runId)).map(({ state, reason }) => [state, reason]),
      [['duplicate', 'second_row']],
    );
  });

  it('movements that have the same number are told apart', async () => {
    const fees = [...sound.fund_flow.toString().matchAll(/(\d+),`扣除交易手续费,`扣除/g)];
    const [one = '', other = ''] = fees.map(([, number]) => number);
    const text = sound.fund_flow.toString().replaceAll('扣除交易手续费', '分账').replace(other, one);
    const { outcome, dependencies } = await load('fund_flow', text);
    assert.ok(outcome.kind === 'loaded', JSON.stringify(outcome));
    const trade = await load('trade', sound.trade);
    assert.ok(trade.outcome.kind === 'loaded');
    const result = (await new MockActivityEnvironment().run(matchBills(dependencies), {
      day: dayOf(),
      tradeFile: trade.outcome.file,
      flowFile: outcome.file,
      timing: RECONCILIATION_TIMING,
    })) as MatchOutcome;
    assert.deepEqual(result.checks, { rows: true, sums: true, ledger: true, items: true });
    const subjects = (await books.lines(result.runId, 'missing_here')).map(({ subject }) => subject);
    assert.deepEqual(subjects, [`flow/${one}`, `flow/${one}/2`]);
  });

  /** The summary with the figures of another row added. */
  function doubled(summary: string, row: string): string {
    const cells = row.split(',`');
    const cents = (text = '') => Math.round(Number(text.replace('`', '')) * 100_000);
    const [, settlement, refund, coupon, fee, order, requested] = summary.split(',`').map(cents);
    const sum = (one = 0, other = 0, decimals = 2) => ((one + other) / 100_000).toFixed(decimals);
    return [
      '`3',
      sum(settlement, cents(cells[12])),
      sum(refund),
      sum(coupon),
      sum(fee, cents(cells[22]), 5),
      sum(order, cents(cells[24])),
      sum(requested),
    ].join(',`');
  }

  it('through the whole workflow: the run says which file, line and why, and the next good file is reconciled', async () => {
    const day = books.today();
    await books.sell();
    await books.alter({ date: day, kind: 'bad_hash' });
    await books.at(MORNING, daysAfter(day, 1));
    const bad = await books.reconcile(day);
    assert.ok(bad.kind === 'failed');
    const { body } = await books.paysaga.call('GET', `/v1/reconciliations/${bad.runId}`);
    assert.deepEqual(
      [body.status, body.failure.file, body.failure.code],
      ['failed', 'trade', 'BILL_HASH_MISMATCH'],
    );
    await books.paysaga.control('DELETE', '/faults');
    const good = await books.reconcile(day);
    assert.ok(good.kind === 'done');
    assert.deepEqual(good.lines, { all: 1, matched: 1, carried: 0, breaks: 0 });
  });
});
