import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { WechatPay } from '../../../wechatpay/index.ts';
import { fileAnswer } from './file-exchange.ts';
import { BMP, GIF, HEIC, JPEG, PNG, WEBP } from './images.ts';
import { options, SigningGateway } from './signing-gateway.ts';

describe('wechatpay images of complaints', () => {
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

  for (const [contentType, bytes] of [
    ['image/jpeg', JPEG],
    ['image/png', PNG],
    ['image/bmp', BMP],
    ['image/gif', GIF],
    ['image/webp', WEBP],
    ['image/heic', HEIC],
  ] as const) {
    it(`${contentType} is told by its bytes, whatever the answer calls it`, async () => {
      for (const called of [contentType, 'application/octet-stream', 'text/html']) {
        gateway.answer = fileAnswer(bytes, called);
        assert.deepEqual(await pay.complaints.downloadImage('abc'), { contentType, bytes });
      }
      assert.ok(gateway.last.signed);
    });
  }

  for (const [url, target] of [
    ['https://api.mch.weixin.qq.com/v3/merchant-service/images/abc', '/v3/merchant-service/images/abc'],
    [
      'https://api2.mch.weixin.qq.com/v3/merchant-service/images/a%3D%3D',
      '/v3/merchant-service/images/a%3D%3D',
    ],
    [
      'https://apihk.mch.weixin.qq.com/v3/global/merchant-service/images/abc',
      '/v3/global/merchant-service/images/abc',
    ],
    [
      'https://api.wechatpay.cn/v3/merchant-service/images/a_b-c~d.e',
      '/v3/merchant-service/images/a_b-c~d.e',
    ],
    ['HTTPS://API.MCH.WEIXIN.QQ.COM/v3/merchant-service/images/abc?x=1#y', '/v3/merchant-service/images/abc'],
  ] as const) {
    it(`${url} is asked for at the client's own host`, async () => {
      gateway.answer = fileAnswer(PNG);
      assert.deepEqual((await pay.complaints.downloadImage(url)).bytes, PNG);
      assert.equal(gateway.last.target, target);
      assert.ok(gateway.last.signed);
    });
  }

  it('an address at the client’s own host is asked for', async () => {
    gateway.answer = fileAnswer(PNG);
    await pay.complaints.downloadImage(`${baseUrl}/v3/merchant-service/images/abc`);
    assert.equal(gateway.last.target, '/v3/merchant-service/images/abc');
  });

  for (const url of [
    'https://evil.example/v3/merchant-service/images/abc',
    'https://evil.example/?https://api.mch.weixin.qq.com/v3/merchant-service/images/abc',
    'https://api.mch.weixin.qq.com.evil.example/v3/merchant-service/images/abc',
    'https://evilmch.weixin.qq.com/v3/merchant-service/images/abc',
    'https://wechatpay.cn.evil.example/v3/merchant-service/images/abc',
    'https://notwechatpay.cn/v3/merchant-service/images/abc',
    'https://api.mch.weixin.qq.com:8443/v3/merchant-service/images/abc',
    'https://api.mch.weixin.qq.com@evil.example/v3/merchant-service/images/abc',
    'https://user:secret@api.mch.weixin.qq.com/v3/merchant-service/images/abc',
    'https://user@api.mch.weixin.qq.com/v3/merchant-service/images/abc',
    'http://api.mch.weixin.qq.com/v3/merchant-service/images/abc',
    'http://127.0.0.1:1/v3/merchant-service/images/abc',
    'https://api.mch.weixin.qq.com/v3/merchant-service/complaints-v2',
    'https://api.mch.weixin.qq.com/v3/merchant-service/images/',
    'https://api.mch.weixin.qq.com/v3/merchant-service/images/../complaints-v2',
    'https://api.mch.weixin.qq.com/v3/merchant-service/images/%2e%2e',
    'https://api.mch.weixin.qq.com/v3/merchant-service/images/a%2F..%2Fb',
    'https://api.mch.weixin.qq.com/v3/merchant-service/images/a%5Cb',
    'https://api.mch.weixin.qq.com/v3/merchant-service/images/a%0d%0ab',
    'https://api.mch.weixin.qq.com/v3/merchant-service/images/a/b',
    'https://',
    'file:///etc/passwd',
    '//evil.example/v3/merchant-service/images/abc',
    '../complaints-v2',
    'a/b',
    'a?b',
    'a\r\nX: 1',
    '',
  ]) {
    it(`${JSON.stringify(url)} is refused before anything is sent`, async () => {
      await assert.rejects(pay.complaints.downloadImage(url), (error: { code: string; message: string }) => {
        assert.equal(error.code, 'PARAM_ERROR');
        assert.ok(!error.message.includes('secret'));
        return true;
      });
      assert.equal(gateway.received.length, 0);
    });
  }

  for (const [name, text] of [
    ['HTML', '<!doctype html><title>504</title>'],
    ['HTML that says it is an image', '<script>alert(1)</script>'],
    ['a picture with scripts', '<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>'],
    ['JSON', '{"code":"SUCCESS"}'],
    ['nothing', ''],
  ] as const) {
    it(`${name} for an image is an error`, async () => {
      for (const contentType of ['text/html', 'image/png']) {
        gateway.answer = fileAnswer(text, contentType);
        await assert.rejects(pay.complaints.downloadImage('abc'), {
          name: 'OutcomeUnknownError',
          code: 'UNEXPECTED_ANSWER',
          request: { method: 'GET', url: `${baseUrl}/v3/merchant-service/images/abc` },
        });
      }
    });
  }

  it('an image of twenty megabytes is an error, and ten are none', async () => {
    const ten = Buffer.concat([PNG, Buffer.alloc(10 * 1024 * 1024 - PNG.length)]);
    gateway.answer = fileAnswer(ten);
    assert.ok((await pay.complaints.downloadImage('abc')).bytes.equals(ten));
    gateway.answer = fileAnswer(Buffer.concat([ten, ten]));
    await assert.rejects(pay.complaints.downloadImage('abc'), {
      code: 'UNEXPECTED_ANSWER',
      outcome: 'unknown',
    });
  });

  it('an image without end is cut off', async () => {
    let closed: Promise<unknown> | undefined;
    let endless: ServerResponse | undefined;
    gateway.answer = (response) => {
      response.writeHead(200, { 'Content-Type': 'image/png' });
      const block = Buffer.alloc(65_536);
      const go = () => {
        while (response.write(block));
      };
      response.write(PNG);
      response.on('drain', go);
      go();
      endless = response;
      closed = once(response, 'close');
    };
    await assert.rejects(pay.complaints.downloadImage('abc'), {
      code: 'UNEXPECTED_ANSWER',
      outcome: 'unknown',
    });
    await closed;
    assert.equal(endless?.writableFinished, false);
  });

  it('an image that stops half-way is an error', async () => {
    gateway.answer = (response) => {
      response.writeHead(200, { 'Content-Type': 'image/png', 'Content-Length': PNG.length });
      response.write(PNG.subarray(0, 40), () => response.destroy());
    };
    await assert.rejects(pay.complaints.downloadImage('abc'), { code: 'CONNECTION', outcome: 'unknown' });
  });

  it('an image that says nothing is given up after the time limit', async () => {
    const hasty = new WechatPay({ ...options(baseUrl), timeoutMs: 50 });
    gateway.answer = (response) => {
      response.writeHead(200, { 'Content-Type': 'image/png' });
      response.write(PNG);
    };
    await assert.rejects(hasty.complaints.downloadImage('abc'), { code: 'TIMEOUT', outcome: 'unknown' });
    await hasty.close();
  });
});
