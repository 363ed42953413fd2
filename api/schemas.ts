import { isIP } from 'node:net';
import { z } from 'zod';
import { ATTENTIONS } from '../domain/attention.ts';
import { MAX_ORDER_FEN } from '../domain/money.ts';
import {
  MAX_ATTACH,
  MAX_DESCRIPTION,
  MAX_ORDER_REFERENCE,
  OUT_TRADE_NO,
  PAYMENT_STATUSES,
} from '../domain/payment.ts';
import {
  AUTH_CODE,
  type ChargedProduct,
  FACE_CODE,
  isCharged,
  PRODUCT_NAMES,
  PRODUCTS,
  type Product,
} from '../domain/product.ts';
import {
  APPROVED_CHOICES,
  BANK_ACCOUNT,
  MAX_REFUND_REASON,
  OUT_REFUND_NO,
  PAYOUT_BANKS,
  REFUND_CHOICES,
} from '../domain/refund.ts';
import { oneDirection, PAGE_FIELDS } from './lists.ts';
import { type FieldError, invalidFields } from './problems.ts';

/** Characters of one to three UTF-8 bytes only: WeChat Pay refuses the others, emoji for instance, and NUL cannot be stored. */
export const text = (max: number) =>
  z
    .string()
    .min(1, { message: 'must not be empty' })
    .refine((value) => [...value].length <= max, { message: `must have at most ${max} characters` })
    .refine((value) => !/[\u{10000}-\u{10FFFF}]/u.test(value), {
      message: 'must not contain emoji or other characters of four UTF-8 bytes: WeChat Pay refuses them',
    })
    .refine((value) => !/[\p{Cc}\p{Cs}]/u.test(value), {
      message: 'must not contain control characters or halves of characters',
    });

const fen = z
  .int({ message: 'must be an integer number of fen (2590 is ¥25.90)' })
  .min(1, { message: 'must be at least 1 fen' })
  .max(MAX_ORDER_FEN, { message: `must be at most ${MAX_ORDER_FEN} fen` });

/** Numbers and ids that WeChat Pay gives. */
const identifier = (max: number) =>
  z.string().regex(new RegExp(`^[0-9A-Za-z_-]{1,${max}}$`), {
    message: `must be 1 to ${max} of the characters 0-9 A-Z a-z _ -`,
  });

const openid = identifier(128);

const ip = z.string().refine((value) => isIP(value) !== 0, { message: 'must be an IPv4 or IPv6 address' });

const clientIp = ip.refine((value) => !/^(127\.|::1$)/.test(value), {
  message: "must be the address of the customer's device, not of this machine",
});

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

