import { z } from 'zod';
import { CURRENCIES } from '../../money/exchange-rate.ts';
import type { TradeType } from '../../orders/order.ts';
import { AUTH_CODE } from '../../orders/payment-code.ts';
import { dateTime, fen, notifyUrl, outRefundNo, text } from '../request-body.ts';
import { SUB_APPID_MISSING } from './order.ts';

/** Shorter numbers than on the mainland are taken. */
export const globalOutTradeNo = z
  .string()
  .min(1)
  .max(32)
  .regex(/^[0-9A-Za-z_\-|*]+$/, 'only 0-9 A-Z a-z _ - | *');

const currency = z.enum(CURRENCIES, 'bad currency');

const sceneInfo = z.strictObject({
  payer_client_ip: text(45).optional(),
  device_ip: text(45).optional(),
  device_id: text(32).optional(),
  operator_id: text(32).optional(),
  store_info: z.strictObject({ id: text(32).optional(), name: text(256), address: text(512) }).optional(),
});

const everyOrder = {
  description: text(127),
  attach: text(128).optional(),
  out_trade_no: globalOutTradeNo,
  goods_tag: text(32).optional(),
  merchant_category_code: z.string().regex(/^\d{4}$/, 'must be a code of four digits'),
  amount: z.strictObject({ total: fen.positive(), currency }),
  limit_pay: z.enum(['no_credit']).optional(),
  scene_info: sceneInfo.optional(),
  detail: z
    .array(
      z.strictObject({
        cost_price: fen.nonnegative().optional(),
        receipt_id: text(32).optional(),
        goods_detail: z
          .array(
            z.strictObject({
              goods_id: text(32),
              wxpay_goods_id: text(32).optional(),
              goods_name: text(256).optional(),
              quantity: z.int().positive(),
              price: fen.nonnegative(),
            }),
          )
          .optional(),
      }),
    )
    .optional(),
};

const paidLater = {
  ...everyOrder,
  notify_url: notifyUrl(255),
  time_start: dateTime.optional(),
  time_expire: dateTime.optional(),
};

const openid = text(128);
/** Who orders: a merchant, or an institution for its sub-merchant. */
const ORDERERS = {
  merchant: { appid: text(32), mchid: text(32) },
  partner: {
    sp_appid: text(32),
    sp_mchid: text(32),
    sub_appid: text(32).optional(),
    sub_mchid: text(32),
  },
} as const;
const PAYERS = {
  merchant: z.strictObject({ openid }),
  partner: z
    .strictObject({ sp_openid: openid.optional(), sub_openid: openid.optional() })
    .refine(({ sp_openid, sub_openid }) => sp_openid || sub_openid, {
      path: ['sp_openid'],
      message: 'one of sp_openid and sub_openid is required',
    }),
} as const;

export type Role = keyof typeof ORDERERS;

/** What an order body says, whoever orders what. */
export interface GlobalOrderBody {
  appid?: string;
  mchid?: string;
  sp_appid?: string;
  sp_mchid?: string;
  sub_appid?: string | undefined;
  sub_mchid?: string;
  description: string;
  attach?: string | undefined;
  out_trade_no: string;
  notify_url?: string;
  time_expire?: string | undefined;
  payer?: { openid?: string; sp_openid?: string | undefined; sub_openid?: string | undefined };
  amount: { total: number; currency: string };
  scene_info?: { device_id?: string | undefined } | undefined;
}

/** Body of POST /v3/global/transactions/{jsapi,app,native,mweb} (official pages of the overseas order calls). */
export function globalOrder(
  role: Role,
  tradeType: Exclude<TradeType, 'FACEPAY'>,
): z.ZodType<GlobalOrderBody> {
  const common = z.strictObject({ ...ORDERERS[role], ...paidLater, trade_type: z.literal(tradeType) });
  if (tradeType === 'JSAPI') {
    const jsapi: z.ZodType<GlobalOrderBody> = common.extend({ payer: PAYERS[role] }).strict();
    return jsapi.refine(({ payer, sub_appid }) => !payer?.sub_openid || sub_appid, SUB_APPID_MISSING);
  }
  if (tradeType !== 'MWEB') return common;
  return common.extend({ scene_info: sceneInfo.extend({ payer_client_ip: text(45) }).strict() }).strict();
}

/** Body of POST /v3/global/micropay/transactions/pay: nobody is notified. */
export function globalCodeOrder(role: Role): z.ZodType<GlobalOrderBody & { payer: { auth_code: string } }> {
  return z.strictObject({
    ...ORDERERS[role],
    ...everyOrder,
    trade_type: z.literal('MICROPAY'),
    payer: z.strictObject({
      auth_code: z.string().regex(AUTH_CODE, 'must be 18 digits that start with 10 to 15'),
    }),
  });
}

/** Body that says nothing but whose order it is: of closing and of reversing. */
export function globalOwner(role: Role): z.ZodType<{ mchid?: string; sub_mchid?: string }> {
  if (role === 'merchant') return z.strictObject({ mchid: text(32) });
  return z.strictObject({ sp_mchid: text(32), sub_mchid: text(32) });
}

/** What a refund body says, whoever refunds. */
export interface GlobalRefundBody {
  appid?: string;
  sp_appid?: string;
  sub_appid?: string | undefined;
  sub_mchid?: string;
  transaction_id?: string | undefined;
  out_trade_no?: string | undefined;
  out_refund_no: string;
  reason?: string | undefined;
  notify_url?: string | undefined;
  amount: { refund: number; total: number; currency: string };
}

/** Body of POST /v3/global/refunds. */
export function globalRefund(role: Role): z.ZodType<GlobalRefundBody> {
  return z
    .strictObject({
      ...ORDERERS[role],
      transaction_id: text(32).optional(),
      out_trade_no: globalOutTradeNo.optional(),
      out_refund_no: outRefundNo,
      reason: text(80).optional(),
      notify_url: notifyUrl(256).optional(),
      amount: z.strictObject({ refund: fen.positive(), total: fen.positive(), currency }),
    })
    .refine(({ transaction_id, out_trade_no }) => transaction_id || out_trade_no, {
      path: ['transaction_id'],
      message: 'one of transaction_id and out_trade_no is required',
    });
}
