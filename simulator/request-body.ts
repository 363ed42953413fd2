import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { type FieldError, paramError } from './gateway-error.ts';

/** Text of 1 to `maximum` characters. Characters of four bytes, emoji for instance, are refused by the whole v3 API. */
const text = (maximum: number) =>
  z
    .string()
    .min(1)
    .max(maximum)
    .refine((value) => !/[\ud800-\udfff]/.test(value), 'characters of 4 bytes are not supported');

const fen = z.int();

/** Full address without query, https; plain http only to this machine, so that a development server can be notified. */
const notifyUrl = (maximum: number) =>
  text(maximum).refine((value) => {
    if (!URL.canParse(value)) return false;
    const { protocol, hostname, search, hash } = new URL(value);
    if (search || hash || value.includes('?')) return false;
    return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
  }, 'must be a full https URL without query');

/** This machine: the only place that plain http notifications may go to. */
function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

const dateTime = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?(Z|[+-]\d\d:\d\d)$/, 'must be an RFC 3339 date-time')
  .refine((value) => !Number.isNaN(Date.parse(value)), 'must be an RFC 3339 date-time');

const currency = z.literal('CNY', 'bad currency');

export const outTradeNo = z
  .string()
  .min(6)
  .max(32)
  .regex(/^[0-9A-Za-z_\-|*]+$/, 'only 0-9 A-Z a-z _ - | *');

export const outRefundNo = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[0-9A-Za-z_\-|*@]+$/, 'only 0-9 A-Z a-z _ - | * @');

const DETAIL_BYTES = 6144;

/** Body of POST /v3/pay/transactions/native (official Native order page). Unknown fields are refused. */
export const nativeOrder = z.strictObject({
  appid: text(32),
  mchid: text(32),
  description: text(127),
  out_trade_no: outTradeNo,
  time_expire: dateTime.optional(),
  attach: text(128).optional(),
  notify_url: notifyUrl(255),
  goods_tag: text(32).optional(),
  limit_pay: z.array(z.enum(['no_balance', 'no_credit', 'no_debit', 'balance_only'])).optional(),
  support_fapiao: z.boolean().optional(),
  amount: z.strictObject({ total: fen.positive(), currency: currency.optional() }),
  detail: z
    .strictObject({
      cost_price: fen.nonnegative().optional(),
      invoice_id: text(32).optional(),
      goods_detail: z
        .array(
          z.strictObject({
            merchant_goods_id: text(32),
            wechatpay_goods_id: text(32).optional(),
            goods_name: text(256).optional(),
            quantity: z.int().positive(),
            unit_price: fen.nonnegative(),
          }),
        )
        .optional(),
    })
    .refine((value) => Buffer.byteLength(JSON.stringify(value)) <= DETAIL_BYTES, 'longer than 6144 bytes')
    .optional(),
  scene_info: z
    .strictObject({
      payer_client_ip: text(45),
      device_id: text(32).optional(),
      store_info: z
        .strictObject({
          id: text(32),
          name: text(256).optional(),
          area_code: text(32).optional(),
          address: text(512).optional(),
        })
        .optional(),
    })
    .optional(),
  settle_info: z.strictObject({ profit_sharing: z.boolean().optional() }).optional(),
});
export type NativeOrderBody = z.infer<typeof nativeOrder>;

/** Body of POST …/out-trade-no/{out_trade_no}/close (official close page). */
export const closeOrder = z.strictObject({ mchid: text(32) });

/** Body of POST /v3/refund/domestic/refunds (official refund page). */
export const refundRequest = z
  .strictObject({
    transaction_id: text(32).optional(),
    out_trade_no: outTradeNo.optional(),
    out_refund_no: outRefundNo,
    reason: text(80).optional(),
    notify_url: notifyUrl(256).optional(),
    funds_account: z.enum(['AVAILABLE', 'UNSETTLED']).optional(),
    amount: z.strictObject({
      refund: fen.positive(),
      total: fen.positive(),
      currency,
      from: z
        .array(z.strictObject({ account: z.enum(['AVAILABLE', 'UNAVAILABLE']), amount: fen.positive() }))
        .optional(),
    }),
    goods_detail: z
      .array(
        z.strictObject({
          merchant_goods_id: text(32),
          wechatpay_goods_id: text(32).optional(),
          goods_name: text(256).optional(),
          unit_price: fen.nonnegative(),
          refund_amount: fen.nonnegative(),
          refund_quantity: z.int().positive(),
        }),
      )
      .optional(),
  })
  .refine(({ transaction_id, out_trade_no }) => transaction_id || out_trade_no, {
    path: ['transaction_id'],
    message: 'one of transaction_id and out_trade_no is required',
  });
export type RefundBody = z.infer<typeof refundRequest>;

/**
 * Reads a JSON body.
 * @throws GatewayError 400 PARAM_ERROR when it is not a JSON object in UTF-8.
 */
export function parseJson(body: Buffer): Record<string, unknown> {
  try {
    const value: unknown = isUtf8(body) ? JSON.parse(body.toString('utf8')) : undefined;
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // Answered below.
  }
  throw paramError({ field: '', issue: 'not a JSON object in UTF-8', location: 'body' });
}

/**
 * Checks a body or a parameter against its schema.
 * @throws GatewayError 400 PARAM_ERROR that points at the first wrong field: a JSON pointer in a body, a name in path and query.
 */
export function checkFields<T>(
  schema: z.ZodType<T>,
  value: unknown,
  location: FieldError['location'],
  name = '',
): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const path = [
    ...(issue?.path ?? []),
    ...(issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : []),
  ];
  const wrong = path.reduce<unknown>((parent, key) => (parent as Record<PropertyKey, unknown>)?.[key], value);
  const pointer = path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
  throw paramError({
    field: location === 'body' ? pointer : name,
    value: wrong,
    issue: issue?.code === 'unrecognized_keys' ? 'unknown field' : (issue?.message ?? 'invalid'),
    location,
  });
}
