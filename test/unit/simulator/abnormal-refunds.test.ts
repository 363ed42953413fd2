import assert from 'node:assert/strict';
import { constants, createPublicKey, type KeyObject, publicEncrypt, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../../simulator/index.ts';
import { decryptResource } from '../../../wechatpay/v3/aead.ts';
import { control, type Deviation, isSigned, type RawAnswer, RawClient } from './client.ts';
import { startReceiver } from './receiver.ts';

const CARD = '6222020200012345678';
type Body = Record<string, unknown>;

describe('simulator: abnormal refunds', () => {
  let simulator: Simulator;
  let client: RawClient;
  let key: KeyObject;

  async function start(options: SimulatorOptions = {}) {
    simulator = await startSimulator({
      refundDelayMs: Number.POSITIVE_INFINITY,
      notifyDelayMs: 1e8,
      ...options,
    });
    client = new RawClient(simulator);
    key = createPublicKey(simulator.merchant.publicKeyPem);
  }
  async function stop() {
    await client.close();
    await simulator.close();
  }
  beforeEach(() => start());
  afterEach(stop);

  const encrypt = (text: string, publicKey = key) =>
    publicEncrypt(
      { key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' },
      Buffer.from(text),
    ).toString('base64');
  const refused = ({ status, json }: RawAnswer) => [status, json.code];

  /** A refund that is ABNORMAL; returns WeChat Pay's number of it. */
  async function abnormal(outRefundNo = 'R1', changes: Body = {}): Promise<string> {
    await client.order(`ORDER-${outRefundNo}`);
    simulator.gateway.pay(`ORDER-${outRefundNo}`);
    const { json } = await client.refund(`ORDER-${outRefundNo}`, outRefundNo, 1000, changes);
    simulator.gateway.finishRefund(outRefundNo, 'ABNORMAL');
    return json.refund_id;
  }
  const card = (changes: Body = {}): Body => ({
    out_refund_no: 'R1',
    type: 'USER_BANK_CARD',
    bank_type: 'ICBC_DEBIT',
    bank_account: encrypt(CARD),
    real_name: encrypt('张三'),
    ...changes,
  });
  const apply = (refundId: string, body: Body, deviation: Deviation = {}) =>
    client.post(`/v3/refund/domestic/refunds/${refundId}/apply-abnormal-refund`, body, deviation);

  it("to the customer's debit card: it is PROCESSING again, and ends as any other", async () => {
    const id = await abnormal();
    const { status, json, headers, text } = await apply(id, card());
    assert.equal(status, 200, text);
    assert.ok(isSigned(simulator, headers, text));
    assert.deepEqual(
      [json.refund_id, json.out_refund_no, json.status, json.channel, json.user_received_account],
      [id, 'R1', 'PROCESSING', 'OTHER_BANKCARD', 'ICBC_DEBIT 5678'],
    );
    assert.deepEqual((await client.queryRefund('R1')).json, json);
    assert.equal(text.includes(CARD), false);
    simulator.gateway.finishRefund('R1', 'SUCCESS');
    const done = (await client.queryRefund('R1')).json;
    assert.equal(done.status, 'SUCCESS');
    assert.match(done.success_time, /\+08:00$/);
  });

  it('to the merchant: no field is encrypted, so that no serial is looked at', async () => {
    const id = await abnormal();
    const { status, json } = await apply(
      id,
      { out_refund_no: 'R1', type: 'MERCHANT_BANK_CARD' },
      { headers: { 'wechatpay-serial': 'PUB_KEY_ID_0000000000' } },
    );
    assert.equal(status, 200);
    assert.deepEqual([json.status, json.channel], ['PROCESSING', 'OTHER_BANKCARD']);
  });

  it('it succeeds by itself after the usual delay, and says so', async () => {
    await stop();
    await start({ refundDelayMs: 1000, notifyDelayMs: 0 });
    const receiver = await startReceiver();
    try {
      await client.order('ORDER-R1');
      simulator.gateway.pay('ORDER-R1');
      const { refund_id } = (await client.refund('ORDER-R1', 'R1', 1000, { notify_url: receiver.url })).json;
      simulator.gateway.finishRefund('R1', 'ABNORMAL');
      const first = JSON.parse((await receiver.delivery(1)).body);
      assert.equal(first.event_type, 'REFUND.ABNORMAL');
      const finished = once(simulator.gateway.events, 'refund');
      await apply(refund_id, card());
      await finished;
      const { event_type, resource } = JSON.parse((await receiver.delivery(2)).body);
      assert.equal(event_type, 'REFUND.SUCCESS');
      const plain = JSON.parse(decryptResource(resource, simulator.merchant.apiV3Key));
      assert.deepEqual([plain.refund_status, plain.user_received_account], ['SUCCESS', 'ICBC_DEBIT 5678']);
    } finally {
      await receiver.close();
    }
  });

  it('the card may be void as well: ABNORMAL again, and another one is given', async () => {
    const id = await abnormal();
    await apply(id, card());
    const again = await control(simulator, 'POST', '/refunds/R1/finish', { status: 'ABNORMAL' });
    assert.equal(again.json.status, 'ABNORMAL');
    const { json } = await apply(id, card({ bank_type: 'CMB_DEBIT' }));
    assert.deepEqual([json.status, json.user_received_account], ['PROCESSING', 'CMB_DEBIT 5678']);
  });

  it('repeating it is harmless although the ciphertext differs; another card is refused', async () => {
    const id = await abnormal();
    const first = await apply(id, card());
    const again = await apply(id, card());
    assert.deepEqual(again.json, first.json);
    const other = await apply(id, card({ bank_account: encrypt('6222020200012340000') }));
    assert.deepEqual(refused(other), [400, 'INVALID_REQUEST']);
  });

  for (const status of ['PROCESSING', 'SUCCESS', 'CLOSED'] as const) {
    it(`a refund that is ${status} is refused`, async () => {
      await client.order('ORDER01');
      simulator.gateway.pay('ORDER01');
      const { refund_id } = (await client.refund('ORDER01', 'R1', 1000)).json;
      if (status !== 'PROCESSING') simulator.gateway.finishRefund('R1', status);
      assert.deepEqual(refused(await apply(refund_id, card())), [400, 'INVALID_REQUEST']);
      assert.equal((await client.queryRefund('R1')).json.status, status);
    });
  }

  it('an unknown number of either kind is RESOURCE_NOT_EXISTS', async () => {
    const id = await abnormal();
    for (const answer of [
      await apply('50300208882026030212345678901', card()),
      await apply(id, card({ out_refund_no: 'R2' })),
    ]) {
      assert.deepEqual(refused(answer), [404, 'RESOURCE_NOT_EXISTS']);
      assert.match(answer.headers['Request-ID'] ?? '', /-268512771$/);
    }
  });

  it('the fields may be encrypted under a platform certificate, spelt in any case', async () => {
    const certificate = simulator.world.certificate(Date.now());
    const { publicKey } = new X509Certificate(certificate.pem);
    const id = await abnormal();
    const fields = { bank_account: encrypt(CARD, publicKey), real_name: encrypt('张三', publicKey) };
    for (const serial of [certificate.serialNo, certificate.serialNo.toLowerCase()]) {
      const answer = await apply(id, card(fields), { headers: { 'wechatpay-serial': serial } });
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.headers['Wechatpay-Serial'], certificate.serialNo);
    }
  });

  it('an older certificate still reads what was encrypted under it', async () => {
    const old = simulator.world.certificate(Date.now());
    await simulator.world.rotateCertificate(Date.now() - 1000);
    assert.notEqual(simulator.world.certificate(Date.now()).serialNo, old.serialNo);
    const { publicKey } = new X509Certificate(old.pem);
    const fields = { bank_account: encrypt(CARD, publicKey), real_name: encrypt('张三', publicKey) };
    const answer = await apply(await abnormal(), card(fields), {
      headers: { 'wechatpay-serial': old.serialNo },
    });
    assert.equal(answer.status, 200, answer.text);
  });

  for (const [name, serial] of [
    ['missing', undefined],
    ['empty', ''],
    ['of nobody', 'PUB_KEY_ID_0000000000'],
    ['of the merchant itself', 'own'],
  ] as const) {
    it(`8: a Wechatpay-Serial that is ${name} is refused before the fields are looked at`, async () => {
      const id = await abnormal();
      const sent = serial === 'own' ? simulator.merchant.serialNo : serial;
      const answer = await apply(id, card({ bank_type: 'NONE' }), { headers: { 'wechatpay-serial': sent } });
      assert.equal(answer.status, 400);
      assert.deepEqual(answer.json, {
        code: 'PARAM_ERROR',
        message: '平台证书序列号Wechatpay-Serial错误',
      });
    });
  }

  it('fields under another key than the named one cannot be decrypted', async () => {
    const id = await abnormal();
    const { serialNo } = simulator.world.certificate(Date.now());
    const answer = await apply(id, card(), { headers: { 'wechatpay-serial': serialNo } });
    assert.deepEqual(refused(answer), [400, 'PARAM_ERROR']);
    assert.equal(answer.json.detail.field, '/bank_account');
    assert.equal(answer.json.detail.issue, 'cannot be decrypted');
  });

  const FIELDS: [string, () => Body, string][] = [
    ['no out_refund_no', () => ({ out_refund_no: undefined }), '/out_refund_no'],
    ['no type', () => ({ type: undefined }), '/type'],
    ['an unknown type', () => ({ type: 'USER_WALLET' }), '/type'],
    ['no bank_type', () => ({ bank_type: undefined }), '/bank_type'],
    ['a credit card', () => ({ bank_type: 'ICBC_CREDIT' }), '/bank_type'],
    ['a bank that is not in the list', () => ({ bank_type: 'XYZ_DEBIT' }), '/bank_type'],
    ['no bank_account', () => ({ bank_account: undefined }), '/bank_account'],
    ['no real_name', () => ({ real_name: undefined }), '/real_name'],
    ['bank_account in clear', () => ({ bank_account: CARD }), '/bank_account'],
    ['real_name in clear', () => ({ real_name: '张三' }), '/real_name'],
    ['a bank_account of letters', () => ({ bank_account: encrypt('ICBC 1234') }), '/bank_account'],
    ['a bank_account of 11 digits', () => ({ bank_account: encrypt('62220202000') }), '/bank_account'],
    ['an empty real_name', () => ({ real_name: encrypt(' ') }), '/real_name'],
    ['a real_name that is too long', () => ({ real_name: encrypt('x'.repeat(65)) }), '/real_name'],
    ['an unknown field', () => ({ amount: 1 }), '/amount'],
  ];
  for (const [name, changes, field] of FIELDS) {
    it(`${name} is a parameter error at ${field}`, async () => {
      const answer = await apply(await abnormal(), card(changes()));
      assert.deepEqual(refused(answer), [400, 'PARAM_ERROR'], answer.text);
      assert.deepEqual([answer.json.detail.field, answer.json.detail.location], [field, 'body']);
      assert.equal((await client.queryRefund('R1')).json.status, 'ABNORMAL');
    });
  }

  it('what was decrypted is never told back', async () => {
    const { text } = await apply(await abnormal(), card({ bank_account: encrypt('SECRET-ACCOUNT') }));
    assert.equal(text.includes('SECRET-ACCOUNT'), false);
  });

  it('takes each documented bank', async () => {
    const banks = 'CMB COMM ABC CCB ICBC BOC PAB SPDB CITIC CEB CMBC CIB GDB PSBC NBCB'.split(' ');
    for (const [index, bank] of banks.entries()) {
      const id = await abnormal(`BANK-${index}`);
      const answer = await apply(id, card({ out_refund_no: `BANK-${index}`, bank_type: `${bank}_DEBIT` }));
      assert.equal(answer.status, 200, bank);
    }
  });
});
