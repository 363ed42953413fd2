import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { type FieldError, paramError } from '../gateway-error.ts';

/** Text of 1 to `maximum` characters. Characters of four bytes, emoji for instance, are refused by the whole v3 API. */
export const text = (maximum: number) =>
  z
    .string()
    .min(1)
    .max(maximum)
    .refine((value) => !/[\ud800-\udfff]/.test(value), 'characters of 4 bytes are not supported');

export const fen = z.int();

/** Full address without query, https; plain http only to this machine, so that a development server can be notified. */
export const notifyUrl = (maximum: number) =>
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

export const dateTime = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?(Z|[+-]\d\d:\d\d)$/, 'must be an RFC 3339 date-time')
  .refine((value) => !Number.isNaN(Date.parse(value)), 'must be an RFC 3339 date-time');

export const currency = z.literal('CNY', 'bad currency');

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
  const detail: FieldError = {
    field: location === 'body' ? pointer : name,
    value: wrong,
    issue: issue?.code === 'unrecognized_keys' ? 'unknown field' : (issue?.message ?? 'invalid'),
    location,
  };
  throw paramError(detail, { internalCode: internalCodeOf(issue, path.at(-1), wrong) });
}

/** The numbers at the end of `Request-ID` that were seen for wrong fields. */
function internalCodeOf(
  issue: z.core.$ZodIssue | undefined,
  field: PropertyKey | undefined,
  wrong: unknown,
): number {
  if (issue?.code === 'unrecognized_keys') return 270924358;
  if (wrong === undefined && field === 'openid') return 268501013;
  if (wrong === undefined && field === 'sub_mchid') return 268443704;
  const outOfRange = issue?.code === 'too_big' || issue?.code === 'too_small';
  return outOfRange && typeof wrong === 'number' ? 268435464 : 268435461;
}
