import { publicEncrypt } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import type { WechatPay } from '../../../../wechatpay/index.ts';
import { certificateList, platformCertificate } from '../platform-certificate.ts';
import { APPID, keys, MCHID } from '../signing-gateway.ts';
import type { EndpointCase } from './case.ts';
import {
  BILL,
  BILL_ADDRESS,
  CODE_ORDER,
  CODE_URL,
  H5_PAGE,
  H5_URL,
  ORDER,
  PAID,
  PREPAY_ID,
  REFUND,
  REFUND_ANSWER,
  REFUNDED,
  SMALLEST_ORDER,
  UNPAID,
} from './fields.ts';

const COMBINATION = {
  combine_out_trade_no: 'K20260301000001',
  scene_info: { device_id: 'POS7', payer_client_ip: '203.0.113.9' },
  sub_orders: [
    {
      mchid: MCHID,
      attach: 'a',
      amount: { total_amount: 1000, currency: 'CNY' as const },
      out_trade_no: 'K01-0001',
      description: 'Tea',
      detail: 'green',
      goods_tag: 'SPRING',
      settle_info: { profit_sharing: false, subsidy_amount: 0 },
    },
    {
      mchid: '1900012346',
      attach: 'b',
      amount: { total_amount: 1590, currency: 'CNY' as const },
      out_trade_no: 'K01-0002',
      description: 'Cups',
    },
  ],
  time_start: '2026-03-01T12:00:00+08:00',
  time_expire: '2026-03-01T12:30:00+08:00',
  notify_url: 'https://pay.example.com/wx',
  limit_pay: ['no_balance' as const, 'no_debit' as const, 'balance_only' as const],
};

const COMBINED = {
  combine_appid: APPID,
  combine_mchid: MCHID,
  combine_out_trade_no: COMBINATION.combine_out_trade_no,
  scene_info: { device_id: 'POS7' },
  sub_orders: [
    {
      mchid: MCHID,
      trade_type: 'JSAPI',
      trade_state: 'SUCCESS',
      bank_type: 'OTHERS',
      attach: 'a',
      amount: { total_amount: 1000, payer_amount: 1000, currency: 'CNY', payer_currency: 'CNY' },
      success_time: '2026-03-01T12:03:11.120+08:00',
      transaction_id: PAID.transaction_id,
      out_trade_no: 'K01-0001',
      promotion_detail: [],
      future_field: 1,
    },
  ],
  combine_payer_info: { openid: 'oA1b2c3d4e5f6g7h8i9j0k1l2m3n' },
  future_field: 2,
};

const owner = { appid: APPID, mchid: MCHID };
const combiner = { combine_appid: APPID, combine_mchid: MCHID };
const openid = 'oA1b2c3d4e5f6g7h8i9j0k1l2m3n';
const certificate = await platformCertificate('5A1BC0D9E1F2A4C6E8D0B1A3C5E7F90123456789');

const PREPAY = '/v3/pay/transactions';
const COMBINE = '/v3/combine-transactions';
const REFUNDS = '/v3/refund/domestic/refunds';

const order: Pick<EndpointCase<WechatPay>, 'method' | 'status'> = { method: 'POST', status: 200 };
const query: Pick<EndpointCase<WechatPay>, 'method' | 'status'> = { method: 'GET', status: 200 };

