import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import axiosPlugin from 'wechatpay-axios-plugin';
import { WechatPay } from '../../../wechatpay/index.ts';
import { authorizationOf, readMultipart } from './file-exchange.ts';
import { BMP, GIF, JPEG, PNG } from './images.ts';
import { keys, MCHID, options, PUBLIC_KEY_ID, SERIAL_NO, SigningGateway, signed } from './signing-gateway.ts';

const { Formatter, Multipart, Rsa, Wechatpay } = axiosPlugin;

const MEDIA = { media_id: 'ChsyMDAyMDE4MjAyMDAxMDEwODAwNzY2MTAwMDA=' };
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

describe('wechatpay images to upload', () => {
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
    gateway.answer = signed(200, MEDIA);
  });

  for (const [filename, bytes, contentType] of [
    ['a.jpg', JPEG, 'image/jpeg'],
    ['A.JPG', JPEG, 'image/jpeg'],
    ['a.png', PNG, 'image/png'],
    ['a.bmp', BMP, 'image/bmp'],
    ['茶具 (1).png', PNG, 'image/png'],
  ] as const) {
    it(`${filename} arrives as it is, after its name and hash`, async () => {
      assert.deepEqual(await pay.complaints.uploadImage({ filename, bytes }), MEDIA);
      const upload = await readMultipart(gateway.last);
      assert.deepEqual(upload, {
        names: ['meta', 'file'],
        meta: JSON.stringify({ filename, sha256: sha256(bytes) }),
        filename,
        contentType,
        bytes,
      });
    });
  }

  it('any bytes and any name that fits a header arrive unchanged', async () => {
    const name = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 60 })
      .filter((text) => !/["\\/\p{Cc}\p{Cs}\u2028\u2029\u{10000}-\u{10ffff}]/u.test(text));
    const content = fc.oneof(
      fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes)),
      fc.constantFrom('\r\n', '\r\n--', '--paysaga-', '\r\n--paysaga--\r\n').map((text) => Buffer.from(text)),
    );
    await fc.assert(
      fc.asyncProperty(name, content, async (text, tail) => {
        const image = { filename: `${text}.png`, bytes: Buffer.concat([PNG, tail]) };
        await pay.complaints.uploadImage(image);
        const { filename, bytes, meta } = await readMultipart(gateway.last);
        assert.deepEqual({ filename, bytes }, image);
        assert.deepEqual(JSON.parse(meta), { filename: image.filename, sha256: sha256(image.bytes) });
      }),
      { numRuns: 60 },
    );
  });

  it('the signature covers the meta and nothing else, as wechatpay-axios-plugin signs', async () => {
    await pay.complaints.uploadImage({ filename: 'a.png', bytes: PNG });
    const { headers, target, body, signed: isSignedAsAWhole } = gateway.last;
    const { meta } = await readMultipart({ headers, body });
    const { timestamp, nonce, signature } = authorizationOf(headers);
    const publicKey = keys.publicPem(keys.merchant);
    const verify = (text: string) =>
      Rsa.verify(Formatter.request('POST', target, timestamp, nonce, text), signature, publicKey);
    assert.equal(verify(meta), true);
    assert.equal(verify(`${meta} `), false);
    assert.equal(isSignedAsAWhole, false);
  });

  it('it arrives as an upload of wechatpay-axios-plugin arrives', async () => {
    const peer = new Wechatpay({
      mchid: MCHID,
      serial: SERIAL_NO,
      privateKey: keys.privatePem(keys.merchant),
      certs: { [PUBLIC_KEY_ID]: keys.publicPem(keys.wechat) },
      baseURL: baseUrl,
    });
    const meta = { filename: 'a.png', sha256: sha256(PNG) };
    const form = new Multipart();
    form.append('meta', JSON.stringify(meta));
    form.append('file', PNG, meta.filename);
    // As bytes: axios would write a form of its own from the stream.
    const answer = await peer
      .chain('v3/merchant-service/images/upload')
      .post(form.getBuffer(), { meta, headers: form.getHeaders() });
    assert.deepEqual(answer.data, MEDIA);
    await pay.complaints.uploadImage({ filename: 'a.png', bytes: PNG });

    const [theirs, ours] = gateway.received;
    assert.ok(theirs && ours);
    const [target, upload] = [theirs.target, await readMultipart(theirs)];
    assert.deepEqual([ours.target, await readMultipart(ours)], [target, upload]);
    for (const { headers } of [theirs, ours]) {
      const { timestamp, nonce, signature } = authorizationOf(headers);
      const message = Formatter.request('POST', target, timestamp, nonce, upload.meta);
      assert.equal(Rsa.verify(message, signature, keys.publicPem(keys.merchant)), true);
    }
  });

  const largest = Buffer.concat([PNG, Buffer.alloc(2 * 1024 * 1024 - PNG.length)]);
  it('two megabytes are not too many', async () => {
    await pay.complaints.uploadImage({ filename: 'a.png', bytes: largest });
    const { bytes } = await readMultipart(gateway.last);
    assert.ok(bytes.equals(largest));
  });

  for (const [name, field, image] of [
    ['one byte more', 'bytes', { filename: 'a.png', bytes: Buffer.concat([largest, Buffer.alloc(1)]) }],
    ['nothing', 'bytes', { filename: 'a.png', bytes: Buffer.alloc(0) }],
    ['HTML', 'bytes', { filename: 'a.png', bytes: Buffer.from('<html>') }],
    [
      'a text that begins like a bitmap',
      'bytes',
      { filename: 'a.bmp', bytes: Buffer.from('BMW for sale, cheap') },
    ],
    ['a GIF', 'bytes', { filename: 'a.png', bytes: GIF }],
    ['a text for bytes', 'bytes', { filename: 'a.png', bytes: PNG.toString('latin1') as unknown as Buffer }],
    ...[
      'a".png',
      'a\r\nX: 1.png',
      'a\n.png',
      'a\0.png',
      'a\x7f.png',
      'a\u0085.png',
      'a\u2028.png',
      'a\ud800.png',
      'a\\b.png',
      '../a.png',
      '/etc/a.png',
      'a.gif',
      'a.png.html',
      '.png',
      'png',
      '',
      `${'a'.repeat(125)}.png`,
    ].map(
      (filename) => [JSON.stringify(filename.slice(0, 12)), 'filename', { filename, bytes: PNG }] as const,
    ),
    ['a name with emoji', 'filename', { filename: '🍵.png', bytes: PNG }],
    ['no name', 'filename', { filename: undefined as unknown as string, bytes: PNG }],
  ] as const) {
    it(`${name} is refused before anything is sent`, async () => {
      await assert.rejects(pay.complaints.uploadImage(image), {
        code: 'PARAM_ERROR',
        outcome: 'rejected',
        field,
      });
      assert.equal(gateway.received.length, 0);
    });
  }

  it('an answer without media_id is an error', async () => {
    for (const answer of [{}, { media_id: '' }, { media_id: 7 }]) {
      gateway.answer = signed(200, answer);
      await assert.rejects(pay.complaints.uploadImage({ filename: 'a.png', bytes: PNG }), {
        code: 'UNEXPECTED_ANSWER',
        outcome: 'unknown',
      });
    }
  });
});
