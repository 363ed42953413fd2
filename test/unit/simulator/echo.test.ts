import assert from 'node:assert/strict';
import {
  constants,
  createPrivateKey,
  createPublicKey,
  privateDecrypt,
  publicEncrypt,
  X509Certificate,
} from 'node:crypto';
import { type Simulator, startSimulator } from '../../../simulator/index.ts';
import { decryptResource } from '../../../wechatpay/v3/aead.ts';
import { type Deviation, isSigned, type RawAnswer, RawClient } from './client.ts';
import { startReceiver } from './receiver.ts';

const OAEP = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' };

describe('simulator: security echo', () => {
  let simulator: Simulator;
  let client: RawClient;

  beforeEach(async () => {
    simulator = await startSimulator({ notifyDelayMs: 0 });
    client = new RawClient(simulator);
  });
  afterEach(async () => {
    await client.close();
    await simulator.close();
  });

  const echo = (body: Record<string, unknown>, deviation: Deviation = {}) =>
    client.post('/v3/security/echo', body, deviation);
  const encrypt = (text: string, pem = simulator.merchant.publicKeyPem) =>
    publicEncrypt({ key: createPublicKey(pem), ...OAEP }, Buffer.from(text)).toString('base64');
  const decrypt = (text: string) =>
    privateDecrypt(
      { key: createPrivateKey(simulator.merchant.privateKeyPem), ...OAEP },
      Buffer.from(text, 'base64'),
    ).toString('utf8');
  const refused = ({ status, json }: RawAnswer) => [status, json.code];

  it('answers the same text, signed', async () => {
    const answer = await echo({ echo_message: '你好 hi' });
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.json, { echo_message: '你好 hi' });
    assert.ok(isSigned(simulator, answer.headers, answer.text));
    assert.equal(simulator.gateway.notifications().length, 0);
  });

  it('an encrypted text comes back encrypted for the merchant', async () => {
    const sent = encrypt('secret 秘密');
    const { status, json } = await echo({ echo_message: 'hi', encrypted_echo_message: sent });
    assert.equal(status, 200);
    assert.notEqual(json.encrypted_echo_message, sent);
    assert.equal(decrypt(json.encrypted_echo_message), 'secret 秘密');
  });

  it('in certificate mode the certificate encrypts and signs', async () => {
    const { serialNo, pem } = simulator.world.certificate(Date.now());
    const { publicKey } = new X509Certificate(pem);
    const sent = publicEncrypt({ key: publicKey, ...OAEP }, Buffer.from('secret')).toString('base64');
    const answer = await echo(
      { echo_message: 'hi', encrypted_echo_message: sent },
      { headers: { 'wechatpay-serial': serialNo } },
    );
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.headers['Wechatpay-Serial'], serialNo);
    assert.equal(decrypt(answer.json.encrypted_echo_message), 'secret');
  });

  it('a notify_url is called with a signed and encrypted SECURITY_ECHO.SUCCESS', async () => {
    const receiver = await startReceiver();
    try {
      await echo({
        echo_message: 'hi',
        encrypted_echo_message: encrypt('secret'),
        notify_url: receiver.url,
      });
      const { headers, body } = await receiver.delivery(1);
      assert.ok(isSigned(simulator, headers, body));
      const { event_type, summary, resource } = JSON.parse(body);
      assert.deepEqual(
        [event_type, summary, resource.original_type],
        ['SECURITY_ECHO.SUCCESS', '回调通知成功', 'security'],
      );
      const plain = JSON.parse(decryptResource(resource, simulator.merchant.apiV3Key));
      assert.equal(plain.echo_message, 'hi');
      assert.equal(decrypt(plain.encrypted_echo_message), 'secret');
    } finally {
      await receiver.close();
    }
  });

  it('service providers and overseas merchants may call it, too', async () => {
    const callers = simulator.world
      .merchants()
      .filter(({ role, region }) => role === 'partner' || region === 'overseas');
    assert.equal(callers.length, 3);
    for (const { mchid } of callers) {
      assert.equal((await echo({ echo_message: 'hi' }, { mchid })).status, 200);
    }
  });

  const cases: [string, () => Record<string, unknown>, string][] = [
    ['no echo_message', () => ({ echo_message: undefined }), '/echo_message'],
    ['an empty echo_message', () => ({ echo_message: '' }), '/echo_message'],
    ['an emoji', () => ({ echo_message: '🍵' }), '/echo_message'],
    ['an unknown field', () => ({ message: 'hi' }), '/message'],
    ['a notify_url without https', () => ({ notify_url: 'http://pay.example.com/wx' }), '/notify_url'],
    ['a text in clear', () => ({ encrypted_echo_message: 'secret' }), '/encrypted_echo_message'],
    [
      'a text under the wrong key',
      () => ({
        encrypted_echo_message: encrypt('secret', createPublicPem(simulator.merchant.privateKeyPem)),
      }),
      '/encrypted_echo_message',
    ],
  ];
  for (const [name, changes, field] of cases) {
    it(`${name} is a parameter error at ${field}`, async () => {
      const answer = await echo({ echo_message: 'hi', ...changes() });
      assert.deepEqual(refused(answer), [400, 'PARAM_ERROR']);
      assert.deepEqual([answer.json.detail.field, answer.json.detail.location], [field, 'body']);
    });
  }

  it('8: an unknown serial matters only when something is encrypted under it', async () => {
    const unknown = { headers: { 'wechatpay-serial': 'PUB_KEY_ID_0000000000' } };
    const refusal = await echo({ echo_message: 'hi', encrypted_echo_message: encrypt('secret') }, unknown);
    assert.deepEqual(refusal.json, {
      code: 'PARAM_ERROR',
      message: '平台证书序列号Wechatpay-Serial错误',
    });
    assert.equal((await echo({ echo_message: 'hi' }, unknown)).status, 200);
  });
});

function createPublicPem(privateKeyPem: string): string {
  return createPublicKey(privateKeyPem).export({ type: 'spki', format: 'pem' }).toString();
}
