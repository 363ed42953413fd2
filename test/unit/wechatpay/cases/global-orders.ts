import { platformCertificate } from '../platform-certificate.ts';
import { APPID, MCHID } from '../signing-gateway.ts';

/** Overseas orders, refunds, settlements and statements, and what the gateway answers about them. */

export const DIRECT = { appid: APPID, mchid: MCHID };
export const INSTITUTION = { sp_appid: APPID, sp_mchid: MCHID };
export const SUB = { sub_mchid: '1900031111' };
export const SUB_ORDERER = { ...SUB, sub_appid: 'wx8888888888888888' };
export const DIRECT_QUERY = `mchid=${MCHID}`;
export const INSTITUTION_QUERY = `sp_mchid=${MCHID}&sub_mchid=${SUB.sub_mchid}`;

export const ID = '4200002088202603011234567890';
export const REFUND_ID = '50300208882026030212345678901';

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

export const PREPAY = { prepay_id: 'wx20260301120000a1b2c3d4e5f607181920' };
export const CODE = { code_url: 'weixin://wxpay/bizpayurl?pr=Kq7Rt2Zzz' };
export const MWEB = {
  mweb_url: 'https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx1&package=2',
};

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
export const SUB_PAID = {
  ...ORDER_STATE,
  ...INSTITUTION,
  ...SUB_ORDERER,
  payer: { sp_openid: 'oA1b', sub_openid: 'oB2c' },
};

export const ACCEPTED = {
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
export const REFUNDS = {
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
export const SETTLEMENTS = { data: [SETTLEMENT], total_count: 1, offset: 0, limit: 30 };
export const SETTLED = {
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

/** What a download says. */
export async function text(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
