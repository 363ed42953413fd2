import assert from 'node:assert/strict';
import fc from 'fast-check';
import axiosPlugin from 'wechatpay-axios-plugin';
import Pay from 'wechatpay-node-v3';
import { decryptResource, encryptResource } from '../../../wechatpay/v3/aead.ts';
import {
  answerMessage,
  formatAuthorization,
  parseAuthorization,
  requestMessage,
  signMessage,
  verificationKey,
  verifyMessage,
} from '../../../wechatpay/v3/signature.ts';
import { API_V3_KEY, APPID, keys, MCHID, PROBE, SERIAL_NO } from './signing-gateway.ts';

const { Rsa, Aes, Formatter } = axiosPlugin;

const line = fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\n', ' '));
const body = fc.string({ unit: 'binary', maxLength: 400 });

describe('wechatpay primitives', () => {
  const peer = new Pay({
    appid: APPID,
    mchid: MCHID,
    serial_no: SERIAL_NO,
    publicKey: Buffer.from(keys.publicPem(keys.merchant)),
    privateKey: Buffer.from(keys.privatePem(keys.merchant)),
    key: API_V3_KEY,
  });

  it('the message of a request is the one that wechatpay-axios-plugin builds', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('GET', 'POST'),
        line,
        line,
        line,
        body,
        (method, url, timestamp, nonce, text) => {
          assert.equal(
            requestMessage({ method, url, timestamp, nonce, body: text }),
            Formatter.request(method, url, timestamp, nonce, text),
          );
        },
      ),
      { numRuns: 100 },
    );
  });

  it('the message of an answer is the one that wechatpay-axios-plugin builds, from text and from bytes', () => {
    fc.assert(
      fc.property(line, line, body, (timestamp, nonce, text) => {
        const message = answerMessage(timestamp, nonce, text);
        assert.deepEqual(message, answerMessage(timestamp, nonce, Buffer.from(text)));
        assert.deepEqual(message, Buffer.from(Formatter.response(timestamp, nonce, text)));
      }),
      { numRuns: 100 },
    );
  });

  it('two different requests never have the same message', () => {
    const request = fc.record({
      method: fc.constantFrom('GET', 'POST'),
      url: line,
      timestamp: line,
      nonce: line,
      body,
    });
    fc.assert(
      fc.property(request, request, (one, two) => {
        assert.equal(
          requestMessage(one) === requestMessage(two),
          JSON.stringify(one) === JSON.stringify(two),
        );
      }),
    );
  });

  it('both peers make the same signature of a request', () => {
    const request = {
      method: 'POST',
      url: '/v3/pay/transactions/native',
      timestamp: '1772337600',
      nonce: 'n',
      body: '{"a":"茶"}',
    };
    const message = requestMessage(request);
    const signature = signMessage(message, keys.merchant);
    assert.equal(signature, Rsa.sign(message, keys.merchant));
    assert.equal(signature, peer.getSignature('POST', 'n', '1772337600', request.url, request.body));
    const get = requestMessage({ ...request, method: 'GET', body: '' });
    assert.equal(signMessage(get, keys.merchant), peer.getSignature('GET', 'n', '1772337600', request.url));
  });

  it('signatures verify both ways', () => {
    fc.assert(
      fc.property(body, (text) => {
        const message = answerMessage('1772337600', 'n', text).toString();
        const ours = signMessage(message, keys.wechat);
        const theirs = Rsa.sign(message, keys.wechat);
        assert.ok(Rsa.verify(message, ours, keys.wechatPublic));
        assert.ok(verifyMessage(message, theirs, keys.wechatPublic));
        assert.ok(!verifyMessage(`${text} `, theirs, keys.wechatPublic));
        assert.ok(!verifyMessage(message, theirs, keys.merchantPublic));
      }),
      { numRuns: 20 },
    );
  });

  it('a probe, and anything else that is no signature, is false and not an exception', () => {
    for (const signature of [PROBE, '', 'x', '=', '茶', 'A'.repeat(344), 'A'.repeat(10_000)]) {
      assert.equal(verifyMessage('m', signature, keys.wechatPublic), false);
    }
  });

  it('the Authorization header is the one that the peers send, and reads back', () => {
    const authorization = {
      mchid: MCHID,
      nonce: 'n',
      timestamp: '1772337600',
      serialNo: SERIAL_NO,
      signature: 'kX+/==',
    };
    const header = formatAuthorization(authorization);
    assert.deepEqual(parseAuthorization(header), authorization);
    assert.equal(header, peer.getAuthorization('n', '1772337600', 'kX+/=='));
    const theirs = Formatter.authorization(MCHID, 'n', 'kX+/==', '1772337600', SERIAL_NO);
    assert.deepEqual(parseAuthorization(theirs), authorization);
    for (const broken of [
      undefined,
      '',
      'Bearer x',
      header.replace('mchid', 'mch'),
      header.replaceAll('"', ''),
    ]) {
      assert.equal(parseAuthorization(broken), undefined);
    }
  });

  it('what is encrypted decrypts again, here and in both peers; and what a peer encrypts decrypts here', () => {
    const nonce = fc.string({ unit: 'grapheme-ascii', minLength: 12, maxLength: 12 });
    const associatedData = fc.string({ unit: 'grapheme-ascii', maxLength: 15 });
    const plaintext = fc.string({ unit: 'grapheme' });
    fc.assert(
      fc.property(plaintext, nonce, associatedData, (text, iv, aad) => {
        const ours = encryptResource(text, { apiV3Key: API_V3_KEY, nonce: iv, associatedData: aad });
        assert.equal(decryptResource(ours, API_V3_KEY), text);
        assert.equal(Aes.AesGcm.decrypt(ours.ciphertext, API_V3_KEY, iv, aad), text);

        const theirs = Aes.AesGcm.encrypt(text, API_V3_KEY, iv, aad);
        assert.equal(theirs, ours.ciphertext);
      }),
      { numRuns: 60 },
    );
    const order = { out_trade_no: 'T1', trade_state_desc: '支付成功' };
    const encrypted = encryptResource(JSON.stringify(order), {
      apiV3Key: API_V3_KEY,
      nonce: 'q7Zt0aVb9LkX',
      associatedData: 'transaction',
    });
    assert.deepEqual(
      peer.decipher_gcm(encrypted.ciphertext, 'transaction', 'q7Zt0aVb9LkX', API_V3_KEY),
      order,
    );
  });

  it('nothing of a resource can be changed unnoticed', () => {
    const resource = encryptResource('{"total":2590}', {
      apiV3Key: API_V3_KEY,
      nonce: 'q7Zt0aVb9LkX',
      associatedData: 'refund',
    });
    const bytes = Buffer.from(resource.ciphertext, 'base64');
    for (let i = 0; i < bytes.length; i++) {
      const changed = Buffer.from(bytes);
      changed[i] = (changed[i] ?? 0) ^ 0x80;
      assert.throws(() =>
        decryptResource({ ...resource, ciphertext: changed.toString('base64') }, API_V3_KEY),
      );
    }
    assert.throws(() => decryptResource({ ...resource, associated_data: '' }, API_V3_KEY));
    assert.throws(() => decryptResource({ ...resource, nonce: 'q7Zt0aVb9LkY' }, API_V3_KEY));
    assert.throws(
      () => decryptResource({ ...resource, algorithm: 'AEAD_SM4_GCM' }, API_V3_KEY),
      /AEAD_SM4_GCM/,
    );
    assert.throws(() => decryptResource({ ...resource, ciphertext: 'AAAA' }, API_V3_KEY), /shorter/);
  });

  it('keys and nonces of other lengths cannot encrypt', () => {
    const encrypt = (apiV3Key: string, nonce: string) => () =>
      encryptResource('x', { apiV3Key, nonce, associatedData: '' });
    assert.throws(encrypt('short', 'q7Zt0aVb9LkX'), RangeError);
    assert.throws(encrypt(API_V3_KEY, 'q7Zt0aVb9Lk'), RangeError);
  });

  it('a verification key is read from a public key; anything else is refused', () => {
    assert.ok(verificationKey(keys.publicPem(keys.wechat)).equals(keys.wechatPublic));
    assert.throws(() => verificationKey('nothing'));
    assert.throws(() => verificationKey('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'));
  });
});
