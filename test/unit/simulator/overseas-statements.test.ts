import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { isSigned } from './client.ts';
import { BASE, codeOf, OverseasDesk } from './overseas-desk.ts';

describe('simulator: overseas statements and settlements', () => {
  let desk: OverseasDesk;
  afterEach(() => desk.close());

  const settlements = (query: Record<string, string>, deviation = desk.as('merchant')) =>
    desk.client.get(`${BASE}/settle/settlements?${new URLSearchParams(query)}`, deviation);

  /** A payment and its partial refund on the first of March. */
  async function trade(): Promise<string> {
    const id = await desk.paid('G0001', { attach: 'c=1' }, 'merchant', { openid: 'oA1b' });
    await desk.refund('G0001', 'R1', 1000);
    return id;
  }

  describe('statements', () => {
    const statement = (date = '20260301', mode: 'merchant' | 'institution' = 'merchant') =>
      desk.get('/statements', mode, { date });

    it('come as CSV of 38 columns, signed by their hash', async () => {
      desk = await OverseasDesk.open();
      const id = await trade();
      desk.at('2026-03-02T10:00:00');
      const answer = await statement();
      assert.equal(answer.status, 200, answer.text);
      assert.match(answer.headers['Content-Type'] ?? '', /^text\/plain/);
      const sha1 = createHash('sha1').update(answer.bytes).digest('hex');
      assert.equal(answer.headers['Wechatpay-Statement-Sha1'], sha1);
      assert.ok(isSigned(desk.simulator, answer.headers, `{"sha1":"${sha1}"}`));
      const [titles = '', payment = '', refund = ''] = answer.text.split(/\r?\n/);
      assert.equal(titles.split(',').length, 38);
      const columns = (row: string) =>
        Object.fromEntries(row.split(',').map((value, at) => [titles.split(',')[at], value.slice(1)]));
      const paid = columns(payment);
      assert.deepEqual(
        [paid.微信订单号, paid.商户订单号, paid.用户标识, paid.交易状态, paid.商户数据包],
        [id, 'G0001', 'oA1b', 'SUCCESS', 'c=1'],
      );
      assert.deepEqual(
        [paid.标价币种, paid['订单金额(标价币种)'], paid.用户支付币种, paid.用户支付金额, paid.支付汇率],
        ['HKD', '25.90', 'CNY', '23.83', '0.92000000'],
      );
      const refunded = columns(refund);
      assert.deepEqual(
        [refunded.商户退款单号, refunded.申请退款金额, refunded.用户退款币种, refunded.用户退款金额],
        ['R1', '10.00', 'CNY', '9.20'],
      );
    });

    it('say of a refund what the refund itself says, rounding included', async () => {
      desk = await OverseasDesk.open();
      await desk.paid('G0001', { amount: { total: 3, currency: 'USD' } });
      const parts = [];
      for (const number of ['R1', 'R2', 'R3']) {
        const changes = { amount: { refund: 1, total: 3, currency: 'USD' } };
        parts.push((await desk.refund('G0001', number, 1, changes)).json.amount.payer_refund);
      }
      desk.at('2026-03-02T10:00:00');
      const [titles = '', , ...rows] = (await statement()).text.split(/\r?\n/);
      const at = titles.split(',').indexOf('用户退款金额');
      const printed = rows.slice(0, 3).map((row) => row.split(',')[at]);
      assert.deepEqual(
        printed,
        parts.map((fen) => `\`0.0${fen}`),
      );
    });

    it('have amounts and fees in the currency of the settlements, where all orders are settled in one', async () => {
      desk = await OverseasDesk.open({ scenario: { bills: { settlement_currency: 'JPY' } } });
      await trade();
      const [unsettled] = (await settlements({ settle_state: 'UNSETTLE' })).json.data;
      desk.at('2026-03-02T10:00:00');
      const [titles = '', ...rows] = (await statement()).text.trimEnd().split('\n');
      const [payment, refund] = rows.map((row) =>
        Object.fromEntries(row.split(',').map((value, at) => [titles.split(',')[at], value.slice(1)])),
      );
      assert.deepEqual(
        [
          payment?.标价币种,
          payment?.['订单金额(标价币种)'],
          payment?.结算币种,
          payment?.应结订单金额,
          payment?.手续费,
        ],
        ['HKD', '25.90', 'JPY', '496.00', '3.00000'],
      );
      assert.deepEqual(
        [refund?.申请退款金额, refund?.退款结算币种, refund?.退款应结订单金额, refund?.手续费],
        ['10.00', 'JPY', '192.00', '-1.00000'],
      );
      const { currency, pay, refund: refunded, fee, unsettle } = unsettled.amount;
      assert.deepEqual([currency, pay, refunded, fee, unsettle], ['JPY', 496, 192, 2, 496 - 192 - 2]);
    });

    it('are of one merchant; an institution has those of its sub-merchants', async () => {
      desk = await OverseasDesk.open();
      await trade();
      await desk.paid('G0002', {}, 'institution');
      desk.at('2026-03-02T10:00:00');
      assert.equal((await statement()).text.includes('G0002'), false);
      const ofSub = await statement('20260301', 'institution');
      assert.equal(ofSub.text.includes('`G0002'), true);
      assert.equal(ofSub.text.includes('`G0001'), false);
      const { sp_mchid = '' } = desk.owner('institution');
      const all = await desk.client.get(
        `${BASE}/statements?date=20260301&sp_mchid=${sp_mchid}`,
        desk.as('institution'),
      );
      assert.equal(all.text, ofSub.text);
    });

    it('are not there on the same day, for a day without trade, or after 180 days', async () => {
      desk = await OverseasDesk.open();
      await trade();
      assert.equal((await statement()).status, 400);
      desk.at('2026-03-02T08:59:59');
      assert.deepEqual(codeOf(await statement()), [400, 'STATEMENT_CREATING']);
      desk.at('2026-03-02T10:00:00');
      assert.deepEqual(codeOf(await statement('20260228')), [400, 'NO_STATEMENT_EXIST']);
      assert.deepEqual(codeOf(await statement('20260303')), [400, 'INVALID_REQUEST']);
      desk.at('2026-08-28T10:00:00');
      assert.equal((await statement()).status, 200);
      desk.at('2026-08-29T10:00:00');
      assert.deepEqual(codeOf(await statement()), [400, 'INVALID_REQUEST']);
    });

    it('need a day and the mchid that signed', async () => {
      desk = await OverseasDesk.open();
      assert.equal((await statement('2026-03-01')).json.detail.field, 'date');
      const nobody = await desk.client.get(`${BASE}/statements?date=20260301`, desk.as('merchant'));
      assert.equal(nobody.json.detail.field, 'mchid');
      const other = await desk.client.get(`${BASE}/statements?date=20260301&mchid=1`, desk.as('merchant'));
      assert.deepEqual(codeOf(other), [400, 'PARAM_ERROR']);
    });
  });

  describe('settlements', () => {
    const amount = { currency: 'HKD', pay: 2590, refund: 1000, net: 1590, fee: 10 };

    it('trade is unsettled on its day and paid out the day after, without refunds and fees', async () => {
      desk = await OverseasDesk.open();
      await trade();
      const { json } = await settlements({ settle_state: 'UNSETTLE' });
      const entry = {
        settlement_date: '20260302',
        trade_start_date: '20260301',
        trade_end_date: '20260301',
        wallet_region: 'MAINLAND_CHINA',
      };
      const unsettled = { ...entry, amount: { ...amount, settled: 0, unsettle: 1580 } };
      assert.deepEqual(json, { data: [unsettled], total_count: 1, offset: 0, limit: 30 });
      desk.at('2026-03-02T00:00:00');
      assert.deepEqual((await settlements({ settle_state: 'UNSETTLE' })).json.data, []);
      const days = { settle_start_date: '20260302', settle_end_date: '20260302' };
      const [settled] = (await settlements({ settle_state: 'SETTLED', ...days })).json.data;
      assert.match(settled.batch_id, /^\d{12}$/);
      const { batch_id: _, ...rest } = settled;
      assert.deepEqual(rest, { ...entry, amount: { ...amount, settled: 1580, unsettle: 0 } });
      const before = { settle_start_date: '20260228', settle_end_date: '20260301' };
      assert.deepEqual((await settlements({ settle_state: 'SETTLED', ...before })).json.data, []);
    });

    it('each currency and day has its own, page by page', async () => {
      desk = await OverseasDesk.open();
      await desk.paid('G0001');
      await desk.paid('G0002', { amount: { total: 500, currency: 'USD' } });
      desk.at('2026-03-02T12:00:00');
      await desk.paid('G0003');
      desk.at('2026-03-05T12:00:00');
      const query = { settle_state: 'SETTLED', settle_start_date: '20260301', settle_end_date: '20260331' };
      const list = async (page: object) => {
        const { data, total_count } = (await settlements({ ...query, ...page })).json;
        return [
          total_count,
          ...data.map((one: { trade_start_date: string; amount: { currency: string } }) => [
            one.trade_start_date,
            one.amount.currency,
          ]),
        ];
      };
      assert.deepEqual(await list({}), [3, ['20260301', 'HKD'], ['20260301', 'USD'], ['20260302', 'HKD']]);
      assert.deepEqual(await list({ limit: '1', offset: '1' }), [3, ['20260301', 'USD']]);
    });

    it('a closed refund and a reversal come back to what they were', async () => {
      desk = await OverseasDesk.open();
      await trade();
      desk.simulator.gateway.finishRefund('R1', 'CLOSED');
      await desk.charge('G0002');
      await desk.reverse('G0002');
      const [{ amount: sums }] = (await settlements({ settle_state: 'UNSETTLE' })).json.data;
      assert.deepEqual([sums.pay, sums.refund, sums.net, sums.unsettle], [5180, 2590, 2590, 2590 - 16]);
    });

    it('merchants see their own, institutions those of all sub-merchants or of one', async () => {
      desk = await OverseasDesk.open();
      await desk.paid('G0001', {}, 'institution');
      const query = { settle_state: 'UNSETTLE' };
      assert.equal((await settlements(query)).json.total_count, 0);
      const as = desk.as('institution');
      const { sub_mchid = '' } = desk.owner('institution');
      assert.equal((await settlements(query, as)).json.total_count, 1);
      assert.equal((await settlements({ ...query, sub_mchid }, as)).json.total_count, 1);
      const other = await settlements({ ...query, sub_mchid: '1900099999' }, as);
      assert.equal(other.status, 400);
    });

    for (const [query, field] of [
      [{ limit: '1' }, 'settle_state'],
      [{ settle_state: 'PAID' }, 'settle_state'],
      [{ settle_state: 'SETTLED' }, 'settle_start_date'],
      [{ settle_state: 'SETTLED', settle_start_date: '20260301' }, 'settle_end_date'],
      [
        { settle_state: 'SETTLED', settle_start_date: '20260302', settle_end_date: '20260301' },
        'settle_end_date',
      ],
      [{ settle_state: 'UNSETTLE', limit: '31' }, 'limit'],
      [{ settle_state: 'UNSETTLE', offset: 'x' }, 'offset'],
    ] as [Record<string, string>, string][]) {
      it(`${JSON.stringify(query)} is refused for its ${field}`, async () => {
        desk = await OverseasDesk.open();
        const answer = await settlements(query);
        assert.deepEqual([...codeOf(answer), answer.json.detail.field], [400, 'PARAM_ERROR', field]);
      });
    }
  });
});
