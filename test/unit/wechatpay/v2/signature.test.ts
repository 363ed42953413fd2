import assert from 'node:assert/strict';
import { createCipheriv, createHash } from 'node:crypto';
import fc from 'fast-check';
import { decryptReqInfo, encryptReqInfo } from '../../../../wechatpay/v2/req-info.ts';
import { signFields, signingString, verifyFields } from '../../../../wechatpay/v2/signature.ts';
import { buildXml } from '../../../../wechatpay/v2/xml.ts';
import { API_V2_KEY, peer, signedElements } from './v2-gateway.ts';

const VECTOR = {
  appid: 'wxd930ea5d5a258f4f',
  body: 'test',
  device_info: '1000',
  mch_id: '10000100',
  nonce_str: 'ibuaiVcKdpRxkhJA',
};
const MD5 = '9A0A8659F005D6984697E2CA0A9CF3B7';
const HMAC = '6A9AE1657590FD6257D693A078E1C3E4BB6BA4DC30B23E0EE2496E54170DACD6';
const TYPES = ['MD5', 'HMAC-SHA256'] as const;

const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_]{0,12}$/).filter((text) => !(text in {}));
const fields = fc.dictionary(name, fc.string({ unit: 'grapheme', maxLength: 20 }), {
  noNullPrototype: true,
});

describe('v2 signatures', () => {
  it('are those of the documentation', () => {
    assert.equal(
      signingString(VECTOR, API_V2_KEY),
      `appid=wxd930ea5d5a258f4f&body=test&device_info=1000&mch_id=10000100&nonce_str=ibuaiVcKdpRxkhJA&key=${API_V2_KEY}`,
    );
    assert.equal(signFields(VECTOR, API_V2_KEY, 'MD5'), MD5);
    assert.equal(signFields(VECTOR, API_V2_KEY, 'HMAC-SHA256'), HMAC);
    assert.ok(verifyFields({ ...VECTOR, sign: MD5 }, API_V2_KEY));
    assert.ok(verifyFields({ ...VECTOR, sign: HMAC }, API_V2_KEY));
  });

  it('sort by ASCII, upper case before the underscore before lower case', () => {
    assert.equal(
      signingString({ b: '1', a_b: '2', aB: '3', a1: '4', a: '5', B: '6' }, 'K'),
      'B=6&a=5&a1=4&aB=3&a_b=2&b=1&key=K',
    );
  });

  it('cover everything but sign and what is empty, in one order whatever the order it came in', () => {
    fc.assert(
      fc.property(fields, fc.string({ maxLength: 8 }), (elements, sign) => {
        const text = signingString(elements, 'K');
        const shuffled = Object.fromEntries(Object.entries(elements).reverse());
        assert.equal(signingString({ ...shuffled, sign, empty: '' }, 'K'), text);
        const names = Object.keys(elements).filter((key) => key !== 'sign' && elements[key] !== '');
        names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
        assert.equal(text, [...names.map((key) => `${key}=${elements[key]}`), 'key=K'].join('&'));
      }),
    );
  });

  it('agree with an independent implementation, both ways and under both algorithms', () => {
    fc.assert(
      fc.property(fields, fc.constantFrom(...TYPES), (elements, type) => {
        // Without any element the other one begins with "&"; no message is like that.
        fc.pre(Object.entries(elements).some(([key, value]) => key !== 'sign' && value !== ''));
        const sign = signFields(elements, API_V2_KEY, type);
        assert.equal(sign, peer.Hash.sign(type, elements, API_V2_KEY));
        const { sign: _, ...rest } = elements;
        assert.ok(verifyFields(signedElements({ ...rest, sign_type: type }, type), API_V2_KEY));
      }),
    );
  });

  it('break with any change: a value, a name, one more element, another key', () => {
    fc.assert(
      fc.property(
        fields.filter((elements) => Object.entries(elements).some(([key, value]) => key !== 'sign' && value)),
        fc.constantFrom(...TYPES),
        (elements, type) => {
          const { sign: _, sign_type: __, ...rest } = elements;
          const genuine = { ...rest, sign: signFields(rest, API_V2_KEY, type) };
          assert.ok(verifyFields(genuine, API_V2_KEY));
          for (const key of Object.keys(rest))
            assert.ok(!verifyFields({ ...genuine, [key]: `${rest[key]}x` }, API_V2_KEY));
          assert.ok(!verifyFields({ ...genuine, zz_more: '1' }, API_V2_KEY));
          assert.ok(!verifyFields(genuine, API_V2_KEY.toUpperCase()));
        },
      ),
    );
  });

  it('count only in upper case, whole, and alone', () => {
    for (const sign of [
      '',
      MD5.toLowerCase(),
      MD5.slice(1),
      `${MD5} `,
      MD5 + MD5,
      HMAC.slice(0, 32),
      'é'.repeat(16),
      'é'.repeat(32),
    ]) {
      assert.ok(!verifyFields({ ...VECTOR, sign }, API_V2_KEY), sign);
    }
    assert.ok(!verifyFields(VECTOR, API_V2_KEY));
  });

  it('follow sign_type when it is there, and their length where either may come', () => {
    const claimed = { ...VECTOR, sign_type: 'HMAC-SHA256' };
    const underMd5 = { ...claimed, sign: signFields(claimed, API_V2_KEY, 'MD5') };
    assert.ok(!verifyFields(underMd5, API_V2_KEY));
    assert.ok(verifyFields(underMd5, API_V2_KEY, { anyType: true }));
    const unknown = { ...VECTOR, sign_type: 'SM3' };
    assert.ok(!verifyFields({ ...unknown, sign: signFields(unknown, API_V2_KEY, 'MD5') }, API_V2_KEY));
  });
});

