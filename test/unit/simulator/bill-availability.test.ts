import assert from 'node:assert/strict';
import { request } from 'undici';
import { BillDesk, rowsOf } from './bill-desk.ts';
import { control, isSigned, RawClient } from './client.ts';

describe('simulator: which bills there are, and for how long', () => {
  let desk: BillDesk;
  beforeEach(async () => {
    desk = await BillDesk.open();
    await desk.paid('T000001');
  });
  afterEach(() => desk.close());

  const refusal = async (asked: ReturnType<BillDesk['tradeBill']>) => {
    const { status, json, headers, text } = await asked;
    assert.ok(isSigned(desk.simulator, headers, text), 'business refusals are signed');
    return [status, json.code];
  };

  it('a bill is being made until 09:00 of the next day, Beijing time, even that of an empty day', async () => {
    assert.deepEqual(await refusal(desk.tradeBill()), [400, 'STATEMENT_CREATING']);
    desk.at('2026-03-02T08:59:59.999+08:00');
    assert.deepEqual(await refusal(desk.tradeBill()), [400, 'STATEMENT_CREATING']);
    assert.deepEqual(await refusal(desk.fundFlow()), [400, 'STATEMENT_CREATING']);
    desk.at('2026-03-02T09:00:00+08:00');
    assert.equal((await desk.tradeBill()).status, 200);
    assert.equal((await desk.fundFlow()).status, 200);
    assert.deepEqual(await refusal(desk.tradeBill('', '2026-03-02')), [400, 'STATEMENT_CREATING']);
    desk.at('2026-03-03T09:00:00+08:00');
    assert.deepEqual(await refusal(desk.tradeBill('', '2026-03-02')), [400, 'NO_STATEMENT_EXIST']);
  });

  it('a day without trade has a bill once the clock went back and somebody traded', async () => {
    desk.at('2026-03-03T10:00:00+08:00');
    assert.deepEqual(await refusal(desk.tradeBill('', '2026-03-02')), [400, 'NO_STATEMENT_EXIST']);
    desk.at('2026-03-02T10:00:00+08:00');
    await desk.paid('T000002');
    desk.at('2026-03-03T10:00:00+08:00');
    assert.equal((await desk.tradeBill('', '2026-03-02')).status, 200);
  });

  it('told so, bills are there at once, with what happened until now', async () => {
    const settings = await control(desk.simulator, 'POST', '/bills/settings', { available: 'immediately' });
    assert.equal(settings.json.available, 'immediately');
    const first = await desk.tradeBill();
    await desk.paid('T000002');
    const second = await desk.tradeBill();
    assert.deepEqual(
      rowsOf(await desk.text(first)).map((row) => row.商户订单号),
      ['T000001'],
    );
    assert.deepEqual(
      rowsOf(await desk.text(second)).map((row) => row.商户订单号),
      ['T000001', 'T000002'],
    );
    assert.deepEqual(await refusal(desk.tradeBill('', '2026-03-02')), [400, 'INVALID_REQUEST']);
  });

  it('a scenario can say so, too', async () => {
    await desk.close();
    desk = await BillDesk.open({ scenario: { bills: { available: 'immediately' } } });
    assert.deepEqual(await refusal(desk.tradeBill()), [400, 'NO_STATEMENT_EXIST']);
    await desk.paid('T000001');
    assert.equal((await desk.tradeBill()).status, 200);
  });

  it('bills go back three months', async () => {
    desk.at('2026-06-01T10:00:00+08:00');
    assert.equal((await desk.tradeBill()).status, 200);
    assert.equal((await desk.fundFlow()).status, 200);
    desk.at('2026-06-02T00:00:00+08:00');
    assert.deepEqual(await refusal(desk.tradeBill()), [400, 'INVALID_REQUEST']);
    assert.deepEqual(await refusal(desk.fundFlow()), [400, 'INVALID_REQUEST']);
  });

  for (const [what, now, oldest] of [
    ['a month that is shorter', '2026-05-31T10:00:00+08:00', '2026-02-28'],
    ['a leap year', '2024-05-31T10:00:00+08:00', '2024-02-29'],
    ['another year', '2026-02-15T10:00:00+08:00', '2025-11-15'],
  ] as const) {
    it(`three months back into ${what}`, async () => {
      desk.at(now);
      const before = new Date(Date.parse(oldest) - 24 * 3600_000).toISOString().slice(0, 10);
      assert.deepEqual(await refusal(desk.tradeBill('', oldest)), [400, 'NO_STATEMENT_EXIST']);
      assert.deepEqual(await refusal(desk.tradeBill('', before)), [400, 'INVALID_REQUEST']);
    });
  }

  for (const date of [
    '20260301',
    '2026-3-1',
    '2026-02-30',
    '2026-13-01',
    'yesterday',
    '2026-03-01T00:00:00+08:00',
  ]) {
    it(`${date} is no date`, async () => {
      const { status, json } = await desk.tradeBill('', encodeURIComponent(date));
      assert.deepEqual([status, json.code], [400, 'PARAM_ERROR']);
      assert.deepEqual(
        [json.detail.field, json.detail.location, json.detail.value],
        ['bill_date', 'query', date],
      );
    });
  }

  for (const [path, field] of [
    ['/v3/bill/tradebill', 'bill_date'],
    ['/v3/bill/fundflowbill', 'bill_date'],
    ['/v3/bill/tradebill?bill_date=2026-03-01&bill_type=NONE', 'bill_type'],
    ['/v3/bill/tradebill?bill_date=2026-03-01&tar_type=ZIP', 'tar_type'],
    ['/v3/bill/fundflowbill?bill_date=2026-03-01&account_type=Basic', 'account_type'],
    ['/v3/bill/fundflowbill?bill_date=2026-03-01&account_type=DEPOSIT', 'account_type'],
    ['/v3/billdownload/file', 'token'],
  ] as const) {
    it(`${path} is refused for its ${field}`, async () => {
      const { status, json } = await desk.client.get(path);
      assert.deepEqual([status, json.code, json.detail.field], [400, 'PARAM_ERROR', field]);
    });
  }

  it('older types are the same bills, and nobody has refunds of recharges', async () => {
    desk.at('2026-03-02T10:00:00+08:00');
    const [all, special] = await Promise.all([desk.tradeBill(), desk.tradeBill('bill_type=ALL_SPECIAL')]);
    assert.equal(special.json.hash_value, all.json.hash_value);
    assert.deepEqual(await refusal(desk.tradeBill('bill_type=RECHARGE_REFUND')), [400, 'NO_STATEMENT_EXIST']);
    assert.deepEqual(await refusal(desk.tradeBill('bill_type=REF_SPECIAL')), [400, 'NO_STATEMENT_EXIST']);
  });

  describe('the download', () => {
    beforeEach(() => desk.at('2026-03-02T10:00:00+08:00'));

    it('is not signed, lives for five minutes, and can be repeated until then', async () => {
      const asked = await desk.tradeBill();
      desk.wait(5 * 60_000 - 1);
      const { status, headers, headerNames, text } = await desk.download(asked);
      assert.equal(status, 200);
      assert.equal(headers['Content-Type'], 'text/plain');
      assert.deepEqual(
        headerNames.filter((name) => /^wechatpay/i.test(name)),
        [],
      );
      assert.equal((await desk.download(asked)).text, text);
      desk.wait(1);
      assert.deepEqual(await refusal(desk.download(asked)), [400, 'INVALID_REQUEST']);
      assert.equal((await desk.download(await desk.tradeBill())).text, text);
    });

    it('is there on the path of older pages, too', async () => {
      const { json } = await desk.tradeBill();
      const { search } = new URL(json.download_url);
      assert.equal((await desk.client.get(`/v3/bill/downloadurl${search}`)).status, 200);
    });

    it('is for whoever asked for it', async () => {
      const asked = await desk.tradeBill();
      const other = new RawClient(desk.simulator, {
        merchant: desk.simulator.world.provider,
        clock: desk.clock,
      });
      const { pathname, search } = new URL(asked.json.download_url);
      const { status, json } = await other.get(pathname + search);
      await other.close();
      assert.deepEqual([status, json.code], [403, 'NO_AUTH']);
      assert.equal((await desk.download(asked)).status, 200);
    });

    it('wants a signature', async () => {
      const { json } = await desk.tradeBill();
      const { statusCode, body } = await request(json.download_url, {
        headers: { accept: '*/*', 'user-agent': 'test' },
      });
      assert.deepEqual([statusCode, ((await body.json()) as { code: string }).code], [401, 'SIGN_ERROR']);
    });

    it('knows no invented token', async () => {
      const { status, json } = await desk.client.get('/v3/billdownload/file?token=abc');
      assert.deepEqual([status, json.code], [400, 'INVALID_REQUEST']);
    });

    it('is on the host that was called', async () => {
      const path = '/v3/bill/tradebill?bill_date=2026-03-01';
      const url = async (host: string) =>
        (await desk.client.get(path, { headers: { host } })).json.download_url as string;
      assert.match(
        await url('api.mch.weixin.qq.com'),
        /^https:\/\/api\.mch\.weixin\.qq\.com\/v3\/billdownload\/file\?token=\w{64}$/,
      );
      assert.match(await url('api2.mch.weixin.qq.com'), /^https:\/\/api2\.mch\.weixin\.qq\.com\//);
      assert.ok((await desk.tradeBill()).json.download_url.startsWith(`${desk.simulator.baseUrl}/`));
    });
  });

  it('a reset forgets bills, their addresses and settings', async () => {
    desk.at('2026-03-02T10:00:00+08:00');
    const asked = await desk.tradeBill();
    await control(desk.simulator, 'POST', '/bills/settings', { available: 'immediately' });
    await control(desk.simulator, 'POST', '/bills/synthetic', { date: '2026-03-01', rows: 3 });
    await control(desk.simulator, 'POST', '/reset');
    assert.deepEqual(await refusal(desk.download(asked)), [400, 'INVALID_REQUEST']);
    assert.deepEqual(await refusal(desk.tradeBill()), [400, 'NO_STATEMENT_EXIST']);
    assert.deepEqual(await refusal(desk.tradeBill('', '2026-03-02')), [400, 'STATEMENT_CREATING']);
  });
});
