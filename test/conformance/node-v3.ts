import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { createRequire } from 'node:module';
import { gunzipSync } from 'node:zlib';
import Pay from 'wechatpay-node-v3';
import type { ClientRun, NpmClient, Step } from './client.ts';
import { type Handled, listen } from './listener.ts';
import {
  combinedBody,
  orderBody,
  PRODUCTS,
  type Product,
  REFUND,
  refundBody,
  SECRET,
  TOTAL,
} from './order-bodies.ts';
import { Person } from './person.ts';
import type { Setting } from './settings.ts';

const HOST = 'api.mch.weixin.qq.com';

/** `wechatpay-node-v3`, for merchants; it knows no service providers. */
export const nodeV3: NpmClient = { sdk: 'wechatpay-node-v3', start };

type Answer = { status: number; data?: Record<string, unknown>; error?: string };

/** The HTTP client inside the package, of which each call is sent to the simulator under the official name. */
interface PayRequest {
  get(url: string, headers: object): Promise<Answer>;
  post(url: string, body: object, headers: object): Promise<Answer>;
  upload(url: string, body: object, headers: object): Promise<Answer>;
}
const { PayRequest: OwnPayRequest } = createRequire(import.meta.url)(
  'wechatpay-node-v3/dist/lib/pay-request',
) as { PayRequest: new () => PayRequest };

function redirected(baseUrl: string): PayRequest {
  const own = new OwnPayRequest();
  const local = (url: string) => url.replace(`https://${HOST}`, baseUrl);
  const named = (headers: object) => ({ ...headers, Host: HOST });
  return {
    get: (url, headers) => own.get(local(url), named(headers)),
    post: (url, body, headers) => own.post(local(url), body, named(headers)),
    upload: (url, body, headers) => own.upload(local(url), body, named(headers)),
  };
}

/** It knows certificates only, and downloads them. A public key is put among those that it has. */
class TrustingPay extends Pay {
  static trust(id: string, pem: string): void {
    Pay.certificates[id] = pem;
  }

  /** A call that it has no method for, made of the parts that its own methods are made of. */
  echo(body: object, serial: string): Promise<Answer> {
    const url = `https://${HOST}/v3/security/echo`;
    const headers = this.getHeaders(this.buildAuthorization('POST', url, body), {
      'Content-Type': 'application/json',
      'Wechatpay-Serial': serial,
    });
    return this.httpService.post(url, body, headers) as unknown as Promise<Answer>;
  }
}

function handler(pay: Pay) {
  return async (headers: IncomingHttpHeaders, body: string): Promise<Handled<Record<string, unknown>>> => {
    const header = (name: string) => String(headers[name]);
    const genuine = await pay.verifySign({
      timestamp: header('wechatpay-timestamp'),
      nonce: header('wechatpay-nonce'),
      body,
      serial: header('wechatpay-serial'),
      signature: header('wechatpay-signature'),
    });
    assert.ok(genuine, 'the signature does not match');
    const { resource } = JSON.parse(body) as {
      resource: { ciphertext: string; nonce: string; associated_data: string };
    };
    const { ciphertext, associated_data, nonce } = resource;
    return { notice: pay.decipher_gcm(ciphertext, associated_data, nonce), status: 204 };
  };
}

