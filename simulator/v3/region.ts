import { GatewayError } from '../gateway-error.ts';
import type { SimulatedMerchant } from '../merchants/merchant.ts';

/** What overseas merchants call, and older documents call `/hk/v3`. */
const OVERSEAS = /^\/(?:v3\/global|hk\/v3)\//;
/** Calls about keys, not about payments. */
const EVERYWHERE = /^\/v3\/(?:certificates|security\/echo)$/;

/** @throws GatewayError 400 INVALID_REQUEST for an overseas merchant on the paths of the mainland, and the other way round. */
export function refuseOtherRegion({ region }: SimulatedMerchant, path: string): void {
  if (EVERYWHERE.test(path) || OVERSEAS.test(path) === (region === 'overseas')) return;
  throw new GatewayError(400, 'INVALID_REQUEST', '暂不支持境外支付');
}