const orderCases: EndpointCase<WechatPay>[] = [
  {
    ...order,
    call: 'jsapi.create',
    name: 'an order with every documented field is answered with its prepay_id',
    run: (pay) => pay.jsapi.create({ ...ORDER, payer: { openid } }),
    target: `${PREPAY}/jsapi`,
    body: { ...ORDER, payer: { openid }, ...owner },
    answer: PREPAY_ID,
  },
  {
    ...order,
    call: 'jsapi.create',
    name: 'a serialized order is sent as it was persisted',
    run: (pay) => pay.jsapi.create(pay.jsapi.serialize({ ...SMALLEST_ORDER, payer: { openid } })),
    target: `${PREPAY}/jsapi`,
    body: { ...SMALLEST_ORDER, payer: { openid }, ...owner },
    answer: PREPAY_ID,
  },
  {
    ...order,
    call: 'app.create',
    name: 'an order with every documented field is answered with its prepay_id',
    run: (pay) => pay.app.create(ORDER),
    target: `${PREPAY}/app`,
    body: { ...ORDER, ...owner },
    answer: PREPAY_ID,
  },
  {
    ...order,
    call: 'h5.create',
    name: 'an order with every documented field is answered with its h5_url',
    run: (pay) => pay.h5.create({ ...ORDER, scene_info: { ...ORDER.scene_info, h5_info: H5_PAGE } }),
    target: `${PREPAY}/h5`,
    body: { ...ORDER, scene_info: { ...ORDER.scene_info, h5_info: H5_PAGE }, ...owner },
    answer: H5_URL,
  },
  {
    ...order,
    call: 'h5.create',
    name: 'a mobile web page says no more than Wap',
    run: (pay) =>
      pay.h5.create({
        ...SMALLEST_ORDER,
        scene_info: { payer_client_ip: '203.0.113.9', h5_info: { type: 'Wap' } },
      }),
    target: `${PREPAY}/h5`,
    body: {
      ...SMALLEST_ORDER,
      scene_info: { payer_client_ip: '203.0.113.9', h5_info: { type: 'Wap' } },
      ...owner,
    },
    answer: H5_URL,
  },
  {
    ...order,
    call: 'native.create',
    name: 'an order with every documented field is answered with its code_url',
    run: (pay) => pay.native.create(ORDER),
    target: `${PREPAY}/native`,
    body: { ...ORDER, ...owner },
    answer: CODE_URL,
  },
  {
    ...order,
    call: 'native.create',
    name: 'an order with the required fields only, optional ones undefined',
    run: (pay) => pay.native.create({ ...SMALLEST_ORDER, attach: undefined as unknown as string }),
    target: `${PREPAY}/native`,
    body: { ...SMALLEST_ORDER, ...owner },
    answer: CODE_URL,
  },
  {
    ...query,
    call: 'orders.queryByOutTradeNo',
    name: 'a paid order, unknown fields kept',
    run: (pay) => pay.orders.queryByOutTradeNo(ORDER.out_trade_no),
    target: `${PREPAY}/out-trade-no/T20260301A000017?mchid=${MCHID}`,
    answer: { ...PAID, ...owner, payer: { openid } },
  },
  {
    ...query,
    call: 'orders.queryByOutTradeNo',
    name: 'an unpaid order with empty lists',
    run: (pay) => pay.orders.queryByOutTradeNo(ORDER.out_trade_no),
    target: `${PREPAY}/out-trade-no/T20260301A000017?mchid=${MCHID}`,
    answer: { ...UNPAID, ...owner },
  },
  {
    ...query,
    call: 'orders.queryByOutTradeNo',
    name: 'a number with every legal sign is encoded once',
    run: (pay) => pay.orders.queryByOutTradeNo('Az0_-|*'),
    target: `${PREPAY}/out-trade-no/Az0_-%7C*?mchid=${MCHID}`,
    answer: { ...UNPAID, ...owner, out_trade_no: 'Az0_-|*' },
  },
  {
    ...query,
    call: 'orders.queryByTransactionId',
    name: 'a paid order, unknown fields kept',
    run: (pay) => pay.orders.queryByTransactionId(PAID.transaction_id),
    target: `${PREPAY}/id/4200002088202603011234567890?mchid=${MCHID}`,
    answer: { ...PAID, ...owner, payer: { openid } },
  },
  {
    call: 'orders.close',
    name: 'closing is answered with nothing',
    run: (pay) => pay.orders.close(ORDER.out_trade_no),
    method: 'POST',
    target: `${PREPAY}/out-trade-no/T20260301A000017/close`,
    body: { mchid: MCHID },
    status: 204,
  },
];

const codepayCases: EndpointCase<WechatPay>[] = [
  {
    ...order,
    call: 'codepay.create',
    name: 'a code is charged at once',
    run: (pay) => pay.codepay.create(CODE_ORDER),
    target: `${PREPAY}/codepay`,
    body: { ...CODE_ORDER, ...owner },
    answer: {
      ...PAID,
      ...owner,
      out_trade_no: CODE_ORDER.out_trade_no,
      trade_type: 'MICROPAY',
      payer: { openid },
    },
  },
  {
    ...order,
    call: 'codepay.create',
    name: 'while the customer types the password, the state may be all there is',
    run: (pay) =>
      pay.codepay.create(
        pay.codepay.serialize({ ...CODE_ORDER, scene_info: { store_info: { out_id: 'S01' } } }),
      ),
    target: `${PREPAY}/codepay`,
    body: { ...CODE_ORDER, scene_info: { store_info: { out_id: 'S01' } }, ...owner },
    answer: { trade_state: 'USERPAYING' },
  },
  {
    ...order,
    call: 'codepay.reverse',
    name: 'an order is taken back',
    run: (pay) => pay.codepay.reverse(CODE_ORDER.out_trade_no),
    target: `${PREPAY}/out-trade-no/C20260301000001/reverse`,
    body: owner,
    answer: { ...owner, out_trade_no: CODE_ORDER.out_trade_no, future_field: true },
  },
];

