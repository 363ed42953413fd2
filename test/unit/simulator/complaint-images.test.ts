import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import axiosPlugin from 'wechatpay-axios-plugin';
import { parseMultipart } from '../../../simulator/v3/multipart.ts';
import { BMP, GIF, JPEG, PNG } from '../wechatpay/images.ts';
import { BASE, ComplaintDesk, codeOf } from './complaint-desk.ts';

const { Multipart, Wechatpay } = axiosPlugin;

describe('simulator: complaints', () => {
  let desk: ComplaintDesk;
  afterEach(() => desk.close());

  describe('images', () => {
    for (const [name, bytes, contentType] of [
      ['a.png', PNG, 'image/png'],
      ['b.JPG', JPEG, 'image/jpeg'],
      ['茶.bmp', BMP, 'image/bmp'],
    ] as const) {
      it(`${name} is uploaded with its meta signed, and comes back byte for byte and unsigned`, async () => {
        desk = await ComplaintDesk.open();
        const uploaded = await desk.upload({ bytes }, { filename: name });
        assert.equal(uploaded.status, 200, uploaded.text);
        const answer = await desk.client.get(`${BASE}/images/${uploaded.json.media_id}`);
        assert.equal(answer.status, 200);
        assert.deepEqual(answer.bytes, bytes);
        assert.equal(answer.headers['Content-Type'], contentType);
        assert.equal('Wechatpay-Signature' in answer.headers, false);
      });
    }

    it('a signature over anything but the meta is refused', async () => {
      desk = await ComplaintDesk.open();
      const wrong = await desk.upload({ bytes: PNG }, { signedBody: 'the whole body' });
      assert.deepEqual(codeOf(wrong), [401, 'SIGN_ERROR']);
      const noForm = await desk.upload({ bytes: PNG }, { headers: { 'content-type': 'application/json' } });
      assert.deepEqual(codeOf(noForm), [401, 'SIGN_ERROR']);
    });

    const large = Buffer.concat([PNG, Buffer.alloc(2 * 1024 * 1024)]);
    for (const [name, file, options, field] of [
      ['another hash', { bytes: PNG }, { sha256: 'a'.repeat(64) }, '/sha256'],
      ['no hash at all', { bytes: PNG }, { sha256: 'short' }, '/sha256'],
      ['another name', { bytes: PNG, filename: 'b.png' }, {}, '/filename'],
      ['another ending', { bytes: PNG }, { filename: 'a.gif' }, '/filename'],
      ['a GIF', { bytes: GIF }, {}, '/file'],
      ['no image', { bytes: Buffer.from('<html>') }, {}, '/file'],
      ['more than 2 MB', { bytes: large }, {}, '/file'],
      ['a meta that is no JSON', { bytes: PNG }, { meta: 'a.png' }, ''],
    ] as const) {
      it(`${name} is refused`, async () => {
        desk = await ComplaintDesk.open();
        const answer = await desk.upload(file, options);
        assert.deepEqual(codeOf(answer), [400, 'PARAM_ERROR']);
        assert.equal(answer.json.detail.field, field);
      });
    }

    it('the form of wechatpay-axios-plugin is understood', async () => {
      desk = await ComplaintDesk.open();
      const { baseUrl, merchant } = desk.simulator;
      const peer = new Wechatpay({
        mchid: merchant.mchid,
        serial: merchant.serialNo,
        privateKey: merchant.privateKeyPem,
        certs: { [merchant.publicKeyId]: merchant.publicKeyPem },
        baseURL: baseUrl,
      });
      const meta = { filename: 'a.png', sha256: createHash('sha256').update(PNG).digest('hex') };
      const form = new Multipart();
      form.append('meta', JSON.stringify(meta));
      form.append('file', PNG, meta.filename);
      const headers = { ...form.getHeaders(), 'Wechatpay-Serial': merchant.publicKeyId };
      // As bytes: axios would write a form of its own from the stream.
      const answer = await peer
        .chain('v3/merchant-service/images/upload')
        .post(form.getBuffer(), { meta, headers });
      const { media_id } = answer.data as unknown as { media_id: string };
      const image = await desk.client.get(`${BASE}/images/${media_id}`);
      assert.deepEqual(image.bytes, PNG);
    });

    it('a form holds any bytes, what looks like a boundary included; what is no form holds nothing', () => {
      const part = (content: Buffer) =>
        Buffer.concat([
          Buffer.from(
            'before\r\n--b\r\nContent-Disposition: form-data; name=file; filename="a b.png"\r\n\r\n',
          ),
          content,
          Buffer.from('\r\n--b--\r\nafter'),
        ]);
      fc.assert(
        fc.property(fc.uint8Array(), fc.constantFrom('', '--b', '\r\n-', '--b--', '\n--b'), (bytes, tail) => {
          const content = Buffer.concat([Buffer.from(bytes), Buffer.from(tail)]);
          // Nor may it begin so: the empty line before it would make it a boundary.
          fc.pre(!`\r\n${content.toString('latin1')}`.includes('\r\n--b'));
          const type = 'multipart/form-data; charset=utf-8; boundary="b"';
          assert.deepEqual(parseMultipart(part(content), type), [
            { name: 'file', filename: 'a b.png', content },
          ]);
        }),
      );
      fc.assert(
        fc.property(fc.uint8Array(), fc.string(), (bytes, type) => {
          assert.deepEqual(parseMultipart(Buffer.from(bytes), type), []);
        }),
      );
      const cut = part(PNG).subarray(0, 80);
      assert.deepEqual(parseMultipart(cut, 'multipart/form-data; boundary=b'), []);
    });

    it('2 MB exactly are taken', async () => {
      desk = await ComplaintDesk.open();
      const bytes = Buffer.concat([PNG, Buffer.alloc(2 * 1024 * 1024 - PNG.length)]);
      assert.equal((await desk.upload({ bytes })).status, 200);
    });

    it('an unknown image, and that of somebody else, is 404', async () => {
      desk = await ComplaintDesk.open();
      const media = (await desk.upload({ bytes: PNG })).json.media_id;
      const unknown = await desk.client.get(`${BASE}/images/unknown`);
      assert.deepEqual(codeOf(unknown), [404, 'RESOURCE_NOT_EXISTS']);
      const other = { mchid: desk.simulator.world.provider.mchid };
      assert.equal((await desk.client.get(`${BASE}/images/${media}`, other)).status, 404);
    });
  });
});
