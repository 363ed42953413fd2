import type { Setting } from './settings.ts';

/** Fen that every order costs. */
export const TOTAL = 2590;
/** Fen of it that are refunded. */
export const REFUND = 1000;

/** What only the two sides may read. */
export const SECRET = '张三 6214 0000 0000 0000';

/** A picture of one pixel. */
export const PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

export const PRODUCTS = ['jsapi', 'app', 'h5', 'native'] as const;
export type Product = (typeof PRODUCTS)[number];

const OPENID = 'oA1bC2dE3fG4hI5jK6lM7nO8pQ9r';
const SCENE = { payer_client_ip: '203.0.113.9', device_id: 'POS7' };
const H5_SCENE = { ...SCENE, h5_info: { type: 'Wap' } };

/** Who orders. */
function orderer({ role, mchid, appid, subMchid, subAppid }: Setting): object {
  return role === 'direct'
    ? { appid, mchid }
    : { sp_appid: appid, sp_mchid: mchid, sub_appid: subAppid, sub_mchid: subMchid };
}

/** The order of a product. */
export function orderBody(
  setting: Setting,
  product: Product,
  { outTradeNo, notifyUrl }: { outTradeNo: string; notifyUrl: string },
): object {
  return {
    ...orderer(setting),
    description: '茶具 “Tea set” & more',
    out_trade_no: outTradeNo,
    attach: 'c=1',
    notify_url: notifyUrl,
    amount: { total: TOTAL, currency: 'CNY' },
    ...(product === 'jsapi' && {
      payer: setting.role === 'direct' ? { openid: OPENID } : { sub_openid: OPENID },
    }),
    ...(product === 'h5' ? { scene_info: H5_SCENE } : { scene_info: SCENE }),
  };
}

/** Two orders that are paid together. */
export function combinedBody(
  { role, mchid, appid, subMchid, subAppid }: Setting,
  product: Product,
  { outTradeNo, notifyUrl }: { outTradeNo: string; notifyUrl: string },
) {
  return {
    combine_appid: appid,
    combine_mchid: mchid,
    combine_out_trade_no: outTradeNo,
    sub_orders: [1, 2].map((number) => ({
      mchid,
      ...(role === 'partner' && { sub_mchid: subMchid, sub_appid: subAppid }),
      attach: 'c=1',
      amount: { total_amount: TOTAL, currency: 'CNY' },
      out_trade_no: `${outTradeNo}-${number}`,
      description: 'Tea set',
    })),
    ...(product === 'jsapi' && {
      combine_payer_info: role === 'direct' ? { openid: OPENID } : { sub_openid: OPENID },
    }),
    scene_info: product === 'h5' ? H5_SCENE : SCENE,
    notify_url: notifyUrl,
  };
}

/** A payment code that a person shows. */
export function codeBody(setting: Setting, outTradeNo: string): object {
  return {
    ...orderer(setting),
    description: 'Tea set',
    out_trade_no: outTradeNo,
    payer: { auth_code: '134567890123456789' },
    amount: { total: TOTAL, currency: 'CNY' },
    scene_info: { device_id: 'POS7', store_info: { out_id: 'S01' } },
  };
}

/** A refund of a part. */
export function refundBody(
  { role, subMchid }: Setting,
  { outTradeNo, outRefundNo, notifyUrl }: { outTradeNo: string; outRefundNo: string; notifyUrl: string },
): object {
  return {
    ...(role === 'partner' && { sub_mchid: subMchid }),
    out_trade_no: outTradeNo,
    out_refund_no: outRefundNo,
    reason: 'broken',
    notify_url: notifyUrl,
    amount: { refund: REFUND, total: TOTAL, currency: 'CNY' },
  };
}
