import assert from 'node:assert/strict';
import { createDecipheriv, createHash, privateDecrypt } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { BillDesk, parsed, rowsOf } from './bill-desk.ts';
import { control, type RawAnswer } from './client.ts';

const TITLES =
  '记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),资金变更提交申请人,备注,业务凭证号';
const SUMMARY = '资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额';

describe('simulator: fund flows', () => {
  let desk: BillDesk;
  afterEach(() => desk.close());

  const movements = (text: string) =>
    rowsOf(text).map((row) => [
      row.业务凭证号,
      row.业务类型,
      row.收支类型,
      row['收支金额(元)'],
      row['账户结余(元)'],
    ]);

  it('a payment comes in and its fee goes out; a refund goes out, and its fee comes back', async () => {
    desk = await BillDesk.open();
    const transactionId = await desk.paid('T000001');
    const refundId = await desk.refunded('T000001', 'R1', 590);
    await desk.refunded('T000001', 'R2', 2000);
    desk.at('2026-03-02T10:00:00+08:00');
    const asked = await desk.fundFlow();
    const text = await desk.text(asked);
    assert.deepEqual(movements(text), [
      ['T000001', '交易', '收入', '25.90', '100025.90'],
      ['T000001', '扣除交易手续费', '支出', '0.16', '100025.74'],
      ['R1', '退款', '支出', '5.90', '100019.84'],
      ['R1', '退还交易手续费', '收入', '0.04', '100019.88'],
      ['R2', '退款', '支出', '20.00', '99999.88'],
      ['R2', '退还交易手续费', '收入', '0.12', '100000.00'],
    ]);
    const lines = text.split('\n');
    assert.equal(lines[0], TITLES);
    assert.equal(lines[7], SUMMARY);
    assert.equal(lines[8], '`6,`3,`26.06,`3,`26.06');
    const rows = rowsOf(text);
    assert.deepEqual(rows.map((row) => row.微信支付业务单号).slice(0, 3), [
      transactionId,
      transactionId,
      refundId,
    ]);
    assert.equal(new Set(rows.map((row) => row.资金流水单号)).size, 6);
    const { bytes } = await desk.download(asked);
    const { summary } = await parsed(bytes, asked.json.hash_value, 'fund_flow');
    assert.equal(summary.total_count, 6);
  });

  it('the balance goes on from day to day, and a refund that is closed gives its money back on that day', async () => {
    desk = await BillDesk.open({ scenario: { bills: { opening_balance: 0 } } });
    await desk.paid('T000001', { total: 10_000 });
    await desk.refunded('T000001', 'R1', 5000, 10_000);
    desk.at('2026-03-02T12:00:00+08:00');
    await desk.paid('T000002', { total: 100 });
    desk.at('2026-03-02T18:00:00+08:00');
    desk.simulator.gateway.finishRefund('R1', 'CLOSED');
    desk.at('2026-03-03T10:00:00+08:00');
    assert.deepEqual(movements(await desk.text(await desk.fundFlow('', '2026-03-01'))), [
      ['T000001', '交易', '收入', '100.00', '100.00'],
      ['T000001', '扣除交易手续费', '支出', '0.60', '99.40'],
      ['R1', '退款', '支出', '50.00', '49.40'],
      ['R1', '退还交易手续费', '收入', '0.30', '49.70'],
    ]);
    assert.deepEqual(movements(await desk.text(await desk.fundFlow('', '2026-03-02'))), [
      ['T000002', '交易', '收入', '1.00', '50.70'],
      ['T000002', '扣除交易手续费', '支出', '0.01', '50.69'],
      ['R1', '退款关闭', '收入', '50.00', '100.69'],
      ['R1', '扣除交易手续费', '支出', '0.30', '100.39'],
    ]);
  });

  it('what the bill says is what the balance of the merchant says', async () => {
    desk = await BillDesk.open({ scenario: { bills: { opening_balance: 0 } } });
    await desk.paid('T000001', { total: 777, coupon: { amount: 77, type: 'NOCASH' } });
    await desk.paid('T000002', { total: 3333 });
    await desk.refunded('T000001', 'R1', 111, 777);
    await desk.refunded('T000001', 'R2', 666, 777);
    desk.at('2026-03-02T10:00:00+08:00');
    const last = movements(await desk.text(await desk.fundFlow())).at(-1)?.[4];
    const { json } = await control(
      desk.simulator,
      'GET',
      `/merchants/${desk.simulator.merchant.mchid}/balance`,
    );
    assert.equal(last, ((json.AVAILABLE + json.UNSETTLED) / 100).toFixed(2));
  });

  it('fees can have an account of their own; on the others nothing happens', async () => {
    desk = await BillDesk.open({ scenario: { bills: { fee_account: 'FEES' } } });
    await desk.paid('T000001');
    desk.at('2026-03-02T10:00:00+08:00');
    const types = async (account: string) =>
      movements(await desk.text(await desk.fundFlow(`account_type=${account}`)));
    assert.deepEqual(await types('BASIC'), [['T000001', '交易', '收入', '25.90', '100025.90']]);
    assert.deepEqual(await types('FEES'), [['T000001', '扣除交易手续费', '支出', '0.16', '-0.16']]);
    const none = await desk.fundFlow('account_type=OPERATION');
    assert.deepEqual([none.status, none.json.code], [400, 'NO_STATEMENT_EXIST']);
  });

  it('the old layout has full-width brackets, and our parser reads it', async () => {
    desk = await BillDesk.open({
      scenario: { bills: { layout: 'old', counts: 'decimal', newline: 'crlf', bom: true } },
    });
    await desk.paid('T000001');
    desk.at('2026-03-02T10:00:00+08:00');
    const asked = await desk.fundFlow();
    const { bytes } = await desk.download(asked);
    assert.match(bytes.toString('utf8'), /^\ufeff.*收支金额（元）,账户结余（元）/);
    assert.match(bytes.toString('utf8'), /\r\n`2\.0,`1\.0,`25\.90,`1\.0,`0\.16\r\n$/);
    const { rows, summary } = await parsed(bytes, asked.json.hash_value, 'fund_flow');
    assert.deepEqual([rows.length, summary.income_amount, summary.expense_amount], [2, 2590, 16]);
  });

  describe('of sub-merchants', () => {
    beforeEach(async () => {
      desk = await BillDesk.open({}, undefined, ({ world }) => world.provider);
    });

    async function trade(count: number): Promise<string> {
      const { appid, mchid, subMerchants } = desk.simulator.world.provider;
      const sub = subMerchants[0]?.mchid ?? '';
      for (let index = 0; index < count; index++) {
        await desk.client.post('/v3/pay/partner/transactions/native', {
          sp_appid: appid,
          sp_mchid: mchid,
          sub_mchid: sub,
          description: 'Tea',
          out_trade_no: `P00000${index}`,
          notify_url: 'https://pay.example.com/wx',
          amount: { total: 2590 },
        });
        desk.wait(1000);
        desk.simulator.gateway.pay(`P00000${index}`);
      }
      desk.at('2026-03-02T10:00:00+08:00');
      return sub;
    }

    /** The text of one part, decrypted with nothing of ours. */
    async function open(part: {
      encrypt_key: string;
      nonce: string;
      hash_value: string;
      download_url: string;
    }) {
      const key = privateDecrypt(
        { key: desk.client.merchant.privateKeyPem, oaepHash: 'sha1' },
        Buffer.from(part.encrypt_key, 'base64'),
      );
      assert.equal(key.length, 32);
      const { bytes } = await desk.download({ json: part } as RawAnswer);
      const decipher = createDecipheriv('aes-256-gcm', key, part.nonce);
      decipher.setAuthTag(bytes.subarray(-16));
      const plain = Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]);
      const text = plain[0] === 0x1f ? gunzipSync(plain) : plain;
      assert.equal(createHash('sha1').update(text).digest('hex'), part.hash_value);
      return text.toString('utf8');
    }

    for (const tar of ['', '&tar_type=GZIP']) {
      it(`are encrypted for the service provider${tar && ', compressed before'}`, async () => {
        const sub = await trade(1);
        const asked = await desk.client.get(
          `/v3/bill/sub-merchant-fundflowbill?sub_mchid=${sub}&bill_date=2026-03-01&account_type=BASIC&algorithm=AEAD_AES_256_GCM${tar}`,
        );
        assert.equal(asked.status, 200, asked.text);
        assert.equal(asked.json.download_bill_count, 1);
        const [part] = asked.json.download_bill_list;
        assert.deepEqual([part.bill_sequence, part.hash_type], [1, 'SHA1']);
        assert.deepEqual(movements(await open(part)), [
          ['P000000', '交易', '收入', '25.90', '100025.90'],
          ['P000000', '扣除交易手续费', '支出', '0.16', '100025.74'],
        ]);
      });
    }

    it('come in parts when they are large, which joined are one bill', async () => {
      await control(desk.simulator, 'POST', '/bills/settings', { part_rows: 4 });
      await trade(5);
      const asked = await desk.client.get(
        '/v3/ecommerce/bill/fundflowbill?bill_date=2026-03-01&account_type=ALL&algorithm=AEAD_AES_256_GCM&tar_type=GZIP',
      );
      assert.equal(asked.json.download_bill_count, 3);
      const parts = asked.json.download_bill_list;
      assert.deepEqual(
        parts.map((part: { bill_sequence: number }) => part.bill_sequence),
        [1, 2, 3],
      );
      const texts = [];
      for (const part of parts) texts.push(await open(part));
      assert.deepEqual(
        texts.map((text) => text.split('\n').length - 1),
        [5, 4, 4],
      );
      const whole = texts.join('');
      const hash = createHash('sha1').update(whole).digest('hex');
      const { rows, summary } = await parsed(Buffer.from(whole), hash, 'fund_flow');
      assert.deepEqual([rows.length, summary.total_count, summary.income_amount], [10, 10, 5 * 2590]);
    });

    it('the money of sub-merchants is not in the fund flow of the service provider', async () => {
      await trade(1);
      const { status, json } = await desk.fundFlow();
      assert.deepEqual([status, json.code], [400, 'NO_STATEMENT_EXIST']);
    });

    for (const [what, query, code] of [
      ['without an algorithm', 'account_type=BASIC', 'PARAM_ERROR'],
      ['with another algorithm', 'account_type=BASIC&algorithm=SM4_GCM', 'PARAM_ERROR'],
      ['without an account', 'algorithm=AEAD_AES_256_GCM', 'PARAM_ERROR'],
      ['of DEPOSIT', 'account_type=DEPOSIT&algorithm=AEAD_AES_256_GCM', 'NO_STATEMENT_EXIST'],
    ] as const) {
      it(`there is none ${what}`, async () => {
        const sub = await trade(1);
        const path = `/v3/bill/sub-merchant-fundflowbill?sub_mchid=${sub}&bill_date=2026-03-01&${query}`;
        const { status, json } = await desk.client.get(path);
        assert.deepEqual([status, json.code], [400, code]);
      });
    }

    it('there is none of another provider’s sub-merchant, nor for a merchant', async () => {
      await trade(1);
      const query = 'bill_date=2026-03-01&account_type=BASIC&algorithm=AEAD_AES_256_GCM';
      const foreign = await desk.client.get(
        `/v3/bill/sub-merchant-fundflowbill?sub_mchid=1900000001&${query}`,
      );
      assert.deepEqual([foreign.status, foreign.json.code], [400, 'INVALID_REQUEST']);
      const merchant = await BillDesk.open();
      const refused = await merchant.client.get(`/v3/ecommerce/bill/fundflowbill?${query}`);
      await merchant.close();
      assert.deepEqual([refused.status, refused.json.code], [403, 'NO_AUTH']);
    });
  });
});
