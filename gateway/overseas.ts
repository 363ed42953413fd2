import type { MerchantRole } from '../domain/product.ts';
import { WechatPayGlobal, type WechatPayGlobalOptions, WechatPayGlobalPartner } from '../wechatpay/index.ts';

/** A client of an overseas merchant, or of an institution. */
export type WechatOverseas = WechatPayGlobal | WechatPayGlobalPartner;

/** A client for overseas credentials of this role. */
export function openOverseas(role: MerchantRole, options: WechatPayGlobalOptions): WechatOverseas {
  return role === 'partner' ? new WechatPayGlobalPartner(options) : new WechatPayGlobal(options);
}
