import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import type { V2 } from '../../../../wechatpay/v2/client.ts';
import type { V2_ENDPOINTS } from '../../../../wechatpay/v2/endpoints.ts';
import type { Elements } from './v2-gateway.ts';

/** How a call fails. */
export interface Failure {
  class: 'RequestRejectedError' | 'OutcomeUnknownError' | 'ConfigurationError';
  code: string;
  outcome: 'rejected' | 'unknown';
  retryable: boolean;
}

/** One call against the gateway. */
export interface V2Case {
  call: keyof typeof V2_ENDPOINTS;
  /** What it shows. */
  name: string;
  run: (v2: V2) => Promise<unknown>;
  /** The elements that arrive, besides appid, mch_id, nonce_str, sign_type and sign. */
  sends: Elements;
  /** Elements of the answer, on top of a signed {A}; or a body as it is. */
  answers: Elements | { body: string | Buffer; headers?: Record<string, string> };
  /** What must be in the result; exactly it, when it is no object. */
  gives?: unknown;
  fails?: Failure;
}

const PERMANENT = { class: 'RequestRejectedError', outcome: 'rejected', retryable: false } as const;
const LATER = { class: 'RequestRejectedError', outcome: 'rejected', retryable: true } as const;
const UNKNOWN = { class: 'OutcomeUnknownError', outcome: 'unknown', retryable: true } as const;
const UNDECIDED = { class: 'OutcomeUnknownError', outcome: 'unknown', retryable: false } as const;
const CONFIGURATION = { class: 'ConfigurationError', outcome: 'rejected', retryable: false } as const;

type Handling = Omit<Failure, 'code'>;

/** err_code as the gateway spells it, how it is handled, and the code that comes out where that is another. */
type ErrorRow = [errCode: string, handling: Handling, code?: string];

/** The table of 13.3 that every call shares. */
const COMMON: ErrorRow[] = [
  ['SIGNERROR', CONFIGURATION, 'SIGN_ERROR'],
  ['XML_FORMAT_ERROR', PERMANENT],
  ['REQUIRE_POST_METHOD', PERMANENT],
  ['POST_DATA_EMPTY', PERMANENT],
  ['NOT_UTF8', PERMANENT],
  ['LACK_PARAMS', PERMANENT],
  ['PARAM_ERROR', PERMANENT],
  ['APPID_NOT_EXIST', CONFIGURATION],
  ['MCHID_NOT_EXIST', CONFIGURATION],
  ['APPID_MCHID_NOT_MATCH', PERMANENT],
  ['NOAUTH', CONFIGURATION, 'NO_AUTH'],
  ['SYSTEMERROR', UNKNOWN, 'SYSTEM_ERROR'],
  // Nobody documents it: then nobody knows.
  ['SOMETHING_NEW', UNDECIDED],
];
const ORDER: ErrorRow[] = [
  ['NOTENOUGH', PERMANENT, 'NOT_ENOUGH'],
  ['ORDERPAID', PERMANENT, 'ORDER_PAID'],
  ['ORDERCLOSED', PERMANENT, 'ORDER_CLOSED'],
  ['OUT_TRADE_NO_USED', PERMANENT],
];
const QUERY: ErrorRow[] = [['ORDERNOTEXIST', PERMANENT, 'ORDER_NOT_EXIST']];
const PAYMENT_CODE: ErrorRow[] = [
  ...ORDER,
  ['AUTHCODEEXPIRE', PERMANENT],
  ['AUTH_CODE_ERROR', PERMANENT],
  ['AUTH_CODE_INVALID', PERMANENT],
  ['NOTSUPORTCARD', PERMANENT],
  ['ORDERREVERSED', PERMANENT, 'ORDER_REVERSED'],
  ['BUYER_MISMATCH', PERMANENT],
  ['BANKERROR', UNKNOWN, 'BANK_ERROR'],
  ['USERPAYING', UNKNOWN, 'USER_PAYING'],
];

