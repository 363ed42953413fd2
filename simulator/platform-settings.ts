import { Collection, type Journal } from './journal.ts';

/** What merchants set on the pages of the merchant platform, and not by a call. */
export class PlatformSettings {
  readonly #refundNotifyUrls: Collection<string>;

  constructor(journal: Journal) {
    this.#refundNotifyUrls = new Collection<string>(journal, 'refund_notify_url');
  }

  /** Where a merchant hears of refunds that name no address; undefined for nowhere. */
  refundNotifyUrl(mchid: string): string | undefined {
    return this.#refundNotifyUrls.get(mchid);
  }

  setRefundNotifyUrl(mchid: string, url: string | null): void {
    if (url) this.#refundNotifyUrls.put(mchid, url);
    else this.#refundNotifyUrls.delete(mchid);
  }

  clear(): void {
    this.#refundNotifyUrls.clear();
  }
}
