import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';
import { Agent } from 'undici';
import { type Simulator, startSimulator } from '../../../simulator/index.ts';
import { merchantCertificate } from '../../../simulator/keys/certificate.ts';
import { OutcomeUnknownError, RequestRejectedError } from '../../../wechatpay/errors.ts';
import { V2 } from '../../../wechatpay/v2/client.ts';
import type { V2SignType } from '../../../wechatpay/v2/signature.ts';

const AUTH_CODE = '134567890123456789';
const START = Date.parse('2026-03-01T12:00:00+08:00');
const ORDER = {
  body: 'Tea set',
  total_fee: 2590,
  spbill_create_ip: '203.0.113.9',
  notify_url: 'https://pay.example.com/wx',
  trade_type: 'NATIVE',
  product_id: 'tea',
} as const;
const COUNTER = { body: 'Tea set', total_fee: 2590, spbill_create_ip: '203.0.113.9' };
const TERMINAL = { store_id: '1', store_name: 'Harbour', device_id: 'POS7', rawdata: 'raw' };

describe('simulator: v2 clients', () => {
  let simulator: Simulator;
  let cert: string;
  let now: number;
  before(async () => {
    simulator = await startSimulator({
      tls: true,
      clock: () => now,
      notifyDelayMs: 1e8,
      refundDelayMs: Number.POSITIVE_INFINITY,
    });
    cert = await merchantCertificate(simulator.merchant);
  });
  beforeEach(() => {
    now = START;
    simulator.gateway.reset();
  });
  after(() => simulator.close());
  const toNextDay = () => {
    now = START + 24 * 3600_000;
  };

  it('wechatpay/v2 asks for the key of the sandbox, and orders and refunds there without a certificate', async () => {
    const { merchant, baseUrl } = simulator;
    const options = { mchid: merchant.mchid, appid: merchant.appid, baseUrl, clock: () => now };
    const outside = new V2({ ...options, apiV2Key: merchant.apiV2Key });
    const { sandbox_signkey: apiV2Key } = await outside.getSignKey();
    const inside = new V2({ ...options, apiV2Key, sandbox: true });
    await inside.unifiedOrder({ ...ORDER, out_trade_no: 'SANDBOX1' });
    assert.equal((await inside.orderQuery({ out_trade_no: 'SANDBOX1' })).trade_state, 'NOTPAY');
    simulator.gateway.pay('SANDBOX1');
    const refund = { out_trade_no: 'SANDBOX1', out_refund_no: 'SANDBOXR1', total_fee: 2590, refund_fee: 1 };
    assert.equal((await inside.refund(refund)).refund_fee, 1);
    // What is not of payments is not in the sandbox.
    await assert.rejects(inside.authCodeToOpenid({ auth_code: AUTH_CODE }));
    await Promise.all([outside.close(), inside.close()]);
  });

  for (const signType of ['MD5', 'HMAC-SHA256'] as V2SignType[]) {
    describe(`wechatpay/v2 under ${signType}`, () => {
      let v2: V2;
      let agent: Agent;
      beforeEach(() => {
        const { merchant, ca = '', tlsBaseUrl = '' } = simulator;
        agent = new Agent({ connect: { ca } });
        v2 = new V2({
          mchid: merchant.mchid,
          appid: merchant.appid,
          apiV2Key: merchant.apiV2Key,
          signType,
          baseUrl: tlsBaseUrl,
          clientCertificate: { cert, key: merchant.privateKeyPem, ca },
          clock: () => now,
          dispatcher: agent,
        });
      });
      afterEach(async () => {
        await v2.close();
        await agent.close();
      });

      it('orders, queries, refunds in parts, and reads the bills of the day', async () => {
        const { code_url } = await v2.unifiedOrder({ ...ORDER, out_trade_no: 'CLIENT1' });
        assert.equal((await v2.orderQuery({ out_trade_no: 'CLIENT1' })).trade_state, 'NOTPAY');
        simulator.gateway.pay('CLIENT1', { codeUrl: code_url ?? '', coupon: { amount: 200 } });
        const paid = await v2.orderQuery({ out_trade_no: 'CLIENT1' });
        assert.deepEqual(
          [paid.trade_state, paid.total_fee, paid.cash_fee, paid.coupons.length],
          ['SUCCESS', 2590, 2390, 1],
        );
        for (const [out_refund_no, refund_fee] of [
          ['VR1', 1000],
          ['VR2', 1590],
        ] as const) {
          const refund = { out_trade_no: 'CLIENT1', out_refund_no, total_fee: 2590, refund_fee };
          assert.equal((await v2.refund(refund)).refund_fee, refund_fee);
        }
        simulator.gateway.finishRefund('VR1', 'SUCCESS');
        const { refunds } = await v2.refundQuery({ out_trade_no: 'CLIENT1' });
        assert.deepEqual(
          refunds.map(({ refund_status, coupons }) => [refund_status, coupons[0]?.coupon_refund_fee]),
          [
            ['SUCCESS', 77],
            ['PROCESSING', 123],
          ],
        );
        toNextDay();
        for (const tar_type of [undefined, 'GZIP'] as const) {
          const packing = tar_type ? { tar_type } : {};
          const bill = await text(await v2.downloadBill({ bill_date: '20260301', ...packing }));
          assert.match(bill, /`CLIENT1,/);
          const flow = { bill_date: '20260301', account_type: 'Basic', ...packing } as const;
          assert.match(await text(await v2.downloadFundFlow(flow)), /记账时间/);
        }
        await assert.rejects(
          v2.downloadBill({ bill_date: '20260228' }),
          (error) => error instanceof RequestRejectedError && error.code === 'NO_STATEMENT_EXIST',
        );
      });

      it('closes, and is told that an order is paid', async () => {
        await v2.unifiedOrder({ ...ORDER, out_trade_no: 'CLIENT2' });
        await v2.unifiedOrder({ ...ORDER, out_trade_no: 'CLIENT3' });
        now += 5 * 60_000;
        await v2.closeOrder({ out_trade_no: 'CLIENT2' });
        assert.equal((await v2.orderQuery({ out_trade_no: 'CLIENT2' })).trade_state, 'CLOSED');
        simulator.gateway.pay('CLIENT3');
        await assert.rejects(
          v2.closeOrder({ out_trade_no: 'CLIENT3' }),
          (error) => error instanceof RequestRejectedError && error.code === 'ORDER_PAID',
        );
      });

      it('charges codes and faces, waits for passwords and reverses', async () => {
        const paid = await v2.micropay({ ...COUNTER, out_trade_no: 'CLIENT4', auth_code: AUTH_CODE });
        assert.equal((await v2.authCodeToOpenid({ auth_code: AUTH_CODE })).openid, paid.openid);
        const large = { ...COUNTER, total_fee: 100_000, out_trade_no: 'CLIENT5', auth_code: AUTH_CODE };
        await assert.rejects(
          v2.micropay(large),
          (error) => error instanceof OutcomeUnknownError && error.code === 'USER_PAYING',
        );
        assert.equal((await v2.orderQuery({ out_trade_no: 'CLIENT5' })).trade_state, 'USERPAYING');
        assert.equal((await v2.reverse({ out_trade_no: 'CLIENT5' })).recall, 'N');
        assert.equal((await v2.orderQuery({ out_trade_no: 'CLIENT5' })).trade_state, 'REVOKED');
        const face = { ...COUNTER, fee_type: 'CNY', out_trade_no: 'CLIENT6', face_code: 'face' };
        assert.equal((await v2.facepay(face)).trade_type, 'FACEPAY');
        assert.equal((await v2.facepayQuery({ out_trade_no: 'CLIENT6' })).trade_state, 'SUCCESS');
        assert.equal((await v2.facepayReverse({ out_trade_no: 'CLIENT6' })).recall, 'N');
        assert.equal((await v2.getWxpayfaceAuthinfo(TERMINAL)).expires_in, 86_400);
        await v2.report({
          interface_url: 'https://api.mch.weixin.qq.com/pay/micropay',
          execute_time_: 20,
          return_code: 'SUCCESS',
          result_code: 'SUCCESS',
          user_ip: '203.0.113.9',
        });
      });
    });
  }

  describe('npm wechatpay-axios-plugin', () => {
    type Call = (elements: object, config?: object) => Promise<{ data: Record<string, string> }>;
    // biome-ignore lint/suspicious/noExplicitAny: the plugin makes a client of any path.
    let pay: any;
    let common: { appid: string; mch_id: string };
    let secure: object;
    const call = (path: string, elements: object, config: object = {}) =>
      (path.split('.').reduce((client, part) => client[part], pay.v2).post as Call)(
        { ...common, ...elements },
        config,
      ).then(({ data }) => data);

    before(() => {
      const { merchant, ca, tlsBaseUrl = '' } = simulator;
      const { Wechatpay } = createRequire(import.meta.url)('wechatpay-axios-plugin');
      pay = new Wechatpay({
        baseURL: `${tlsBaseUrl}/`,
        mchid: merchant.mchid,
        serial: merchant.serialNo,
        privateKey: merchant.privateKeyPem,
        certs: { [merchant.publicKeyId]: merchant.publicKeyPem },
        secret: merchant.apiV2Key,
        merchant: { cert, key: merchant.privateKeyPem, ca },
      });
      common = { appid: merchant.appid, mch_id: merchant.mchid };
      // Its switch for calls that show the certificate, and here also for whom to trust.
      secure = { security: true };
    });

    it('orders, queries, refunds and closes', async () => {
      const order = { ...ORDER, out_trade_no: 'PLUGIN1' };
      const created = await call('pay.unifiedorder', order, secure);
      simulator.gateway.pay('PLUGIN1', { codeUrl: created.code_url ?? '' });
      const asked = await call(
        'pay.orderquery',
        { out_trade_no: 'PLUGIN1', sign_type: 'HMAC-SHA256' },
        secure,
      );
      assert.deepEqual([asked.trade_state, asked.sign?.length], ['SUCCESS', 64]);
      const refund = { out_trade_no: 'PLUGIN1', out_refund_no: 'PR1', total_fee: 2590, refund_fee: 1000 };
      assert.equal((await call('secapi.pay.refund', refund, secure)).refund_fee, '1000');
      const refunds = await call('pay.refundquery', { out_refund_no: 'PR1' }, secure);
      assert.equal(refunds.refund_status_0, 'PROCESSING');
      await call('pay.unifiedorder', { ...order, out_trade_no: 'PLUGIN2' }, secure);
      now += 5 * 60_000;
      assert.equal(
        (await call('pay.closeorder', { out_trade_no: 'PLUGIN2' }, secure)).result_code,
        'SUCCESS',
      );
      await assert.rejects(call('pay.closeorder', { out_trade_no: 'PLUGIN2' }, secure), (error: Error) => {
        const { response } = error as Error & { response: { data: Record<string, string> } };
        assert.equal(response.data.err_code, 'ORDERCLOSED');
        return true;
      });
    });

    it('charges codes, reverses and reads bills', async () => {
      const counter = { ...COUNTER, out_trade_no: 'PLUGIN3', auth_code: AUTH_CODE };
      assert.equal((await call('pay.micropay', counter, secure)).trade_type, 'MICROPAY');
      const owner = await call('tools.authcodetoopenid', { auth_code: AUTH_CODE }, secure);
      assert.match(owner.openid ?? '', /^o/);
      assert.equal((await call('secapi.pay.reverse', { out_trade_no: 'PLUGIN3' }, secure)).recall, 'N');
      toNextDay();
      const bill = await call(
        'pay.downloadbill',
        { bill_date: '20260301' },
        { ...secure, transformResponse: [(body: string) => body] },
      );
      assert.match(String(bill), /`PLUGIN3,/);
      const key = await call('xdc.apiv2getsignkey.sign.getsignkey', {}, secure);
      assert.match(key.sandbox_signkey ?? '', /^\w{32}$/);
    });
  });
});
