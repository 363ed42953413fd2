import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { parse } from 'csv-parse/sync';
import readXlsx from 'read-excel-file/node';
import { request as send } from 'undici';
import { openPool } from '../../database/pool.ts';
import { mustLoadRun } from '../../database/reconciliation/runs.ts';
import { billDateOf, daysAfter } from '../../domain/bill-day.ts';
import { exportReconciliation } from '../../exports/catalogue.ts';
import { runPaysaga } from '../command.ts';
import { type Books, MORNING, type Sold, startBooks } from '../reconciliation.ts';

const FIRST_DAY = '2033-03-01';

/** A row by the names of its columns. */
type Row = Record<string, unknown>;

/** Days whose figures the tests know, and what finance takes of them. */
describe('what finance takes of reconciliations', () => {
  let books: Books;
  let runId: string;
  let sold: Sold;
  let small: Sold;
  let returned: Sold;
  let lost: Sold;
  let doubtful: Sold;
  let onItsWay: Sold;
  before(async () => {
    books = await startBooks(FIRST_DAY);
    sold = await books.sell({ fen: 10_000 });
    small = await books.sell();
    [lost, doubtful] = await Promise.all([books.sell({ fen: 700 }), books.sell({ fen: 3_000 })]);
    returned = await books.giveBack(sold, 1_000);
    await books.alter({ date: FIRST_DAY, kind: 'missing_row', out_trade_no: lost.out_trade_no, bill: 'all' });
    await books.alter({
      date: FIRST_DAY,
      kind: 'altered_row',
      out_trade_no: doubtful.out_trade_no,
      bill: 'all',
    });
    await books.at('23:50:00');
    onItsWay = await books.giveBack(sold, 2_000, 'PROCESSING');
    await books.at(MORNING, daysAfter(FIRST_DAY, 1));
    const result = await books.reconcile(FIRST_DAY);
    assert.ok(result.kind === 'done', JSON.stringify(result));
    assert.deepEqual(result.lines, { all: 6, matched: 3, carried: 1, breaks: 2 });
    runId = result.runId;

    const { id } = await itemOf(lost);
    const { call } = books.paysaga;
    const say = (text: string) =>
      call('POST', `/v1/reconciliation-breaks/${id}/comments`, { actor: 'li.na', text });
    await say('asked WeChat Pay');
    await say('=1+1, they look for it: 微信');
    await call('POST', `/v1/reconciliation-breaks/${id}/assign`, { actor: 'li.na', owner: 'wang.wei' });
  });
  after(() => books.paysaga.stop());

  async function itemOf({ id }: Sold): Promise<Sold> {
    const { body } = await books.paysaga.call('GET', '/v1/reconciliation-breaks?limit=100');
    return body.data.find(({ payment_id, refund_id }: Sold) => (refund_id ?? payment_id) === id);
  }
  const take = async (path: string) => {
    const { statusCode, headers, body } = await send(`${books.paysaga.apiUrl}/v1/exports/${path}`, {
      headers: { authorization: `Bearer ${books.paysaga.apiKey}` },
    });
    return { status: statusCode, headers, bytes: Buffer.from(await body.arrayBuffer()) };
  };
  const csv = async (path: string) =>
    parse((await take(path)).bytes, { columns: true }) as Record<string, string>[];
  /** The rows of each sheet, by the names of their columns. */
  const sheetsOf = async (bytes: Buffer): Promise<Record<string, Row[]>> =>
    Object.fromEntries(
      (await readXlsx(bytes)).map(({ sheet, data: [header = [], ...rows] }) => [
        sheet,
        rows.map((row) => Object.fromEntries(header.map((name, column) => [String(name), row[column]]))),
      ]),
    );

  describe('the break ageing list', () => {
    it('has each open break with its age, whose turn it is and what was said last, and a total for each age', async () => {
      const { headers, bytes } = await take('break-ageing');
      assert.equal(
        headers['content-disposition'],
        `attachment; filename="break-ageing-${books.paysaga.mchid}-${books.today()}.csv"`,
      );
      const rows = parse(bytes, { columns: true }) as Record<string, string>[];
      const item = await itemOf(lost);
      const breaks = rows.filter(({ line }) => line === 'break');
      // What is carried is nobody's turn yet.
      assert.deepEqual(
        new Set(breaks.map((row) => row.our_reference)),
        new Set([lost.out_trade_no, doubtful.out_trade_no]),
      );
      const row = breaks.find(({ our_reference }) => our_reference === lost.out_trade_no);
      const { history } = (await books.paysaga.call('GET', `/v1/reconciliation-breaks/${item.id}`)).body;
      assert.deepEqual(row, {
        line: 'break',
        mchid: books.paysaga.mchid,
        sub_mchid: '',
        bill_date: FIRST_DAY,
        age_days: '1',
        bucket: '0-1 days',
        breaks: '1',
        // WeChat Pay has less than we.
        amount: '-7.00',
        currency: 'CNY',
        kind: 'payment',
        state: 'missing_at_wechat',
        reason: 'not_at_wechat',
        our_reference: lost.out_trade_no,
        gateway_reference: lost.transaction_id,
        owner: 'wang.wei',
        open_since: history[0].created_at,
        last_comment: "'=1+1, they look for it: 微信",
        commented_by: 'li.na',
        commented_at: history[2].created_at,
        break: item.id,
      });
      const totals = rows.filter(({ line }) => line !== 'break');
      assert.deepEqual(
        totals.map(({ line, bucket, breaks: count, amount, currency }) => [
          line,
          bucket,
          count,
          amount,
          currency,
        ]),
        [
          ['age_total', '0-1 days', '2', '-6.18', 'CNY'],
          ['age_total', '2-3 days', '0', '0.00', 'CNY'],
          ['age_total', '4-7 days', '0', '0.00', 'CNY'],
          ['age_total', '8+ days', '0', '0.00', 'CNY'],
          ['total', '', '2', '-6.18', 'CNY'],
        ],
      );
    });

    it('grows older with the days, is a workbook, too, and is of one merchant where one is named', async () => {
      const agreed = await csv(`break-ageing?merchant_id=${books.paysaga.merchantId}`);
      assert.deepEqual(agreed, await csv('break-ageing'));
      await books.at('11:30:00', daysAfter(FIRST_DAY, 9));
      const { bytes } = await take('break-ageing?format=xlsx');
      const rows = (await sheetsOf(bytes))['Break ageing'] ?? [];
      assert.deepEqual(
        rows.map(({ line, age_days, bucket, breaks, amount }) => [line, age_days, bucket, breaks, amount]),
        [
          ['break', 9, '8+ days', 1, rows[0]?.amount],
          ['break', 9, '8+ days', 1, rows[1]?.amount],
          ['age_total', null, '0-1 days', 0, 0],
          ['age_total', null, '2-3 days', 0, 0],
          ['age_total', null, '4-7 days', 0, 0],
          ['age_total', null, '8+ days', 2, -6.18],
          ['total', null, null, 2, -6.18],
        ],
      );
      const gb = (await take('break-ageing?encoding=gb18030')).bytes;
      assert.match(new TextDecoder('gb18030', { fatal: true }).decode(gb), /they look for it: 微信/);
    });

    it('of a stranger is refused, and says what is wrong', async () => {
      const { status, body } = await books.paysaga.call('GET', '/v1/exports/break-ageing?merchant_id=mch_x');
      assert.equal(status, 422);
      assert.deepEqual(body.errors, [{ pointer: '/merchant_id', detail: 'is not one of your merchants' }]);
    });
  });

  describe('the workbook of a reconciliation', () => {
    it('has what each run has to fulfil: rows, sums of the bill and the ledger, each beside the other', async () => {
      const { headers, bytes } = await take(`reconciliation?id=${runId}`);
      assert.equal(
        headers['content-disposition'],
        `attachment; filename="reconciliation-${books.paysaga.mchid}-${FIRST_DAY}-version-1.xlsx"`,
      );
      const { Summary = [], Lines = [], Breaks = [] } = await sheetsOf(bytes);
      const figures = (section: string, ...columns: string[]) =>
        Summary.filter((row) => row.section === section).map((row) => [
          row.what,
          ...columns.map((column) => row[column]),
        ]);
      assert.deepEqual(figures('rows', 'count', 'count_of_the_other', 'agrees'), [
        ['trade_bill', 5, 5, 'yes'],
        ['fund_flow', 10, 10, 'yes'],
        ['matched', 3, null, null],
        ['carried', 1, null, null],
        ['breaks', 2, null, null],
        ['lines', 6, 6, 'yes'],
      ]);
      assert.deepEqual(
        figures('sums', 'amount', 'amount_of_the_other', 'fee', 'fee_of_the_other', 'agrees'),
        [
          ['total_count', null, null, null, null, 'yes'],
          ['settlement_total', 156.9, 156.9, null, null, 'yes'],
          ['refund_total', 30, 30, null, null, 'yes'],
          ['fee_total', null, null, 0.76, 0.76, 'yes'],
          ['order_total', 156.9, 156.9, null, null, 'yes'],
          ['requested_refund_total', 30, 30, null, null, 'yes'],
          ['fund_flow_net', 126.14, 126.14, null, null, 'yes'],
        ],
      );
      assert.deepEqual(figures('ledger', 'amount', 'amount_of_the_other', 'agrees'), [
        ['receivable', 152.2, null, null],
        ['wechat', 126.14, null, null],
        ['carried', 19.88, null, null],
        ['breaks', 6.18, null, null],
        ['closed', 0, null, null],
        ['difference', 26.06, 26.06, 'yes'],
      ]);

      // The lines are what the summary says.
      const total = (rows: Row[], column: string) =>
        rows.reduce((sum, row) => sum + Math.round(Number(row[column] ?? 0) * 100), 0);
      assert.equal(Lines.length, 6);
      assert.equal(total(Lines, 'wechat'), 12_614);
      assert.equal(total(Lines, 'posted_fee') + total(Lines, 'receivable'), 15_220);
      assert.deepEqual(Lines.map(({ state }) => state).sort(), [
        'amount_differs',
        'carried',
        'matched',
        'matched',
        'matched',
        'missing_at_wechat',
      ]);
      const carried = Lines.find(({ state }) => state === 'carried');
      assert.deepEqual(
        [carried?.out_refund_no, carried?.trade_bill_amount, carried?.difference],
        [onItsWay.out_refund_no, 20, -19.88],
      );
      assert.deepEqual(
        Breaks.map(({ our_reference, amount, status, owner }) => [our_reference, amount, status, owner]),
        [
          [doubtful.out_trade_no, 0.82, 'break', null],
          [lost.out_trade_no, -7, 'break', 'wang.wei'],
        ],
      );
      assert.equal(Breaks[1]?.last_comment, '=1+1, they look for it: 微信');
    });

    it('is written while the lines are read, a hundred thousand of them', async function () {
      this.timeout(120_000);
      const { pool, databaseUrl } = books.paysaga;
      const { rows } = await pool.query<{ sequence: number }>(
        `insert into reconciliation_runs (id, tenant_id, merchant_id, bill_date, version, status)
         select 'rec_' || repeat('0', 32), tenant_id, id, '2033-12-31', 1, 'running' from merchants where id = $1 returning sequence`,
        [books.paysaga.merchantId],
      );
      const sequence = rows[0]?.sequence ?? 0;
      await pool.query(
        `insert into reconciliation_lines (run, ordinal, kind, state, reason, subject, flow_rows, bank, book, posted_fee, posted_coupon)
         select $1, n, 'payment', 'matched', 'agreed', 'pay_' || n, 2, n, n, 0, 0 from generate_series(1, 100000) n`,
        [sequence],
      );
      const own = openPool(databaseUrl, { max: 1 });
      let fetches = 0;
      own.on('connect', (client) => {
        const query = client.query.bind(client) as (...words: unknown[]) => unknown;
        client.query = ((...words: [{ text?: string }]) => {
          if (words[0]?.text?.startsWith('fetch')) fetches += 1;
          return query(...words);
        }) as typeof client.query;
      });
      try {
        const { body } = exportReconciliation(own, await mustLoadRun(pool, sequence));
        await once(body, 'readable');
        // Nobody takes the file: the buffers fill, and the database is asked for no more.
        for (let before = -1; before !== fetches; ) {
          before = fetches;
          for (let turn = 0; turn < 2_000; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        }
        assert.ok(fetches < 50, `${fetches} times 500 lines were read for a file that nobody takes`);
        const bytes = await buffer(body);
        assert.ok(fetches > 200 && bytes.length > 1_000_000, `${fetches} fetches, ${bytes.length} bytes`);
        // Somebody who goes away in the middle gives the connection back.
        const gone = exportReconciliation(own, await mustLoadRun(pool, sequence)).body;
        await once(gone, 'readable');
        gone.destroy();
        assert.deepEqual((await own.query('select 1 as one')).rows, [{ one: 1 }]);
      } finally {
        await own.end();
      }
    });

    it('that does not exist is not found', async () => {
      const get = (id: string) => books.paysaga.call('GET', `/v1/exports/reconciliation?id=${id}`);
      assert.equal((await get(`rec_${'f'.repeat(32)}`)).status, 404);
      assert.equal((await get('rec_1')).status, 422);
    });
  });

  describe('the list of fees', () => {
    const PERIOD = `from=${FIRST_DAY}&to=${daysAfter(FIRST_DAY, 1)}&by=effective_at`;
    const fees = (rows: Record<string, string>[]) =>
      rows
        .filter(({ line }) => line === 'fee')
        .map(({ kind, out_trade_no, out_refund_no, gross, fee, bill_version }) =>
          [kind, out_refund_no || out_trade_no, gross, fee, bill_version].join(' '),
        );
    /** What the account of fees holds by now. */
    const account = async () => {
      const { body } = await books.paysaga.call('GET', '/v1/ledger/balances');
      return body.data.find(({ account: code }: Sold) => code === 'gateway_fees').balance;
    };
    const total = (rows: Record<string, string>[]) =>
      Number(rows.find(({ line }) => line === 'total')?.fee?.replace('.', ''));

    it('has each fee that was kept and given back, with the order and the bill, and the total of the ledger', async () => {
      const rows = await csv(`fees?${PERIOD}`);
      const { rows: lines } = await books.paysaga.pool.query<{ trade_line: number; sequence: number }>(
        `select l.trade_line, t.sequence from reconciliation_lines l join ledger_transactions t on t.cause_id = l.subject and t.step = 'payment.fee'
          where l.amount_bill = 10000 and l.state = 'matched'`,
      );
      assert.deepEqual(
        new Set(fees(rows)),
        new Set([
          `charged ${sold.out_trade_no} 100.00 0.60 1`,
          `charged ${small.out_trade_no} 25.90 0.16 1`,
          `given_back ${returned.out_refund_no} 10.00 -0.06 1`,
        ]),
      );
      assert.deepEqual(
        rows
          .filter(({ line }) => line !== 'fee')
          .map(({ line, day, fees: count, fee }) => [line, day, count, fee]),
        [
          ['day_total', FIRST_DAY, '3', '0.70'],
          ['total', '', '3', '0.70'],
        ],
      );
      assert.equal(total(rows), await account());
      const charged = rows.find(({ out_trade_no }) => out_trade_no === sold.out_trade_no);
      assert.deepEqual(charged, {
        line: 'fee',
        day: FIRST_DAY,
        date_basis: 'effective_at',
        mchid: books.paysaga.mchid,
        sub_mchid: '',
        kind: 'charged',
        out_trade_no: sold.out_trade_no,
        out_refund_no: '',
        transaction_id: sold.transaction_id,
        wechat_refund_id: '',
        gross: '100.00',
        settlement: '100.00',
        effective_rate: '0.6000%',
        fees: '1',
        fee: '0.60',
        currency: 'CNY',
        bill_date: FIRST_DAY,
        bill_version: '1',
        bill_line: String(lines[0]?.trade_line),
        transaction: `txn_${lines[0]?.sequence}`,
        takes_back: '',
      });
    });

    it('of a restated day has what was taken back and what holds now, each with its version of the bill', async () => {
      await books.alter({ date: FIRST_DAY, kind: 'restated', out_trade_no: sold.out_trade_no });
      const result = await books.reconcile(FIRST_DAY);
      assert.ok(result.kind === 'done' && result.version === 2, JSON.stringify(result));
      const rows = await csv(`fees?${PERIOD}`);
      assert.deepEqual(
        new Set(fees(rows)),
        new Set([
          `charged ${sold.out_trade_no} 100.00 0.60 1`,
          `charged ${small.out_trade_no} 25.90 0.16 1`,
          `given_back ${returned.out_refund_no} 10.00 -0.06 1`,
          `taken_back ${sold.out_trade_no} 100.00 -0.60 1`,
          `charged ${sold.out_trade_no} 100.00 0.61 2`,
          `charged ${lost.out_trade_no} 7.00 0.04 2`,
          `charged ${doubtful.out_trade_no} 30.00 0.18 2`,
        ]),
      );
      const back = rows.find(({ kind }) => kind === 'taken_back');
      assert.equal(back?.takes_back, rows.find(({ fee }) => fee === '0.60')?.transaction);
      assert.equal(total(rows), await account());
    });

    it('what a person has decided is in it, and each day adds up, in GB18030 and as a workbook, too', async () => {
      const day = books.today();
      const unknown = await books.sell({ fen: 700 });
      await books.alter({ date: day, kind: 'missing_row', out_trade_no: unknown.out_trade_no, bill: 'all' });
      await books.at(MORNING, daysAfter(day, 1));
      await books.reconcile(day);
      const { id } = await itemOf(unknown);
      const { status } = await books.paysaga.call('POST', `/v1/reconciliation-breaks/${id}/resolve`, {
        ...{ actor: 'li.na', reason: 'they kept it', resolution: 'to_fees' },
      });
      assert.equal(status, 200);
      // By posted_at all of it is of today.
      const today = billDateOf(new Date());
      const period = `from=${daysAfter(today, -1)}&to=${daysAfter(today, 1)}`;
      const rows = await csv(`fees?${period}`);
      assert.ok(fees(rows).includes(`charged ${unknown.out_trade_no}  7.00 1`), fees(rows).join('\n'));
      assert.equal(total(rows), await account());
      const of = (line: string) =>
        rows
          .filter((row) => row.line === line)
          .reduce((sum, { fee }) => sum + Number(fee?.replace('.', '')), 0);
      assert.equal(of('fee'), await account());
      assert.equal(of('day_total'), await account());
      const { bytes } = await take(`fees?${period}&encoding=gb18030`);
      assert.deepEqual(parse(new TextDecoder('gb18030').decode(bytes), { columns: true }), rows);
      const { Fees = [] } = await sheetsOf((await take(`fees?${period}&format=xlsx`)).bytes);
      assert.deepEqual(
        Fees.map(({ line, fee }) => [line, fee]),
        rows.map(({ line, fee }) => [line, Number(fee)]),
      );
    });
  });

  it('the command line writes the same files', async () => {
    const ageing = await runPaysaga(books.paysaga, ['export', 'break-ageing']);
    assert.equal(ageing.code, 0, ageing.said);
    const [, ...rows] = parse(ageing.stdout) as string[][];
    assert.deepEqual(
      rows.map(([line]) => line),
      (await csv('break-ageing')).map(({ line }) => line),
    );
    const folder = await mkdtemp(join(tmpdir(), 'paysaga-run-'));
    try {
      const output = join(folder, 'run.xlsx');
      const run = await runPaysaga(books.paysaga, ['export', 'reconciliation', runId, '--output', output]);
      assert.equal(run.code, 0, run.said);
      assert.deepEqual(
        (await readXlsx(output)).map(({ sheet }) => sheet),
        ['Summary', 'Lines', 'Breaks'],
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
