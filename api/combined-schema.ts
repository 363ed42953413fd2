import { z } from 'zod';
import { COMBINED_PRODUCTS, SUB_ORDERS } from '../domain/combined-payment.ts';
import type { Product } from '../domain/product.ts';
import { CreatePayment, productOf, productRules } from './schemas.ts';

const { merchant_id, sub_merchant, out_trade_no, description, attach, amount, ...common } =
  CreatePayment.shape;

/** One of the orders that are paid together. What depends on the merchants' roles is checked by `subOrdersOf`. */
const SubOrder = z.strictObject({
  /** Who gets the money; who combines, unless told. */
  merchant_id,
  sub_merchant,
  out_trade_no,
  description,
  /** WeChat Pay asks for it here (official pages of combined orders), unlike in a single order. */
  attach: attach.unwrap(),
  amount,
});

/** Body of `POST /v1/combined-payments`. */
export const CreateCombinedPayment = z
  .strictObject({
    merchant_id,
    combine_out_trade_no: out_trade_no,
    product: z
      .enum(COMBINED_PRODUCTS, { message: `must be one of ${COMBINED_PRODUCTS.join(', ')}` })
      .default('NATIVE'),
    expires_in: common.expires_in,
    payer: common.payer,
    client_ip: common.client_ip,
    h5: common.h5,
    sub_orders: z
      .array(SubOrder, { message: 'must be a list of orders' })
      .min(1, { message: 'must not be empty' })
      .max(SUB_ORDERS.partner.max, { message: `must have at most ${SUB_ORDERS.partner.max} entries` }),
  })
  .superRefine(productRules, {
    when: ({ value }) => typeof value === 'object' && value !== null && isCombined(productOf(value)),
  })
  .superRefine(refuseRepeated);
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
