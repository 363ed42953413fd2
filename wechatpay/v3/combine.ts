import { type Endpoint, endpoints } from '../endpoint.ts';
import type { Fen } from '../fen.ts';
import type { H5Info } from './order-request.ts';
import type { Promotion, TradeState, TradeType } from './orders.ts';
import { type CodeUrl, type H5Url, Prepay, type PrepayId } from './prepay.ts';
import { serializeBody } from './request-body.ts';
import type { Role } from './role.ts';
import type { Transport } from './transport.ts';

const order = (product: string): Endpoint => ({
  method: 'POST',
  path: `/v3/combine-transactions/${product}`,
});

/** Combined orders; service providers use the same paths. */
export const COMBINE_ENDPOINTS = endpoints({
  'combine.jsapi.create': order('jsapi'),
  'combine.app.create': order('app'),
  'combine.h5.create': order('h5'),
  'combine.native.create': order('native'),
  'combine.queryByOutTradeNo': {
    method: 'GET',
    path: '/v3/combine-transactions/out-trade-no/{combine_out_trade_no}',
  },
  'combine.close': {
    method: 'POST',
    path: '/v3/combine-transactions/out-trade-no/{combine_out_trade_no}/close',
  },
});

/** What a service provider adds to each order of a combination: its `mchid` is the service provider's own. */
export type SubOrderOwner<R extends Role> = R extends 'partner'
  ? { sub_mchid: string; sub_appid?: string }
  : unknown;

/** One order of a combination. */
export type SubOrderRequest<R extends Role = 'merchant'> = SubOrderOwner<R> & {
  /** The merchant that gets the money; bound to `combine_appid`. */
  mchid: string;
  /** Required, at most 128 characters. */
  attach: string;
  amount: { total_amount: Fen; currency: 'CNY' };
  /** Its own number, unique for its mchid. */
  out_trade_no: string;
  /** At most 127 characters. */
  description: string;
  detail?: string;
  goods_tag?: string;
  settle_info?: { profit_sharing?: boolean; subsidy_amount?: Fen };
};

/**
 * Several merchants' orders, paid at once or not at all: 2 to 10, for service providers 1 to 50. The client adds `combine_appid` and
 * `combine_mchid`.
 */
export interface CombinedOrderRequest<R extends Role = 'merchant'> {
  /** 6 to 32 characters, for service providers from 2. */
  combine_out_trade_no: string;
  scene_info?: { device_id?: string; payer_client_ip: string };
  sub_orders: SubOrderRequest<R>[];
  /** RFC 3339 with offset. */
  time_start?: string;
  /** Latest moment to pay, RFC 3339 with offset. */
  time_expire?: string;
  /** https, public, without a query. One notification is sent for all. */
  notify_url: string;
  limit_pay?: ('no_balance' | 'no_debit' | 'balance_only')[];
}

/** Combined order inside WeChat: official account or mini program. */
export type CombinedJsapiOrder<R extends Role = 'merchant'> = CombinedOrderRequest<R> & {
  combine_payer_info: R extends 'partner' ? { openid: string } | { sub_openid: string } : { openid: string };
};

/** Combined order from a browser outside of WeChat. */
export type CombinedH5Order<R extends Role = 'merchant'> = Omit<CombinedOrderRequest<R>, 'scene_info'> & {
  scene_info: { device_id: string; payer_client_ip: string; h5_info: H5Info };
};

/** One order of a combination, as queries and notifications tell it. Refund it by its own mchid and `transaction_id`. */
export interface SubOrder {
  mchid: string;
  /** Service providers only, as the next two. */
  sub_mchid?: string;
  sub_appid?: string;
  sub_openid?: string;
  trade_type?: TradeType;
  trade_state: TradeState;
  bank_type?: string;
  attach?: string;
  amount: { total_amount: Fen; payer_amount?: Fen; currency: string; payer_currency?: string };
  /** RFC 3339 with offset, once paid. */
  success_time?: string;
  transaction_id?: string;
  out_trade_no: string;
  promotion_detail?: Promotion[];
}

/** A combination, as queries and notifications tell it; fields that are not listed here are kept. */
export interface CombinedOrder {
  combine_appid: string;
  combine_mchid: string;
  combine_out_trade_no: string;
  scene_info?: { device_id?: string };
  sub_orders: SubOrder[];
  combine_payer_info?: { openid?: string; sub_openid?: string };
}

/** Combined orders: one payment, several merchants. */
export class Combine<R extends Role = 'merchant'> {
  /** Inside WeChat: official account or mini program. */
  readonly jsapi: Prepay<CombinedJsapiOrder<R>, PrepayId>;
  /** From an app. */
  readonly app: Prepay<CombinedOrderRequest<R>, PrepayId>;
  /** From a browser outside of WeChat. */
  readonly h5: Prepay<CombinedH5Order<R>, H5Url>;
  /** By scanning a code. */
  readonly native: Prepay<CombinedOrderRequest<R>, CodeUrl>;
  readonly #transport: Transport;
  readonly #combiner: { combine_appid: string; combine_mchid: string };

  constructor(transport: Transport, { appid, mchid }: { appid: string; mchid: string }) {
    this.#transport = transport;
    this.#combiner = { combine_appid: appid, combine_mchid: mchid };
    const product = <Input extends object, Output extends object>(
      name: 'jsapi' | 'app' | 'h5' | 'native',
      answered: keyof Output,
    ) =>
      new Prepay<Input, Output>(transport, {
        endpoint: COMBINE_ENDPOINTS[`combine.${name}.create`],
        orderer: this.#combiner,
        answered,
      });
    this.jsapi = product('jsapi', 'prepay_id');
    this.app = product('app', 'prepay_id');
    this.h5 = product('h5', 'h5_url');
    this.native = product('native', 'code_url');
  }

  /**
   * Asks for a combination by its number.
   * @throws WechatPayError 404 ORDER_NOT_EXIST when it was never created.
   */
  async queryByOutTradeNo(combineOutTradeNo: string): Promise<CombinedOrder> {
    return this.#transport.call<CombinedOrder>(
      {
        endpoint: COMBINE_ENDPOINTS['combine.queryByOutTradeNo'],
        segments: { combine_out_trade_no: combineOutTradeNo },
      },
      { combine_out_trade_no: combineOutTradeNo, sub_orders: Array.isArray },
    );
  }

  /**
   * Closes a combination nobody has paid.
   * @param subOrders exactly those of the order.
   * @param combineAppid the appid that the order named; the client's own unless told.
   * @throws WechatPayError
   */
  async close(
    combineOutTradeNo: string,
    subOrders: (Pick<SubOrderRequest, 'mchid' | 'out_trade_no'> & SubOrderOwner<R>)[],
    combineAppid = this.#combiner.combine_appid,
  ): Promise<void> {
    await this.#transport.send({
      endpoint: COMBINE_ENDPOINTS['combine.close'],
      segments: { combine_out_trade_no: combineOutTradeNo },
      body: serializeBody({ combine_appid: combineAppid, sub_orders: subOrders }),
    });
  }
}
