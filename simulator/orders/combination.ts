import { GatewayError } from '../gateway-error.ts';
import { Collection, type Journal } from '../journal.ts';
import type { Orders } from './book.ts';
import { type Order, type OrderTerms, orderKey } from './order.ts';

/** Several orders that are paid by one payment (official pages of /v3/combine-transactions). */
export interface Combination {
  /** Who signed, and who is notified. */
  mchid: string;
  appid: string;
  combineOutTradeNo: string;
  deviceId?: string | undefined;
  notifyUrl: string;
  /** Its orders, in the order of the request. */
  members: { mchid: string; outTradeNo: string }[];
}

/** A combination as a merchant asks for it. */
export interface CombinationTerms extends Omit<Combination, 'members'> {
  orders: OrderTerms[];
}

/** Combinations and their rules: their orders are made, paid and closed together. */
export class Combinations {
  readonly #combinations: Collection<Combination>;
  readonly #byMember = new Map<string, Combination>();
  readonly #orders: Orders;

  constructor(options: { journal: Journal; orders: Orders }) {
    this.#combinations = new Collection<Combination>(options.journal, 'combination');
    this.#orders = options.orders;
    for (const combination of this.#combinations.values()) this.#index(combination);
  }

  /**
   * Creates a combination, or refreshes it when everything is equal and nothing is paid. Returns what the phone needs.
   * @throws GatewayError 403 OUT_TRADE_NO_USED when one of the numbers is taken otherwise; then none of the orders is made.
   */
  create({ orders: terms, ...combination }: CombinationTerms): { prepayId: string; url?: string } {
    const key = orderKey(combination.mchid, combination.combineOutTradeNo);
    const known = this.#combinations.get(key);
    const refreshed = terms.map((one) => this.#orders.reusable(one));
    if (
      refreshed.some((order) => (order === undefined) !== (known === undefined)) ||
      sizeDiffers(known, terms)
    ) {
      throw new GatewayError(403, 'OUT_TRADE_NO_USED', '商户订单号重复', { internalCode: 268498688 });
    }
    const [first, ...others] = terms;
    const code = first && this.#orders.create(first).codes.at(-1);
    if (!code) throw new Error('a combination without orders');
    for (const one of others) this.#orders.create(one, code);
    if (!known) {
      const members = terms.map(({ mchid, outTradeNo }) => ({ mchid, outTradeNo }));
      const created = { ...combination, members };
      this.#combinations.put(key, created);
      this.#index(created);
    }
    return code;
  }

  find(mchid: string, combineOutTradeNo: string): Combination | undefined {
    return this.#combinations.get(orderKey(mchid, combineOutTradeNo));
  }

  /** The first of its orders: they are all in one state until refunds come. */
  first(combination: Combination | undefined): Order | undefined {
    return combination && this.orders(combination)[0];
  }

  /** The combination that an order belongs to. */
  of({ mchid, outTradeNo }: { mchid: string; outTradeNo: string }): Combination | undefined {
    return this.#byMember.get(orderKey(mchid, outTradeNo));
  }

  /** Its orders, in the order of the request. */
  orders({ members }: Combination): Order[] {
    return members.map(({ mchid, outTradeNo }) => {
      const order = this.#orders.find(mchid, outTradeNo);
      if (!order) throw new Error(`a combination without its order ${outTradeNo}`);
      return order;
    });
  }

  clear(): void {
    this.#combinations.clear();
    this.#byMember.clear();
  }

  #index(combination: Combination): void {
    for (const { mchid, outTradeNo } of combination.members) {
      this.#byMember.set(orderKey(mchid, outTradeNo), combination);
    }
  }
}

function sizeDiffers(known: Combination | undefined, terms: OrderTerms[]): boolean {
  return known !== undefined && known.members.length !== terms.length;
}
