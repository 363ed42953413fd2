import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Agent } from 'node:https';
import { gunzipSync } from 'node:zlib';
import axiosPlugin from 'wechatpay-axios-plugin';
import type { ClientRun, NpmClient, Step } from './client.ts';
import { type Handled, listen } from './listener.ts';
import { REFUND, TOTAL } from './order-bodies.ts';
import { Person } from './person.ts';
import type { Setting } from './settings.ts';

const { Aes, Hash, Transformer, Wechatpay } = axiosPlugin;

type Elements = Record<string, string>;

/** As much of its chain as is used here. */
interface Chain {
  chain(path: string): {
    post(body: object, config?: object): Promise<{ data: unknown; headers: Record<string, string> }>;
  };
}

/** How v2 signs; the first is what it means when nothing is said. */
export const SIGN_TYPES = { md5: 'MD5', 'hmac-sha256': 'HMAC-SHA256' } as const;
export type SignMode = keyof typeof SIGN_TYPES;

/** `wechatpay-axios-plugin` with v2, over HTTPS because refunds and reversals show the merchant certificate. */
export function axiosPluginV2(mode: SignMode): NpmClient {
  return { sdk: 'wechatpay-axios-plugin-v2', start: (setting) => start(setting, mode) };
}

const TRADE_TYPES = { jsapi: 'JSAPI', app: 'APP', h5: 'MWEB', native: 'NATIVE' } as const;
const OPENID = 'oA1bC2dE3fG4hI5jK6lM7nO8pQ9r';
const IP = '203.0.113.9';

