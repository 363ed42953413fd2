import { z } from 'zod';
import { MAX_ORDER_FEN } from '../domain/money.ts';
import { EXPIRES_IN, MAX_ATTACH, MAX_DESCRIPTION, OUT_TRADE_NO } from '../domain/payment.ts';
import { MAX_REFUND_REASON, OUT_REFUND_NO } from '../domain/refund.ts';
import { type FieldError, Problem } from './problems.ts';

/** Characters of one to three UTF-8 bytes only: WeChat Pay refuses the others, emoji for instance, and NUL cannot be stored. */
const text = (max: number) =>
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

/** Body of `POST /v1/payments`. */
export const CreatePayment = z.strictObject({
  merchant_id: z.string().max(64).optional(),
  out_trade_no: z
    .string()
    .regex(OUT_TRADE_NO, { message: 'must be 6 to 32 of the characters 0-9 A-Z a-z _ - | *' })
    .optional(),
  product: z.literal('NATIVE', { message: 'must be "NATIVE"' }).default('NATIVE'),
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
});
export type CreatePayment = z.output<typeof CreatePayment>;

/** Body of `POST /v1/payments/{id}/refunds`; may be absent, which refunds all that is left. */
export const CreateRefund = z
  .strictObject({
    out_refund_no: z
      .string()
      .regex(OUT_REFUND_NO, { message: 'must be 1 to 64 of the characters 0-9 A-Z a-z _ - | * @' })
      .optional(),
    amount: z
      .strictObject({ refund: fen, currency: z.literal('CNY', { message: 'must be "CNY"' }).default('CNY') })
      .optional(),
    reason: text(MAX_REFUND_REASON).optional(),
  })
  .default({});
export type CreateRefund = z.output<typeof CreateRefund>;

/** Body of `POST /v1/payments/{id}/close`; may be absent. */
export const ClosePayment = z.strictObject({ reason: text(200).optional() }).default({});

/**
 * Validates a body.
 * @throws Problem `invalid_request` with a JSON pointer per field.
 */
export function parseBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const parsed = schema.safeParse(body, { reportInput: true });
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.flatMap(fieldErrors);
  throw new Problem('invalid_request', 'Mend the fields listed in `errors`; nothing was stored.', { errors });
}

function fieldErrors(issue: z.core.$ZodIssue): FieldError[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      pointer: pointer([...issue.path, key]),
      detail: 'is not a known field',
    }));
  }
  if (issue.path.length === 0) return [{ pointer: '', detail: 'must be a JSON object' }];
  const missing = issue.code === 'invalid_type' && issue.input === undefined;
  return [{ pointer: pointer(issue.path), detail: missing ? 'is missing' : issue.message }];
}

/** RFC 6901. */
function pointer(path: PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
