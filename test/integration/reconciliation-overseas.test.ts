import assert from 'node:assert/strict';
import { parse } from 'csv-parse/sync';
import { upsertMerchant } from '../../database/merchants.ts';
import { openVault } from '../../database/secrets.ts';
import { type BillDate, daysAfter } from '../../domain/bill-day.ts';
import { enrolOverseas, type Overseas } from '../overseas.ts';
import { type Alteration, type Books, done, MORNING, type Sold, startBooks } from '../reconciliation.ts';

const FIRST_DAY = '2034-03-01';

describe('reconciliation of overseas statements', () => {
  let books: Books;
  let overseas: Overseas;
  before(async () => {
    books = await startBooks(FIRST_DAY);
    overseas = await enrolOverseas(books.paysaga);
  });
  after(async () => {
    await overseas.close();
    await books.paysaga.stop();
  });

  const reconcile = (date: BillDate, whose: Overseas = overseas) =>
    books.reconcile(date, { merchantId: whose.merchantId, mchid: whose.mchid, region: 'overseas' });
  /** The outcome of a run that came to its end, whose figures must add up. */
  async function reconciled(date: BillDate, whose: Overseas = overseas) {
    return await done(reconcile(date, whose));
  }
  const morningAfter = (date: BillDate) => books.at(MORNING, daysAfter(date, 1));
  const alter = (alteration: Alteration) =>
    books.alter({ ...alteration, bill: 'statement', mchid: overseas.mchid });
  const get = async (path: string): Promise<Sold> => (await books.paysaga.call('GET', path)).body;
  const linesOf = async (runId: string): Promise<Sold[]> =>
    (await get(`/v1/reconciliations/${runId}/lines?limit=100`)).data;
  /** What the accounts of the merchant hold, those of nothing left out. */
  async function balances(): Promise<Record<string, number>> {
    const { data } = await get(`/v1/ledger/balances?merchant_id=${overseas.merchantId}`);
    return Object.fromEntries(
      data
        .filter(({ balance }: Sold) => balance !== 0)
        .map(({ account, code, currency, balance }: Sold) => [`${code ?? account} ${currency}`, balance]),
    );
  }

  it('orders of several currencies match in the smallest unit of each, and their fees are posted in it', async () => {
    const day = books.today();
    const hkd = await overseas.sell('HKD', 2590);
    const jpy = await overseas.sell('JPY', 2590);
    await overseas.sell('USD', 500);
    const refund = await overseas.giveBack(hkd, 1000);
    const paymentId = await overseas.book(hkd, books.now());
    await overseas.book(jpy, books.now());
    const refundId = await overseas.bookRefund(paymentId, { ...refund, amount: 1000 }, books.now());
    await morningAfter(day);

    const result = await reconciled(day);
    assert.deepEqual(result.lines, { all: 4, matched: 3, carried: 0, breaks: 1 });
    const lines = await linesOf(result.runId);
    assert.deepEqual(
      lines.map(({ state, reason, currency, here, trade_bill: { amount, fee_milli_fen }, refund_id }) => [
        ...[state, reason, currency, here.amount, amount, fee_milli_fen, refund_id],
      ]),
      [
        // 0.60 % of HKD 25.90, of JPY 2590 and of USD 5, each rounded to the smallest unit.
        ['matched', 'agreed', 'HKD', 2590, 2590, 16_000, null],
        ['matched', 'agreed', 'JPY', 2590, 2590, 16_000, null],
        ['missing_here', 'unknown_order', 'USD', null, 500, 3_000, null],
        ['matched', 'refunded', 'HKD', 1000, 1000, -6_000, refundId],
      ],
    );
    assert.deepEqual(lines[1].settled, {
      sub_mchid: null,
      settlement_currency: 'JPY',
      settlement: 2590,
      fee_hundred_thousandths: 1_600_000,
      fee_rate: '0.60%',
      payer_currency: 'CNY',
      payer_amount: 12_432,
      exchange_rate: '0.04800000',
    });
    const { summary, files } = await get(`/v1/reconciliations/${result.runId}`);
    assert.deepEqual(
      files.map(({ kind, rows }: Sold) => [kind, rows]),
      [['statement', 4]],
    );
    assert.equal(summary.ledger, undefined);
    assert.deepEqual(
      Object.entries(summary.currencies).map(([currency, { ledger, posted }]: [string, Sold]) => [
        ...[currency, ledger.receivable, ledger.wechat, ledger.breaks, ledger.unexplained, posted.fees],
      ]),
      [
        ['HKD', 1590 - 10, 1590 - 10, 0, 0, -10],
        ['JPY', 2590 - 16, 2590 - 16, 0, 0, -16],
        ['USD', 0, 497, -497, 0, 0],
      ],
    );
    assert.deepEqual(await balances(), {
      'wechat_receivable HKD': 1580,
      'sales HKD': 2590,
      'refunds HKD': 1000,
      'gateway_fees HKD': 10,
      'wechat_receivable JPY': 2574,
      'sales JPY': 2590,
      'gateway_fees JPY': 16,
    });
    const { events } = await books.paysaga.client.workflow
      .getHandle(`reconciliation/${overseas.mchid}/${day}`)
      .fetchHistory();
    assert.ok((events?.length ?? 0) <= 24, `${events?.length} events`);
  });

  it('files are of one currency, with its decimals, and have names and ids of their own', async () => {
    const { apiUrl, apiKey } = books.paysaga;
    const year = daysAfter(FIRST_DAY, 300);
    const take = async (path: string) => {
      const query = `merchant_id=${overseas.merchantId}&from=${FIRST_DAY}&to=${year}&by=effective_at`;
      const answer = await fetch(`${apiUrl}${path}${path.includes('?') ? '&' : '?'}${query}`, {
        headers: { authorization: `Bearer ${apiKey}` },
      });
      return { answer, text: await answer.text() };
    };
    const statement = await take('/v1/ledger/statement?currency=JPY');
    const rows = parse(statement.text, { columns: true }) as Record<string, string>[];
    assert.deepEqual(rows.map(({ debit, credit }) => `${debit}-${credit}`).sort(), [
      '-',
      '-',
      '-16',
      '2590-',
    ]);
    assert.deepEqual(
      [rows.at(0), rows.at(-1)].map((row) => [row?.balance, row?.currency]),
      [
        ['0', 'JPY'],
        ['2574', 'JPY'],
      ],
    );
    assert.match(
      String(statement.answer.headers.get('content-disposition')),
      /statement-wechat_receivable-JPY/,
    );
    const unnamed = await take('/v1/exports/camt.053');
    assert.equal(unnamed.answer.status, 422);
    assert.deepEqual(JSON.parse(unnamed.text).errors, [
      { pointer: '/currency', detail: 'is missing: it took HKD, JPY' },
    ]);
    const jpy = await take('/v1/exports/camt.053?currency=JPY');
    assert.match(jpy.text, /<Cd>CLBD<\/Cd><\/CdOrPrtry><\/Tp><Amt Ccy="JPY">2574<\/Amt>/);
    assert.match(jpy.text, /<TtlCdtNtries><NbOfNtries>1<\/NbOfNtries><Sum>2590<\/Sum>/);
    const hkd = await take('/v1/exports/camt.053?currency=HKD');
    assert.match(hkd.text, /<Amt Ccy="HKD">15\.80<\/Amt>/);
    const id = (xml: string) => /<MsgId>([^<]{1,35})<\/MsgId>/.exec(xml)?.[1];
    const again = await take('/v1/exports/camt.053?currency=JPY');
    assert.equal(new Set([jpy, hkd, again].map(({ text }) => id(text))).size, 3);
  });

  it('a second run changes nothing, and the break is decided in its currency', async () => {
    const before = await balances();
    const again = await reconciled(FIRST_DAY);
    assert.equal(again.changed, false);
    assert.deepEqual(await balances(), before);

    const { data } = await get(`/v1/reconciliation-breaks?merchant_id=${overseas.merchantId}&status=break`);
    assert.deepEqual(
      data.map(({ currency, difference }: Sold) => [currency, difference]),
      [['USD', 497]],
    );
    const decision = { actor: 'li.na', reason: 'nobody here knows it', resolution: 'to_suspense' };
    const { status } = await books.paysaga.call(
      'POST',
      `/v1/reconciliation-breaks/${data[0].id}/resolve`,
      decision,
    );
    assert.equal(status, 200);
    assert.deepEqual(await balances(), { ...before, 'wechat_receivable USD': 497, 'suspense USD': 497 });
  });

  it('what differs is told: amount, currency, and what the statement does not have', async () => {
    const day = books.today();
    const [amount, currency, gone] = [
      await overseas.sell('HKD', 1000),
      await overseas.sell('USD', 2000),
      await overseas.sell('JPY', 3000),
    ];
    const ids = [
      await overseas.book(amount, books.now(), { total: 1001 }),
      await overseas.book(currency, books.now(), { currency: 'HKD' }),
      await overseas.book(gone, books.now()),
    ];
    await alter({ date: day, kind: 'missing_row', out_trade_no: gone.outTradeNo });
    await morningAfter(day);
    const result = await reconciled(day);
    const lines = await linesOf(result.runId);
    assert.deepEqual(
      lines.map(({ state, reason, currency, payment_id }) => [state, reason, currency, payment_id]),
      [
        ['amount_differs', 'other_amount', 'HKD', ids[0]],
        ['currency_differs', 'other_currency', 'USD', ids[1]],
        // Amounts of two currencies have no difference: each is a line of its own.
        ['missing_at_wechat', 'not_at_wechat', 'HKD', ids[1]],
        ['missing_at_wechat', 'not_at_wechat', 'JPY', ids[2]],
      ],
    );

    // WeChat Pay issues the day anew, with the row that was missing.
    await alter({ date: day, kind: 'restated', out_trade_no: gone.outTradeNo });
    const restated = await reconciled(day);
    assert.equal(restated.version, 2);
    assert.deepEqual(restated.restated, { version: 1, added: 0, removed: 0, changed: 1 });
    assert.deepEqual(
      (await linesOf(restated.runId)).map(({ reason }) => reason),
      ['other_amount', 'other_currency', 'agreed', 'not_at_wechat'],
    );
  });

  it('a day without orders is empty, and a statement that is still being made is waited for', async () => {
    const day = books.today();
    await overseas.sell('HKD', 100);
    await books.at('08:59:58', daysAfter(day, 1));
    const running = reconcile(day);
    await books.at('09:30:00', daysAfter(day, 1));
    const result = await running;
    assert.ok(result.kind === 'done');
    assert.deepEqual(result.lines, { all: 1, matched: 0, carried: 0, breaks: 1 });
    await morningAfter(daysAfter(day, 1));
    const empty = await reconciled(daysAfter(day, 1));
    assert.deepEqual([empty.lines.all, empty.currencies], [0, {}]);
  });

  it('a statement whose hash is not the one that was signed is kept and not believed; the next sound one is', async () => {
    const day = books.today();
    await overseas.sell('HKD', 100);
    await alter({ date: day, kind: 'bad_hash' });
    await morningAfter(day);
    const bad = await reconcile(day);
    assert.ok(bad.kind === 'failed', JSON.stringify(bad));
    assert.deepEqual([bad.failure.file, bad.failure.code], ['statement', 'BILL_HASH_MISMATCH']);
    const { rows } = await books.paysaga.pool.query(
      `select kind, failure_code, packed_bytes > 0 kept from bill_files where bill_date = $1`,
      [day],
    );
    assert.deepEqual(rows, [{ kind: 'statement', failure_code: 'BILL_HASH_MISMATCH', kept: true }]);
    await books.paysaga.control('DELETE', '/faults');
    assert.equal((await reconciled(day)).lines.all, 1);
  });

  it('the statement of an institution has the orders of all its sub-merchants', async () => {
    const day = books.today();
    const institution = await enrolOverseas(books.paysaga, 'partner');
    try {
      const order = await institution.sell('GBP', 1234);
      await morningAfter(day);
      const result = await reconciled(day, institution);
      const [line] = await linesOf(result.runId);
      assert.deepEqual(
        [line.state, line.out_trade_no, line.currency, line.trade_bill.amount],
        ['missing_here', order.outTradeNo, 'GBP', 1234],
      );
      const sub = books.paysaga.simulator.world.find(institution.mchid)?.merchant.subMerchants[0];
      assert.equal(line.settled.sub_mchid, sub?.mchid);
    } finally {
      await institution.close();
    }
  });

  it('where all orders are settled in one currency, what is settled is kept, and only fees in the currency of the order are posted', async () => {
    const day = books.today();
    const settings = { mchid: overseas.mchid, settlement_currency: 'USD' };
    await books.paysaga.control('POST', '/bills/settings', settings);
    await overseas.book(await overseas.sell('HKD', 10_000), books.now());
    await overseas.book(await overseas.sell('USD', 10_000), books.now());
    const before = await balances();
    await morningAfter(day);
    const result = await reconciled(day);
    assert.deepEqual(
      (await linesOf(result.runId)).map(({ state, currency, settled, ledger }) => [
        ...[state, currency, settled.settlement_currency, settled.settlement],
        ...[settled.fee_hundred_thousandths, ledger.posted_fee],
      ]),
      [
        // At 0.92 and 7.18 yuan.
        ['matched', 'HKD', 'USD', 1281, 8_000, 0],
        ['matched', 'USD', 'USD', 10_000, 60_000, -60],
      ],
    );
    const now = await balances();
    assert.equal(now['gateway_fees HKD'], before['gateway_fees HKD']);
    assert.equal((now['gateway_fees USD'] ?? 0) - (before['gateway_fees USD'] ?? 0), 60);
    await books.paysaga.control('POST', '/bills/settings', {
      ...settings,
      settlement_currency: 'as_ordered',
    });
  });

  it('a merchant with payments stays in its region', async () => {
    const { pool, tenantId, masterKey } = books.paysaga;
    const nothing = { appid: '', serialNo: '', privateKey: '', apiV3Key: '', publicKeys: {}, apiBaseUrl: '' };
    await assert.rejects(
      upsertMerchant(pool, openVault(masterKey), tenantId, {
        ...nothing,
        mchid: overseas.mchid,
        region: 'mainland',
      }),
      /has payments in its region, overseas: it cannot change/,
    );
  });

  it('payments are not taken through an overseas merchant', async () => {
    const { status, body } = await books.paysaga.createPayment({ merchant_id: overseas.merchantId });
    assert.equal(status, 422);
    assert.equal(body.errors[0].pointer, '/merchant_id');
    assert.match(body.errors[0].detail, /overseas merchant/);
    const { rows } = await books.paysaga.pool.query(
      `select count(*)::int from payments where merchant_id = $1 and status = 'CREATED'`,
      [overseas.merchantId],
    );
    assert.deepEqual(rows, [{ count: 0 }]);
  });

  it('notifications to an overseas merchant are refused, and not kept: nothing here waits for them', async () => {
    const { pool, apiUrl } = books.paysaga;
    const answer = await fetch(`${apiUrl}/v1/notifications/${overseas.merchantId}`, {
      method: 'POST',
      body: '{}',
    });
    assert.equal(answer.status, 404);
    const { rows } = await pool.query('select 1 from notifications where merchant_id = $1', [
      overseas.merchantId,
    ]);
    assert.equal(rows.length, 0);
  });
});
