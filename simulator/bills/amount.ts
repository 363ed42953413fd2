import { FEE_RATE } from '../money/fee.ts';

/** Fen as bills print them: yuan with two decimals, `25.90`. */
export function yuan(fen: number): string {
  return decimal(fen, 2);
}

/** Fen as bills print fees: yuan with five decimals, `0.16000`. */
export function feeYuan(fen: number): string {
  return decimal(fen * 1000, 5);
}

/** A rate in ten-thousandths as bills print it: `0.60%`. */
export function percentage(rate: number = FEE_RATE): string {
  return `${decimal(rate, 2)}%`;
}

/** An integer in units of 10^-decimals. */
export function decimal(value: number, decimals: number): string {
  const digits = String(Math.abs(value)).padStart(decimals + 1, '0');
  return `${value < 0 ? '-' : ''}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

/** What bills make of a text, so that it breaks neither columns nor lines. */
export function billText(text: string): string {
  return /[,\r\n]/.test(text) ? text.replaceAll(',', '\\ ').replace(/\r\n|\r|\n/g, '\\n') : text;
}
