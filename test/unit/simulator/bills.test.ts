import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Formatter } from 'wechatpay-axios-plugin';
import { BillDesk, parsed, rowsOf } from './bill-desk.ts';
import { control } from './client.ts';

const ALL =
  '交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注';
const SUMMARY =
  '总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额';

const sha1 = (bytes: Buffer | string) => createHash('sha1').update(bytes).digest('hex');

describe('simulator: trade bills', () => {
  let desk: BillDesk;
  afterEach(() => desk.close());

  /** Two payments, a refund of each, one of them with a coupon, and an order that nobody pays. */
  async function trade(): Promise<void> {
    await desk.paid('T000001', {
      attach: 'c=1',
      scene_info: { payer_client_ip: '203.0.113.9', device_id: 'POS7' },
    });
    await desk.paid('T000002', { total: 1000, coupon: { amount: 200, type: 'NOCASH' } });
    await desk.client.order('T000003');
    await desk.refunded('T000001', 'R1', 590);
    await desk.refunded('T000002', 'R2', 1000, 1000);
    desk.wait(4000);
    desk.simulator.gateway.finishRefund('R1', 'SUCCESS');
    desk.at('2026-03-02T10:00:00+08:00');
  }

  it('have the documented columns, a backtick before every value, and exact sums', async () => {
    desk = await BillDesk.open();
    const { mchid, appid } = desk.simulator.merchant;
    await trade();
    const { transaction_id } = desk.simulator.gateway.order('T000001');
    const { refund_id } = desk.simulator.gateway.refund('R1');
    const openid = (await desk.client.query('T000001')).json.payer.openid;
    const lines = (await desk.text(await desk.tradeBill())).split('\n');
    assert.equal(lines.length, 8);
    assert.equal(lines[0], ALL);
    const about = `\`${appid},\`${mchid},\`0,\`POS7,\`${transaction_id},\`T000001,\`${openid},\`NATIVE`;
    assert.equal(
      lines[1],
      `\`2026-03-01 12:00:01,${about},\`SUCCESS,\`OTHERS,\`CNY,\`25.90,\`0.00,\`0,\`0,\`0.00,\`0.00,\`,\`,\`Tea set,\`c=1,\`0.16000,\`0.60%,\`25.90,\`0.00,\``,
    );
    assert.equal(
      lines[3],
      `\`2026-03-01 12:00:03,${about},\`REFUND,\`OTHERS,\`CNY,\`0.00,\`0.00,\`${refund_id},\`R1,\`5.90,\`0.00,\`ORIGINAL,\`SUCCESS,\`Tea set,\`c=1,\`-0.04000,\`0.60%,\`0.00,\`5.90,\``,
    );
    assert.equal(lines[5], SUMMARY);
    // 25.90 + 8.00 settled; 5.90 + 8.00 given back; fees 0.16 + 0.05 - 0.04 - 0.05.
    assert.equal(lines[6], '`4,`33.90,`13.90,`0.00,`0.12000,`35.90,`15.90');
    assert.equal(lines[7], '');
  });

  it('an order that WeChat Pay did not collect for is in no bill; one without NOCASH coupons is settled in full', async () => {
    desk = await BillDesk.open();
    await desk.paid('T000001', { total: 1000, coupon: { amount: 200, type: 'CASH' } });
    await desk.paid('T000002', { total: 1000, coupon: { amount: 200, type: 'NOCASH' } });
    await desk.client.order('T000003');
    await desk.refunded('T000001', 'R1', 500, 1000);
    desk.at('2026-03-02T10:00:00+08:00');
    const rows = rowsOf(await desk.text(await desk.tradeBill()));
    assert.deepEqual(
      rows.map((row) => [
        row.商户订单号,
        row.交易状态,
        row.订单金额,
        row.应结订单金额,
        row.代金券金额,
        row.退款金额,
        row.充值券退款金额,
      ]),
      [
        ['T000001', 'SUCCESS', '10.00', '10.00', '2.00', '0.00', '0.00'],
        ['T000002', 'SUCCESS', '10.00', '8.00', '2.00', '0.00', '0.00'],
        ['T000001', 'REFUND', '0.00', '0.00', '0.00', '5.00', '1.00'],
      ],
    );
  });

  it('commas and line breaks of texts break neither columns nor lines', async () => {
    desk = await BillDesk.open();
    await desk.paid('T000001', { description: 'Tea,set', attach: 'a\nb\r\nc,`d' });
    desk.at('2026-03-02T10:00:00+08:00');
    const asked = await desk.tradeBill();
    const [row] = rowsOf(await desk.text(asked));
    assert.equal(row?.商品名称, 'Tea\\ set');
    assert.equal(row?.商户数据包, 'a\\nb\\nc\\ `d');
    const { bytes } = await desk.download(asked);
    const { rows } = await parsed(bytes, asked.json.hash_value);
    assert.equal(rows[0].description, 'Tea\\ set');
  });

  it('SUCCESS has the payments, REFUND the refunds with their times, and together they are ALL', async () => {
    desk = await BillDesk.open();
    await trade();
    const all = rowsOf(await desk.text(await desk.tradeBill('bill_type=ALL')));
    const success = await desk.text(await desk.tradeBill('bill_type=SUCCESS'));
    const refund = await desk.text(await desk.tradeBill('bill_type=REFUND'));
    assert.equal(success.split('\n')[0]?.split(',').length, 20);
    assert.equal(refund.split('\n')[0]?.split(',').length, 29);
    const [paid, back] = [rowsOf(success), rowsOf(refund)];
    assert.deepEqual(
      [...paid, ...back].map((row) => row.微信订单号).sort(),
      all.map((row) => row.微信订单号).sort(),
    );
    assert.deepEqual(
      back.map((row) => [row.交易时间, row.退款申请时间, row.退款成功时间, row.退款状态]),
      [
        ['2026-03-01 12:00:01', '2026-03-01 12:00:03', '2026-03-01 12:00:08', 'SUCCESS'],
        ['2026-03-01 12:00:02', '2026-03-01 12:00:04', '', 'PROCESSING'],
      ],
    );
    assert.match(
      success,
      /\n总交易单数,应结订单总金额,手续费总金额,订单总金额\n`2,`33\.90,`0\.21000,`35\.90\n$/,
    );
  });

  it('the state of a refund is that of 09:00, whatever becomes of it, and of the simulator', async () => {
    desk = await BillDesk.open();
    for (const outcome of ['SUCCESS', 'ABNORMAL', 'CLOSED', 'PROCESSING'] as const) {
      await desk.paid(`T${outcome}`);
      await desk.refunded(`T${outcome}`, `R${outcome}`, 100);
      if (outcome !== 'PROCESSING') desk.simulator.gateway.finishRefund(`R${outcome}`, outcome);
    }
    desk.at('2026-03-02T09:30:00+08:00');
    desk.simulator.gateway.finishRefund('RPROCESSING', 'SUCCESS');
    const asked = await desk.tradeBill('bill_type=REFUND');
    const text = await desk.text(asked);
    assert.deepEqual(
      rowsOf(text).map((row) => row.退款状态),
      ['SUCCESS', 'CHANGE', 'FAIL', 'PROCESSING'],
    );
    desk.simulator.gateway.finishRefund('RABNORMAL', 'SUCCESS');
    const again = await desk.tradeBill('bill_type=REFUND');
    assert.equal(again.json.hash_value, asked.json.hash_value);
    assert.equal(await desk.text(again), text);
  });

  it('a refund is in the bill of the day it was accepted, its order in that of the day it was paid', async () => {
    desk = await BillDesk.open();
    await desk.paid('T000001');
    desk.at('2026-03-01T23:59:59.999+08:00');
    await desk.client.order('T000002');
    desk.simulator.gateway.pay('T000002');
    desk.at('2026-03-02T00:00:00+08:00');
    await desk.client.order('T000003');
    desk.simulator.gateway.pay('T000003');
    await desk.refunded('T000001', 'R1', 100);
    desk.at('2026-03-03T10:00:00+08:00');
    const numbers = async (date: string) =>
      rowsOf(await desk.text(await desk.tradeBill('', date))).map((row) => [row.商户订单号, row.交易状态]);
    assert.deepEqual(await numbers('2026-03-01'), [
      ['T000001', 'SUCCESS'],
      ['T000002', 'SUCCESS'],
    ]);
    assert.deepEqual(await numbers('2026-03-02'), [
      ['T000003', 'SUCCESS'],
      ['T000001', 'REFUND'],
    ]);
  });

  it('a payment code that was paid and reversed has a row REVOKED that gives the money back', async () => {
    desk = await BillDesk.open();
    const { mchid, appid } = desk.simulator.merchant;
    const paid = await desk.client.post('/v3/pay/transactions/codepay', {
      appid,
      mchid,
      description: 'Tea',
      out_trade_no: 'C000001',
      payer: { auth_code: '134567890123456789' },
      amount: { total: 2590, currency: 'CNY' },
      scene_info: { store_info: { out_id: 'S01' } },
    });
    assert.equal(paid.json.trade_state, 'SUCCESS');
    desk.wait(60_000);
    const reversed = await desk.client.post('/v3/pay/transactions/out-trade-no/C000001/reverse', {
      appid,
      mchid,
    });
    assert.equal(reversed.status, 200);
    desk.at('2026-03-02T10:00:00+08:00');
    const text = await desk.text(await desk.tradeBill());
    assert.deepEqual(
      rowsOf(text).map((row) => [
        row.交易时间,
        row.交易类型,
        row.交易状态,
        row.订单金额,
        row.申请退款金额,
        row.微信退款单号,
      ]),
      [
        ['2026-03-01 12:00:00', 'MICROPAY', 'SUCCESS', '25.90', '0.00', '0'],
        ['2026-03-01 12:01:00', 'MICROPAY', 'REVOKED', '0.00', '25.90', '0'],
      ],
    );
    assert.match(text, /\n`2,`25\.90,`25\.90,`0\.00,`0\.00000,`25\.90,`25\.90\n$/);
  });

  for (const [name, settings, columns] of [
    ['the documented layout', {}, 27],
    ['the layout of before', { layout: 'old' }, 24],
    ['the layout with red packets', { layout: 'red_packet', counts: 'decimal' }, 24],
    ['CRLF and a byte order mark', { newline: 'crlf', bom: true }, 27],
    [
      'the old layout with CRLF and a byte order mark',
      { layout: 'old', newline: 'crlf', bom: true, counts: 'decimal' },
      24,
    ],
    ['refunds without a fee', { refund_fee: 'zero' }, 27],
  ] as const) {
    it(`${name}: our parser agrees with the books, compressed or not`, async () => {
      desk = await BillDesk.open();
      assert.equal((await control(desk.simulator, 'POST', '/bills/settings', settings)).status, 200);
      await trade();
      const asked = await desk.tradeBill();
      const { bytes } = await desk.download(asked);
      assert.equal(sha1(bytes), asked.json.hash_value);
      assert.equal(bytes.toString('utf8').split('\n')[0]?.split(',').length, columns);
      const zipped = await desk.tradeBill('tar_type=GZIP');
      assert.match(zipped.json.download_url, /&tartype=gzip$/);
      assert.equal(zipped.json.hash_value, asked.json.hash_value);
      assert.deepEqual(gunzipSync((await desk.download(zipped)).bytes), bytes);

      const { rows, summary } = await parsed(bytes, asked.json.hash_value);
      const orders = desk.simulator.gateway.orders().filter((order) => order.success_time);
      const refunds = desk.simulator.gateway.refunds();
      assert.equal(summary.total_count, orders.length + refunds.length);
      const sum = (amounts: number[]) => amounts.reduce((one, other) => one + other, 0);
      if (columns === 27) {
        assert.equal(summary.order_total, sum(orders.map(({ amount }) => amount.total)));
        assert.equal(summary.requested_refund_total, sum(refunds.map(({ amount }) => amount.refund)));
      }
      assert.equal(summary.settlement_total, 2590 + 800);
      assert.equal(summary.refund_total, 590 + 800);
      assert.equal(summary.fee_total_milli_fen, 'refund_fee' in settings ? 21_000 : 12_000);
      assert.deepEqual(
        new Set(rows.map((row) => row.transaction_id)),
        new Set(orders.map((order) => order.transaction_id)),
      );
    });
  }

  it('wechatpay-axios-plugin casts a bill to what the books say', async () => {
    desk = await BillDesk.open({ scenario: { bills: { bom: true, newline: 'crlf' } } });
    await trade();
    const { bytes } = await desk.download(await desk.tradeBill());
    const { rows, summary } = Formatter.castCsvBill(bytes) as {
      rows: Record<string, string>[];
      summary: Record<string, string>;
    };
    assert.equal(rows.length, 4);
    assert.deepEqual(
      rows.map((row) => [row.商户订单号, row.商户退款单号, row.订单金额, row.申请退款金额]),
      [
        ['T000001', '0', '25.90', '0.00'],
        ['T000002', '0', '10.00', '0.00'],
        ['T000001', 'R1', '0.00', '5.90'],
        ['T000002', 'R2', '0.00', '10.00'],
      ],
    );
    assert.deepEqual(
      [summary.总交易单数, summary.订单总金额, summary.申请退款总金额, summary.手续费总金额],
      ['4', '35.90', '15.90', '0.12000'],
    );
  });

  it('a merchant has the fee rate that holds when it is paid, in bills and in refunds alike', async () => {
    desk = await BillDesk.open({ scenario: { bills: { fee_rate: '1.00%' } } });
    await desk.paid('T000001', { total: 1000 });
    await control(desk.simulator, 'POST', '/bills/settings', {
      mchid: desk.simulator.merchant.mchid,
      fee_rate: '0.20%',
    });
    await desk.paid('T000002', { total: 1000 });
    desk.wait(1000);
    const { json } = await desk.client.refund('T000001', 'R1', 500, {
      amount: { refund: 500, total: 1000, currency: 'CNY' },
    });
    assert.equal(json.amount.refund_fee, 5);
    desk.at('2026-03-02T10:00:00+08:00');
    assert.deepEqual(
      rowsOf(await desk.text(await desk.tradeBill())).map((row) => [row.费率, row.手续费]),
      [
        ['1.00%', '0.10000'],
        ['0.20%', '0.02000'],
        ['1.00%', '-0.05000'],
      ],
    );
  });

  it('a service provider has the bill of all sub-merchants, or of one', async () => {
    const other = { mchid: '1900077001', appid: 'wx00112233445566aa' };
    const provider = '1900077000';
    desk = await BillDesk.open(
      {
        scenario: {
          merchants: [{ mchid: provider, sub_merchants: [other, { ...other, mchid: '1900077002' }] }],
        },
      },
      undefined,
      ({ world }) => world.get(provider).merchant,
    );
    const { appid } = desk.client.merchant;
    for (const sub of ['1900077001', '1900077002']) {
      const ordered = await desk.client.post('/v3/pay/partner/transactions/native', {
        sp_appid: appid,
        sp_mchid: provider,
        sub_mchid: sub,
        description: 'Tea',
        out_trade_no: `P${sub}`,
        notify_url: 'https://pay.example.com/wx',
        amount: { total: 100 },
      });
      assert.equal(ordered.status, 200, ordered.text);
      desk.simulator.gateway.pay(`P${sub}`);
    }
    desk.at('2026-03-02T10:00:00+08:00');
    const bill = async (query: string) =>
      rowsOf(await desk.text(await desk.tradeBill(query))).map((row) => [
        row.商户号,
        row.特约商户号,
        row.商户订单号,
      ]);
    assert.deepEqual(await bill(''), [
      [provider, '1900077001', 'P1900077001'],
      [provider, '1900077002', 'P1900077002'],
    ]);
    assert.deepEqual(await bill('sub_mchid=1900077002'), [[provider, '1900077002', 'P1900077002']]);
    const foreign = await desk.tradeBill('sub_mchid=1900000001');
    assert.deepEqual([foreign.status, foreign.json.code], [400, 'INVALID_REQUEST']);
  });

  it('bills are the same after a restart, states of refunds included', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'bills-'));
    try {
      desk = await BillDesk.open({ dataDir });
      await desk.paid('T000001');
      await desk.refunded('T000001', 'R1', 100);
      desk.simulator.gateway.finishRefund('R1', 'ABNORMAL');
      desk.at('2026-03-02T10:00:00+08:00');
      const { json } = await desk.tradeBill();
      desk.simulator.gateway.finishRefund('R1', 'SUCCESS');
      await desk.close();
      desk = await BillDesk.open({ dataDir }, '2026-03-02T11:00:00+08:00');
      assert.equal((await desk.tradeBill()).json.hash_value, json.hash_value);
    } finally {
      await rm(dataDir, { recursive: true });
    }
  });
});
