import { type Entry, entriesOf } from '../bills/entry.ts';
import type { Order } from '../orders/order.ts';
import { SeededRandom } from '../random.ts';
import type { Refund } from '../refunds/refund.ts';
import { chinaDate } from '../time/china-time.ts';

const DAY_MS = 24 * 60 * 60_000;

/** Trade of a day is paid out the day after, in the currency of the orders; the official pages leave both to the contract. */
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

/** The settlements of a merchant, oldest first. @param books its orders with their refunds. */
export function settlementsOf(
  mchid: string,
  books: Iterable<{ order: Order; refunds: readonly Refund[] }>,
): Settlement[] {
  const settlements = new Map<string, Settlement>();
  for (const { order, refunds } of books) {
    for (const entry of entriesOf(order, refunds, ({ status }) => ({ status, channel: 'ORIGINAL' }))) {
      add(settlements, mchid, entry);
    }
  }
  return [...settlements.values()].sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
}

/** What is left for the merchant. */
export function netOf({ pay, refund, fee }: Settlement): { net: number; paidOut: number } {
  return { net: pay - refund, paidOut: pay - refund - fee };
}

function add(settlements: Map<string, Settlement>, mchid: string, entry: Entry): void {
  const tradeDay = chinaDate(entry.time);
  const key = keyOf({ tradeDay, currency: entry.currency });
  const settlement = settlements.get(key) ?? {
    batchId: new SeededRandom(`settlement/${mchid}/${key}`).digits(12),
    tradeDay,
    settlementDay: chinaDate(entry.time + SETTLED_AFTER_DAYS * DAY_MS),
    currency: entry.currency,
    pay: 0,
    refund: 0,
    fee: 0,
  };
  settlements.set(key, settlement);
  const refunded = entry.refund?.settlement ?? 0;
  switch (entry.kind) {
    case 'payment':
      settlement.pay += entry.settlement;
      settlement.fee += entry.fee;
      break;
    case 'refund_closed':
      settlement.refund -= refunded;
      settlement.fee += entry.fee;
      break;
    default:
      settlement.refund += refunded;
      settlement.fee -= entry.fee;
  }
}

function keyOf({ tradeDay, currency }: Pick<Settlement, 'tradeDay' | 'currency'>): string {
  return `${tradeDay} ${currency}`;
}
