import { PAYMENT_TIMING, type PaymentTiming } from './payment.ts';

const MINUTE_MS = 60_000;

/** What the gateway answers to an order, and the customer's phone needs. */
export type PrepayKind = 'code_url' | 'prepay_id' | 'h5_url';

interface ProductFacts {
  /** What it is called in sentences. */
  title: string;
  answer: PrepayKind;
  /** How long that lives, in milliseconds (official order pages). */
  livesMs: number;
  /** Whether the order names the customer's openid. */
  namesPayer: boolean;
  timing: PaymentTiming;
}

/** The products, as data: how a customer pays. API, activities, workflows, database constraint, tests and docs read this table. */
export const PRODUCTS = {
  /** The customer scans a QR code. */
  NATIVE: {
    title: 'Native',
    answer: 'code_url',
    livesMs: 120 * MINUTE_MS,
    namesPayer: false,
    timing: PAYMENT_TIMING,
  },
  /** On a page inside of WeChat. */
  JSAPI: {
    title: 'JSAPI',
    answer: 'prepay_id',
    livesMs: 120 * MINUTE_MS,
    namesPayer: true,
    timing: PAYMENT_TIMING,
  },
  /** In a mini program. */
  MINI_PROGRAM: {
    title: 'mini program',
    answer: 'prepay_id',
    livesMs: 120 * MINUTE_MS,
    namesPayer: true,
    timing: PAYMENT_TIMING,
  },
  /** In an app of the merchant's, which opens WeChat. */
  APP: {
    title: 'app',
    answer: 'prepay_id',
    livesMs: 120 * MINUTE_MS,
    namesPayer: false,
    timing: PAYMENT_TIMING,
  },
  /** In a browser outside of WeChat, which opens WeChat. */
  H5: { title: 'H5', answer: 'h5_url', livesMs: 5 * MINUTE_MS, namesPayer: false, timing: PAYMENT_TIMING },
} as const satisfies Record<string, ProductFacts>;

/** How a customer pays. */
export type Product = keyof typeof PRODUCTS;

/** Every product. */
export const PRODUCT_NAMES = Object.keys(PRODUCTS) as Product[];

/** What was answered to an order, one of the three, and when it was asked for. */
export interface Prepaid {
  codeUrl: string | null;
  prepayId: string | null;
  h5Url: string | null;
  prepayIssuedAt: Date | null;
}

/** When what the customer's phone needs dies: with its life, or with the payment window. Null while there is none. */
export function prepayExpiresAt({
  product,
  prepayIssuedAt,
  timeExpire,
}: Pick<Prepaid, 'prepayIssuedAt'> & { product: Product; timeExpire: Date }): Date | null {
  if (prepayIssuedAt === null) return null;
  return new Date(Math.min(prepayIssuedAt.getTime() + PRODUCTS[product].livesMs, timeExpire.getTime()));
}

/** So long before its end it counts as expired, in milliseconds: the customer has to get through the cashier, too. */
const RENEW_BEFORE_MS = 30_000;

/** Whether what the customer's phone needs has expired, or is about to, so that the order is sent again when somebody asks for it. */
export function needsRenewal<Row extends Pick<Prepaid, 'prepayIssuedAt'> & { product: Product }>(
  row: Row,
  now: number,
): row is Row & { prepayIssuedAt: Date } {
  if (row.prepayIssuedAt === null) return false;
  return row.prepayIssuedAt.getTime() + PRODUCTS[row.product].livesMs - RENEW_BEFORE_MS <= now;
}

/** Who takes the money: a merchant for itself, or a service provider (`partner`) for its sub-merchants. */
export type MerchantRole = 'merchant' | 'partner';
