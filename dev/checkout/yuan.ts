import { type Fen, MAX_ORDER_FEN } from '../../domain/money.ts';

/**
 * Reads an amount that a person typed, in yuan with at most two decimals (`25.90`, `25.9`, `25`), without floating point.
 * @returns the amount in fen; undefined when it is not such an amount, is nothing, or is more than one order may have.
 */
export function parseYuan(text: string): Fen | undefined {
  const [, yuan, decimals = ''] = text.trim().match(/^(\d{1,8})(?:\.(\d{1,2}))?$/) ?? [];
  if (yuan === undefined) return undefined;
  const fen = Number.parseInt(`${yuan}${decimals.padEnd(2, '0')}`, 10);
  return fen >= 1 && fen <= MAX_ORDER_FEN ? fen : undefined;
}
