import { upsertMerchant } from '../database/merchants.ts';
import { openVault } from '../database/secrets.ts';
import { merchantCertificate } from '../simulator/keys/certificate.ts';
import type { Paysaga } from './fixture.ts';

/** Enrols the simulator's service provider beside the merchant of the fixture. @returns its id. */
export async function enrolProvider({
  pool,
  masterKey,
  tenantId,
  simulator,
}: Pick<Paysaga, 'pool' | 'masterKey' | 'tenantId' | 'simulator'>): Promise<string> {
  const { provider } = simulator.world;
  const { id } = await upsertMerchant(pool, openVault(masterKey), tenantId, {
    mchid: provider.mchid,
    appid: provider.appid,
    role: 'partner',
    serialNo: provider.serialNo,
    privateKey: provider.privateKeyPem,
    apiV3Key: provider.apiV3Key,
    publicKeys: { [provider.publicKeyId]: provider.publicKeyPem },
    apiBaseUrl: simulator.baseUrl,
    apiV2Key: provider.apiV2Key,
    certificate: await merchantCertificate(provider),
  });
  return id;
}

/** The sub-merchant of the simulator's service provider. */
export function subMerchant({ simulator }: Pick<Paysaga, 'simulator'>): { mchid: string; appid: string } {
  const [sub] = simulator.world.provider.subMerchants;
  if (!sub) throw new Error('the simulated service provider has no sub-merchant');
  return { ...sub };
}