async function start(setting: Setting): Promise<ClientRun> {
  const { mode, mchid, appid, serialNo, apiV3Key, baseUrl } = setting;
  assert.equal(setting.role, 'direct', 'it knows no service providers');
  const pay = new TrustingPay({
    appid,
    mchid,
    serial_no: serialNo,
    publicKey: Buffer.from(setting.certificate),
    privateKey: Buffer.from(setting.privateKey),
    key: apiV3Key,
  });
  pay.createHttp(redirected(baseUrl) as unknown as Parameters<Pay['createHttp']>[0]);
  if (mode === 'public-key') TrustingPay.trust(setting.publicKeyId, setting.publicKey);
  const listener = await listen(handler(pay));
  const person = new Person(setting);
  const notifyUrl = listener.url;
  const number = (name: string) => `NV${mode === 'certificate' ? 'C' : 'P'}-${name}`;
  let transactionId = '';
  let billDate = '';

  /** Parameters of its methods are typed after older pages; it adds who orders by itself. */
  const call = async (name: string, ...parameters: unknown[]): Promise<Answer> =>
    (pay as unknown as Record<string, (...all: unknown[]) => Promise<Answer>>)[name]?.(
      ...parameters,
    ) as Promise<Answer>;
  const answered = async (name: string, ...parameters: unknown[]): Promise<Record<string, unknown>> => {
    const { status, data, error } = await call(name, ...parameters);
    assert.equal(status, 200, error);
    assert.ok(data);
    return data;
  };

  const order =
    (product: Product): Step =>
    async () => {
      const body = orderBody(setting, product, { outTradeNo: number(product), notifyUrl });
      assertAnswered(product, await answered(`transactions_${product}`, body));
    };
  const combination =
    (product: Product): Step =>
    async () => {
      const body = combinedBody(setting, product, { outTradeNo: number(`K-${product}`), notifyUrl });
      assertAnswered(product, await answered(`combine_transactions_${product}`, body));
    };

  const bill = async (name: string, parameters: object): Promise<string> => {
    const { download_url, hash_value } = await answered(name, { bill_date: billDate, ...parameters });
    const { status, data } = await call('downloadBill', download_url);
    assert.equal(status, 200);
    // It reads text as text, and what is compressed as bytes.
    const file = data as unknown as string | Buffer;
    const content = typeof file === 'string' ? file : gunzipSync(file);
    assert.equal(createHash('sha1').update(content).digest('hex'), hash_value);
    return content.toString();
  };

  const steps: Record<string, Step> = {
    ...Object.fromEntries(PRODUCTS.map((product) => [product, order(product)])),
    'query-by-out-trade-no': async () => {
      const { trade_state } = await answered('query', { out_trade_no: number('jsapi') });
      assert.equal(trade_state, 'NOTPAY');
    },
    'notify-payment': async () => {
      await person.pays(number('jsapi'));
      const notice = await listener.received(({ out_trade_no }) => out_trade_no === number('jsapi'));
      assert.equal(notice.trade_state, 'SUCCESS');
      assert.equal((notice.amount as { total: number }).total, TOTAL);
      transactionId = String(notice.transaction_id);
      billDate = String(notice.success_time).slice(0, 10);
    },
    'query-by-transaction-id': async () => {
      const { out_trade_no, trade_state } = await answered('query', { transaction_id: transactionId });
      assert.deepEqual([out_trade_no, trade_state], [number('jsapi'), 'SUCCESS']);
    },
    close: async () => {
      assert.equal((await call('close', number('native'))).status, 204);
      assert.equal((await answered('query', { out_trade_no: number('native') })).trade_state, 'CLOSED');
    },
    refund: async () => {
      const body = refundBody(setting, {
        outTradeNo: number('jsapi'),
        outRefundNo: number('refund'),
        notifyUrl,
      });
      assert.equal((await answered('refunds', body)).status, 'PROCESSING');
    },
    'notify-refund': async () => {
      await person.getsRefund(number('refund'));
      const notice = await listener.received(({ out_refund_no }) => out_refund_no === number('refund'));
      assert.equal(notice.refund_status, 'SUCCESS');
      assert.equal((notice.amount as { refund: number }).refund, REFUND);
    },
    'refund-query': async () => {
      const refund = await answered('find_refunds', number('refund'));
      assert.deepEqual([refund.status, refund.transaction_id], ['SUCCESS', transactionId]);
    },
    'trade-bill': async () => {
      assert.match(await bill('tradebill', { bill_type: 'ALL' }), new RegExp(transactionId));
    },
    'trade-bill-gzip': async () => {
      assert.match(await bill('tradebill', { tar_type: 'GZIP' }), new RegExp(transactionId));
    },
    'fund-flow-bill': async () => {
      assert.match(await bill('fundflowbill', { account_type: 'BASIC' }), new RegExp(transactionId));
    },
    'sensitive-fields': async () => {
      const { serial, key } =
        mode === 'certificate'
          ? { serial: setting.platformSerialNo, key: setting.platformCertificate }
          : { serial: setting.publicKeyId, key: setting.publicKey };
      const encrypted_echo_message = pay.publicEncrypt(SECRET, Buffer.from(key));
      const { status, data, error } = await pay.echo({ echo_message: 'hi', encrypted_echo_message }, serial);
      assert.equal(status, 200, error);
      assert.equal(pay.privateDecrypt(String(data?.encrypted_echo_message)), SECRET);
    },
    ...Object.fromEntries(PRODUCTS.map((product) => [`combine-${product}`, combination(product)])),
    'combine-notify': async () => {
      await person.pays(number('K-jsapi-1'));
      const notice = await listener.received(
        ({ combine_out_trade_no }) => combine_out_trade_no === number('K-jsapi'),
      );
      assert.equal((notice.sub_orders as object[]).length, 2);
    },
    'combine-query': async () => {
      const { sub_orders } = await answered('combine_query', number('K-jsapi'));
      assert.deepEqual(
        (sub_orders as { trade_state: string }[]).map(({ trade_state }) => trade_state),
        ['SUCCESS', 'SUCCESS'],
      );
    },
    'combine-close': async () => {
      const { sub_orders } = combinedBody(setting, 'native', { outTradeNo: number('K-native'), notifyUrl });
      const closed = sub_orders.map(({ out_trade_no }) => ({ mchid, out_trade_no }));
      assert.equal((await call('combine_close', number('K-native'), closed)).status, 204);
    },
    error: async () => {
      const { status, error } = await call('query', { out_trade_no: number('unknown') });
      assert.equal(status, 404);
      assert.equal((JSON.parse(error ?? '{}') as { code: string }).code, 'ORDER_NOT_EXIST');
    },
    ...(mode === 'certificate' && {
      certificates: async () => {
        const [newest] = await pay.get_certificates(apiV3Key);
        assert.equal(newest?.serial_no, setting.platformSerialNo);
      },
    }),
  };
  return { steps, close: () => listener.close() };
}

/** What the phone needs: it signs what the page or the app is given. */
function assertAnswered(product: Product, data: Record<string, unknown>): void {
  if (product === 'h5') assert.match(String(data.h5_url), /^https:/);
  else if (product === 'native') assert.match(String(data.code_url), /^weixin:/);
  else if (product === 'app') assert.match(String(data.prepayid), /^wx/);
  else assert.match(String(data.package), /^prepay_id=wx/);
}