const ORDERED = {
  body: 'Tea set 茶具',
  out_trade_no: 'V20260301000001',
  spbill_create_ip: '203.0.113.9',
};
const ORDER_INPUT = { ...ORDERED, total_fee: 2590 };
const ORDER_SENT: Elements = { ...ORDERED, total_fee: '2590' };
const NOTIFY_URL = 'https://pay.example.com/wx?a=1&b=<2>';
const TRANSACTION = '4200002088202603011234567890';

const PAID: Elements = {
  openid: 'oA1bC2dE3fG4hI5jK6lM7nO8pQ9r',
  is_subscribe: 'N',
  trade_type: 'JSAPI',
  bank_type: 'OTHERS',
  total_fee: '2590',
  settlement_total_fee: '2590',
  fee_type: 'CNY',
  cash_fee: '2390',
  cash_fee_type: 'CNY',
  coupon_fee: '200',
  coupon_count: '2',
  coupon_type_0: 'CASH',
  coupon_id_0: '10000',
  coupon_fee_0: '150',
  coupon_type_1: 'NO_CASH',
  coupon_id_1: '10001',
  coupon_fee_1: '50',
  transaction_id: TRANSACTION,
  out_trade_no: ORDERED.out_trade_no,
  attach: 'a & <b> "c"',
  time_end: '20260301120311',
  future_field: '007',
};
const PAID_READ = {
  trade_type: 'JSAPI',
  total_fee: 2590,
  settlement_total_fee: 2590,
  cash_fee: 2390,
  coupon_fee: 200,
  coupon_count: 2,
  coupons: [
    { coupon_type: 'CASH', coupon_id: '10000', coupon_fee: 150 },
    { coupon_type: 'NO_CASH', coupon_id: '10001', coupon_fee: 50 },
  ],
  transaction_id: TRANSACTION,
  attach: 'a & <b> "c"',
  time_end: '20260301120311',
  future_field: '007',
};

const REFUND_INPUT = { out_trade_no: 'V1', out_refund_no: 'VR1', total_fee: 2590, refund_fee: 1000 };
const REFUND_SENT: Elements = { ...REFUND_INPUT, total_fee: '2590', refund_fee: '1000' };
const REFUND_ID = '50300208882026030212345678901';
const REFUNDED: Elements = {
  transaction_id: TRANSACTION,
  out_trade_no: 'V1',
  out_refund_no: 'VR1',
  refund_id: REFUND_ID,
  refund_fee: '1000',
  settlement_refund_fee: '1000',
  total_fee: '2590',
  settlement_total_fee: '2590',
  fee_type: 'CNY',
  cash_fee: '2390',
  cash_refund_fee: '923',
  coupon_refund_fee: '77',
  coupon_refund_count: '1',
  coupon_type_0: 'CASH',
  coupon_refund_id_0: '10000',
  coupon_refund_fee_0: '77',
};
const QUERIED: Elements = {
  total_refund_count: '12',
  transaction_id: TRANSACTION,
  out_trade_no: 'V1',
  total_fee: '2590',
  settlement_total_fee: '2590',
  fee_type: 'CNY',
  cash_fee: '2390',
  refund_count: '2',
  out_refund_no_0: 'VR1',
  refund_id_0: REFUND_ID,
  refund_channel_0: 'ORIGINAL',
  refund_fee_0: '1000',
  settlement_refund_fee_0: '1000',
  coupon_refund_fee_0: '77',
  coupon_refund_count_0: '2',
  coupon_type_0_0: 'CASH',
  coupon_refund_id_0_0: '10000',
  coupon_refund_fee_0_0: '70',
  coupon_type_0_1: 'NO_CASH',
  coupon_refund_id_0_1: '10001',
  coupon_refund_fee_0_1: '7',
  refund_status_0: 'SUCCESS',
  refund_account_0: 'REFUND_SOURCE_UNSETTLED_FUNDS',
  refund_recv_accout_0: '支付用户零钱',
  refund_success_time_0: '2026-03-02 09:02:40',
  out_refund_no_1: 'VR2',
  refund_id_1: '50300208882026030212345678902',
  refund_fee_1: '1',
  refund_status_1: 'PROCESSING',
};
const FACE_INPUT = { ...ORDER_INPUT, fee_type: 'CNY', face_code: 'f-code' };
const MICROPAY_INPUT = { ...ORDER_INPUT, auth_code: '134567890123456789' };
const TERMINAL = { store_id: 'S1', store_name: 'Harbour 店', device_id: 'D1', rawdata: 'raw+/=' };
const REPORT = {
  interface_url: 'https://api.mch.weixin.qq.com/pay/unifiedorder',
  execute_time_: 120,
  return_code: 'SUCCESS' as const,
  result_code: 'SUCCESS' as const,
  user_ip: '203.0.113.9',
};

