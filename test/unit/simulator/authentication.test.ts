import assert from 'node:assert/strict';
import { type Simulator, startSimulator } from '../../../simulator/index.ts';
import { isSigned, orderBody, RawClient } from './client.ts';

const NATIVE = '/v3/pay/transactions/native';
const CHECKED_HEADERS = [
  'Wechatpay-Nonce',
  'Wechatpay-Serial',
  'Wechatpay-Signature',
  'Wechatpay-Signature-Type',
  'Wechatpay-Timestamp',
];

describe('simulator: the checks before an operation', () => {
  let simulator: Simulator;
  let client: RawClient;

  before(async () => {
    simulator = await startSimulator();
    client = new RawClient(simulator);
  });
  after(async () => {
    await client.close();
    await simulator.close();
  });

  it('1: an unknown path is 404 and a wrong method 405, both with an empty body', async () => {
    const unknown = await client.get('/v3/pay/transactions/nothing');
    const wrong = await client.get(NATIVE);
    assert.deepEqual([unknown.status, unknown.text], [404, '']);
    assert.deepEqual([wrong.status, wrong.text], [405, '']);
  });

  for (const header of ['accept', 'user-agent']) {
    it(`2: without ${header} a request is invalid, even when its signature is missing as well`, async () => {
      const answer = await client.get('/v3/pay/transactions/id/4200', {
        headers: { [header]: undefined, authorization: undefined },
      });
      assert.equal(answer.status, 400);
      assert.deepEqual(answer.json, { code: 'INVALID_REQUEST', message: 'Http头缺少Accept或User-Agent' });
    });
  }

  it('3: a malformed or missing Authorization is a sign error', async () => {
    for (const authorization of [undefined, 'Bearer x', 'WECHATPAY2-SHA256-RSA2048 mchid="1"']) {
      const answer = await client.order('T00001', {}, { headers: { authorization } });
      assert.equal(answer.status, 401);
      assert.equal(answer.json.code, 'SIGN_ERROR');
      assert.match(answer.json.message, /值格式错误/);
    }
  });

  it('4: a timestamp more than five minutes off is refused before serial and signature are looked at', async () => {
    const timestamp = Math.floor(Date.now() / 1000) - 301;
    const answer = await client.order('T00001', {}, { timestamp, serialNo: 'F'.repeat(40) });
    assert.equal(answer.status, 401);
    assert.match(answer.json.message, /timestamp与发起请求的时间不得超过5分钟/);
    const ahead = await client.order('T00001', {}, { timestamp: Math.floor(Date.now() / 1000) + 305 });
    assert.match(ahead.json.message, /timestamp/);
  });

  it('5: a foreign serial number is refused before the signature is looked at', async () => {
    const answer = await client.order('T00001', {}, { serialNo: 'F'.repeat(40), signedBody: 'x' });
    assert.equal(answer.status, 401);
    assert.match(answer.json.message, /商户证书序列号有误/);
  });

  it('6: a wrong signature is refused, with what the gateway would have signed', async () => {
    const answer = await client.order('T00001', {}, { signedBody: '{}' });
    assert.equal(answer.status, 401);
    assert.equal(answer.json.message, '错误的签名，验签失败');
    assert.equal(answer.json.detail.sign_information.method, 'POST');
    assert.equal(answer.json.detail.sign_information.url, NATIVE);
    assert.match(answer.json.detail.sign_information.truncated_sign_message, /^POST\n\/v3\/pay/);
  });

  it('answers up to check 6 are not signed, later refusals are', async () => {
    const refused = await client.order('T00001', {}, { signedBody: '{}' });
    assert.deepEqual(
      refused.headerNames.filter((name) => name.startsWith('Wechatpay-')),
      [],
    );
    assert.match(refused.headers['Request-ID'] ?? '', /^08[0-9A-F]{38}-\d+$/);
    const missing = await client.query('UNKNOWN1');
    assert.equal(missing.status, 404);
    assert.ok(isSigned(simulator, missing.headers, missing.text));
  });

  it('the signature covers the URL as sent, escapes included; a lone ? need not be signed', async () => {
    const { mchid } = simulator.merchant;
    const escaped = await client.get(`/v3/pay/transactions/out-trade-no/T%7C00001?mchid=${mchid}`);
    assert.equal(escaped.json.code, 'ORDER_NOT_EXIST');
    const other = await client.get(`/v3/pay/transactions/out-trade-no/T%7C00001?mchid=${mchid}`, {
      signedUrl: `/v3/pay/transactions/out-trade-no/T|00001?mchid=${mchid}`,
    });
    assert.equal(other.json.code, 'SIGN_ERROR');
    const url = '/v3/refund/domestic/refunds/R1';
    const lone = await client.get(`${url}?`, { signedUrl: url });
    assert.equal(lone.json.code, 'RESOURCE_NOT_EXISTS');
  });

  it('the signature covers the raw bytes: any spelling of JSON is accepted as long as it was signed', async () => {
    const spaced = JSON.stringify(orderBody(simulator, 'SPELLING1'), null, 3).replace('Tea', '\\u0054ea');
    const answer = await client.post(NATIVE, spaced);
    assert.equal(answer.status, 200, answer.text);
    const resent = await client.order('SPELLING1');
    assert.equal(resent.status, 200, 'equal by value is a re-entry');
  });

  it('7: the signing mchid must be the one in the body, and that comes before the fields', async () => {
    const answer = await client.order('x', { mchid: '1900099999' });
    assert.equal(answer.status, 400);
    assert.deepEqual(answer.json, {
      code: 'PARAM_ERROR',
      message: 'http header中的mchid与post payload中的mchid不匹配',
    });
  });

  it('9: a wrong field is named by a JSON pointer', async () => {
    const cases: [Record<string, unknown>, string][] = [
      [{ amount: { total: 1, currency: 'XYZ' } }, '/amount/currency'],
      [{ amount: { total: 0 } }, '/amount/total'],
      [{ amount: { total: '1' } }, '/amount/total'],
      [{ amount: { total: 1.5 } }, '/amount/total'],
      [{ description: undefined }, '/description'],
      [{ description: 'x'.repeat(128) }, '/description'],
      [{ description: 'tea 🍵' }, '/description'],
      [{ attach: null }, '/attach'],
      [{ extra: 1 }, '/extra'],
      [{ amount: { total: 1, fee: 1 } }, '/amount/fee'],
      [{ out_trade_no: 'short' }, '/out_trade_no'],
      [{ out_trade_no: 'with space' }, '/out_trade_no'],
      [{ time_expire: '2026-03-01 12:00:00' }, '/time_expire'],
      [{ notify_url: 'http://pay.example.com/wx' }, '/notify_url'],
      [{ notify_url: 'https://pay.example.com/wx?a=1' }, '/notify_url'],
      [{ payer: { openid: 'o' } }, '/payer'],
    ];
    for (const [changes, field] of cases) {
      const answer = await client.order('FIELDS1', changes);
      assert.equal(answer.status, 400, field);
      assert.equal(answer.json.code, 'PARAM_ERROR', field);
      assert.equal(answer.json.detail.field, field);
      assert.equal(answer.json.detail.location, 'body');
    }
    const currency = await client.order('FIELDS1', { amount: { total: 1, currency: 'XYZ' } });
    assert.deepEqual(currency.json, {
      code: 'PARAM_ERROR',
      message: '参数错误',
      detail: { field: '/amount/currency', value: 'XYZ', issue: 'bad currency', location: 'body' },
    });
  });

  it('9: a body that is not a JSON object, and a wrong query, are parameter errors', async () => {
    for (const body of ['{', '[]', 'null'])
      assert.equal((await client.post(NATIVE, body)).json.code, 'PARAM_ERROR');
    for (const query of ['', '?mchid=1900099999']) {
      const answer = await client.get(`/v3/pay/transactions/out-trade-no/T00001${query}`);
      assert.equal(answer.status, 400);
      assert.equal(answer.json.detail.field, 'mchid');
      assert.equal(answer.json.detail.location, 'query');
    }
  });

  it('9: an appid that is not bound to the merchant is refused', async () => {
    const answer = await client.order('APPID01', { appid: 'wx0000000000000000' });
    assert.deepEqual([answer.status, answer.json.code], [400, 'APPID_MCHID_NOT_MATCH']);
  });

  it('a plain http notify_url is taken for this machine only', async () => {
    for (const [index, host] of ['127.0.0.1:1', 'localhost:1', '[::1]:1'].entries()) {
      const answer = await client.order(`HOST00${index}`, { notify_url: `http://${host}/wx` });
      assert.equal(answer.status, 200, answer.text);
    }
  });

  it('a success carries the complete signed header set in its exact case', async () => {
    const answer = await client.order('HEADERS1');
    assert.equal(answer.status, 200);
    assert.match(answer.json.code_url, /^weixin:\/\/wxpay\/bizpayurl\?pr=\w+$/);
    assert.deepEqual(
      answer.headerNames.filter((name) => name.startsWith('Wechatpay-')),
      CHECKED_HEADERS,
    );
    assert.equal(answer.headers['Wechatpay-Signature-Type'], 'WECHATPAY2-SHA256-RSA2048');
    assert.equal(answer.headers['Content-Type'], 'application/json; charset=utf-8');
    assert.match(answer.headers['Request-ID'] ?? '', /-0$/);
    assert.ok(isSigned(simulator, answer.headers, answer.text));
  });

  it('a 204 is signed over an empty body and carries the same headers', async () => {
    await client.order('CLOSE204');
    const answer = await client.closeOrder('CLOSE204');
    assert.deepEqual([answer.status, answer.text], [204, '']);
    assert.match(answer.headers['Content-Type'] ?? '', /^application\/json/);
    assert.deepEqual(
      answer.headerNames.filter((name) => name.startsWith('Wechatpay-')),
      CHECKED_HEADERS,
    );
    assert.ok(isSigned(simulator, answer.headers, ''));
  });
});
