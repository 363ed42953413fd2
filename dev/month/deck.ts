import type { SeededRandom } from '../../simulator/random.ts';
import { DISCREPANCIES } from './discrepancies/index.ts';
import type { Discrepancy } from './discrepancy.ts';
import type { Shop } from './shop.ts';

/** Every discrepancy in the order of a seed, and again when all were dealt: none is forgotten. */
export class Deck {
  readonly #random: SeededRandom;
  #cards: Discrepancy[] = [];

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  /** So many that this shop can have on one day. */
  deal(count: number, { subMchid }: Shop): Discrepancy[] {
    const dealt: Discrepancy[] = [];
    while (dealt.length < count) {
      if (this.#cards.length < DISCREPANCIES.length) this.#cards.push(...this.#shuffled());
      const index = this.#cards.findIndex(
        (card) =>
          !(card.directOnly && subMchid !== null) &&
          !(card.wholeBill && dealt.some(({ wholeBill }) => wholeBill)) &&
          !dealt.includes(card),
      );
      dealt.push(...this.#cards.splice(index, 1));
    }
    return dealt;
  }

  #shuffled(): Discrepancy[] {
    const cards = [...DISCREPANCIES];
    for (let last = cards.length - 1; last > 0; last -= 1) {
      const other = Math.floor(this.#random.fraction() * (last + 1));
      [cards[last], cards[other]] = [cards[other] as Discrepancy, cards[last] as Discrepancy];
    }
    // What few shops can have comes first, as long as they have room.
    return [...cards.filter(({ directOnly }) => directOnly), ...cards.filter((card) => !card.directOnly)];
  }
}
