import type { z } from 'zod';
import { LIMIT_PAY, type LimitPay } from '../domain/order.ts';
import { type ChargedProduct, isCharged, PRODUCT_NAMES, PRODUCTS, type Product } from '../domain/product.ts';

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
  detail?: unknown;
  limit_pay?: unknown;
}

/** Which fields a product needs, which are not its own, and how long its customers have. */
export function productRules(body: ProductBody, context: z.core.$RefinementCtx): void {
  const product = productOf(body);
  if (product === undefined) return;
  const rule: Rule = (at, message) =>
    context.addIssue({ code: 'custom', path: typeof at === 'string' ? [at] : [...at], message });
  windowRule(product, body.expires_in, rule);
  limitRule(product, body.limit_pay, rule);
  if (isCharged(product)) tillRules(product, body, rule);
  else cashierRules(product, body, rule);
}

/** Says what is wrong with a field, or with one inside of it. */
type Rule = (at: keyof ProductBody | [keyof ProductBody, ...string[]], message: string) => void;

/** The parts of a place that rules look at. */
interface Scene {
  device_ip?: unknown;
  store_info?: Record<string, unknown>;
}

/** Who pays on a device of their own, and from where. */
function cashierRules(product: Product, body: ProductBody, rule: Rule): void {
  for (const field of ['auth_code', 'face_code'] as const)
    if (body[field] !== undefined) rule(field, `is not a field of ${product}`);
  const { namesPayer } = PRODUCTS[product];
  if (namesPayer && body.payer === undefined) rule('payer', `is missing: ${product} names who pays`);
  if (!namesPayer && body.payer !== undefined) rule('payer', `is not a field of ${product}`);
  if (product !== 'H5' && body.h5 !== undefined) rule('h5', `is not a field of ${product}`);
  if (product === 'H5' && body.h5 === undefined)
    rule('h5', 'is missing: H5 says where the customer comes from');
  if (body.client_ip === undefined) {
    if (product === 'H5') rule('client_ip', "is missing: H5 needs the customer's address");
    else if (body.scene_info !== undefined)
      rule('client_ip', "is missing: WeChat Pay takes scene_info with the customer's address only");
  }
  const { device_ip, store_info } = (body.scene_info ?? {}) as Scene;
  if (device_ip !== undefined) rule(['scene_info', 'device_ip'], `is not a field of ${product}`);
  if (store_info === undefined) return;
  if (store_info.out_id !== undefined)
    rule(['scene_info', 'store_info', 'out_id'], `is not a field of ${product}`);
  else if (store_info.id === undefined) rule(['scene_info', 'store_info', 'id'], 'is missing');
}

/** Means of payment that the product's orders cannot exclude. */
function limitRule(product: Product, limitPay: unknown, rule: Rule): void {
  const possible: readonly LimitPay[] = PRODUCTS[product].limitPay;
  const impossible = LIMIT_PAY.filter((one) => !possible.includes(one));
  if (!Array.isArray(limitPay)) return;
  if (possible.length === 0) rule('limit_pay', `is not a field of ${product}`);
  else if (impossible.some((one) => limitPay.includes(one)))
    rule('limit_pay', `must name ${possible.join(', ')} only, for ${product}`);
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
  const { device_ip, store_info } = (body.scene_info ?? {}) as Scene;
  if (api === 'v3' && store_info === undefined)
    rule('scene_info', `has no store_info: ${product} says which store it is`);
  if (api === 'v2' && device_ip === undefined)
    rule('scene_info', `has no device_ip: ${product} needs the address of the till`);
  for (const field of ['name', 'area_code', 'address'])
    if (store_info?.[field] !== undefined)
      rule(['scene_info', 'store_info', field], `is not a field of ${product}`);
  if (api === 'v3') return;
  if (typeof body.attach === 'string' && [...body.attach].length > MAX_V2_ATTACH)
    rule('attach', `must have at most ${MAX_V2_ATTACH} characters for ${product}`);
  if (body.detail !== undefined && [...JSON.stringify(body.detail)].length > MAX_V2_DETAIL)
    rule('detail', `must have at most ${MAX_V2_DETAIL} characters as JSON for ${product}`);
}

/** `attach` and `detail` may have this many characters in v2 (official v2 order page). */
const MAX_V2_ATTACH = 127;
const MAX_V2_DETAIL = 6000;
