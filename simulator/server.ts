import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { control } from './control/answer.ts';
import type { Gateway } from './gateway.ts';
import { ControlError } from './gateway-error.ts';
import { dashboardPage } from './pages/dashboard.ts';
import { scanPage } from './pages/scan.ts';
import { isV2Path } from './v2/operations/index.ts';
import type { V2Protocol } from './v2/protocol.ts';
import type { Protocol } from './v3/protocol.ts';

const CONTROL_PREFIX = '/_simulator';
const KEEP_ALIVE_MS = 8000;
/** Room for an image that is too large, which is refused by its field. */
const LARGEST_BODY = 4 * 1024 * 1024;
const PAGES: Record<string, string> = { '/': dashboardPage, '': dashboardPage, '/scan': scanPage };

/** What WeChat Pay speaks. */
export interface Protocols {
  v3: Protocol;
  v2: V2Protocol;
}

/** Keys of an HTTPS server, as PEM. Certificates of clients are asked for, and looked at by those endpoints that need one. */
export interface TlsKeys {
  key: string;
  cert: string;
}

/** The server: `/_simulator` for people and tests, everything else is the gateway. */
export function simulatorServer(gateway: Gateway, protocols: Protocols, tls?: TlsKeys): Server {
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    void answer(gateway, protocols, request, response).catch((error: unknown) => {
      // A bug in the simulator must not look like anything the gateway documents.
      if (!response.headersSent) response.writeHead(599, { 'Content-Type': 'text/plain' });
      response.end(error instanceof Error ? error.stack : String(error));
    });
  };
  const options = { keepAliveTimeout: KEEP_ALIVE_MS };
  if (!tls) return createServer(options, listener);
  return createTlsServer({ ...options, ...tls, requestCert: true, rejectUnauthorized: false }, listener);
}

async function answer(
  gateway: Gateway,
  protocols: Protocols,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readBody(request);
  if (!body) {
    response.writeHead(413, { Connection: 'close' }).end();
    return;
  }
  const url = request.url ?? '/';
  if (url === '/') {
    // The gateway has nothing here; a person who opens the base URL wants the page.
    response.writeHead(302, { Location: `${CONTROL_PREFIX}/` }).end();
    return;
  }
  if (
    url !== CONTROL_PREFIX &&
    !url.startsWith(`${CONTROL_PREFIX}/`) &&
    !url.startsWith(`${CONTROL_PREFIX}?`)
  ) {
    await (isV2Path(url) ? protocols.v2 : protocols.v3).handle(request, response, body);
    return;
  }
  const [path = '', query = ''] = url.slice(CONTROL_PREFIX.length).split('?', 2);
  const page = request.method === 'GET' ? PAGES[path] : undefined;
  if (page !== undefined) {
    response
      .writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' })
      .end(page);
    return;
  }
  try {
    const method = request.method ?? 'GET';
    const result = await control(gateway, { method, path, query: new URLSearchParams(query), body });
    if (result === undefined) response.writeHead(204).end();
    else sendJson(response, 200, result);
  } catch (error) {
    if (!(error instanceof ControlError)) throw error;
    sendJson(response, error.status, { error: error.message });
  }
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const text = JSON.stringify(value);
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
  });
  response.end(text);
}

/** The bytes of a body, or undefined when there are too many. By events: iterating over the stream is slower. */
function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= LARGEST_BODY) chunks.push(chunk);
      else resolve(undefined);
    });
    request.on('end', () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
    request.on('error', reject);
  });
}
