import assert from 'node:assert/strict';
import fc from 'fast-check';
import axiosPlugin from 'wechatpay-axios-plugin';
import Pay from 'wechatpay-node-v3';
import {
  type AppInvocation,
  type JsapiInvocation,
  WechatPay,
  WechatPayPartner,
} from '../../../wechatpay/index.ts';
import { verifyMessage } from '../../../wechatpay/v3/signature.ts';
import { API_V3_KEY, APPID, keys, MCHID, options, SERIAL_NO } from './signing-gateway.ts';

const { Formatter, Rsa } = axiosPlugin;

const PREPAY_ID = 'wx20260301120000a1b2c3d4e5f607181920';
const NOW = Date.parse('2026-03-01T12:00:00.999+08:00');
const SECONDS = '1772337600';
const NONCE = '593BEC0C930BF1AFEB40B4A08C8FB242';
const privatePem = keys.privatePem(keys.merchant);

/** Whether the merchant's key signed these lines. */
const signs = (signature: string, ...lines: string[]) =>
  verifyMessage(lines.map((line) => `${line}\n`).join(''), signature, keys.merchantPublic);

/** What wechatpay-node-v3 makes of a prepay_id for the front end: it answers with that in place of the gateway's answer. */
async function peerParameters(product: 'jsapi' | 'app'): Promise<Record<string, string>> {
  const peer = new Pay({
    appid: APPID,
    mchid: MCHID,
    serial_no: SERIAL_NO,
    publicKey: Buffer.from(keys.publicPem(keys.merchant)),
    privateKey: Buffer.from(privatePem),
    key: API_V3_KEY,
  });
  const answer = async () => ({ status: 200, data: { prepay_id: PREPAY_ID } });
  peer.createHttp({ get: answer, post: answer, upload: answer });
  const order = {
    description: 'Tea',
    out_trade_no: 'T1',
    notify_url: 'https://pay.example.com/wx',
    amount: { total: 1 },
    payer: { openid: 'oA' },
  };
  const { data } =
    product === 'jsapi' ? await peer.transactions_jsapi(order) : await peer.transactions_app(order);
  return data as Record<string, string>;
}

