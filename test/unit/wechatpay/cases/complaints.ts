import { createHash } from 'node:crypto';
import type {
  Complaint,
  ComplaintImmediateResponse,
  ComplaintNotificationAddress,
  ComplaintPage,
  ComplaintResponse,
  Complaints,
  NegotiationEntry,
} from '../../../../wechatpay/index.ts';
import { PNG } from '../images.ts';
import type { EndpointCase } from './case.ts';

/** Whatever has complaints: the clients of merchants, of service providers, and of overseas merchants. */
export interface ComplaintsClient {
  complaints: Complaints;
}

const MCHID = '1900012345';
export const COMPLAINT_ID = '200201820260301080076610000';
const COMPLAINT_PATH = `/v3/merchant-service/complaints-v2/${COMPLAINT_ID}`;

export const COMPLAINT: Complaint & { future_field: unknown } = {
  complaint_id: COMPLAINT_ID,
  complaint_time: '2026-03-01T13:29:35.120+08:00',
  complaint_detail: '没有收到茶具',
  complaint_state: 'PENDING',
  complainted_mchid: MCHID,
  payer_phone: 'c2VjcmV0',
  payer_openid: 'oA1b2C3d4E5f6G7h8I9j0K1l2M3n',
  complaint_order_info: [
    { transaction_id: '4200002026030112345678901234', out_trade_no: 'T20260301A000017', amount: 2590 },
  ],
  service_order_info: [{ order_id: '15646546545165651651', out_order_no: 'S1', state: 'DOING' }],
  complaint_media_list: [
    {
      media_type: 'USER_COMPLAINT_IMAGE',
      media_url: ['https://api.mch.weixin.qq.com/v3/merchant-service/images/abc'],
    },
  ],
  complaint_full_refunded: false,
  incoming_user_response: true,
  problem_description: '商品没有收到',
  problem_type: 'REFUND',
  apply_refund_amount: 1000,
  user_complaint_times: 1,
  user_tag_list: ['TRUSTED'],
  additional_info: {
    type: 'SHARE_POWER_TYPE',
    share_power_info: {
      return_time: '2026-03-01T13:29:35+08:00',
      return_address_info: { return_address: '深圳', longitude: '113.93', latitude: '22.54' },
      is_returned_to_same_machine: false,
    },
  },
  in_platform_service: false,
  need_immediate_service: false,
  is_agent_mode: false,
  future_field: { kept: [1] },
};

const PAGE: ComplaintPage<Complaint> = { data: [COMPLAINT], limit: 10, offset: 0, total_count: 1 };

const ENTRY: NegotiationEntry & { future_field: unknown } = {
  log_id: '300285320210322170000071077',
  operator: '投诉人',
  operate_time: '2026-03-01T13:29:35+08:00',
  operate_type: 'MERCHANT_REFUSE_RERUND',
  operate_details: '已经退款',
  image_list: ['https://api.mch.weixin.qq.com/v3/merchant-service/images/abc'],
  complaint_media_list: {
    media_type: 'OPERATION_IMAGE',
    media_url: ['https://api.mch.weixin.qq.com/v3/merchant-service/images/abc'],
  },
  future_field: 'kept',
};

const RESPONSE: ComplaintResponse = {
  complainted_mchid: MCHID,
  response_content: '茶具今天寄出',
  response_images: ['file23578_21798531.jpg'],
  jump_url: 'https://shop.example.com/parcels/17',
  jump_url_text: '查看物流',
};

const IMMEDIATE: ComplaintImmediateResponse = {
  complainted_mchid: MCHID,
  idempotent_id: 'reply-17',
  message: {
    blocks: [
      { type: 'TEXT', text: { text: '您好', color: 'DEFAULT', is_bold: true } },
      { type: 'IMAGE', image: { media_id: 'file1', image_style_type: 'IMAGE_STYLE_TYPE_NARROW' } },
      {
        type: 'LINK',
        link: {
          text: '物流',
          action: { action_type: 'ACTION_TYPE_JUMP_URL', jump_url: 'https://shop.example.com/17' },
          invalid_info: { expired_time: '2026-03-02T13:29:35+08:00', multi_clickable: true },
        },
      },
      {
        type: 'FAQ_LIST',
        faq_list: {
          faqs: [
            {
              faq_id: 'f1',
              faq_title: '何时到?',
              action: { action_type: 'ACTION_TYPE_SEND_MESSAGE', message_info: { content: '何时到?' } },
            },
          ],
        },
      },
      {
        type: 'BUTTON',
        button: {
          text: '打开小程序',
          action: {
            action_type: 'ACTION_TYPE_JUMP_MINI_PROGRAM',
            mini_program_jump_info: { appid: 'wx0f1e2d3c4b5a6978', path: 'pages/index' },
            action_id: 'a1',
          },
        },
      },
      {
        type: 'BUTTON_GROUP',
        button_group: { buttons: [{ text: '好' }, { text: '不好' }], button_layout: 'LAYOUT_HORIZONTAL' },
      },
    ],
    sender_identity: 'MANUAL',
    custom_data: 'd',
  },
};

