import { createHash } from 'node:crypto';
import { z } from 'zod';
import { FEE_RATE, proportion } from '../money/fee.ts';
import { percentage } from './amount.ts';
import { type BillDay, dayOf } from './calendar.ts';
import type { Entry } from './entry.ts';

const MOST_ROWS = 10_000_000;

/** What the control API takes to arrange trade of a day. */
export const syntheticRequest = z.strictObject({
  date: z.string().refine((date) => dayOf(date), 'must be a date, yyyy-MM-dd'),
  /** How many rows the bill of all trades gets. */
  rows: z.int().positive().max(MOST_ROWS),
  seed: z.int().default(1),
  /** The first merchant unless told. */
  mchid: z.string().optional(),
  /** For a service provider: the sub-merchant who trades. */
  sub_mchid: z.string().optional(),
});
export type SyntheticRequest = z.input<typeof syntheticRequest>;

/** Trade of a day that nobody ordered, for bills of any size. */
export interface SyntheticTrade {
  mchid: string;
  subMchid?: string | undefined;
  appid: string;
  /** Rows of the bill of all trades. */
  rows: number;
  seed: number;
}

/** Every so many rows are a refund, of the order some rows before. */
const REFUND_EVERY = 20;
const REFUND_OF = 7;
const TRADE_TYPES = ['JSAPI', 'NATIVE', 'APP', 'MWEB', 'MICROPAY'] as const;
const DESCRIPTIONS = ['Tea set', '茶具', 'Coffee, large', '会员充值'] as const;

/** The entries of the day in the order of time, made one after the other; the same seed makes the same ones. */
export function* syntheticEntries(
  { mchid, subMchid, appid, rows, seed }: SyntheticTrade,
  { date, from, to }: BillDay,
  feeRate = FEE_RATE,
): Generator<Entry> {
  const key = createHash('sha256').update(`${seed}/${date}/${mchid}/${subMchid}`).digest().readUInt32BE();
  const day = date.replaceAll('-', '');
  const timeOf = (index: number) => from + Math.floor(((to - from) * index) / rows);
  const payment = (index: number): Entry => {
    const drawn = mixed(key, index);
    const total = 1 + (drawn % 100_000);
    const number = String(index).padStart(10, '0');
    return {
      kind: 'payment',
      time: timeOf(index),
      paidAt: timeOf(index),
      appid,
      mchid,
      subMchid,
      deviceId: '',
      transactionId: `420000${String(key % 10_000).padStart(4, '0')}${day}${number}`,
      outTradeNo: `S${day}${String(key % 10_000).padStart(4, '0')}${number}`,
      openid: `oSynthetic${String(drawn).padStart(18, '0')}`,
      tradeType: TRADE_TYPES[drawn % TRADE_TYPES.length] ?? 'JSAPI',
      bankType: 'OTHERS',
      currency: 'CNY',
      description: DESCRIPTIONS[drawn % DESCRIPTIONS.length] ?? '',
      attach: '',
      total,
      payerTotal: total,
      settlement: total,
      fee: proportion(total, feeRate, 10_000),
      feeRate: percentage(feeRate),
      feeRemark: '',
    };
  };
  for (let index = 0; index < rows; index++) {
    if (index % REFUND_EVERY !== REFUND_EVERY - 1) {
      yield payment(index);
      continue;
    }
    const order = payment(index - REFUND_OF);
    const number = String(index).padStart(11, '0');
    yield {
      ...order,
      kind: 'refund',
      time: timeOf(index),
      refund: {
        refundId: `503000${String(key % 10_000).padStart(4, '0')}${day}${number}`,
        outRefundNo: `SR${day}${number}`,
        amount: order.total,
        settlement: order.total,
        payer: order.total,
        payerFen: order.total,
        channel: 'ORIGINAL',
        status: 'SUCCESS',
        succeededAt: timeOf(index) + 3000,
      },
    };
  }
}

/** 32 bits that depend on both numbers: hashing every row of a million would take longer than the rest. */
function mixed(key: number, index: number): number {
  let bits = (key ^ Math.imul(index + 1, 0x9e3779b1)) | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
