import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import { gunzipSync } from 'node:zlib';
import axiosPlugin from 'wechatpay-axios-plugin';
import type { ClientRun, NpmClient, Step } from './client.ts';
import { type Handled, listen } from './listener.ts';
import {
  codeBody,
  combinedBody,
  orderBody,
  PICTURE,
  PRODUCTS,
  type Product,
  REFUND,
  refundBody,
  SECRET,
  TOTAL,
} from './order-bodies.ts';
import { Person } from './person.ts';
import type { Setting } from './settings.ts';

const { Aes, Formatter, Hash, Multipart, Rsa, Wechatpay } = axiosPlugin;

type Answer = Promise<{ status: number; data: Record<string, unknown> }>;

/** As much of its chain as is used here; its own types say that each part may be missing. */
interface Chain {
  chain(path: string): {
    get(config?: object): Answer;
    post(body: object, config?: object): Answer;
  };
}

/** `wechatpay-axios-plugin` with v3. Its `baseURL` is all that is changed. */
export const axiosPluginV3: NpmClient = { sdk: 'wechatpay-axios-plugin', start };

/** The decrypted resource of a notification, called as the README of the package does. */
function handler({ apiV3Key }: Setting, certs: Record<string, string>) {
  return async (headers: IncomingHttpHeaders, body: string): Promise<Handled<Record<string, unknown>>> => {
    const header = (name: string) => String(headers[name]);
    const key = certs[header('wechatpay-serial')];
    assert.ok(key, `no key ${header('wechatpay-serial')}`);
    const message = Formatter.joinedByLineFeed(
      header('wechatpay-timestamp'),
      header('wechatpay-nonce'),
      body,
    );
    assert.ok(Rsa.verify(message, header('wechatpay-signature'), key), 'the signature does not match');
    const { resource } = JSON.parse(body) as {
      resource: { ciphertext: string; nonce: string; associated_data: string };
    };
    const { ciphertext, nonce, associated_data } = resource;
    const plaintext = Aes.AesGcm.decrypt(ciphertext, apiV3Key, nonce, associated_data);
    return { notice: JSON.parse(plaintext) as Record<string, unknown>, status: 204 };
  };
}

