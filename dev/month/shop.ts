import { PRODUCT_NAMES, PRODUCTS, type Product } from '../../domain/product.ts';

/** An account that is reconciled by itself: a merchant, or a sub-merchant of a service provider. */
export interface Shop {
  /** The merchant's public id. */
  merchantId: string;
  mchid: string;
  /** Null for a merchant. */
  subMchid: string | null;
}

/** What a shop is called in the report. */
export const nameOf = ({ mchid, subMchid }: Shop): string =>
  subMchid === null ? mchid : `${mchid} for ${subMchid}`;

/** Everything a shop sells by: the products, and several orders that are paid at once. */
export const WAYS = [...PRODUCT_NAMES, 'COMBINED'] as const;

/** How a customer pays. */
export type Way = (typeof WAYS)[number];

const OPENID = 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o';
/** What the customer shows at the till. */
export const AUTH_CODE = '134567890123456789';
const FACE_CODE = 'face-of-somebody-0001';
const TILL = { device_ip: '203.0.113.9', store_info: { out_id: 'HARBOUR-1' } };

/** Fields that an order of this product has in this shop, beside its number and amount. */
export function orderFields({ merchantId, subMchid }: Shop, product: Product): Record<string, unknown> {
  const { namesPayer, charges } = PRODUCTS[product];
  return {
    merchant_id: merchantId,
    product,
    ...(subMchid !== null && { sub_merchant: { mchid: subMchid } }),
    ...(namesPayer && { payer: subMchid === null ? { openid: OPENID } : { sp_openid: OPENID } }),
    ...(product === 'H5' && { client_ip: '203.0.113.9', h5: { type: 'Wap' } }),
    ...(charges && { scene_info: TILL }),
    ...(charges === 'auth_code' && { auth_code: AUTH_CODE }),
    ...(charges === 'face_code' && { face_code: FACE_CODE }),
  };
}