describe('what a front end needs to open the cashier', () => {
  const pay = new WechatPay({ ...options(), clock: () => NOW, nonce: () => NONCE });
  after(() => pay.close());

  describe('on a page inside of WeChat', () => {
    it('the parameters are those of getBrandWCPayRequest, signed with the merchant’s key', () => {
      const { paySign, ...parameters } = pay.invocation.jsapi(PREPAY_ID);
      assert.deepEqual(parameters, {
        appId: APPID,
        timeStamp: SECONDS,
        nonceStr: NONCE,
        package: `prepay_id=${PREPAY_ID}`,
        signType: 'RSA',
      });
      assert.ok(signs(paySign, APPID, SECONDS, NONCE, `prepay_id=${PREPAY_ID}`));
      assert.ok(!signs(paySign, APPID, SECONDS, NONCE, PREPAY_ID));
    });

    it('the signature is the one that wechatpay-axios-plugin makes', () => {
      const lines = Formatter.joinedByLineFeed(APPID, SECONDS, NONCE, `prepay_id=${PREPAY_ID}`);
      assert.equal(pay.invocation.jsapi(PREPAY_ID).paySign, Rsa.sign(lines, privatePem));
    });

    it('wechatpay-node-v3 makes the same parameters', async () => {
      const theirs = await peerParameters('jsapi');
      const { timeStamp = '', nonceStr = '' } = theirs;
      const ours = new WechatPay({
        ...options(),
        clock: () => Number(timeStamp) * 1000,
        nonce: () => nonceStr,
      });
      assert.deepEqual(ours.invocation.jsapi(PREPAY_ID), theirs);
      await ours.close();
    });

    it('a page of a sub-merchant runs under its own appid, and the service provider signs', async () => {
      const partner = new WechatPayPartner({ ...options(), clock: () => NOW, nonce: () => NONCE });
      const { appId, paySign } = partner.invocation.jsapi(PREPAY_ID, { appId: 'wxSUB' });
      assert.equal(appId, 'wxSUB');
      assert.ok(signs(paySign, 'wxSUB', SECONDS, NONCE, `prepay_id=${PREPAY_ID}`));
      await partner.close();
    });
  });

  describe('in a mini program', () => {
    it('the parameters are the same without the appid, which is signed all the same', () => {
      const { appId: _, ...page } = pay.invocation.jsapi(PREPAY_ID);
      const parameters = pay.invocation.miniProgram(PREPAY_ID);
      assert.deepEqual(parameters, page);
      assert.ok(!('appId' in parameters));
      assert.ok(signs(parameters.paySign, APPID, SECONDS, NONCE, `prepay_id=${PREPAY_ID}`));
    });

    it('the appid that is signed is the mini program’s own, where it is another one', () => {
      const { paySign } = pay.invocation.miniProgram(PREPAY_ID, { appId: 'wxMINI' });
      assert.ok(signs(paySign, 'wxMINI', SECONDS, NONCE, `prepay_id=${PREPAY_ID}`));
      const lines = Formatter.joinedByLineFeed('wxMINI', SECONDS, NONCE, `prepay_id=${PREPAY_ID}`);
      assert.equal(paySign, Rsa.sign(lines, privatePem));
    });
  });

  describe('in an app', () => {
    it('the parameters are those of PayReq, and the bare prepay_id is signed', () => {
      const { sign, ...parameters } = pay.invocation.app(PREPAY_ID);
      assert.deepEqual(parameters, {
        appId: APPID,
        partnerId: MCHID,
        prepayId: PREPAY_ID,
        packageValue: 'Sign=WXPay',
        nonceStr: NONCE,
        timeStamp: SECONDS,
      });
      assert.ok(signs(sign, APPID, SECONDS, NONCE, PREPAY_ID));
      assert.ok(!signs(sign, APPID, SECONDS, NONCE, `prepay_id=${PREPAY_ID}`));
      assert.equal(sign, Rsa.sign(Formatter.joinedByLineFeed(APPID, SECONDS, NONCE, PREPAY_ID), privatePem));
    });

    it('wechatpay-node-v3 makes the same parameters, under the names of iOS', async () => {
      const theirs = await peerParameters('app');
      const { timestamp = '', noncestr = '' } = theirs;
      const ours = new WechatPay({
        ...options(),
        clock: () => Number(timestamp) * 1000,
        nonce: () => noncestr,
      });
      const { packageValue, ...rest }: AppInvocation = ours.invocation.app(PREPAY_ID);
      const named = Object.entries({ ...rest, package: packageValue });
      assert.deepEqual(Object.fromEntries(named.map(([name, value]) => [name.toLowerCase(), value])), theirs);
      await ours.close();
    });

    it('an app of a sub-merchant has its own appid, and the service provider’s mchid as partnerId', async () => {
      const partner = new WechatPayPartner({ ...options(), clock: () => NOW, nonce: () => NONCE });
      const { appId, partnerId, sign } = partner.invocation.app(PREPAY_ID, { appId: 'wxSUB' });
      assert.deepEqual([appId, partnerId], ['wxSUB', MCHID]);
      assert.ok(signs(sign, 'wxSUB', SECONDS, NONCE, PREPAY_ID));
      await partner.close();
    });
  });

  describe('in a browser outside of WeChat', () => {
    const H5_URL =
      'https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx20260301120000a1&package=2150917749';

    it('the address is the one of the order', () => {
      assert.equal(pay.invocation.h5(H5_URL), H5_URL);
    });

    it('where the customer comes back to is added encoded, and reads back', () => {
      const redirectUrl = 'https://shop.example.com/paid?order=T1&x=茶 +#top';
      const address = pay.invocation.h5(H5_URL, { redirectUrl });
      assert.ok(address.startsWith(`${H5_URL}&redirect_url=https%3A%2F%2Fshop.example.com`));
      assert.equal(new URL(address).searchParams.get('redirect_url'), redirectUrl);
      assert.equal(new URL(address).searchParams.get('package'), '2150917749');
    });

    it('whatever the address to come back to is, it stays within its parameter', () => {
      fc.assert(
        fc.property(fc.string({ unit: 'grapheme' }), (redirectUrl) => {
          const { searchParams, hash, origin } = new URL(pay.invocation.h5(H5_URL, { redirectUrl }));
          assert.deepEqual([...searchParams.keys()], ['prepay_id', 'package', 'redirect_url']);
          assert.equal(searchParams.get('redirect_url'), redirectUrl);
          assert.deepEqual([hash, origin], ['', 'https://wx.tenpay.com']);
        }),
      );
    });

    for (const wrong of [
      '',
      'checkmweb?x=1',
      'javascript:alert(1)',
      'http://wx.tenpay.com/x',
      'weixin://wap/pay',
    ]) {
      it(`${JSON.stringify(wrong)} is no address to redirect to`, () => {
        assert.throws(() => pay.invocation.h5(wrong), { code: 'PARAM_ERROR', field: 'h5_url' });
      });
    }
  });

  it('every call has a nonce of its own and the time of now', async () => {
    let now = NOW;
    const live = new WechatPay({ ...options(), clock: () => now });
    const calls: Pick<JsapiInvocation, 'nonceStr' | 'timeStamp'>[] = [];
    for (let i = 0; i < 3; i++) {
      calls.push(live.invocation.jsapi(PREPAY_ID), live.invocation.app(PREPAY_ID));
      now += 1000;
    }
    assert.equal(new Set(calls.map(({ nonceStr }) => nonceStr)).size, 6);
    for (const { nonceStr } of calls) assert.match(nonceStr, /^[0-9A-Za-z]{1,32}$/);
    assert.deepEqual(
      calls.map(({ timeStamp }) => Number(timeStamp) - Number(SECONDS)),
      [0, 0, 1, 1, 2, 2],
    );
    for (const { timeStamp } of calls) assert.equal(typeof timeStamp, 'string');
    await live.close();
  });
});
