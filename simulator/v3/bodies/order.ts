import { z } from 'zod';
import { AUTH_CODE } from '../../orders/payment-code.ts';
import { currency, dateTime, fen, notifyUrl, outTradeNo, text } from '../request-body.ts';

const DETAIL_BYTES = 6144;

const storeInfo = z.strictObject({
  id: text(32),
  name: text(256).optional(),
  area_code: text(32).optional(),
  address: text(512).optional(),
});

const sceneInfo = z.strictObject({
  payer_client_ip: text(45),
  device_id: text(32).optional(),
  store_info: storeInfo.optional(),
});

/** Where an H5 payment starts. */
export const h5Info = z.strictObject({
  type: z.enum(['Wap', 'iOS', 'Android']),
  app_name: text(64).optional(),
  app_url: text(128).optional(),
  bundle_id: text(128).optional(),
  package_name: text(128).optional(),
});

const h5Scene = sceneInfo
  .extend({ h5_info: h5Info })
  .refine(({ payer_client_ip }) => payer_client_ip !== '127.0.0.1', {
    path: ['payer_client_ip'],
    message: 'must be the address of the phone',
  });

const goods = z.strictObject({
  merchant_goods_id: text(32),
  wechatpay_goods_id: text(32).optional(),
  goods_name: text(256).optional(),
  quantity: z.int().positive(),
  unit_price: fen.nonnegative(),
});

const detail = <Goods extends z.ZodType>(of: Goods) =>
  z
    .strictObject({
      cost_price: fen.nonnegative().optional(),
      invoice_id: text(32).optional(),
      goods_detail: z.array(of).optional(),
    })
    .refine((value) => Buffer.byteLength(JSON.stringify(value)) <= DETAIL_BYTES, 'longer than 6144 bytes')
    .optional();

const everyOrder = {
  description: text(127),
  out_trade_no: outTradeNo,
  attach: text(128).optional(),
  goods_tag: text(32).optional(),
  support_fapiao: z.boolean().optional(),
  amount: z.strictObject({ total: fen.positive(), currency: currency.optional() }),
  settle_info: z.strictObject({ profit_sharing: z.boolean().optional() }).optional(),
};

const terms = {
  ...everyOrder,
  time_expire: dateTime.optional(),
  notify_url: notifyUrl(255),
  limit_pay: z.array(z.enum(['no_balance', 'no_credit', 'no_debit', 'balance_only'])).optional(),
  detail: detail(goods),
};

const codeTerms = {
  ...everyOrder,
  payer: z.strictObject({
    auth_code: z.string().regex(AUTH_CODE, 'must be 18 digits that start with 10 to 15'),
  }),
  detail: detail(
    goods
      .omit({ wechatpay_goods_id: true })
      .extend({ wxpay_goods_id: text(32).optional() })
      .strict(),
  ),
  scene_info: z.strictObject({
    device_id: text(32).optional(),
    device_ip: text(45).optional(),
    store_info: z
      .strictObject({ id: text(32).optional(), out_id: text(32).optional() })
      .refine(({ id, out_id }) => id || out_id, {
        path: ['id'],
        message: 'one of id and out_id is required',
      }),
  }),
};

const merchant = { appid: text(32), mchid: text(32) };
const partner = {
  sp_appid: text(32),
  sp_mchid: text(32),
  sub_appid: text(32).optional(),
  sub_mchid: text(32),
};
const openid = text(128);
/** An openid says nothing without its appid. */
export const SUB_APPID_MISSING = { path: ['sub_appid'], message: 'required with sub_openid' };
const subPayer = z
  .strictObject({ sp_openid: openid.optional(), sub_openid: openid.optional() })
  .refine(({ sp_openid, sub_openid }) => sp_openid || sub_openid, {
    path: ['sp_openid'],
    message: 'one of sp_openid and sub_openid is required',
  });

/** Bodies of the order calls (official pages of POST /v3/pay/transactions/{app,native}). Unknown fields are refused. */
export const nativeOrder = z.strictObject({ ...merchant, ...terms, scene_info: sceneInfo.optional() });
/** The same for service providers. */
export const partnerOrder = z.strictObject({ ...partner, ...terms, scene_info: sceneInfo.optional() });
/** An order inside WeChat. */
export const jsapiOrder = nativeOrder.extend({ payer: z.strictObject({ openid }) });
export const jsapiPartnerOrder = partnerOrder
  .extend({ payer: subPayer })
  .refine(({ payer, sub_appid }) => !payer.sub_openid || sub_appid, SUB_APPID_MISSING);
/** An order from a browser outside of WeChat. */
export const h5Order = z.strictObject({ ...merchant, ...terms, scene_info: h5Scene });
export const h5PartnerOrder = z.strictObject({ ...partner, ...terms, scene_info: h5Scene });
/** A code that the person shows (official pages of POST …/codepay): no notify_url, because nobody is notified. */
export const codeOrder = z.strictObject({ ...merchant, ...codeTerms });
export const codePartnerOrder = z.strictObject({ ...partner, ...codeTerms });

export type OrderBody = z.infer<typeof nativeOrder>;
export type PartnerOrderBody = z.infer<typeof partnerOrder>;
export type JsapiBody = z.infer<typeof jsapiOrder> | z.infer<typeof jsapiPartnerOrder>;
export type H5Body = z.infer<typeof h5Order> | z.infer<typeof h5PartnerOrder>;
export type CodeBody = z.infer<typeof codeOrder> | z.infer<typeof codePartnerOrder>;

/** Body of POST …/out-trade-no/{out_trade_no}/close (official close page). */
export const closeOrder = z.strictObject({ mchid: text(32) });
/** The same for service providers. */
export const closePartnerOrder = z.strictObject({ sp_mchid: text(32), sub_mchid: text(32) });

/** Body of POST …/out-trade-no/{out_trade_no}/reverse (official reverse page). */
export const reverseOrder = z.strictObject(merchant);
/** The same for service providers. */
export const reversePartnerOrder = z.strictObject(partner);
