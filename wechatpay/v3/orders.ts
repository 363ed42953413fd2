import type { Fen } from '../fen.ts';
import { pathSegment, serializeBody } from './request-body.ts';
import type { Merchant, Transport } from './transport.ts';

/**
 * State of an order. Final: SUCCESS, REFUND (paid, and at least one refund was accepted: still paid), CLOSED, REVOKED (payment code).
 * NOTPAY is not a failure, not even after `time_expire`: close, then query again.
 */
export type TradeState = 'SUCCESS' | 'REFUND' | 'NOTPAY' | 'CLOSED' | 'REVOKED' | 'USERPAYING' | 'PAYERROR';

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

/**
 * An order as queries answer it and `TRANSACTION.SUCCESS` carries it. Most fields exist only once it is paid; fields that are not listed
 * here are kept.
 */
export interface Order {
  appid: string;
  mchid: string;
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
  payer?: { openid?: string };
  /** `payer_total` is what the customer paid: the total without coupons. */
  amount?: { total?: Fen; payer_total?: Fen; currency?: string; payer_currency?: string };
  scene_info?: { device_id?: string };
  promotion_detail?: Promotion[];
}

/** Orders of every product, by the merchant's number. */
export class Orders {
  readonly #transport: Transport;
  readonly #merchant: Merchant;

  constructor(transport: Transport, merchant: Merchant) {
    this.#transport = transport;
    this.#merchant = merchant;
  }

  /**
   * Asks for an order. It is paid when `trade_state` is SUCCESS or REFUND **and** mchid, appid and amount are the expected ones; right
   * after paying it may still say NOTPAY. Plan for polling: official page 4012075249.
   * @throws WechatPayError 404 ORDER_NOT_EXIST when it was never created.
   */
  async queryByOutTradeNo(outTradeNo: string): Promise<Order> {
    const query = `?mchid=${encodeURIComponent(this.#merchant.mchid)}`;
    return this.#transport.call<Order>(
      { method: 'GET', path: orderPath(outTradeNo) + query },
      { out_trade_no: outTradeNo, trade_state: true },
    );
  }

  /**
   * Closes an unpaid order; closing again is harmless. Query afterwards, the customer may have paid in the meantime.
   * @throws WechatPayError ORDER_PAID and other refusals: query the order, "already paid" is the paid path.
   */
  async close(outTradeNo: string): Promise<void> {
    const body = serializeBody({ mchid: this.#merchant.mchid });
    await this.#transport.send({ method: 'POST', path: `${orderPath(outTradeNo)}/close`, body });
  }
}

function orderPath(outTradeNo: string): string {
  return `/v3/pay/transactions/out-trade-no/${pathSegment('out_trade_no', outTradeNo)}`;
}
