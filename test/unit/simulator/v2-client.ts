import { Agent, request } from 'undici';
import plugin from 'wechatpay-axios-plugin';
import type { Simulator } from '../../../simulator/index.ts';
import type { SimulatedMerchant } from '../../../simulator/merchants/merchant.ts';

export type Elements = Record<string, string>;

/** The implementation of somebody else that signs, writes and reads the XML of these tests. */
export const peer = plugin as unknown as {
  Hash: { sign(type: string, data: object, key: string): string };
  Transformer: { toObject(xml: string | Buffer): Elements; toXml(data: Elements): string };
  Aes: { AesEcb: { decrypt(text: string, key: string): string } };
};

/** How a request differs from a right one. */
export interface V2Deviation {
  /** Who signs; the first merchant unless told. */
  merchant?: SimulatedMerchant;
  /** MD5 unless told. */
  signType?: 'MD5' | 'HMAC-SHA256';
  key?: string;
  sign?: string;
  /** Sent in place of the XML that was built. */
  body?: string | Buffer;
  method?: string;
  /** text/xml unless told; empty for none. */
  contentType?: string;
}

export interface V2RawAnswer {
  status: number;
  contentType: string;
  /** The hash of a file: `SHA=…`. */
  digest: string | undefined;
  text: string;
  /** Elements of XML. */
  xml: Elements;
  /** With which of the two `sign` fits; undefined for none. */
  signedWith: 'MD5' | 'HMAC-SHA256' | undefined;
}

/** Whose key signed elements, and how. */
export function signatureOf(elements: Elements, key: string): V2RawAnswer['signedWith'] {
  const { sign } = elements;
  return (['MD5', 'HMAC-SHA256'] as const).find((type) => peer.Hash.sign(type, elements, key) === sign);
}

let nonces = 0;

/** A merchant's v2 client without any of our client code. */
export class RawV2Client {
  readonly simulator: Simulator;
  readonly #agent = new Agent();

  constructor(simulator: Simulator) {
    this.simulator = simulator;
  }

  /** Posts elements, with whose they are and a signature added; empty values are how a test leaves one of those out. */
  async post(path: string, elements: Elements, deviation: V2Deviation = {}): Promise<V2RawAnswer> {
    const { merchant = this.simulator.merchant, signType, key = merchant.apiV2Key } = deviation;
    const { contentType = 'text/xml' } = deviation;
    nonces += 1;
    const unsigned: Elements = {
      appid: merchant.appid,
      mch_id: merchant.mchid,
      nonce_str: `nonce${nonces}`,
      ...(signType && { sign_type: signType }),
      ...elements,
    };
    const present = Object.fromEntries(Object.entries(unsigned).filter(([, value]) => value !== ''));
    const sign = deviation.sign ?? peer.Hash.sign(signType ?? 'MD5', present, key);
    const xml = peer.Transformer.toXml({ ...present, ...(sign && { sign }) });
    const answer = await request(this.simulator.baseUrl + path, {
      method: (deviation.method ?? 'POST') as 'POST',
      dispatcher: this.#agent,
      headers: contentType ? { 'content-type': contentType } : {},
      ...(deviation.method === 'GET' ? {} : { body: deviation.body ?? xml }),
    });
    // `text()` would swallow a byte order mark.
    const text = Buffer.from(await answer.body.arrayBuffer()).toString('utf8');
    const read = text.startsWith('<xml>') ? peer.Transformer.toObject(text) : {};
    return {
      status: answer.statusCode,
      contentType: String(answer.headers['content-type']),
      digest: answer.headers.digest?.toString(),
      text,
      xml: read,
      signedWith: signatureOf(read, key),
    };
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  // The calls of the tests, with valid elements unless told.

  /** A Native order of 25.90 yuan. */
  order(outTradeNo: string, changes: Elements = {}, deviation: V2Deviation = {}): Promise<V2RawAnswer> {
    return this.post('/pay/unifiedorder', { ...orderElements(outTradeNo), ...changes }, deviation);
  }

  query(outTradeNo: string, deviation: V2Deviation = {}): Promise<V2RawAnswer> {
    return this.post('/pay/orderquery', { out_trade_no: outTradeNo }, deviation);
  }

  refund(
    outTradeNo: string,
    outRefundNo: string,
    fen: number,
    changes: Elements = {},
    deviation: V2Deviation = {},
  ): Promise<V2RawAnswer> {
    return this.post(
      '/secapi/pay/refund',
      {
        out_trade_no: outTradeNo,
        out_refund_no: outRefundNo,
        total_fee: '2590',
        refund_fee: String(fen),
        ...changes,
      },
      deviation,
    );
  }

  micropay(outTradeNo: string, authCode: string, changes: Elements = {}): Promise<V2RawAnswer> {
    const { notify_url: _, trade_type: __, product_id: ___, ...common } = orderElements(outTradeNo);
    return this.post('/pay/micropay', { ...common, auth_code: authCode, ...changes });
  }
}

function orderElements(outTradeNo: string): Elements {
  return {
    body: 'Tea set',
    out_trade_no: outTradeNo,
    total_fee: '2590',
    spbill_create_ip: '203.0.113.9',
    notify_url: 'https://pay.example.com/wx',
    trade_type: 'NATIVE',
    product_id: 'tea',
  };
}

/** What an answer says went wrong. */
export function refusalOf({ xml }: V2RawAnswer): Elements {
  const { return_code, return_msg, result_code, err_code, err_code_des } = xml;
  return Object.fromEntries(
    Object.entries({ return_code, return_msg, result_code, err_code, err_code_des }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  );
}
