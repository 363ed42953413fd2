import { createPrivateKey } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http';
import { Agent, request } from 'undici';
import type { SimulatedMerchant, Simulator } from '../../../simulator/index.ts';
import {
  answerMessage,
  formatAuthorization,
  requestMessage,
  signMessage,
  verificationKey,
  verifyMessage,
} from '../../../wechatpay/v3/signature.ts';

/** How a request differs from a right one. */
export interface Deviation {
  headers?: Record<string, string | undefined>;
  timestamp?: number;
  serialNo?: string;
  mchid?: string;
  /** The URL that is signed, when it is not the one that is sent. */
  signedUrl?: string;
  /** The body that is signed, when it is not the one that is sent. */
  signedBody?: string;
}

export interface RawAnswer {
  status: number;
  headers: Record<string, string>;
  /** Names as they came over the wire. */
  headerNames: string[];
  bytes: Buffer;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
  json: any;
}

let nonces = 0;

/** A merchant's client without any of our client code: it signs and sends, and checks nothing by itself. */
export class RawClient {
  readonly simulator: Simulator;
  /** Who signs. */
  readonly merchant: SimulatedMerchant;
  readonly #agent = new Agent();
  readonly #clock: () => number;

  constructor(
    simulator: Simulator,
    {
      merchant = simulator.merchant,
      clock = Date.now,
    }: { merchant?: SimulatedMerchant; clock?: () => number } = {},
  ) {
    this.simulator = simulator;
    this.merchant = merchant;
    this.#clock = clock;
  }

  get(url: string, deviation: Deviation = {}): Promise<RawAnswer> {
    return this.send('GET', url, '', deviation);
  }

  post(url: string, body: unknown, deviation: Deviation = {}): Promise<RawAnswer> {
    return this.send('POST', url, typeof body === 'string' ? body : JSON.stringify(body), deviation);
  }

  /** The headers of a signed request. */
  headers(
    method: string,
    url: string,
    body: string | Buffer = '',
    deviation: Deviation = {},
  ): Record<string, string> {
    const { merchant } = this;
    const timestamp = String(deviation.timestamp ?? Math.floor(this.#clock() / 1000));
    nonces += 1;
    const nonce = `nonce${nonces}`;
    const head = requestMessage({ method, url: deviation.signedUrl ?? url, timestamp, nonce, body: '' });
    // Bytes: a body need not be text.
    const message = Buffer.concat([
      Buffer.from(head.slice(0, -1)),
      Buffer.from(deviation.signedBody ?? body),
      Buffer.from('\n'),
    ]);
    const headers: Record<string, string | undefined> = {
      accept: 'application/json',
      'user-agent': 'test',
      'content-type': 'application/json',
      'wechatpay-serial': merchant.publicKeyId,
      authorization: formatAuthorization({
        mchid: deviation.mchid ?? merchant.mchid,
        nonce,
        timestamp,
        serialNo: deviation.serialNo ?? merchant.serialNo,
        signature: signMessage(message, createPrivateKey(merchant.privateKeyPem)),
      }),
      ...deviation.headers,
    };
    const sent = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined);
    return Object.fromEntries(sent);
  }

  async send(
    method: string,
    url: string,
    body: string | Buffer,
    deviation: Deviation = {},
  ): Promise<RawAnswer> {
    const answer = await request(this.simulator.baseUrl + url, {
      method: method as 'GET',
      dispatcher: this.#agent,
      headers: this.headers(method, url, body, deviation),
      ...(body.length > 0 ? { body } : {}),
      responseHeaders: 'raw',
    });
    // With raw headers undici gives a flat list of names and values.
    const raw = (answer.headers as unknown as (Buffer | string)[]).map(String);
    const headerNames = raw.filter((_, index) => index % 2 === 0);
    const values = raw.filter((_, index) => index % 2 === 1);
    const bytes = Buffer.from(await answer.body.arrayBuffer());
    const text = bytes.toString('utf8');
    return {
      status: answer.statusCode,
      bytes,
      headers: Object.fromEntries(headerNames.map((name, index) => [name, values[index] ?? ''])),
      headerNames,
      text,
      json: text.startsWith('{') ? JSON.parse(text) : undefined,
    };
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  // The calls of the tests, with valid bodies unless told.

  order(
    outTradeNo: string,
    changes: Record<string, unknown> = {},
    deviation: Deviation = {},
  ): Promise<RawAnswer> {
    return this.post(
      '/v3/pay/transactions/native',
      orderBody(this.simulator, outTradeNo, changes),
      deviation,
    );
  }

  query(outTradeNo: string): Promise<RawAnswer> {
    return this.get(`/v3/pay/transactions/out-trade-no/${outTradeNo}?mchid=${this.simulator.merchant.mchid}`);
  }

  closeOrder(outTradeNo: string): Promise<RawAnswer> {
    const { mchid } = this.simulator.merchant;
    return this.post(`/v3/pay/transactions/out-trade-no/${outTradeNo}/close`, { mchid });
  }

  refund(
    outTradeNo: string,
    outRefundNo: string,
    fen: number,
    changes: Record<string, unknown> = {},
  ): Promise<RawAnswer> {
    return this.post('/v3/refund/domestic/refunds', {
      out_trade_no: outTradeNo,
      out_refund_no: outRefundNo,
      amount: { refund: fen, total: 2590, currency: 'CNY' },
      ...changes,
    });
  }

  queryRefund(outRefundNo: string): Promise<RawAnswer> {
    return this.get(`/v3/refund/domestic/refunds/${outRefundNo}`);
  }
}

/** A valid Native order of 25.90 yuan. */
export function orderBody(
  { merchant }: Simulator,
  outTradeNo: string,
  changes: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    appid: merchant.appid,
    mchid: merchant.mchid,
    description: 'Tea set',
    out_trade_no: outTradeNo,
    notify_url: 'https://pay.example.com/wx',
    amount: { total: 2590, currency: 'CNY' },
    ...changes,
  };
}

/** Whether the `Wechatpay-*` headers sign these bytes with WeChat Pay's key. */
export function isSigned(simulator: Simulator, headers: Record<string, string>, body: string): boolean {
  const at = (name: string) => headers[name] ?? headers[name.toLowerCase()] ?? '';
  return (
    at('Wechatpay-Serial') === simulator.merchant.publicKeyId &&
    verifyMessage(
      answerMessage(at('Wechatpay-Timestamp'), at('Wechatpay-Nonce'), body),
      at('Wechatpay-Signature'),
      verificationKey(simulator.merchant.publicKeyPem),
    )
  );
}

/** Calls the control API. */
export async function control(
  simulator: Simulator,
  method: string,
  path: string,
  body?: unknown,
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
): Promise<{ status: number; json: any; headers: OutgoingHttpHeaders }> {
  const answer = await request(simulator.controlUrl + path, {
    method: method as 'GET',
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.body.text();
  return { status: answer.statusCode, json: text ? JSON.parse(text) : undefined, headers: answer.headers };
}
