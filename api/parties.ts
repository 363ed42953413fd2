import type { Merchant } from '../database/merchants.ts';
import { appidsOf } from '../domain/appid.ts';
import type { OrderTerms, Parties, SceneInfo } from '../domain/order.ts';
import { PRODUCTS } from '../domain/product.ts';
import { type FieldError, invalidFields } from './problems.ts';
import type { CreatePayment } from './schemas.ts';

/** What a request says of who takes the money and who pays. */
export type Named = Pick<CreatePayment, 'payer' | 'client_ip' | 'h5' | 'sub_merchant'> &
  Partial<Pick<CreatePayment, 'product' | 'scene_info' | 'appid'>>;

/** What a request says of the order besides. */
export function termsOf({
  goods_tag,
  detail,
  support_fapiao,
  limit_pay,
  settle_info,
}: {
  [Name in keyof OrderTerms]?: unknown;
}): OrderTerms {
  // What was not said is not in the JSON that is stored.
  return { goods_tag, detail, support_fapiao, limit_pay, settle_info } as OrderTerms;
}

/**
 * Who takes the money and who pays. What may be said depends on the merchant's role (official order pages of merchants and of service
 * providers).
 * @throws Problem `invalid_request` with a JSON pointer per field.
 */
export function partiesOf(body: Named, merchant: Merchant): Parties {
  const errors = [
    ...regionErrors(merchant),
    ...partyErrors(body, merchant),
    ...apiErrors(body, merchant),
    ...appidErrors(body, merchant),
  ];
  if (errors.length > 0) throw invalidFields(errors);
  const { payer, sub_merchant: sub } = body;
  return {
    subMchid: sub?.mchid ?? null,
    subAppid: sub?.appid ?? null,
    payerOpenid: payer?.openid ?? payer?.sp_openid ?? null,
    payerSubOpenid: payer?.sub_openid ?? null,
    sceneInfo: sceneOf(body),
  };
}

/** Whether payments can be taken through the merchant: of one overseas, only statements are read. */
export function regionErrors({ region, mchid }: Merchant): FieldError[] {
  if (region === 'mainland') return [];
  const detail = `is ${mchid}, an overseas merchant: its statements are reconciled, but payments cannot be taken through it; name one of the mainland`;
  return [{ pointer: '/merchant_id', detail }];
}

/** Where the customer is: at a till, or on a device of their own. */
function sceneOf({ client_ip, scene_info, h5 }: Named): SceneInfo | null {
  if (client_ip === undefined) return (scene_info as SceneInfo | undefined) ?? null;
  const { redirect_url: _, ...h5Info } = h5 ?? {};
  return { payer_client_ip: client_ip, ...scene_info, ...(h5 && { h5_info: h5Info }) } as SceneInfo;
}

/** What is wrong with it, for a merchant of this role. */
export function partyErrors(body: Named, merchant: Merchant): FieldError[] {
  return merchant.role === 'partner' ? partnerErrors(body, merchant) : merchantErrors(body);
}

/** Orders go under the merchant's own appids: the customer of another one is nobody to it. */
export function appidErrors({ appid }: Named, merchant: Merchant): FieldError[] {
  if (appid === undefined || appidsOf(merchant).includes(appid)) return [];
  const detail = `must be one of the merchant's: ${appidsOf(merchant).join(', ')}`;
  return [{ pointer: '/appid', detail }];
}

/** Whether the merchant can speak the API that takes the product's orders. */
function apiErrors({ product }: Named, { mchid, speaksV2 }: Merchant): FieldError[] {
  if (product === undefined || PRODUCTS[product].api === 'v3' || speaksV2) return [];
  const detail = `needs the APIv2 key and the API certificate of ${mchid}: add api_v2_key to merchant.json and apiclient_cert.pem beside it, then run paysaga merchant upsert`;
  return [{ pointer: '/product', detail }];
}

function merchantErrors({ payer, sub_merchant }: Named): FieldError[] {
  const errors: FieldError[] = [];
  if (sub_merchant) errors.push({ pointer: '/sub_merchant', detail: 'is only for service providers' });
  if (!payer) return errors;
  for (const field of ['sp_openid', 'sub_openid'] as const) {
    if (payer[field] !== undefined)
      errors.push({ pointer: `/payer/${field}`, detail: 'is only for service providers' });
  }
  if (payer.openid === undefined) errors.push({ pointer: '/payer/openid', detail: 'is missing' });
  return errors;
}

function partnerErrors({ payer, sub_merchant }: Named, { mchid }: Merchant): FieldError[] {
  const errors: FieldError[] = [];
  if (!sub_merchant)
    errors.push({ pointer: '/sub_merchant', detail: 'is missing: the merchant is a service provider' });
  if (sub_merchant?.mchid === mchid) {
    errors.push({ pointer: '/sub_merchant/mchid', detail: 'must not be the service provider itself' });
  }
  if (!payer) return errors;
  if (payer.openid !== undefined) {
    errors.push({
      pointer: '/payer/openid',
      detail: 'must be called sp_openid or sub_openid: the merchant is a service provider',
    });
  } else if (payer.sp_openid === undefined && payer.sub_openid === undefined) {
    errors.push({ pointer: '/payer/sp_openid', detail: 'is missing: name sp_openid or sub_openid' });
  }
  if (payer.sp_openid !== undefined && payer.sub_openid !== undefined) {
    errors.push({
      pointer: '/payer/sub_openid',
      detail: 'must not stand beside sp_openid: one of them pays',
    });
  }
  if (payer.sub_openid !== undefined && sub_merchant && sub_merchant.appid === undefined) {
    errors.push({ pointer: '/sub_merchant/appid', detail: 'is missing: sub_openid is known under it' });
  }
  return errors;
}
