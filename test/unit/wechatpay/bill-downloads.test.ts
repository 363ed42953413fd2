import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { BillError, RequestRejectedError, WechatPay } from '../../../wechatpay/index.ts';
import { BILL, BILL_ADDRESS } from './cases/fields.ts';
import { fileAnswer } from './file-exchange.ts';
import { options, SigningGateway, unsigned } from './signing-gateway.ts';

const FILE = '/v3/billdownload/file?token=secret';

describe('wechatpay files of bills', () => {
  const gateway = new SigningGateway();
  let baseUrl: string;
  let pay: WechatPay;

  before(async () => {
    baseUrl = await gateway.listen();
    pay = new WechatPay(options(baseUrl));
  });
  after(async () => {
    await pay.close();
    await gateway.close();
  });
  beforeEach(() => {
    gateway.received.length = 0;
  });

  const download = (download_url: string) => pay.bills.download({ ...BILL_ADDRESS, download_url });

  for (const [host, target] of [
    ['https://api.mch.weixin.qq.com', FILE],
    ['https://api2.mch.weixin.qq.com', FILE],
    ['https://api.wechatpay.cn', '/v3/bill/downloadurl?a=%7c&b=|*&c=%2F..%2F'],
  ] as const) {
    it(`${host}${target} is asked for at the client's own host, as it was given`, async () => {
      gateway.answer = fileAnswer(gzipSync(BILL));
      assert.deepEqual(await buffer(await download(host + target)), BILL);
      assert.equal(gateway.last.target, target);
      assert.ok(gateway.last.signed);
    });
  }

  for (const url of [
    `https://evil.example${FILE}`,
    `https://api.mch.weixin.qq.com.evil.example${FILE}`,
    `https://evilmch.weixin.qq.com${FILE}`,
    `https://notwechatpay.cn${FILE}`,
    `https://a.b.mch.weixin.qq.com${FILE}`,
    `https://api.mch.weixin.qq.com:8443${FILE}`,
    `https://api.mch.weixin.qq.com@evil.example${FILE}`,
    `https://user:secret@api.mch.weixin.qq.com${FILE}`,
    `https://evil.example\\@api.mch.weixin.qq.com${FILE}`,
    `https://evil.example#@api.mch.weixin.qq.com${FILE}`,
    `http://api.mch.weixin.qq.com${FILE}`,
    `http://127.0.0.1:1${FILE}`,
    `//api.mch.weixin.qq.com${FILE}`,
    'https://api.mch.weixin.qq.com/v3/billdownload/file?token=secret\r\nX: 1',
    'https://api.mch.weixin.qq.com/v3/billdownload/file?token=secret HTTP/1.1',
    'file:///etc/passwd',
    FILE,
    '',
  ]) {
    it(`${JSON.stringify(url)} is refused before anything is sent`, async () => {
      await assert.rejects(download(url), (error) => {
        assert.ok(error instanceof RequestRejectedError);
        assert.equal(error.code, 'PARAM_ERROR');
        assert.equal(error.field, 'download_url');
        assert.ok(!error.message.includes('secret'));
        return true;
      });
      assert.equal(gateway.received.length, 0);
    });
  }

  it('a hash of another kind is refused before anything is sent', async () => {
    await assert.rejects(pay.bills.download({ ...BILL_ADDRESS, hash_type: 'MD5' as 'SHA1' }), {
      code: 'PARAM_ERROR',
      field: 'hash_type',
    });
    assert.equal(gateway.received.length, 0);
  });

  it('one byte that is not what was hashed is told at the end', async () => {
    gateway.answer = fileAnswer(gzipSync(Buffer.concat([BILL, Buffer.from(' ')])));
    await assert.rejects(
      buffer(await download(BILL_ADDRESS.download_url)),
      (error) => error instanceof BillError && error.code === 'BILL_HASH_MISMATCH',
    );
  });

  it('an address that has expired is a refusal that does not show its token', async () => {
    gateway.answer = unsigned(400, '{"code":"INVALID_REQUEST","message":"x"}');
    await assert.rejects(download(`${baseUrl}${FILE}`), (error) => {
      assert.ok(error instanceof RequestRejectedError);
      assert.ok(!(error.message + JSON.stringify(error)).includes('secret'));
      return true;
    });
  });
});
