import { endpoints } from '../endpoint.ts';
import type { Fen } from '../fen.ts';
import { serializeBody } from './request-body.ts';
import type { For, Identity, Role } from './role.ts';
import type { Transport } from './transport.ts';

/**
 * State of an order. Final: SUCCESS, REFUND (paid, and at least one refund was accepted: still paid), CLOSED, REVOKED (payment code).
 * NOTPAY is not a failure, not even after `time_expire`: close, then query again.
 */
export type TradeState = 'SUCCESS' | 'REFUND' | 'NOTPAY' | 'CLOSED' | 'REVOKED' | 'USERPAYING' | 'PAYERROR';

/** An order by one of its two numbers: WeChat Pay's, which is preferred where it is known, or the merchant's. */
export type OrderNumber =
  | { transaction_id: string; out_trade_no?: never }
  | { out_trade_no: string; transaction_id?: never };

/** How it was paid. */
export type TradeType = 'JSAPI' | 'NATIVE' | 'APP' | 'MWEB' | 'MICROPAY' | 'FACEPAY';

/** A coupon that was used. */
export interface Promotion {
  coupon_id: string;
  name?: string;
  scope?: 'GLOBAL' | 'SINGLE';
  type?: 'CASH' | 'NOCASH';
  amount: Fen;
  stock_id?: string;
  wechatpay_contribute?: Fen;
  merchant_contribute?: Fen;
  other_contribute?: Fen;
  currency?: string;
  goods_detail?: {
    goods_id: string;
    quantity: number;
    unit_price: Fen;
    discount_amount: Fen;
    goods_remark?: string;
  }[];
}

interface OrderState {
  out_trade_no: string;
  /** WeChat Pay's number, once paid. */
  transaction_id?: string;
  trade_type?: TradeType;
  trade_state: TradeState;
  trade_state_desc: string;
  bank_type?: string;
  attach?: string;
  /** RFC 3339 with offset, once paid. */
  success_time?: string;
  /** `payer_total` is what the customer paid: the total without coupons. */
  amount?: { total?: Fen; payer_total?: Fen; currency?: string; payer_currency?: string };
  scene_info?: { device_id?: string };
  promotion_detail?: Promotion[];
}

/** A merchant's order. */
export interface MerchantOrder extends OrderState {
  appid: string;
  mchid: string;
  payer?: { openid?: string };
}

/** A service provider's order. */
export interface PartnerOrder extends OrderState {
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
export type Order<R extends Role = 'merchant'> = R extends 'partner' ? PartnerOrder : MerchantOrder;

/** Queries and closing, of orders of every product. */
export const ORDER_ENDPOINTS = endpoints({
  'orders.queryByOutTradeNo': {
    method: 'GET',
    path: '/v3/pay/transactions/out-trade-no/{out_trade_no}',
    partnerPath: '/v3/pay/partner/transactions/out-trade-no/{out_trade_no}',
  },
  'orders.queryByTransactionId': {
    method: 'GET',
    path: '/v3/pay/transactions/id/{transaction_id}',
    partnerPath: '/v3/pay/partner/transactions/id/{transaction_id}',
  },
  'orders.close': {
    method: 'POST',
    path: '/v3/pay/transactions/out-trade-no/{out_trade_no}/close',
    partnerPath: '/v3/pay/partner/transactions/out-trade-no/{out_trade_no}/close',
  },
});

/**
 * Queries of orders older than a month share a limit of their own, which the gateway tells apart by the order's age (official error
 * `频率限制，1个月之前的订单请降低申请频率再重试`).
 */
export const OLD_ORDERS_RATE_LIMIT = { requests: 5000, perSeconds: 60 } as const;

/** Orders of every product. Combined orders have calls of their own: these here answer ORDER_NOT_EXIST for them. */
export class Orders<R extends Role = 'merchant'> {
  readonly #transport: Transport;
  readonly #identity: Identity<R>;

  constructor(transport: Transport, identity: Identity<R>) {
    this.#transport = transport;
    this.#identity = identity;
  }

  /**
   * Asks for an order by the merchant's number. It is paid when `trade_state` is SUCCESS or REFUND **and** mchid, appid and amount are the
   * expected ones; right after paying it may still say NOTPAY. Plan for polling: official page 4012075249.
   * @throws WechatPayError 404 ORDER_NOT_EXIST when it was never created.
   */
  async queryByOutTradeNo(outTradeNo: string, ...of: For<R>): Promise<Order<R>> {
    return this.#transport.call<Order<R>>(
      {
        endpoint: ORDER_ENDPOINTS['orders.queryByOutTradeNo'],
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
  async queryByTransactionId(transactionId: string, ...of: For<R>): Promise<Order<R>> {
    return this.#transport.call<Order<R>>(
      {
        endpoint: ORDER_ENDPOINTS['orders.queryByTransactionId'],
        segments: { transaction_id: transactionId },
        query: this.#identity.owner(...of),
      },
      { transaction_id: transactionId, trade_state: true },
    );
  }

  /**
   * Closes an unpaid order; closing again is harmless. Query afterwards, the customer may have paid in the meantime. An order of a payment
   * code is not closed but reversed.
   * @throws WechatPayError ORDER_PAID and other refusals: query the order, "already paid" is the paid path.
   */
  async close(outTradeNo: string, ...of: For<R>): Promise<void> {
    await this.#transport.send({
      endpoint: ORDER_ENDPOINTS['orders.close'],
      segments: { out_trade_no: outTradeNo },
      body: serializeBody(this.#identity.owner(...of)),
    });
  }
}
