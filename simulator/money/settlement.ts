import { type Entry, entriesOf, settledAs } from '../bills/entry.ts';
import type { Order } from '../orders/order.ts';
import { SeededRandom } from '../random.ts';
import type { Refund } from '../refunds/refund.ts';
import { chinaDate } from '../time/china-time.ts';

const DAY_MS = 24 * 60 * 60_000;

/** Trade of a day is paid out the day after; the official pages leave that to the contract. */
const SETTLED_AFTER_DAYS = 1;

/** What is paid out for the trade of one day in one currency. Amounts in its smallest unit, days as yyyyMMdd in Asia/Shanghai. */
export interface Settlement {
  batchId: string;
  tradeDay: string;
  settlementDay: string;
  currency: string;
  pay: number;
  refund: number;
  fee: number;
}

/**
 * The settlements of a merchant, oldest first.
 * @param books its orders with their refunds.
 * @param settlementCurrency what they are paid out in: a currency, or `as_ordered`
 */
export function settlementsOf(
  mchid: string,
  books: Iterable<{ order: Order; refunds: readonly Refund[] }>,
  settlementCurrency: string,
): Settlement[] {
  const settlements = new Map<string, Settlement>();
  for (const { order, refunds } of books) {
    for (const entry of entriesOf(order, refunds, ({ status }) => ({ status, channel: 'ORIGINAL' }))) {
      add(settlements, mchid, entry, settlementCurrency);
    }
  }
  return [...settlements.values()].sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
}

/** What is left for the merchant. */
export function netOf({ pay, refund, fee }: Settlement): { net: number; paidOut: number } {
  return { net: pay - refund, paidOut: pay - refund - fee };
}

function add(
  settlements: Map<string, Settlement>,
  mchid: string,
  entry: Entry,
  settlementCurrency: string,
): void {
  const { currency, settlement: paid, fee, refund } = settledAs(entry, settlementCurrency);
  const tradeDay = chinaDate(entry.time);
  const key = keyOf({ tradeDay, currency });
  const settlement = settlements.get(key) ?? {
    batchId: new SeededRandom(`settlement/${mchid}/${key}`).digits(12),
    tradeDay,
    settlementDay: chinaDate(entry.time + SETTLED_AFTER_DAYS * DAY_MS),
    currency,
    pay: 0,
    refund: 0,
    fee: 0,
  };
  settlements.set(key, settlement);
  switch (entry.kind) {
    case 'payment':
      settlement.pay += paid;
      settlement.fee += fee;
      break;
    case 'refund_closed':
      settlement.refund -= refund;
      settlement.fee += fee;
      break;
    default:
      settlement.refund += refund;
      settlement.fee -= fee;
  }
}

function keyOf({ tradeDay, currency }: Pick<Settlement, 'tradeDay' | 'currency'>): string {
  return `${tradeDay} ${currency}`;
}
