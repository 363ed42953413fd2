import type { Orderer, Payer } from '../v3/order-request.ts';
import type { Role } from '../v3/role.ts';
import type { Currency, MinorUnits } from './money.ts';

/** Means of payment that an order may exclude. A text here, not a list as on the mainland API. */
export type GlobalLimitPay = 'no_credit';

/** One kind of goods in an order. */
export interface GlobalGoods {
  goods_id: string;
  wxpay_goods_id?: string;
  goods_name?: string;
  quantity: number;
  /** Of one piece. */
  price: MinorUnits;
}

/** What the goods cost before coupons, and what they are. */
export interface GlobalOrderDetail {
  cost_price?: MinorUnits;
  receipt_id?: string;
  goods_detail?: GlobalGoods[];
}

/** Where the customer, the till and the shop are. */
export interface GlobalSceneInfo {
  /** Address of the customer's device. */
  payer_client_ip?: string;
  /** Address of the merchant's device. */
  device_ip?: string;
  device_id?: string;
  operator_id?: string;
  store_info?: { id?: string; name: string; address: string };
}

/** What every order has in common, payment codes included. The client adds its own appid and mchid, and `trade_type`. */
export interface GlobalOrderFields {
  /** What the customer sees. */
  description: string;
  /** At most 32 characters, unique for the merchant number. */
  out_trade_no: string;
  /** Echoed once paid. */
  attach?: string;
  goods_tag?: string;
  /** Industry of the merchant as a code of four digits, from the list of merchant category codes. */
  merchant_category_code: string;
  /** A refund has to be in the same currency. */
  amount: { total: MinorUnits; currency: Currency };
  limit_pay?: GlobalLimitPay;
  scene_info?: GlobalSceneInfo;
  detail?: GlobalOrderDetail[];
}

/** An order that is paid later, on the customer's phone. */
export type GlobalOrderRequest<R extends Role = 'merchant'> = GlobalOrderFields &
  Orderer<R> & {
    /** https, public, without a query. */
    notify_url: string;
    /** RFC 3339 with offset. */
    time_start?: string;
    /** Latest moment to pay, RFC 3339 with offset. Compute it once: a repeat must carry the same. */
    time_expire?: string;
  };

/** An order inside WeChat: official account or mini program. */
export type GlobalJsapiOrder<R extends Role = 'merchant'> = GlobalOrderRequest<R> & Payer<R>;

/** An order from an app. */
export type GlobalAppOrder<R extends Role = 'merchant'> = GlobalOrderRequest<R>;

/** An order that is paid by scanning a code. */
export type GlobalNativeOrder<R extends Role = 'merchant'> = GlobalOrderRequest<R>;

/** An order from a browser outside of WeChat. */
export type GlobalMwebOrder<R extends Role = 'merchant'> = GlobalOrderRequest<R> & {
  scene_info: { payer_client_ip: string };
};

/** An order paid with the code that the customer shows. */
export type GlobalMicropayOrder<R extends Role = 'merchant'> = GlobalOrderFields &
  Orderer<R> & {
    /** 18 digits that start with 10 to 15. */
    payer: { auth_code: string };
  };

/** The answer of MWEB orders: the page that the browser is sent to. */
export interface MwebUrl {
  mweb_url: string;
}
