import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { Agent as HttpAgent } from 'node:http';
import { createRequire } from 'node:module';
import { Agent, request } from 'undici';
import axiosPlugin from 'wechatpay-axios-plugin';
import Pay from 'wechatpay-node-v3';
import { WechatPay } from '../wechatpay/index.ts';
import { formatAuthorization, randomNonce, requestMessage } from '../wechatpay/v3/signature.ts';
import {
  type ClientSetUp,
  CODE_URL,
  MERCHANT,
  NATIVE_PATH,
  NEW_ORDER,
  OUT_TRADE_NO,
  PUBLIC_KEY_ID,
  paidOrder,
  QUERY_PATH,
} from './protocol-wire.ts';

/** Something that asks for orders and places them. */
export interface ProtocolClient {
  /** Answers the order's trade_state. @throws when it was not answered or, for those that verify, not signed. */
  query(outTradeNo: string): Promise<string | undefined>;
  /** Answers the code_url. @throws as `query`. */
  create(): Promise<string | undefined>;
}

/** Those who are compared, and the two floors on which they stand, in the order of each round. */
export const CLIENTS = {
  paysaga,
  'wechatpay-axios-plugin': axios,
  'wechatpay-node-v3': (setUp: ClientSetUp) => nodeV3(setUp, { verifies: true }),
  'wechatpay-node-v3, unverified': (setUp: ClientSetUp) => nodeV3(setUp, { verifies: false }),
  'HTTP alone': httpAlone,
  'RSA alone': rsaAlone,
} satisfies Record<string, (setUp: ClientSetUp) => ProtocolClient>;

export type ClientName = keyof typeof CLIENTS;

function paysaga({ keys, baseUrl }: ClientSetUp): ProtocolClient {
  const pay = new WechatPay({
    ...MERCHANT,
    privateKey: keys.merchantPrivate,
    apiV3Key: '0123456789abcdef0123456789abcdef',
    publicKeys: { [PUBLIC_KEY_ID]: keys.wechatPublic },
    baseUrl,
  });
  return {
    query: async (outTradeNo) => (await pay.orders.queryByOutTradeNo(outTradeNo)).trade_state,
    create: async () => (await pay.native.create(NEW_ORDER)).code_url,
  };
}

/** As much of the tree of paths as is used here; its own types say that each may be missing. */
interface AxiosTree {
  v3: {
    pay: {
      transactions: {
        outTradeNo: {
          $out_trade_no$: { get(config: object): Promise<{ data: { trade_state?: string } }> };
        };
        native: { post(order: object): Promise<{ data: { code_url?: string } }> };
      };
    };
  };
}

/** Called as its README does; it verifies by itself, over the text of the answer. */
function axios({ keys, baseUrl }: ClientSetUp): ProtocolClient {
  const { mchid, appid, serialNo } = MERCHANT;
  const pay = new axiosPlugin.Wechatpay({
    mchid,
    serial: serialNo,
    privateKey: keys.merchantPrivate,
    certs: { [PUBLIC_KEY_ID]: keys.wechatPublic },
    baseURL: baseUrl,
    httpAgent: new HttpAgent({ keepAlive: true }),
    proxy: false,
  });
  const { transactions } = (pay as unknown as AxiosTree).v3.pay;
  return {
    async query(outTradeNo) {
      const { data } = await transactions.outTradeNo.$out_trade_no$.get({
        params: { mchid },
        out_trade_no: outTradeNo,
      });
      return data.trade_state;
    },
    async create() {
      const { data } = await transactions.native.post({ appid, mchid, ...NEW_ORDER });
      return data.code_url;
    },
  };
}

/** As much of superagent as is used here. */
interface Superagent {
  get(url: string): SuperagentRequest;
  post(url: string): SuperagentRequest;
}
interface SuperagentRequest extends PromiseLike<SuperagentAnswer> {
  agent(agent: HttpAgent): this;
  send(body: object): this;
  set(headers: object): this;
}
interface SuperagentAnswer {
  status: number;
  text: string;
  body: object;
  headers: Record<string, string>;
}

/**
 * Its own HTTP client knows neither another host nor connections that are kept, and drops the headers with the signature. So it gets what it
 * offers for that, an HTTP client passed to `createHttp`: the same superagent with the same calls, and the headers kept. It verifies only
 * what is given to its `verifySign`.
 */
