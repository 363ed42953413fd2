import type { z } from 'zod';
import type { SimulatedMerchant } from '../../merchants/merchant.ts';
import type { OrderTerms, TradeType } from '../../orders/order.ts';
import {
  type CodeBody,
  type H5Body,
  h5Order,
  h5PartnerOrder,
  type JsapiBody,
  jsapiOrder,
  jsapiPartnerOrder,
  nativeOrder,
  type OrderBody,
  type PartnerOrderBody,
  partnerOrder,
} from '../bodies/order.ts';
import {
  boundAppid,
  type Call,
  type CheckedCall,
  type Operation,
  ownBody,
  subMerchant,
} from '../operation.ts';
import { checkFields } from '../request-body.ts';

type AnyBody = OrderBody | PartnerOrderBody | JsapiBody | H5Body;

/** One product for merchants and service providers: the schemas of its bodies, and the field that it answers. */
function product(
  name: string,
  tradeType: TradeType,
  answered: 'prepay_id' | 'code_url' | 'h5_url',
  schemas: { direct: z.ZodType<AnyBody>; partner: z.ZodType<AnyBody> },
): Operation[] {
  const check =
    (schema: z.ZodType<AnyBody>, role: 'direct' | 'partner') =>
    (call: Call): CheckedCall => {
      const body = checkFields(schema, ownBody(call, role === 'partner' ? 'sp_mchid' : 'mchid'), 'body');
      const terms = orderTerms(call, body, tradeType);
      return {
        subject: { mchid: terms.mchid, outTradeNo: terms.outTradeNo },
        run: () => {
          const code = call.gateway.orderBook.create(terms).codes.at(-1);
          return { [answered]: answered === 'prepay_id' ? code?.prepayId : code?.url };
        },
      };
    };
  return [
    {
      name: `${name}.create`,
      method: 'POST',
      path: new RegExp(`^/v3/pay/transactions/${name}$`),
      check: check(schemas.direct, 'direct'),
    },
    {
      name: `${name}.create`,
      method: 'POST',
      path: new RegExp(`^/v3/pay/partner/transactions/${name}$`),
      check: check(schemas.partner, 'partner'),
    },
  ];
}

/** Orders that are paid later, on the person's phone. */
export const prepayOperations: readonly Operation[] = [
  ...product('jsapi', 'JSAPI', 'prepay_id', { direct: jsapiOrder, partner: jsapiPartnerOrder }),
  ...product('app', 'APP', 'prepay_id', { direct: nativeOrder, partner: partnerOrder }),
  ...product('h5', 'MWEB', 'h5_url', { direct: h5Order, partner: h5PartnerOrder }),
  ...product('native', 'NATIVE', 'code_url', { direct: nativeOrder, partner: partnerOrder }),
];

/**
 * A body in the words of the order book.
 * @throws GatewayError when appid or sub-merchant do not belong to the caller.
 */
export function orderTerms(
  { caller, path }: Call,
  body: AnyBody | CodeBody,
  tradeType: TradeType,
): OrderTerms {
  // The owner of a payment code is known only when it is charged.
  const payer: { openid?: string; sp_openid?: string; sub_openid?: string } =
    'payer' in body && !('auth_code' in body.payer) ? body.payer : {};
  const { notify_url, time_expire }: { notify_url?: string; time_expire?: string | undefined } =
    'notify_url' in body ? body : {};
  return {
    mchid: caller.mchid,
    ...orderer(caller, body),
    openid: payer.openid ?? payer.sp_openid,
    subOpenid: payer.sub_openid,
    outTradeNo: body.out_trade_no,
    family: 'basic',
    api: 'v3',
    tradeType,
    endpoint: path,
    request: body,
    description: body.description,
    attach: body.attach,
    deviceId: body.scene_info?.device_id,
    total: body.amount.total,
    currency: body.amount.currency ?? 'CNY',
    notifyUrl: notify_url,
    timeExpire: time_expire,
  };
}

type Orderer = { appid: string } | { sp_appid: string; sub_mchid: string; sub_appid?: string | undefined };

/**
 * Who orders, in the words of the order book.
 * @throws GatewayError when appid or sub-merchant do not belong to the caller.
 */
export function orderer(
  caller: SimulatedMerchant,
  body: Orderer,
): Pick<OrderTerms, 'appid' | 'subMchid' | 'subAppid'> {
  if (!('sp_appid' in body)) {
    boundAppid(body.appid, caller);
    return { appid: body.appid };
  }
  const sub = subMerchant(caller, body.sub_mchid);
  boundAppid(body.sp_appid, caller);
  if (body.sub_appid) boundAppid(body.sub_appid, sub);
  return { appid: body.sp_appid, subMchid: body.sub_mchid, subAppid: body.sub_appid };
}