const CSV = '\u{feff}交易时间,公众账号ID\r\n`2026-03-01 12:03:11,`wx0f\r\n总交易单数\r\n`1\r\n';
const BILL = { bill_date: '20260301' };
const FLOW = { bill_date: '20260301', account_type: 'Basic' as const };
const gzip = { body: gzipSync(CSV), headers: { 'Content-Type': 'application/x-gzip' } };

const billRefusal = (message: string, errorCode: string): { body: string } => ({
  body: `<xml><return_code><![CDATA[FAIL]]></return_code><return_msg><![CDATA[${message}]]></return_msg><error_code>${errorCode}</error_code></xml>`,
});
const flowRefusal = (code: string): { body: string } => ({
  body: `<xml><return_code><![CDATA[SUCCESS]]></return_code><result_code><![CDATA[FAIL]]></result_code><err_code><![CDATA[${code}]]></err_code><err_code_des>x</err_code_des></xml>`,
});

/** One simple request of each call whose answers are XML; its errors are tried with it. */
const SIMPLE: (Pick<V2Case, 'call' | 'run' | 'sends'> & { errors: ErrorRow[] })[] = [
  {
    call: 'v2.unifiedOrder',
    run: (v2) => v2.unifiedOrder({ ...ORDER_INPUT, notify_url: NOTIFY_URL, trade_type: 'APP' }),
    sends: { ...ORDER_SENT, notify_url: NOTIFY_URL, trade_type: 'APP' },
    errors: ORDER,
  },
  {
    call: 'v2.orderQuery',
    run: (v2) => v2.orderQuery({ out_trade_no: 'V1' }),
    sends: { out_trade_no: 'V1' },
    errors: QUERY,
  },
  {
    call: 'v2.closeOrder',
    run: (v2) => v2.closeOrder({ out_trade_no: 'V1' }),
    sends: { out_trade_no: 'V1' },
    errors: [
      ['ORDERPAID', PERMANENT, 'ORDER_PAID'],
      ['ORDERCLOSED', PERMANENT, 'ORDER_CLOSED'],
      ['ORDERNOTEXIST', PERMANENT, 'ORDER_NOT_EXIST'],
    ],
  },
  {
    call: 'v2.refund',
    run: (v2) => v2.refund(REFUND_INPUT),
    sends: REFUND_SENT,
    errors: [
      ['BIZERR_NEED_RETRY', UNKNOWN],
      ['TRADE_OVERDUE', PERMANENT],
      ['ERROR', PERMANENT],
      ['USER_ACCOUNT_ABNORMAL', PERMANENT],
      ['INVALID_REQ_TOO_MUCH', LATER],
      ['NOTENOUGH', PERMANENT, 'NOT_ENOUGH'],
      ['INVALID_TRANSACTIONID', PERMANENT],
      ['ORDERNOTEXIST', PERMANENT, 'ORDER_NOT_EXIST'],
      ['FREQUENCY_LIMITED', UNKNOWN],
    ],
  },
  {
    call: 'v2.refundQuery',
    run: (v2) => v2.refundQuery({ out_refund_no: 'VR1' }),
    sends: { out_refund_no: 'VR1' },
    errors: [
      ['REFUNDNOTEXIST', PERMANENT, 'RESOURCE_NOT_EXISTS'],
      ['FREQUENCY_LIMITED', LATER],
    ],
  },
  {
    call: 'v2.micropay',
    run: (v2) => v2.micropay(MICROPAY_INPUT),
    sends: { ...ORDER_SENT, auth_code: MICROPAY_INPUT.auth_code },
    errors: PAYMENT_CODE,
  },
  {
    call: 'v2.reverse',
    run: (v2) => v2.reverse({ out_trade_no: 'V1' }),
    sends: { out_trade_no: 'V1' },
    errors: [
      ['USERPAYING', UNKNOWN, 'USER_PAYING'],
      ['INVALID_TRANSACTIONID', PERMANENT],
    ],
  },
  {
    call: 'v2.facepay',
    run: (v2) => v2.facepay(FACE_INPUT),
    sends: { ...ORDER_SENT, fee_type: 'CNY', face_code: 'f-code' },
    errors: PAYMENT_CODE,
  },
  {
    call: 'v2.facepayQuery',
    run: (v2) => v2.facepayQuery({ transaction_id: TRANSACTION }),
    sends: { transaction_id: TRANSACTION },
    errors: QUERY,
  },
  {
    call: 'v2.facepayReverse',
    run: (v2) => v2.facepayReverse({ transaction_id: TRANSACTION }),
    sends: { transaction_id: TRANSACTION },
    errors: [['USERPAYING', UNKNOWN, 'USER_PAYING']],
  },
  {
    call: 'v2.getWxpayfaceAuthinfo',
    run: (v2) => v2.getWxpayfaceAuthinfo(TERMINAL),
    sends: { ...TERMINAL, now: '1772337600', version: '1' },
    errors: [],
  },
  {
    call: 'v2.authCodeToOpenid',
    run: (v2) => v2.authCodeToOpenid({ auth_code: MICROPAY_INPUT.auth_code }),
    sends: { auth_code: MICROPAY_INPUT.auth_code },
    errors: [
      ['AUTHCODEEXPIRE', PERMANENT],
      ['AUTH_CODE_ERROR', PERMANENT],
      ['AUTH_CODE_INVALID', PERMANENT],
    ],
  },
  {
    call: 'v2.report',
    run: (v2) => v2.report(REPORT),
    sends: { ...REPORT, execute_time_: '120' },
    errors: [],
  },
];

