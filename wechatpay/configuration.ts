import { createPrivateKey, KeyObject } from 'node:crypto';
import { ConfigurationError } from './errors.ts';
import {
  checkApiKey,
  checkHeaderSafe,
  type GatewayAddress,
  type GatewayOptions,
  HEADER_SAFE,
  type Hosts,
  readGatewayOptions,
} from './gateway-options.ts';
import { type ClientCertificate, checkV2Options } from './v2/configuration.ts';
import type { V2SignType } from './v2/signature.ts';
import type { Role } from './v3/role.ts';
import { verificationKey } from './v3/signature.ts';

/** How to reach WeChat Pay as one merchant, or as one service provider (then all of this is the service provider's own). */
export interface WechatPayOptions extends GatewayOptions {
  /** Serial number of the merchant API certificate. */
  serialNo: string;
  /** The merchant API private key (`apiclient_key.pem`): PEM text or a key object. */
  privateKey: KeyObject | string;
  /** APIv3 key, 32 bytes; it decrypts notifications. */
  apiV3Key: string;
  /**
   * The keys that verify WeChat Pay, by `PUB_KEY_ID_…` (with its prefix) or by platform certificate serial number: PEM text or key
   * objects. The first is the current one and is named in every request, or the gateway would sign with a certificate. Keep the others
   * as long as notifications signed with them may arrive (seven days when switching, official page 4012154180).
   */
  publicKeys?: Record<string, KeyObject | string>;
  /**
   * Whether platform certificates are downloaded, when first needed and every eleven hours: for merchants that have no public key yet, and
   * beside `publicKeys` while switching. Default false: a merchant with a public key never asks for certificates.
   */
  downloadCertificates?: boolean;
  /** The APIv2 key, 32 bytes: for the XML calls (`v2`), and for the XML notifications that v3 merchants may get for refunds, too. */
  apiV2Key?: string;
  /** The merchant API certificate with its key (PEM), for the XML calls that need mutual TLS. */
  clientCertificate?: ClientCertificate;
  /** How the XML calls are signed. Default HMAC-SHA256. */
  v2SignType?: V2SignType;
}

/** Checked options, their keys parsed once. */
export interface Credentials extends GatewayAddress {
  role: Role;
  mchid: string;
  appid: string;
  serialNo: string;
  privateKey: KeyObject;
  apiV3Key: string;
  publicKeys: ReadonlyMap<string, KeyObject>;
  downloadCertificates: boolean;
  apiV2Key: string | undefined;
}

/**
 * Checks everything and parses the keys.
 * @throws ConfigurationError naming every problem at once; it never contains key material.
 */
export function readOptions(options: WechatPayOptions, role: Role, hosts?: Hosts): Credentials {
  const problems: string[] = [];

  const address = readGatewayOptions(options, problems, hosts);
  checkHeaderSafe('serialNo', options.serialNo, problems);
  checkApiKey('apiV3Key', options.apiV3Key, problems);
  const privateKey = readKey('privateKey', 'private', options.privateKey, problems);

  const publicKeys = new Map<string, KeyObject>();
  const entries = Object.entries(options.publicKeys ?? {});
  if (entries.length === 0 && !options.downloadCertificates) {
    problems.push(
      'publicKeys is empty: download the WeChat Pay public key and its id from the merchant platform, or set downloadCertificates',
    );
  }
  for (const [id, value] of entries) {
    if (!HEADER_SAFE.test(id))
      problems.push(
        `publicKeys has the id ${JSON.stringify(id)}, which is neither PUB_KEY_ID_… nor a serial`,
      );
    const key = readKey(`publicKeys.${id}`, 'public', value, problems);
    if (key) publicKeys.set(id, key);
  }

  const { apiV2Key, v2SignType, clientCertificate } = options;
  if (apiV2Key !== undefined) checkApiKey('apiV2Key', apiV2Key, problems);
  checkV2Options({ signType: v2SignType, clientCertificate }, problems);

  if (problems.length > 0 || !privateKey) {
    throw new ConfigurationError(`The WeChat Pay client cannot work: ${problems.join('; ')}.`, {
      code: 'INVALID_CONFIGURATION',
    });
  }
  const { mchid, appid, serialNo, apiV3Key, downloadCertificates = false } = options;
  return {
    role,
    mchid,
    appid,
    serialNo,
    privateKey,
    apiV3Key,
    publicKeys,
    downloadCertificates,
    apiV2Key,
    ...address,
  };
}

function readKey(
  name: string,
  type: 'private' | 'public',
  value: KeyObject | string | undefined,
  problems: string[],
): KeyObject | undefined {
  let key: KeyObject;
  try {
    if (value instanceof KeyObject) key = value;
    else key = type === 'private' ? createPrivateKey(value ?? '') : verificationKey(publicPem(value ?? ''));
  } catch {
    // OpenSSL's own words ("DECODER routines::unsupported") help nobody.
    problems.push(
      `${name} is not a readable ${type === 'private' ? 'PEM private key' : 'PEM public key or certificate'}`,
    );
    return undefined;
  }
  if (key.type !== type) problems.push(`${name} must be a ${type} key, it is a ${key.type} one`);
  else if (key.asymmetricKeyType !== 'rsa') problems.push(`${name} must be an RSA key`);
  else return key;
  return undefined;
}

/** Node derives a public key from a private one without a word; a private key in this place is a dangerous mistake. */
function publicPem(pem: string): string {
  if (pem.includes('PRIVATE KEY')) throw new Error('a private key');
  return pem;
}
