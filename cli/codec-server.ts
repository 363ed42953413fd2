import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { encryptingCodec } from '../codec/payload-codec.ts';
import { createCodecServer } from '../codec/server.ts';
import { ConfigurationError, readEnvironment } from '../process/environment.ts';
import { createLogger } from '../process/logger.ts';
import { onShutdown } from '../process/shutdown.ts';
import { UsageError } from './usage-error.ts';

/** Variables it reads. */
export const CODEC_SERVER_VARIABLES = [
  'PAYSAGA_CODEC_KEYS',
  'PAYSAGA_CODEC_SERVER_TOKEN',
  'LOG_LEVEL',
] as const;

/** Addresses that only this machine reaches. */
const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost']);

/** `paysaga codec-server`: lets Temporal's web UI and command line read encrypted histories. */
export async function runCodecServer(options: {
  port: number;
  host: string;
  uiOrigin: string[];
  authentication: boolean;
}): Promise<void> {
  const environment = readEnvironment([...CODEC_SERVER_VARIABLES]);
  const { PAYSAGA_CODEC_KEYS: keys, PAYSAGA_CODEC_SERVER_TOKEN: token } = environment;
  if (!keys) throw new ConfigurationError(['PAYSAGA_CODEC_KEYS is not set: there is nothing to decrypt']);
  if (!token && options.authentication && !LOOPBACK.has(options.host)) {
    throw new UsageError(
      `whoever reaches ${options.host} could read every history: set PAYSAGA_CODEC_SERVER_TOKEN, or, if something in front lets only the right people through, say --no-authentication`,
    );
  }
  const log = createLogger('codec-server', environment.LOG_LEVEL);
  const server = createCodecServer({
    codec: encryptingCodec(keys),
    uiOrigins: options.uiOrigin.map(originOf),
    token: options.authentication ? token : undefined,
    onRequest: (request) => log.info(request, 'codec request'),
  }).listen(options.port, options.host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  log.info(
    { host: options.host, port, authentication: options.authentication && !!token },
    'codec server ready',
  );
  onShutdown(log, async () => {
    server.close();
    server.closeIdleConnections();
    await once(server, 'close');
  });
}

function originOf(url: string): string {
  if (!URL.canParse(url))
    throw new UsageError(`--ui-origin ${url} is no URL; it looks like http://127.0.0.1:8233`);
  return new URL(url).origin;
}
