import { readObject } from '../v3/answer.ts';
import type { Orderer } from '../v3/order-request.ts';
import type { OrderNumber } from '../v3/orders.ts';
import { serializeBody } from '../v3/request-body.ts';
import type { For, Identity, Role } from '../v3/role.ts';
import type { Transport } from '../v3/transport.ts';
import { GLOBAL_ENDPOINTS } from './endpoints.ts';
import type { Currency, ExchangeRate, MinorUnits } from './money.ts';

/** State of a refund. REFUNDCLOSE has failed; ABNORMAL is not final: the money is parked until somebody decides. */
export type GlobalRefundStatus = 'SUCCESS' | 'REFUNDCLOSE' | 'PROCESSING' | 'ABNORMAL';

/** A refund to apply for; the client adds its own appid and mchid. Each part of an order that is refunded has its own number. */
export type GlobalRefundRequest<R extends Role = 'merchant'> = OrderNumber &
  Orderer<R> & {
    /** The same number refunds once. */
    out_refund_no: string;
    reason?: string;
    /** https, public, without a query. */
    notify_url?: string;
    /** `total` is the amount of the order, and `currency` the one of the order. */
    amount: { refund: MinorUnits; total: MinorUnits; currency: Currency };
  };

/** What comes back of a coupon. */
export interface GlobalRefundPromotion {
  promotion_id: string;
  scope?: 'GLOBAL' | 'SINGLE';
  type?: 'COUPON' | 'DISCOUNT';
  amount?: MinorUnits;
  refund_amount?: MinorUnits;
  currency?: Currency;
}

/** `refund` is in `currency`, the one of the order; `payer_refund`, what the customer gets, in `payer_currency`. */
export interface GlobalRefundAmount {
  refund: MinorUnits;
  currency?: Currency;
  payer_refund?: MinorUnits;
  payer_currency?: Currency;
  exchange_rate?: ExchangeRate;
}

/** A refund that was accepted, which is not paid back yet: it has no status. Fields that are not listed here are kept. */
export interface AcceptedGlobalRefund {
  /** WeChat Pay's number of the refund: what the mainland API calls `refund_id`. */
  id: string;
  out_refund_no: string;
  /** RFC 3339 with offset. */
  create_time: string;
  amount: GlobalRefundAmount;
  detail?: GlobalRefundPromotion[];
}

/** A refund as queries answer it. */
export interface GlobalRefund extends AcceptedGlobalRefund {
  /** WeChat Pay's number of the order. */
  transaction_id: string;
  out_trade_no: string;
  channel?: string;
  recv_account?: string;
  fund_source?: string;
  /** RFC 3339 with offset, once paid back. */
  success_time?: string;
  status: GlobalRefundStatus;
}

/** A refund in the list of an order; the order's own numbers stand above the list. */
export type ListedGlobalRefund = Omit<GlobalRefund, 'transaction_id' | 'out_trade_no' | 'detail'> & {
  refund_detail?: GlobalRefundPromotion[];
};

/** The refunds of one order. Fields that are not listed here are kept. */
export interface GlobalRefundList {
  /** WeChat Pay's number of the order. */
  id: string;
  out_trade_no: string;
  amount?: { total: MinorUnits; currency?: Currency; payer_total?: MinorUnits; payer_currency?: Currency };
  data: ListedGlobalRefund[];
  /** Of all pages. */
  total_num?: number;
  /** Of this page. */
  current_total_num?: number;
}

/** Refunds of overseas orders. */
export class GlobalRefunds<R extends Role = 'merchant'> {
  readonly #transport: Transport;
  readonly #identity: Identity<R>;

  constructor(transport: Transport, identity: Identity<R>) {
    this.#transport = transport;
    this.#identity = identity;
  }

  /**
   * The exact body of a refund, the client's own appid and mchid added. Persist it, then hand it to {@link apply}.
   * @throws RequestRejectedError PARAM_ERROR for what the gateway cannot take: null, fractions, emoji.
   */
  serialize(refund: GlobalRefundRequest<R>): string {
    return serializeBody({ ...refund, ...this.#identity.orderer() });
  }

  /**
   * Applies for a refund. An answer means accepted, not paid back: wait for the notification, or query. A string is sent byte for byte.
   * @throws WechatPayError; a 429 has an unknown outcome here, the refund may have been accepted. NOT_ENOUGH: later payments refill the
   * account in CNY that pays refunds; repeat the same number then.
   */
  async apply(refund: GlobalRefundRequest<R> | string): Promise<AcceptedGlobalRefund> {
    const body = typeof refund === 'string' ? refund : this.serialize(refund);
    const outRefundNo = readObject(Buffer.from(body))?.out_refund_no;
    return this.#transport.call<AcceptedGlobalRefund>(
      { endpoint: GLOBAL_ENDPOINTS['global.refunds.apply'], body },
      { id: true, out_refund_no: typeof outRefundNo === 'string' ? outRefundNo : true },
    );
  }

  /**
   * Asks for a refund by the merchant's number.
   * @throws WechatPayError 404 RESOURCE_NOT_EXISTS when it was not accepted: apply again with the same body.
   */
  async queryByOutRefundNo(outRefundNo: string, ...of: For<R>): Promise<GlobalRefund> {
    return this.#transport.call<GlobalRefund>(
      {
        endpoint: GLOBAL_ENDPOINTS['global.refunds.queryByOutRefundNo'],
        segments: { out_refund_no: outRefundNo },
        query: this.#identity.owner(...of),
      },
      { id: true, status: true, out_refund_no: outRefundNo },
    );
  }

  /** Asks for a refund by WeChat Pay's number. @throws WechatPayError 404 RESOURCE_NOT_EXISTS */
  async queryById(id: string, ...of: For<R>): Promise<GlobalRefund> {
    return this.#transport.call<GlobalRefund>(
      {
        endpoint: GLOBAL_ENDPOINTS['global.refunds.queryById'],
        segments: { id },
        query: this.#identity.owner(...of),
      },
      { id, status: true, out_refund_no: true },
    );
  }

  /**
   * The refunds of one order.
   * @param page `count` is at most 20, which is the default.
   * @throws WechatPayError 404 RESOURCE_NOT_EXISTS when it has none.
   */
  async list(
    { offset = 0, count = 20, ...order }: OrderNumber & { offset?: number; count?: number },
    ...of: For<R>
  ): Promise<GlobalRefundList> {
    const { transaction_id, out_trade_no } = order;
    return this.#transport.call<GlobalRefundList>(
      {
        endpoint: GLOBAL_ENDPOINTS['global.refunds.list'],
        query: { transaction_id, out_trade_no, ...this.#identity.owner(...of), offset, count },
      },
      {
        ...(out_trade_no === undefined ? {} : { out_trade_no }),
        ...(transaction_id === undefined ? {} : { id: transaction_id }),
        data: Array.isArray,
      },
    );
  }
}