/** The till that charges a payment code or a face, in the words of WeChat Pay's order page. */
const sceneInfo = z.strictObject({
  device_id: text(32).optional(),
  device_ip: ip.optional(),
  store_info: z
    .strictObject({ id: text(32).optional(), out_id: text(32).optional() })
    .refine(({ id, out_id }) => id !== undefined || out_id !== undefined, {
      message: "must have id (WeChat Pay's number of the store) or out_id (your own)",
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
    /** For whom a service provider takes the money. */
    sub_merchant: z.strictObject({ mchid: identifier(32), appid: identifier(32).optional() }).optional(),
  })
  .superRefine(productRules, {
    // Beside the other findings, so that a caller hears of all at once.
    when: ({ value }) => typeof value === 'object' && value !== null && productOf(value) !== undefined,
  });
export type CreatePayment = z.output<typeof CreatePayment>;

/** What the body says, with Native for nothing. */
export function productOf({ product = 'NATIVE' }: { product?: unknown }): Product | undefined {
  return PRODUCT_NAMES.find((name) => name === product);
}

/** What the rules of products look at; the other fields may be missing or wrong. */
interface ProductBody {
  product?: unknown;
  payer?: unknown;
  client_ip?: unknown;
  h5?: unknown;
  auth_code?: unknown;
  face_code?: unknown;
  scene_info?: unknown;
  expires_in?: unknown;
  attach?: unknown;
}

/** Which fields a product needs, which are not its own, and how long its customers have. */
export function productRules(body: ProductBody, context: z.core.$RefinementCtx): void {
  const product = productOf(body);
  if (product === undefined) return;
  const rule = (field: keyof ProductBody, message: string) =>
    context.addIssue({ code: 'custom', path: [field], message });
  windowRule(product, body.expires_in, rule);
  if (isCharged(product)) tillRules(product, body, rule);
  else cashierRules(product, body, rule);
}

type Rule = (field: keyof ProductBody, message: string) => void;

/** Who pays on a device of their own, and from where. */
function cashierRules(product: Product, body: ProductBody, rule: Rule): void {
  for (const field of ['auth_code', 'face_code', 'scene_info'] as const)
    if (body[field] !== undefined) rule(field, `is not a field of ${product}`);
  const { namesPayer } = PRODUCTS[product];
  if (namesPayer && body.payer === undefined) rule('payer', `is missing: ${product} names who pays`);
  if (!namesPayer && body.payer !== undefined) rule('payer', `is not a field of ${product}`);
  if (product !== 'H5' && body.h5 !== undefined) rule('h5', `is not a field of ${product}`);
  if (product !== 'H5') return;
  if (body.h5 === undefined) rule('h5', 'is missing: H5 says where the customer comes from');
  if (body.client_ip === undefined) rule('client_ip', "is missing: H5 needs the customer's address");
}

function windowRule(product: Product, expiresIn: unknown, rule: Rule): void {
  const { min, max } = PRODUCTS[product].expiresIn;
  if (typeof expiresIn !== 'number') return;
  if (expiresIn < min) rule('expires_in', `must be at least ${min} seconds for ${product}`);
  if (expiresIn > max) rule('expires_in', `must be at most ${max} seconds for ${product}`);
}

/** What the customer shows at the till, and where the till is. */
function tillRules(product: ChargedProduct, body: ProductBody, rule: Rule): void {
  const { charges, api } = PRODUCTS[product];
  for (const field of ['payer', 'client_ip', 'h5', 'auth_code', 'face_code'] as const)
    if (field !== charges && body[field] !== undefined) rule(field, `is not a field of ${product}`);
  if (body[charges] === undefined) rule(charges, `is missing: ${product} charges what the customer shows`);
  const { device_ip, store_info } = (body.scene_info ?? {}) as { device_ip?: unknown; store_info?: unknown };
  if (api === 'v3' && store_info === undefined)
    rule('scene_info', `has no store_info: ${product} says which store it is`);
  if (api === 'v2' && device_ip === undefined)
    rule('scene_info', `has no device_ip: ${product} needs the address of the till`);
  if (api === 'v2' && typeof body.attach === 'string' && [...body.attach].length > MAX_V2_ATTACH)
    rule('attach', `must have at most ${MAX_V2_ATTACH} characters for ${product}`);
}

/** `attach` may have this many characters in v2 (official v2 order page). */
const MAX_V2_ATTACH = 127;
const outRefundNo = z
  .string()
  .regex(OUT_REFUND_NO, { message: 'must be 1 to 64 of the characters 0-9 A-Z a-z _ - | * @' });

/** Body of `POST /v1/payments/{id}/refunds`; may be absent, which refunds all that is left. */
export const CreateRefund = z
  .strictObject({
    out_refund_no: outRefundNo.optional(),
    amount: z
      .strictObject({ refund: fen, currency: z.literal('CNY', { message: 'must be "CNY"' }).default('CNY') })
      .optional(),
    reason: text(MAX_REFUND_REASON).optional(),
  })
  .default({});
export type CreateRefund = z.output<typeof CreateRefund>;

/** Body of `POST /v1/refunds/{id}/retry`; may be absent. */
export const RetryRefund = z.strictObject({ out_refund_no: outRefundNo.optional() }).default({});

const operatorReason = text(200);

/** Body of `POST /v1/refunds/{id}/recheck`. */
export const RecheckRefund = z.strictObject({ reason: operatorReason });

/** Body of `POST /v1/refunds/{id}/resolve`. */
export const ResolveRefund = z
  .strictObject({
    choice: z.enum(REFUND_CHOICES, { message: `must be one of ${REFUND_CHOICES.join(', ')}` }),
    reason: operatorReason,
    /** For USER_BANK_CARD: a debit card of the customer's. */
    bank_card: z
      .strictObject({
        bank_type: z.enum(PAYOUT_BANKS, { message: `must be one of ${PAYOUT_BANKS.join(', ')}` }),
        bank_account: z.string().regex(BANK_ACCOUNT, { message: 'must be 12 to 19 digits' }),
        real_name: text(64),
      })
      .optional(),
    /** For OFFLINE and ACCEPT: what two people have agreed on. */
    approval_id: identifier(64).optional(),
  })
  .superRefine(({ choice, bank_card, approval_id }, context) => {
    const rule = (field: string, message: string) =>
      context.addIssue({ code: 'custom', path: [field], message });
    if (choice === 'USER_BANK_CARD' && !bank_card) rule('bank_card', 'is missing: it says which card');
    if (choice !== 'USER_BANK_CARD' && bank_card) rule('bank_card', `is not a field of ${choice}`);
    const approved = choice in APPROVED_CHOICES;
    if (approved && !approval_id) rule('approval_id', `is missing: it takes two people to decide ${choice}`);
    if (!approved && approval_id) rule('approval_id', `is not a field of ${choice}`);
  });
export type ResolveRefund = z.output<typeof ResolveRefund>;

/** Body of `POST /v1/payments/{id}/close`; may be absent. */
export const ClosePayment = z.strictObject({ reason: text(200).optional() }).default({});

/** Query of `GET /v1/payments`. */
export const ListPayments = z
  .strictObject({
    ...PAGE_FIELDS,
    attention: z.enum(ATTENTIONS, { message: `must be one of ${ATTENTIONS.join(', ')}` }).optional(),
    order_reference: text(MAX_ORDER_REFERENCE).optional(),
    status: z.enum(PAYMENT_STATUSES, { message: `must be one of ${PAYMENT_STATUSES.join(', ')}` }).optional(),
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
