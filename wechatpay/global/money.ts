/**
 * Money on the overseas API: an integer number of the smallest unit of the currency that stands beside it. 2590 is HKD 25.90 and CNY 25.90.
 * Currencies without a smaller unit, such as the yen and the won, count themselves: 2590 is JPY 2590. Never a fraction.
 */
export type MinorUnits = number;

/** Currencies that orders can be priced in, as the official parameter rules list them; each merchant number has its own few. */
export type Currency =
  | 'CNY'
  | 'HKD'
  | 'GBP'
  | 'USD'
  | 'JPY'
  | 'CAD'
  | 'AUD'
  | 'EUR'
  | 'NZD'
  | 'KRW'
  | 'THB'
  | 'SGD'
  | 'RUB'
  | 'CHF'
  | 'SEK'
  | 'DKK'
  | 'NOK'
  | 'AED'
  | 'TRY'
  | 'MOP'
  | 'TWD'
  | 'CZK'
  | 'MYR'
  | 'PHP'
  | 'IDR'
  | 'MNT'
  | 'QAR'
  | 'HUF'
  | 'KHR'
  | 'ISK';

/** A rate that WeChat Pay applied. */
export interface ExchangeRate {
  /** SETTLEMENT_RATE: from the currency of the order to that of the settlement. The gateway may have other kinds. */
  type?: 'SETTLEMENT_RATE' | (string & {});
  /** The rate times 10⁸, an integer: 80000000 stands for 0.8. */
  rate?: number;
}
