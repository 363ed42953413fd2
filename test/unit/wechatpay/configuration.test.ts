import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { readOptions } from '../../../wechatpay/configuration.ts';
import { ConfigurationError, WechatPay, type WechatPayOptions } from '../../../wechatpay/index.ts';
import { readV2Options } from '../../../wechatpay/v2/configuration.ts';
import { API_V3_KEY, keys, options, PUBLIC_KEY_ID } from './signing-gateway.ts';

function problemsOf(change: Partial<Record<keyof WechatPayOptions, unknown>>): string {
  try {
    new WechatPay({ ...options(), ...change } as WechatPayOptions);
  } catch (error) {
    assert.ok(error instanceof ConfigurationError);
    assert.equal(error.code, 'INVALID_CONFIGURATION');
    assert.equal(error.retryable, false);
    return error.message;
  }
  throw new Error('the client was built');
}

describe('wechatpay configuration', () => {
  it('keys may be PEM text or key objects', () => {
    const { wechat, merchant, publicPem, privatePem } = keys;
    new WechatPay(options());
    new WechatPay({
      ...options(),
      privateKey: privatePem(merchant),
      publicKeys: { [PUBLIC_KEY_ID]: publicPem(wechat) },
    });
  });

  it('names every problem at once', () => {
    const message = problemsOf({
      mchid: '',
      apiV3Key: 'short',
      privateKey: 'no pem',
      publicKeys: {},
      baseUrl: 'nowhere',
      timeoutMs: 0,
    });
    for (const name of ['mchid', 'apiV3Key', 'privateKey', 'publicKeys', 'baseUrl', 'timeoutMs']) {
      assert.match(message, new RegExp(`\\b${name}\\b`));
    }
    assert.match(message, /it has 5/);
  });

  it('names the problems of the XML calls along with the others', () => {
    const message = problemsOf({
      mchid: '',
      apiV2Key: 'short',
      v2SignType: 'SHA1',
      clientCertificate: { cert: keys.publicPem(keys.merchant), key: keys.privatePem(keys.wechat) },
    });
    assert.match(message, /mchid.*apiV2Key.*signType.*clientCertificate/i);
    assert.ok(!message.includes('PRIVATE KEY'));
  });

  it('the backup of the official host is the documented one, for all APIs and however the host is spelt', () => {
    const address = { baseUrl: 'HTTPS://api.mch.weixin.qq.com:443/' };
    const expected = ['https://api.mch.weixin.qq.com', 'https://api2.mch.weixin.qq.com'];
    const v3 = readOptions({ ...options(), ...address }, 'merchant');
    assert.deepEqual([v3.baseUrl, v3.backupUrl], expected);
    const v2 = readV2Options({ ...options(), ...address, apiV2Key: API_V3_KEY });
    assert.deepEqual([v2.baseUrl, v2.backupUrl], expected);
    assert.equal(
      readOptions({ ...options(), ...address, backupUrl: false }, 'merchant').backupUrl,
      undefined,
    );
    assert.equal(readOptions(options(), 'merchant').backupUrl, undefined);
  });

  it('a User-Agent that no header can hold, and a time limit that no timer can, are refused', () => {
    for (const userAgent of ['商户', 'shop\r\nX: 1']) assert.match(problemsOf({ userAgent }), /userAgent/);
    assert.match(problemsOf({ timeoutMs: 2 ** 31 }), /timeoutMs/);
  });

  it('names what is missing when nothing is given', () => {
    assert.throws(
      () => new WechatPay({} as WechatPayOptions),
      /mchid.*appid.*serialNo.*apiV3Key.*privateKey.*publicKeys/,
    );
  });

  it('counts the APIv3 key in bytes', () => {
    assert.match(problemsOf({ apiV3Key: '钥'.repeat(32) }), /it has 96/);
  });

  it('a private key in the place of a public one, and the reverse, is refused', () => {
    const { wechat, wechatPublic, merchant, privatePem, publicPem } = keys;
    for (const value of [wechat, privatePem(wechat)]) {
      assert.match(problemsOf({ publicKeys: { [PUBLIC_KEY_ID]: value } }), /publicKeys\.PUB_KEY_ID/);
    }
    for (const value of [wechatPublic, publicPem(merchant)])
      assert.match(problemsOf({ privateKey: value }), /privateKey/);
  });

  it('keys that are not RSA are refused', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    assert.match(problemsOf({ privateKey }), /privateKey must be an RSA key/);
    assert.match(problemsOf({ publicKeys: { [PUBLIC_KEY_ID]: publicKey } }), /must be an RSA key/);
  });

  for (const baseUrl of ['', 'ftp://x', 'http://x/path', 'http://x?q', 'http://u:p@x', 'x:1']) {
    it(`the base URL ${JSON.stringify(baseUrl)} is refused`, () => {
      assert.match(problemsOf({ baseUrl }), /baseUrl/);
    });
  }

  it('characters that would break a header are refused', () => {
    assert.match(problemsOf({ serialNo: '3A",x="' }), /serialNo/);
    assert.match(problemsOf({ mchid: '19000\r\n' }), /mchid/);
    assert.match(problemsOf({ publicKeys: { 'a\nb': keys.wechatPublic } }), /publicKeys/);
  });

  it('neither the client nor its errors show secrets', () => {
    const client = new WechatPay({ ...options(), privateKey: keys.privatePem(keys.merchant) });
    const shown = inspect(client, { depth: 9, showHidden: true }) + JSON.stringify(client);
    assert.ok(!shown.includes(API_V3_KEY));
    assert.ok(!shown.includes('PRIVATE KEY'));
    const broken = keys.privatePem(keys.merchant).slice(0, 400);
    assert.ok(!problemsOf({ privateKey: broken, apiV3Key: 'secretsecret' }).match(/BEGIN|secretsecret/));
  });
});