async function start(setting: Setting, mode: SignMode): Promise<ClientRun> {
  const { role, mchid, appid, subMchid, subAppid, apiV2Key, tlsBaseUrl, ca } = setting;
  const signType = SIGN_TYPES[mode];
  const pay = new Wechatpay({
    mchid,
    serial: setting.serialNo,
    privateKey: setting.privateKey,
    certs: { [setting.publicKeyId]: setting.publicKey },
    secret: apiV2Key,
    merchant: { cert: setting.certificate, key: setting.privateKey, ca },
    baseURL: tlsBaseUrl,
    httpsAgent: new Agent({ ca }),
    proxy: false,
  }) as unknown as Chain;
  const person = new Person(setting);
  const owner: Elements = {
    appid,
    mch_id: mchid,
    ...(role === 'partner' && { sub_mch_id: subMchid, sub_appid: subAppid }),
    ...(signType !== 'MD5' && { sign_type: signType }),
  };

  /** As its README has it: the signature of a payment, the encrypted part of a refund. */
  const handler = async (_headers: object, body: string): Promise<Handled<Elements>> => {
    const elements = Transformer.toObject(body) as Elements;
    assert.equal(elements.return_code, 'SUCCESS');
    const status = 200;
    const reply = Transformer.toXml({ return_code: 'SUCCESS', return_msg: 'OK' });
    if (elements.req_info) {
      const xml = Aes.AesEcb.decrypt(elements.req_info, Hash.md5(apiV2Key));
      return { notice: Transformer.toObject(xml) as Elements, status, body: reply };
    }
    const { sign, ...signed } = elements;
    assert.equal(Hash.sign(signType, signed, apiV2Key), sign, 'the signature does not match');
    return { notice: elements, status, body: reply };
  };
  const listener = await listen(handler);
  const notifyUrl = listener.url;
  const number = (name: string) => `V2${mode === 'md5' ? 'M' : 'H'}${role === 'direct' ? 'D' : 'P'}-${name}`;
  let transactionId = '';
  let billDate = '';

  const post = async (path: string, elements: Elements, config?: object): Promise<Elements> =>
    (await pay.chain(`v2/${path}`).post({ ...owner, ...elements }, config)).data as Elements;
  const secure = { security: true };
  const payer: Elements = role === 'direct' ? { openid: OPENID } : { sub_openid: OPENID };

  const order =
    (product: keyof typeof TRADE_TYPES): Step =>
    async () => {
      const answer = await post('pay/unifiedorder', {
        body: '茶具 “Tea set” <&>',
        out_trade_no: number(product),
        total_fee: String(TOTAL),
        spbill_create_ip: IP,
        attach: 'c=1',
        notify_url: notifyUrl,
        trade_type: TRADE_TYPES[product],
        ...(product === 'jsapi' ? payer : {}),
        ...(product === 'native' ? { product_id: '88' } : {}),
      });
      assert.match(String(answer.prepay_id), /^wx/);
      if (product === 'native') assert.match(String(answer.code_url), /^weixin:/);
      if (product === 'h5') assert.match(String(answer.mweb_url), /^https:/);
    };
  /** A file is not XML: its bytes are left as they are. */
  const file = async (path: string, elements: Elements, config?: object) => {
    const { data, headers } = await pay
      .chain(`v2/${path}`)
      .post(
        { ...owner, bill_date: billDate, ...elements },
        { responseType: 'arraybuffer', transformResponse: [(bytes: Buffer) => bytes], ...config },
      );
    assert.ok(Buffer.isBuffer(data));
    return { content: 'tar_type' in elements ? gunzipSync(data) : data, headers };
  };
  const query = (numbers: Elements) => post('pay/orderquery', numbers);

  const steps: Record<string, Step> = {
    jsapi: order('jsapi'),
    app: order('app'),
    h5: order('h5'),
    native: order('native'),
    'query-by-out-trade-no': async () => {
      assert.equal((await query({ out_trade_no: number('jsapi') })).trade_state, 'NOTPAY');
    },
    'notify-payment': async () => {
      await person.pays(number('jsapi'));
      const notice = await listener.received(
        ({ out_trade_no, req_info, refund_id }) =>
          out_trade_no === number('jsapi') && !req_info && !refund_id,
      );
      assert.deepEqual([notice.result_code, notice.total_fee], ['SUCCESS', String(TOTAL)]);
      transactionId = String(notice.transaction_id);
      billDate = String(notice.time_end).slice(0, 8);
    },
    'query-by-transaction-id': async () => {
      const { trade_state, out_trade_no } = await query({ transaction_id: transactionId });
      assert.deepEqual([trade_state, out_trade_no], ['SUCCESS', number('jsapi')]);
    },
    close: async () => {
      await post('pay/closeorder', { out_trade_no: number('native') });
      assert.equal((await query({ out_trade_no: number('native') })).trade_state, 'CLOSED');
    },
    refund: async () => {
      const refund = await post(
        'secapi/pay/refund',
        {
          transaction_id: transactionId,
          out_refund_no: number('refund'),
          total_fee: String(TOTAL),
          refund_fee: String(REFUND),
          notify_url: notifyUrl,
        },
        secure,
      );
      assert.equal(refund.refund_fee, String(REFUND));
    },
    'notify-refund': async () => {
      await person.getsRefund(number('refund'));
      const notice = await listener.received(({ out_refund_no }) => out_refund_no === number('refund'));
      assert.deepEqual([notice.refund_status, notice.refund_fee], ['SUCCESS', String(REFUND)]);
    },
    'refund-query': async () => {
      const refund = await post('pay/refundquery', { out_refund_no: number('refund') });
      assert.deepEqual([refund.refund_status_0, refund.transaction_id], ['SUCCESS', transactionId]);
    },
    'trade-bill': async () => {
      const { content } = await file('pay/downloadbill', { bill_type: 'ALL' });
      assert.match(content.toString('utf8'), new RegExp(transactionId));
    },
    'trade-bill-gzip': async () => {
      const { content } = await file('pay/downloadbill', { bill_type: 'ALL', tar_type: 'GZIP' });
      assert.match(content.toString('utf8'), new RegExp(transactionId));
    },
    // The money of a sub-merchant's orders is not on the service provider's account.
    ...(role === 'direct' && {
      'fund-flow-bill': async () => {
        const { content, headers } = await file(
          'pay/downloadfundflow',
          { account_type: 'Basic', sign_type: 'HMAC-SHA256' },
          secure,
        );
        assert.match(content.toString('utf8'), new RegExp(transactionId));
        assert.equal(headers.digest, `SHA=${createHash('sha1').update(content).digest('hex')}`);
      },
    }),
    micropay: async () => {
      const paid = await post('pay/micropay', {
        body: 'Tea set',
        out_trade_no: number('code'),
        total_fee: String(TOTAL),
        spbill_create_ip: IP,
        auth_code: '134567890123456789',
      });
      assert.deepEqual([paid.trade_type, paid.total_fee], ['MICROPAY', String(TOTAL)]);
    },
    reverse: async () => {
      const { recall } = await post('secapi/pay/reverse', { out_trade_no: number('code') }, secure);
      assert.equal(recall, 'N');
      assert.equal((await query({ out_trade_no: number('code') })).trade_state, 'REVOKED');
    },
    error: async () => {
      await assert.rejects(
        query({ out_trade_no: number('unknown') }),
        ({ response }: { response: { data: Elements } }) => {
          assert.equal(response.data.err_code, 'ORDERNOTEXIST');
          return true;
        },
      );
    },
  };
  return { steps, close: () => listener.close() };
}
