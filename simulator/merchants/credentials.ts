import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { merchantCertificate } from '../keys/certificate.ts';
import type { SimulatedMerchant } from './merchant.ts';
import type { World } from './world.ts';

/**
 * Writes what a merchant downloads from the merchant platform: `apiclient_key.pem`, `apiclient_cert.pem`, `pub_key.pem` (official page
 * 4013038816), `platform_cert.pem`, and `merchant.json` with the identifiers and the simulator's addresses. The merchants of a scenario, who have
 * keys of their own, get a folder each. With HTTPS `ca.pem` is who issued its certificate. Key files are readable by their owner only.
 */
export async function writeCredentials(
  directory: string,
  world: World,
  addresses: {
    baseUrl: string;
    tlsBaseUrl: string | undefined;
    ca: string | undefined;
    controlUrl: string;
    now: number;
  },
): Promise<void> {
  const { merchant, provider } = world;
  const [subMerchant] = provider.subMerchants;
  const overseas = world.merchants().filter(({ region }) => region === 'overseas');
  const overseasMerchant = overseas.find(({ role }) => role === 'merchant');
  const overseasProvider = overseas.find(({ role }) => role === 'partner');
  const platform = world.certificate(addresses.now);
  const write = async (folder: string, of: SimulatedMerchant, settings: object) => {
    await mkdir(folder, { recursive: true });
    await Promise.all([
      writeFile(join(folder, 'apiclient_key.pem'), of.privateKeyPem, { mode: 0o600 }),
      writeFile(join(folder, 'apiclient_cert.pem'), await merchantCertificate(of)),
      writeFile(join(folder, 'pub_key.pem'), of.publicKeyPem),
      writeFile(join(folder, 'platform_cert.pem'), platform.pem),
      ...(addresses.ca ? [writeFile(join(folder, 'ca.pem'), addresses.ca)] : []),
    ]);
    // Written last: a process that waits for this file finds the others complete.
    await writeFile(
      join(folder, 'merchant.json'),
      `${JSON.stringify(
        {
          base_url: addresses.baseUrl,
          ...(addresses.tlsBaseUrl && { tls_base_url: addresses.tlsBaseUrl }),
          mchid: of.mchid,
          appid: of.appid,
          ...(of.otherAppids.length > 0 && { other_appids: of.otherAppids.map((appid) => ({ appid })) }),
          merchant_serial_no: of.serialNo,
          api_v3_key: of.apiV3Key,
          api_v2_key: of.apiV2Key,
          public_key_id: of.publicKeyId,
          platform_serial_no: platform.serialNo,
          ...settings,
          control_url: addresses.controlUrl,
        },
        null,
        2,
      )}\n`,
      { mode: 0o600 },
    );
  };
  for (const other of world.merchants()) {
    if (other.serialNo === merchant.serialNo) continue;
    const { role, region, subMerchants: sub_merchants } = other;
    await write(join(directory, other.mchid), other, { role, region, sub_merchants });
  }
  await write(directory, merchant, {
    sp_mchid: provider.mchid,
    sp_appid: provider.appid,
    sub_mchid: subMerchant?.mchid,
    sub_appid: subMerchant?.appid,
    overseas_mchid: overseasMerchant?.mchid,
    overseas_appid: overseasMerchant?.appid,
    overseas_sp_mchid: overseasProvider?.mchid,
    overseas_sp_appid: overseasProvider?.appid,
    overseas_sub_mchid: overseasProvider?.subMerchants[0]?.mchid,
    overseas_sub_appid: overseasProvider?.subMerchants[0]?.appid,
    openid: world.openid,
  });
}
