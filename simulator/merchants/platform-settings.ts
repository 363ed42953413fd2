import { ControlError } from '../gateway-error.ts';
import { Collection, type Journal } from '../journal.ts';
import type { World } from './world.ts';

/** What merchants set on the pages of the merchant platform, and not by a call. */
export class PlatformSettings {
  readonly #refundNotifyUrls: Collection<string>;

  readonly #world: World;

  constructor(journal: Journal, world: World) {
    this.#refundNotifyUrls = new Collection<string>(journal, 'refund_notify_url');
    this.#world = world;
  }

  /** Where a merchant hears of refunds that name no address; undefined for nowhere. */
  refundNotifyUrl(mchid: string): string | undefined {
    return this.#refundNotifyUrls.get(mchid) ?? this.#world.get(mchid).merchant.refundNotifyUrl;
  }

  /** @throws ControlError 404 for a merchant that is not enrolled. */
  setRefundNotifyUrl(mchid: string, url: string | null): void {
    if (!this.#world.find(mchid)) throw new ControlError(404, `no merchant ${mchid}`);
    if (url) this.#refundNotifyUrls.put(mchid, url);
    else this.#refundNotifyUrls.delete(mchid);
  }

  clear(): void {
    this.#refundNotifyUrls.clear();
  }
}
