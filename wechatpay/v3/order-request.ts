import type { Fen } from '../fen.ts';
import type { Role, SubOrderer } from './role.ts';

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

/** What the goods cost before coupons, and what they are; at most 6144 bytes as JSON. */
export interface OrderDetail<Goods = GoodsDetail> {
  cost_price?: Fen;
  invoice_id?: string;
  goods_detail?: Goods[];
}

/** A shop. */
export interface StoreInfo {
  id: string;
  name?: string;
  area_code?: string;
  address?: string;
}

/** Where the customer is. */
export interface SceneInfo {
  /** Address of the customer's device, IPv4 or IPv6. */
  payer_client_ip: string;
  device_id?: string;
  store_info?: StoreInfo;
}

/** The page or app from which an H5 payment starts. */
export interface H5Info {
  type: 'Wap' | 'iOS' | 'Android';
  app_name?: string;
  app_url?: string;
  bundle_id?: string;
  package_name?: string;
}

/** What every order has in common, payment codes included. */
export interface OrderFields {
  /** What the customer sees, at most 127 characters. */
  description: string;
  /** 6 to 32 of `0-9 A-Z a-z _ - | *`, unique for the merchant number, or for the service provider's over all its sub-merchants. */
  out_trade_no: string;
  /** Echoed once paid, at most 128 characters. */
  attach?: string;
  goods_tag?: string;
  support_fapiao?: boolean;
  amount: { total: Fen; currency?: 'CNY' };
  /** `profit_sharing` freezes the money for up to 30 days. */
  settle_info?: { profit_sharing?: boolean };
}

/** What a service provider adds; nothing for a merchant. */
export type Orderer<R extends Role> = R extends 'partner' ? SubOrderer : unknown;

/**
 * An order that is paid later, on the customer's phone. The client adds its own appid and mchid. Fields and limits: the official pages of
 * `POST /v3/pay/transactions/{jsapi,app,h5,native}`; the rules of `time_expire`: official page 4012525167.
 */
export type OrderRequest<R extends Role = 'merchant'> = OrderFields &
  Orderer<R> & {
    /**
     * Latest moment to pay, RFC 3339 with offset; at most seven days away, which is the default: official pages differ on longer ones.
     * Compute it once: a repeat must carry the same.
     */
    time_expire?: string;
    /** https, public, without a query. */
    notify_url: string;
    limit_pay?: LimitPay[];
    detail?: OrderDetail;
    scene_info?: SceneInfo;
  };

/** Who pays: known under the appid of the order, or under `sub_appid`, which is then sent too. */
export type Payer<R extends Role> = R extends 'partner'
  ? { payer: { sp_openid: string } } | { sub_appid: string; payer: { sub_openid: string } }
  : { payer: { openid: string } };

/** An order inside WeChat: official account or mini program. */
export type JsapiOrder<R extends Role = 'merchant'> = OrderRequest<R> & Payer<R>;

/** An order from an app. */
export type AppOrder<R extends Role = 'merchant'> = OrderRequest<R>;

/** An order from a browser outside of WeChat. */
export type H5Order<R extends Role = 'merchant'> = Omit<OrderRequest<R>, 'scene_info'> & {
  /** Not 127.0.0.1: the gateway checks that the same address pays. */
  scene_info: SceneInfo & { h5_info: H5Info };
};

/** An order that is paid by scanning a code. */
export type NativeOrder<R extends Role = 'merchant'> = OrderRequest<R>;

/** An order paid with the code that the customer shows. There is no notification: query until it has ended. */
export type CodepayOrder<R extends Role = 'merchant'> = OrderFields &
  Orderer<R> & {
    /** 18 digits that start with 10 to 15. */
    payer: { auth_code: string };
    detail?: OrderDetail<Omit<GoodsDetail, 'wechatpay_goods_id'> & { wxpay_goods_id?: string }>;
    scene_info: {
      device_id?: string;
      device_ip?: string;
      /** WeChat Pay's number of the store (`id`), or the merchant's own (`out_id`). */
      store_info: { id: string; out_id?: string } | { id?: string; out_id: string };
    };
  };
