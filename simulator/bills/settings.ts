import { z } from 'zod';
import { CURRENCIES } from '../money/exchange-rate.ts';

/** What a scenario, or the control API, may say about the bills of a merchant or of all of them. */
export const billSettings = z.strictObject({
  /**
   * `next_day`: from 09:00 of the next day, as documented. `immediately`: at any time, that of the present day with what happened until now, so
   * that people can try it at once.
   */
  available: z.enum(['next_day', 'immediately']).optional(),
  /** 费率 of later payments, a percentage with two decimals. */
  fee_rate: z
    .string()
    .regex(/^\d\.\d{2}%$/)
    .optional(),
  /** The account that fees are taken from. */
  fee_account: z.enum(['BASIC', 'FEES']).optional(),
  /** What 手续费 of a refund says: the fee that is given back as a negative amount, as seen in real bills, or zero. */
  refund_fee: z.enum(['returned', 'zero']).optional(),
  /** Columns of trade bills: the documented ones, the 24 of before, or those with 企业红包. */
  layout: z.enum(['current', 'old', 'red_packet']).optional(),
  newline: z.enum(['lf', 'crlf']).optional(),
  /** Whether files begin with a byte order mark. */
  bom: z.boolean().optional(),
  /** How counts of summaries look: `45` or `45.0`. */
  counts: z.enum(['integer', 'decimal']).optional(),
  /** How many rows a part of an encrypted bill has. */
  part_rows: z.int().positive().optional(),
  /** What was on the basic account before the first movement, in fen. */
  opening_balance: z.int().nonnegative().optional(),
  /** What an overseas merchant is paid in: each order in its own currency, or all of them in one. */
  settlement_currency: z.enum(['as_ordered', ...CURRENCIES]).optional(),
});

/** Settings that somebody made. */
export type BillSettings = z.infer<typeof billSettings>;

/** What the control API takes: the settings of one merchant, or of all. */
export const settingsRequest = billSettings.extend({ mchid: z.string().optional() });
export type SettingsRequest = z.input<typeof settingsRequest>;

/** All settings. */
export type EffectiveSettings = { [Name in keyof BillSettings]-?: NonNullable<BillSettings[Name]> };

/** What is documented. */
export const DOCUMENTED: EffectiveSettings = {
  available: 'next_day',
  fee_rate: '0.60%',
  fee_account: 'BASIC',
  refund_fee: 'returned',
  layout: 'current',
  newline: 'lf',
  bom: false,
  counts: 'integer',
  part_rows: 100_000,
  opening_balance: 100_000_00,
  settlement_currency: 'as_ordered',
};

/** A fee rate in ten-thousandths: 60 for `0.60%`. */
export function tenThousandths(rate: string): number {
  return Number(rate.replace(/[.%]/g, ''));
}
