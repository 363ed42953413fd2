import { z } from 'zod';
import { currency, dateTime, fen, notifyUrl, outTradeNo, text } from '../request-body.ts';
import { h5Info } from './order.ts';

/** 10,000,000 yuan. */
const LARGEST_FEN = 1_000_000_000;
const DETAIL_LENGTH = 6000;

const openid = text(128);

const member = {
  mchid: text(32),
  attach: text(128),
  amount: z.strictObject({ total_amount: fen.positive().max(LARGEST_FEN), currency }),
  out_trade_no: outTradeNo,
  description: text(127),
  detail: text(DETAIL_LENGTH).optional(),
  goods_tag: text(32).optional(),
  settle_info: z
    .strictObject({ profit_sharing: z.boolean().optional(), subsidy_amount: fen.nonnegative().optional() })
    .optional(),
};
const partnerMember = { ...member, sub_mchid: text(32), sub_appid: text(32).optional() };

const scene = z.strictObject({ device_id: text(32).optional(), payer_client_ip: text(45) });
const h5Scene = z.strictObject({ device_id: text(32), payer_client_ip: text(45), h5_info: h5Info });

const combination = {
  combine_appid: text(32),
  combine_mchid: text(32),
  time_start: dateTime.optional(),
  time_expire: dateTime.optional(),
  notify_url: notifyUrl(255),
  limit_pay: z.array(z.enum(['no_balance', 'no_debit', 'balance_only'])).optional(),
};

const directTerms = {
  ...combination,
  combine_out_trade_no: outTradeNo,
  sub_orders: z.array(z.strictObject(member)).min(2).max(10),
};
/** Service providers may use shorter numbers. */
const partnerOutTradeNo = z
  .string()
  .min(2)
  .max(32)
  .regex(/^[0-9A-Za-z_\-|*]+$/, 'only 0-9 A-Z a-z _ - | *');
const partnerTerms = {
  ...combination,
  combine_out_trade_no: partnerOutTradeNo,
  sub_orders: z.array(z.strictObject(partnerMember)).min(1).max(50),
};

const payer = z.strictObject({ openid });
const partnerPayer = z
  .strictObject({ openid: openid.optional(), sub_openid: openid.optional() })
  .refine((value) => value.openid || value.sub_openid, {
    path: ['openid'],
    message: 'one of openid and sub_openid is required',
  });

const schemas = <Terms extends z.ZodRawShape, Payer extends z.ZodType>(terms: Terms, who: Payer) => {
  const phone = { scene_info: scene.optional(), combine_payer_info: who.optional() };
  return {
    jsapi: z.strictObject({ ...terms, scene_info: scene.optional(), combine_payer_info: who }),
    app: z.strictObject({ ...terms, ...phone }),
    native: z.strictObject({ ...terms, ...phone }),
    h5: z.strictObject({ ...terms, scene_info: h5Scene, combine_payer_info: who.optional() }),
  };
};

/** Bodies of POST /v3/combine-transactions/{jsapi,app,native,h5} (official pages of combined orders). Unknown fields are refused. */
export const combinedOrder = schemas(directTerms, payer);
/** The same for service providers. */
export const combinedPartnerOrder = schemas(partnerTerms, partnerPayer);

/** What all of them have in common. */
export interface CombinedBody {
  combine_appid: string;
  combine_mchid: string;
  combine_out_trade_no: string;
  scene_info?: { device_id?: string | undefined } | undefined;
  sub_orders: MemberBody[];
  combine_payer_info?: { openid?: string | undefined; sub_openid?: string | undefined } | undefined;
  time_expire?: string | undefined;
  notify_url: string;
}

/** One order of a combination. */
export interface MemberBody {
  mchid: string;
  sub_mchid?: string | undefined;
  sub_appid?: string | undefined;
  attach: string;
  amount: { total_amount: number; currency: string };
  out_trade_no: string;
  description: string;
}

/** `combine_out_trade_no` in a path. */
export const combineOutTradeNo = partnerOutTradeNo;

/** Body of POST …/out-trade-no/{combine_out_trade_no}/close; it lists exactly the orders of the combination. */
export const closeCombination = z.strictObject({
  combine_appid: text(32),
  sub_orders: z
    .array(
      z.strictObject({
        mchid: text(32),
        out_trade_no: outTradeNo,
        sub_mchid: text(32).optional(),
        sub_appid: text(32).optional(),
      }),
    )
    .min(1)
    .max(50),
});
