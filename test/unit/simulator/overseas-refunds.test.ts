import assert from 'node:assert/strict';
import { decryptResource } from '../../../wechatpay/v3/aead.ts';
import { isSigned } from './client.ts';
import { codeOf, MODES, OverseasDesk } from './overseas-desk.ts';
import { startReceiver } from './receiver.ts';

const RATE = { type: 'SETTLEMENT_RATE', rate: 92_000_000 };

describe('simulator: overseas refunds', () => {
  let desk: OverseasDesk;
  afterEach(() => desk.close());

  for (const mode of MODES) {
    describe(mode, () => {
      it('an accepted refund has an id and no status; a query says how far it is', async () => {
        desk = await OverseasDesk.open();
        const transaction_id = await desk.paid('G0001', {}, mode, { coupon: { amount: 200 } });
        const answer = await desk.refund('G0001', 'R1', 1000, { reason: 'broken' }, mode);
        assert.equal(answer.status, 200, answer.text);
        assert.ok(isSigned(desk.simulator, answer.headers, answer.text));
        const { id, detail } = answer.json;
        assert.match(id, /^50\d{27}$/);
        // 10.00 of 25.90 HKD, of which the customer paid 23.90 at 0.92.
        const accepted = {
          id,
          out_refund_no: 'R1',
          create_time: '2026-03-01T12:00:00+08:00',
          amount: {
            refund: 1000,
            currency: 'HKD',
            payer_refund: 849,
            payer_currency: 'CNY',
            exchange_rate: RATE,
          },
          detail: [
            {
              promotion_id: detail[0].promotion_id,
              scope: 'GLOBAL',
              type: 'COUPON',
              amount: 200,
              refund_amount: 77,
              currency: 'HKD',
            },
          ],
        };
        assert.deepEqual(answer.json, accepted);
        const queried = {
          ...accepted,
          transaction_id,
          out_trade_no: 'G0001',
          channel: 'ORIGINAL',
          recv_account: '支付用户零钱',
          fund_source: 'REFUND_SOURCE_UNSETTLED_FUNDS',
          status: 'PROCESSING',
        };
        assert.deepEqual((await desk.get('/refunds/out-refund-no/R1', mode)).json, queried);
        desk.at('2026-03-01T12:05:00');
        desk.simulator.gateway.finishRefund('R1', 'SUCCESS');
        assert.deepEqual((await desk.get(`/refunds/id/${id}`, mode)).json, {
          ...queried,
          status: 'SUCCESS',
          success_time: '2026-03-01T12:05:00+08:00',
        });
        assert.equal((await desk.query('G0001', mode)).json.trade_state, 'REFUND');
      });

      it('all refunds of an order are listed, page by page, by either number', async () => {
        desk = await OverseasDesk.open();
        const id = await desk.paid('G0001', {}, mode);
        for (const number of ['R1', 'R2', 'R3']) await desk.refund('G0001', number, 100, {}, mode);
        const list = (query: Record<string, string>) => desk.get('/refunds', mode, query);
        const { json } = await list({ out_trade_no: 'G0001' });
        const { data, ...order } = json;
        assert.deepEqual(order, {
          id,
          out_trade_no: 'G0001',
          amount: { total: 2590, currency: 'HKD', payer_total: 2383, payer_currency: 'CNY' },
          total_num: 3,
          current_total_num: 3,
        });
        const numbers = (entries: { out_refund_no: string }[]) => entries.map((entry) => entry.out_refund_no);
        assert.deepEqual(numbers(data), ['R1', 'R2', 'R3']);
        assert.deepEqual(
          ['status', 'refund_detail', 'transaction_id', 'out_trade_no', 'detail'].map(
            (field) => field in data[0],
          ),
          [true, true, false, false, false],
        );
        const page = (await list({ transaction_id: id, offset: '1', count: '1' })).json;
        assert.deepEqual(numbers(page.data), ['R2']);
        assert.deepEqual([page.total_num, page.current_total_num], [3, 1]);
      });

      for (const [outcome, eventType, status] of [
        ['SUCCESS', 'REFUND.SUCCESS', 'SUCCESS'],
        ['CLOSED', 'REFUND.CLOSED', 'REFUNDCLOSE'],
      ] as const) {
        it(`${eventType} carries the object of the query and whose it is`, async () => {
          desk = await OverseasDesk.open();
          const receiver = await startReceiver();
          try {
            await desk.paid('G0001', {}, mode);
            await desk.refund('G0001', 'R1', 1000, { notify_url: receiver.url }, mode);
            desk.simulator.gateway.finishRefund('R1', outcome);
            const { headers, body } = await receiver.delivery(1);
            const { event_type, resource } = JSON.parse(body);
            assert.ok(isSigned(desk.simulator, headers, body));
            assert.deepEqual([event_type, resource.original_type], [eventType, 'refund']);
            const plaintext = JSON.parse(decryptResource(resource, desk.who(mode).apiV3Key));
            const queried = (await desk.get('/refunds/out-refund-no/R1', mode)).json;
            assert.equal(queried.status, status);
            assert.deepEqual(plaintext, { ...desk.orderer(mode), ...queried });
          } finally {
            await receiver.close();
          }
        });
      }
    });
  }

  it('nobody is told of a refund that is ABNORMAL, which a query says', async () => {
    desk = await OverseasDesk.open();
    await desk.paid('G0001');
    await desk.refund('G0001', 'R1', 1000, { notify_url: 'https://pay.example.com/wx' });
    desk.simulator.gateway.finishRefund('R1', 'ABNORMAL');
    assert.equal((await desk.get('/refunds/out-refund-no/R1')).json.status, 'ABNORMAL');
    const told = desk.simulator.gateway.notifications().map(({ event_type }) => event_type);
    assert.deepEqual(told, ['TRANSACTION.SUCCESS']);
  });

  it('parts in CNY add up to what the customer paid, whatever rounding did', async () => {
    desk = await OverseasDesk.open();
    await desk.paid('G0001', { amount: { total: 3, currency: 'USD' } });
    const amounts = [];
    for (const number of ['R1', 'R2', 'R3']) {
      const changes = { amount: { refund: 1, total: 3, currency: 'USD' } };
      amounts.push((await desk.refund('G0001', number, 1, changes)).json.amount.payer_refund);
    }
    const { payer_total } = (await desk.query('G0001')).json.amount;
    assert.equal(payer_total, 22);
    assert.deepEqual(amounts, [7, 7, 8]);
  });

  it('the same number refunds once; another amount under it is a mismatch', async () => {
    desk = await OverseasDesk.open();
    await desk.paid('G0001');
    const first = await desk.refund('G0001', 'R1', 1000);
    assert.deepEqual((await desk.refund('G0001', 'R1', 1000)).json, first.json);
    assert.equal(desk.simulator.gateway.order('G0001').amount.refunded, 1000);
    assert.deepEqual(codeOf(await desk.refund('G0001', 'R1', 900)), [400, 'REFUND_FEE_MISMATCH']);
  });

  it('refunds keep within the order, its currency, its total and 365 days', async () => {
    desk = await OverseasDesk.open();
    await desk.paid('G0001');
    const amount = (refund: number, total: number, currency: string) => ({
      amount: { refund, total, currency },
    });
    const refund = async (changes: object) => codeOf(await desk.refund('G0001', 'R1', 1, changes));
    assert.deepEqual(await refund(amount(2591, 2590, 'HKD')), [400, 'INVALID_REQUEST']);
    assert.deepEqual(await refund(amount(1, 2591, 'HKD')), [400, 'REFUND_FEE_MISMATCH']);
    assert.deepEqual(await refund(amount(1, 2590, 'USD')), [400, 'PARAM_ERROR']);
    desk.at('2027-03-02T12:00:00');
    assert.deepEqual(await refund({}), [403, 'TRADE_OVERDUE']);
  });

  it('what is unpaid, unknown or taken back has no refunds', async () => {
    desk = await OverseasDesk.open();
    await desk.order('G0001');
    await desk.charge('G0002');
    await desk.reverse('G0002');
    for (const answer of [
      await desk.refund('G0001', 'R1', 1),
      await desk.refund('G0002', 'R1', 1),
      await desk.refund('UNKNOWN', 'R1', 1),
      await desk.get('/refunds/out-refund-no/R1'),
      await desk.get('/refunds/id/50300208882026030212345678901'),
      await desk.get('/refunds', 'merchant', { out_trade_no: 'G0001' }),
      await desk.get('/refunds', 'merchant', { out_trade_no: 'UNKNOWN' }),
    ]) {
      assert.deepEqual(codeOf(answer), [404, 'RESOURCE_NOT_EXISTS']);
    }
  });

  it("another's refund is unknown", async () => {
    desk = await OverseasDesk.open();
    await desk.paid('G0001', {}, 'institution');
    const { id } = (await desk.refund('G0001', 'R1', 1, {}, 'institution')).json;
    for (const path of ['/refunds/out-refund-no/R1', `/refunds/id/${id}`]) {
      assert.deepEqual(codeOf(await desk.get(path)), [404, 'RESOURCE_NOT_EXISTS']);
    }
  });

  for (const [changes, field] of [
    [{ out_trade_no: undefined }, '/transaction_id'],
    [{ out_refund_no: undefined }, '/out_refund_no'],
    [{ out_refund_no: 'a b' }, '/out_refund_no'],
    [{ appid: undefined }, '/appid'],
    [{ reason: 'x'.repeat(81) }, '/reason'],
    [{ notify_url: 'https://pay.example.com/wx?a=1' }, '/notify_url'],
    [{ amount: { refund: 0, total: 2590, currency: 'HKD' } }, '/amount/refund'],
    [{ amount: { refund: 1, total: 2590 } }, '/amount/currency'],
    [{ sub_mchid: '1900031111' }, '/sub_mchid'],
  ] as const) {
    it(`${JSON.stringify(changes).slice(0, 60)} is refused for ${field}`, async () => {
      desk = await OverseasDesk.open();
      await desk.paid('G0001');
      const answer = await desk.refund('G0001', 'R1', 1, changes);
      assert.deepEqual([...codeOf(answer), answer.json.detail.field], [400, 'PARAM_ERROR', field]);
    });
  }

  for (const [query, field] of [
    [{}, 'out_trade_no'],
    [{ out_trade_no: 'G0001', count: '21' }, 'count'],
    [{ out_trade_no: 'G0001', count: '0' }, 'count'],
    [{ out_trade_no: 'G0001', offset: '-1' }, 'offset'],
  ] as [Record<string, string>, string][]) {
    it(`a list of ${JSON.stringify(query)} is refused for its ${field}`, async () => {
      desk = await OverseasDesk.open();
      const answer = await desk.get('/refunds', 'merchant', query);
      assert.deepEqual([...codeOf(answer), answer.json.detail.field], [400, 'PARAM_ERROR', field]);
    });
  }

  it('a merchant without money is told NOT_ENOUGH', async () => {
    desk = await OverseasDesk.open();
    await desk.paid('G0001');
    desk.simulator.gateway.addFault({ operation: 'refund.create', kind: 'not_enough' });
    assert.deepEqual(codeOf(await desk.refund('G0001', 'R1', 1)), [403, 'NOT_ENOUGH']);
    assert.equal((await desk.refund('G0001', 'R1', 1)).status, 200);
  });
});
