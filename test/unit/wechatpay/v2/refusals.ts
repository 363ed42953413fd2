import { CONFIGURATION, type ErrorRow, LATER, PERMANENT, UNDECIDED, UNKNOWN, type V2Case } from './case.ts';
import {
  FACE_INPUT,
  MICROPAY_INPUT,
  NOTIFY_URL,
  ORDER_INPUT,
  ORDER_SENT,
  REFUND_INPUT,
  REFUND_SENT,
  REPORT,
  TERMINAL,
  TRANSACTION,
} from './inputs.ts';

/** Every call shares these. */
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

const REFUND: ErrorRow[] = [
  ['BIZERR_NEED_RETRY', UNKNOWN],
  ['TRADE_OVERDUE', PERMANENT],
  ['ERROR', PERMANENT],
  ['USER_ACCOUNT_ABNORMAL', PERMANENT],
  ['INVALID_REQ_TOO_MUCH', LATER],
  ['NOTENOUGH', PERMANENT, 'NOT_ENOUGH'],
  ['INVALID_TRANSACTIONID', PERMANENT],
  ['ORDERNOTEXIST', PERMANENT, 'ORDER_NOT_EXIST'],
  ['FREQUENCY_LIMITED', UNKNOWN],
];

const REFUND_QUERY: ErrorRow[] = [
  ['REFUNDNOTEXIST', PERMANENT, 'RESOURCE_NOT_EXISTS'],
  ['FREQUENCY_LIMITED', LATER],
];

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
    errors: REFUND,
  },
  {
    call: 'v2.refundV2',
    run: (v2) => v2.refundV2(REFUND_INPUT),
    sends: REFUND_SENT,
    errors: REFUND,
  },
  {
    call: 'v2.refundQuery',
    run: (v2) => v2.refundQuery({ out_refund_no: 'VR1' }),
    sends: { out_refund_no: 'VR1' },
    errors: REFUND_QUERY,
  },
  {
    call: 'v2.refundQueryV2',
    run: (v2) => v2.refundQueryV2({ refund_id: '50300208882026030212345678901' }),
    sends: { refund_id: '50300208882026030212345678901' },
    errors: REFUND_QUERY,
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

/** result_code FAIL with every documented code. */
export const errorCases: V2Case[] = SIMPLE.flatMap(({ call, run, sends, errors }) =>
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
export const communicationCases: V2Case[] = SIMPLE.flatMap(({ call, run, sends }) =>
  (
    [
      ['签名失败', { ...CONFIGURATION, code: 'SIGN_ERROR' }],
      ['商户号mch_id与appid不匹配', { ...PERMANENT, code: 'INVALID_REQUEST' }],
      ['系统繁忙，请稍后再试', { ...UNKNOWN, code: 'SYSTEM_ERROR' }],
      ['内部错误', { ...UNKNOWN, code: 'SYSTEM_ERROR' }],
      ['服务异常，请重试', { ...UNKNOWN, code: 'SYSTEM_ERROR' }],
      ['Internal Server Error', { ...UNKNOWN, code: 'SYSTEM_ERROR' }],
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
