import assert from 'node:assert/strict';
import { constants, createHash, privateDecrypt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ComplaintRequest } from '../../../simulator/complaint-desk.ts';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../../simulator/index.ts';
import { secondsBeforeRetry } from '../../../simulator/retry-schedule.ts';
import { decryptResource } from '../../../wechatpay/v3/aead.ts';
import { BMP, GIF, JPEG, PNG } from '../wechatpay/images.ts';
import { control, isSigned, orderBody, type RawAnswer, RawClient } from './client.ts';
import { type Receiver, startReceiver } from './receiver.ts';

const BASE = '/v3/merchant-service';
const DAY_MS = 24 * 3600_000;

/** A day of the calendar in Asia/Shanghai, `days` from today. */
function day(days = 0): string {
  return new Date(Date.now() + 8 * 3600_000 + days * DAY_MS).toISOString().slice(0, 10);
}
const TODAY = `begin_date=${day(-1)}&end_date=${day(1)}`;

function codeOf({ status, json }: RawAnswer): [number, string] {
  return [status, json?.code];
}

describe('simulator: complaints', () => {
  let simulator: Simulator;
  let client: RawClient;
  let receiver: Receiver | undefined;

  async function start(options: SimulatorOptions = {}) {
    simulator = await startSimulator({
      refundDelayMs: Number.POSITIVE_INFINITY,
      notifyDelayMs: 0,
      ...options,
    });
    client = new RawClient(simulator);
  }
  async function paid(outTradeNo: string): Promise<void> {
    await client.order(outTradeNo);
    simulator.gateway.pay(outTradeNo);
  }
  /** A paid order of the sub-merchant. */
  async function paidBySub(outTradeNo: string): Promise<void> {
    const { provider } = simulator.world;
    const { appid: _appid, mchid: _mchid, ...order } = orderBody(simulator, outTradeNo);
    const answer = await client.post(
      '/v3/pay/partner/transactions/native',
      {
        ...order,
        sp_appid: provider.appid,
        sp_mchid: provider.mchid,
        sub_mchid: provider.subMerchants[0]?.mchid,
      },
      { mchid: provider.mchid },
    );
    assert.equal(answer.status, 200, answer.text);
    simulator.gateway.pay(outTradeNo);
  }
  function complain(request: Partial<ComplaintRequest> = {}): string {
    return simulator.gateway.complaints.complain({ out_trade_no: 'PAID001', ...request }).complaint_id;
  }
  async function complaint(request: Partial<ComplaintRequest> = {}): Promise<string> {
    await paid('PAID001');
    return complain(request);
  }
  const get = async (id: string) => (await client.get(`${BASE}/complaints-v2/${id}`)).json;
  const history = async (id: string): Promise<string[]> =>
    (await client.get(`${BASE}/complaints-v2/${id}/negotiation-historys`)).json.data.map(
      ({ operate_type }: { operate_type: string }) => operate_type,
    );
  const act = (id: string, call: string, body: object = {}, deviation = {}) =>
    client.post(`${BASE}/complaints-v2/${id}/${call}`, body, deviation);
  const mchid = () => ({ complainted_mchid: simulator.merchant.mchid });
  const respond = (id: string, changes: object = {}) =>
    act(id, 'response', { ...mchid(), response_content: 'We are sorry', ...changes });

  /** Uploads as a browser form does; what is not told is right. */
  function upload(
    file: { filename?: string; bytes: Buffer },
    { filename = 'a.png', sha256, meta, ...deviation }: Record<string, string | object | undefined> = {},
  ): Promise<RawAnswer> {
    const hash = sha256 ?? createHash('sha256').update(file.bytes).digest('hex');
    const text = (meta as string) ?? JSON.stringify({ filename, sha256: hash });
    const body = Buffer.concat([
      Buffer.from('--b0undary\r\nContent-Disposition: form-data; name="meta"\r\n'),
      Buffer.from(`Content-Type: application/json\r\n\r\n${text}\r\n--b0undary\r\n`),
      Buffer.from(
        `Content-Disposition: form-data; name="file"; filename="${file.filename ?? filename}"\r\nContent-Type: image/png\r\n\r\n`,
      ),
      file.bytes,
      Buffer.from('\r\n--b0undary--\r\n'),
    ]);
    return client.send('POST', `${BASE}/images/upload`, body, {
      signedBody: text,
      headers: { 'content-type': 'multipart/form-data; boundary=b0undary' },
      ...deviation,
    });
  }

  afterEach(async () => {
    await client.close();
    await simulator.close();
    await receiver?.close();
    receiver = undefined;
  });

  describe('the complaint', () => {
    it('tells what the customer said about which order, and hides the telephone number', async () => {
      await start();
      const id = await complaint({
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
      const { payer_phone, complaint_time, complaint_media_list, ...rest } = await get(id);
      const order = simulator.gateway.order('PAID001');
      assert.match(id, /^\d{27}$/);
      assert.match(complaint_time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+08:00$/);
      assert.equal(complaint_media_list[0].media_type, 'USER_COMPLAINT_IMAGE');
      assert.ok(complaint_media_list[0].media_url[0].startsWith(`${simulator.baseUrl}${BASE}/images/`));
      const phone = privateDecrypt(
        {
          key: simulator.merchant.privateKeyPem,
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
        complainted_mchid: simulator.merchant.mchid,
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
      await start();
      const id = await complaint();
      assert.deepEqual(codeOf(await client.get(`${BASE}/complaints-v2/20020180000`)), [
        404,
        'RESOURCE_NOT_EXISTS',
      ]);
      const other = { mchid: simulator.world.provider.mchid };
      assert.deepEqual(codeOf(await client.get(`${BASE}/complaints-v2/${id}`, other)), [403, 'NO_AUTH']);
      const body = { ...mchid(), response_content: 'x' };
      assert.deepEqual(codeOf(await act(id, 'response', body, other)), [403, 'NO_AUTH']);
    });

    it('can only be about an order that is paid', async () => {
      await start();
      await client.order('UNPAID1');
      assert.throws(() => complain({ out_trade_no: 'UNPAID1' }), /is not paid/);
      assert.throws(() => complain({ out_trade_no: 'NOBODYS' }), /no order/);
    });

    it('a second one about the same order counts up', async () => {
      await start();
      await complaint();
      assert.equal((await get(complain())).user_complaint_times, 2);
    });

    it('addresses of images are on the host that was called', async () => {
      await start();
      const id = await complaint({ images: [JPEG.toString('base64')] });
      const { json } = await client.get(`${BASE}/complaints-v2/${id}`, {
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
      await start();
      const ids = [await complaint(), complain(), complain()];
      const first = await client.get(`${BASE}/complaints-v2?${TODAY}&limit=2`);
      assert.deepEqual(
        first.json.data.map(({ complaint_id }: { complaint_id: string }) => complaint_id),
        [ids[2], ids[1]],
      );
      assert.deepEqual([first.json.limit, first.json.offset, first.json.total_count], [2, 0, 3]);
      assert.equal('payer_openid' in first.json.data[0], false);
      const second = await client.get(`${BASE}/complaints-v2?${TODAY}&limit=2&offset=2`);
      assert.deepEqual(
        second.json.data.map(({ complaint_id }: { complaint_id: string }) => complaint_id),
        [ids[0]],
      );
      assert.equal('total_count' in second.json, false);
    });

    it('have 10 entries unless told, and take days of Asia/Shanghai, at most 30 apart', async () => {
      // Half past midnight in Shanghai is still the day before in UTC.
      const now = Date.parse('2026-03-02T00:30:00+08:00');
      await start({ clock: () => now });
      const at = { timestamp: Math.floor(now / 1000) };
      await client.order('PAID001', {}, at);
      simulator.gateway.pay('PAID001');
      for (let count = 0; count < 11; count += 1) complain();
      const list = (range: string) => client.get(`${BASE}/complaints-v2?${range}`, at);
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
        await start();
        const answer = await client.get(`${BASE}/complaints-v2?${query}`);
        assert.deepEqual(codeOf(answer), [400, 'PARAM_ERROR']);
        assert.equal(answer.json.detail.field, field);
      });
    }

    it("a service provider sees all its sub-merchants' complaints, a merchant only its own", async () => {
      await start();
      const own = await complaint();
      await paidBySub('SUB0001');
      const subs = complain({ out_trade_no: 'SUB0001' });
      const { provider } = simulator.world;
      const subMchid = provider.subMerchants[0]?.mchid ?? '';
      const ids = async (query: string, deviation = {}) =>
        (await client.get(`${BASE}/complaints-v2?${TODAY}${query}`, deviation)).json.data.map(
          ({ complaint_id }: { complaint_id: string }) => complaint_id,
        );
      const asProvider = { mchid: provider.mchid };
      assert.deepEqual(await ids(''), [own]);
      assert.deepEqual(await ids('', asProvider), [subs]);
      assert.deepEqual(await ids(`&complainted_mchid=${subMchid}`, asProvider), [subs]);
      assert.deepEqual(await ids('&complainted_mchid=1900000000', asProvider), []);
      const answered = await act(
        subs,
        'response',
        { complainted_mchid: subMchid, response_content: 'We are sorry' },
        asProvider,
      );
      assert.equal(answered.status, 204);
      const named = { complainted_mchid: provider.mchid, response_content: 'We are sorry' };
      assert.deepEqual(codeOf(await act(subs, 'response', named, asProvider)), [403, 'NO_AUTH']);
    });
  });

  describe('what merchants do', () => {
    it('the first response makes it PROCESSING, complete makes it PROCESSED', async () => {
      await start();
      const id = await complaint();
      const media = (await upload({ bytes: PNG })).json.media_id;
      const answer = await respond(id, {
        response_images: [media],
        jump_url: 'https://shop.example.com/help',
        jump_url_text: 'Help',
        mini_program_jump_info: { appid: 'wx0f1e2d3c4b5a6978', path: 'pages/help', text: 'Help' },
      });
      assert.deepEqual([answer.status, answer.text], [204, '']);
      assert.ok(isSigned(simulator, answer.headers, ''));
      const { complaint_state, incoming_user_response } = await get(id);
      assert.deepEqual([complaint_state, incoming_user_response], ['PROCESSING', false]);
      assert.equal((await respond(id)).status, 204);
      assert.equal((await act(id, 'complete', mchid())).status, 204);
      assert.equal((await get(id)).complaint_state, 'PROCESSED');
      const { json } = await client.get(`${BASE}/complaints-v2/${id}/negotiation-historys`);
      assert.equal(json.total_count, 4);
      const { log_id, operate_time, ...entry } = json.data[1];
      assert.match(log_id, /^3002\d+$/);
      assert.match(operate_time, /\.\d{3}\+08:00$/);
      const media_url = [`${simulator.baseUrl}${BASE}/images/${media}`];
      assert.deepEqual(entry, {
        operator: '商户',
        operate_type: 'MERCHANT_RESPONSE',
        operate_details: 'We are sorry',
        image_list: media_url,
        complaint_media_list: { media_type: 'OPERATION_IMAGE', media_url },
      });
    });

    it('nobody completes what was not answered, nor answers or completes what is PROCESSED', async () => {
      await start();
      const id = await complaint();
      assert.deepEqual(codeOf(await act(id, 'complete', mchid())), [400, 'INVALID_REQUEST']);
      await respond(id);
      await act(id, 'complete', mchid());
      assert.deepEqual(codeOf(await act(id, 'complete', mchid())), [400, 'INVALID_REQUEST']);
      assert.deepEqual(codeOf(await respond(id)), [400, 'INVALID_REQUEST']);
    });

    it('the history has pages', async () => {
      await start();
      const id = await complaint();
      for (let count = 0; count < 3; count += 1) await respond(id);
      const page = async (query: string) =>
        (await client.get(`${BASE}/complaints-v2/${id}/negotiation-historys?${query}`)).json;
      const { data, total_count } = await page('limit=1&offset=1');
      assert.deepEqual([data.length, data[0].operate_type, total_count], [1, 'MERCHANT_RESPONSE', undefined]);
      assert.equal((await page('limit=300')).total_count, 4);
      assert.equal((await page('limit=301')).detail.field, 'limit');
    });

    it('APPROVE promises a refund and moves no money, REJECT ends the complaint; neither can be said twice', async () => {
      await start();
      const approved = await complaint({ problem_type: 'REFUND' });
      const rejected = complain({ problem_type: 'REFUND' });
      const progress = (id: string, body: object) => act(id, 'update-refund-progress', body);
      const media = (await upload({ bytes: PNG })).json.media_id;
      assert.equal((await progress(approved, { action: 'APPROVE', launch_refund_day: 0 })).status, 204);
      assert.equal((await get(approved)).complaint_state, 'PROCESSING');
      assert.equal(simulator.gateway.order('PAID001').amount.refunded, 0);
      const refusal = { action: 'REJECT', reject_reason: 'used', reject_media_list: [media], remark: 'r' };
      assert.equal((await progress(rejected, refusal)).status, 204);
      assert.equal((await get(rejected)).complaint_state, 'PROCESSED');
      assert.deepEqual(await history(rejected), ['USER_CREATE_COMPLAINT', 'MERCHANT_REFUSE_RERUND']);
      for (const id of [approved, rejected]) {
        assert.deepEqual(codeOf(await progress(id, { action: 'APPROVE' })), [400, 'INVALID_REQUEST']);
        assert.deepEqual(codeOf(await progress(id, { action: 'REJECT' })), [400, 'INVALID_REQUEST']);
      }
    });

    it('only who asked for a refund is told about one', async () => {
      await start();
      const id = await complaint({ problem_type: 'OTHERS' });
      const answer = await act(id, 'update-refund-progress', { action: 'APPROVE' });
      assert.deepEqual(codeOf(answer), [400, 'INVALID_REQUEST']);
    });

    it('the refund that was asked for settles the complaint when it arrives', async () => {
      await start();
      const asked = await complaint({ problem_type: 'REFUND', apply_refund_amount: 1500 });
      const other = complain();
      await client.refund('PAID001', 'R1', 1000);
      simulator.gateway.finishRefund('R1', 'SUCCESS');
      assert.equal((await get(asked)).complaint_state, 'PENDING');
      await client.refund('PAID001', 'R2', 1590);
      assert.equal((await get(asked)).complaint_full_refunded, false);
      simulator.gateway.finishRefund('R2', 'SUCCESS');
      const { complaint_state, complaint_full_refunded } = await get(asked);
      assert.deepEqual([complaint_state, complaint_full_refunded], ['PROCESSED', true]);
      assert.deepEqual(await history(asked), [
        'USER_CREATE_COMPLAINT',
        'COMPLAINT_PARTIAL_REFUNDED_SYSTEM_MESSAGE',
        'COMPLAINT_FULL_REFUNDED_SYSTEM_MESSAGE',
        'COMPLAINT_REFUND_RECEIVED_SYSTEM_MESSAGE',
      ]);
      assert.equal((await get(other)).complaint_state, 'PENDING');
      const late = await act(asked, 'update-refund-progress', { action: 'REJECT' });
      assert.deepEqual(codeOf(late), [400, 'INVALID_REQUEST']);
    });

    it('an immediate response is said once however often it is sent, and only to who waits for it', async () => {
      await start();
      const waiting = await complaint({ need_immediate_service: true });
      const other = complain();
      const body = {
        ...mchid(),
        idempotent_id: 'once-1',
        message: {
          blocks: [
            { type: 'TEXT', text: { text: 'Hello', color: 'DEFAULT', is_bold: true } },
            { type: 'IMAGE', image: { media_id: 'x', image_style_type: 'IMAGE_STYLE_TYPE_WIDE' } },
            { type: 'LINK', link: { text: 'Help', action: { action_type: 'ACTION_TYPE_JUMP_URL' } } },
            { type: 'FAQ_LIST', faq_list: { faqs: [{ faq_id: '1', faq_title: 'When?' }] } },
            { type: 'BUTTON', button: { text: 'Ok', invalid_info: { multi_clickable: false } } },
            { type: 'BUTTON_GROUP', button_group: { buttons: [{ text: 'Ok' }] } },
          ],
          sender_identity: 'MACHINE',
          custom_data: 'c',
        },
      };
      const send = (id: string, changes: object = {}) =>
        act(id, 'response-immediate-service', { ...body, ...changes });
      const first = await send(waiting);
      assert.equal(first.status, 200, first.text);
      assert.deepEqual((await send(waiting)).json, first.json);
      assert.deepEqual(await history(waiting), ['USER_CREATE_COMPLAINT', 'MERCHANT_RESPONSE']);
      const { json } = await client.get(`${BASE}/complaints-v2/${waiting}/negotiation-historys?offset=1`);
      assert.equal(json.data[0].log_id, first.json.log_id);
      assert.deepEqual(json.data[0].normal_message, body.message);
      assert.notEqual((await send(waiting, { idempotent_id: 'once-2' })).json.log_id, first.json.log_id);
      assert.equal((await get(waiting)).complaint_state, 'PROCESSING');
      assert.deepEqual(codeOf(await send(other)), [400, 'INVALID_REQUEST']);
      const unknown = await send(waiting, { message: { blocks: [{ type: 'VIDEO' }] } });
      assert.equal(unknown.json.detail.field, '/message/blocks/0/type');
    });

    const text = (length: number) => 'x'.repeat(length);
    const five = ['1', '2', '3', '4', '5'];
    for (const [call, body, field] of [
      ['response', { response_content: undefined }, '/response_content'],
      ['response', { response_content: text(501) }, '/response_content'],
      ['response', { complainted_mchid: undefined }, '/complainted_mchid'],
      ['response', { response_images: five }, '/response_images'],
      ['response', { response_images: ['invented'] }, '/response_images/0'],
      ['response', { jump_url: `https://${text(505)}`, jump_url_text: 'x' }, '/jump_url'],
      ['response', { jump_url: 'http://shop.example.com', jump_url_text: 'x' }, '/jump_url'],
      ['response', { jump_url: 'https://shop.example.com', jump_url_text: text(11) }, '/jump_url_text'],
      ['response', { jump_url: 'https://shop.example.com' }, '/jump_url_text'],
      ['response', { mini_program_jump_info: { appid: 'wx1' } }, '/mini_program_jump_info/path'],
      ['response', { more: 1 }, '/more'],
      ['complete', { complainted_mchid: undefined }, '/complainted_mchid'],
      ['update-refund-progress', { action: 'LATER' }, '/action'],
      ['update-refund-progress', { action: 'APPROVE', launch_refund_day: -1 }, '/launch_refund_day'],
      ['update-refund-progress', { action: 'REJECT', reject_reason: text(201) }, '/reject_reason'],
      ['update-refund-progress', { action: 'REJECT', remark: text(201) }, '/remark'],
      ['update-refund-progress', { action: 'REJECT', reject_media_list: five }, '/reject_media_list'],
      ['update-refund-progress', { action: 'REJECT', reject_media_list: ['x'] }, '/reject_media_list/0'],
      ['response-immediate-service', { idempotent_id: text(129), message: {} }, '/idempotent_id'],
      ['response-immediate-service', { idempotent_id: '1' }, '/message'],
    ] as const) {
      it(`${call}: ${JSON.stringify(body).slice(0, 60)} is refused for ${field}`, async () => {
        await start();
        const usual = call === 'update-refund-progress' ? {} : mchid();
        const content = call === 'response' ? { response_content: 'We are sorry' } : {};
        const answer = await act(await complaint(), call, { ...usual, ...content, ...body });
        assert.deepEqual(codeOf(answer), [400, 'PARAM_ERROR']);
        assert.equal(answer.json.detail.field, field);
        assert.equal(
          (await get(simulator.gateway.complaints.views()[0]?.complaint_id ?? '')).complaint_state,
          'PENDING',
        );
      });
    }
  });

  describe('images', () => {
    for (const [name, bytes, contentType] of [
      ['a.png', PNG, 'image/png'],
      ['b.JPG', JPEG, 'image/jpeg'],
      ['茶.bmp', BMP, 'image/bmp'],
    ] as const) {
      it(`${name} is uploaded with its meta signed, and comes back byte for byte and unsigned`, async () => {
        await start();
        const uploaded = await upload({ bytes }, { filename: name });
        assert.equal(uploaded.status, 200, uploaded.text);
        const answer = await client.get(`${BASE}/images/${uploaded.json.media_id}`);
        assert.equal(answer.status, 200);
        assert.deepEqual(answer.bytes, bytes);
        assert.equal(answer.headers['Content-Type'], contentType);
        assert.equal('Wechatpay-Signature' in answer.headers, false);
      });
    }

    it('a signature over anything but the meta is refused', async () => {
      await start();
      const wrong = await upload({ bytes: PNG }, { signedBody: 'the whole body' });
      assert.deepEqual(codeOf(wrong), [401, 'SIGN_ERROR']);
      const noForm = await upload({ bytes: PNG }, { headers: { 'content-type': 'application/json' } });
      assert.deepEqual(codeOf(noForm), [401, 'SIGN_ERROR']);
    });

    const large = Buffer.concat([PNG, Buffer.alloc(2 * 1024 * 1024)]);
    for (const [name, file, options, field] of [
      ['another hash', { bytes: PNG }, { sha256: 'a'.repeat(64) }, '/sha256'],
      ['no hash at all', { bytes: PNG }, { sha256: 'short' }, '/sha256'],
      ['another name', { bytes: PNG, filename: 'b.png' }, {}, '/filename'],
      ['another ending', { bytes: PNG }, { filename: 'a.gif' }, '/filename'],
      ['a GIF', { bytes: GIF }, {}, '/file'],
      ['no image', { bytes: Buffer.from('<html>') }, {}, '/file'],
      ['more than 2 MB', { bytes: large }, {}, '/file'],
      ['a meta that is no JSON', { bytes: PNG }, { meta: 'a.png' }, ''],
    ] as const) {
      it(`${name} is refused`, async () => {
        await start();
        const answer = await upload(file, options);
        assert.deepEqual(codeOf(answer), [400, 'PARAM_ERROR']);
        assert.equal(answer.json.detail.field, field);
      });
    }

    it('2 MB exactly are taken', async () => {
      await start();
      const bytes = Buffer.concat([PNG, Buffer.alloc(2 * 1024 * 1024 - PNG.length)]);
      assert.equal((await upload({ bytes })).status, 200);
    });

    it('an unknown image, and that of somebody else, is 404', async () => {
      await start();
      const media = (await upload({ bytes: PNG })).json.media_id;
      const unknown = await client.get(`${BASE}/images/unknown`);
      assert.deepEqual(codeOf(unknown), [404, 'RESOURCE_NOT_EXISTS']);
      const other = { mchid: simulator.world.provider.mchid };
      assert.equal((await client.get(`${BASE}/images/${media}`, other)).status, 404);
    });
  });

  describe('the notification address', () => {
    const path = `${BASE}/complaint-notifications`;
    const url = 'https://pay.example.com/complaints';

    it('is set, read, changed and removed', async () => {
      await start();
      const { mchid: own } = simulator.merchant;
      assert.deepEqual((await client.post(path, { url })).json, { mchid: own, url });
      assert.deepEqual((await client.get(path)).json, { mchid: own, url });
      const changed = { url: `${url}/2` };
      const put = await client.send('PUT', path, JSON.stringify(changed));
      assert.deepEqual(put.json, { mchid: own, ...changed });
      assert.deepEqual((await client.get(path)).json, { mchid: own, ...changed });
      assert.equal((await client.send('DELETE', path, '')).status, 204);
      assert.deepEqual(codeOf(await client.get(path)), [400, 'RESOURCE_NOT_EXISTS']);
    });

    it('is set once, and changed or removed only when it is there', async () => {
      await start();
      const missing = [400, 'RESOURCE_NOT_EXISTS'];
      assert.deepEqual(codeOf(await client.send('PUT', path, JSON.stringify({ url }))), missing);
      assert.deepEqual(codeOf(await client.send('DELETE', path, '')), missing);
      await client.post(path, { url });
      assert.deepEqual(codeOf(await client.post(path, { url })), [400, 'RESOURCE_ALREADY_EXISTS']);
    });

    it('is https, at most 255 characters, and each merchant has its own', async () => {
      await start();
      for (const wrong of ['http://pay.example.com/x', `https://pay.example.com/${'x'.repeat(240)}`, 'x']) {
        const answer = await client.post(path, { url: wrong });
        assert.deepEqual([...codeOf(answer), answer.json.detail.field], [400, 'PARAM_ERROR', '/url']);
      }
      await client.post(path, { url });
      const other = await client.get(path, { mchid: simulator.world.provider.mchid });
      assert.equal(other.json.code, 'RESOURCE_NOT_EXISTS');
    });
  });

  describe('notifications', () => {
    async function listen(deviation = {}): Promise<void> {
      receiver = await startReceiver();
      const answer = await client.post(`${BASE}/complaint-notifications`, { url: receiver.url }, deviation);
      assert.equal(answer.status, 200, answer.text);
    }
    async function told(number: number) {
      const delivery = await (receiver as Receiver).delivery(number);
      const { event_type, resource, summary } = JSON.parse(delivery.body);
      assert.ok(isSigned(simulator, delivery.headers, delivery.body));
      assert.equal(resource.original_type, 'complaint');
      const plaintext = JSON.parse(decryptResource(resource, simulator.merchant.apiV3Key));
      return { event_type, summary, ...plaintext };
    }

    it('tell of a complaint and of what customers do, and not of what the merchant does', async () => {
      await start();
      await listen();
      const id = await complaint({ problem_type: 'REFUND' });
      assert.deepEqual(await told(1), {
        event_type: 'COMPLAINT.CREATE',
        summary: '产生新投诉',
        complaint_id: id,
        action_type: 'CREATE_COMPLAINT',
      });
      await respond(id);
      const steps = [
        ['respond', 'USER_RESPONSE'],
        ['revoke', 'USER_REVOKE_COMPLAINT'],
        ['continue', 'CONTINUE_COMPLAINT'],
        ['confirm', 'USER_COMFIRM_COMPLAINT'],
      ] as const;
      for (const [index, [action, action_type]] of steps.entries()) {
        simulator.gateway.complaints.consumerActs(id, action);
        assert.deepEqual(await told(index + 2), {
          event_type: 'COMPLAINT.STATE_CHANGE',
          summary: '投诉单状态变化',
          complaint_id: id,
          action_type,
        });
      }
      await client.refund('PAID001', 'R1', 2590);
      simulator.gateway.finishRefund('R1', 'SUCCESS');
      assert.equal((await told(6)).action_type, 'REFUND_SUCCESS');
      assert.equal(receiver?.deliveries.length, 6);
      const [notification] = simulator.gateway.notifications();
      assert.deepEqual([notification?.complaint_id, notification?.out_trade_no], [id, 'PAID001']);
    });

    it("a service provider hears of its sub-merchant's complaint", async () => {
      await start();
      await listen({ mchid: simulator.world.provider.mchid });
      await paidBySub('SUB0001');
      const id = complain({ out_trade_no: 'SUB0001' });
      assert.equal((await told(1)).complaint_id, id);
    });

    it('go nowhere without an address', async () => {
      await start();
      await complaint();
      assert.deepEqual(
        simulator.gateway.notifications().filter(({ event_type }) => event_type.startsWith('COMPLAINT')),
        [],
      );
    });

    it('are repeated on a plan of their own: 5 s, ten times 1 min, then every 5 min, 1000 times', () => {
      const plan = Array.from({ length: 1001 }, (_, retry) => secondsBeforeRetry('COMPLAINT.CREATE', retry));
      assert.deepEqual(plan.slice(0, 13), [5, ...Array(10).fill(60), 300, 300]);
      assert.equal(plan[999], 300);
      assert.equal(plan[1000], undefined);
      assert.equal(secondsBeforeRetry('TRANSACTION.SUCCESS', 0), 15);
      assert.equal(secondsBeforeRetry('TRANSACTION.SUCCESS', 15), undefined);
    });

    it('a refused one comes again after 5 s of the plan, the same id with a fresh signature', async () => {
      await start({ timeScale: 1000 });
      await listen();
      const target = receiver as Receiver;
      target.answer = (response, count) => response.writeHead(count === 1 ? 500 : 204).end();
      await complaint();
      const [first, second] = [await target.delivery(1), await target.delivery(2)];
      assert.equal(second.body, first.body);
      assert.notEqual(second.headers['wechatpay-nonce'], first.headers['wechatpay-nonce']);
    });
  });

  describe('the control API', () => {
    it('adds a complaint, shows it, and does what the customer does', async () => {
      await start();
      await paid('PAID001');
      const created = await control(simulator, 'POST', '/complaints', {
        out_trade_no: 'PAID001',
        mchid: simulator.merchant.mchid,
        images: [PNG.toString('base64')],
      });
      assert.equal(created.status, 200, JSON.stringify(created.json));
      const id = created.json.complaint_id;
      const images = [BMP.toString('base64')];
      const more = await control(simulator, 'POST', `/complaints/${id}/respond`, {
        details: 'well?',
        images,
      });
      assert.equal(more.json.complaint_state, 'PENDING');
      const confirmed = await control(simulator, 'POST', `/complaints/${id}/confirm`);
      assert.equal(confirmed.json.complaint_state, 'PROCESSED');
      const shown = await control(simulator, 'GET', `/complaints/${id}`);
      assert.deepEqual(shown.json, confirmed.json);
      assert.deepEqual((await control(simulator, 'GET', '/complaints')).json.complaints, [shown.json]);
      assert.deepEqual(await history(id), [
        'USER_CREATE_COMPLAINT',
        'USER_RESPONSE',
        'USER_COMFIRM_COMPLAINT',
      ]);
      const continued = await control(simulator, 'POST', `/complaints/${id}/continue`);
      assert.equal(continued.json.complaint_state, 'PENDING');
      assert.equal((await get(id)).user_complaint_times, 2);
      assert.equal(
        (await control(simulator, 'POST', `/complaints/${id}/revoke`)).json.complaint_state,
        'PROCESSED',
      );
    });

    it('refuses what makes no sense', async () => {
      await start();
      const id = await complaint();
      await control(simulator, 'POST', `/complaints/${id}/revoke`);
      for (const [path, body, status] of [
        ['/complaints', { out_trade_no: 'PAID001', images: ['bm8='] }, 400],
        ['/complaints', { out_trade_no: 'PAID001', problem_type: 'NONE' }, 400],
        ['/complaints', { out_trade_no: 'NOBODYS' }, 404],
        ['/complaints/1/revoke', {}, 404],
        [`/complaints/${id}/revoke`, {}, 409],
        [`/complaints/${id}/respond`, {}, 409],
        [`/complaints/${id}/dance`, {}, 404],
      ] as const) {
        assert.equal((await control(simulator, 'POST', path, body)).status, status, path);
      }
    });

    it('a reset forgets complaints, images and addresses', async () => {
      await start();
      const id = await complaint();
      const media = (await upload({ bytes: PNG })).json.media_id;
      await client.post(`${BASE}/complaint-notifications`, { url: 'https://pay.example.com/c' });
      simulator.gateway.reset();
      assert.equal((await client.get(`${BASE}/complaints-v2/${id}`)).status, 404);
      assert.equal((await client.get(`${BASE}/images/${media}`)).status, 404);
      assert.equal((await client.get(`${BASE}/complaint-notifications`)).status, 400);
    });

    it('a restart remembers them', async () => {
      const dataDir = await mkdtemp(join(tmpdir(), 'complaints-'));
      try {
        await start({ dataDir });
        const id = await complaint();
        await respond(id);
        const media = (await upload({ bytes: PNG })).json.media_id;
        await client.close();
        await simulator.close();
        await start({ dataDir });
        assert.equal((await get(id)).complaint_state, 'PROCESSING');
        assert.equal((await history(id)).length, 2);
        assert.deepEqual((await client.get(`${BASE}/images/${media}`)).bytes, PNG);
      } finally {
        await rm(dataDir, { recursive: true, force: true });
      }
    });
  });

  it('faults spoil these calls, too', async () => {
    await start();
    const id = await complaint();
    simulator.gateway.addFault({ operation: 'complaint.respond', kind: 'error_500', processed: true });
    assert.equal((await respond(id)).status, 500);
    assert.equal((await get(id)).complaint_state, 'PROCESSING');
  });

  it('overseas merchants have the same calls on their own paths, and only there', async () => {
    await start();
    const overseas = simulator.world.merchants().find(({ region }) => region === 'overseas');
    const as = { mchid: overseas?.mchid ?? '' };
    const list = (prefix: string, deviation = {}) =>
      client.get(`${prefix}/merchant-service/complaints-v2?${TODAY}`, deviation);
    assert.equal((await list('/v3/global', as)).status, 200);
    assert.equal((await list('/hk/v3', as)).status, 200);
    for (const answer of [await list('/v3', as), await list('/v3/global')]) {
      assert.deepEqual(codeOf(answer), [400, 'INVALID_REQUEST']);
      assert.equal(answer.json.message, '暂不支持境外支付');
    }
  });
});
