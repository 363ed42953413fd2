import type { Latency } from './latency.ts';

/** What the processes of `bench protocol` have agreed upon. */

/** Who asks. */
export const MERCHANT = {
  mchid: '1900012345',
  appid: 'wx0f1e2d3c4b5a6978',
  serialNo: '3A7C0B5D9E1F2A4C6E8D0B1A3C5E7F9012345678',
};

/** Who answers, as its answers name it. */
export const PUBLIC_KEY_ID = 'PUB_KEY_ID_0119000123452026030100000000000001';

/** The order that everybody asks for. */
export const OUT_TRADE_NO = 'BENCH20260301120000000001';
/** An order whose answer was changed after it was signed. */
export const FORGED_OUT_TRADE_NO = 'FORGED2026030112000000001';

/** The paid order as it is answered. */
export function paidOrder(outTradeNo: string) {
  return {
    amount: { currency: 'CNY', payer_currency: 'CNY', payer_total: 2590, total: 2590 },
    appid: MERCHANT.appid,
    attach: '',
    bank_type: 'OTHERS',
    mchid: MERCHANT.mchid,
    out_trade_no: outTradeNo,
    payer: { openid: 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o' },
    promotion_detail: [],
    success_time: '2026-03-01T12:03:12+08:00',
    trade_state: 'SUCCESS',
    trade_state_desc: '支付成功',
    trade_type: 'NATIVE',
    transaction_id: '4200002226202603011234567890',
  };
}

/** The order that everybody places; clients add {@link MERCHANT}'s numbers. */
export const NEW_ORDER = {
  description: 'A cup of tea',
  out_trade_no: OUT_TRADE_NO,
  notify_url: 'https://pay.example.com/notifications/wechatpay',
  amount: { total: 2590, currency: 'CNY' },
} as const;

/** What placing it is answered. */
export const CODE_URL = 'weixin://wxpay/bizpayurl?pr=p4lpSuKzz';

export const QUERY_PATH = '/v3/pay/transactions/out-trade-no/';
export const NATIVE_PATH = '/v3/pay/transactions/native';

/** PEM keys, made for one run. */
export interface Keys {
  merchantPrivate: string;
  merchantPublic: string;
  wechatPrivate: string;
  wechatPublic: string;
}

/** The first question for the server. */
export interface ServerSetUp {
  keys: Keys;
}

/** The answer to it. */
export interface ServerReady {
  baseUrl: string;
}

/** The answer to every further question: since the one before. */
export interface ServerUsage {
  /** Share of the time in which the server was at work, in percent: at 100 it is what limits. */
  busyPercent: number;
}

/** The first question for a client. */
export interface ClientSetUp {
  keys: Keys;
  baseUrl: string;
}

/** The answer to it. */
export interface ClientReady {
  /** Whether an answer that was changed after it was signed is an error. */
  refusesForgery: boolean;
}

/** What each further question has a client do. */
export interface ProtocolLoad {
  requests: number;
  concurrency: number;
  /** Requests before, which do not count. */
  warmUp: number;
}

/** The answer to it. */
export interface Round {
  requestsPerSecond: number;
  /** User and system time of the client's process, all threads. */
  cpuMsPerRequest: number;
  /** Milliseconds from the call to its result; undefined when all failed. */
  latencyMs?: Latency;
  /** Requests that did not bring what was expected. */
  failed: number;
  /** Why the first of them failed. */
  failure?: string;
}
