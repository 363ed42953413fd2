import 'reflect-metadata';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509';
import plugin from 'wechatpay-axios-plugin';
import type { V2Options } from '../../../../wechatpay/v2/configuration.ts';

export const MCHID = '1900012345';
export const APPID = 'wx0f1e2d3c4b5a6978';
export const API_V2_KEY = '192006250b4c09247ec02edce69f6a2d';
export const NONCE = 'ibuaiVcKdpRxkhJA';
/** 2026-03-01 12:00:00 in Asia/Shanghai. */
export const NOW = Date.parse('2026-03-01T12:00:00+08:00');

export type Elements = Record<string, string>;

/** The independent implementation that plays WeChat Pay. */
export const peer = plugin as unknown as {
  Hash: { sign(type: string, data: object, key: string): string };
  Transformer: { toObject(xml: string | Buffer): Elements; toXml(data: Elements): string };
  Aes: {
    AesEcb: { encrypt(text: string, key: string): string; decrypt(text: string, key: string): string };
  };
};

/** Options of a client whose clock and nonce stand still. */
export function v2Options(baseUrl = 'http://127.0.0.1:1'): V2Options {
  return {
    mchid: MCHID,
    appid: APPID,
    apiV2Key: API_V2_KEY,
    baseUrl,
    timeoutMs: 5000,
    clock: () => NOW,
    nonce: () => NONCE,
  };
}

/** Signs elements as the other side does. */
export function signedElements(elements: Elements, signType = 'HMAC-SHA256', key = API_V2_KEY): Elements {
  return { ...elements, sign: peer.Hash.sign(signType, elements, key) };
}

/** {A}: a whole answer, signed; what a case names comes on top. */
export function answerXml(elements: Elements, signType?: string): string {
  const answer = {
    return_code: 'SUCCESS',
    return_msg: 'OK',
    appid: APPID,
    mch_id: MCHID,
    nonce_str: 'IITRi8Iabbblz1Jc',
    result_code: 'SUCCESS',
    ...elements,
  };
  return peer.Transformer.toXml(signedElements(answer, signType));
}

/** What arrived at the gateway. */
export interface ReceivedV2 {
  method: string;
  target: string;
  headers: IncomingMessage['headers'];
  body: Buffer;
  /** Who the client certificate says it is. */
  commonName: string | undefined;
}

/** A certificate with its key, self-signed, for one name. */
export interface Pair {
  cert: string;
  key: string;
}

export async function selfSigned(commonName: string): Promise<Pair> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${commonName}`,
    notBefore: new Date('2025-01-01T00:00:00Z'),
    notAfter: new Date('2045-01-01T00:00:00Z'),
    signingAlgorithm: algorithm,
    keys,
    extensions: [new SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }])],
  });
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return {
    cert: certificate.toString('pem'),
    key: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`,
  };
}

/** A gateway on this machine that answers what a test tells it to. */
export class V2Gateway {
  readonly received: ReceivedV2[] = [];
  answer: (response: ServerResponse, received: ReceivedV2) => void = (response) => response.end();
  readonly #server: Server;
  readonly #scheme: string;

  /** With certificates: HTTPS, only for the client that has the second one, unless showing one is optional. */
  constructor(tls?: { server: Pair; client: string }, { optional = false }: { optional?: boolean } = {}) {
    const handle = (request: IncomingMessage, response: ServerResponse) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const received: ReceivedV2 = {
          method: request.method ?? '',
          target: request.url ?? '',
          headers: request.headers,
          body: Buffer.concat(chunks),
          commonName: tls && String((request.socket as TLSSocket).getPeerCertificate().subject?.CN),
        };
        this.received.push(received);
        this.answer(response, received);
      });
    };
    this.#scheme = tls ? 'https' : 'http';
    this.#server = tls
      ? (createTlsServer(
          { ...tls.server, ca: tls.client, requestCert: true, rejectUnauthorized: !optional },
          handle,
        ) as unknown as Server)
      : createServer(handle);
  }

  get last(): ReceivedV2 {
    const received = this.received.at(-1);
    if (!received) throw new Error('nothing arrived');
    return received;
  }

  /** Answers bytes, as 200 unless told otherwise. */
  says(body: string | Buffer, { status = 200, headers = {} as Record<string, string> } = {}): void {
    this.answer = (response) => {
      response.writeHead(status, headers);
      response.end(body);
    };
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this.url;
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