const errorCases: V2Case[] = SIMPLE.flatMap(({ call, run, sends, errors }) =>
  [...COMMON, ...errors].map(
    ([errCode, handling, code = errCode]): V2Case => ({
      call,
      name: `answered ${errCode}`,
      run,
      sends,
      answers: { result_code: 'FAIL', err_code: errCode, err_code_des: '该订单 & <x>' },
      fails: { ...handling, code },
    }),
  ),
);

/** return_code FAIL: nothing is signed. */
const communicationCases: V2Case[] = SIMPLE.flatMap(({ call, run, sends }) =>
  (
    [
      ['签名失败', { ...CONFIGURATION, code: 'SIGN_ERROR' }],
      ['商户号mch_id与appid不匹配', { ...PERMANENT, code: 'INVALID_REQUEST' }],
      ['系统繁忙，请稍后再试', { ...UNKNOWN, code: 'SYSTEM_ERROR' }],
    ] as const
  ).map(
    ([message, fails]): V2Case => ({
      call,
      name: `answered return_code FAIL ${message}`,
      run,
      sends,
      answers: {
        body: `<xml><return_code><![CDATA[FAIL]]></return_code><return_msg><![CDATA[${message}]]></return_msg></xml>`,
      },
      fails,
    }),
  ),
);

