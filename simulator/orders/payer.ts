import { Collection, type Journal } from '../journal.ts';
import type { Order } from './order.ts';

/** What is the matter with the people who pay: what the control API arranged. */
export class Payers {
  readonly #abnormal: Collection<boolean>;

  constructor(journal: Journal) {
    this.#abnormal = new Collection<boolean>(journal, 'abnormal_payer');
  }

  /** Says whether a person's account is abnormal or closed, so that it can no longer receive refunds. */
  setAbnormal(openid: string, abnormal: boolean): void {
    if (abnormal) this.#abnormal.put(openid, true);
    else this.#abnormal.delete(openid);
  }

  /** Whether a refund of this order has nowhere to go. */
  cannotReceive({ openid, subOpenid, payerAbnormal = false }: Order): boolean {
    return payerAbnormal || [openid, subOpenid].some((one) => one !== undefined && this.#abnormal.get(one));
  }

  clear(): void {
    this.#abnormal.clear();
  }
}
