import { GatewayError } from '../gateway-error.ts';
import type { SeededRandom } from '../random.ts';

/** How long a download_url lives (official bill pages; older ones say 30 seconds). */
export const DOWNLOAD_LIFE_MS = 5 * 60_000;

/** A file, whose bytes are made when it is fetched. */
export interface OfferedFile {
  contentType: string;
  content: AsyncIterable<Buffer>;
}

interface Offer {
  mchid: string;
  expiresAt: number;
  file: () => OfferedFile;
}

/** Files that merchants were given addresses of. */
export class Downloads {
  readonly #offers = new Map<string, Offer>();
  readonly #clock: () => number;
  readonly #random: SeededRandom;

  constructor({ clock, random }: { clock: () => number; random: SeededRandom }) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Offers a file to a merchant, and answers the token that its address is to have. */
  offer(mchid: string, file: () => OfferedFile): string {
    const now = this.#clock();
    for (const [token, { expiresAt }] of this.#offers) if (expiresAt <= now) this.#offers.delete(token);
    const token = this.#random.text(64);
    this.#offers.set(token, { mchid, expiresAt: now + DOWNLOAD_LIFE_MS, file });
    return token;
  }

  /** @throws GatewayError 403 NO_AUTH for another merchant's, 400 INVALID_REQUEST for one that has expired or never was. */
  fetch(mchid: string, token: string): OfferedFile {
    const offer = this.#offers.get(token);
    if (offer && offer.mchid !== mchid) throw new GatewayError(403, 'NO_AUTH', '商户号无权限下载该账单');
    if (!offer || offer.expiresAt <= this.#clock()) {
      throw new GatewayError(400, 'INVALID_REQUEST', '下载链接已失效，请重新申请账单');
    }
    return offer.file();
  }

  clear(): void {
    this.#offers.clear();
  }
}