async function start(setting: Setting): Promise<ClientRun> {
  const { mode, role, mchid, subMchid, appid, serialNo, privateKey, baseUrl } = setting;
  const wanted =
    mode === 'certificate'
      ? { serial: setting.platformSerialNo, key: setting.platformCertificate }
      : { serial: setting.publicKeyId, key: setting.publicKey };
  const certs = { [wanted.serial]: wanted.key };
  const pay = new Wechatpay({
    mchid,
    serial: serialNo,
    privateKey,
    certs,
    baseURL: baseUrl,
    // Merchants with a public key have to name it, or the answer is signed with the certificate.
    ...(mode === 'public-key' && { headers: { 'Wechatpay-Serial': wanted.serial } }),
    proxy: false,
  }) as unknown as Chain;
  const listener = await listen(handler(setting, certs));
  const person = new Person(setting);
  const notifyUrl = listener.url;
  const number = (name: string) =>
    `AX${mode === 'certificate' ? 'C' : 'P'}${role === 'direct' ? 'D' : 'P'}-${name}`;
  const transactions = role === 'direct' ? 'v3/pay/transactions' : 'v3/pay/partner/transactions';
  const owner = role === 'direct' ? { mchid } : { sp_mchid: mchid, sub_mchid: subMchid };
  let transactionId = '';
  let billDate = '';

  const order =
    (product: Product): Step =>
    async () => {
      const outTradeNo = number(product);
      const { data } = await pay
        .chain(`${transactions}/${product}`)
        .post(orderBody(setting, product, { outTradeNo, notifyUrl }));
      assertAnswered(product, data);
    };
  const combination =
    (product: Product): Step =>
    async () => {
      const outTradeNo = number(`K-${product}`);
      const { data } = await pay
        .chain(`v3/combine-transactions/${product}`)
        .post(combinedBody(setting, product, { outTradeNo, notifyUrl }));
      assertAnswered(product, data);
    };
  const query = async (outTradeNo: string) =>
    (
      await pay
        .chain(`${transactions}/out-trade-no/{out_trade_no}`)
        .get({ params: owner, out_trade_no: outTradeNo })
    ).data;

  /** It verifies whatever has another path than this, so that the address has to be given in parts. */
  const download = async (url: string): Promise<Buffer> => {
    const { pathname, searchParams } = new URL(url);
    const { data } = await pay
      .chain(pathname.slice(1))
      .get({ params: Object.fromEntries(searchParams), responseType: 'arraybuffer' });
    assert.ok(Buffer.isBuffer(data));
    return data;
  };
  const bill = async (path: string, params: object): Promise<string> => {
    const { data } = await pay.chain(`v3/bill/${path}`).get({ params: { bill_date: billDate, ...params } });
    const file = await download(String(data.download_url));
    const content = 'tar_type' in params ? gunzipSync(file) : file;
    assert.equal(Hash.sha1(content), data.hash_value);
    return content.toString('utf8');
  };
  /** A bill of a sub-merchant's account is encrypted under a key that only the service provider can read. */
  const encryptedBill = async (): Promise<string> => {
    const { data } = await pay.chain('v3/bill/sub-merchant-fundflowbill').get({
      params: {
        sub_mchid: subMchid,
        bill_date: billDate,
        account_type: 'BASIC',
        algorithm: 'AEAD_AES_256_GCM',
      },
    });
    const [part] = data.download_bill_list as Record<
      'download_url' | 'encrypt_key' | 'nonce' | 'hash_value',
      string
    >[];
    assert.ok(part);
    const file = (await download(part.download_url)).toString('base64');
    const content = Aes.AesGcm.decrypt(file, Rsa.decrypt(part.encrypt_key, privateKey), part.nonce);
    assert.equal(Hash.sha1(content), part.hash_value);
    return content;
  };
  const forSub = role === 'partner' ? { sub_mchid: subMchid } : {};

  const steps: Record<string, Step> = {
    ...Object.fromEntries(PRODUCTS.map((product) => [product, order(product)])),
    'query-by-out-trade-no': async () => {
      const { trade_state, out_trade_no } = await query(number('jsapi'));
      assert.deepEqual(
        { trade_state, out_trade_no },
        { trade_state: 'NOTPAY', out_trade_no: number('jsapi') },
      );
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
      const { data } = await pay
        .chain(`${transactions}/id/{transaction_id}`)
        .get({ params: owner, transaction_id: transactionId });
      assert.equal(data.trade_state, 'SUCCESS');
      assert.equal(data.out_trade_no, number('jsapi'));
    },
    close: async () => {
      const { status } = await pay
        .chain(`${transactions}/out-trade-no/{out_trade_no}/close`)
        .post(owner, { out_trade_no: number('native') });
      assert.equal(status, 204);
      assert.equal((await query(number('native'))).trade_state, 'CLOSED');
    },
    refund: async () => {
      const { data } = await pay.chain('v3/refund/domestic/refunds').post(
        refundBody(setting, {
          outTradeNo: number('jsapi'),
          outRefundNo: number('refund'),
          notifyUrl,
        }),
      );
      assert.equal(data.status, 'PROCESSING');
    },
    'notify-refund': async () => {
      await person.getsRefund(number('refund'));
      const notice = await listener.received(({ out_refund_no }) => out_refund_no === number('refund'));
      assert.equal(notice.refund_status, 'SUCCESS');
      assert.equal((notice.amount as { refund: number }).refund, REFUND);
    },
    'refund-query': async () => {
      const { data } = await pay.chain('v3/refund/domestic/refunds/{out_refund_no}').get({
        ...(role === 'partner' && { params: { sub_mchid: subMchid } }),
        out_refund_no: number('refund'),
      });
      assert.equal(data.status, 'SUCCESS');
      assert.equal(data.transaction_id, transactionId);
    },
    'trade-bill': async () => {
      const { rows } = Formatter.castCsvBill(await bill('tradebill', forSub)) as { rows: object[] };
      assert.ok(rows.some((row) => Object.values(row).includes(number('jsapi'))));
    },
    'trade-bill-gzip': async () => {
      assert.match(await bill('tradebill', { ...forSub, tar_type: 'GZIP' }), new RegExp(transactionId));
    },
    'fund-flow-bill': async () => {
      const text =
        role === 'direct' ? await bill('fundflowbill', { account_type: 'BASIC' }) : await encryptedBill();
      assert.match(text, new RegExp(transactionId));
    },
    'sensitive-fields': async () => {
      const { data } = await pay
        .chain('v3/security/echo')
        .post(
          { echo_message: 'hi', encrypted_echo_message: Rsa.encrypt(SECRET, wanted.key) },
          { headers: { 'Wechatpay-Serial': wanted.serial } },
        );
      assert.equal(Rsa.decrypt(String(data.encrypted_echo_message), privateKey), SECRET);
    },
    codepay: async () => {
      const { data } = await pay.chain(`${transactions}/codepay`).post(codeBody(setting, number('code')));
      assert.equal(data.trade_state, 'SUCCESS');
      assert.equal(data.trade_type, 'MICROPAY');
    },
    reverse: async () => {
      const body = role === 'direct' ? { appid, mchid } : { sp_appid: appid, ...owner };
      const { data } = await pay
        .chain(`${transactions}/out-trade-no/{out_trade_no}/reverse`)
        .post(body, { out_trade_no: number('code') });
      assert.equal(data.out_trade_no, number('code'));
      assert.equal((await query(number('code'))).trade_state, 'REVOKED');
    },
    ...Object.fromEntries(PRODUCTS.map((product) => [`combine-${product}`, combination(product)])),
    'combine-notify': async () => {
      await person.pays(number('K-jsapi-1'));
      const notice = await listener.received(
        ({ combine_out_trade_no }) => combine_out_trade_no === number('K-jsapi'),
      );
      assert.deepEqual(
        (notice.sub_orders as { trade_state: string }[]).map(({ trade_state }) => trade_state),
        ['SUCCESS', 'SUCCESS'],
      );
    },
    'combine-query': async () => {
      const { data } = await pay
        .chain('v3/combine-transactions/out-trade-no/{combine_out_trade_no}')
        .get({ combine_out_trade_no: number('K-jsapi') });
      assert.equal((data.sub_orders as object[]).length, 2);
    },
    'combine-close': async () => {
      const { sub_orders } = combinedBody(setting, 'native', { outTradeNo: number('K-native'), notifyUrl });
      const { status } = await pay
        .chain('v3/combine-transactions/out-trade-no/{combine_out_trade_no}/close')
        .post(
          {
            combine_appid: appid,
            sub_orders: sub_orders.map(({ out_trade_no }) => ({
              mchid,
              ...(role === 'partner' && { sub_mchid: subMchid }),
              out_trade_no,
            })),
          },
          { combine_out_trade_no: number('K-native') },
        );
      assert.equal(status, 204);
    },
    complaint: async () => {
      const complaint_id = await person.complains(number('jsapi'));
      const complaint = pay.chain('v3/merchant-service/complaints-v2/{complaint_id}');
      const { data } = await complaint.get({ complaint_id });
      assert.equal(data.complaint_state, 'PENDING');
      assert.match(Rsa.decrypt(String(data.payer_phone), privateKey), /^1\d{10}$/);
      const reply = { complainted_mchid: data.complainted_mchid, response_content: 'we look into it' };
      const { status } = await pay
        .chain('v3/merchant-service/complaints-v2/{complaint_id}/response')
        .post(reply, { complaint_id });
      assert.equal(status, 204);
      assert.equal((await complaint.get({ complaint_id })).data.complaint_state, 'PROCESSING');
    },
    'complaint-image': async () => {
      const meta = { filename: 'tea.png', sha256: Hash.sha256(PICTURE) };
      const form = new Multipart();
      form.append('meta', JSON.stringify(meta));
      form.append('file', PICTURE, meta.filename);
      // As bytes, because axios would write the form again and leave the name of the file out.
      const { data } = await pay
        .chain('v3/merchant-service/images/upload')
        .post(form.getBuffer(), { meta, headers: form.getHeaders() });
      const image = await pay
        .chain('v3/merchant-service/images/{media_id}')
        .get({ media_id: data.media_id, responseType: 'arraybuffer' });
      assert.deepEqual(image.data, PICTURE);
    },
    error: async () => {
      await assert.rejects(
        query(number('unknown')),
        ({ response }: { response: { status: number; data: { code: string } } }) => {
          assert.equal(response.status, 404);
          assert.equal(response.data.code, 'ORDER_NOT_EXIST');
          return true;
        },
      );
    },
    ...(mode === 'certificate' && {
      certificates: async () => {
        const { data } = await pay.chain('v3/certificates').get();
        const [newest] = data.data as {
          serial_no: string;
          encrypt_certificate: { ciphertext: string; nonce: string; associated_data: string };
        }[];
        assert.ok(newest);
        const { ciphertext, nonce, associated_data } = newest.encrypt_certificate;
        assert.equal(newest.serial_no, wanted.serial);
        assert.equal(Aes.AesGcm.decrypt(ciphertext, setting.apiV3Key, nonce, associated_data), wanted.key);
      },
    }),
  };
  return { steps, close: () => listener.close() };
}

/** What the phone needs. */
export function assertAnswered(product: Product, data: Record<string, unknown>): void {
  if (product === 'h5') assert.match(String(data.h5_url), /^https:/);
  else if (product === 'native') assert.match(String(data.code_url), /^weixin:/);
  else assert.match(String(data.prepay_id), /^wx/);
}
