import type { LimitPay } from './order.ts';
import type { PaymentStatus } from './payment.ts';
import type { MerchantRole, Product } from './product.ts';

/**
 * A combined payment is several orders that the customer pays at once or not at all. Its sub-orders are payments in all respects but one: WeChat Pay
 * knows a single order for all of them, so that they are created, paid and closed together.
 */

/**
 * Status of a combined payment. Until it is paid it lives as a payment does, by the same table (`PAYMENT_TRANSITIONS`), and its sub-orders
 * with it; what is paid back afterwards is the business of each sub-order.
 */
export type CombinedStatus = Exclude<PaymentStatus, 'PARTIALLY_REFUNDED' | 'REFUNDED'>;

/** Every status, in life-cycle order. */
export const COMBINED_STATUSES = [
  'CREATED',
  'PENDING',
  'PAID',
  'CLOSED',
  'FAILED',
] as const satisfies CombinedStatus[];

/** Products that take combined orders (official pages of /v3/combine-transactions). */
export const COMBINED_PRODUCTS = [
  'NATIVE',
  'JSAPI',
  'MINI_PROGRAM',
  'APP',
  'H5',
] as const satisfies readonly Product[];

/** A product that takes combined orders. */
export type CombinedProduct = (typeof COMBINED_PRODUCTS)[number];

/** Means of payment that a combined order may exclude. */
export const COMBINED_LIMIT_PAY = [
  'no_balance',
  'no_debit',
  'balance_only',
] as const satisfies readonly LimitPay[];

/** How many sub-orders may be combined (official pages 4013421468 and 4013462212, and those of the orders). */
export const SUB_ORDERS = {
  merchant: { min: 2, max: 10 },
  partner: { min: 1, max: 50 },
} as const satisfies Record<MerchantRole, { min: number; max: number }>;
