import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { Agent, request } from 'undici';
import { type Simulator, startSimulator } from '../../../simulator/index.ts';
import { merchantCertificate } from '../../../simulator/keys/certificate.ts';
import type { SimulatedMerchant } from '../../../simulator/merchants/merchant.ts';
import { chinaTime } from '../../../simulator/time/china-time.ts';
import { formatAuthorization, requestMessage, signMessage } from '../../../wechatpay/v3/signature.ts';
import { type Elements, peer, RawV2Client } from './v2-client.ts';

const OTHER = '1900000009';

describe('simulator: v2 over HTTPS', () => {
  let simulator: Simulator;
  let directory: string;
  let ca: string;
  let plain: RawV2Client;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'paysaga-tls-'));
    simulator = await startSimulator({
      tls: true,
      notifyDelayMs: 1e8,
      refundDelayMs: Number.POSITIVE_INFINITY,
      credentialsDir: directory,
      scenario: { merchants: [{ mchid: OTHER }] },
    });
    ca = await readFile(`${directory}/ca.pem`, 'utf8');
    plain = new RawV2Client(simulator);
  });
  after(async () => {
    await plain.close();
    await simulator.close();
    await rm(directory, { recursive: true });
  });

  async function post(
    path: string,
    elements: Elements,
    identity: { cert?: string; key?: string } = {},
  ): Promise<Elements> {
    const { merchant, tlsBaseUrl } = simulator;
    const unsigned = { appid: merchant.appid, mch_id: merchant.mchid, nonce_str: 'n', ...elements };
    const signType = elements.sign_type ?? 'MD5';
    const sign = peer.Hash.sign(signType, unsigned, merchant.apiV2Key);
    const agent = new Agent({ connect: { ca, ...identity } });
    try {
      const answer = await request(tlsBaseUrl + path, {
        method: 'POST',
        dispatcher: agent,
        body: peer.Transformer.toXml({ ...unsigned, sign }),
      });
      assert.equal(answer.statusCode, 200);
      const text = await answer.body.text();
      return text.startsWith('<xml>') ? peer.Transformer.toObject(text) : { text };
    } finally {
      await agent.close();
    }
  }
  const own = async () => ({
    cert: await readFile(`${directory}/apiclient_cert.pem`, 'utf8'),
    key: await readFile(`${directory}/apiclient_key.pem`, 'utf8'),
  });
  const identityOf = async (merchant: SimulatedMerchant) => ({
    cert: await merchantCertificate(merchant),
    key: merchant.privateKeyPem,
  });

  const needy: [path: string, elements: Elements, code: string | undefined][] = [
    [
      '/secapi/pay/refund',
      { out_trade_no: 'NONE1', out_refund_no: 'R1', total_fee: '1', refund_fee: '1' },
      'ORDERNOTEXIST',
    ],
    [
      '/secapi/pay/refundv2',
      { out_trade_no: 'NONE1', out_refund_no: 'R1', total_fee: '1', refund_fee: '1' },
      'ORDERNOTEXIST',
    ],
    ['/secapi/pay/reverse', { out_trade_no: 'NONE1' }, 'ORDERNOTEXIST'],
    ['/secapi/pay/facepayreverse', { out_trade_no: 'NONE1' }, 'ORDERNOTEXIST'],
    [
      '/pay/downloadfundflow',
      { bill_date: '20250101', account_type: 'Basic', sign_type: 'HMAC-SHA256' },
      'NO_BILL_EXIST',
    ],
  ];
  for (const [path, elements, code] of needy) {
    it(`${path} needs the merchant certificate`, async () => {
      const refused = await post(path, elements);
      assert.deepEqual(refused, {
        return_code: 'FAIL',
        return_msg: '请求未携带证书，请携带证书后重试',
      });
      assert.equal((await post(path, elements, await own())).err_code, code);
    });

    it(`${path} over plain HTTP is accepted: there is nothing to show a certificate with`, async () => {
      const { sign_type: _, ...rest } = elements;
      const signType = elements.sign_type === 'HMAC-SHA256' ? 'HMAC-SHA256' : 'MD5';
      assert.equal((await plain.post(path, rest, { signType })).xml.err_code, code);
    });
  }

  it('the certificate of another merchant is refused, and one with the right number but another key', async () => {
    const other = simulator.world.get(OTHER).merchant;
    const { merchant } = simulator;
    const forged = { ...other, serialNo: merchant.serialNo, mchid: merchant.mchid };
    for (const identity of [await identityOf(other), await identityOf(forged)]) {
      const answer = await post('/secapi/pay/reverse', { out_trade_no: 'NONE1' }, identity);
      assert.deepEqual(answer, {
        return_code: 'FAIL',
        return_msg: '证书与商户号不匹配，请使用该商户的API证书',
      });
    }
  });

  it('what needs no certificate is served without one, and pages and control API too', async () => {
    assert.equal((await post('/pay/orderquery', { out_trade_no: 'NONE1' })).err_code, 'ORDERNOTEXIST');
    const agent = new Agent({ connect: { ca } });
    const state = await request(`${simulator.tlsBaseUrl}/_simulator/state`, { dispatcher: agent });
    assert.equal(state.statusCode, 200);
    await state.body.dump();
    await agent.close();
  });

  for (const servername of [
    'api.mch.weixin.qq.com',
    'api2.wechatpay.cn',
    'payapp.weixin.qq.com',
    'localhost',
  ])
    it(`its certificate is good for ${servername}`, async () => {
      const { hostname, port } = new URL(simulator.tlsBaseUrl ?? '');
      const socket = connect({ host: hostname, port: Number(port), servername, ca });
      await new Promise<void>((resolve, reject) =>
        socket.once('secureConnect', resolve).once('error', reject),
      );
      assert.equal(socket.authorized, true);
      socket.destroy();
    });

  it('v3 is served as well, and the addresses that it gives out are HTTPS too', async () => {
    const { gateway, merchant, tlsBaseUrl } = simulator;
    const date = chinaTime(Date.now() - 3 * 24 * 3600_000).slice(0, 10);
    gateway.bills.addSynthetic({ date, rows: 1 });
    const url = `/v3/bill/tradebill?bill_date=${date}`;
    const signed = { method: 'GET', url, timestamp: String(Math.floor(Date.now() / 1000)), nonce: 'n' };
    const signature = signMessage(
      requestMessage({ ...signed, body: '' }),
      createPrivateKey(merchant.privateKeyPem),
    );
    const agent = new Agent({ connect: { ca } });
    const answer = await request(tlsBaseUrl + url, {
      dispatcher: agent,
      headers: {
        accept: 'application/json',
        'user-agent': 'test',
        authorization: formatAuthorization({
          ...signed,
          mchid: merchant.mchid,
          serialNo: merchant.serialNo,
          signature,
        }),
      },
    });
    const { download_url } = (await answer.body.json()) as { download_url: string };
    assert.ok(download_url.startsWith(`${tlsBaseUrl}/v3/billdownload/file?token=`), download_url);
    await agent.close();
  });

  it('nobody trusts it who does not trust ca.pem', async () => {
    const agent = new Agent();
    await assert.rejects(request(`${simulator.tlsBaseUrl}/`, { dispatcher: agent }));
    await agent.close();
  });

  it('the address is among the credentials; the same seed gives the same authority', async () => {
    const credentials = JSON.parse(await readFile(`${directory}/merchant.json`, 'utf8'));
    assert.equal(credentials.tls_base_url, simulator.tlsBaseUrl);
    const again = await startSimulator({ tls: true });
    assert.ok(again.ca);
    assert.equal(new X509Certificate(again.ca).publicKey.equals(new X509Certificate(ca).publicKey), true);
    assert.equal(again.ca, ca);
    await again.close();
  });

  it('without the option there is neither', async () => {
    const bare = await startSimulator();
    assert.deepEqual([bare.tlsBaseUrl, bare.ca], [undefined, undefined]);
    await bare.close();
  });
});