describe('v2 req_info', () => {
  const REFUND = { out_refund_no: 'VR1', refund_recv_accout: '支付用户零钱 <b> ]]>', refund_fee: '1000' };
  const key = createHash('md5').update(API_V2_KEY).digest('hex');

  it('is opened as the independent implementation closed it, and the other way round', () => {
    const document = buildXml(REFUND, 'root');
    assert.deepEqual(decryptReqInfo(peer.Aes.AesEcb.encrypt(document, key), API_V2_KEY), REFUND);
    assert.equal(peer.Aes.AesEcb.decrypt(encryptReqInfo(REFUND, API_V2_KEY), key), document);
  });

  it('comes back whatever its length', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii', maxLength: 60 }), (attach) => {
        const refund = { ...REFUND, attach };
        assert.deepEqual(decryptReqInfo(encryptReqInfo(refund, API_V2_KEY), API_V2_KEY), refund);
      }),
    );
  });

  it('may be wrapped into lines', () => {
    const wrapped = encryptReqInfo(REFUND, API_V2_KEY).replace(/(.{76})/g, '$1\r\n');
    assert.deepEqual(decryptReqInfo(wrapped, API_V2_KEY), REFUND);
  });

  it('is refused under another key, truncated, with a wrong padding, or as no base64', () => {
    const genuine = encryptReqInfo(REFUND, API_V2_KEY);
    const bytes = Buffer.from(genuine, 'base64');
    const unpadded = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false);
    const wrongPadding = Buffer.concat([unpadded.update(Buffer.alloc(32, 0x41)), unpadded.final()]);
    for (const reqInfo of [
      '',
      'AA==',
      bytes.subarray(0, -1).toString('base64'),
      bytes.subarray(0, -16).toString('base64'),
      bytes.subarray(16).toString('base64'),
      wrongPadding.toString('base64'),
      `${genuine.slice(0, 10)}*${genuine.slice(10)}`,
      genuine.replaceAll('\n', '').replace(/^./, '%'),
    ]) {
      assert.throws(() => decryptReqInfo(reqInfo, API_V2_KEY), Error, reqInfo.slice(0, 20));
    }
    assert.throws(() => decryptReqInfo(genuine, API_V2_KEY.replace('1', '2')));
  });

  it('is refused when something else is inside', () => {
    for (const inside of [
      '',
      'text',
      '<xml><a>1</a></xml>',
      '<!DOCTYPE root [<!ENTITY x "y">]><root><a>&x;</a></root>',
      '<root><a>1</a><a>2</a></root>',
      `<root><a>${'x'.repeat(64 * 1024)}</a></root>`,
    ]) {
      const cipher = createCipheriv('aes-256-ecb', key, null);
      const closed = Buffer.concat([cipher.update(inside), cipher.final()]).toString('base64');
      assert.throws(() => decryptReqInfo(closed, API_V2_KEY), Error);
    }
  });
});
