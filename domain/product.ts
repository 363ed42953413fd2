import { LIMIT_PAY, type LimitPay } from './order.ts';
import {
  EXPIRES_IN,
  type ExpiresIn,
  PAYMENT_TIMING,
  type PaymentTiming,
  REVERSAL_TIMING,
} from './payment.ts';

const MINUTE_MS = 60_000;

/** What the gateway answers to an order, and the customer's phone needs. */
export type PrepayKind = 'code_url' | 'prepay_id' | 'h5_url';

/** What the customer shows, and the order charges: a payment code, or the credential of a face. */
export type CodeKind = 'auth_code' | 'face_code';

interface ProductFacts {
  /** What it is called in sentences. */
  title: string;
  /** Null where nothing is to be shown to the customer, who has shown something instead. */
  answer: PrepayKind | null;
  /** How long that lives, in milliseconds (official order pages). */
  livesMs: number;
  /** Whether the order names the customer's openid. */
  namesPayer: boolean;
  /** What is charged, at once; such an order is not closed but reversed, and nobody is notified of it. Null where the customer pays later. */
  charges: CodeKind | null;
  /** Which API takes its orders; v2 needs credentials of its own. */
  api: 'v3' | 'v2';
  /** Means of payment that an order may exclude. */
  limitPay: readonly LimitPay[];
  expiresIn: ExpiresIn;
  timing: PaymentTiming;
}

/** The customer pays on a device of their own. */
const PAID_BY_CUSTOMER = {
  charges: null,
  api: 'v3',
  limitPay: LIMIT_PAY,
  expiresIn: EXPIRES_IN,
  timing: PAYMENT_TIMING,
} as const;

/** The customer shows something at the till, and types a password at most. */
const CHARGED = { answer: null, livesMs: 0, namesPayer: false } as const;

/** The time for the password in seconds, and how to ask meanwhile (official page 4012075249: every 5 seconds up to 30). */
const V3_PASSWORD: Pick<ProductFacts, 'expiresIn' | 'timing'> = {
  expiresIn: { min: 15, max: 60, default: 30 },
  timing: { notifyWaitMs: 5_000, pollGapsMs: [5_000], reversal: REVERSAL_TIMING },
};

/** The same of v2 (its own page: every 10 seconds up to 45). */
const V2_PASSWORD: Pick<ProductFacts, 'expiresIn' | 'timing'> = {
  expiresIn: { min: 15, max: 60, default: 45 },
  timing: { notifyWaitMs: 10_000, pollGapsMs: [10_000], reversal: REVERSAL_TIMING },
};

/** The products, as data: how a customer pays. API, activities, workflows, database constraint, tests and docs read this table. */
export const PRODUCTS = {
  /** The customer scans a QR code. */
  NATIVE: {
    title: 'Native',
    answer: 'code_url',
    livesMs: 120 * MINUTE_MS,
    namesPayer: false,
    ...PAID_BY_CUSTOMER,
  },
  /** On a page inside of WeChat. */
  JSAPI: {
    title: 'JSAPI',
    answer: 'prepay_id',
    livesMs: 120 * MINUTE_MS,
    namesPayer: true,
    ...PAID_BY_CUSTOMER,
  },
  /** In a mini program. */
  MINI_PROGRAM: {
    title: 'mini program',
    answer: 'prepay_id',
    livesMs: 120 * MINUTE_MS,
    namesPayer: true,
    ...PAID_BY_CUSTOMER,
  },
  /** In an app of the merchant's, which opens WeChat. */
  APP: {
    title: 'app',
    answer: 'prepay_id',
    livesMs: 120 * MINUTE_MS,
    namesPayer: false,
    ...PAID_BY_CUSTOMER,
  },
  /** In a browser outside of WeChat, which opens WeChat. */
  H5: { title: 'H5', answer: 'h5_url', livesMs: 5 * MINUTE_MS, namesPayer: false, ...PAID_BY_CUSTOMER },
  /** The customer shows a payment code, and the till reads it. */
  CODEPAY: {
    title: 'payment code',
    ...CHARGED,
    charges: 'auth_code',
    api: 'v3',
    limitPay: [],
    ...V3_PASSWORD,
  },
  /** The same by the XML API. */
  MICROPAY: {
    title: 'payment code (v2)',
    ...CHARGED,
    charges: 'auth_code',
    api: 'v2',
    limitPay: ['no_credit'],
    ...V2_PASSWORD,
  },
  /** The customer looks into the till's camera. */
  FACEPAY: {
    title: 'face',
    ...CHARGED,
    charges: 'face_code',
    api: 'v2',
    limitPay: ['no_credit'],
    ...V2_PASSWORD,
  },
} as const satisfies Record<string, ProductFacts>;

/** How a customer pays. */
export type Product = keyof typeof PRODUCTS;

/** Every product. */
export const PRODUCT_NAMES = Object.keys(PRODUCTS) as Product[];

/** Whether the order charges what the customer has shown. */
export function isCharged(product: Product): product is ChargedProduct {
  return PRODUCTS[product].charges !== null;
}

/** A product whose order charges what the customer has shown. */
export type ChargedProduct = {
  [Name in Product]: (typeof PRODUCTS)[Name]['charges'] extends null ? never : Name;
}[Product];

/** A product whose order the customer pays on a device of their own. */
export type CashierProduct = Exclude<Product, ChargedProduct>;

/** A payment code: 18 digits that start with 10 to 15 (official page of payment codes). */
export const AUTH_CODE = /^1[0-5]\d{16}$/;

/** The credential of a face, as the terminal answered it: at most 128 characters (official v2 page of face pay). */
export const FACE_CODE = /^[\x21-\x7e]{1,128}$/;

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
