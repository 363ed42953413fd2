import { randomUUID } from 'node:crypto';
import type { OtherAppid } from '../domain/appid.ts';
import { publicId } from '../domain/identity.ts';
import type { DuplicatePaymentPolicy, LatePaymentDecision } from '../domain/late-payment.ts';
import { ACCOUNT_CODES, ACCOUNTS } from '../domain/ledger.ts';
import type { MerchantRole } from '../domain/product.ts';
import type { Region } from '../domain/region.ts';
import type { Queryable } from './pool.ts';
import type { Vault } from './secrets.ts';

/** A merchant without its secrets. */
export interface Merchant {
  id: string;
  tenantId: string;
  mchid: string;
  appid: string;
  otherAppids: OtherAppid[];
  role: MerchantRole;
  region: Region;
  /** Whether it has what the XML API (v2) needs. */
  speaksV2: boolean;
  version: number;
}

/** Everything needed to speak to the gateway as this merchant. */
export interface MerchantCredentials extends Merchant {
  /** Serial number of the merchant API certificate. */
  serialNo: string;
  /** PEM. */
  privateKey: string;
  apiV3Key: string;
  /** WeChat Pay public keys by id; the first is the current one. */
  publicKeys: Record<string, string>;
  apiBaseUrl: string;
  /** The key of the XML API; null where it is not used. */
  apiV2Key: string | null;
  /** The merchant API certificate (PEM), which v2 asks for at reversals; null where it is not used. Its private key is `privateKey`. */
  certificate: string | null;
}

/** What an administrator enters. Without a role or region a known merchant keeps its own, and a new one is a direct merchant of the mainland. */
export type MerchantInput = Omit<
  MerchantCredentials,
  'id' | 'tenantId' | 'version' | 'otherAppids' | 'role' | 'region' | 'speaksV2' | 'apiV2Key' | 'certificate'
> & {
  /** Default: none. */
  otherAppids?: OtherAppid[];
  role?: MerchantRole;
  region?: Region;
  apiV2Key?: string | undefined;
  certificate?: string | undefined;
};

interface MerchantRow {
  id: string;
  tenant_id: string;
  mchid: string;
  appid: string;
  other_appids: OtherAppid[];
  role: MerchantRole;
  region: Region;
  speaks_v2: boolean;
  version: number;
}

const SPEAKS_V2 = '(sealed_api_v2_key is not null and certificate is not null) speaks_v2';

const COLUMNS = `id, tenant_id, mchid, appid, other_appids, role, region, version, ${SPEAKS_V2}`;

const toMerchant = (row: MerchantRow): Merchant => ({
  id: row.id,
  tenantId: row.tenant_id,
  mchid: row.mchid,
  appid: row.appid,
  otherAppids: row.other_appids,
  role: row.role,
  region: row.region,
  speaksV2: row.speaks_v2,
  version: row.version,
});

/** Creates a tenant by name, or returns the id of the one that has it. */
export async function upsertTenant(db: Queryable, name: string): Promise<string> {
  const { rows } = await db.query<{ id: string }>(
    `insert into tenants (id, name) values ($1, $2)
     on conflict (name) do update set name = excluded.name
     returning id`,
    [publicId('ten', randomUUID()), name],
  );
  return (rows[0] as { id: string }).id;
}

/** The id of the tenant of this name. */
export async function findTenant(db: Queryable, name: string): Promise<string | undefined> {
  const { rows } = await db.query<{ id: string }>('select id from tenants where name = $1', [name]);
  return rows[0]?.id;
}

/**
 * Creates a merchant with its ledger accounts, or replaces the credentials of the one with this mchid. Processes pick up the new version at their next gateway call.
 * @throws Error when the mchid belongs to another tenant, or would change its role or region although it has payments: they are orders of the one or the other API.
 */
export async function upsertMerchant(
  db: Queryable,
  vault: Vault,
  tenantId: string,
  input: MerchantInput,
): Promise<Merchant> {
  // WeChat Pay goes on signing with the former key for some days after a change (official page 4012154180), so it is kept behind the new.
  const { rows: before } = await db.query<{
    public_keys: Record<string, string>;
    role: MerchantRole;
    region: Region;
    has_payments: boolean;
  }>(
    `select public_keys, role, region, exists (select 1 from payments p where p.merchant_id = merchants.id) has_payments
     from merchants where mchid = $1 and tenant_id = $2`,
    [input.mchid, tenantId],
  );
  if (before[0]?.has_payments && input.role !== undefined && input.role !== before[0].role) {
    throw new Error(`${input.mchid} has payments as a ${before[0].role}: its role cannot change`);
  }
  if (before[0]?.has_payments && input.region !== undefined && input.region !== before[0].region) {
    throw new Error(`${input.mchid} has payments in its region, ${before[0].region}: it cannot change`);
  }
  const publicKeys = { ...input.publicKeys };
  for (const [id, pem] of Object.entries(before[0]?.public_keys ?? {})) publicKeys[id] ??= pem;
  const { rows } = await db.query<MerchantRow>(
    `with merchant as (
       insert into merchants
         (id, tenant_id, mchid, appid, serial_no, sealed_private_key, sealed_api_v3_key, public_keys, api_base_url, role,
          sealed_api_v2_key, certificate, region, other_appids)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, coalesce($12, 'merchant'), $13, $14, coalesce($15, 'mainland'), $16)
       on conflict (mchid) do update set
         appid = excluded.appid, other_appids = excluded.other_appids, serial_no = excluded.serial_no, sealed_private_key = excluded.sealed_private_key,
         sealed_api_v3_key = excluded.sealed_api_v3_key, public_keys = excluded.public_keys,
         api_base_url = excluded.api_base_url, role = coalesce($12, merchants.role), region = coalesce($15, merchants.region),
         sealed_api_v2_key = excluded.sealed_api_v2_key, certificate = excluded.certificate,
         version = merchants.version + 1, updated_at = now()
       where merchants.tenant_id = excluded.tenant_id
       returning ${COLUMNS}
     ), accounts as (
       insert into ledger_accounts (tenant_id, merchant_id, code, kind, currency)
       select m.tenant_id, m.id, chart.code, chart.kind, 'CNY'
         from merchant m cross join unnest($10::text[], $11::text[]) as chart (code, kind)
       on conflict (merchant_id, code, currency) do nothing
     )
     select * from merchant`,
    [
      publicId('mch', randomUUID()),
      tenantId,
      input.mchid,
      input.appid,
      input.serialNo,
      vault.seal(input.privateKey, `${input.mchid}/private_key`),
      vault.seal(input.apiV3Key, `${input.mchid}/api_v3_key`),
      JSON.stringify(publicKeys),
      input.apiBaseUrl,
      ACCOUNT_CODES,
      ACCOUNT_CODES.map((code) => ACCOUNTS[code].kind),
      input.role ?? null,
      input.apiV2Key === undefined ? null : vault.seal(input.apiV2Key, `${input.mchid}/api_v2_key`),
      input.certificate ?? null,
      input.region ?? null,
      JSON.stringify(input.otherAppids ?? []),
    ],
  );
  const row = rows[0];
  if (!row) throw new Error(`merchant ${input.mchid} belongs to another tenant`);
  return toMerchant(row);
}

