import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type MerchantPolicies,
  updatePolicies,
  upsertMerchant as upsert,
  upsertTenant,
} from '../database/merchants.ts';
import { inTransaction, openPool } from '../database/pool.ts';
import { openVault } from '../database/secrets.ts';
import { readOtherAppids } from '../domain/appid.ts';
import type { MerchantRole } from '../domain/product.ts';
import type { Region } from '../domain/region.ts';
import { openOverseas } from '../gateway/overseas.ts';
import { openWechat } from '../gateway/payment-gateway.ts';
import { readEnvironment } from '../process/environment.ts';
import { UsageError } from './usage-error.ts';

/** `paysaga merchant upsert`: credentials that cannot work are refused before anything is stored. */
export async function upsertMerchant(options: {
  tenant: string;
  credentials: string;
  /** What it is already, or a merchant, unless told. */
  role?: MerchantRole;
  /** What it is already, or the mainland, unless told. */
  region?: Region;
}): Promise<void> {
  const environment = readEnvironment(['DATABASE_URL', 'PAYSAGA_MASTER_KEY']);
  const read = (file: string) => readFile(join(options.credentials, file), 'utf8');
  const merchant = JSON.parse(await read('merchant.json')) as Record<string, unknown>;
  const field = (name: string): string => {
    const value = merchant[name];
    if (typeof value !== 'string' || value === '') throw new Error(`merchant.json has no ${name}`);
    return value;
  };
  const input = {
    mchid: field('mchid'),
    appid: field('appid'),
    otherAppids: readOtherAppids(merchant.other_appids ?? [], field('appid')),
    serialNo: field('merchant_serial_no'),
    privateKey: await read('apiclient_key.pem'),
    apiV3Key: field('api_v3_key'),
    publicKeys: { [field('public_key_id')]: await read('pub_key.pem') },
    apiBaseUrl: field('base_url'),
    ...(merchant.api_v2_key !== undefined && { apiV2Key: field('api_v2_key') }),
    certificate: await optional(read('apiclient_cert.pem')),
    ...(options.role && { role: options.role }),
    ...(options.region && { region: options.region }),
  };
  const { apiBaseUrl: baseUrl, certificate: cert, privateKey: key } = input;
  const mutualTls = cert === undefined ? {} : { clientCertificate: { cert, key } };
  const role = options.role ?? 'merchant';
  const client =
    options.region === 'overseas'
      ? openOverseas(role, { ...input, baseUrl })
      : openWechat(role, { ...input, baseUrl, ...mutualTls });
  await client.close();

  const pool = openPool(environment.DATABASE_URL, { max: 1 });
  try {
    const { id } = await inTransaction(pool, async (db) =>
      upsert(db, openVault(environment.PAYSAGA_MASTER_KEY), await upsertTenant(db, options.tenant), input),
    );
    console.log(id);
  } finally {
    await pool.end();
  }
}

/** The text of a file that need not be there. */
async function optional(file: Promise<string>): Promise<string | undefined> {
  try {
    return await file;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** `paysaga merchant policy`: changes what is given, and prints all. */
export async function merchantPolicy(
  mchid: string,
  options: {
    latePayment?: MerchantPolicies['latePaymentPolicy'];
    duplicatePayment?: MerchantPolicies['duplicatePaymentPolicy'];
  },
): Promise<void> {
  const environment = readEnvironment(['DATABASE_URL']);
  const pool = openPool(environment.DATABASE_URL, { max: 1 });
  try {
    const policies = await updatePolicies(pool, mchid, {
      ...(options.latePayment && { latePaymentPolicy: options.latePayment }),
      ...(options.duplicatePayment && { duplicatePaymentPolicy: options.duplicatePayment }),
    });
    if (!policies) throw new UsageError(`there is no merchant with the mchid ${mchid}`);
    console.log(
      `late payments: ${policies.latePaymentPolicy}\nduplicate payments: ${policies.duplicatePaymentPolicy}`,
    );
  } finally {
    await pool.end();
  }
}
