import { type BillDate, daysAfter } from '../../domain/bill-day.ts';
import type { SeededRandom } from '../../simulator/random.ts';
import type { Market, Sale, Sold } from './market.ts';
import type { Shop } from './shop.ts';
import type { Expected } from './truth.ts';

/** What goes on with a discrepancy after the noon of its day. */
export interface Steps {
  /** 23:50. */
  evening?(): Promise<void>;
  /** Five past twelve, on the next day. */
  midnight?(): Promise<void>;
  /** Half past nine of the next day: the bills are made, and nobody has fetched them. */
  morning?(): Promise<void>;
  /** The day was reconciled and has been found so: what was wrong is mended, and it is reconciled again. */
  afterwards?(): Promise<void>;
  /** The noon of the next day. */
  tomorrow?(): Promise<Steps>;
}

/** A way in which a day can be wrong, and all that is known of it beforehand. */
export interface Discrepancy {
  name: string;
  /** The reasons that lines have because of it. */
  reasons: readonly string[];
  /** Only of a merchant's own account. */
  directOnly?: true;
  /** It is about whole bills: one of these a day. */
  wholeBill?: true;
  /** Makes it happen, at noon. */
  make(scene: Scene): Promise<Steps>;
}

/** A day of a shop, on which one thing goes wrong. */
export class Scene {
  readonly market: Market;
  readonly shop: Shop;
  readonly date: BillDate;
  readonly #name: string;
  readonly #random: SeededRandom;
  #numbers = 0;

  constructor(
    market: Market,
    {
      shop,
      date,
      name,
      random,
    }: {
      shop: Shop;
      date: BillDate;
      /** The beginning of every number. */
      name: string;
      random: SeededRandom;
    },
  ) {
    this.market = market;
    this.shop = shop;
    this.date = date;
    this.#name = name;
    this.#random = random;
  }

  get next(): BillDate {
    return daysAfter(this.date, 1);
  }

  /** A number that nobody has. */
  number(): string {
    this.#numbers += 1;
    return `${this.#name}-${this.#numbers}`;
  }

  below(limit: number): number {
    return Math.floor(this.#random.fraction() * limit);
  }

  oneOf<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }

  /** A sale of the day. */
  async sell(sale: Partial<Sale> = {}, date: BillDate = this.date): Promise<Sold> {
    const { number = this.number(), fen = 1_000 + this.below(90_000), ...rest } = sale;
    return await this.market.sellOne(this.shop, date, { number, fen, ...rest });
  }

  /** What the day must have besides. */
  expect(key: string, verdict: string, date: BillDate = this.date): Expected {
    return this.market.truth.expect(this.shop, date, key, verdict);
  }

  /** From now on the bills of a day are wrong in this way. */
  async spoil(
    bill: 'trade' | 'fund_flow' | 'all',
    kind: string,
    row: { out_trade_no?: string; out_refund_no?: string; movement?: string },
    { date = this.date, times = null as number | null } = {},
  ): Promise<() => Promise<void>> {
    const { mchid, subMchid } = this.shop;
    const flow = subMchid === null ? 'bill.fund_flow' : 'bill.sub_merchant_fund_flow';
    const operation = { trade: 'bill.trade', fund_flow: flow, all: 'bill.*' }[bill];
    return await this.market.fault({ operation, kind, mchid, bill_date: date, times, ...row });
  }
}
