import { type Order, payerTotal } from '../orders/order.ts';

/** Rates are integers: the rate times 10^8. */
const SCALE = 10n ** 8n;

interface Rate {
  /** What one unit costs in CNY, times 10^8. */
  rate: number;
  /** How many digits the smallest unit has behind the point. */
  decimals: 0 | 2;
}

const cents = (rate: number): Rate => ({ rate, decimals: 2 });
const whole = (rate: number): Rate => ({ rate, decimals: 0 });

/**
 * The currencies of overseas orders (official parameter rules) at rates that never change, so that the same run always gives the same
 * amounts. People pay in CNY.
 */
export const EXCHANGE_RATES = {
  CNY: cents(100_000_000),
  HKD: cents(92_000_000),
  GBP: cents(952_000_000),
  USD: cents(718_000_000),
  JPY: whole(4_800_000),
  CAD: cents(516_000_000),
  AUD: cents(470_000_000),
  EUR: cents(826_000_000),
  NZD: cents(420_000_000),
  KRW: whole(510_000),
  THB: cents(22_000_000),
  SGD: cents(554_000_000),
  RUB: cents(8_900_000),
  CHF: cents(886_000_000),
  SEK: cents(74_000_000),
  DKK: cents(110_000_000),
  NOK: cents(71_000_000),
  AED: cents(195_000_000),
  TRY: cents(17_500_000),
  MOP: cents(89_000_000),
  TWD: cents(23_800_000),
  CZK: cents(33_500_000),
  MYR: cents(168_000_000),
  PHP: cents(12_500_000),
  IDR: cents(43_000),
  MNT: cents(200_000),
  QAR: cents(197_000_000),
  HUF: cents(2_060_000),
  KHR: cents(179_000),
  ISK: cents(5_780_000),
} as const satisfies Record<string, Rate>;
export type Currency = keyof typeof EXCHANGE_RATES;

/** All of them, for schemas. */
export const CURRENCIES = Object.keys(EXCHANGE_RATES) as [Currency, ...Currency[]];

/** The rate from a currency to CNY. @throws Error for one that no order can have. */
export function rateOf(currency: string): Rate {
  const rate = Object.hasOwn(EXCHANGE_RATES, currency) ? EXCHANGE_RATES[currency as Currency] : undefined;
  if (!rate) throw new Error(`no rate for ${currency}`);
  return rate;
}

/** An amount in the smallest unit of a currency as fen of CNY, rounded half up. */
export function toFen(amount: number, currency: string): number {
  const scaled = BigInt(amount) * unitCost(currency);
  return Number((scaled + SCALE / 2n) / SCALE);
}

/** An amount in the smallest unit of one currency in that of another, rounded half up. */
export function exchanged(amount: number, from: string, to: string): number {
  if (from === to) return amount;
  const [scaled, unit] = [BigInt(amount) * unitCost(from), unitCost(to)];
  return Number((scaled * 2n + unit) / (unit * 2n));
}

/** What the smallest unit costs in fen of CNY, times 10^8. */
function unitCost(currency: string): bigint {
  const { rate, decimals } = rateOf(currency);
  return BigInt(rate) * (decimals === 0 ? 100n : 1n);
}

/** What left the person's wallet, in fen of CNY. */
export function payerFen(order: Pick<Order, 'total' | 'coupons' | 'currency'>): number {
  return toFen(payerTotal(order), order.currency);
}
