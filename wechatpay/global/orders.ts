import type { TradeState } from '../v3/orders.ts';
import { serializeBody } from '../v3/request-body.ts';
import type { For, Identity, Role } from '../v3/role.ts';
import type { Transport } from '../v3/transport.ts';
import { GLOBAL_ENDPOINTS } from './endpoints.ts';
import type { Currency, ExchangeRate, MinorUnits } from './money.ts';

/** How it was, or is to be, paid. */
export type GlobalTradeType = 'JSAPI' | 'APP' | 'NATIVE' | 'MWEB' | 'MICROPAY';

/** A coupon that was used. */
export interface GlobalPromotion {
  promotion_id: string;
  name?: string;
  scope?: 'GLOBAL' | 'SINGLE';
  type?: 'COUPON' | 'DISCOUNT';
  amount: MinorUnits;
  currency?: Currency;
  activity_id?: string;
  wxpay_contribute_amount?: MinorUnits;
  merchant_contribute_amount?: MinorUnits;
  other_contribute_amount?: MinorUnits;
  goods_detail?: { goods_id: string; goods_remark?: string; quantity: number; price: MinorUnits }[];
}

interface GlobalOrderState {
  out_trade_no: string;
  /** WeChat Pay's number of the order, once paid: what the mainland API calls `transaction_id`. */
  id?: string;
  trade_type?: GlobalTradeType;
  trade_state: TradeState;
  trade_state_desc: string;
  bank_type?: string;
  attach?: string;
  /** RFC 3339 with offset, once paid. */
  success_time?: string;
  /**
   * `total` is in `currency`, the one of the order. `payer_total`, what left the customer's wallet, is in `payer_currency` and hence not to
   * be compared with `total`.
   */
  amount?: {
    total: MinorUnits;
    currency?: Currency;
    payer_total?: MinorUnits;
    payer_currency?: Currency;
    exchange_rate?: ExchangeRate;
  };
  promotion_detail?: GlobalPromotion[];
}

/** A direct merchant's order. */
export interface GlobalMerchantOrder extends GlobalOrderState {
  appid: string;
  mchid: string;
  payer?: { openid?: string };
}

/** An institution's order. */
export interface GlobalPartnerOrder extends GlobalOrderState {
  sp_appid: string;
  sp_mchid: string;
  /** Only when it was sent. */
  sub_appid?: string;
  sub_mchid: string;
  payer?: { sp_openid?: string; sub_openid?: string };
}

/**
 * An order as queries answer it and `TRANSACTION.SUCCESS` carries it. Most fields exist only once it is paid; fields that are not listed
 * here are kept.
 */
export type GlobalOrder<R extends Role = 'merchant'> = R extends 'partner'
  ? GlobalPartnerOrder
  : GlobalMerchantOrder;

/** Orders of every product, payment codes included. */
export class GlobalOrders<R extends Role = 'merchant'> {
  readonly #transport: Transport;
  readonly #identity: Identity<R>;

  constructor(transport: Transport, identity: Identity<R>) {
    this.#transport = transport;
    this.#identity = identity;
  }

  /**
   * Asks for an order by the merchant's number. It is paid when `trade_state` is SUCCESS or REFUND **and** mchid, appid, amount and currency
   * are the expected ones; right after paying it may still say NOTPAY.
   * @throws WechatPayError 404 ORDER_NOT_EXIST when it was never created.
   */
  async queryByOutTradeNo(outTradeNo: string, ...of: For<R>): Promise<GlobalOrder<R>> {
    return this.#transport.call<GlobalOrder<R>>(
      {
        endpoint: GLOBAL_ENDPOINTS['global.orders.queryByOutTradeNo'],
        segments: { out_trade_no: outTradeNo },
        query: this.#identity.owner(...of),
      },
      { out_trade_no: outTradeNo, trade_state: true },
    );
  }

  /**
   * Asks for a paid order by WeChat Pay's number; unpaid ones have none.
   * @throws WechatPayError 404 ORDER_NOT_EXIST when there is none under this merchant number.
   */
  async queryById(id: string, ...of: For<R>): Promise<GlobalOrder<R>> {
    return this.#transport.call<GlobalOrder<R>>(
      {
        endpoint: GLOBAL_ENDPOINTS['global.orders.queryById'],
        segments: { id },
        query: this.#identity.owner(...of),
      },
      { id, trade_state: true },
    );
  }

  /**
   * Closes an unpaid order, not earlier than five minutes after it was placed; closing again is harmless. Query afterwards, the customer
   * may have paid in the meantime. An order of a payment code is not closed but reversed.
   * @throws WechatPayError ORDER_PAID and other refusals: query the order, "already paid" is the paid path.
   */
  async close(outTradeNo: string, ...of: For<R>): Promise<void> {
    await this.#transport.send({
      endpoint: GLOBAL_ENDPOINTS['global.orders.close'],
      segments: { out_trade_no: outTradeNo },
      body: serializeBody(this.#identity.owner(...of)),
    });
  }
}
