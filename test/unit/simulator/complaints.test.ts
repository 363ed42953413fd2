import assert from 'node:assert/strict';
import { constants, privateDecrypt } from 'node:crypto';
import { JPEG, PNG } from '../wechatpay/images.ts';
import { BASE, ComplaintDesk, codeOf } from './complaint-desk.ts';

const NOON = Date.parse('2026-03-01T12:00:00+08:00');
const DAY_MS = 24 * 3600_000;

/** A day of the calendar in Asia/Shanghai, `days` from today. */
function day(days = 0): string {
  return new Date(Date.now() + 8 * 3600_000 + days * DAY_MS).toISOString().slice(0, 10);
}
const TODAY = `begin_date=${day(-1)}&end_date=${day(1)}`;

describe('simulator: complaints', () => {
  let desk: ComplaintDesk;
  afterEach(() => desk.close());

  describe('the complaint', () => {
    it('tells what the customer said about which order, and hides the telephone number', async () => {
      desk = await ComplaintDesk.open();
      const id = await desk.complaint({
        problem_type: 'REFUND',
        complaint_detail: 'broken',
        problem_description: 'Quality',
        apply_refund_amount: 1000,
        payer_phone: '13800138000',
        images: [PNG.toString('base64')],
        user_tags: ['TRUSTED'],
        service_orders: [{ order_id: '1', out_order_no: '2', state: 'DOING' }],
        additional_info: {
          type: 'SHARE_POWER_TYPE',
          share_power_info: { is_returned_to_same_machine: true },
        },
      });
      const { payer_phone, complaint_time, complaint_media_list, ...rest } = await desk.get(id);
      const order = desk.simulator.gateway.order('PAID001');
      assert.match(id, /^\d{27}$/);
      assert.match(complaint_time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+08:00$/);
      assert.equal(complaint_media_list[0].media_type, 'USER_COMPLAINT_IMAGE');
      assert.ok(complaint_media_list[0].media_url[0].startsWith(`${desk.simulator.baseUrl}${BASE}/images/`));
      const phone = privateDecrypt(
        {
          key: desk.simulator.merchant.privateKeyPem,
          padding: constants.RSA_PKCS1_OAEP_PADDING,
          oaepHash: 'sha1',
        },
        Buffer.from(payer_phone, 'base64'),
      );
      assert.equal(phone.toString(), '13800138000');
      assert.match(rest.payer_openid, /^o/);
      delete rest.payer_openid;
      assert.deepEqual(rest, {
        complaint_id: id,
        complaint_detail: 'broken',
        complaint_state: 'PENDING',
        complainted_mchid: desk.simulator.merchant.mchid,
        complaint_order_info: [
          { transaction_id: order.transaction_id, out_trade_no: 'PAID001', amount: 2590 },
        ],
        service_order_info: [{ order_id: '1', out_order_no: '2', state: 'DOING' }],
        complaint_full_refunded: false,
        incoming_user_response: true,
        problem_description: 'Quality',
        problem_type: 'REFUND',
        apply_refund_amount: 1000,
        user_complaint_times: 1,
        user_tag_list: ['TRUSTED'],
        additional_info: {
          type: 'SHARE_POWER_TYPE',
          share_power_info: { is_returned_to_same_machine: true },
        },
        in_platform_service: false,
        need_immediate_service: false,
        is_agent_mode: false,
      });
    });

    it('is unknown to those it is nothing to, and to those who invent its number', async () => {
      desk = await ComplaintDesk.open();
      const id = await desk.complaint();
      assert.deepEqual(codeOf(await desk.client.get(`${BASE}/complaints-v2/20020180000`)), [
        404,
        'RESOURCE_NOT_EXISTS',
      ]);
      const other = { mchid: desk.simulator.world.provider.mchid };
      assert.deepEqual(codeOf(await desk.client.get(`${BASE}/complaints-v2/${id}`, other)), [403, 'NO_AUTH']);
      const body = { ...desk.mchid(), response_content: 'x' };
      assert.deepEqual(codeOf(await desk.act(id, 'response', body, other)), [403, 'NO_AUTH']);
    });

    it('can only be about an order that is paid', async () => {
      desk = await ComplaintDesk.open();
      await desk.client.order('UNPAID1');
      assert.throws(() => desk.complain({ out_trade_no: 'UNPAID1' }), /is not paid/);
      assert.throws(() => desk.complain({ out_trade_no: 'NOBODYS' }), /no order/);
    });

    it('a second one about the same order counts up', async () => {
      desk = await ComplaintDesk.open();
      await desk.complaint();
      assert.equal((await desk.get(desk.complain())).user_complaint_times, 2);
    });

    it('addresses of images are on the host that was called', async () => {
      desk = await ComplaintDesk.open();
      const id = await desk.complaint({ images: [JPEG.toString('base64')] });
      const { json } = await desk.client.get(`${BASE}/complaints-v2/${id}`, {
        headers: { host: 'api.mch.weixin.qq.com' },
      });
      assert.match(
        json.complaint_media_list[0].media_url[0],
        /^https:\/\/api\.mch\.weixin\.qq\.com\/v3\/merchant-service\/images\/\w+$/,
      );
    });
  });

  describe('lists', () => {
    it('newest first, page by page, and only the first page says how many there are', async () => {
      desk = await ComplaintDesk.open();
      const ids = [await desk.complaint(), desk.complain(), desk.complain()];
      const first = await desk.client.get(`${BASE}/complaints-v2?${TODAY}&limit=2`);
      assert.deepEqual(
        first.json.data.map(({ complaint_id }: { complaint_id: string }) => complaint_id),
        [ids[2], ids[1]],
      );
      assert.deepEqual([first.json.limit, first.json.offset, first.json.total_count], [2, 0, 3]);
      assert.equal('payer_openid' in first.json.data[0], false);
      const second = await desk.client.get(`${BASE}/complaints-v2?${TODAY}&limit=2&offset=2`);
      assert.deepEqual(
        second.json.data.map(({ complaint_id }: { complaint_id: string }) => complaint_id),
        [ids[0]],
      );
      assert.equal('total_count' in second.json, false);
    });

    it('have 10 entries unless told, and take days of Asia/Shanghai, at most 30 apart', async () => {
      // Half past midnight in Shanghai is still the day before in UTC.
      const now = Date.parse('2026-03-02T00:30:00+08:00');
      desk = await ComplaintDesk.open({ clock: () => now });
      const at = { timestamp: Math.floor(now / 1000) };
      await desk.client.order('PAID001', {}, at);
      desk.simulator.gateway.pay('PAID001');
      for (let count = 0; count < 11; count += 1) desk.complain();
      const list = (range: string) => desk.client.get(`${BASE}/complaints-v2?${range}`, at);
      const found = await list('begin_date=2026-03-02&end_date=2026-03-02');
      assert.equal(found.json.data.length, 10);
      assert.equal(found.json.total_count, 11);
      assert.deepEqual((await list('begin_date=2026-03-01&end_date=2026-03-01')).json, {
        data: [],
        limit: 10,
        offset: 0,
        total_count: 0,
      });
      assert.equal((await list('begin_date=2026-02-01&end_date=2026-03-03')).status, 200);
      const tooLong = await list('begin_date=2026-02-01&end_date=2026-03-04');
      assert.deepEqual([...codeOf(tooLong), tooLong.json.detail.field], [400, 'PARAM_ERROR', 'end_date']);
    });

    for (const [query, field] of [
      ['begin_date=2026-03-01', 'end_date'],
      ['begin_date=20260301&end_date=2026-03-01', 'begin_date'],
      ['begin_date=2026-02-30&end_date=2026-03-01', 'begin_date'],
      ['begin_date=2026-03-02&end_date=2026-03-01', 'end_date'],
      [`${TODAY}&limit=51`, 'limit'],
      [`${TODAY}&limit=0`, 'limit'],
      [`${TODAY}&offset=-1`, 'offset'],
    ] as const) {
      it(`${query} is refused for its ${field}`, async () => {
        desk = await ComplaintDesk.open();
        const answer = await desk.client.get(`${BASE}/complaints-v2?${query}`);
        assert.deepEqual(codeOf(answer), [400, 'PARAM_ERROR']);
        assert.equal(answer.json.detail.field, field);
      });
    }

    it("a service provider sees all its sub-merchants' complaints, a merchant only its own", async () => {
      desk = await ComplaintDesk.open();
      const own = await desk.complaint();
      await desk.paidBySub('SUB0001');
      const subs = desk.complain({ out_trade_no: 'SUB0001' });
      const { provider } = desk.simulator.world;
      const subMchid = provider.subMerchants[0]?.mchid ?? '';
      const ids = async (query: string, deviation = {}) =>
        (await desk.client.get(`${BASE}/complaints-v2?${TODAY}${query}`, deviation)).json.data.map(
          ({ complaint_id }: { complaint_id: string }) => complaint_id,
        );
      const asProvider = { mchid: provider.mchid };
      assert.deepEqual(await ids(''), [own]);
      assert.deepEqual(await ids('', asProvider), [subs]);
      assert.deepEqual(await ids(`&complainted_mchid=${subMchid}`, asProvider), [subs]);
      assert.deepEqual(await ids('&complainted_mchid=1900000000', asProvider), []);
      const answered = await desk.act(
        subs,
        'response',
        { complainted_mchid: subMchid, response_content: 'We are sorry' },
        asProvider,
      );
      assert.equal(answered.status, 204);
      const named = { complainted_mchid: provider.mchid, response_content: 'We are sorry' };
      assert.deepEqual(codeOf(await desk.act(subs, 'response', named, asProvider)), [403, 'NO_AUTH']);
    });
  });

  it('faults spoil these calls, too', async () => {
    desk = await ComplaintDesk.open();
    const id = await desk.complaint();
    desk.simulator.gateway.addFault({ operation: 'complaint.respond', kind: 'error_500', processed: true });
    assert.equal((await desk.respond(id)).status, 500);
    assert.equal((await desk.get(id)).complaint_state, 'PROCESSING');
  });

  it('more calls than documented are FREQUENCY_LIMITED where limits are on', async () => {
    desk = await ComplaintDesk.open({ rateLimits: true, clock: () => NOON });
    const at = { timestamp: NOON / 1000 };
    await desk.client.order('PAID001', {}, at);
    desk.simulator.gateway.pay('PAID001');
    const id = desk.complain();
    const body = { ...desk.mchid(), response_content: 'We are sorry' };
    for (let count = 0; count < 60; count += 1) {
      assert.equal((await desk.act(id, 'response', body, at)).status, 204);
    }
    assert.deepEqual(codeOf(await desk.act(id, 'response', body, at)), [429, 'FREQUENCY_LIMITED']);
  });

  it('overseas merchants have the same calls on their own paths, and only there', async () => {
    desk = await ComplaintDesk.open();
    const overseas = desk.simulator.world.merchants().find(({ region }) => region === 'overseas');
    const as = { mchid: overseas?.mchid ?? '' };
    const list = (prefix: string, deviation = {}) =>
      desk.client.get(`${prefix}/merchant-service/complaints-v2?${TODAY}`, deviation);
    assert.equal((await list('/v3/global', as)).status, 200);
    assert.equal((await list('/hk/v3', as)).status, 200);
    for (const answer of [await list('/v3', as), await list('/v3/global')]) {
      assert.deepEqual(codeOf(answer), [400, 'INVALID_REQUEST']);
      assert.equal(answer.json.message, '暂不支持境外支付');
    }
  });
});
