/**
 * Money is an integer number of fen (1 yuan = 100 fen). No other representation exists in this
 * code base: bill files and pages convert at their own edge, without floating point.
 */

/** An amount in fen, a safe integer. One yuan is 100 fen. */
export type Fen = number;

/** Largest amount this service accepts for one order: ten million yuan, in fen. */
export const MAX_ORDER_FEN: Fen = 1_000_000_000;

/** True for an integer number of fen from 1 to {@link MAX_ORDER_FEN}. */
export function isOrderAmount(value: unknown): value is Fen {
  return Number.isSafeInteger(value) && (value as number) > 0 && (value as number) <= MAX_ORDER_FEN;
}

/**
 * Yuan with two decimals for people to read, e.g. `25.90`.
 * @throws RangeError when `fen` is not a safe integer.
 */
export function formatYuan(fen: Fen): string {
  if (!Number.isSafeInteger(fen)) throw new RangeError(`not an integer amount of fen: ${fen}`);
  const digits = Math.abs(fen).toString().padStart(3, '0');
  return `${fen < 0 ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

/** Currencies that count in whole units; all others that WeChat Pay takes have hundredths. */
export const WITHOUT_DECIMALS: readonly string[] = ['JPY', 'KRW'];

/**
 * An amount in the smallest unit of its currency for people to read: `25.90`, and `2590` of one without decimals.
 * @throws RangeError as {@link formatYuan}
 */
export function formatAmount(amount: number, currency: string): string {
  const hundredths = formatYuan(amount);
  return WITHOUT_DECIMALS.includes(currency) ? String(amount) : hundredths;
}

/** The same with its currency: `¥25.90`, `HKD 25.90`. */
export function formatMoney(amount: number, currency: string): string {
  return currency === 'CNY' ? `¥${formatYuan(amount)}` : `${currency} ${formatAmount(amount, currency)}`;
}

/**
 * A fee with the decimals in which WeChat Pay's bills print it: five, `0.15540`; three of a currency without decimals, `16.000`.
 * @param thousandths of the smallest unit of the currency.
 * @throws RangeError when it is not a safe integer.
 */
export function formatFee(thousandths: number, currency: string): string {
  if (!Number.isSafeInteger(thousandths)) throw new RangeError(`not an integer amount: ${thousandths}`);
  const decimals = WITHOUT_DECIMALS.includes(currency) ? 3 : 5;
  const digits = Math.abs(thousandths)
    .toString()
    .padStart(decimals + 1, '0');
  return `${thousandths < 0 ? '-' : ''}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}
