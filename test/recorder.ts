import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { request as send } from 'undici';
import { upsertMerchant } from '../database/merchants.ts';
import { openVault } from '../database/secrets.ts';
import type { SimulatedMerchant } from '../simulator/index.ts';
import { merchantCertificate } from '../simulator/keys/certificate.ts';
import type { Paysaga } from './fixture.ts';

/** What was sent to WeChat Pay, byte for byte. */
export interface Sent {
  path: string;
  body: string;
}

/** Stands before the simulated gateway, passes everything on, and writes down what was sent. */
export async function startRecorder({ baseUrl }: { baseUrl: string }): Promise<{
  url: string;
  sent: Sent[];
  stop(): Promise<void>;
}> {
  const sent: Sent[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    sent.push({ path: request.url ?? '', body: body.toString() });
    const { host: _, connection: __, 'transfer-encoding': ___, ...headers } = request.headers;
    const answer = await send(`${baseUrl}${request.url}`, {
      method: request.method as 'GET',
      headers,
      body: body.length === 0 ? null : body,
    });
    const { 'transfer-encoding': ____, connection: _____, ...answered } = answer.headers;
    response.writeHead(answer.statusCode, answered);
    response.end(Buffer.from(await answer.body.arrayBuffer()));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sent,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Enrols a merchant or service provider of the simulator's anew, so that it is reached at this address. @returns its id. */
export async function reachThrough(
  { pool, masterKey, tenantId }: Paysaga,
  url: string,
  merchant: SimulatedMerchant,
  role: 'merchant' | 'partner',
): Promise<string> {
  const { id } = await upsertMerchant(pool, openVault(masterKey), tenantId, {
    mchid: merchant.mchid,
    appid: merchant.appid,
    role,
    serialNo: merchant.serialNo,
    privateKey: merchant.privateKeyPem,
    apiV3Key: merchant.apiV3Key,
    publicKeys: { [merchant.publicKeyId]: merchant.publicKeyPem },
    apiBaseUrl: url,
    apiV2Key: merchant.apiV2Key,
    certificate: await merchantCertificate(merchant),
  });
  return id;
}
