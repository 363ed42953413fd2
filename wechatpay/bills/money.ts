import type { Fen } from '../fen.ts';

/**
 * An exact amount in 1/1000 fen, that is 1e-5 yuan, as a safe integer. Bills print fees (手续费) with five decimals, and a fee of 0.00020 yuan
 * is no whole number of fen.
 */
export type MilliFen = number;

/** No amount, and no sum of a bill, has more digits than this in its unit; all of them are safe integers. */
const MAX_VALUE = 999_999_999_999_999;

const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;

/** Decimals of the units that bills are printed in. */
export const YUAN_IN_FEN = 2;
export const YUAN_IN_MILLI_FEN = 5;

/**
 * Yuan as bills print them (`25.90`, `0.0`, `-12`) in fen; undefined unless it is exactly a number of fen of at most 15 digits. Blanks, a plus
 * sign, exponents, thousands separators and digits that are not ASCII are no number.
 */
export function fenOfYuan(yuan: string): Fen | undefined {
  return numberIn(yuan, YUAN_IN_FEN);
}

/** Yuan with up to five decimals in {@link MilliFen}; undefined in the cases of {@link fenOfYuan}. */
export function milliFenOfYuan(yuan: string): MilliFen | undefined {
  return numberIn(yuan, YUAN_IN_MILLI_FEN);
}

/** A number of rows; bills print it as `45` or as `45.0`. Undefined when it is anything else, or below zero. */
export function countOf(text: string): number | undefined {
  const count = numberIn(text, 0);
  return count !== undefined && count >= 0 ? count : undefined;
}

/** The amount in fen, or undefined when it is no whole number of fen: never rounded. */
export function wholeFen(amount: MilliFen): Fen | undefined {
  return Number.isSafeInteger(amount) && amount % 1000 === 0 ? amount / 1000 : undefined;
}

function numberIn(text: string, decimals: number): number | undefined {
  // As UTF-8, no digit of another script has a byte that reads like an ASCII digit.
  const bytes = Buffer.from(text);
  const value = parseDecimal(bytes, 0, bytes.length, decimals);
  return Number.isNaN(value) ? undefined : value;
}

/**
 * The number in `bytes[start, end)` in units of 10^-decimals, in integer arithmetic; NaN unless it is exactly such an integer of at most 15
 * digits.
 */
export function parseDecimal(bytes: Uint8Array, start: number, end: number, decimals: number): number {
  let at = start;
  const negative = at < end && bytes[at] === MINUS;
  if (negative) at++;

  let value = 0;
  const integer = at;
  for (; at < end; at++) {
    const digit = (bytes[at] as number) - ZERO;
    if (digit < 0 || digit > 9) break;
    // Above 2^53 this is inexact, but never less than the maximum again.
    value = value * 10 + digit;
  }
  if (at === integer) return Number.NaN;

  let missing = decimals;
  if (at < end) {
    if (bytes[at] !== POINT || at + 1 === end) return Number.NaN;
    for (at++; at < end; at++) {
      const digit = (bytes[at] as number) - ZERO;
      if (digit < 0 || digit > 9) return Number.NaN;
      if (missing > 0) {
        value = value * 10 + digit;
        missing--;
      } else if (digit !== 0) {
        return Number.NaN;
      }
    }
  }
  for (; missing > 0; missing--) value *= 10;
  if (value > MAX_VALUE) return Number.NaN;
  // 0 - 0 is 0, where -0 would not be.
  return negative ? 0 - value : value;
}

/** The sum of two safe integers; NaN, which stays NaN, when it is none. */
export function exactSum(sum: number, value: number): number {
  const next = sum + value;
  return Number.isSafeInteger(next) ? next : Number.NaN;
}