const orders: V2Case[] = [
  {
    call: 'v2.unifiedOrder',
    name: 'a JSAPI order with every field',
    run: (v2) =>
      v2.unifiedOrder({
        ...ORDER_INPUT,
        detail: { goods_detail: [{ goods_id: 'SKU-88', quantity: 1, price: 2590 }] },
        attach: 'a]]>b\n<&"\'',
        device_info: 'POS7',
        fee_type: 'CNY',
        time_start: '20260301120000',
        time_expire: '20260301123000',
        goods_tag: 'SPRING',
        notify_url: NOTIFY_URL,
        trade_type: 'JSAPI',
        limit_pay: 'no_credit',
        openid: 'oA1b',
        receipt: 'Y',
        profit_sharing: 'N',
        scene_info: '{"store_info":{"id":"S01"}}',
      }),
    sends: {
      ...ORDER_SENT,
      detail: '{"goods_detail":[{"goods_id":"SKU-88","quantity":1,"price":2590}]}',
      attach: 'a]]>b\n<&"\'',
      device_info: 'POS7',
      fee_type: 'CNY',
      time_start: '20260301120000',
      time_expire: '20260301123000',
      goods_tag: 'SPRING',
      notify_url: NOTIFY_URL,
      trade_type: 'JSAPI',
      limit_pay: 'no_credit',
      openid: 'oA1b',
      receipt: 'Y',
      profit_sharing: 'N',
      scene_info: '{"store_info":{"id":"S01"}}',
    },
    answers: { trade_type: 'JSAPI', prepay_id: 'wx20260301120000a1b2c3d4e5f607181920' },
    gives: { trade_type: 'JSAPI', prepay_id: 'wx20260301120000a1b2c3d4e5f607181920' },
  },
  {
    call: 'v2.unifiedOrder',
    name: 'a Native order of a sub-merchant',
    run: (v2) =>
      v2.unifiedOrder({
        ...ORDER_INPUT,
        sub_appid: 'wxsub',
        sub_mch_id: '1900031111',
        notify_url: NOTIFY_URL,
        trade_type: 'NATIVE',
        product_id: 'tea',
      }),
    sends: {
      ...ORDER_SENT,
      sub_appid: 'wxsub',
      sub_mch_id: '1900031111',
      notify_url: NOTIFY_URL,
      trade_type: 'NATIVE',
      product_id: 'tea',
    },
    answers: {
      sub_mch_id: '1900031111',
      trade_type: 'NATIVE',
      prepay_id: 'wx1',
      code_url: 'weixin://wxpay/bizpayurl?pr=Kq7Rt2Zzz',
    },
    gives: { sub_mch_id: '1900031111', code_url: 'weixin://wxpay/bizpayurl?pr=Kq7Rt2Zzz' },
  },
  {
    call: 'v2.unifiedOrder',
    name: 'an H5 order',
    run: (v2) => v2.unifiedOrder({ ...ORDER_INPUT, notify_url: NOTIFY_URL, trade_type: 'MWEB' }),
    sends: { ...ORDER_SENT, notify_url: NOTIFY_URL, trade_type: 'MWEB' },
    answers: {
      trade_type: 'MWEB',
      prepay_id: 'wx1',
      mweb_url: 'https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx1&package=2150917749',
    },
    gives: {
      mweb_url: 'https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx1&package=2150917749',
    },
  },
  {
    call: 'v2.unifiedOrder',
    name: 'a Native order that is answered without a code',
    run: (v2) => v2.unifiedOrder({ ...ORDER_INPUT, notify_url: NOTIFY_URL, trade_type: 'NATIVE' }),
    sends: { ...ORDER_SENT, notify_url: NOTIFY_URL, trade_type: 'NATIVE' },
    answers: { trade_type: 'NATIVE', prepay_id: 'wx1' },
    fails: { ...UNKNOWN, code: 'UNEXPECTED_ANSWER' },
  },
  {
    call: 'v2.orderQuery',
    name: 'a paid order with coupons',
    run: (v2) => v2.orderQuery({ out_trade_no: ORDERED.out_trade_no }),
    sends: { out_trade_no: ORDERED.out_trade_no },
    answers: { ...PAID, trade_state: 'SUCCESS', trade_state_desc: '支付成功' },
    gives: { ...PAID_READ, trade_state: 'SUCCESS', trade_state_desc: '支付成功' },
  },
  {
    call: 'v2.orderQuery',
    name: 'an unpaid order, by the transaction_id of a sub-merchant',
    run: (v2) => v2.orderQuery({ transaction_id: TRANSACTION, sub_mch_id: '1900031111' }),
    sends: { transaction_id: TRANSACTION, sub_mch_id: '1900031111' },
    answers: { out_trade_no: 'V1', attach: '', trade_state: 'NOTPAY', trade_state_desc: '订单未支付' },
    gives: { trade_state: 'NOTPAY', coupons: [] },
  },
  {
    call: 'v2.orderQuery',
    name: 'an answer about another order',
    run: (v2) => v2.orderQuery({ out_trade_no: 'V2' }),
    sends: { out_trade_no: 'V2' },
    answers: { ...PAID, trade_state: 'SUCCESS' },
    fails: { ...UNKNOWN, code: 'UNEXPECTED_ANSWER' },
  },
  {
    call: 'v2.orderQuery',
    name: 'an amount that is no whole number',
    run: (v2) => v2.orderQuery({ out_trade_no: ORDERED.out_trade_no }),
    sends: { out_trade_no: ORDERED.out_trade_no },
    answers: { ...PAID, trade_state: 'SUCCESS', total_fee: '25.90' },
    fails: { ...UNKNOWN, code: 'UNEXPECTED_ANSWER' },
  },
  {
    call: 'v2.closeOrder',
    name: 'an unpaid order is closed',
    run: (v2) => v2.closeOrder({ out_trade_no: 'V1', sub_mch_id: '1900031111' }),
    sends: { out_trade_no: 'V1', sub_mch_id: '1900031111' },
    answers: { result_msg: 'OK' },
    gives: { result_msg: 'OK' },
  },
];

