import type { Hundredths } from '../bills/global-statement.ts';

/**
 * Money on the overseas API: an integer number of the smallest unit of the currency that stands beside it. 2590 is HKD 25.90 and CNY 25.90.
 * Currencies without a smaller unit, such as the yen and the won, count themselves: 2590 is JPY 2590. Never a fraction.
 */
export type MinorUnits = number;

/**
 * Currencies that orders can be priced in, as the official parameter rules list them, with the decimals of their smallest unit on the API; each
 * merchant number has its own few. That no others than the yen and the won lack them is unconfirmed: the rules say only "the smallest unit".
 */
export const CURRENCY_DECIMALS = {
  CNY: 2,
  HKD: 2,
  GBP: 2,
  USD: 2,
  JPY: 0,
  CAD: 2,
  AUD: 2,
  EUR: 2,
  NZD: 2,
  KRW: 0,
  THB: 2,
  SGD: 2,
  RUB: 2,
  CHF: 2,
  SEK: 2,
  DKK: 2,
  NOK: 2,
  AED: 2,
  TRY: 2,
  MOP: 2,
  TWD: 2,
  CZK: 2,
  MYR: 2,
  PHP: 2,
  IDR: 2,
  MNT: 2,
  QAR: 2,
  HUF: 2,
  KHR: 2,
  ISK: 2,
} as const satisfies Record<string, 0 | 2>;

/** A currency of orders. */
export type Currency = keyof typeof CURRENCY_DECIMALS;

/** Whether orders can be priced in it. */
export function isCurrency(code: string): code is Currency {
  return Object.hasOwn(CURRENCY_DECIMALS, code);
}

/**
 * An amount of a statement, which prints all currencies with two decimals, as the API counts it. Undefined for what is no whole number of the smallest
 * unit: never rounded.
 */
export function minorUnitsOf(hundredths: Hundredths, currency: Currency): MinorUnits | undefined {
  if (CURRENCY_DECIMALS[currency] === 2) return hundredths;
  return hundredths % 100 === 0 ? hundredths / 100 : undefined;
}

/** A rate that WeChat Pay applied. */
export interface ExchangeRate {
  /** SETTLEMENT_RATE: from the currency of the order to that of the settlement. The gateway may have other kinds. */
  type?: 'SETTLEMENT_RATE' | (string & {});
  /** The rate times 10⁸, an integer: 80000000 stands for 0.8. */
  rate?: number;
}
