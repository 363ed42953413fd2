import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { MockActivityEnvironment } from '@temporalio/testing';
import { type MatchOutcome, matchBills } from '../../activities/reconciliation/match-bills.ts';
import { daysAfter } from '../../domain/bill-day.ts';
import { RECONCILIATION_TIMING } from '../../domain/reconciliation.ts';
import { type Delivery, loadFile, refused as refusedFile, soundFile, withLine } from '../bill-files.ts';
import { enrolOverseas, type Overseas } from '../overseas.ts';
import { type Books, MORNING, type Sold, startBooks } from '../reconciliation.ts';

const FIRST_DAY = '2035-03-01';

/**
 * Overseas statements that must not be believed, or only in part, and those that say what the simulator's never do. Each is the sound statement of a day,
 * changed by hand and handed to the activities in place of WeChat Pay's: the hash is right again unless the test is about it.
 */
describe('bad overseas statements', () => {
  let books: Books;
  let overseas: Overseas;
  /** The sound file: a header, orders of HKD 25.90 and JPY 1000, both booked. */
  let sound: Buffer;
  before(async () => {
    books = await startBooks(FIRST_DAY);
    overseas = await enrolOverseas(books.paysaga);
    await overseas.book(await overseas.sell('HKD', 2590), books.now());
    await overseas.book(await overseas.sell('JPY', 1000), books.now());
    await books.at(MORNING, daysAfter(FIRST_DAY, 1));
    const { merchantId, mchid } = overseas;
    const result = await books.reconcile(FIRST_DAY, { merchantId, mchid, region: 'overseas' });
    assert.ok(result.kind === 'done' && result.lines.matched === 2, JSON.stringify(result));
    sound = await soundFile(books.paysaga.pool, 'statement');
  });
  after(async () => {
    await overseas.close();
    await books.paysaga.stop();
  });

  const dayOf = () => ({
    tenantId: books.paysaga.tenantId,
    merchantId: overseas.merchantId,
    mchid: overseas.mchid,
    subMchid: null,
    billDate: FIRST_DAY,
  });
  const load = (text: Buffer | string) =>
    loadFile(books.paysaga.pool, { day: dayOf(), kind: 'statement', text });
  const refused = (
    text: Buffer | string,
    expected: { code: string; line: number | null; detail: RegExp },
    delivery?: Delivery,
  ) => refusedFile(books.paysaga.pool, { day: dayOf(), kind: 'statement', text, delivery }, expected);
  /** A line with what stands below these titles replaced. */
  const withValues = (line: number, values: Record<string, string>) => {
    const titles = sound.toString().split('\n')[0]?.split(',') ?? [];
    return withLine(sound, line, (row) =>
      row
        .split(',`')
        .map((cell, index) => values[titles[index] ?? ''] ?? cell)
        .join(',`'),
    );
  };
  /** Loads a changed statement and matches it. */
  async function matched(text: string): Promise<{ lines: Sold[]; currencies: Sold }> {
    const { outcome, dependencies } = await load(text);
    assert.ok(outcome.kind === 'loaded', JSON.stringify(outcome));
    const result: MatchOutcome = await new MockActivityEnvironment().run(matchBills(dependencies), {
      day: dayOf(),
      tradeFile: outcome.file,
      flowFile: null,
      timing: RECONCILIATION_TIMING,
    });
    assert.deepEqual(
      result.checks,
      { rows: true, sums: true, ledger: true, items: true },
      JSON.stringify(result),
    );
    const { body } = await books.paysaga.call('GET', `/v1/reconciliations/${result.runId}/lines`);
    return { lines: body.data, currencies: result.currencies };
  }

  it('a compressed statement that was cut off', () => {
    const packed = gzipSync(sound);
    return refused(
      sound,
      { code: 'BILL_CORRUPT', line: null, detail: /damaged or incomplete/ },
      { packed: packed.subarray(0, packed.length - 12) },
    );
  });

  it('a statement without its last row: it has no summary, the signed hash tells', () =>
    refused(
      sound,
      { code: 'BILL_HASH_MISMATCH', line: null, detail: /SHA-1/ },
      { packed: gzipSync(sound.subarray(0, sound.lastIndexOf('\n', sound.length - 2) + 1)) },
    ));

  it('a row with a column less', () =>
    refused(
      withLine(sound, 3, (line) => line.slice(0, line.lastIndexOf(',`'))),
      { code: 'BILL_MALFORMED', line: 3, detail: /37 columns, its header 38/ },
    ));

  it('a statement of another merchant', () =>
    refused(sound.toString().replaceAll(overseas.mchid, '1999999999'), {
      code: 'BILL_OF_ANOTHER_MERCHANT',
      line: 2,
      detail: /1999999999/,
    }));

  it('a statement of another day', () =>
    refused(
      withLine(sound, 3, (line) => line.replace(FIRST_DAY, '2035-02-28')),
      { code: 'BILL_OF_ANOTHER_DAY', line: 3, detail: /2035-02-28/ },
    ));

  it('a trade bill of the mainland', () =>
    refused(sound.toString().replace('标价币种,', '货币种类,'), {
      code: 'BILL_MALFORMED',
      line: 1,
      detail: /it has no 标价币种/,
    }));

  it('a fraction of a currency that has no decimals', () =>
    refused(withValues(3, { '订单金额(标价币种)': '1000.50' }), {
      code: 'BILL_UNREADABLE_ROW',
      line: 3,
      detail: /1000\.50 is no amount of JPY/,
    }));

  it('a currency whose smallest unit is not known', () =>
    refused(withValues(2, { 标价币种: 'KWD' }), {
      code: 'BILL_UNREADABLE_ROW',
      line: 2,
      detail: /标价币种 is "KWD"/,
    }));

  it('an order without an amount', () =>
    refused(withValues(2, { '订单金额(标价币种)': '' }), {
      code: 'BILL_UNREADABLE_ROW',
      line: 2,
      detail: /订单金额\(标价币种\) is missing/,
    }));

  it('a state that is not known', () =>
    refused(withValues(2, { 交易状态: 'WAITING' }), {
      code: 'BILL_UNREADABLE_ROW',
      line: 2,
      detail: /the state WAITING/,
    }));

  it('columns that are not known are told, and read over', async () => {
    const [header, ...rows] = sound.toString().trimEnd().split('\n');
    const text = [`${header},新列`, ...rows.map((row) => `${row},\`x`), ''].join('\n');
    const { outcome } = await load(text);
    assert.ok(outcome.kind === 'loaded', JSON.stringify(outcome));
    assert.deepEqual(outcome.findings, ['unknown_columns: line 1: columns that are not known: 新列']);
  });

  it('a name that a spreadsheet takes for a formula, and one in GBK, are told with their lines', async () => {
    const lines = Buffer.from(withValues(2, { 商品名称: '=HYPERLINK("http://evil")' }));
    const at = lines.indexOf(Buffer.from('茶具'));
    const text = Buffer.concat([lines.subarray(0, at), Buffer.from([0xb2, 0xe8]), lines.subarray(at + 6)]);
    const { outcome } = await load(text);
    assert.ok(outcome.kind === 'loaded', JSON.stringify(outcome));
    assert.deepEqual(outcome.findings, [
      'formula_text: line 2: 商品名称 begins like a formula of a spreadsheet',
      'not_utf8: line 3: 商品名称 is not UTF-8, but GBK perhaps',
    ]);
  });

  it('a row that is there twice is found as a duplicate', async () => {
    const { lines } = await matched(withLine(sound, 2, (line) => `${line}\n${line}`));
    assert.deepEqual(
      lines.map(({ state, reason }) => [state, reason]),
      [
        ['matched', 'agreed'],
        ['duplicate', 'second_row'],
        ['matched', 'agreed'],
      ],
    );
  });

  it('a settlement in another currency matches, and is kept: the ledger, which knows no rates, has its fee no more', async () => {
    const { lines, currencies } = await matched(
      withValues(2, { 结算币种: 'USD', 应结订单金额: '3.32', 手续费: '0.01992' }),
    );
    const [{ state, currency, trade_bill: bill, settled, ledger }] = lines;
    assert.deepEqual([state, currency, bill.amount, bill.settlement], ['matched', 'HKD', 2590, 2590]);
    assert.deepEqual(
      [settled.settlement_currency, settled.settlement, settled.fee_hundred_thousandths],
      ['USD', 332, 1992],
    );
    assert.deepEqual(ledger, { receivable: 2590, posted_fee: 0, posted_coupon: 0, posted_movement: 0 });
    assert.deepEqual(
      [currencies.HKD.posted.fees, currencies.HKD.unexplained, currencies.JPY.posted.fees],
      [0, 0, -6],
    );
    const { rows } = await books.paysaga.pool.query(
      `select currency, balance from ledger_balances where merchant_id = $1 and code = 'gateway_fees' and currency <> 'CNY' order by 1`,
      [overseas.merchantId],
    );
    assert.deepEqual(rows, [
      { currency: 'HKD', balance: 0 },
      { currency: 'JPY', balance: 6 },
    ]);
  });
});