const refunds: V2Case[] = [
  {
    call: 'v2.refund',
    name: 'a refund with every field is accepted',
    run: (v2) =>
      v2.refund({
        ...REFUND_INPUT,
        refund_fee_type: 'CNY',
        refund_desc: '破损',
        refund_account: 'REFUND_SOURCE_RECHARGE_FUNDS',
        notify_url: NOTIFY_URL,
      }),
    sends: {
      ...REFUND_SENT,
      refund_fee_type: 'CNY',
      refund_desc: '破损',
      refund_account: 'REFUND_SOURCE_RECHARGE_FUNDS',
      notify_url: NOTIFY_URL,
    },
    answers: REFUNDED,
    gives: {
      refund_id: REFUND_ID,
      refund_fee: 1000,
      settlement_refund_fee: 1000,
      total_fee: 2590,
      cash_fee: 2390,
      cash_refund_fee: 923,
      coupon_refund_fee: 77,
      coupon_refund_count: 1,
      coupons: [{ coupon_type: 'CASH', coupon_refund_id: '10000', coupon_refund_fee: 77 }],
    },
  },
  {
    call: 'v2.refund',
    name: 'an answer about another refund',
    run: (v2) => v2.refund({ ...REFUND_INPUT, out_refund_no: 'VR2' }),
    sends: { ...REFUND_SENT, out_refund_no: 'VR2' },
    answers: REFUNDED,
    fails: { ...UNKNOWN, code: 'UNEXPECTED_ANSWER' },
  },
  {
    call: 'v2.refundQuery',
    name: 'two refunds of an order, coupons within the first',
    run: (v2) => v2.refundQuery({ transaction_id: TRANSACTION, offset: 10 }),
    sends: { transaction_id: TRANSACTION, offset: '10' },
    answers: QUERIED,
    gives: {
      total_refund_count: 12,
      refund_count: 2,
      total_fee: 2590,
      cash_fee: 2390,
      refunds: [
        {
          out_refund_no: 'VR1',
          refund_id: REFUND_ID,
          refund_channel: 'ORIGINAL',
          refund_fee: 1000,
          settlement_refund_fee: 1000,
          coupon_refund_fee: 77,
          coupon_refund_count: 2,
          refund_status: 'SUCCESS',
          refund_account: 'REFUND_SOURCE_UNSETTLED_FUNDS',
          refund_recv_accout: '支付用户零钱',
          refund_success_time: '2026-03-02 09:02:40',
          coupons: [
            { coupon_type: 'CASH', coupon_refund_id: '10000', coupon_refund_fee: 70 },
            { coupon_type: 'NO_CASH', coupon_refund_id: '10001', coupon_refund_fee: 7 },
          ],
        },
        {
          out_refund_no: 'VR2',
          refund_id: '50300208882026030212345678902',
          refund_fee: 1,
          refund_status: 'PROCESSING',
          coupons: [],
        },
      ],
    },
  },
  {
    call: 'v2.refundQuery',
    name: 'fewer refunds than were announced',
    run: (v2) => v2.refundQuery({ refund_id: REFUND_ID }),
    sends: { refund_id: REFUND_ID },
    answers: { ...QUERIED, refund_count: '3' },
    fails: { ...UNKNOWN, code: 'UNEXPECTED_ANSWER' },
  },
];

