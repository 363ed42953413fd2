import type { Fen } from './money.ts';

/** What an order says besides its number and its price, in the words of the wire where they are the order's alone (official order pages). */

/** Who orders and who pays, as the order names them. The openids and the address are private: they stay in the database. */
export interface Parties {
  /** For whom a service provider takes the money; null for a merchant. */
  subMchid: string | null;
  subAppid: string | null;
  /** The customer under the merchant's or provider's appid. */
  payerOpenid: string | null;
  /** The customer under `subAppid`. */
  payerSubOpenid: string | null;
  sceneInfo: SceneInfo | null;
}

/** Where the customer is. */
export interface SceneInfo {
  /** IPv4 or IPv6. Always there, unless the customer is at a till. */
  payer_client_ip?: string;
  device_id?: string;
  /** Of a till that charges a payment code or a face. */
  device_ip?: string;
  /** The shop: WeChat Pay's number of it (`id`), or to a till the merchant's own (`out_id`). */
  store_info?: { id?: string; out_id?: string; name?: string; area_code?: string; address?: string };
  /** H5 only. */
  h5_info?: {
    type: 'Wap' | 'iOS' | 'Android';
    app_name?: string;
    app_url?: string;
    bundle_id?: string;
    package_name?: string;
  };
}

/** What may be said of an order besides. */
export interface OrderTerms {
  /** Which coupons may be used. */
  goods_tag?: string;
  /** The goods; of a sub-order of a combined one a text. */
  detail?: GoodsList | string;
  /** Whether the customer may ask for an electronic invoice. */
  support_fapiao?: boolean;
  /** Means of payment that it does not take. */
  limit_pay?: LimitPay[];
  /** `profit_sharing` freezes the money for up to 30 days; `subsidy_amount` is of sub-orders, in fen. */
  settle_info?: { profit_sharing?: boolean; subsidy_amount?: Fen };
}

/** What the goods cost before coupons, and what they are. */
export interface GoodsList {
  cost_price?: Fen;
  invoice_id?: string;
  goods_detail?: Goods[];
}

/** One kind of goods. */
export interface Goods {
  merchant_goods_id: string;
  wechatpay_goods_id?: string;
  goods_name?: string;
  quantity: number;
  unit_price: Fen;
}

/** Means of payment that an order may exclude. */
export const LIMIT_PAY = ['no_balance', 'no_credit', 'no_debit', 'balance_only'] as const;
export type LimitPay = (typeof LIMIT_PAY)[number];
