import { z } from 'zod';
import { ATTENTIONS } from '../domain/attention.ts';
import { COMBINED_STATUSES } from '../domain/combined-payment.ts';
import { LIMIT_PAY } from '../domain/order.ts';
import {
  MAX_ATTACH,
  MAX_DESCRIPTION,
  MAX_ORDER_REFERENCE,
  OUT_TRADE_NO,
  PAYMENT_STATUSES,
} from '../domain/payment.ts';
import { AUTH_CODE, FACE_CODE, PRODUCT_NAMES } from '../domain/product.ts';
import { clientIp, fen, identifier, text } from './fields.ts';
import { oneDirection, PAGE_FIELDS } from './lists.ts';
import { goods_tag, goodsList, limitPay, profit_sharing, sceneInfo } from './order-terms.ts';
import { type FieldError, invalidFields } from './problems.ts';
import { productOf, productRules } from './product-rules.ts';

const openid = identifier(128);

const MAX_REDIRECT_URL = 1024;

/** The page or app from which an H5 payment starts, and where the customer comes back to. */
const h5 = z.strictObject({
  type: z.enum(['Wap', 'iOS', 'Android'], { message: 'must be "Wap", "iOS" or "Android"' }),
  app_name: text(64).optional(),
  app_url: text(128).optional(),
  bundle_id: text(128).optional(),
  package_name: text(128).optional(),
  redirect_url: text(MAX_REDIRECT_URL)
    .refine((value) => URL.canParse(value) && value.startsWith('https://'), {
      message: 'must be a full https address',
    })
    .optional(),
});

/** Body of `POST /v1/payments`. What depends on the merchant's role is checked by `partiesOf`. */
export const CreatePayment = z
  .strictObject({
    merchant_id: z.string().max(64).optional(),
    out_trade_no: z
      .string()
      .regex(OUT_TRADE_NO, { message: 'must be 6 to 32 of the characters 0-9 A-Z a-z _ - | *' })
      .optional(),
    /** The merchant's own order, for which there may be several payments. */
    order_reference: text(MAX_ORDER_REFERENCE).optional(),
    product: z
      .enum(PRODUCT_NAMES, { message: `must be one of ${PRODUCT_NAMES.join(', ')}` })
      .default('NATIVE'),
    description: text(MAX_DESCRIPTION),
    attach: text(MAX_ATTACH).optional(),
    amount: z.strictObject({
      total: fen,
      currency: z.literal('CNY', { message: 'must be "CNY"' }).default('CNY'),
    }),
    /** Which of the merchant's; that of the product unless told. */
    appid: identifier(32).optional(),
    expires_in: z.int({ message: 'must be an integer number of seconds' }).optional(),
    /** For JSAPI and mini programs: who pays. */
    payer: z
      .strictObject({
        openid: openid.optional(),
        sp_openid: openid.optional(),
        sub_openid: openid.optional(),
      })
      .optional(),
    client_ip: clientIp.optional(),
    h5: h5.optional(),
    /** What the customer has shown at the till. It is charged once, and kept nowhere. */
    auth_code: z
      .string()
      .regex(AUTH_CODE, { message: 'must be a payment code of WeChat: 18 digits that start with 10 to 15' })
      .optional(),
    face_code: z
      .string()
      .regex(FACE_CODE, { message: 'must be 1 to 128 printable ASCII characters without blanks' })
      .optional(),
    scene_info: sceneInfo.optional(),
    goods_tag,
    detail: goodsList.optional(),
    support_fapiao: z.boolean({ message: 'must be true or false' }).optional(),
    limit_pay: limitPay(LIMIT_PAY).optional(),
    settle_info: z.strictObject({ profit_sharing }).optional(),
    /** For whom a service provider takes the money. */
    sub_merchant: z.strictObject({ mchid: identifier(32), appid: identifier(32).optional() }).optional(),
  })
  .superRefine(productRules, {
    // Beside the other findings, so that a caller hears of all at once.
    when: ({ value }) => typeof value === 'object' && value !== null && productOf(value) !== undefined,
  });
export type CreatePayment = z.output<typeof CreatePayment>;

/** Body of `POST /v1/payments/{id}/close`; may be absent. */
export const ClosePayment = z.strictObject({ reason: text(200).optional() }).default({});

/** Body of `POST /v1/payments/{id}/acknowledge`. */
export const AcknowledgePayment = z.strictObject({ reason: text(500) });

/** Query of `GET /v1/payments`. */
export const ListPayments = z
  .strictObject({
    ...PAGE_FIELDS,
    attention: z.enum(ATTENTIONS, { message: `must be one of ${ATTENTIONS.join(', ')}` }).optional(),
    order_reference: text(MAX_ORDER_REFERENCE).optional(),
    status: z.enum(PAYMENT_STATUSES, { message: `must be one of ${PAYMENT_STATUSES.join(', ')}` }).optional(),
  })
  .check(oneDirection);

/** Query of `GET /v1/combined-payments`. */
export const ListCombinedPayments = z
  .strictObject({
    ...PAGE_FIELDS,
    attention: z.enum(ATTENTIONS, { message: `must be one of ${ATTENTIONS.join(', ')}` }).optional(),
    status: z
      .enum(COMBINED_STATUSES, { message: `must be one of ${COMBINED_STATUSES.join(', ')}` })
      .optional(),
  })
  .check(oneDirection);

/** Query of `GET /v1/notifications`. */
export const ListNotifications = z
  .strictObject({
    ...PAGE_FIELDS,
    verdict: z.literal('unmatched', { message: 'must be "unmatched"' }).default('unmatched'),
  })
  .check(oneDirection);

/** Body of requests that say everything in their path; may be absent. */
export const NoFields = z.strictObject({}).default({});

/**
 * Validates a body, or the parameters of a query.
 * @throws Problem `invalid_request` with a JSON pointer per field; `/limit` is the parameter `limit`.
 */
export function parseBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const parsed = schema.safeParse(body, { reportInput: true });
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.flatMap(fieldErrors);
  throw invalidFields(errors);
}

function fieldErrors(issue: z.core.$ZodIssue): FieldError[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      pointer: pointer([...issue.path, key]),
      detail: 'is not a known field',
    }));
  }
  if (issue.path.length === 0) return [{ pointer: '', detail: 'must be a JSON object' }];
  return [{ pointer: pointer(issue.path), detail: detailOf(issue) }];
}

function detailOf(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'invalid_type') return issue.message;
  if (issue.input === undefined) return 'is missing';
  // A schema with words of its own has better ones.
  return issue.message.startsWith('Invalid input') ? `must be of type ${issue.expected}` : issue.message;
}

/** RFC 6901. */
function pointer(path: PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