const paymentCodes: V2Case[] = [
  ...(['v2.micropay', 'v2.facepay'] as const).map((call): V2Case => {
    const face = call === 'v2.facepay';
    return {
      call,
      name: 'paid on the spot',
      run: (v2) => (face ? v2.facepay(FACE_INPUT) : v2.micropay(MICROPAY_INPUT)),
      sends: {
        ...ORDER_SENT,
        ...(face ? { fee_type: 'CNY', face_code: 'f-code' } : { auth_code: MICROPAY_INPUT.auth_code }),
      },
      answers: { ...PAID, trade_type: face ? 'FACEPAY' : 'MICROPAY' },
      gives: { ...PAID_READ, trade_type: face ? 'FACEPAY' : 'MICROPAY' },
    };
  }),
  {
    call: 'v2.facepayQuery',
    name: 'the customer is still typing',
    run: (v2) => v2.facepayQuery({ out_trade_no: 'V1' }),
    sends: { out_trade_no: 'V1' },
    answers: { out_trade_no: 'V1', trade_state: 'USERPAYING' },
    gives: { trade_state: 'USERPAYING' },
  },
  ...(['reverse', 'facepayReverse'] as const).flatMap((method): V2Case[] => [
    {
      call: `v2.${method}`,
      name: 'reversed',
      run: (v2) => v2[method]({ out_trade_no: 'V1' }),
      sends: { out_trade_no: 'V1' },
      answers: { recall: 'N' },
      gives: { recall: 'N' },
    },
    {
      call: `v2.${method}`,
      name: 'refused, but to be called again',
      run: (v2) => v2[method]({ out_trade_no: 'V1' }),
      sends: { out_trade_no: 'V1' },
      answers: { result_code: 'FAIL', err_code: 'INVALID_REQUEST', recall: 'Y' },
      fails: { ...UNKNOWN, code: 'INVALID_REQUEST' },
    },
  ]),
  {
    call: 'v2.getWxpayfaceAuthinfo',
    name: 'the credential of a terminal',
    run: (v2) => v2.getWxpayfaceAuthinfo({ ...TERMINAL, sub_mch_id: '1900031111', attach: 'x' }),
    sends: { ...TERMINAL, sub_mch_id: '1900031111', attach: 'x', now: '1772337600', version: '1' },
    // The empty one drops out of the signature, as if the answer had none.
    answers: { result_code: '', authinfo: 'q8Q+w==', expires_in: '7200' },
    gives: { authinfo: 'q8Q+w==', expires_in: 7200 },
  },
];

