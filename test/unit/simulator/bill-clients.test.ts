import assert from 'node:assert/strict';
import type { SimulatedMerchant } from '../../../simulator/index.ts';
import {
  type EncryptedBill,
  readFundFlowBill,
  readGlobalStatement,
  readTradeBill,
  type TradeBillRow,
  WechatPay,
  WechatPayGlobal,
  WechatPayPartner,
} from '../../../wechatpay/index.ts';
import { BillDesk } from './bill-desk.ts';
import { control } from './client.ts';
import { OverseasDesk } from './overseas-desk.ts';

const DATE = { bill_date: '2026-03-01' };

describe('simulator: bills by our own client', () => {
  let desk: BillDesk;
  const closing: { close(): Promise<void> }[] = [];

  function options({
    mchid,
    appid,
    serialNo,
    privateKeyPem,
    apiV3Key,
    publicKeyId,
    publicKeyPem,
  }: SimulatedMerchant) {
    return {
      mchid,
      appid,
      serialNo,
      privateKey: privateKeyPem,
      apiV3Key,
      publicKeys: { [publicKeyId]: publicKeyPem },
      baseUrl: desk.simulator.baseUrl,
      clock: desk.clock,
    };
  }
  function merchant(): WechatPay {
    const pay = new WechatPay(options(desk.simulator.merchant));
    closing.push(pay);
    return pay;
  }
  afterEach(async () => {
    await Promise.all(closing.splice(0).map((one) => one.close()));
    await desk.close();
  });

  async function all<Row>(rows: AsyncIterable<Row>): Promise<Row[]> {
    const read: Row[] = [];
    for await (const row of rows) read.push(row);
    return read;
  }

  for (const tar_type of ['GZIP', null] as const) {
    it(`a trade bill agrees with what the orders and refunds answered, ${tar_type ?? 'not compressed'}`, async () => {
      desk = await BillDesk.open();
      const pay = merchant();
      await desk.paid('T000001', { attach: 'c=1' });
      await desk.paid('T000002', { total: 1000, coupon: { amount: 200, type: 'NOCASH' } });
      await desk.refunded('T000001', 'R1', 590);
      desk.simulator.gateway.finishRefund('R1', 'SUCCESS');
      const order = await pay.orders.queryByOutTradeNo('T000001');
      const refund = await pay.refunds.query('R1');
      desk.at('2026-03-02T10:00:00+08:00');
      const bill = readTradeBill(await pay.bills.download(await pay.bills.trade({ ...DATE, tar_type })));
      const rows = await all<TradeBillRow>(bill);
      assert.equal(rows.length, 3);
      const paid = rows.find((row) => row.trade_state === 'SUCCESS' && row.out_trade_no === 'T000001');
      assert.equal(paid?.transaction_id, order.transaction_id);
      assert.equal(paid?.trade_time_rfc3339, order.success_time);
      assert.equal(paid?.order_amount, order.amount?.total);
      assert.equal(paid?.attach, order.attach);
      const back = rows.find((row) => row.trade_state === 'REFUND');
      assert.equal(back?.refund_id, refund.refund_id);
      assert.equal(back?.requested_refund_amount, refund.amount.refund);
      assert.equal(back?.refund_amount, refund.amount.settlement_refund);
      assert.equal(back?.refund_status, refund.status);
      assert.equal(back?.fee_milli_fen, -(refund.amount.refund_fee ?? 0) * 1000);
      assert.equal(bill.summary?.order_total, 3590);
    });
  }

  it('a fund flow has the money that the trade bill says', async () => {
    desk = await BillDesk.open();
    const pay = merchant();
    await control(desk.simulator, 'POST', '/bills/synthetic', { date: '2026-03-01', rows: 1000 });
    desk.at('2026-03-02T10:00:00+08:00');
    const trade = readTradeBill(await pay.bills.download(await pay.bills.trade(DATE)));
    await all(trade);
    const flow = readFundFlowBill(await pay.bills.download(await pay.bills.fundFlow(DATE)));
    const rows = await all(flow);
    const net = rows.reduce((sum, row) => sum + (row.direction === '收入' ? row.amount : -row.amount), 0);
    const { settlement_total = 0, refund_total = 0, fee_total_milli_fen = 0 } = trade.summary ?? {};
    assert.equal(net, settlement_total - refund_total - fee_total_milli_fen / 1000);
  });

  it('what is not there, not yet there or too old is a typed error', async () => {
    desk = await BillDesk.open();
    const pay = merchant();
    await assert.rejects(pay.bills.trade(DATE), { httpStatus: 400, code: 'STATEMENT_CREATING' });
    desk.at('2026-03-02T10:00:00+08:00');
    await assert.rejects(pay.bills.trade(DATE), { httpStatus: 400, code: 'NO_STATEMENT_EXIST' });
    await assert.rejects(pay.bills.fundFlow({ bill_date: '2025-01-01' }), {
      httpStatus: 400,
      code: 'INVALID_REQUEST',
    });
  });

  it('an address that has expired is refused, and a new one serves', async () => {
    desk = await BillDesk.open();
    const pay = merchant();
    await desk.paid('T000001');
    desk.at('2026-03-02T10:00:00+08:00');
    const address = await pay.bills.trade(DATE);
    desk.wait(5 * 60_000);
    await assert.rejects(pay.bills.download(address), { httpStatus: 400, code: 'INVALID_REQUEST' });
    const rows = await all(readTradeBill(await pay.bills.download(await pay.bills.trade(DATE))));
    assert.equal(rows.length, 1);
  });

  for (const [kind, code] of [
    ['bad_hash', 'BILL_HASH_MISMATCH'],
    ['truncated', 'BILL_CORRUPT'],
  ] as const) {
    it(`${kind} is ${code} at the end of the stream`, async () => {
      desk = await BillDesk.open();
      const pay = merchant();
      await desk.paid('T000001');
      desk.at('2026-03-02T10:00:00+08:00');
      desk.simulator.gateway.addFault({ operation: 'bill.trade', kind });
      const bill = await pay.bills.download(await pay.bills.trade(DATE));
      await assert.rejects(all(readTradeBill(bill)), { code });
    });
  }

  it('a service provider downloads the encrypted fund flows of sub-merchants, part by part', async () => {
    desk = await BillDesk.open({ scenario: { bills: { part_rows: 100 } } });
    const { provider } = desk.simulator.world;
    const [sub] = provider.subMerchants;
    const pay = new WechatPayPartner(options(provider));
    closing.push(pay);
    await control(desk.simulator, 'POST', '/bills/synthetic', {
      date: '2026-03-01',
      rows: 120,
      mchid: provider.mchid,
      sub_mchid: sub?.mchid,
    });
    desk.at('2026-03-02T10:00:00+08:00');
    async function* joined({ download_bill_list }: EncryptedBill): AsyncGenerator<Buffer> {
      for (const part of download_bill_list) yield* (await pay.bills.download(part)) as AsyncIterable<Buffer>;
    }
    const [one, every] = [
      await pay.bills.subMerchantFundFlow({ ...DATE, sub_mchid: sub?.mchid ?? '', account_type: 'BASIC' }),
      await pay.bills.ecommerceFundFlow({ ...DATE, account_type: 'ALL' }),
    ];
    assert.ok(one.download_bill_count > 1);
    const flow = readFundFlowBill(joined(one));
    const rows = await all(flow);
    assert.equal(flow.summary?.total_count, rows.length);
    assert.deepEqual(await all(readFundFlowBill(joined(every))), rows);
    const trade = readTradeBill(
      await pay.bills.download(await pay.bills.trade({ ...DATE, sub_mchid: sub?.mchid ?? '' })),
    );
    assert.equal((await all(trade)).length, 120);
  });

  describe('overseas', () => {
    it('a statement has 38 columns, its signature is right, and its amounts are those of the orders', async () => {
      const overseas = await OverseasDesk.open();
      desk = new BillDesk(overseas.simulator, overseas.client, { now: 0 });
      const clock = () => overseas.simulator.gateway.clock();
      const pay = new WechatPayGlobal({ ...options(overseas.who('merchant')), clock });
      closing.push(pay);
      await overseas.paid('G000001', { attach: 'a,b' });
      await overseas.paid('G000002', { amount: { total: 1200, currency: 'JPY' } });
      overseas.wait(1000);
      await overseas.refund('G000001', 'R1', 1000);
      const order = await pay.orders.queryByOutTradeNo('G000001');
      await assert.rejects(pay.statements.download({ date: '20260301' }), { code: 'STATEMENT_CREATING' });
      overseas.at('2026-03-02T10:00:00');
      const statement = readGlobalStatement(await pay.statements.download({ date: '20260301' }));
      const rows = await all(statement);
      assert.equal(statement.summary?.total_count, 3);
      const [hkd, jpy, refund] = rows;
      assert.equal(hkd?.transaction_id, order.id);
      assert.equal(hkd?.attach, 'a\\ b');
      assert.deepEqual(
        [hkd?.currency, hkd?.order_amount, hkd?.payer_currency, hkd?.payer_amount],
        ['HKD', 2590, order.amount?.payer_currency, order.amount?.payer_total],
      );
      assert.equal(Number(hkd?.exchange_rate) * 10 ** 8, order.amount?.exchange_rate?.rate);
      // Yen have no hundredths: 1,200 of them are printed as 1200.00.
      assert.deepEqual([jpy?.currency, jpy?.order_amount, jpy?.settlement_total], ['JPY', 120_000, 120_000]);
      assert.deepEqual(
        [refund?.trade_state, refund?.out_refund_no, refund?.requested_refund_amount, refund?.order_amount],
        ['REFUND', 'R1', 1000, 0],
      );
      assert.equal(
        refund?.payer_refund_amount,
        (await pay.refunds.queryByOutRefundNo('R1')).amount.payer_refund,
      );
      await assert.rejects(pay.statements.download({ date: '20260228' }), { code: 'NO_STATEMENT_EXIST' });
      await assert.rejects(pay.statements.download({ date: '20250801' }), { code: 'INVALID_REQUEST' });
    });
  });
});
