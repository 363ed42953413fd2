import { createCipheriv, publicEncrypt, randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import type { WechatPayPartner } from '../../../../wechatpay/index.ts';
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
import { MERCHANT_CASES } from './merchant.ts';

const SUB_MCHID = '1900031111';
const SUB_APPID = 'wx9a8b7c6d5e4f3021';

const sub = { sub_mchid: SUB_MCHID };
const subOrderer = { sub_mchid: SUB_MCHID, sub_appid: SUB_APPID };
const provider = { sp_appid: APPID, sp_mchid: MCHID };
const combiner = { combine_appid: APPID, combine_mchid: MCHID };
const owner = `sp_mchid=${MCHID}&sub_mchid=${SUB_MCHID}`;
const payer = { sp_openid: 'oA1b2c3d4e5f6g7h8i9j0k1l2m3n', sub_openid: 'oB1b2c3d4e5f6g7h8i9j0k1l2m3n' };

const PREPAY = '/v3/pay/partner/transactions';
const COMBINE = '/v3/combine-transactions';
const REFUNDS = '/v3/refund/domestic/refunds';

const order: Pick<EndpointCase<WechatPayPartner>, 'method' | 'status'> = { method: 'POST', status: 200 };
const query: Pick<EndpointCase<WechatPayPartner>, 'method' | 'status'> = { method: 'GET', status: 200 };

const orderCases: EndpointCase<WechatPayPartner>[] = [
  {
    ...order,
    call: 'jsapi.create',
    name: 'a sub-merchant’s order, the payer known under its own appid',
    run: (pay) =>
      pay.jsapi.create({ ...ORDER, ...subOrderer, payer: { sub_openid: 'oB1b2c3d4e5f6g7h8i9j0k1l2m3n' } }),
    target: `${PREPAY}/jsapi`,
    body: {
      ...ORDER,
      ...subOrderer,
      payer: { sub_openid: 'oB1b2c3d4e5f6g7h8i9j0k1l2m3n' },
      ...provider,
    },
    answer: PREPAY_ID,
  },
  {
    ...order,
    call: 'jsapi.create',
    name: 'a sub-merchant’s order, the payer known under the service provider’s appid',
    run: (pay) =>
      pay.jsapi.create({ ...SMALLEST_ORDER, ...sub, payer: { sp_openid: 'oA1b2c3d4e5f6g7h8i9j0k1l2m3n' } }),
    target: `${PREPAY}/jsapi`,
    body: { ...SMALLEST_ORDER, ...sub, payer: { sp_openid: 'oA1b2c3d4e5f6g7h8i9j0k1l2m3n' }, ...provider },
    answer: PREPAY_ID,
  },
  {
    ...order,
    call: 'app.create',
    name: 'a sub-merchant’s order with every documented field',
    run: (pay) => pay.app.create({ ...ORDER, ...subOrderer }),
    target: `${PREPAY}/app`,
    body: { ...ORDER, ...subOrderer, ...provider },
    answer: PREPAY_ID,
  },
  {
    ...order,
    call: 'h5.create',
    name: 'a sub-merchant’s order with every documented field',
    run: (pay) =>
      pay.h5.create({
        ...ORDER,
        ...subOrderer,
        scene_info: { ...ORDER.scene_info, h5_info: H5_PAGE },
      }),
    target: `${PREPAY}/h5`,
    body: { ...ORDER, ...subOrderer, scene_info: { ...ORDER.scene_info, h5_info: H5_PAGE }, ...provider },
    answer: H5_URL,
  },
  {
    ...order,
    call: 'native.create',
    name: 'a sub-merchant’s order with every documented field',
    run: (pay) => pay.native.create(pay.native.serialize({ ...ORDER, ...subOrderer })),
    target: `${PREPAY}/native`,
    body: { ...ORDER, ...subOrderer, ...provider },
    answer: CODE_URL,
  },
  {
    ...query,
    call: 'orders.queryByOutTradeNo',
    name: 'a sub-merchant’s paid order with both names of the payer',
    run: (pay) => pay.orders.queryByOutTradeNo(ORDER.out_trade_no, sub),
    target: `${PREPAY}/out-trade-no/T20260301A000017?${owner}`,
    answer: { ...PAID, ...provider, ...subOrderer, payer },
  },
  {
    ...query,
    call: 'orders.queryByOutTradeNo',
    name: 'a sub-merchant’s unpaid order',
    run: (pay) => pay.orders.queryByOutTradeNo(ORDER.out_trade_no, sub),
    target: `${PREPAY}/out-trade-no/T20260301A000017?${owner}`,
    answer: { ...UNPAID, ...provider, ...sub },
  },
  {
    ...query,
    call: 'orders.queryByTransactionId',
    name: 'a sub-merchant’s paid order',
    run: (pay) => pay.orders.queryByTransactionId(PAID.transaction_id, sub),
    target: `${PREPAY}/id/4200002088202603011234567890?${owner}`,
    answer: { ...PAID, ...provider, ...sub, payer: { sp_openid: payer.sp_openid } },
  },
  {
    call: 'orders.close',
    name: 'closing says whose order it is',
    run: (pay) => pay.orders.close(ORDER.out_trade_no, sub),
    method: 'POST',
    target: `${PREPAY}/out-trade-no/T20260301A000017/close`,
    body: { sp_mchid: MCHID, sub_mchid: SUB_MCHID },
    status: 204,
  },
];

const codepayCases: EndpointCase<WechatPayPartner>[] = [
  {
    ...order,
    call: 'codepay.create',
    name: 'a code is charged for a sub-merchant, the service provider’s appid included',
    run: (pay) => pay.codepay.create({ ...CODE_ORDER, ...subOrderer }),
    target: `${PREPAY}/codepay`,
    body: { ...CODE_ORDER, ...subOrderer, ...provider },
    answer: {
      ...PAID,
      ...provider,
      ...subOrderer,
      out_trade_no: CODE_ORDER.out_trade_no,
      trade_type: 'MICROPAY',
      payer,
    },
  },
  {
    ...order,
    call: 'codepay.reverse',
    name: 'a sub-merchant’s order is taken back',
    run: (pay) => pay.codepay.reverse(CODE_ORDER.out_trade_no, subOrderer),
    target: `${PREPAY}/out-trade-no/C20260301000001/reverse`,
    body: { ...provider, ...subOrderer },
    answer: { ...provider, ...subOrderer, out_trade_no: CODE_ORDER.out_trade_no },
  },
  {
    ...order,
    call: 'codepay.reverse',
    name: 'the sub-merchant’s appid is left out where the order had none',
    run: (pay) => pay.codepay.reverse(CODE_ORDER.out_trade_no, sub),
    target: `${PREPAY}/out-trade-no/C20260301000001/reverse`,
    body: { ...provider, ...sub },
    answer: { ...provider, ...sub, out_trade_no: CODE_ORDER.out_trade_no },
  },
];

const COMBINATION = {
  combine_out_trade_no: 'K1',
  scene_info: { device_id: 'POS7', payer_client_ip: '203.0.113.9' },
  sub_orders: [
    {
      mchid: MCHID,
      ...subOrderer,
      attach: 'a',
      amount: { total_amount: 1000, currency: 'CNY' as const },
      out_trade_no: 'K01-0001',
      description: 'Tea',
      detail: 'green',
      goods_tag: 'SPRING',
      settle_info: { profit_sharing: true, subsidy_amount: 10 },
    },
  ],
  time_start: '2026-03-01T12:00:00+08:00',
  time_expire: '2026-03-01T12:30:00+08:00',
  notify_url: 'https://pay.example.com/wx',
  limit_pay: ['no_debit' as const],
};

const combineCases: EndpointCase<WechatPayPartner>[] = [
  {
    ...order,
    call: 'combine.jsapi.create',
    name: 'a combination of one sub-merchant’s order, the payer known under its appid',
    run: (pay) =>
      pay.combine.jsapi.create({
        ...COMBINATION,
        combine_payer_info: { sub_openid: 'oB1b2c3d4e5f6g7h8i9j0k1l2m3n' },
      }),
    target: `${COMBINE}/jsapi`,
    body: {
      ...COMBINATION,
      combine_payer_info: { sub_openid: 'oB1b2c3d4e5f6g7h8i9j0k1l2m3n' },
      ...combiner,
    },
    answer: PREPAY_ID,
  },
  {
    ...order,
    call: 'combine.app.create',
    name: 'sub-merchants’ orders from an app',
    run: (pay) => pay.combine.app.create(COMBINATION),
    target: `${COMBINE}/app`,
    body: { ...COMBINATION, ...combiner },
    answer: PREPAY_ID,
  },
  {
    ...order,
    call: 'combine.h5.create',
    name: 'sub-merchants’ orders from a browser',
    run: (pay) =>
      pay.combine.h5.create({ ...COMBINATION, scene_info: { ...COMBINATION.scene_info, h5_info: H5_PAGE } }),
    target: `${COMBINE}/h5`,
    body: { ...COMBINATION, scene_info: { ...COMBINATION.scene_info, h5_info: H5_PAGE }, ...combiner },
    answer: H5_URL,
  },
  {
    ...order,
    call: 'combine.native.create',
    name: 'sub-merchants’ orders behind one code',
    run: (pay) => pay.combine.native.create(COMBINATION),
    target: `${COMBINE}/native`,
    body: { ...COMBINATION, ...combiner },
    answer: CODE_URL,
  },
  {
    ...query,
    call: 'combine.queryByOutTradeNo',
    name: 'a combination says which sub-merchant each order is for',
    run: (pay) => pay.combine.queryByOutTradeNo('K1'),
    target: `${COMBINE}/out-trade-no/K1`,
    answer: {
      ...combiner,
      combine_out_trade_no: 'K1',
      scene_info: { device_id: 'POS7' },
      sub_orders: [
        {
          mchid: MCHID,
          ...subOrderer,
          sub_openid: payer.sub_openid,
          trade_type: 'NATIVE',
          trade_state: 'SUCCESS',
          bank_type: 'OTHERS',
          attach: 'a',
          amount: { total_amount: 1000, payer_amount: 1000, currency: 'CNY', payer_currency: 'CNY' },
          success_time: '2026-03-01T12:03:11.120+08:00',
          transaction_id: PAID.transaction_id,
          out_trade_no: 'K01-0001',
          promotion_detail: PAID.promotion_detail,
        },
      ],
      combine_payer_info: { sub_openid: payer.sub_openid },
      future_field: {},
    },
  },
  {
    call: 'combine.close',
    name: 'closing names the sub-merchants as the order did',
    run: (pay) => pay.combine.close('K1', [{ mchid: MCHID, ...subOrderer, out_trade_no: 'K01-0001' }]),
    method: 'POST',
    target: `${COMBINE}/out-trade-no/K1/close`,
    body: {
      combine_appid: APPID,
      sub_orders: [{ mchid: MCHID, ...subOrderer, out_trade_no: 'K01-0001' }],
    },
    status: 204,
  },
];

const refundCases: EndpointCase<WechatPayPartner>[] = [
  {
    ...order,
    call: 'refunds.apply',
    name: 'a refund of a sub-merchant’s order with every documented field',
    run: (pay) => pay.refunds.apply({ ...REFUND, ...sub }),
    target: REFUNDS,
    body: { ...REFUND, ...sub },
    answer: REFUND_ANSWER,
  },
  {
    ...query,
    call: 'refunds.query',
    name: 'the query says which sub-merchant’s refund it is',
    run: (pay) => pay.refunds.query(REFUND.out_refund_no, sub),
    target: `${REFUNDS}/R20260302000001?sub_mchid=${SUB_MCHID}`,
    answer: REFUNDED,
  },
  {
    ...order,
    call: 'refunds.applyAbnormal',
    name: 'a sub-merchant’s customer gets the money on a card, account and name encrypted',
    run: (pay) =>
      pay.refunds.applyAbnormal(REFUND_ANSWER.refund_id, {
        ...sub,
        out_refund_no: REFUND.out_refund_no,
        type: 'USER_BANK_CARD',
        bank_type: 'CMB_DEBIT',
        bank_account: '6225880112345678',
        real_name: '李四',
      }),
    target: `${REFUNDS}/50300208882026030212345678901/apply-abnormal-refund`,
    // The guillemets say that the field was encrypted for WeChat Pay.
    body: {
      ...sub,
      out_refund_no: REFUND.out_refund_no,
      type: 'USER_BANK_CARD',
      bank_type: 'CMB_DEBIT',
      bank_account: '«6225880112345678»',
      real_name: '«李四»',
    },
    answer: REFUND_ANSWER,
  },
];

const fileKey = randomBytes(32);
const cipher = createCipheriv('aes-256-gcm', fileKey, 'q7Zt0aVb9LkX');
const ENCRYPTED_FILE = Buffer.concat([cipher.update(gzipSync(BILL)), cipher.final(), cipher.getAuthTag()]);
const PART = {
  ...BILL_ADDRESS,
  bill_sequence: 1,
  encrypt_key: publicEncrypt(keys.merchantPublic, fileKey).toString('base64'),
  nonce: 'q7Zt0aVb9LkX',
};
const ENCRYPTED_BILL = { download_bill_count: 1, download_bill_list: [PART], future_field: 1 };

const billCases: EndpointCase<WechatPayPartner>[] = [
  {
    ...query,
    call: 'bills.trade',
    name: 'one sub-merchant’s orders of a day',
    run: (pay) => pay.bills.trade({ bill_date: '2026-03-01', bill_type: 'ALL', ...sub }),
    target: `/v3/bill/tradebill?tar_type=GZIP&bill_date=2026-03-01&bill_type=ALL&sub_mchid=${SUB_MCHID}`,
    answer: BILL_ADDRESS,
  },
  {
    ...query,
    call: 'bills.fundFlow',
    name: 'the service provider’s own movements of a day',
    run: (pay) => pay.bills.fundFlow({ bill_date: '2026-03-01' }),
    target: '/v3/bill/fundflowbill?tar_type=GZIP&bill_date=2026-03-01',
    answer: BILL_ADDRESS,
  },
  {
    ...query,
    call: 'bills.subMerchantFundFlow',
    name: 'a sub-merchant’s movements are asked for encrypted',
    run: (pay) => pay.bills.subMerchantFundFlow({ bill_date: '2026-03-01', account_type: 'DEPOSIT', ...sub }),
    target: `/v3/bill/sub-merchant-fundflowbill?tar_type=GZIP&bill_date=2026-03-01&account_type=DEPOSIT&sub_mchid=${SUB_MCHID}&algorithm=AEAD_AES_256_GCM`,
    answer: ENCRYPTED_BILL,
  },
  {
    ...query,
    call: 'bills.ecommerceFundFlow',
    name: 'the movements of all sub-merchants are asked for encrypted',
    run: (pay) => pay.bills.ecommerceFundFlow({ bill_date: '2026-03-01', account_type: 'ALL' }),
    target:
      '/v3/ecommerce/bill/fundflowbill?tar_type=GZIP&bill_date=2026-03-01&account_type=ALL&algorithm=AEAD_AES_256_GCM',
    answer: ENCRYPTED_BILL,
  },
  {
    ...query,
    call: 'bills.download',
    name: 'an encrypted, compressed file is read and hashed',
    run: async (pay) => (await buffer(await pay.bills.download(PART))).toString(),
    target: '/v3/billdownload/file?token=Zk3_a-b%2B&tartype=gzip',
    answer: ENCRYPTED_FILE,
    result: BILL.toString(),
  },
];

/** Certificates and the echo are the same call for both. */
const keyCases: EndpointCase<WechatPayPartner>[] = MERCHANT_CASES.filter(({ call }) =>
  /^(certificates|security)\./.test(call),
) as unknown as EndpointCase<WechatPayPartner>[];

/** Every call of the mainland API as a service provider makes it. */
export const PARTNER_CASES: EndpointCase<WechatPayPartner>[] = [
  ...orderCases,
  ...codepayCases,
  ...combineCases,
  ...refundCases,
  ...keyCases,
  ...billCases,
];
