import assert from 'node:assert/strict';
import { PNG } from '../wechatpay/images.ts';
import { isSigned } from './client.ts';
import { BASE, ComplaintDesk, codeOf } from './complaint-desk.ts';

describe('simulator: answers to complaints', () => {
  let desk: ComplaintDesk;
  afterEach(() => desk.close());

  describe('what merchants do', () => {
    it('the first response makes it PROCESSING, complete makes it PROCESSED', async () => {
      desk = await ComplaintDesk.open();
      const id = await desk.complaint();
      const media = (await desk.upload({ bytes: PNG })).json.media_id;
      const answer = await desk.respond(id, {
        response_images: [media],
        jump_url: 'https://shop.example.com/help',
        jump_url_text: 'Help',
        mini_program_jump_info: { appid: 'wx0f1e2d3c4b5a6978', path: 'pages/help', text: 'Help' },
      });
      assert.deepEqual([answer.status, answer.text], [204, '']);
      assert.ok(isSigned(desk.simulator, answer.headers, ''));
      const { complaint_state, incoming_user_response } = await desk.get(id);
      assert.deepEqual([complaint_state, incoming_user_response], ['PROCESSING', false]);
      assert.equal((await desk.respond(id)).status, 204);
      assert.equal((await desk.act(id, 'complete', desk.mchid())).status, 204);
      assert.equal((await desk.get(id)).complaint_state, 'PROCESSED');
      const { json } = await desk.client.get(`${BASE}/complaints-v2/${id}/negotiation-historys`);
      assert.equal(json.total_count, 4);
      const { log_id, operate_time, ...entry } = json.data[1];
      assert.match(log_id, /^3002\d+$/);
      assert.match(operate_time, /\.\d{3}\+08:00$/);
      const media_url = [`${desk.simulator.baseUrl}${BASE}/images/${media}`];
      assert.deepEqual(entry, {
        operator: '商户',
        operate_type: 'MERCHANT_RESPONSE',
        operate_details: 'We are sorry',
        image_list: media_url,
        complaint_media_list: { media_type: 'OPERATION_IMAGE', media_url },
      });
    });

    it('nobody completes what was not answered, nor answers or completes what is PROCESSED', async () => {
      desk = await ComplaintDesk.open();
      const id = await desk.complaint();
      assert.deepEqual(codeOf(await desk.act(id, 'complete', desk.mchid())), [400, 'INVALID_REQUEST']);
      await desk.respond(id);
      await desk.act(id, 'complete', desk.mchid());
      assert.deepEqual(codeOf(await desk.act(id, 'complete', desk.mchid())), [400, 'INVALID_REQUEST']);
      assert.deepEqual(codeOf(await desk.respond(id)), [400, 'INVALID_REQUEST']);
    });

    it('the history has pages', async () => {
      desk = await ComplaintDesk.open();
      const id = await desk.complaint();
      for (let count = 0; count < 3; count += 1) await desk.respond(id);
      const page = async (query: string) =>
        (await desk.client.get(`${BASE}/complaints-v2/${id}/negotiation-historys?${query}`)).json;
      const { data, total_count } = await page('limit=1&offset=1');
      assert.deepEqual([data.length, data[0].operate_type, total_count], [1, 'MERCHANT_RESPONSE', undefined]);
      assert.equal((await page('limit=300')).total_count, 4);
      assert.equal((await page('limit=301')).detail.field, 'limit');
    });

    it('APPROVE promises a refund and moves no money, REJECT ends the complaint; neither can be said twice', async () => {
      desk = await ComplaintDesk.open();
      const approved = await desk.complaint({ problem_type: 'REFUND' });
      const rejected = desk.complain({ problem_type: 'REFUND' });
      const progress = (id: string, body: object) => desk.act(id, 'update-refund-progress', body);
      const media = (await desk.upload({ bytes: PNG })).json.media_id;
      assert.equal((await progress(approved, { action: 'APPROVE', launch_refund_day: 0 })).status, 204);
      assert.equal((await desk.get(approved)).complaint_state, 'PROCESSING');
      assert.equal(desk.simulator.gateway.order('PAID001').amount.refunded, 0);
      const refusal = { action: 'REJECT', reject_reason: 'used', reject_media_list: [media], remark: 'r' };
      assert.equal((await progress(rejected, refusal)).status, 204);
      assert.equal((await desk.get(rejected)).complaint_state, 'PROCESSED');
      assert.deepEqual(await desk.history(rejected), ['USER_CREATE_COMPLAINT', 'MERCHANT_REFUSE_RERUND']);
      for (const id of [approved, rejected]) {
        assert.deepEqual(codeOf(await progress(id, { action: 'APPROVE' })), [400, 'INVALID_REQUEST']);
        assert.deepEqual(codeOf(await progress(id, { action: 'REJECT' })), [400, 'INVALID_REQUEST']);
      }
    });

    it('only who asked for a refund is told about one', async () => {
      desk = await ComplaintDesk.open();
      const id = await desk.complaint({ problem_type: 'OTHERS' });
      const answer = await desk.act(id, 'update-refund-progress', { action: 'APPROVE' });
      assert.deepEqual(codeOf(answer), [400, 'INVALID_REQUEST']);
    });

    it('the refund that was asked for settles the complaint when it arrives', async () => {
      desk = await ComplaintDesk.open();
      const asked = await desk.complaint({ problem_type: 'REFUND', apply_refund_amount: 1500 });
      const other = desk.complain();
      await desk.client.refund('PAID001', 'R1', 1000);
      desk.simulator.gateway.finishRefund('R1', 'SUCCESS');
      assert.equal((await desk.get(asked)).complaint_state, 'PENDING');
      await desk.client.refund('PAID001', 'R2', 1590);
      assert.equal((await desk.get(asked)).complaint_full_refunded, false);
      desk.simulator.gateway.finishRefund('R2', 'SUCCESS');
      const { complaint_state, complaint_full_refunded } = await desk.get(asked);
      assert.deepEqual([complaint_state, complaint_full_refunded], ['PROCESSED', true]);
      assert.deepEqual(await desk.history(asked), [
        'USER_CREATE_COMPLAINT',
        'COMPLAINT_PARTIAL_REFUNDED_SYSTEM_MESSAGE',
        'COMPLAINT_FULL_REFUNDED_SYSTEM_MESSAGE',
        'COMPLAINT_REFUND_RECEIVED_SYSTEM_MESSAGE',
      ]);
      assert.equal((await desk.get(other)).complaint_state, 'PENDING');
      const late = await desk.act(asked, 'update-refund-progress', { action: 'REJECT' });
      assert.deepEqual(codeOf(late), [400, 'INVALID_REQUEST']);
    });

    it('an immediate response is said once however often it is sent, and only to who waits for it', async () => {
      desk = await ComplaintDesk.open();
      const waiting = await desk.complaint({ need_immediate_service: true });
      const other = desk.complain();
      const body = {
        ...desk.mchid(),
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
        desk.act(id, 'response-immediate-service', { ...body, ...changes });
      const first = await send(waiting);
      assert.equal(first.status, 200, first.text);
      assert.deepEqual((await send(waiting)).json, first.json);
      assert.deepEqual(await desk.history(waiting), ['USER_CREATE_COMPLAINT', 'MERCHANT_RESPONSE']);
      const { json } = await desk.client.get(
        `${BASE}/complaints-v2/${waiting}/negotiation-historys?offset=1`,
      );
      assert.equal(json.data[0].log_id, first.json.log_id);
      assert.deepEqual(json.data[0].normal_message, body.message);
      assert.notEqual((await send(waiting, { idempotent_id: 'once-2' })).json.log_id, first.json.log_id);
      assert.equal((await desk.get(waiting)).complaint_state, 'PROCESSING');
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
        desk = await ComplaintDesk.open();
        const usual = call === 'update-refund-progress' ? {} : desk.mchid();
        const content = call === 'response' ? { response_content: 'We are sorry' } : {};
        const answer = await desk.act(await desk.complaint(), call, { ...usual, ...content, ...body });
        assert.deepEqual(codeOf(answer), [400, 'PARAM_ERROR']);
        assert.equal(answer.json.detail.field, field);
        assert.equal(
          (await desk.get(desk.simulator.gateway.complaints.views()[0]?.complaint_id ?? '')).complaint_state,
          'PENDING',
        );
      });
    }
  });
});