const combineCases: EndpointCase<WechatPay>[] = [
  {
    ...order,
    call: 'combine.jsapi.create',
    name: 'two merchants’ orders with every documented field are answered with one prepay_id',
    run: (pay) => pay.combine.jsapi.create({ ...COMBINATION, combine_payer_info: { openid } }),
    target: `${COMBINE}/jsapi`,
    body: { ...COMBINATION, combine_payer_info: { openid }, ...combiner },
    answer: PREPAY_ID,
  },
  {
    ...order,
    call: 'combine.app.create',
    name: 'two merchants’ orders are answered with one prepay_id',
    run: (pay) => pay.combine.app.create(COMBINATION),
    target: `${COMBINE}/app`,
    body: { ...COMBINATION, ...combiner },
    answer: PREPAY_ID,
  },
  {
    ...order,
    call: 'combine.h5.create',
    name: 'two merchants’ orders are answered with one h5_url',
    run: (pay) =>
      pay.combine.h5.create({ ...COMBINATION, scene_info: { ...COMBINATION.scene_info, h5_info: H5_PAGE } }),
    target: `${COMBINE}/h5`,
    body: { ...COMBINATION, scene_info: { ...COMBINATION.scene_info, h5_info: H5_PAGE }, ...combiner },
    answer: H5_URL,
  },
  {
    ...order,
    call: 'combine.native.create',
    name: 'two merchants’ orders are answered with one code_url',
    run: (pay) => pay.combine.native.create(pay.combine.native.serialize(COMBINATION)),
    target: `${COMBINE}/native`,
    body: { ...COMBINATION, ...combiner },
    answer: CODE_URL,
  },
  {
    ...query,
    call: 'combine.queryByOutTradeNo',
    name: 'a paid combination with its orders, unknown fields kept',
    run: (pay) => pay.combine.queryByOutTradeNo(COMBINATION.combine_out_trade_no),
    target: `${COMBINE}/out-trade-no/K20260301000001`,
    answer: COMBINED,
  },
  {
    call: 'combine.close',
    name: 'closing names exactly the orders of the combination',
    run: (pay) =>
      pay.combine.close(COMBINATION.combine_out_trade_no, [
        { mchid: MCHID, out_trade_no: 'K01-0001' },
        { mchid: '1900012346', out_trade_no: 'K01-0002' },
      ]),
    method: 'POST',
    target: `${COMBINE}/out-trade-no/K20260301000001/close`,
    body: {
      combine_appid: APPID,
      sub_orders: [
        { mchid: MCHID, out_trade_no: 'K01-0001' },
        { mchid: '1900012346', out_trade_no: 'K01-0002' },
      ],
    },
    status: 204,
  },
];

const { transaction_id: _, ...refundOf } = REFUND;

const refundCases: EndpointCase<WechatPay>[] = [
  {
    ...order,
    call: 'refunds.apply',
    name: 'a refund with every documented field is accepted',
    run: (pay) => pay.refunds.apply(REFUND),
    target: REFUNDS,
    body: REFUND,
    answer: REFUND_ANSWER,
  },
  {
    ...order,
    call: 'refunds.apply',
    name: 'a serialized refund names the order by the merchant’s number',
    run: (pay) => pay.refunds.apply(pay.refunds.serialize({ ...refundOf, out_trade_no: ORDER.out_trade_no })),
    target: REFUNDS,
    body: { ...refundOf, out_trade_no: ORDER.out_trade_no },
    answer: REFUND_ANSWER,
  },
  {
    ...query,
    call: 'refunds.query',
    name: 'a refund that has come to its end, unknown fields kept',
    run: (pay) => pay.refunds.query(REFUND.out_refund_no),
    target: `${REFUNDS}/R20260302000001`,
    answer: REFUNDED,
  },
  {
    ...query,
    call: 'refunds.query',
    name: 'a number with every legal sign is encoded once',
    run: (pay) => pay.refunds.query('Az0_-|*@'),
    target: `${REFUNDS}/Az0_-%7C*%40`,
    answer: { ...REFUND_ANSWER, out_refund_no: 'Az0_-|*@' },
  },
  {
    ...order,
    call: 'refunds.applyAbnormal',
    name: 'the customer’s card and name arrive encrypted',
    run: (pay) =>
      pay.refunds.applyAbnormal(REFUND_ANSWER.refund_id, {
        out_refund_no: REFUND.out_refund_no,
        type: 'USER_BANK_CARD',
        bank_type: 'ICBC_DEBIT',
        bank_account: '6222020200112233445',
        real_name: '张三',
      }),
    target: `${REFUNDS}/50300208882026030212345678901/apply-abnormal-refund`,
    // The guillemets say that the field was encrypted for WeChat Pay.
    body: {
      out_refund_no: REFUND.out_refund_no,
      type: 'USER_BANK_CARD',
      bank_type: 'ICBC_DEBIT',
      bank_account: '«6222020200112233445»',
      real_name: '«张三»',
    },
    answer: REFUND_ANSWER,
  },
  {
    ...order,
    call: 'refunds.applyAbnormal',
    name: 'to the merchant’s own card nothing is to be encrypted',
    run: (pay) =>
      pay.refunds.applyAbnormal(REFUND_ANSWER.refund_id, {
        out_refund_no: REFUND.out_refund_no,
        type: 'MERCHANT_BANK_CARD',
      }),
    target: `${REFUNDS}/50300208882026030212345678901/apply-abnormal-refund`,
    body: { out_refund_no: REFUND.out_refund_no, type: 'MERCHANT_BANK_CARD' },
    answer: REFUND_ANSWER,
  },
];

