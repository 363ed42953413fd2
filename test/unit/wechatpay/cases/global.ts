import type { WechatPayGlobal, WechatPayGlobalPartner } from '../../../../wechatpay/global/index.ts';
import { certificateList, platformCertificate } from '../platform-certificate.ts';
import { APPID, MCHID } from '../signing-gateway.ts';
import type { EndpointCase } from './case.ts';

const DIRECT = { appid: APPID, mchid: MCHID };
const INSTITUTION = { sp_appid: APPID, sp_mchid: MCHID };
const SUB = { sub_mchid: '1900031111' };
const SUB_ORDERER = { ...SUB, sub_appid: 'wx8888888888888888' };
const DIRECT_QUERY = `mchid=${MCHID}`;
const INSTITUTION_QUERY = `sp_mchid=${MCHID}&sub_mchid=${SUB.sub_mchid}`;

const ID = '4200002088202603011234567890';
const REFUND_ID = '50300208882026030212345678901';

export const MICROPAY_ORDER = {
  description: 'Tea set 茶具',
  attach: 'c=1',
  out_trade_no: 'G20260301000001',
  goods_tag: 'SPRING',
  merchant_category_code: '4111',
  amount: { total: 2590, currency: 'HKD' as const },
  limit_pay: 'no_credit' as const,
  scene_info: {
    payer_client_ip: '203.0.113.9',
    device_ip: '203.0.113.8',
    device_id: 'POS7',
    operator_id: 'P001',
    store_info: { id: 'S01', name: 'Harbour', address: '1 Pier Rd' },
  },
  detail: [
    {
      cost_price: 2790,
      receipt_id: 'R-5',
      goods_detail: [
        { goods_id: 'SKU-88', wxpay_goods_id: '1001', goods_name: 'Tea', quantity: 1, price: 2790 },
      ],
    },
  ],
  payer: { auth_code: '134567890123456789' },
};
const { payer: _, ...COMMON } = MICROPAY_ORDER;
export const ORDER = {
  ...COMMON,
  notify_url: 'https://pay.example.com/wx',
  time_start: '2026-03-01T12:00:00+08:00',
  time_expire: '2026-03-01T12:30:00+08:00',
};
export const REFUND = {
  transaction_id: ID,
  out_refund_no: 'R20260302000001',
  reason: 'broken',
  notify_url: 'https://pay.example.com/wx',
  amount: { refund: 1000, total: 2590, currency: 'HKD' as const },
};

const PREPAY = { prepay_id: 'wx20260301120000a1b2c3d4e5f607181920' };
const CODE = { code_url: 'weixin://wxpay/bizpayurl?pr=Kq7Rt2Zzz' };
const MWEB = { mweb_url: 'https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx1&package=2' };

export const PAID = {
  ...DIRECT,
  out_trade_no: ORDER.out_trade_no,
  id: ID,
  trade_type: 'JSAPI',
  bank_type: 'OTHERS',
  success_time: '2026-03-01T12:03:11+08:00',
  trade_state: 'SUCCESS',
  trade_state_desc: '支付成功',
  attach: 'c=1',
  payer: { openid: 'oA1b' },
  amount: {
    total: 2590,
    payer_total: 2400,
    currency: 'HKD',
    payer_currency: 'CNY',
    exchange_rate: { type: 'SETTLEMENT_RATE', rate: 80000000 },
  },
  promotion_detail: [
    {
      promotion_id: '109001',
      name: 'Spring',
      scope: 'GLOBAL',
      type: 'COUPON',
      amount: 200,
      currency: 'HKD',
      activity_id: '931001',
      wxpay_contribute_amount: 0,
      merchant_contribute_amount: 200,
      other_contribute_amount: 0,
      goods_detail: [{ goods_id: 'SKU-88', goods_remark: '', quantity: 1, price: 2790 }],
    },
  ],
};
const { appid: _appid, mchid: _mchid, ...ORDER_STATE } = PAID;
const SUB_PAID = {
  ...ORDER_STATE,
  ...INSTITUTION,
  ...SUB_ORDERER,
  payer: { sp_openid: 'oA1b', sub_openid: 'oB2c' },
};

