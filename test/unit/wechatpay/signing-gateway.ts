import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { encryptResource } from '../../../wechatpay/v3/aead.ts';
import {
  answerMessage,
  parseAuthorization,
  requestMessage,
  SIGNATURE_SCHEME,
  signMessage,
  verifyMessage,
} from '../../../wechatpay/v3/signature.ts';

/** Keys of the two sides, generated once for all tests of this folder. */
const merchantKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const wechatKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

export const MCHID = '1900012345';
export const APPID = 'wx0f1e2d3c4b5a6978';
export const SERIAL_NO = '3A7C0B5D9E1F2A4C6E8D0B1A3C5E7F9012345678';
export const PUBLIC_KEY_ID = 'PUB_KEY_ID_0119000123452026030100000000000001';
export const API_V3_KEY = 'an API v3 key of 32 ASCII bytes!';
export const PROBE = `WECHATPAY/SIGNTEST/${'0'.repeat(336)}`;

export const keys = {
  merchant: merchantKey,
  merchantPublic: createPublicKey(merchantKey),
  wechat: wechatKey,
  wechatPublic: createPublicKey(wechatKey),
  publicPem: (key: KeyObject) => createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString(),
  privatePem: (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString(),
};

/** Options with which a client talks to these keys. */
export function options(baseUrl = 'http://127.0.0.1:1') {
  return {
    mchid: MCHID,
    appid: APPID,
    serialNo: SERIAL_NO,
    privateKey: keys.merchant,
    apiV3Key: API_V3_KEY,
    publicKeys: { [PUBLIC_KEY_ID]: keys.wechatPublic },
    baseUrl,
  };
}

/** The headers with which WeChat Pay signs a body. */
export function signatureHeaders(
  body: Buffer | string,
  {
    at = Date.now(),
    key = wechatKey,
    serial = PUBLIC_KEY_ID,
  }: { at?: number; key?: KeyObject; serial?: string } = {},
): Record<string, string> {
  const timestamp = String(Math.floor(at / 1000));
  const nonce = 'c5ac7061fccab6bf3e254dcf98995b8c';
  return {
    'Wechatpay-Timestamp': timestamp,
    'Wechatpay-Nonce': nonce,
    'Wechatpay-Serial': serial,
    'Wechatpay-Signature': signMessage(answerMessage(timestamp, nonce, body), key),
    'Wechatpay-Signature-Type': SIGNATURE_SCHEME,
  };
}

/** A notification as WeChat Pay posts it. */
export function notification(
  eventType: string,
  resource: unknown,
  {
    at,
    apiV3Key = API_V3_KEY,
    originalType = 'transaction',
  }: { at?: number; apiV3Key?: string; originalType?: string } = {},
) {
  const envelope = {
    id: '3b9e61c2-7a40-5d18-9c2f-60d1e4a7b853',
    create_time: '2026-03-01T12:03:12+08:00',
    resource_type: 'encrypt-resource',
    event_type: eventType,
    summary: '支付成功',
    resource: {
      original_type: originalType,
      ...encryptResource(JSON.stringify(resource), {
        apiV3Key,
        nonce: 'q7Zt0aVb9LkX',
        associatedData: originalType,
      }),
    },
  };
  const body = Buffer.from(JSON.stringify(envelope));
  return {
    headers: signatureHeaders(body, at === undefined ? {} : { at }) as Record<
      string,
      string | string[] | undefined
    >,
    body,
  };
}

/** What arrived at the gateway. */
export interface Received {
  method: string;
  /** The request target exactly as it stood on the wire. */
  target: string;
  headers: IncomingMessage['headers'];
  body: Buffer;
  /** Whether the Authorization header signs exactly what arrived. */
  signed: boolean;
  port: number | undefined;
}

type Answer = (response: ServerResponse, received: Received) => void;

/** Answers with a signed body. */
export function signed(status: number, body: unknown, headers: Record<string, string> = {}): Answer {
  return (response) => {
    const text = body === undefined ? '' : JSON.stringify(body);
    response.writeHead(status, {
      'Content-Type': 'application/json; charset=utf-8',
      ...signatureHeaders(text),
      ...headers,
    });
    response.end(text);
  };
}

/** Answers without a signature. */
export function unsigned(status: number, body: string, headers: Record<string, string> = {}): Answer {
  return (response) => {
    response.writeHead(status, headers);
    response.end(body);
  };
}

/** A real HTTP server that does what the test told it and remembers what arrived. */
export class SigningGateway {
  readonly received: Received[] = [];
  answer: Answer = unsigned(500, '');
  readonly #server = createServer((request, response) => void this.#handle(request, response));

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get last(): Received {
    const last = this.received.at(-1);
    if (!last) throw new Error('nothing arrived');
    return last;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const { method = '', url: target = '', headers } = request;
    const authorization = parseAuthorization(headers.authorization);
    const message =
      authorization && requestMessage({ ...authorization, method, url: target, body: body.toString('utf8') });
    const isSigned =
      authorization !== undefined &&
      message !== undefined &&
      authorization.mchid === MCHID &&
      authorization.serialNo === SERIAL_NO &&
      verifyMessage(message, authorization.signature, keys.merchantPublic);
    const received = { method, target, headers, body, signed: isSigned, port: request.socket.remotePort };
    this.received.push(received);
    this.answer(response, received);
  }
}
