import type { Fen } from '../fen.ts';
import { serializeBody } from './request-body.ts';
import type { Merchant, Transport } from './transport.ts';

/** Means of payment that an order may exclude. */
export type LimitPay = 'no_balance' | 'no_credit' | 'no_debit' | 'balance_only';

/** One kind of goods in an order. */
export interface GoodsDetail {
  merchant_goods_id: string;
  wechatpay_goods_id?: string;
  goods_name?: string;
  quantity: number;
  unit_price: Fen;
}

/**
 * A Native order; the client adds `appid` and `mchid`. Fields and limits: the official page of `POST /v3/pay/transactions/native`; the
 * rules of `time_expire`: official page 4012525167.
 */
export interface NativeOrder {
  /** What the customer sees, at most 127 characters. */
  description: string;
  /** 6 to 32 of `0-9 A-Z a-z _ - | *`, unique for the merchant number. */
  out_trade_no: string;
  /** Latest moment to pay, RFC 3339 with offset. Compute it once: a repeat must carry the same. */
  time_expire?: string;
  /** Echoed once paid, at most 128 characters. */
  attach?: string;
  /** https, public, without a query. */
  notify_url: string;
  goods_tag?: string;
  limit_pay?: LimitPay[];
  support_fapiao?: boolean;
  amount: { total: Fen; currency?: 'CNY' };
  detail?: { cost_price?: Fen; invoice_id?: string; goods_detail?: GoodsDetail[] };
  scene_info?: {
    payer_client_ip: string;
    device_id?: string;
    store_info?: { id: string; name?: string; area_code?: string; address?: string };
  };
  settle_info?: { profit_sharing?: boolean };
}

/** Native payment: the customer scans a code. */
export class Native {
  readonly #transport: Transport;
  readonly #merchant: Merchant;

  constructor(transport: Transport, merchant: Merchant) {
    this.#transport = transport;
    this.#merchant = merchant;
  }

  /**
   * The exact body of an order, `appid` and `mchid` added. Persist it, then hand it to {@link create}.
   * @throws RequestRejectedError PARAM_ERROR for what the gateway cannot take: null, fractions, emoji.
   */
  serialize(order: NativeOrder): string {
    const { appid, mchid } = this.#merchant;
    return serializeBody({ ...order, appid, mchid });
  }

  /**
   * Places an order, or refreshes its code when it is unpaid and the body is the same (the old code dies). A string is sent byte for
   * byte. The `code_url` is opaque and lives two hours.
   * @throws WechatPayError
   */
  async create(order: NativeOrder | string): Promise<{ code_url: string }> {
    const body = typeof order === 'string' ? order : this.serialize(order);
    return this.#transport.call<{ code_url: string }>(
      { method: 'POST', path: '/v3/pay/transactions/native', body },
      { code_url: true },
    );
  }
}