function nodeV3({ keys, baseUrl }: ClientSetUp, { verifies }: { verifies: boolean }): ProtocolClient {
  const { mchid, appid, serialNo } = MERCHANT;
  const superagent: Superagent = createRequire(createRequire(import.meta.url).resolve('wechatpay-node-v3'))(
    'superagent',
  );
  const agent = new HttpAgent({ keepAlive: true });
  const local = (url: string) => url.replace('https://api.mch.weixin.qq.com', baseUrl);
  const answered = ({ status, body, text, headers }: SuperagentAnswer) => ({
    status,
    data: body,
    text,
    headers,
  });
  class PublicKeyPay extends Pay {
    /** It knows certificates only, which it would download, and keeps their keys as PEM text. */
    static trust(id: string, pem: string) {
      Pay.certificates[id] = pem;
    }
  }
  PublicKeyPay.trust(PUBLIC_KEY_ID, keys.wechatPublic);
  const pay = new PublicKeyPay({
    appid,
    mchid,
    serial_no: serialNo,
    publicKey: Buffer.from(keys.merchantPublic),
    privateKey: Buffer.from(keys.merchantPrivate),
  });
  pay.createHttp({
    get: async (url, headers) => answered(await superagent.get(local(url)).agent(agent).set(headers)),
    post: async (url, body, headers) =>
      answered(await superagent.post(local(url)).agent(agent).send(body).set(headers)),
    upload: () => Promise.reject(new Error('nothing is uploaded here')),
  });
  async function verified(answer: object): Promise<Record<string, string>> {
    const { data, text, headers } = answer as ReturnType<typeof answered>;
    if (verifies) {
      const genuine = await pay.verifySign({
        timestamp: headers['wechatpay-timestamp'] ?? '',
        nonce: headers['wechatpay-nonce'] ?? '',
        // Its documentation passes the parsed body, which it would serialise again.
        body: text,
        serial: headers['wechatpay-serial'] ?? '',
        signature: headers['wechatpay-signature'] ?? '',
      });
      if (!genuine) throw new Error('the signature does not match');
    }
    return data as Record<string, string>;
  }
  return {
    query: async (outTradeNo) => (await verified(await pay.query({ out_trade_no: outTradeNo }))).trade_state,
    create: async () =>
      (await verified(await pay.transactions_native({ ...NEW_ORDER, amount: { ...NEW_ORDER.amount } })))
        .code_url,
  };
}

/** The same requests, signed once in advance, and answers that nobody verifies: what HTTP costs, and what the server can do. */
function httpAlone({ keys, baseUrl }: ClientSetUp): ProtocolClient {
  const dispatcher = new Agent();
  const privateKey = createPrivateKey(keys.merchantPrivate);
  const body = JSON.stringify({ ...NEW_ORDER, appid: MERCHANT.appid, mchid: MERCHANT.mchid });
  const presigned = (method: 'GET' | 'POST', url: string, signed: string) => {
    const timestamp = String(Math.floor(Date.now() / 1000));
    const nonce = randomNonce();
    const message = requestMessage({ method, url, timestamp, nonce, body: signed });
    const signature = sign('sha256', Buffer.from(message), privateKey).toString('base64');
    return {
      'User-Agent': 'bench',
      Accept: 'application/json',
      'Wechatpay-Serial': PUBLIC_KEY_ID,
      Authorization: formatAuthorization({ ...MERCHANT, nonce, timestamp, signature }),
      ...(signed && { 'Content-Type': 'application/json' }),
    };
  };
  const queryTarget = (outTradeNo: string) => `${QUERY_PATH}${outTradeNo}?mchid=${MERCHANT.mchid}`;
  const get = presigned('GET', queryTarget(OUT_TRADE_NO), '');
  const post = presigned('POST', NATIVE_PATH, body);
  return {
    async query(outTradeNo) {
      const answer = await request(baseUrl + queryTarget(outTradeNo), { dispatcher, headers: get });
      return ((await answer.body.json()) as { trade_state?: string }).trade_state;
    },
    async create() {
      const answer = await request(baseUrl + NATIVE_PATH, {
        method: 'POST',
        dispatcher,
        headers: post,
        body,
      });
      return ((await answer.body.json()) as { code_url?: string }).code_url;
    },
  };
}

/** One signature and one verification for each "request", and nothing else. */
function rsaAlone({ keys }: ClientSetUp): ProtocolClient {
  const merchantKey = createPrivateKey(keys.merchantPrivate);
  const wechatKey = createPublicKey(keys.wechatPublic);
  const timestamp = '1772337600';
  const nonce = randomNonce();
  const rsa = (method: string, url: string, body: string, answer: string) => {
    const message = Buffer.from(requestMessage({ method, url, timestamp, nonce, body }));
    const answered = Buffer.from(`${timestamp}\n${nonce}\n${answer}\n`);
    const signature = sign('sha256', answered, createPrivateKey(keys.wechatPrivate));
    return () => {
      sign('sha256', message, merchantKey);
      if (!verify('sha256', answered, wechatKey, signature)) throw new Error('the signature does not match');
    };
  };
  const body = JSON.stringify({ ...NEW_ORDER, appid: MERCHANT.appid, mchid: MERCHANT.mchid });
  const order = JSON.stringify(paidOrder(OUT_TRADE_NO));
  const get = rsa('GET', `${QUERY_PATH}${OUT_TRADE_NO}?mchid=${MERCHANT.mchid}`, '', order);
  const post = rsa('POST', NATIVE_PATH, body, JSON.stringify({ code_url: CODE_URL }));
  return {
    async query() {
      get();
      return 'SUCCESS';
    },
    async create() {
      post();
      return CODE_URL;
    },
  };
}
