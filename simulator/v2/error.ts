import { GatewayError } from '../gateway-error.ts';

/** The errors of v2 and their descriptions, as the error tables of the official v2 pages give them. */
export const V2_ERRORS = {
  // Common.
  SIGNERROR: '签名错误',
  XML_FORMAT_ERROR: 'XML格式错误',
  REQUIRE_POST_METHOD: '请使用post方法',
  POST_DATA_EMPTY: 'post数据为空',
  NOT_UTF8: '编码格式错误',
  LACK_PARAMS: '缺少参数',
  PARAM_ERROR: '参数错误',
  APPID_NOT_EXIST: 'APPID不存在',
  MCHID_NOT_EXIST: 'MCHID不存在',
  APPID_MCHID_NOT_MATCH: 'appid和mch_id不匹配',
  NOAUTH: '商户无此接口权限',
  SYSTEMERROR: '系统错误',
  INVALID_REQUEST: '无效请求',
  // Orders, queries, closing.
  NOTENOUGH: '余额不足',
  ORDERPAID: '该订单已支付',
  ORDERCLOSED: '订单已关闭',
  ORDERNOTEXIST: '此交易订单号不存在',
  OUT_TRADE_NO_USED: '商户订单号重复',
  // Payment codes.
  AUTHCODEEXPIRE: '二维码已过期，请用户在微信上刷新后再试',
  AUTH_CODE_ERROR: '付款码参数错误，每个二维码仅限使用一次',
  AUTH_CODE_INVALID: '付款码检验错误，请扫描微信支付被扫条码',
  NOTSUPORTCARD: '不支持卡类型',
  ORDERREVERSED: '订单已撤销',
  BUYER_MISMATCH: '支付帐号错误，暂不支持同一笔订单更换支付方',
  BANKERROR: '银行系统异常',
  USERPAYING: '需要用户输入支付密码',
  TRADE_ERROR: '交易错误',
  REVERSE_EXPIRE: '订单无法撤销，已超过7天',
  // Refunds.
  BIZERR_NEED_RETRY: '退款业务流程错误，需要商户触发重试来解决',
  TRADE_OVERDUE: '订单已经超过退款期限',
  ERROR: '业务错误',
  USER_ACCOUNT_ABNORMAL: '退款请求失败，用户帐号注销',
  INVALID_REQ_TOO_MUCH: '无效请求过多',
  INVALID_TRANSACTIONID: '无效transaction_id',
  FREQUENCY_LIMITED: '频率限制',
  REFUNDNOTEXIST: '退款订单查询失败',
  // Fund flows.
  NO_BILL_EXIST: '账单不存在',
  BILL_CREATING: '账单未生成',
} as const;
export type V2ErrorCode = keyof typeof V2_ERRORS;

/** All of them, for schemas. */
export const V2_ERROR_CODES = Object.keys(V2_ERRORS) as [V2ErrorCode, ...V2ErrorCode[]];

/** Whether a code is one of v2. */
export function isV2Code(code: string): code is V2ErrorCode {
  return Object.hasOwn(V2_ERRORS, code);
}

/** A refusal by v2: `return_code` FAIL as long as the caller is not known, `err_code` from then on. */
export class V2Error extends Error {
  readonly code: V2ErrorCode;

  constructor(code: V2ErrorCode, message: string = V2_ERRORS[code]) {
    super(message);
    this.code = code;
  }
}

/** What the refusals of the order and refund books, which speak v3, are in v2. */
const FROM_V3: Record<string, V2ErrorCode> = {
  PARAM_ERROR: 'PARAM_ERROR',
  APPID_MCHID_NOT_MATCH: 'APPID_MCHID_NOT_MATCH',
  NO_AUTH: 'NOAUTH',
  OUT_TRADE_NO_USED: 'OUT_TRADE_NO_USED',
  ORDER_NOT_EXIST: 'ORDERNOTEXIST',
  ORDER_PAID: 'ORDERPAID',
  ORDER_CLOSED: 'ORDERCLOSED',
  USER_PAYING: 'USERPAYING',
  TRADE_ERROR: 'TRADE_ERROR',
  ACCOUNT_ERROR: 'TRADE_ERROR',
  MCH_NOT_EXISTS: 'MCHID_NOT_EXIST',
  OPENID_MISMATCH: 'PARAM_ERROR',
  INVALID_TRANSACTIONID: 'INVALID_TRANSACTIONID',
  RESOURCE_NOT_EXISTS: 'ORDERNOTEXIST',
  // v2 has one word for every rule of refunds that it does not name.
  REFUND_FEE_MISMATCH: 'ERROR',
  INVALID_REQUEST: 'ERROR',
  RULE_LIMIT: 'ERROR',
  TRADE_OVERDUE: 'TRADE_OVERDUE',
  NOT_ENOUGH: 'NOTENOUGH',
  USER_ACCOUNT_ABNORMAL: 'USER_ACCOUNT_ABNORMAL',
  FREQUENCY_LIMITED: 'FREQUENCY_LIMITED',
  RATELIMIT_EXCEEDED: 'FREQUENCY_LIMITED',
  BANK_ERROR: 'BANKERROR',
  SYSTEM_ERROR: 'SYSTEMERROR',
  SERVICE_UNAVAILABLE: 'SYSTEMERROR',
  NO_STATEMENT_EXIST: 'NO_BILL_EXIST',
  STATEMENT_CREATING: 'BILL_CREATING',
};

/** A refusal in the words of v2. @throws whatever is no refusal but a bug. */
export function v2Error(error: unknown): V2Error {
  if (error instanceof V2Error) return error;
  if (!(error instanceof GatewayError)) throw error;
  const code = FROM_V3[error.code];
  if (!code) throw new Error(`v2 has no word for ${error.code}`, { cause: error });
  return new V2Error(code, error.message);
}
