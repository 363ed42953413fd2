import { loadCredentials, merchantVersion } from '../database/merchants.ts';
import type { Pool } from '../database/pool.ts';
import type { Vault } from '../database/secrets.ts';
import { openOverseas, type WechatOverseas } from './overseas.ts';
import {
  openWechat,
  type PaymentGateway,
  paymentGateway,
  type Subject,
  type Wechat,
} from './payment-gateway.ts';

/** WeChat Pay as one of our merchants. */
export interface MerchantGateway {
  merchantId: string;
  /** Its first appid. */
  appid: string;
  /** The client under that, its keys parsed once and its connections reused. */
  wechat: Wechat;
  /** The same under the appid of an order; null for one that has none yet. */
  under(appid: string | null): Wechat;
}

/** Every merchant's way to WeChat Pay, with the credentials in the database. */
export interface Merchants {
  /** Seals what is private beside their credentials. */
  readonly vault: Vault;
  /** @throws Error when there is no such merchant, it is overseas, or its credentials cannot be used. */
  get(merchantId: string): Promise<MerchantGateway>;
  /** The overseas API as one of our overseas merchants. @throws Error as `get` does, and for a merchant of the mainland. */
  overseas(merchantId: string): Promise<WechatOverseas>;
  /** WeChat Pay for a payment or refund: as the merchant that takes the money, or as the service provider for its sub-merchant. @throws Error as `get` does. */
  for(of: Subject & { merchantId: string }): Promise<PaymentGateway>;
  /** WeChat Pay has refused the credentials: before they are used again it is looked whether they were replaced. */
  doubt(merchantId: string): void;
  /** Closes every connection. */
  close(): Promise<void>;
}

type Connected = { version: number; close(): Promise<unknown> } & (
  | ({ region: 'mainland' } & MerchantGateway)
  | { region: 'overseas'; wechat: WechatOverseas }
);

/** How long cached credentials are used without looking whether they were replaced, in milliseconds. */
const FRESH_MS = 5_000;

/**
 * Opens the way to WeChat Pay. Replaced credentials (a new version of the merchant's row) are picked up within seconds.
 * @param timeoutMs of a whole gateway request.
 */
export function openMerchants({
  pool,
  vault,
  timeoutMs,
  clock = Date.now,
}: {
  pool: Pool;
  vault: Vault;
  timeoutMs?: number;
  clock?: () => number;
}): Merchants {
  const cache = new Map<string, { entry: Promise<Connected | undefined>; checkedAt: number }>();

  async function connect(merchantId: string): Promise<Connected | undefined> {
    const merchant = await loadCredentials(pool, vault, merchantId);
    if (!merchant) return undefined;
    const { mchid, appid, serialNo, privateKey, apiV3Key, publicKeys, apiBaseUrl: baseUrl } = merchant;
    const { apiV2Key, certificate } = merchant;
    const options = {
      mchid,
      appid,
      serialNo,
      privateKey,
      apiV3Key,
      publicKeys,
      baseUrl,
      clock,
      ...(timeoutMs && { timeoutMs }),
    };
    const { version } = merchant;
    if (merchant.region === 'overseas') {
      const wechat = openOverseas(merchant.role, options);
      return { region: 'overseas', wechat, version, close: () => wechat.close() };
    }
    const ours = {
      ...options,
      ...(apiV2Key !== null && { apiV2Key }),
      ...(certificate !== null && { clientCertificate: { cert: certificate, key: privateKey } }),
    };
    const wechat = openWechat(merchant.role, ours);
    const clients = new Map([[appid, wechat]]);
    return {
      region: 'mainland',
      merchantId,
      appid,
      wechat,
      under(other) {
        const client =
          clients.get(other ?? appid) ?? openWechat(merchant.role, { ...ours, appid: other ?? appid });
        clients.set(other ?? appid, client);
        return client;
      },
      version,
      close: () => Promise.all([...clients.values()].map((client) => client.close())),
    };
  }

  /** Whoever comes while a client is being made waits for the same one. */
  async function connectOnce(merchantId: string): Promise<Connected | undefined> {
    const entry = connect(merchantId);
    cache.set(merchantId, { entry, checkedAt: clock() });
    const forget = () => {
      if (cache.get(merchantId)?.entry === entry) cache.delete(merchantId);
    };
    // Neither a failure nor a merchant that is not there yet is remembered.
    const connected = await entry.catch((error: unknown) => {
      forget();
      throw error;
    });
    if (!connected) forget();
    return connected;
  }

  async function find(merchantId: string): Promise<Connected | undefined> {
    const cached = cache.get(merchantId);
    if (!cached) return await connectOnce(merchantId);
    const connected = await cached.entry;
    if (!connected || clock() - cached.checkedAt < FRESH_MS) return connected;
    cached.checkedAt = clock();
    if ((await merchantVersion(pool, merchantId)) === connected.version) return connected;
    const replacement = await connectOnce(merchantId);
    // The old client ends by itself once the requests under way are answered.
    void connected.close();
    return replacement;
  }

  async function mustFind(merchantId: string): Promise<Connected> {
    const merchant = await find(merchantId);
    if (!merchant) throw new Error(`there is no merchant ${merchantId}`);
    return merchant;
  }

  async function get(merchantId: string): Promise<MerchantGateway> {
    const merchant = await mustFind(merchantId);
    if (merchant.region === 'mainland') return merchant;
    throw new Error(`${merchantId} is an overseas merchant: of those, statements are read and nothing else`);
  }

  async function overseas(merchantId: string): Promise<WechatOverseas> {
    const merchant = await mustFind(merchantId);
    if (merchant.region === 'overseas') return merchant.wechat;
    throw new Error(`${merchantId} is a merchant of the mainland: it has no overseas statements`);
  }

  return {
    vault,
    get,
    overseas,
    for: async (of) => paymentGateway((await get(of.merchantId)).under(of.appid ?? null), of),
    doubt(merchantId) {
      const cached = cache.get(merchantId);
      if (cached) cached.checkedAt = Number.NEGATIVE_INFINITY;
    },
    async close() {
      const entries = await Promise.allSettled([...cache.values()].map(({ entry }) => entry));
      cache.clear();
      await Promise.all(
        entries.map((result) => (result.status === 'fulfilled' ? result.value?.close() : undefined)),
      );
    },
  };
}