const ACCEPTED = {
  id: REFUND_ID,
  out_refund_no: REFUND.out_refund_no,
  create_time: '2026-03-02T09:00:01+08:00',
  amount: {
    refund: 1000,
    currency: 'HKD',
    payer_refund: 927,
    payer_currency: 'CNY',
    exchange_rate: { type: 'SETTLEMENT_RATE', rate: 80000000 },
  },
  detail: [
    {
      promotion_id: '109001',
      scope: 'GLOBAL',
      type: 'COUPON',
      amount: 200,
      refund_amount: 77,
      currency: 'HKD',
    },
  ],
};
export const REFUNDED = {
  ...ACCEPTED,
  transaction_id: ID,
  out_trade_no: ORDER.out_trade_no,
  channel: 'ORIGINAL',
  recv_account: '支付用户零钱',
  fund_source: 'REFUND_SOURCE_UNSETTLED_FUNDS',
  success_time: '2026-03-02T09:02:40+08:00',
  status: 'SUCCESS',
};
const { detail: refund_detail, transaction_id: _id, out_trade_no: _no, ...LISTED } = REFUNDED;
const REFUNDS = {
  id: ID,
  out_trade_no: ORDER.out_trade_no,
  amount: { total: 2590, currency: 'HKD', payer_total: 2400, payer_currency: 'CNY' },
  data: [{ ...LISTED, refund_detail }],
  total_num: 1,
  current_total_num: 1,
};

export const SETTLEMENT = {
  batch_id: '100019282733',
  settlement_date: '20260303',
  trade_start_date: '20260301',
  trade_end_date: '20260302',
  amount: { currency: 'HKD', settled: 1540, unsettle: 0, pay: 2590, refund: 1000, net: 1590, fee: 50 },
  wallet_region: 'MAINLAND_CHINA',
};
const SETTLEMENTS = { data: [SETTLEMENT], total_count: 1, offset: 0, limit: 30 };
const SETTLED = {
  settle_state: 'SETTLED' as const,
  settle_start_date: '20260301',
  settle_end_date: '20260302',
};

const HEADER =
  '交易时间,公众账号ID,商户号,子商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,充值券币种,充值券金额,优惠券币种,优惠券金额,微信退款单号,商户退款单号,退款类型,退款状态,商品名称,商户数据包,手续费,费率,标价币种,订单金额(标价币种),用户支付币种,用户支付金额,结算币种,应结订单金额,支付汇率,退款汇率,申请退款金额,用户退款币种,用户退款金额,退款结算币种,退款应结订单金额,充值券退款金额,优惠券退款金额';
const ROW = `\`2026-03-01 12:03:11,\`${APPID},\`${MCHID},\`0,\`POS7,\`${ID},\`${ORDER.out_trade_no},\`oA1b,\`JSAPI,\`SUCCESS,\`OTHERS,\`,\`0.00,\`,\`0.00,\`0,\`0,\`,\`,\`Tea set,\`c=1,\`0.16000,\`0.60%,\`HKD,\`25.90,\`CNY,\`24.00,\`HKD,\`25.90,\`80000000,\`0,\`0.00,\`,\`0.00,\`,\`0.00,\`0.00,\`0.00`;
/** A statement of one payment: what the gateway answers to `statements.download`, as text and not as JSON. */
export const STATEMENT = `${HEADER}\r\n${ROW}\r\n总交易单数,应结订单总金额\r\n\`1,\`25.90\r\n`;

export const CERTIFICATE = await platformCertificate('5A1BC0D2E3F405162738495A6B7C8D9E0F1A2B3C');

