import { upsertMerchant } from '../database/merchants.ts';
import { openVault } from '../database/secrets.ts';
import type { SimulatedMerchant } from '../simulator/index.ts';
import { merchantCertificate } from '../simulator/keys/certificate.ts';
import type { Paysaga } from './fixture.ts';

type Enrolling = Pick<Paysaga, 'pool' | 'masterKey' | 'tenantId' | 'simulator'>;

/** Enrols a merchant of the simulator's with the service, with all it has. @returns its id. */
export async function enrolMerchant(
  { pool, masterKey, tenantId, simulator }: Enrolling,
  merchant: SimulatedMerchant,
): Promise<string> {
  const { id } = await upsertMerchant(pool, openVault(masterKey), tenantId, {
    mchid: merchant.mchid,
    appid: merchant.appid,
    role: merchant.role,
    serialNo: merchant.serialNo,
    privateKey: merchant.privateKeyPem,
    apiV3Key: merchant.apiV3Key,
    publicKeys: { [merchant.publicKeyId]: merchant.publicKeyPem },
    apiBaseUrl: simulator.baseUrl,
    apiV2Key: merchant.apiV2Key,
    certificate: await merchantCertificate(merchant),
  });
  return id;
}

/** Enrols the simulator's service provider beside the merchant of the fixture. @returns its id. */
export async function enrolProvider(paysaga: Enrolling): Promise<string> {
  return await enrolMerchant(paysaga, paysaga.simulator.world.provider);
}

/** The sub-merchant of the simulator's service provider. */
export function subMerchant({ simulator }: Pick<Paysaga, 'simulator'>): { mchid: string; appid: string } {
  const [sub] = simulator.world.provider.subMerchants;
  if (!sub) throw new Error('the simulated service provider has no sub-merchant');
  return { ...sub };
}
