import type { Role } from '../v3/role.ts';
import type { Transport } from '../v3/transport.ts';
import { GLOBAL_ENDPOINTS } from './endpoints.ts';
import type { Currency, MinorUnits } from './money.ts';

/** The documented maximum. */
const MAX_LIMIT = 30;

/** Which settlements: those paid out within some days, or what is still to be paid out. */
export type SettlementFilter<R extends Role = 'merchant'> = (
  | {
      settle_state: 'SETTLED';
      /** yyyyMMdd, Beijing time. */
      settle_start_date: string;
      /** yyyyMMdd, Beijing time, not before the start. */
      settle_end_date: string;
    }
  | { settle_state: 'UNSETTLE'; settle_start_date?: never; settle_end_date?: never }
) &
  (R extends 'partner'
    ? {
        /** For ordinary service providers; institutions leave it out. */
        sub_mchid?: string;
      }
    : unknown);

/** A part of the list. */
export interface SettlementPage {
  /** At most 30, which is the default; the official page recommends at most 10. */
  limit?: number;
  /** Default 0. */
  offset?: number;
}

/** Money of some days of trade, paid out or to be paid out. Fields that are not listed here are kept. */
export interface Settlement {
  /** Number of the pay-out, once there is one. */
  batch_id?: string;
  /** yyyyMMdd. */
  settlement_date?: string;
  trade_start_date?: string;
  trade_end_date?: string;
  /** All in the currency of the settlement. `net` is payments without refunds. */
  amount?: {
    currency?: Currency;
    settled?: MinorUnits;
    unsettle?: MinorUnits;
    pay?: MinorUnits;
    refund?: MinorUnits;
    net?: MinorUnits;
    fee?: MinorUnits;
  };
  /** Whose wallets paid. */
  wallet_region?: string;
}

/** One page of settlements. */
export interface SettlementList {
  /** Missing where there is nothing to list. */
  data?: Settlement[];
  /** Of all pages; sent with the first one. */
  total_count?: number;
  offset?: number;
  limit?: number;
}

/** What WeChat Pay pays out to the merchant's bank. */
export class Settlements<R extends Role = 'merchant'> {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** One page. @throws WechatPayError */
  async list(
    filter: SettlementFilter<R>,
    { limit = MAX_LIMIT, offset = 0 }: SettlementPage = {},
  ): Promise<SettlementList> {
    return this.#transport.call<SettlementList>(
      {
        endpoint: GLOBAL_ENDPOINTS['global.settlements.list'],
        query: { ...(filter as Record<string, string>), limit, offset },
      },
      {},
    );
  }

  /**
   * Every settlement, page by page as they are asked for.
   * @throws WechatPayError from the iteration, for the page that failed.
   */
  async *all(
    filter: SettlementFilter<R>,
    { limit = MAX_LIMIT }: { limit?: number } = {},
  ): AsyncGenerator<Settlement> {
    let total: number | undefined;
    for (let offset = 0; total === undefined || offset < total; ) {
      const { data = [], total_count } = await this.list(filter, { limit, offset });
      yield* data;
      offset += data.length;
      total ??= total_count;
      // What has become fewer meanwhile, or was never counted, ends here.
      if (data.length === 0 || (total === undefined && data.length < limit)) return;
    }
  }
}
