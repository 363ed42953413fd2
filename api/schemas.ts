import { isIP } from 'node:net';
import { z } from 'zod';
import { ATTENTIONS } from '../domain/attention.ts';
import { MAX_ORDER_FEN } from '../domain/money.ts';
import {
  EXPIRES_IN,
  MAX_ATTACH,
  MAX_DESCRIPTION,
  MAX_ORDER_REFERENCE,
  OUT_TRADE_NO,
  PAYMENT_STATUSES,
} from '../domain/payment.ts';
import { PRODUCT_NAMES, PRODUCTS, type Product } from '../domain/product.ts';
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

const clientIp = z
  .string()
  .refine((value) => isIP(value) !== 0, { message: 'must be an IPv4 or IPv6 address' })
  .refine((value) => !/^(127\.|::1$)/.test(value), {
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
    expires_in: z
      .int({ message: 'must be an integer number of seconds' })
      .min(EXPIRES_IN.min, { message: `must be at least ${EXPIRES_IN.min} seconds (one minute)` })
      .max(EXPIRES_IN.max, { message: `must be at most ${EXPIRES_IN.max} seconds (seven days)` })
      .default(EXPIRES_IN.default),
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

/** Which fields a product needs, and which are not its own. */
export function productRules(
  body: { product?: unknown; payer?: unknown; client_ip?: unknown; h5?: unknown },
  context: z.core.$RefinementCtx,
): void {
  const product = productOf(body);
  if (product === undefined) return;
  const rule = (field: 'payer' | 'client_ip' | 'h5', message: string) =>
    context.addIssue({ code: 'custom', path: [field], message });
  const { namesPayer } = PRODUCTS[product];
  if (namesPayer && body.payer === undefined) rule('payer', `is missing: ${product} names who pays`);
  if (!namesPayer && body.payer !== undefined) rule('payer', `is not a field of ${product}`);
  if (product !== 'H5' && body.h5 !== undefined) rule('h5', `is not a field of ${product}`);
  if (product !== 'H5') return;
  if (body.h5 === undefined) rule('h5', 'is missing: H5 says where the customer comes from');
  if (body.client_ip === undefined) rule('client_ip', "is missing: H5 needs the customer's address");
}

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
