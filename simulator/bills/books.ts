import { setImmediate as nextTurn } from 'node:timers/promises';
import { Collection, type Journal } from '../journal.ts';
import { payee } from '../money/balance.ts';
import type { Orders } from '../orders/book.ts';
import type { OrderFamily } from '../orders/order.ts';
import type { Refunds } from '../refunds/book.ts';
import type { Refund } from '../refunds/refund.ts';
import { type BillDay, builtAt, dayOf } from './calendar.ts';
import { type Entry, entriesOf, type RefundState, refundKey } from './entry.ts';
import { type SyntheticTrade, syntheticEntries } from './synthetic.ts';

const TURN = 4096;

/** Whose entries: those of orders for which `owns` is true. */
export interface Account {
  /** Names the account in keys. */
  key: string;
  owns(order: { mchid: string; subMchid?: string | undefined; family: OrderFamily }): boolean;
}

/** Trade that was arranged for a day. */
export interface ArrangedTrade extends SyntheticTrade {
  id: string;
  date: string;
  family: OrderFamily;
}

/** States that refunds had when a bill was made, of those that could go on afterwards. */
type FrozenStates = Record<string, RefundState>;

/** What happened to everybody's money, read from the books of orders and refunds, and what was arranged besides. */
export class Books {
  readonly #orders: Orders;
  readonly #refunds: Refunds;
  readonly #feeRateOf: (mchid: string) => number;
  readonly #arranged: Collection<ArrangedTrade>;
  readonly #frozen: Collection<FrozenStates>;

  constructor(options: {
    orders: Orders;
    refunds: Refunds;
    journal: Journal;
    /** The fee rate of whoever gets the money, in ten-thousandths. */
    feeRateOf: (mchid: string) => number;
  }) {
    this.#orders = options.orders;
    this.#refunds = options.refunds;
    this.#feeRateOf = options.feeRateOf;
    this.#arranged = new Collection(options.journal, 'bill_synthetic');
    this.#frozen = new Collection(options.journal, 'bill_states');
  }

  arrange(trade: ArrangedTrade): void {
    this.#arranged.put(trade.id, trade);
  }

  arranged(): ArrangedTrade[] {
    return [...this.#arranged.values()];
  }

  forgetArranged(): void {
    for (const { id } of this.arranged()) this.#arranged.delete(id);
  }

  clear(): void {
    this.#arranged.clear();
    this.#frozen.clear();
  }

  /**
   * The entries of a day that are in the books, in the order of time. States of refunds are those of `madeAt`; for a bill that is made for good,
   * `version` names it and they never change again.
   */
  async entries(
    account: Account,
    day: BillDay,
    { madeAt, version }: { madeAt: number; version: string | undefined },
  ): Promise<Entry[]> {
    const key = `${day.date} ${account.key} ${version}`;
    const frozen = version === undefined ? undefined : this.#frozen.get(key);
    const undecided: FrozenStates = {};
    const stateOf = (refund: Refund): RefundState => {
      const known = frozen?.[refundKey(refund)];
      if (known) return known;
      const ended = refund.finishedAt !== undefined && refund.finishedAt <= madeAt;
      const status = ended ? refund.status : 'PROCESSING';
      const state = { status, channel: channelOf(refund) };
      if (status === 'PROCESSING' || status === 'ABNORMAL') undecided[refundKey(refund)] = state;
      return state;
    };
    const entries: Entry[] = [];
    for await (const entry of this.#all(account, stateOf, day)) {
      if (entry.time >= day.from && entry.time < day.to) entries.push(entry);
    }
    if (version !== undefined && !frozen) this.#frozen.put(key, undecided);
    return entries.sort((one, other) => one.time - other.time);
  }

  /** The arranged entries of a day, made while they are read; each in the order of time. */
  synthetic(account: Account, { date }: BillDay): { id: string; open: () => Iterable<Entry> }[] {
    return this.arranged()
      .filter((trade) => trade.date === date && account.owns(trade))
      .map((trade) => ({ id: trade.id, open: () => this.#made(trade) }));
  }

  /** What entries before a day add up to. */
  async sumBefore(account: Account, day: BillDay, of: (entry: Entry) => number): Promise<number> {
    let sum = 0;
    for await (const entry of this.#all(account, presentState)) {
      if (entry.time < day.from) sum += of(entry);
    }
    for (const trade of this.arranged()) {
      if (trade.date >= day.date || !account.owns(trade)) continue;
      let seen = 0;
      for (const entry of this.#made(trade)) {
        sum += of(entry);
        seen += 1;
        if (seen % TURN === 0) await nextTurn();
      }
    }
    return sum;
  }

  /** Whether a day has such an entry. Arranged trade is taken to have any. */
  has(account: Account, day: BillDay, wanted: (entry: Entry) => boolean): boolean {
    if (this.synthetic(account, day).length > 0) return true;
    return (
      this.find(account, (entry) => entry.time >= day.from && entry.time < day.to && wanted(entry)) !==
      undefined
    );
  }

  /** The first such entry, of whichever day; as it is now. */
  find(account: Account, wanted: (entry: Entry) => boolean): Entry | undefined {
    for (const order of this.#orders.values()) {
      if (order.paidAt === undefined || !account.owns(order)) continue;
      for (const entry of entriesOf(order, this.#refunds.ofOrder(order), presentState)) {
        if (wanted(entry)) return entry;
      }
    }
    return undefined;
  }

  #made(trade: ArrangedTrade): Iterable<Entry> {
    const day = dayOf(trade.date);
    return day ? syntheticEntries(trade, day, this.#feeRateOf(payee(trade))) : [];
  }

  async *#all(
    account: Account,
    stateOf: (refund: Refund) => RefundState,
    day?: BillDay,
  ): AsyncGenerator<Entry> {
    let seen = 0;
    for (const order of this.#orders.values()) {
      seen += 1;
      if (seen % TURN === 0) await nextTurn();
      if (order.paidAt === undefined || !account.owns(order)) continue;
      const elsewhere = day && (order.paidAt < day.from || order.paidAt >= day.to);
      if (elsewhere && order.state === 'SUCCESS') continue;
      yield* entriesOf(order, this.#refunds.ofOrder(order), stateOf);
    }
  }
}

/** Sources that are in the order of time each, as one. */
export function* merged(sources: readonly Iterable<Entry>[]): Generator<Entry> {
  const heads = sources
    .map((source) => source[Symbol.iterator]())
    .map((source) => ({ source, next: source.next() }));
  for (;;) {
    let first: (typeof heads)[number] | undefined;
    for (const head of heads) {
      if (head.next.done) continue;
      if (!first || first.next.done || head.next.value.time < first.next.value.time) first = head;
    }
    if (!first || first.next.done) return;
    yield first.next.value;
    first.next = first.source.next();
  }
}

function presentState(refund: Refund): RefundState {
  return { status: refund.status, channel: channelOf(refund) };
}

function channelOf({ payout }: Refund): string {
  return payout ? 'OTHER_BANKCARD' : 'ORIGINAL';
}

/** When the bill of a day is made for good; undefined as long as it may still change. */
export function finalAt(day: BillDay, now: number): number | undefined {
  const time = builtAt(day);
  return now >= time ? time : undefined;
}
