const MINUTE_MS = 60_000;

/** How an order is paid, with the life of what the phone needs for it (official order pages). */
export const CODE_LIFE_MS = {
  JSAPI: 120 * MINUTE_MS,
  APP: 120 * MINUTE_MS,
  NATIVE: 120 * MINUTE_MS,
  MWEB: 5 * MINUTE_MS,
  MICROPAY: 0,
  FACEPAY: 0,
} as const;
export type TradeType = keyof typeof CODE_LIFE_MS;

/** trade_state of an order, and its description as seen in answers. */
export const TRADE_STATES = {
  NOTPAY: '订单未支付',
  USERPAYING: '用户支付中，需要输入密码',
  PAYERROR: '支付失败，请重新下单支付',
  SUCCESS: '支付成功',
  REFUND: '转入退款',
  CLOSED: '订单已关闭',
  REVOKED: '订单已撤销',
} as const;
export type TradeState = keyof typeof TRADE_STATES;

/** Why a person did not pay. */
export type AttemptFailure = 'wrong_password' | 'cancelled';

/** Which calls know an order: combined and overseas orders are unknown to the basic ones. */
export type OrderFamily = 'basic' | 'combined' | 'overseas';

/** What a merchant asks for, said in the words of one of the APIs. */
export interface OrderTerms {
  /** Who signed: the number is unique for this mchid. */
  mchid: string;
  appid: string;
  subMchid?: string | undefined;
  subAppid?: string | undefined;
  /** The payer, where the order names one. */
  openid?: string | undefined;
  subOpenid?: string | undefined;
  outTradeNo: string;
  family: OrderFamily;
  /** Which notification and which objects it gets. */
  api: 'v2' | 'v3';
  tradeType: TradeType;
  /** Path and body as sent, by value: an equal request while unpaid is a re-entry. */
  endpoint: string;
  request: unknown;
  description: string;
  attach?: string | undefined;
  deviceId?: string | undefined;
  /** In the smallest unit of the currency. */
  total: number;
  currency: string;
  notifyUrl?: string | undefined;
  /** RFC 3339. */
  timeExpire?: string | undefined;
  /** v2: how it was signed, and how its notification is. */
  signType?: 'MD5' | 'HMAC-SHA256' | undefined;
  /** Number of the combination it is part of. */
  combineOutTradeNo?: string | undefined;
}

/** What the phone needs to pay, made at every ordering; only the newest is alive. */
export interface OrderCode {
  prepayId: string;
  /** code_url of NATIVE, h5_url of MWEB. */
  url?: string;
  createdAt: number;
}

/** A coupon that the person used. */
export interface Coupon {
  couponId: string;
  name: string;
  scope: 'GLOBAL' | 'SINGLE';
  type: 'CASH' | 'NOCASH';
  /** In the smallest unit of the currency. */
  amount: number;
}

/** An order as the gateway keeps it. Times are milliseconds. */
export interface Order extends OrderTerms {
  codes: OrderCode[];
  createdAt: number;
  /** Latest moment to pay. */
  expiresAt: number;
  state: TradeState;
  transactionId?: string;
  paidAt?: number;
  /** The fee rate that held when it was paid, in ten-thousandths. */
  feeRate?: number;
  coupons: Coupon[];
  failedAttempts: { time: number; reason: AttemptFailure }[];
  /** Payment codes: when the time to type the password is over. */
  passwordUntil?: number;
  /** Payment codes: when it was reversed. */
  revokedAt?: number;
  /** Whether the account that paid can no longer receive a refund. */
  payerAbnormal?: boolean;
}

/** How somebody pays. */
export interface Payment {
  /** Pays through this code, which must be alive. */
  codeUrl?: string | undefined;
  /** Lets money land that was under way when the order expired or was closed. */
  late?: boolean | undefined;
  /** A coupon over so much, in the smallest unit of the currency. */
  coupon?: { amount: number; type?: Coupon['type'] | undefined } | undefined;
  /** Drawn unless told. */
  openid?: string | undefined;
}

/** What the person paid: the total without coupons. */
export function payerTotal({ total, coupons }: Pick<Order, 'total' | 'coupons'>): number {
  return coupons.reduce((left, { amount }) => left - amount, total);
}

/** Key of an order: numbers are unique for the mchid that signs. */
export function orderKey(mchid: string, outTradeNo: string): string {
  return `${mchid}/${outTradeNo}`;
}

/** Whether it is paid with a code or a face that the person shows: such orders are not closed but reversed. */
export function isCharged({ tradeType }: Pick<Order, 'tradeType'>): boolean {
  return CODE_LIFE_MS[tradeType] === 0;
}