const bills: V2Case[] = [
  {
    call: 'v2.downloadBill',
    name: 'a day as plain CSV',
    run: async (v2) => text(await v2.downloadBill({ ...BILL, bill_type: 'ALL' })),
    sends: { ...BILL, bill_type: 'ALL' },
    answers: { body: CSV, headers: { 'Content-Type': 'text/plain' } },
    gives: CSV.slice(1),
  },
  {
    call: 'v2.downloadBill',
    name: 'a day, compressed on its way',
    run: async (v2) => text(await v2.downloadBill({ ...BILL, tar_type: 'GZIP', sub_mch_id: '1900031111' })),
    sends: { ...BILL, tar_type: 'GZIP', sub_mch_id: '1900031111' },
    answers: gzip,
    gives: CSV.slice(1),
  },
  ...(
    [
      ['No Bill Exist', '20002', { ...PERMANENT, code: 'NO_STATEMENT_EXIST' }],
      ['Bill Creating', '20002', { ...LATER, code: 'STATEMENT_CREATING' }],
      ['sign error', '20001', { ...CONFIGURATION, code: 'SIGN_ERROR' }],
      ['invalid bill_type', '20001', { ...PERMANENT, code: 'PARAM_ERROR' }],
      ['data format error', '20001', { ...PERMANENT, code: 'PARAM_ERROR' }],
      ['missing parameter', '20001', { ...PERMANENT, code: 'PARAM_ERROR' }],
      ['system error', '20003', { ...UNKNOWN, code: 'SYSTEM_ERROR' }],
    ] satisfies [string, string, Failure][]
  ).map(
    ([message, errorCode, fails]): V2Case => ({
      call: 'v2.downloadBill',
      name: `answered ${message}`,
      run: (v2) => v2.downloadBill(BILL),
      sends: BILL,
      answers: billRefusal(message, errorCode),
      fails,
    }),
  ),
  {
    call: 'v2.downloadFundFlow',
    name: 'a day, compressed on its way',
    run: async (v2) => text(await v2.downloadFundFlow({ ...FLOW, tar_type: 'GZIP' })),
    sends: { ...FLOW, tar_type: 'GZIP' },
    answers: gzip,
    gives: CSV.slice(1),
  },
  ...(
    [
      ['NO_BILL_EXIST', { ...PERMANENT, code: 'NO_STATEMENT_EXIST' }],
      ['BILL_CREATING', { ...LATER, code: 'STATEMENT_CREATING' }],
      ['SYSTEMERROR', { ...UNKNOWN, code: 'SYSTEM_ERROR' }],
      ['PARAM_ERROR', { ...PERMANENT, code: 'PARAM_ERROR' }],
    ] satisfies [string, Failure][]
  ).map(
    ([code, fails]): V2Case => ({
      call: 'v2.downloadFundFlow',
      name: `answered ${code}`,
      run: (v2) => v2.downloadFundFlow(FLOW),
      sends: FLOW,
      answers: flowRefusal(code),
      fails,
    }),
  ),
];

const tools: V2Case[] = [
  {
    call: 'v2.authCodeToOpenid',
    name: 'whose payment code it is',
    run: (v2) => v2.authCodeToOpenid({ auth_code: '134567890123456789', sub_appid: 'wxsub' }),
    sends: { auth_code: '134567890123456789', sub_appid: 'wxsub' },
    answers: { openid: 'oA', sub_openid: 'oB' },
    gives: { openid: 'oA', sub_openid: 'oB' },
  },
  {
    call: 'v2.report',
    name: 'is thanked for without a signature',
    run: (v2) => v2.report(REPORT),
    sends: { ...REPORT, execute_time_: '120' },
    answers: {
      body: '<xml><return_code>SUCCESS</return_code><return_msg>OK</return_msg><result_code>SUCCESS</result_code></xml>',
    },
    gives: undefined,
  },
];

/** Every call of the v2 API: what is sent, what is answered, what comes of it. docs/wechatpay-coverage.md is made from it. */
export const V2_CASES: readonly V2Case[] = [
  ...orders,
  ...refunds,
  ...paymentCodes,
  ...bills,
  ...tools,
  ...errorCases,
  ...communicationCases,
];
