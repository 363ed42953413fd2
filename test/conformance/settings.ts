import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Scenario, type Simulator, startSimulator } from '../../simulator/index.ts';

/** How WeChat Pay's answers and notifications are verified. */
export const MODES = ['public-key', 'certificate'] as const;
export type Mode = (typeof MODES)[number];

/** Who signs: a merchant for itself, or a service provider for its sub-merchant. */
export const ROLES = ['direct', 'partner'] as const;
export type Role = (typeof ROLES)[number];

/**
 * Four merchants with keys of their own. Those in public-key mode cannot download certificates, as every merchant opened since October 2024;
 * those in certificate mode are notified with the certificate.
 */
const MERCHANTS: Record<Mode, Record<Role, string>> = {
  'public-key': { direct: '1900000101', partner: '1900000201' },
  certificate: { direct: '1900000102', partner: '1900000202' },
};
const SUB_MERCHANT = { mchid: '1900000301', appid: 'wx0f1e2d3c4b5a6978' };

export const SCENARIO: Scenario = {
  // A bill of today, so that it has what was just paid.
  bills: { available: 'immediately' },
  merchants: MODES.flatMap((mode) =>
    ROLES.map((role) => ({
      mchid: MERCHANTS[mode][role],
      platform_certificates: mode === 'certificate',
      notified_with: mode === 'certificate' ? ('certificate' as const) : ('public_key' as const),
      ...(role === 'partner' && { role: 'partner' as const, sub_merchants: [SUB_MERCHANT] }),
    })),
  ),
};

/** What a client is given: the folder that the simulator wrote for a merchant, read. */
export interface Setting {
  mode: Mode;
  role: Role;
  folder: string;
  baseUrl: string;
  tlsBaseUrl: string | undefined;
  controlUrl: string;
  mchid: string;
  appid: string;
  subMchid: string;
  subAppid: string;
  serialNo: string;
  apiV3Key: string;
  apiV2Key: string;
  publicKeyId: string;
  platformSerialNo: string;
  privateKey: string;
  certificate: string;
  publicKey: string;
  platformCertificate: string;
  ca: string | undefined;
}

/** A simulator with the four merchants, and its credentials folder. */
export interface Gateway {
  simulator: Simulator;
  folder(mode: Mode, role: Role): string;
  setting(mode: Mode, role: Role): Promise<Setting>;
  close(): Promise<void>;
}

/** Starts a simulator that answers at once: notifications and the end of refunds do not wait. */
export async function startGateway(): Promise<Gateway> {
  const directory = await mkdtemp(join(tmpdir(), 'paysaga-conformance-'));
  const simulator = await startSimulator({
    seed: 7,
    scenario: SCENARIO,
    credentialsDir: directory,
    notifyDelayMs: 0,
    refundDelayMs: Number.POSITIVE_INFINITY,
    tls: true,
  });
  const folder = (mode: Mode, role: Role) => join(directory, MERCHANTS[mode][role]);
  return {
    simulator,
    folder,
    setting: (mode, role) => readSetting(mode, role, folder(mode, role), simulator),
    async close() {
      await simulator.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function readSetting(
  mode: Mode,
  role: Role,
  folder: string,
  { tlsBaseUrl, ca }: Simulator,
): Promise<Setting> {
  const read = (name: string) => readFile(join(folder, name), 'utf8');
  const merchant = JSON.parse(await read('merchant.json')) as Record<string, string> & {
    sub_merchants: { mchid: string; appid: string }[];
  };
  const text = (name: string): string => {
    const value = merchant[name];
    if (typeof value !== 'string') throw new Error(`merchant.json has no ${name}`);
    return value;
  };
  const [sub] = merchant.sub_merchants;
  return {
    mode,
    role,
    folder,
    baseUrl: text('base_url'),
    tlsBaseUrl,
    controlUrl: text('control_url'),
    mchid: text('mchid'),
    appid: text('appid'),
    subMchid: sub?.mchid ?? '',
    subAppid: sub?.appid ?? '',
    serialNo: text('merchant_serial_no'),
    apiV3Key: text('api_v3_key'),
    apiV2Key: text('api_v2_key'),
    publicKeyId: text('public_key_id'),
    platformSerialNo: text('platform_serial_no'),
    privateKey: await read('apiclient_key.pem'),
    certificate: await read('apiclient_cert.pem'),
    publicKey: await read('pub_key.pem'),
    platformCertificate: await read('platform_cert.pem'),
    ca,
  };
}
