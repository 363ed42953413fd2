import { createHash } from 'node:crypto';

/** Every optional field of an order that is documented. */
export const ORDER = {
  description: 'Tea set 茶具',
  out_trade_no: 'T20260301A000017',
  time_expire: '2026-03-01T12:30:00+08:00',
  attach: 'c=1',
  notify_url: 'https://pay.example.com/wx',
  goods_tag: 'SPRING',
  limit_pay: ['no_balance' as const, 'no_credit' as const, 'no_debit' as const, 'balance_only' as const],
  support_fapiao: false,
  amount: { total: 2590, currency: 'CNY' as const },
  detail: {
    cost_price: 2790,
    invoice_id: 'R-5',
    goods_detail: [
      {
        merchant_goods_id: 'SKU-88',
        wechatpay_goods_id: '1001',
        goods_name: 'Tea',
        quantity: 1,
        unit_price: 2790,
      },
    ],
  },
  scene_info: {
    payer_client_ip: '203.0.113.9',
    device_id: 'POS7',
    store_info: { id: 'S01', name: 'Harbour', area_code: '440305', address: '1 Pier Rd' },
  },
  settle_info: { profit_sharing: false },
};

/** No more than what is required. */
export const SMALLEST_ORDER = {
  description: 'Tea',
  out_trade_no: 'T00001',
  notify_url: 'https://pay.example.com/wx',
  amount: { total: 1 },
};

/** The four kinds of page that an H5 payment starts from. */
export const H5_PAGE = {
  type: 'iOS' as const,
  app_name: 'Shop',
  app_url: 'https://shop.example.com',
  bundle_id: 'com.example.shop',
  package_name: 'com.example.shop',
};

/** What a paid order has in either role. */
export const PAID = {
  out_trade_no: ORDER.out_trade_no,
  transaction_id: '4200002088202603011234567890',
  trade_type: 'JSAPI',
  trade_state: 'SUCCESS',
  trade_state_desc: '支付成功',
  bank_type: 'OTHERS',
  attach: 'c=1',
  success_time: '2026-03-01T12:03:11+08:00',
  amount: { total: 2590, payer_total: 2390, currency: 'CNY', payer_currency: 'CNY' },
  scene_info: { device_id: 'POS7' },
  promotion_detail: [
    {
      coupon_id: '109001',
      name: 'Spring',
      scope: 'GLOBAL',
      type: 'CASH',
      amount: 200,
      stock_id: '931001',
      wechatpay_contribute: 0,
      merchant_contribute: 200,
      other_contribute: 0,
      currency: 'CNY',
      goods_detail: [
        { goods_id: 'SKU-88', quantity: 1, unit_price: 2790, discount_amount: 200, goods_remark: '' },
      ],
    },
  ],
  future_field: { of: ['WeChat Pay'] },
};

export const UNPAID = {
  out_trade_no: ORDER.out_trade_no,
  trade_state: 'NOTPAY',
  trade_state_desc: '订单未支付',
  amount: { total: 2590, payer_currency: 'CNY' },
  promotion_detail: [],
  scene_info: { device_id: '' },
};

export const PREPAY_ID = { prepay_id: 'wx20260301120000a1b2c3d4e5f607181920', future_field: 1 };
export const CODE_URL = { code_url: 'weixin://wxpay/bizpayurl?pr=Kq7Rt2Zzz', future_field: [] };
export const H5_URL = {
  h5_url:
    'https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx20260301120000a1b2&package=2150917749',
  future_field: 'x',
};

/** An order paid with the code that the customer shows. */
export const CODE_ORDER = {
  description: 'Tea',
  out_trade_no: 'C20260301000001',
  attach: 't',
  goods_tag: 'SPRING',
  support_fapiao: false,
  payer: { auth_code: '134567890123456789' },
  amount: { total: 2590, currency: 'CNY' as const },
  scene_info: {
    device_id: 'POS7',
    device_ip: '203.0.113.9',
    store_info: { id: '8100001', out_id: 'S01' },
  },
  detail: {
    cost_price: 2790,
    invoice_id: 'R-5',
    goods_detail: [
      {
        merchant_goods_id: 'SKU-88',
        wxpay_goods_id: '1001',
        goods_name: 'Tea',
        quantity: 1,
        unit_price: 2790,
      },
    ],
  },
  settle_info: { profit_sharing: false },
};

/** A refund of an order named by WeChat Pay's number. */
export const REFUND = {
  transaction_id: PAID.transaction_id,
  out_refund_no: 'R20260302000001',
  reason: 'broken',
  notify_url: 'https://pay.example.com/wx/refunds',
  funds_account: 'AVAILABLE' as const,
  amount: {
    refund: 1000,
    total: 2590,
    currency: 'CNY' as const,
    from: [{ account: 'AVAILABLE' as const, amount: 1000 }],
  },
  goods_detail: [
    {
      merchant_goods_id: 'SKU-88',
      wechatpay_goods_id: '1001',
      goods_name: 'Tea',
      unit_price: 2790,
      refund_amount: 1000,
      refund_quantity: 1,
    },
  ],
};

export const REFUND_ANSWER = {
  refund_id: '50300208882026030212345678901',
  out_refund_no: REFUND.out_refund_no,
  transaction_id: PAID.transaction_id,
  out_trade_no: ORDER.out_trade_no,
  channel: 'ORIGINAL',
  user_received_account: '支付用户零钱',
  create_time: '2026-03-02T09:00:01+08:00',
  status: 'PROCESSING',
  funds_account: 'UNSETTLED',
  amount: {
    total: 2590,
    refund: 1000,
    from: [],
    payer_total: 2390,
    payer_refund: 923,
    settlement_refund: 1000,
    settlement_total: 2590,
    discount_refund: 77,
    currency: 'CNY',
    refund_fee: 6,
  },
  promotion_detail: [
    {
      promotion_id: '109001',
      scope: 'GLOBAL',
      type: 'COUPON',
      amount: 200,
      refund_amount: 77,
      goods_detail: REFUND.goods_detail,
    },
  ],
  future_field: null,
};

export const REFUNDED = { ...REFUND_ANSWER, status: 'SUCCESS', success_time: '2026-03-02T09:02:40+08:00' };

/** A day's bill, its rows left out: what is in them is not these tests' business. */
export const BILL = Buffer.from('交易时间,公众账号ID\r\n`2026-03-01 12:03:11,`wx0f\r\n');
export const BILL_ADDRESS = {
  hash_type: 'SHA1' as const,
  hash_value: createHash('sha1').update(BILL).digest('hex'),
  download_url: 'https://api.mch.weixin.qq.com/v3/billdownload/file?token=Zk3_a-b%2B&tartype=gzip',
};
