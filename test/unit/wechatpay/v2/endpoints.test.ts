import assert from 'node:assert/strict';
import { WechatPayError } from '../../../../wechatpay/errors.ts';
import { V2 } from '../../../../wechatpay/v2/client.ts';
import { HMAC_ONLY, V2_ENDPOINTS, type V2Call } from '../../../../wechatpay/v2/endpoints.ts';
import { V2_CASES, type V2Case } from './cases.ts';
import {
  API_V2_KEY,
  APPID,
  answerXml,
  MCHID,
  NONCE,
  type Pair,
  peer,
  selfSigned,
  V2Gateway,
  v2Options,
} from './v2-gateway.ts';

describe('every wechatpay v2 call', () => {
  const plain = new V2Gateway();
  let certified: V2Gateway;
  let client: Pair;
  let plainUrl: string;
  let certifiedUrl: string;
  /** One client for each host and way of signing. */
  const clients = new Map<string, V2>();

  before(async () => {
    const server = await selfSigned('gateway');
    client = await selfSigned(MCHID);
    certified = new V2Gateway({ server, client: client.cert });
    plainUrl = await plain.listen();
    certifiedUrl = await certified.listen();
    for (const signType of ['MD5', 'HMAC-SHA256'] as const) {
      clients.set(`plain ${signType}`, new V2({ ...v2Options(plainUrl), signType }));
      clients.set(
        `certified ${signType}`,
        new V2({
          ...v2Options(certifiedUrl),
          signType,
          clientCertificate: { ...client, ca: server.cert },
        }),
      );
    }
  });
  after(async () => {
    await Promise.all([...clients.values()].map((v2) => v2.close()));
    await Promise.all([plain.close(), certified.close()]);
  });

  for (const signType of ['HMAC-SHA256', 'MD5'] as const) {
    for (const row of V2_CASES) {
      it(`${row.call} under ${signType}: ${row.name}`, async () => {
        const endpoint = V2_ENDPOINTS[row.call];
        const gateway = endpoint.clientCertificate ? certified : plain;
        const v2 = clients.get(`${endpoint.clientCertificate ? 'certified' : 'plain'} ${signType}`);
        assert.ok(v2);
        const { answers } = row;
        if (isRaw(answers)) gateway.says(answers.body, { headers: answers.headers ?? {} });
        else gateway.says(answerXml(answers, signType));
        const before = gateway.received.length;

        const result = row.run(v2);
        if (row.fails) await assertFails(result, row.fails);
        else assertContains(await result, row.gives);

        assert.equal(gateway.received.length, before + 1, 'it is sent once');
        const { method, target, body, commonName } = gateway.last;
        assert.equal(method, endpoint.method);
        assert.equal(target, endpoint.path);
        assert.equal(commonName, endpoint.clientCertificate ? MCHID : undefined);
        // The key of the sandbox is asked for in the oldest way, whatever the client signs with.
        const oldest = row.call === 'v2.getSignKey';
        const signedWith = oldest ? 'MD5' : HMAC_ONLY.has(row.call) ? 'HMAC-SHA256' : signType;
        const { sign, ...sent } = peer.Transformer.toObject(body.toString());
        assert.deepEqual(sent, {
          ...row.sends,
          mch_id: MCHID,
          nonce_str: NONCE,
          ...(!oldest && { appid: APPID, sign_type: signedWith }),
        });
        assert.equal(sign, peer.Hash.sign(signedWith, sent, API_V2_KEY));
      });
    }
  }

  it('has a success among the cases', () => {
    for (const call of Object.keys(V2_ENDPOINTS) as V2Call[]) {
      assert.ok(
        V2_CASES.some((row) => row.call === call && !row.fails),
        call,
      );
      assert.ok(
        V2_CASES.some((row) => row.call === call && row.fails),
        call,
      );
    }
  });

  it('that needs the client certificate says so when there is none, and sends nothing', async () => {
    const v2 = clients.get('plain HMAC-SHA256');
    assert.ok(v2);
    const rows = V2_CASES.filter((row) => V2_ENDPOINTS[row.call].clientCertificate);
    assert.deepEqual([...new Set(rows.map((row) => row.call))].sort(), [
      'v2.downloadFundFlow',
      'v2.facepayReverse',
      'v2.refund',
      'v2.refundV2',
      'v2.reverse',
    ]);
    const before = plain.received.length;
    for (const row of rows) {
      await assert.rejects(row.run(v2), (error) => {
        assert.ok(error instanceof WechatPayError);
        assert.equal(error.name, 'ConfigurationError');
        assert.equal(error.code, 'INVALID_CONFIGURATION');
        assert.match(error.message, /clientCertificate.*apiclient_cert\.pem/);
        return true;
      });
    }
    assert.equal(plain.received.length, before);
  });
});

function isRaw(
  answers: V2Case['answers'],
): answers is { body: string | Buffer; headers?: Record<string, string> } {
  return 'body' in answers;
}

async function assertFails(result: Promise<unknown>, fails: NonNullable<V2Case['fails']>): Promise<void> {
  await assert.rejects(result, (error) => {
    assert.ok(error instanceof WechatPayError, String(error));
    const { name, code, outcome, retryable } = error;
    assert.deepEqual({ class: name, code, outcome, retryable }, fails, error.message);
    assert.ok(error.fix.length > 10);
    return true;
  });
}

function assertContains(actual: unknown, expected: unknown): void {
  if (typeof expected === 'object' && expected !== null) {
    for (const [name, value] of Object.entries(expected))
      assert.deepEqual((actual as Record<string, unknown>)[name], value, name);
  } else {
    assert.equal(actual, expected);
  }
}
