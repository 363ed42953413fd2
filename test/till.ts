import type { ChargedProduct } from '../domain/product.ts';

/** From this amount on the customer types a password. */
export const PASSWORD_FEN = 100_000;
export const AUTH_CODE = '134567890123456789';
export const FACE_CODE = 'face-of-somebody-0001';

/** A product, with what its requests say and how faults name its calls. */
export interface Till {
  product: ChargedProduct;
  fields: Record<string, unknown>;
  tradeType: string;
  calls: { charge: string; query: string; reverse: string };
}

const till = { device_id: 'POS7', device_ip: '203.0.113.9' };
export const TILLS: readonly Till[] = [
  {
    product: 'CODEPAY',
    fields: { auth_code: AUTH_CODE, scene_info: { ...till, store_info: { out_id: 'HARBOUR-1' } } },
    tradeType: 'MICROPAY',
    calls: { charge: 'codepay.create', query: 'order.query', reverse: 'codepay.reverse' },
  },
  {
    product: 'MICROPAY',
    fields: { auth_code: AUTH_CODE, scene_info: till },
    tradeType: 'MICROPAY',
    calls: { charge: 'v2.micropay', query: 'v2.orderQuery', reverse: 'v2.reverse' },
  },
  {
    product: 'FACEPAY',
    fields: { face_code: FACE_CODE, scene_info: { ...till, store_info: { out_id: 'HARBOUR-1' } } },
    tradeType: 'FACEPAY',
    calls: { charge: 'v2.facepay', query: 'v2.facepayQuery', reverse: 'v2.facepayReverse' },
  },
];
