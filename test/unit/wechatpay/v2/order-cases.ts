import { UNKNOWN, type V2Case } from './case.ts';
import {
  FACE_INPUT,
  MICROPAY_INPUT,
  NOTIFY_URL,
  ORDER_INPUT,
  ORDER_SENT,
  ORDERED,
  REPORT,
  TERMINAL,
  TRANSACTION,
} from './inputs.ts';
import type { Elements } from './v2-gateway.ts';

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

/** Orders: placed, queried, closed. */
export const orders: V2Case[] = [
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
    run: (v2) =>
      v2.unifiedOrder({ ...ORDER_INPUT, notify_url: NOTIFY_URL, trade_type: 'NATIVE', product_id: 'tea' }),
    sends: { ...ORDER_SENT, notify_url: NOTIFY_URL, trade_type: 'NATIVE', product_id: 'tea' },
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

/** Payments by code and by face. */
export const paymentCodes: V2Case[] = [
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

/** The small ones. */
export const tools: V2Case[] = [
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
  {
    call: 'v2.getSignKey',
    name: 'the key of the sandbox, which nobody signed',
    run: (v2) => v2.getSignKey(),
    sends: {},
    answers: {
      body: '<xml><return_code>SUCCESS</return_code><mch_id>1900012345</mch_id><sandbox_signkey>0123456789abcdef0123456789abcdef</sandbox_signkey></xml>',
    },
    gives: { sandbox_signkey: '0123456789abcdef0123456789abcdef' },
  },
  {
    call: 'v2.getSignKey',
    name: 'no key',
    run: (v2) => v2.getSignKey(),
    sends: {},
    answers: { body: '<xml><return_code>SUCCESS</return_code></xml>' },
    fails: { ...UNKNOWN, code: 'UNEXPECTED_ANSWER' },
  },
];