const ADDRESS: ComplaintNotificationAddress = {
  mchid: MCHID,
  url: 'https://pay.example.com/complaints',
};

export const COMPLAINT_CASES: EndpointCase<ComplaintsClient>[] = [
  {
    call: 'complaints.list',
    name: 'complaints of some days are listed, fields that nobody knows yet are kept',
    run: (pay) => pay.complaints.list({ begin_date: '2026-03-01', end_date: '2026-03-30' }),
    method: 'GET',
    target: '/v3/merchant-service/complaints-v2?begin_date=2026-03-01&end_date=2026-03-30',
    status: 200,
    answer: { ...PAGE, future_field: true },
  },
  {
    call: 'complaints.list',
    name: 'a part of the complaints about one sub-merchant is listed',
    run: (pay) =>
      pay.complaints.list({
        begin_date: '2026-03-01',
        end_date: '2026-03-01',
        limit: 50,
        offset: 0,
        complainted_mchid: '1900031111',
      }),
    method: 'GET',
    target:
      '/v3/merchant-service/complaints-v2?limit=50&offset=0&begin_date=2026-03-01&end_date=2026-03-01&complainted_mchid=1900031111',
    status: 200,
    answer: { ...PAGE, limit: 50 },
  },
  {
    call: 'complaints.list',
    name: 'a list without complaints may come without data',
    run: (pay) => pay.complaints.list({ begin_date: '2026-03-01', end_date: '2026-03-01' }),
    method: 'GET',
    target: '/v3/merchant-service/complaints-v2?begin_date=2026-03-01&end_date=2026-03-01',
    status: 200,
    answer: { limit: 10, offset: 0, total_count: 0 },
    result: { data: [], limit: 10, offset: 0, total_count: 0 },
  },
  {
    call: 'complaints.get',
    name: 'a complaint is answered with all its fields, the telephone number encrypted',
    run: (pay) => pay.complaints.get(COMPLAINT_ID),
    method: 'GET',
    target: COMPLAINT_PATH,
    status: 200,
    answer: COMPLAINT,
  },
  {
    call: 'complaints.negotiationHistory',
    name: 'what was said and done is listed',
    run: (pay) => pay.complaints.negotiationHistory(COMPLAINT_ID),
    method: 'GET',
    target: `${COMPLAINT_PATH}/negotiation-historys`,
    status: 200,
    answer: { data: [ENTRY], limit: 100, offset: 0, total_count: 1 },
  },
  {
    call: 'complaints.negotiationHistory',
    name: 'a part of what was said and done is listed',
    run: (pay) => pay.complaints.negotiationHistory(COMPLAINT_ID, { limit: 300, offset: 300 }),
    method: 'GET',
    target: `${COMPLAINT_PATH}/negotiation-historys?limit=300&offset=300`,
    status: 200,
    answer: { data: [], limit: 300, offset: 300 },
  },
  {
    call: 'complaints.respond',
    name: 'the customer is answered with text, image and link',
    run: (pay) => pay.complaints.respond(COMPLAINT_ID, RESPONSE),
    method: 'POST',
    target: `${COMPLAINT_PATH}/response`,
    body: RESPONSE,
    status: 204,
  },
  {
    call: 'complaints.respond',
    name: 'the customer is sent to a mini program',
    run: (pay) =>
      pay.complaints.respond(COMPLAINT_ID, {
        complainted_mchid: MCHID,
        response_content: '请看',
        mini_program_jump_info: { appid: 'wx0f1e2d3c4b5a6978', path: 'pages/index', text: '订单' },
      }),
    method: 'POST',
    target: `${COMPLAINT_PATH}/response`,
    body: {
      complainted_mchid: MCHID,
      response_content: '请看',
      mini_program_jump_info: { appid: 'wx0f1e2d3c4b5a6978', path: 'pages/index', text: '订单' },
    },
    status: 204,
  },
  {
    call: 'complaints.complete',
    name: 'a complaint is declared settled',
    run: (pay) => pay.complaints.complete(COMPLAINT_ID, { complainted_mchid: MCHID }),
    method: 'POST',
    target: `${COMPLAINT_PATH}/complete`,
    body: { complainted_mchid: MCHID },
    status: 204,
  },
  {
    call: 'complaints.updateRefundProgress',
    name: 'a refund is announced',
    run: (pay) =>
      pay.complaints.updateRefundProgress(COMPLAINT_ID, {
        action: 'APPROVE',
        launch_refund_day: 0,
        remark: 'r',
      }),
    method: 'POST',
    target: `${COMPLAINT_PATH}/update-refund-progress`,
    body: { action: 'APPROVE', launch_refund_day: 0, remark: 'r' },
    status: 204,
  },
  {
    call: 'complaints.updateRefundProgress',
    name: 'a refund is refused with a reason and evidence',
    run: (pay) =>
      pay.complaints.updateRefundProgress(COMPLAINT_ID, {
        action: 'REJECT',
        reject_reason: '已经送达',
        reject_media_list: ['file1', 'file2', 'file3', 'file4'],
      }),
    method: 'POST',
    target: `${COMPLAINT_PATH}/update-refund-progress`,
    body: {
      action: 'REJECT',
      reject_reason: '已经送达',
      reject_media_list: ['file1', 'file2', 'file3', 'file4'],
    },
    status: 204,
  },
  {
    call: 'complaints.respondImmediately',
    name: 'a customer who waits gets a message of every kind of block',
    run: (pay) => pay.complaints.respondImmediately(COMPLAINT_ID, IMMEDIATE),
    method: 'POST',
    target: `${COMPLAINT_PATH}/response-immediate-service`,
    body: IMMEDIATE,
    status: 200,
    answer: { log_id: '300285320210322170000071077' },
  },
  {
    call: 'complaints.notificationUrl.create',
    name: 'the address of notifications is set for the first time',
    run: (pay) => pay.complaints.notificationUrl.create(ADDRESS.url),
    method: 'POST',
    target: '/v3/merchant-service/complaint-notifications',
    body: { url: ADDRESS.url },
    status: 200,
    answer: ADDRESS,
  },
  {
    call: 'complaints.notificationUrl.get',
    name: 'the address of notifications is asked for',
    run: (pay) => pay.complaints.notificationUrl.get(),
    method: 'GET',
    target: '/v3/merchant-service/complaint-notifications',
    status: 200,
    answer: ADDRESS,
  },
  {
    call: 'complaints.notificationUrl.update',
    name: 'the address of notifications is changed',
    run: (pay) => pay.complaints.notificationUrl.update(ADDRESS.url),
    method: 'PUT',
    target: '/v3/merchant-service/complaint-notifications',
    body: { url: ADDRESS.url },
    status: 200,
    answer: ADDRESS,
  },
  {
    call: 'complaints.notificationUrl.delete',
    name: 'the address of notifications is removed',
    run: (pay) => pay.complaints.notificationUrl.delete(),
    method: 'DELETE',
    target: '/v3/merchant-service/complaint-notifications',
    status: 204,
  },
  {
    call: 'complaints.uploadImage',
    name: 'an image is uploaded with its name and hash (the body here is the part meta)',
    run: (pay) => pay.complaints.uploadImage({ filename: '茶具 1.png', bytes: PNG }),
    method: 'POST',
    target: '/v3/merchant-service/images/upload',
    body: { filename: '茶具 1.png', sha256: createHash('sha256').update(PNG).digest('hex') },
    status: 200,
    answer: { media_id: 'ChsyMDAyMDE4MjAyMDAxMDEwODAwNzY2MTAwMDA=' },
  },
  {
    call: 'complaints.downloadImage',
    name: 'an image is downloaded by its id, unsigned',
    run: (pay) => pay.complaints.downloadImage('ChsyMDAyMDE4MjAyMDAxMDEwODAwNzY2MTAwMDA='),
    method: 'GET',
    target: '/v3/merchant-service/images/ChsyMDAyMDE4MjAyMDAxMDEwODAwNzY2MTAwMDA%3D',
    status: 200,
    answer: PNG,
    result: { contentType: 'image/png', bytes: PNG },
  },
];

/** The same on the overseas API. */
export const GLOBAL_COMPLAINT_CASES: EndpointCase<ComplaintsClient>[] = COMPLAINT_CASES.map((row) => ({
  ...row,
  call: `global.${row.call}`,
  target: row.target.replace('/v3/', '/v3/global/'),
}));
