import { createSecureContext } from 'node:tls';
import type { Dispatcher } from 'undici';
import { ConfigurationError } from '../errors.ts';
import {
  checkApiKey,
  type GatewayAddress,
  type GatewayOptions,
  readGatewayOptions,
} from '../gateway-options.ts';
import { randomNonce } from '../v3/signature.ts';
import type { V2SignType } from './signature.ts';

/** The merchant API certificate and its key, as PEM text: `apiclient_cert.pem` and `apiclient_key.pem`. */
export interface ClientCertificate {
  cert: string;
  key: string;
  /** Certificates to trust instead of the public ones, for a gateway that is not WeChat Pay's, such as a simulator. */
  ca?: string;
}

/** How to reach the v2 API as one merchant, or as one service provider (then all of this is the service provider's own). */
export interface V2Options extends GatewayOptions {
  /** APIv2 key, 32 bytes. */
  apiV2Key: string;
  /** How requests are signed. Default HMAC-SHA256; answers are verified under either. */
  signType?: V2SignType | undefined;
  /**
   * Payments and refunds go to WeChat Pay's sandbox, where no money moves; `apiV2Key` is then the key that `getSignKey` of a client outside of
   * the sandbox answers. Default false.
   */
  sandbox?: boolean;
  /** For refunds, reversals and the fund flow. It has connections of its own, so that `dispatcher` never carries those calls. */
  clientCertificate?: ClientCertificate;
}

/** Checked options with their defaults. */
export interface V2Credentials extends GatewayAddress {
  mchid: string;
  appid: string;
  apiV2Key: string;
  signType: V2SignType;
  sandbox: boolean;
  clientCertificate: ClientCertificate | undefined;
  dispatcher: Dispatcher | undefined;
  clock: () => number;
  nonce: () => string;
  userAgent: string | undefined;
}

/**
 * Checks everything at once.
 * @throws ConfigurationError naming every problem; it never contains key material.
 */
export function readV2Options(options: V2Options): V2Credentials {
  const problems: string[] = [];
  const address = readGatewayOptions(options, problems);
  checkApiKey('apiV2Key', options.apiV2Key, problems);
  checkV2Options(options, problems);
  if (problems.length > 0) {
    throw new ConfigurationError(`The WeChat Pay v2 client cannot work: ${problems.join('; ')}.`, {
      code: 'INVALID_CONFIGURATION',
    });
  }
  return {
    mchid: options.mchid,
    appid: options.appid,
    apiV2Key: options.apiV2Key,
    signType: options.signType ?? 'HMAC-SHA256',
    sandbox: options.sandbox ?? false,
    clientCertificate: options.clientCertificate,
    ...address,
    dispatcher: options.dispatcher,
    clock: options.clock ?? Date.now,
    nonce: options.nonce ?? randomNonce,
    userAgent: options.userAgent,
  };
}

/** Adds the problems of what only the v2 API needs. */
export function checkV2Options(
  { signType, clientCertificate }: Pick<Partial<V2Options>, 'signType' | 'clientCertificate'>,
  problems: string[],
): void {
  if (signType !== undefined && signType !== 'MD5' && signType !== 'HMAC-SHA256')
    problems.push('signType must be MD5 or HMAC-SHA256');
  if (clientCertificate && !matches(clientCertificate))
    problems.push('clientCertificate must have a PEM certificate as cert and its PEM private key as key');
}

/** Whether both can be read and belong together; otherwise the first refund would find out. */
function matches({ cert, key, ca }: Partial<ClientCertificate>): boolean {
  if (!cert || !key) return false;
  try {
    createSecureContext({ cert, key, ca });
    return true;
  } catch {
    return false;
  }
}
