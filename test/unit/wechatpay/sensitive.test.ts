import assert from 'node:assert/strict';
import { constants, generateKeyPairSync, privateDecrypt, publicEncrypt } from 'node:crypto';
import fc from 'fast-check';
import axiosPlugin from 'wechatpay-axios-plugin';
import Pay from 'wechatpay-node-v3';
import { RequestRejectedError, WechatPay } from '../../../wechatpay/index.ts';
import { REFUND_ANSWER } from './cases/fields.ts';
import { certificateList, platformCertificate } from './platform-certificate.ts';
import {
  API_V3_KEY,
  APPID,
  keys,
  MCHID,
  options,
  PUBLIC_KEY_ID,
  SERIAL_NO,
  SigningGateway,
  signatureHeaders,
  signed,
} from './signing-gateway.ts';

const { Rsa } = axiosPlugin;

/** Text that the API takes, at most 214 bytes of it. */
const short = fc
  .string({ unit: 'grapheme', maxLength: 200 })
  .filter((text) => Buffer.byteLength(text) <= 214);

describe('fields that travel encrypted', () => {
  const gateway = new SigningGateway();
  let baseUrl: string;
  let pay: WechatPay;
  const peer = new Pay({
    appid: APPID,
    mchid: MCHID,
    serial_no: SERIAL_NO,
    publicKey: Buffer.from(keys.publicPem(keys.merchant)),
    privateKey: Buffer.from(keys.privatePem(keys.merchant)),
    key: API_V3_KEY,
  });
  /** The same peer with WeChat Pay's private key, to read what is meant for WeChat Pay. */
  const peerOfWechat = new Pay({
    appid: APPID,
    mchid: MCHID,
    serial_no: SERIAL_NO,
    publicKey: Buffer.from(keys.publicPem(keys.wechat)),
    privateKey: Buffer.from(keys.privatePem(keys.wechat)),
    key: API_V3_KEY,
  });

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

  describe('both peers', () => {
    it('read what is encrypted here for WeChat Pay', async () => {
      await fc.assert(
        fc.asyncProperty(short, async (text) => {
          const { ciphertext } = await pay.sensitive.encrypt(text);
          assert.equal(Rsa.decrypt(ciphertext, keys.privatePem(keys.wechat)), text);
          assert.equal(peerOfWechat.privateDecrypt(ciphertext), text);
        }),
        { numRuns: 50 },
      );
    });

    it('encrypt what is read here as from WeChat Pay', () => {
      fc.assert(
        fc.property(short, (text) => {
          const merchant = keys.publicPem(keys.merchant);
          assert.equal(pay.sensitive.decrypt(Rsa.encrypt(text, merchant)), text);
          assert.equal(pay.sensitive.decrypt(peer.publicEncrypt(text, Buffer.from(merchant))), text);
        }),
        { numRuns: 50 },
      );
    });
  });

  it('it is RSAES-OAEP with SHA-1, and nothing else is read', async () => {
    const { ciphertext } = await pay.sensitive.encrypt('secret');
    const padding = constants.RSA_PKCS1_OAEP_PADDING;
    const read = (oaepHash: string) =>
      privateDecrypt({ key: keys.wechat, padding, oaepHash }, Buffer.from(ciphertext, 'base64')).toString();
    assert.equal(read('sha1'), 'secret');
    assert.throws(() => read('sha256'));

    const sha256 = publicEncrypt({ key: keys.merchantPublic, padding, oaepHash: 'sha256' }, Buffer.from('x'));
    assert.throws(() => pay.sensitive.decrypt(sha256.toString('base64')), RequestRejectedError);
  });

  it('the same text is never encrypted to the same', async () => {
    const texts = await Promise.all(Array.from({ length: 20 }, () => pay.sensitive.encrypt('secret')));
    assert.equal(new Set(texts.map(({ ciphertext }) => ciphertext)).size, 20);
    for (const { ciphertext, serial } of texts) {
      assert.match(ciphertext, /^[0-9A-Za-z+/]{342}==$/);
      assert.equal(serial, PUBLIC_KEY_ID);
    }
  });

  it('214 bytes are encrypted, 215 are refused before anything is sent; bytes count and not characters', async () => {
    for (const text of ['', 'x', 'x'.repeat(214), '茶'.repeat(71), `${'茶'.repeat(71)}x`]) {
      const { ciphertext } = await pay.sensitive.encrypt(text);
      assert.equal(Rsa.decrypt(ciphertext, keys.privatePem(keys.wechat)), text);
    }
    for (const text of ['x'.repeat(215), '茶'.repeat(72), 'x'.repeat(1024 * 1024)]) {
      await assert.rejects(pay.sensitive.encrypt(text), { code: 'PARAM_ERROR', outcome: 'rejected' });
    }
    await assert.rejects(
      pay.refunds.applyAbnormal('50', {
        out_refund_no: 'R1',
        type: 'USER_BANK_CARD',
        bank_type: 'ICBC_DEBIT',
        bank_account: '6222',
        real_name: 'x'.repeat(215),
      }),
      { code: 'PARAM_ERROR', outcome: 'rejected' },
    );
    assert.equal(gateway.received.length, 0);
  });

  it('the error for a text that is too long does not show it', async () => {
    const secret = '张三'.repeat(60);
    const error = await pay.sensitive.encrypt(secret).catch((error: RequestRejectedError) => error);
    assert.ok(error instanceof RequestRejectedError);
    assert.ok(!`${error.stack}${JSON.stringify(error)}`.includes('张三'));
  });

  it('what was encrypted for somebody else, was changed, or is no cipher text, is a typed error', async () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const { ciphertext: forWechat } = await pay.sensitive.encrypt('secret');
    const genuine = Buffer.from(Rsa.encrypt('secret', keys.publicPem(keys.merchant)), 'base64');
    const changed = Buffer.from(genuine);
    changed[100] = (changed[100] ?? 0) ^ 1;
    for (const wrong of [
      forWechat,
      publicEncrypt(publicKey, Buffer.from('secret')).toString('base64'),
      changed.toString('base64'),
      genuine.subarray(1).toString('base64'),
      Buffer.concat([genuine, genuine]).toString('base64'),
      '',
      'secret',
      '***',
      'x'.repeat(100_000),
    ]) {
      assert.throws(
        () => pay.sensitive.decrypt(wrong),
        (error) => {
          assert.ok(error instanceof RequestRejectedError);
          assert.equal(error.code, 'PARAM_ERROR');
          assert.match(error.fix, /private key/);
          return true;
        },
      );
    }
  });

  describe('in a request', () => {
    /** Requests name the first key; the second verifies the answers. */
    const NEWER = 'PUB_KEY_ID_0119000123452026030100000000000002';
    const newer = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const CARD = {
      out_refund_no: REFUND_ANSWER.out_refund_no,
      type: 'USER_BANK_CARD' as const,
      bank_type: 'ICBC_DEBIT' as const,
      bank_account: '6222020200112233445',
      real_name: '张三',
    };
    let client: WechatPay;

    before(() => {
      const publicKeys = { [NEWER]: newer.publicKey, [PUBLIC_KEY_ID]: keys.wechatPublic };
      client = new WechatPay({ ...options(baseUrl), publicKeys });
    });
    after(() => client.close());

    const arrived = () => JSON.parse(gateway.last.body.toString());
    const read = (ciphertext: string) => Rsa.decrypt(ciphertext, keys.privatePem(newer.privateKey));

    it('an abnormal refund names the key that its fields are encrypted with', async () => {
      gateway.answer = signed(200, REFUND_ANSWER);
      await client.refunds.applyAbnormal(REFUND_ANSWER.refund_id, CARD);
      const { bank_account, real_name, ...clear } = arrived();
      assert.equal(read(bank_account), CARD.bank_account);
      assert.equal(read(real_name), CARD.real_name);
      assert.deepEqual(clear, {
        out_refund_no: CARD.out_refund_no,
        type: CARD.type,
        bank_type: CARD.bank_type,
      });
      assert.equal(gateway.last.headers['wechatpay-serial'], NEWER);
      assert.ok(gateway.last.signed);
    });

    it('a serialized abnormal refund is sent byte for byte under its key, and an answer to another one is noticed', async () => {
      gateway.answer = signed(200, REFUND_ANSWER);
      const serialized = await client.refunds.serializeAbnormal(CARD);
      // As a database gives it back.
      const stored = JSON.parse(JSON.stringify(serialized)) as typeof serialized;
      for (const request of [serialized, stored]) {
        await client.refunds.applyAbnormal(REFUND_ANSWER.refund_id, request);
        assert.equal(gateway.last.body.toString(), serialized.body);
        assert.equal(gateway.last.headers['wechatpay-serial'], NEWER);
      }
      const { type: _, bank_type, bank_account, real_name, ...rest } = CARD;
      const clear = await client.refunds.serializeAbnormal({ ...rest, type: 'MERCHANT_BANK_CARD' });
      assert.deepEqual(Object.keys(clear), ['body']);
      await client.refunds.applyAbnormal(REFUND_ANSWER.refund_id, clear);
      gateway.answer = signed(200, { ...REFUND_ANSWER, out_refund_no: 'another' });
      await assert.rejects(client.refunds.applyAbnormal(REFUND_ANSWER.refund_id, serialized), {
        code: 'UNEXPECTED_ANSWER',
      });
    });

    it('no field to be encrypted is anywhere in clear, whether the request succeeds or not', async () => {
      for (const status of [200, 400, 500]) {
        gateway.answer = signed(status, status === 200 ? REFUND_ANSWER : { code: 'PARAM_ERROR' });
        const outcome = await client.refunds
          .applyAbnormal(REFUND_ANSWER.refund_id, CARD)
          .catch((error) => error);
        const { headers, target, body } = gateway.last;
        const everything = [JSON.stringify(headers), target, body.toString()];
        if (outcome instanceof Error) everything.push(`${outcome.stack}${JSON.stringify(outcome)}`);
        for (const text of everything) {
          for (const secret of [CARD.bank_account, CARD.real_name, JSON.stringify(CARD.real_name)])
            assert.ok(!text.includes(secret));
        }
      }
    });

    it('all fields are under the one key that the request names, though another comes into effect meanwhile', async () => {
      const start = Date.parse('2026-03-01T12:00:00+08:00');
      const moment = 100_000;
      const older = await platformCertificate(`5A1B${'0'.repeat(35)}1`, new Date(start - moment));
      const next = await platformCertificate(`5A1B${'0'.repeat(35)}2`, new Date(start + moment));
      // The next certificate comes into effect when the clock is looked at for the `switchAt`-th time.
      for (let switchAt = 1; switchAt <= 6; switchAt++) {
        let looks = Number.NEGATIVE_INFINITY;
        const clock = () => (++looks >= switchAt ? start + moment : start);
        gateway.answer = (response, { target }) => {
          const text = JSON.stringify(
            target === '/v3/certificates' ? certificateList([older, next]) : REFUND_ANSWER,
          );
          const at = looks >= switchAt ? start + moment : start;
          response.writeHead(
            200,
            signatureHeaders(text, { at, key: older.privateKey, serial: older.serial }),
          );
          response.end(text);
        };
        const rotating = new WechatPay({
          ...options(baseUrl),
          publicKeys: {},
          downloadCertificates: true,
          clock,
        });
        assert.equal((await rotating.sensitive.encrypt('x')).serial, older.serial);
        looks = 0;
        await rotating.refunds.applyAbnormal(REFUND_ANSWER.refund_id, CARD);
        const named = gateway.received.findLast(({ method }) => method === 'POST')?.headers[
          'wechatpay-serial'
        ];
        const key = [older, next].find(({ serial }) => serial === named)?.privateKey;
        assert.ok(key, String(named));
        const { bank_account, real_name } = JSON.parse(
          gateway.received.findLast(({ method }) => method === 'POST')?.body.toString() ?? '',
        );
        assert.equal(Rsa.decrypt(bank_account, keys.privatePem(key)), CARD.bank_account);
        assert.equal(Rsa.decrypt(real_name, keys.privatePem(key)), CARD.real_name);
        await rotating.close();
      }
    });

    it('a refund to the merchant’s own card has nothing to encrypt, and names the current key as always', async () => {
      gateway.answer = signed(200, REFUND_ANSWER);
      const { out_refund_no } = CARD;
      await client.refunds.applyAbnormal(REFUND_ANSWER.refund_id, {
        out_refund_no,
        type: 'MERCHANT_BANK_CARD',
      });
      assert.deepEqual(arrived(), { out_refund_no, type: 'MERCHANT_BANK_CARD' });
      assert.equal(gateway.last.headers['wechatpay-serial'], NEWER);
    });

    it('an echo sends its secret text encrypted only, and reads what comes back encrypted', async () => {
      gateway.answer = (response, received) => {
        const { echo_message, encrypted_echo_message } = JSON.parse(received.body.toString());
        // The gateway decrypts it and encrypts it again for the merchant.
        const again = Rsa.encrypt(read(encrypted_echo_message), keys.publicPem(keys.merchant));
        signed(200, { echo_message, encrypted_echo_message: again })(response, received);
      };
      const answer = await client.security.echo('hi', { encrypted: '秘密 secret' });
      assert.deepEqual(answer, { echo_message: 'hi', encrypted_echo_message: '秘密 secret' });
      assert.equal(gateway.last.headers['wechatpay-serial'], NEWER);
      assert.ok(!gateway.last.body.includes('secret') && !gateway.last.body.includes('秘密'));
    });

    it('an echo that comes back under another key is a typed error', async () => {
      gateway.answer = signed(200, {
        echo_message: 'hi',
        encrypted_echo_message: Rsa.encrypt('x', keys.publicPem(keys.wechat)),
      });
      await assert.rejects(client.security.echo('hi', { encrypted: 'x' }), RequestRejectedError);
    });
  });
});
