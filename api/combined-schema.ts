import { z } from 'zod';
import { COMBINED_LIMIT_PAY, COMBINED_PRODUCTS, SUB_ORDERS } from '../domain/combined-payment.ts';
import type { Product } from '../domain/product.ts';
import { text } from './fields.ts';
import { fenOrNone, goods_tag, limitPay, profit_sharing } from './order-terms.ts';
import { productOf, productRules } from './product-rules.ts';
import { CreatePayment } from './schemas.ts';

const { merchant_id, sub_merchant, out_trade_no, order_reference, description, attach, amount, ...common } =
  CreatePayment.shape;

/** The goods of a sub-order may take this many characters (official pages of combined orders). */
const MAX_DETAIL = 6000;
/** H5 names a device (official page of the combined H5 order). */
const H5_DEVICE = { min: 7, max: 16 };

/** One of the orders that are paid together. What depends on the merchants' roles is checked by `subOrdersOf`. */
const SubOrder = z.strictObject({
  /** Who gets the money; who combines, unless told. */
  merchant_id,
  sub_merchant,
  out_trade_no,
  order_reference,
  description,
  /** WeChat Pay asks for it here (official pages of combined orders), unlike in a single order. */
  attach: attach.unwrap(),
  amount,
  goods_tag,
  /** The goods, in the merchant's own words. */
  detail: text(MAX_DETAIL).optional(),
  settle_info: z
    .strictObject({ profit_sharing: profit_sharing.optional(), subsidy_amount: fenOrNone.optional() })
    .optional(),
});

/** Body of `POST /v1/combined-payments`. */
export const CreateCombinedPayment = z
  .strictObject({
    merchant_id,
    combine_out_trade_no: out_trade_no,
    product: z
      .enum(COMBINED_PRODUCTS, { message: `must be one of ${COMBINED_PRODUCTS.join(', ')}` })
      .default('NATIVE'),
    appid: common.appid,
    expires_in: common.expires_in,
    payer: common.payer,
    client_ip: common.client_ip,
    h5: common.h5,
    scene_info: z.strictObject({ device_id: text(32) }).optional(),
    limit_pay: limitPay(COMBINED_LIMIT_PAY).optional(),
    sub_orders: z
      .array(SubOrder, { message: 'must be a list of orders' })
      .min(1, { message: 'must not be empty' })
      .max(SUB_ORDERS.partner.max, { message: `must have at most ${SUB_ORDERS.partner.max} entries` }),
  })
  .superRefine(productRules, {
    when: ({ value }) => typeof value === 'object' && value !== null && isCombined(productOf(value)),
  })
  .superRefine(refuseRepeated)
  .superRefine(({ product, scene_info }, context) => {
    const length = scene_info?.device_id.length;
    if (product !== 'H5' || length === undefined) return;
    if (length >= H5_DEVICE.min && length <= H5_DEVICE.max) return;
    const message = `must have ${H5_DEVICE.min} to ${H5_DEVICE.max} characters for H5`;
    context.addIssue({ code: 'custom', path: ['scene_info', 'device_id'], message });
  });
export type CreateCombinedPayment = z.output<typeof CreateCombinedPayment>;

/** Of the other products nothing is to be said but that they cannot be combined. */
function isCombined(product: Product | undefined): boolean {
  return (COMBINED_PRODUCTS as readonly (Product | undefined)[]).includes(product);
}

/** Numbers must differ whoever sells: WeChat Pay counts them for who combines, too (official pages of combined orders). */
function refuseRepeated(
  { sub_orders }: { sub_orders: { out_trade_no?: string | undefined }[] },
  context: z.core.$RefinementCtx,
): void {
  const seen = new Set<string>();
  for (const [index, { out_trade_no: number }] of sub_orders.entries()) {
    if (number === undefined) continue;
    if (seen.has(number)) {
      const path = ['sub_orders', index, 'out_trade_no'];
      context.addIssue({ code: 'custom', path, message: 'is the number of another sub-order' });
    }
    seen.add(number);
  }
}