/** What a merchant has decided beforehand. */
export interface MerchantPolicies {
  latePaymentPolicy: LatePaymentDecision;
  duplicatePaymentPolicy: DuplicatePaymentPolicy;
}

const POLICIES = `late_payment_policy "latePaymentPolicy", duplicate_payment_policy "duplicatePaymentPolicy"`;

/** The policies of a merchant, or a bug. */
export async function loadPolicies(db: Queryable, merchantId: string): Promise<MerchantPolicies> {
  const { rows } = await db.query<MerchantPolicies>(`select ${POLICIES} from merchants where id = $1`, [
    merchantId,
  ]);
  if (!rows[0]) throw new Error(`there is no merchant ${merchantId}`);
  return rows[0];
}

/**
 * Changes what is given of the policies of the merchant with this mchid; what has been decided already stays.
 * @returns all of them, or undefined when there is no such merchant.
 */
export async function updatePolicies(
  db: Queryable,
  mchid: string,
  { latePaymentPolicy, duplicatePaymentPolicy }: Partial<MerchantPolicies>,
): Promise<MerchantPolicies | undefined> {
  const { rows } = await db.query<MerchantPolicies>(
    `update merchants set late_payment_policy = coalesce($2, late_payment_policy),
       duplicate_payment_policy = coalesce($3, duplicate_payment_policy), updated_at = now()
     where mchid = $1 returning ${POLICIES}`,
    [mchid, latePaymentPolicy ?? null, duplicatePaymentPolicy ?? null],
  );
  return rows[0];
}

/** The names of all tenants. */
export async function listTenants(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ name: string }>('select name from tenants order by name');
  return rows.map(({ name }) => name);
}

/** Whose a merchant is that payments are taken through, without opening its secrets; undefined for an overseas one. */
export async function payeeTenant(db: Queryable, id: string): Promise<string | undefined> {
  const { rows } = await db.query<{ tenant_id: string }>(
    "select tenant_id from merchants where id = $1 and region = 'mainland'",
    [id],
  );
  return rows[0]?.tenant_id;
}

/** The merchants of a tenant, oldest first. */
export async function listMerchants(db: Queryable, tenantId: string): Promise<Merchant[]> {
  const { rows } = await db.query<MerchantRow>(
    `select ${COLUMNS} from merchants where tenant_id = $1 order by created_at, id`,
    [tenantId],
  );
  return rows.map(toMerchant);
}

/** Every merchant of the installation, oldest first, for the operator's command line. */
export async function allMerchants(db: Queryable): Promise<Merchant[]> {
  const { rows } = await db.query<MerchantRow>(`select ${COLUMNS} from merchants order by created_at, id`);
  return rows.map(toMerchant);
}

/** The merchant's current version, to tell whether cached credentials are still good. */
export async function merchantVersion(db: Queryable, id: string): Promise<number | undefined> {
  const { rows } = await db.query<{ version: number }>('select version from merchants where id = $1', [id]);
  return rows[0]?.version;
}

/** A merchant with its secrets opened. */
export async function loadCredentials(
  db: Queryable,
  vault: Vault,
  id: string,
): Promise<MerchantCredentials | undefined> {
  const { rows } = await db.query<
    MerchantRow & {
      serial_no: string;
      sealed_private_key: Buffer;
      sealed_api_v3_key: Buffer;
      public_keys: Record<string, string>;
      api_base_url: string;
      sealed_api_v2_key: Buffer | null;
      certificate: string | null;
    }
  >(`select *, ${SPEAKS_V2} from merchants where id = $1`, [id]);
  const row = rows[0];
  if (!row) return undefined;
  return {
    ...toMerchant(row),
    serialNo: row.serial_no,
    privateKey: vault.open(row.sealed_private_key, `${row.mchid}/private_key`),
    apiV3Key: vault.open(row.sealed_api_v3_key, `${row.mchid}/api_v3_key`),
    publicKeys: row.public_keys,
    apiBaseUrl: row.api_base_url,
    apiV2Key: row.sealed_api_v2_key && vault.open(row.sealed_api_v2_key, `${row.mchid}/api_v2_key`),
    certificate: row.certificate,
  };
}
