import type { Order } from '../orders/order.ts';
import { payerTotal } from '../orders/order.ts';

/** WeChat Pay's fee unless told, in ten-thousandths: 0.60 %. */
export const FEE_RATE = 60;

/** What an order is settled with: its total without the coupons that the merchant funds (免充值). */
export function settlementTotal({ total, coupons }: Pick<Order, 'total' | 'coupons'>): number {
  return payerTotal({ total, coupons: coupons.filter(({ type }) => type === 'NOCASH') });
}

/** The fee of an order at the rate that held when it was paid, rounded to the smallest unit of its currency. */
export function feeOf(order: Pick<Order, 'total' | 'coupons' | 'feeRate'>): number {
  return proportion(settlementTotal(order), order.feeRate ?? FEE_RATE, 10_000);
}

/** `amount × part / whole`, rounded half up, exact however large they are. */
export function proportion(amount: number, part: number, whole: number): number {
  return Number((BigInt(amount) * BigInt(part) * 2n + BigInt(whole)) / (2n * BigInt(whole)));
}
