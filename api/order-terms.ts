import { z } from 'zod';
import type { LimitPay } from '../domain/order.ts';
import { fen, ip, text } from './fields.ts';

/** What an order may say besides, with the limits of WeChat Pay's order pages. Which product takes what: `productRules`. */

/** The goods of an order may take this many bytes. */
const MAX_DETAIL_BYTES = 6144;

/** Names coupons; where nothing is named, those without a tag. */
export const goods_tag = text(32).optional();

/** Freezes the money, to be shared. */
export const profit_sharing = z.boolean({ message: 'must be true or false' });

/** An amount that may be nothing. */
export const fenOrNone = z
  .int({ message: 'must be an integer number of fen' })
  .min(0, { message: 'must not be negative' });

export const quantity = z
  .int({ message: 'must be a whole number' })
  .min(1, { message: 'must be at least 1' });

const goods = z.strictObject({
  merchant_goods_id: text(32),
  wechatpay_goods_id: text(32).optional(),
  goods_name: text(256).optional(),
  quantity,
  unit_price: fenOrNone,
});

/** What the goods are. */
export const goodsList = z
  .strictObject({
    cost_price: fen.optional(),
    invoice_id: text(32).optional(),
    goods_detail: z.array(goods).min(1, { message: 'must not be empty' }).optional(),
  })
  .refine((value) => Buffer.byteLength(JSON.stringify(value)) <= MAX_DETAIL_BYTES, {
    message: `must have at most ${MAX_DETAIL_BYTES} bytes as JSON`,
  });

/** Means of payment to exclude, each once. */
export const limitPay = (from: readonly LimitPay[]) =>
  z
    .array(z.enum(from, { message: `must be one of ${from.join(', ')}` }))
    .min(1, { message: 'must not be empty' })
    .refine((value) => new Set(value).size === value.length, { message: 'must not name one twice' });

/** Where the customer is: the device, and the shop. */
export const sceneInfo = z.strictObject({
  device_id: text(32).optional(),
  device_ip: ip.optional(),
  store_info: z
    .strictObject({
      id: text(32).optional(),
      out_id: text(32).optional(),
      name: text(256).optional(),
      area_code: text(32).optional(),
      address: text(512).optional(),
    })
    .refine(({ id, out_id }) => id !== undefined || out_id !== undefined, {
      message: "must have id (WeChat Pay's number of the store), or at a till out_id (your own)",
    })
    .optional(),
});
