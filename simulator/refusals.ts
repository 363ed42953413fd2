import { GatewayError } from './gateway-error.ts';

/**
 * Refusals of the documented error tables whose reasons lie outside of a simulation, such as the state of a bank: they happen when the control
 * API arranged them (official page 4012081717 for the codes).
 */
const REFUSALS = {
  USER_PAYING: [202, '用户支付中，需要输入密码'],
  INVALID_REQUEST: [400, '无效请求'],
  MCH_NOT_EXISTS: [400, '商户号不存在'],
  ORDER_CLOSED: [400, '订单已关闭'],
  NO_AUTH: [403, '商户无权限'],
  RULE_LIMIT: [403, '业务规则限制'],
  TRADE_ERROR: [403, '交易错误'],
  ACCOUNT_ERROR: [403, '账号异常'],
  USER_ACCOUNT_ABNORMAL: [403, '退款请求失败，用户账户异常或注销'],
  NOT_ENOUGH: [403, '余额不足'],
  FREQUENCY_LIMITED: [429, '频率超限'],
  RATELIMIT_EXCEEDED: [429, '接口限频'],
  SYSTEM_ERROR: [500, '系统异常，请稍后重试'],
  BANK_ERROR: [500, '银行系统异常'],
  INVALID_TRANSACTIONID: [500, '订单号非法'],
  OPENID_MISMATCH: [500, 'openid和appid不匹配'],
  SERVICE_UNAVAILABLE: [503, '服务不可用，请切换域名重试'],
} as const;

/** A code that can be arranged. */
export type RefusalCode = keyof typeof REFUSALS;

/** All of them, for schemas. */
export const REFUSAL_CODES = Object.keys(REFUSALS) as [RefusalCode, ...RefusalCode[]];

/** The refusal of a code, as documented. */
export function refuse(code: RefusalCode): GatewayError {
  const [status, message] = REFUSALS[code];
  return new GatewayError(status, code, message);
}