const keyCases: EndpointCase<WechatPay>[] = [
  {
    ...query,
    call: 'certificates.list',
    name: 'certificates are decrypted with the APIv3 key',
    run: async (pay) =>
      (await pay.certificates.list()).map(({ publicKey, ...rest }) => ({
        ...rest,
        publicKey: publicKey.export({ type: 'spki', format: 'pem' }),
      })),
    target: '/v3/certificates',
    answer: certificateList([certificate]),
    result: [
      {
        serialNo: certificate.serial,
        effectiveTime: certificate.effective.getTime(),
        expireTime: certificate.expires.getTime(),
        pem: certificate.pem,
        publicKey: certificate.publicKey.export({ type: 'spki', format: 'pem' }),
      },
    ],
  },
  {
    ...order,
    call: 'security.echo',
    name: 'a text comes back as it went',
    run: (pay) => pay.security.echo('hi 你好', { notifyUrl: 'https://pay.example.com/echo' }),
    target: '/v3/security/echo',
    body: { echo_message: 'hi 你好', notify_url: 'https://pay.example.com/echo' },
    answer: { echo_message: 'hi 你好', future_field: 1 },
  },
  {
    ...order,
    call: 'security.echo',
    name: 'a text that goes encrypted comes back encrypted, and is read',
    run: (pay) => pay.security.echo('hi', { encrypted: '秘密' }),
    target: '/v3/security/echo',
    body: { echo_message: 'hi', encrypted_echo_message: '«秘密»' },
    answer: {
      echo_message: 'hi',
      encrypted_echo_message: publicEncrypt(keys.merchantPublic, Buffer.from('秘密')).toString('base64'),
    },
    result: { echo_message: 'hi', encrypted_echo_message: '秘密' },
  },
];

const billCases: EndpointCase<WechatPay>[] = [
  {
    ...query,
    call: 'bills.trade',
    name: 'a day’s orders are asked for compressed',
    run: (pay) => pay.bills.trade({ bill_date: '2026-03-01' }),
    target: '/v3/bill/tradebill?tar_type=GZIP&bill_date=2026-03-01',
    answer: { ...BILL_ADDRESS, future_field: 1 },
  },
  {
    ...query,
    call: 'bills.trade',
    name: 'refunds only, as plain text',
    run: (pay) => pay.bills.trade({ bill_date: '2026-03-01', bill_type: 'REFUND', tar_type: null }),
    target: '/v3/bill/tradebill?bill_date=2026-03-01&bill_type=REFUND',
    answer: BILL_ADDRESS,
  },
  {
    ...query,
    call: 'bills.fundFlow',
    name: 'a day’s movements of an account',
    run: (pay) => pay.bills.fundFlow({ bill_date: '2026-03-01', account_type: 'OPERATION' }),
    target: '/v3/bill/fundflowbill?tar_type=GZIP&bill_date=2026-03-01&account_type=OPERATION',
    answer: BILL_ADDRESS,
  },
  {
    ...query,
    call: 'bills.download',
    name: 'the address is asked for as it was given, and the compressed file is read and hashed',
    run: async (pay) => (await buffer(await pay.bills.download(BILL_ADDRESS))).toString(),
    target: '/v3/billdownload/file?token=Zk3_a-b%2B&tartype=gzip',
    answer: gzipSync(BILL),
    result: BILL.toString(),
  },
  {
    ...query,
    call: 'bills.download',
    name: 'a file in plain text',
    run: async (pay) => (await buffer(await pay.bills.download(BILL_ADDRESS))).toString(),
    target: '/v3/billdownload/file?token=Zk3_a-b%2B&tartype=gzip',
    answer: BILL,
    result: BILL.toString(),
  },
];

/** Every call of the mainland API as a direct merchant makes it. */
export const MERCHANT_CASES: EndpointCase<WechatPay>[] = [
  ...orderCases,
  ...codepayCases,
  ...combineCases,
  ...refundCases,
  ...keyCases,
  ...billCases,
];
