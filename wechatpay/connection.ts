import { type Credentials, readOptions, type WechatPayOptions } from './configuration.ts';
import type { Endpoint } from './endpoint.ts';
import { Exchange } from './exchange.ts';
import type { Hosts } from './gateway-options.ts';
import { Certificates } from './v3/certificates.ts';
import { Identity, type Role } from './v3/role.ts';
import { Sensitive } from './v3/sensitive.ts';
import { randomNonce } from './v3/signature.ts';
import { Transport } from './v3/transport.ts';
import { VerificationKeys } from './v3/verification-keys.ts';

/** What every resource of a client is made of. */
export interface Connection<R extends Role> {
  credentials: Credentials;
  identity: Identity<R>;
  transport: Transport;
  keys: VerificationKeys;
  certificates: Certificates;
  sensitive: Sensitive;
  /** Now, in milliseconds since 1970. */
  clock: () => number;
  nonce: () => string;
}

/**
 * Connects one set of credentials with the gateway: nothing is sent yet.
 * @throws ConfigurationError naming every problem at once.
 */
export function connect<R extends Role>(
  role: R,
  options: WechatPayOptions,
  { hosts, certificates: endpoint }: { hosts?: Hosts; certificates?: Endpoint } = {},
): Connection<R> {
  const credentials = readOptions(options, role, hosts);
  const { clock = Date.now, nonce = randomNonce, dispatcher, userAgent } = options;
  const { apiV3Key, privateKey, publicKeys, downloadCertificates } = credentials;
  const keys: VerificationKeys = new VerificationKeys({
    publicKeys,
    clock,
    download: downloadCertificates ? () => certificates.list() : undefined,
  });
  const exchange = new Exchange({ ...credentials, dispatcher, userAgent });
  const transport = new Transport(credentials, { exchange, keys, clock, nonce });
  const certificates = new Certificates(transport, { keys, apiV3Key, ...(endpoint && { endpoint }) });
  const sensitive = new Sensitive(keys, privateKey);
  return {
    credentials,
    identity: new Identity(role, credentials),
    transport,
    keys,
    certificates,
    sensitive,
    clock,
    nonce,
  };
}
