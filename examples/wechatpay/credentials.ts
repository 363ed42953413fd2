import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WechatPayOptions } from '../../wechatpay/index.ts';

/**
 * Options from a folder with `merchant.json`, `apiclient_key.pem`, `apiclient_cert.pem` and `pub_key.pem`: what the simulator writes, and what
 * you can put together from the merchant platform.
 * @param whose the merchant itself, its service provider, or the overseas merchant of the same folder.
 */
export function credentials(
  folder: string,
  whose: 'merchant' | 'provider' | 'overseas' = 'merchant',
): WechatPayOptions {
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');
  const merchant = JSON.parse(read('merchant.json'));
  const prefix = { merchant: '', provider: 'sp_', overseas: 'overseas_' }[whose];
  return {
    mchid: merchant[`${prefix}mchid`],
    appid: merchant[`${prefix}appid`],
    serialNo: merchant.merchant_serial_no,
    privateKey: read('apiclient_key.pem'),
    apiV3Key: merchant.api_v3_key,
    apiV2Key: merchant.api_v2_key,
    clientCertificate: { cert: read('apiclient_cert.pem'), key: read('apiclient_key.pem') },
    publicKeys: { [merchant.public_key_id]: read('pub_key.pem') },
    baseUrl: merchant.base_url,
  };
}