async function text(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

const P = '/v3/global/transactions';
const M = '/v3/global/micropay/transactions';

/** Every overseas call of a direct merchant. */
export const GLOBAL_CASES: EndpointCase<WechatPayGlobal>[] = [
  {
    call: 'global.jsapi.create',
    name: 'a JSAPI order names the merchant, its trade type and its category, and is answered a prepay_id',
    run: (pay) => pay.jsapi.create({ ...ORDER, payer: { openid: 'oA1b' } }),
    method: 'POST',
    target: `${P}/jsapi`,
    body: { ...ORDER, payer: { openid: 'oA1b' }, ...DIRECT, trade_type: 'JSAPI' },
    status: 200,
    answer: PREPAY,
  },
  {
    call: 'global.app.create',
    name: 'an app order is answered a prepay_id',
    run: (pay) => pay.app.create({ ...ORDER, amount: { total: 2590, currency: 'JPY' } }),
    method: 'POST',
    target: `${P}/app`,
    body: { ...ORDER, amount: { total: 2590, currency: 'JPY' }, ...DIRECT, trade_type: 'APP' },
    status: 200,
    answer: PREPAY,
  },
  {
    call: 'global.native.create',
    name: 'a Native order is answered a code_url',
    run: (pay) => pay.native.create(ORDER),
    method: 'POST',
    target: `${P}/native`,
    body: { ...ORDER, ...DIRECT, trade_type: 'NATIVE' },
    status: 200,
    answer: CODE,
  },
  {
    call: 'global.mweb.create',
    name: 'an H5 order is answered a mweb_url',
    run: (pay) => pay.mweb.create(ORDER),
    method: 'POST',
    target: `${P}/mweb`,
    body: { ...ORDER, ...DIRECT, trade_type: 'MWEB' },
    status: 200,
    answer: MWEB,
  },
  {
    call: 'global.orders.queryById',
    name: "an order by WeChat Pay's number, which is its id",
    run: (pay) => pay.orders.queryById(ID),
    method: 'GET',
    target: `${P}/id/${ID}?${DIRECT_QUERY}`,
    status: 200,
    answer: PAID,
  },
  {
    call: 'global.orders.queryByOutTradeNo',
    name: "an order by the merchant's number",
    run: (pay) => pay.orders.queryByOutTradeNo('A|b*_-1'),
    method: 'GET',
    target: `${P}/out-trade-no/A%7Cb*_-1?${DIRECT_QUERY}`,
    status: 200,
    answer: { ...PAID, out_trade_no: 'A|b*_-1' },
  },
  {
    call: 'global.orders.close',
    name: 'an unpaid order is closed',
    run: (pay) => pay.orders.close(ORDER.out_trade_no),
    method: 'POST',
    target: `${P}/out-trade-no/${ORDER.out_trade_no}/close`,
    body: { mchid: MCHID },
    status: 204,
  },
  {
    call: 'global.micropay.pay',
    name: 'a payment code is charged',
    run: (pay) => pay.micropay.pay(MICROPAY_ORDER),
    method: 'POST',
    target: `${M}/pay`,
    body: { ...MICROPAY_ORDER, ...DIRECT, trade_type: 'MICROPAY' },
    status: 200,
    answer: { ...PAID, trade_type: 'MICROPAY' },
  },
  {
    call: 'global.micropay.pay',
    name: 'while the customer types the password the answer may be nothing but the state',
    run: (pay) => pay.micropay.pay(pay.micropay.serialize(MICROPAY_ORDER)),
    method: 'POST',
    target: `${M}/pay`,
    body: { ...MICROPAY_ORDER, ...DIRECT, trade_type: 'MICROPAY' },
    status: 200,
    answer: { trade_state: 'USERPAYING' },
  },
  {
    call: 'global.micropay.reverseById',
    name: "an order of a payment code is taken back by WeChat Pay's number",
    run: (pay) => pay.micropay.reverseById(ID),
    method: 'POST',
    target: `${M}/id/${ID}/reverse`,
    body: { mchid: MCHID },
    status: 204,
  },
  {
    call: 'global.micropay.reverseByOutTradeNo',
    name: "an order of a payment code is taken back by the merchant's number",
    run: (pay) => pay.micropay.reverseByOutTradeNo(MICROPAY_ORDER.out_trade_no),
    method: 'POST',
    target: `${M}/out-trade-no/${MICROPAY_ORDER.out_trade_no}/reverse`,
    body: { mchid: MCHID },
    status: 204,
  },
  {
    call: 'global.refunds.apply',
    name: 'a refund of an order in its currency is accepted',
    run: (pay) => pay.refunds.apply(REFUND),
    method: 'POST',
    target: '/v3/global/refunds',
    body: { ...REFUND, ...DIRECT },
    status: 200,
    answer: ACCEPTED,
  },
  {
    call: 'global.refunds.queryById',
    name: "a refund by WeChat Pay's number",
    run: (pay) => pay.refunds.queryById(REFUND_ID),
    method: 'GET',
    target: `/v3/global/refunds/id/${REFUND_ID}?${DIRECT_QUERY}`,
    status: 200,
    answer: REFUNDED,
  },
  {
    call: 'global.refunds.queryByOutRefundNo',
    name: "a refund by the merchant's number",
    run: (pay) => pay.refunds.queryByOutRefundNo('R|@*'),
    method: 'GET',
    target: `/v3/global/refunds/out-refund-no/R%7C%40*?${DIRECT_QUERY}`,
    status: 200,
    answer: { ...REFUNDED, out_refund_no: 'R|@*' },
  },
  {
    call: 'global.refunds.list',
    name: "the refunds of an order by the merchant's number",
    run: (pay) => pay.refunds.list({ out_trade_no: ORDER.out_trade_no }),
    method: 'GET',
    target: `/v3/global/refunds?out_trade_no=${ORDER.out_trade_no}&${DIRECT_QUERY}&offset=0&count=20`,
    status: 200,
    answer: REFUNDS,
  },
  {
    call: 'global.refunds.list',
    name: "a page of the refunds of an order by WeChat Pay's number",
    run: (pay) => pay.refunds.list({ transaction_id: ID, offset: 10, count: 5 }),
    method: 'GET',
    target: `/v3/global/refunds?transaction_id=${ID}&${DIRECT_QUERY}&offset=10&count=5`,
    status: 200,
    answer: REFUNDS,
  },
  {
    call: 'global.statements.download',
    name: 'the statement of a day is a file',
    run: async (pay) => text(await pay.statements.download({ date: '20260301' })),
    method: 'GET',
    target: `/v3/global/statements?date=20260301&${DIRECT_QUERY}`,
    status: 200,
    answer: STATEMENT,
  },
  {
    call: 'global.settlements.list',
    name: 'what was paid out within some days',
    run: (pay) => pay.settlements.list(SETTLED),
    method: 'GET',
    target:
      '/v3/global/settle/settlements?settle_state=SETTLED&settle_start_date=20260301&settle_end_date=20260302&limit=30&offset=0',
    status: 200,
    answer: SETTLEMENTS,
  },
  {
    call: 'global.settlements.list',
    name: 'what is still to be paid out, a page of it',
    run: (pay) => pay.settlements.list({ settle_state: 'UNSETTLE' }, { limit: 5, offset: 10 }),
    method: 'GET',
    target: '/v3/global/settle/settlements?settle_state=UNSETTLE&limit=5&offset=10',
    status: 200,
    answer: { total_count: 0, offset: 10, limit: 0 },
  },
  {
    call: 'global.certificates.list',
    name: 'the platform certificates, decrypted',
    run: async (pay) => (await pay.certificates.list()).map(({ serialNo, pem }) => ({ serialNo, pem })),
    method: 'GET',
    target: '/v3/global/certificates',
    status: 200,
    answer: certificateList([CERTIFICATE]),
    result: [{ serialNo: CERTIFICATE.serial, pem: CERTIFICATE.pem }],
  },
];

/** Every overseas call of an institution. */
export const GLOBAL_PARTNER_CASES: EndpointCase<WechatPayGlobalPartner>[] = [
  {
    call: 'global.jsapi.create',
    name: 'a JSAPI order names institution and sub-merchant, and whose openid it is',
    run: (pay) => pay.jsapi.create({ ...ORDER, ...SUB_ORDERER, payer: { sub_openid: 'oB2c' } }),
    method: 'POST',
    target: `${P}/jsapi`,
    body: {
      ...ORDER,
      ...SUB_ORDERER,
      payer: { sub_openid: 'oB2c' },
      ...INSTITUTION,
      trade_type: 'JSAPI',
    },
    status: 200,
    answer: PREPAY,
  },
  {
    call: 'global.app.create',
    name: 'an app order for a sub-merchant',
    run: (pay) => pay.app.create({ ...ORDER, ...SUB }),
    method: 'POST',
    target: `${P}/app`,
    body: { ...ORDER, ...SUB, ...INSTITUTION, trade_type: 'APP' },
    status: 200,
    answer: PREPAY,
  },
  {
    call: 'global.native.create',
    name: 'a Native order for a sub-merchant',
    run: (pay) => pay.native.create({ ...ORDER, ...SUB }),
    method: 'POST',
    target: `${P}/native`,
    body: { ...ORDER, ...SUB, ...INSTITUTION, trade_type: 'NATIVE' },
    status: 200,
    answer: CODE,
  },
  {
    call: 'global.mweb.create',
    name: 'an H5 order for a sub-merchant',
    run: (pay) => pay.mweb.create({ ...ORDER, ...SUB }),
    method: 'POST',
    target: `${P}/mweb`,
    body: { ...ORDER, ...SUB, ...INSTITUTION, trade_type: 'MWEB' },
    status: 200,
    answer: MWEB,
  },
  {
    call: 'global.orders.queryById',
    name: "a sub-merchant's order by WeChat Pay's number",
    run: (pay) => pay.orders.queryById(ID, SUB),
    method: 'GET',
    target: `${P}/id/${ID}?${INSTITUTION_QUERY}`,
    status: 200,
    answer: SUB_PAID,
  },
  {
    call: 'global.orders.queryByOutTradeNo',
    name: "a sub-merchant's order by its own number",
    run: (pay) => pay.orders.queryByOutTradeNo(ORDER.out_trade_no, SUB),
    method: 'GET',
    target: `${P}/out-trade-no/${ORDER.out_trade_no}?${INSTITUTION_QUERY}`,
    status: 200,
    answer: SUB_PAID,
  },
  {
    call: 'global.orders.close',
    name: "a sub-merchant's unpaid order is closed",
    run: (pay) => pay.orders.close(ORDER.out_trade_no, SUB),
    method: 'POST',
    target: `${P}/out-trade-no/${ORDER.out_trade_no}/close`,
    body: { sp_mchid: MCHID, ...SUB },
    status: 204,
  },
  {
    call: 'global.micropay.pay',
    name: 'a payment code is charged for a sub-merchant',
    run: (pay) => pay.micropay.pay({ ...MICROPAY_ORDER, ...SUB_ORDERER }),
    method: 'POST',
    target: `${M}/pay`,
    body: { ...MICROPAY_ORDER, ...SUB_ORDERER, ...INSTITUTION, trade_type: 'MICROPAY' },
    status: 200,
    answer: { ...SUB_PAID, trade_type: 'MICROPAY' },
  },
  {
    call: 'global.micropay.reverseById',
    name: "a sub-merchant's order is taken back by WeChat Pay's number",
    run: (pay) => pay.micropay.reverseById(ID, SUB),
    method: 'POST',
    target: `${M}/id/${ID}/reverse`,
    body: { sp_mchid: MCHID, ...SUB },
    status: 204,
  },
  {
    call: 'global.micropay.reverseByOutTradeNo',
    name: "a sub-merchant's order is taken back by its own number",
    run: (pay) => pay.micropay.reverseByOutTradeNo(MICROPAY_ORDER.out_trade_no, SUB),
    method: 'POST',
    target: `${M}/out-trade-no/${MICROPAY_ORDER.out_trade_no}/reverse`,
    body: { sp_mchid: MCHID, ...SUB },
    status: 204,
  },
  {
    call: 'global.refunds.apply',
    name: "a refund of a sub-merchant's order",
    run: (pay) => pay.refunds.apply({ ...REFUND, ...SUB_ORDERER }),
    method: 'POST',
    target: '/v3/global/refunds',
    body: { ...REFUND, ...SUB_ORDERER, ...INSTITUTION },
    status: 200,
    answer: ACCEPTED,
  },
  {
    call: 'global.refunds.queryById',
    name: "a sub-merchant's refund by WeChat Pay's number",
    run: (pay) => pay.refunds.queryById(REFUND_ID, SUB),
    method: 'GET',
    target: `/v3/global/refunds/id/${REFUND_ID}?${INSTITUTION_QUERY}`,
    status: 200,
    answer: REFUNDED,
  },
  {
    call: 'global.refunds.queryByOutRefundNo',
    name: "a sub-merchant's refund by its own number",
    run: (pay) => pay.refunds.queryByOutRefundNo(REFUND.out_refund_no, SUB),
    method: 'GET',
    target: `/v3/global/refunds/out-refund-no/${REFUND.out_refund_no}?${INSTITUTION_QUERY}`,
    status: 200,
    answer: REFUNDED,
  },
  {
    call: 'global.refunds.list',
    name: "the refunds of a sub-merchant's order",
    run: (pay) => pay.refunds.list({ out_trade_no: ORDER.out_trade_no }, SUB),
    method: 'GET',
    target: `/v3/global/refunds?out_trade_no=${ORDER.out_trade_no}&${INSTITUTION_QUERY}&offset=0&count=20`,
    status: 200,
    answer: { ...REFUNDS, sp_mchid: MCHID, ...SUB },
  },
  {
    call: 'global.statements.download',
    name: 'the statement of all sub-merchants',
    run: async (pay) => text(await pay.statements.download({ date: '20260301' })),
    method: 'GET',
    target: `/v3/global/statements?date=20260301&sp_mchid=${MCHID}`,
    status: 200,
    answer: STATEMENT,
  },
  {
    call: 'global.statements.download',
    name: 'the statement of one sub-merchant',
    run: async (pay) => text(await pay.statements.download({ date: '20260301', ...SUB })),
    method: 'GET',
    target: `/v3/global/statements?date=20260301&${INSTITUTION_QUERY}`,
    status: 200,
    answer: STATEMENT,
  },
  {
    call: 'global.settlements.list',
    name: 'what was paid out to the institution',
    run: (pay) => pay.settlements.list(SETTLED),
    method: 'GET',
    target:
      '/v3/global/settle/settlements?settle_state=SETTLED&settle_start_date=20260301&settle_end_date=20260302&limit=30&offset=0',
    status: 200,
    answer: SETTLEMENTS,
  },
  {
    call: 'global.settlements.list',
    name: 'what is to be paid out to a sub-merchant of an ordinary service provider',
    run: (pay) => pay.settlements.list({ settle_state: 'UNSETTLE', ...SUB }),
    method: 'GET',
    target: `/v3/global/settle/settlements?settle_state=UNSETTLE&sub_mchid=${SUB.sub_mchid}&limit=30&offset=0`,
    status: 200,
    answer: SETTLEMENTS,
  },
  {
    call: 'global.certificates.list',
    name: 'the platform certificates of an institution',
    run: async (pay) => (await pay.certificates.list()).map(({ serialNo, pem }) => ({ serialNo, pem })),
    method: 'GET',
    target: '/v3/global/certificates',
    status: 200,
    answer: certificateList([CERTIFICATE]),
    result: [{ serialNo: CERTIFICATE.serial, pem: CERTIFICATE.pem }],
  },
];
