import { isIP } from 'node:net';
import { z } from 'zod';
import type { V2Fields } from '../../wechatpay/v2/xml.ts';
import { notifyUrl } from '../v3/request-body.ts';
import { V2Error } from './error.ts';

/** Text of at most `maximum` characters. */
export const text = (maximum: number) => z.string().max(maximum, `长度不能超过${maximum}`);

/** A positive amount in fen, digits only. */
export const fen = z
  .string()
  .regex(/^[1-9]\d{0,8}$/, '必须为正整数，单位为分')
  .transform(Number);

export const outTradeNo = z.string().regex(/^[0-9A-Za-z_\-|*]{1,32}$/, '格式错误');

export const outRefundNo = z.string().regex(/^[0-9A-Za-z_\-|*@]{1,64}$/, '格式错误');

/** `yyyyMMddHHmmss` in Asia/Shanghai; read as RFC 3339. */
export const time = z
  .string()
  .regex(/^\d{14}$/, '格式错误')
  .transform((digits) => digits.replace(/(....)(..)(..)(..)(..)(..)/, '$1-$2-$3T$4:$5:$6+08:00'))
  .refine((value) => !Number.isNaN(Date.parse(value)), '格式错误');

export const ip = z.string().refine((value) => isIP(value) !== 0, '必须为IP地址');

export const json = (maximum: number) =>
  text(maximum).refine((value) => {
    try {
      return typeof JSON.parse(value) === 'object';
    } catch {
      return false;
    }
  }, '必须为JSON');

export const address = notifyUrl(256);

/** An order by one of its numbers; which one is missing is checked by {@link orderOf}. */
export const orderNumber = { transaction_id: text(32).optional(), out_trade_no: outTradeNo.optional() };

/**
 * Checks the elements of a request; those that the schema does not know are ignored.
 * @throws V2Error LACK_PARAMS for a missing one, PARAM_ERROR for a wrong one.
 */
export function checkElements<T>(schema: z.ZodType<T>, fields: V2Fields): T {
  const result = schema.safeParse(fields);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const name = String(issue?.path[0] ?? '');
  if (fields[name] === undefined) throw lacking(name);
  throw new V2Error(
    'PARAM_ERROR',
    `参数错误:${name}${issue?.code === 'invalid_value' ? '取值错误' : issue?.message}`,
  );
}

/** LACK_PARAMS that names the element. */
export function lacking(name: string): V2Error {
  return new V2Error('LACK_PARAMS', `缺少参数:${name}`);
}
