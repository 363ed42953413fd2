import { readFields, type SubMerchant } from './fields.ts';
import type { V2Answer } from './orders.ts';
import type { V2Fields } from './xml.ts';

/** Whose payment code it is. */
export interface PayerOfCode extends V2Answer {
  openid: string;
  /** When `sub_appid` was sent. */
  sub_openid?: string;
}

/** What signs in the sandbox in place of the APIv2 key. */
export interface SandboxKey {
  mch_id?: string;
  /** 32 characters. */
  sandbox_signkey: string;
}

/** How a call went, as merchants may report it to WeChat Pay. */
export interface CallReport extends SubMerchant {
  interface_url: string;
  /** Milliseconds; WeChat Pay's own spelling. */
  execute_time_: number;
  return_code: 'SUCCESS' | 'FAIL';
  return_msg?: string;
  result_code: 'SUCCESS' | 'FAIL';
  err_code?: string;
  err_code_des?: string;
  out_trade_no?: string;
  device_info?: string;
  user_ip: string;
  /** `yyyyMMddHHmmss` in Asia/Shanghai. */
  time?: string;
}

/**
 * Whose code it is.
 * @throws UnreadableField
 */
export function readPayerOfCode(answer: V2Fields): PayerOfCode {
  return readFields(answer, { required: ['openid'] }) as unknown as PayerOfCode;
}

/**
 * The key of the sandbox.
 * @throws UnreadableField
 */
export function readSandboxKey(answer: V2Fields): SandboxKey {
  return readFields(answer, { required: ['sandbox_signkey'] }) as unknown as SandboxKey;
}
