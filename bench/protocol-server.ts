import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  answerMessage,
  parseAuthorization,
  randomNonce,
  requestMessage,
  SIGNATURE_SCHEME,
  signMessage,
  verifyMessage,
} from '../wechatpay/v3/signature.ts';
import { answerQuestions } from './protocol-child.ts';
import {
  CODE_URL,
  FORGED_OUT_TRADE_NO,
  NATIVE_PATH,
  OUT_TRADE_NO,
  PUBLIC_KEY_ID,
  paidOrder,
  QUERY_PATH,
  type ServerReady,
  type ServerSetUp,
  type ServerUsage,
} from './protocol-wire.ts';

/**
 * The server process: as little as answers signed requests with signed answers. Signing once a second and body keeps RSA out of its way,
 * so that it is never what limits.
 */

/** One request in so many has its signature verified, so that nobody is fast by signing nothing. */
const VERIFY_EVERY = 20;

/** An answer, ready to be written. */
interface SignedAnswer {
  headers: string[];
  body: Buffer;
}

function signedAnswer(key: KeyObject, signed: object, sent: object = signed): SignedAnswer {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const nonce = randomNonce();
  const body = Buffer.from(JSON.stringify(sent));
  const signature = signMessage(answerMessage(timestamp, nonce, JSON.stringify(signed)), key);
  const headers = {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': String(body.length),
    'Cache-Control': 'no-cache, must-revalidate',
    'Request-ID': '08F8A5E8B10610FF0518B2D0A65720A5C20128DA9E03-0',
    'Wechatpay-Nonce': nonce,
    'Wechatpay-Serial': PUBLIC_KEY_ID,
    'Wechatpay-Signature': signature,
    'Wechatpay-Signature-Type': SIGNATURE_SCHEME,
    'Wechatpay-Timestamp': timestamp,
  };
  return { headers: Object.entries(headers).flat(), body };
}

async function start({ keys }: ServerSetUp): Promise<ServerReady> {
  const wechatKey = createPrivateKey(keys.wechatPrivate);
  const merchantKey = createPublicKey(keys.merchantPublic);
  const { amount, ...order } = paidOrder(FORGED_OUT_TRADE_NO);
  const sign = () => ({
    query: signedAnswer(wechatKey, paidOrder(OUT_TRADE_NO)),
    native: signedAnswer(wechatKey, { code_url: CODE_URL }),
    forged: signedAnswer(wechatKey, { amount, ...order }, { amount: { ...amount, total: 1 }, ...order }),
  });
  let answers = sign();
  setInterval(() => {
    answers = sign();
  }, 1000).unref();

  let arrived = 0;
  function answer(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const { method = '', url = '' } = request;
    arrived += 1;
    if (arrived % VERIFY_EVERY === 1) {
      const authorization = parseAuthorization(request.headers.authorization);
      const message =
        authorization && requestMessage({ ...authorization, method, url, body: body.toString() });
      if (!message || !verifyMessage(message, authorization.signature, merchantKey)) {
        response.writeHead(401).end();
        return;
      }
    }
    const found =
      method === 'POST' && url === NATIVE_PATH
        ? answers.native
        : method === 'GET' && url.startsWith(`${QUERY_PATH}${FORGED_OUT_TRADE_NO}?`)
          ? answers.forged
          : method === 'GET' && url.startsWith(`${QUERY_PATH}${OUT_TRADE_NO}?`)
            ? answers.query
            : undefined;
    if (found) response.writeHead(200, found.headers).end(found.body);
    else response.writeHead(404).end();
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => answer(request, response, Buffer.concat(chunks)));
  });
  // Connections outlive the rounds of the other clients.
  server.keepAliveTimeout = 600_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

let before: ReturnType<typeof performance.eventLoopUtilization> | undefined;

answerQuestions<ServerSetUp | Record<string, never>>(async (question) => {
  if ('keys' in question) return start(question as ServerSetUp);
  const now = performance.eventLoopUtilization();
  const { utilization } = performance.eventLoopUtilization(now, before);
  before = now;
  return { busyPercent: 100 * utilization } satisfies ServerUsage;
});
