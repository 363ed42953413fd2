import assert from 'node:assert/strict';
import { type Simulator, startSimulator } from '../../../simulator/index.ts';
import { type Elements, peer, RawV2Client, refusalOf, type V2Deviation } from './v2-client.ts';

const PROVIDER_SCENARIO = {
  merchants: [{ mchid: '1900000009', appid: 'wx00000000000000ff' }],
};

describe('simulator: the v2 protocol', () => {
  let simulator: Simulator;
  let client: RawV2Client;
  before(async () => {
    simulator = await startSimulator({ notifyDelayMs: 1e8, scenario: PROVIDER_SCENARIO });
    client = new RawV2Client(simulator);
  });
  after(async () => {
    await client.close();
    await simulator.close();
  });

  describe('before the caller is known, a failure is return_code FAIL and is not signed', () => {
    const failures: [what: string, message: string, changes: Elements, deviation: V2Deviation][] = [
      ['a GET', '请使用post方法', {}, { method: 'GET' }],
      ['a PUT', '请使用post方法', {}, { method: 'PUT' }],
      ['no body', 'post数据为空', {}, { body: '' }],
      [
        'bytes that are not UTF-8',
        '编码格式错误',
        {},
        { body: Buffer.from('3c786d6c3e3c613eff3c2f613e3c2f786d6c3e', 'hex') },
      ],
      ['JSON', 'XML格式错误', {}, { body: '{"mch_id":"1900012345"}' }],
      ['XML that does not end', 'XML格式错误', {}, { body: '<xml><mch_id>1900012345</mch_id>' }],
      ['another root element', 'XML格式错误', {}, { body: '<root><mch_id>1900012345</mch_id></root>' }],
      ['an element twice', 'XML格式错误', {}, { body: '<xml><mch_id>1</mch_id><mch_id>2</mch_id></xml>' }],
      [
        'a document type',
        'XML格式错误',
        {},
        { body: '<!DOCTYPE xml SYSTEM "http://127.0.0.1:1/x"><xml><mch_id>1</mch_id></xml>' },
      ],
      [
        'an entity',
        'XML格式错误',
        {},
        {
          body: '<!DOCTYPE xml [<!ENTITY key SYSTEM "file:///etc/passwd">]><xml><mch_id>&key;</mch_id></xml>',
        },
      ],
      ['no appid', '缺少参数:appid', { appid: '' }, {}],
      ['no mch_id', '缺少参数:mch_id', { mch_id: '' }, {}],
      ['no nonce_str', '缺少参数:nonce_str', { nonce_str: '' }, {}],
      ['no sign', '缺少参数:sign', {}, { sign: '' }],
      ['a nonce_str that is too long', '参数错误:nonce_str长度不能超过32', { nonce_str: 'n'.repeat(33) }, {}],
      ['an unknown sign_type', '参数错误:sign_type必须为MD5或HMAC-SHA256', { sign_type: 'SHA1' }, {}],
      ['an unknown merchant', 'MCHID不存在', { mch_id: '1999999999' }, {}],
      ['another key', '签名失败', {}, { key: 'k'.repeat(32) }],
      ['a signature of something else', '签名失败', {}, { sign: 'A'.repeat(32) }],
      ['MD5 under the name of HMAC-SHA256', '签名失败', { sign_type: 'HMAC-SHA256', nonce_str: 'n' }, {}],
    ];
    for (const [what, return_msg, changes, deviation] of failures) {
      it(what, async () => {
        const answer = await client.post('/pay/orderquery', { out_trade_no: 'V1', ...changes }, deviation);
        assert.equal(answer.status, 200);
        assert.deepEqual(answer.xml, { return_code: 'FAIL', return_msg });
      });
    }
  });

  describe('from then on it has an err_code and is signed as the request was', () => {
    const refusals: [what: string, code: string, message: string, changes: Elements][] = [
      ['an appid that nobody has', 'APPID_NOT_EXIST', 'APPID不存在', { appid: 'wx1111111111111111' }],
      [
        'the appid of another merchant',
        'APPID_MCHID_NOT_MATCH',
        'appid和mch_id不匹配',
        { appid: 'wx00000000000000ff' },
      ],
      ['a sub-merchant of somebody else', 'MCHID_NOT_EXIST', '受理关系不存在', { sub_mch_id: '1999999999' }],
      ['no number', 'LACK_PARAMS', '缺少参数:out_trade_no', { out_trade_no: '' }],
      [
        'a number with other characters',
        'PARAM_ERROR',
        '参数错误:out_trade_no格式错误',
        { out_trade_no: 'V 1' },
      ],
      ['an unknown number', 'ORDERNOTEXIST', '此交易订单号不存在', {}],
    ];
    for (const [what, err_code, err_code_des, changes] of refusals) {
      for (const signType of ['MD5', 'HMAC-SHA256'] as const) {
        it(`${what}, ${signType}`, async () => {
          const elements = { out_trade_no: 'V1', ...changes };
          const answer = await client.post('/pay/orderquery', elements, { signType });
          assert.equal(answer.status, 200);
          assert.deepEqual(refusalOf(answer), {
            return_code: 'SUCCESS',
            return_msg: 'OK',
            result_code: 'FAIL',
            err_code,
            err_code_des,
          });
          assert.equal(answer.signedWith, signType);
          assert.equal(answer.xml.mch_id, simulator.merchant.mchid);
          assert.match(answer.xml.nonce_str ?? '', /^\w{32}$/);
        });
      }
    }
  });

  it('without sign_type a request is signed with MD5', async () => {
    const { merchant } = simulator;
    const elements = {
      appid: merchant.appid,
      mch_id: merchant.mchid,
      nonce_str: 'n',
      out_trade_no: 'V1',
    };
    const sign = peer.Hash.sign('HMAC-SHA256', elements, merchant.apiV2Key);
    const refused = await client.post('/pay/orderquery', elements, { sign });
    assert.equal(refused.xml.return_msg, '签名失败');
    assert.equal((await client.post('/pay/orderquery', elements)).signedWith, 'MD5');
  });

  it('XML is read whatever its Content-Type, spelling and empty elements', async () => {
    const { merchant } = simulator;
    const elements = {
      appid: merchant.appid,
      mch_id: merchant.mchid,
      nonce_str: 'n',
      body: 'Tea & <b>\n"茶" 🍵',
      out_trade_no: 'SPELLING1',
      total_fee: '1',
      spbill_create_ip: '2001:db8::1',
      notify_url: 'https://pay.example.com/wx',
      trade_type: 'APP',
    };
    const sign = peer.Hash.sign('MD5', elements, merchant.apiV2Key);
    const body = `\u{feff}<?xml version="1.0" encoding="UTF-8"?>\n<!-- order -->\n<xml>
      <attach></attach><detail/>
      ${Object.entries({ ...elements, sign })
        .map(([name, value]) =>
          name === 'body'
            ? '<body>Tea &amp; &lt;b&#62;\n&quot;<![CDATA[茶]]>" &#x1F375;</body>'
            : `<${name}>${value}</${name}>`,
        )
        .join('\n')}
    </xml>`;
    for (const contentType of ['application/json', 'application/x-www-form-urlencoded', '']) {
      const answer = await client.post('/pay/unifiedorder', {}, { body, contentType });
      assert.equal(answer.xml.result_code, 'SUCCESS', answer.text);
    }
    assert.equal(simulator.gateway.order('SPELLING1').description, 'Tea & <b>\n"茶" 🍵');
  });

  for (const path of [
    '/pay/unknown',
    '/secapi/pay/none',
    '/pay/',
    '/xdc/apiv2sandbox/pay/unknown',
    '/tools/x',
  ])
    it(`${path} is a page in HTML and 404`, async () => {
      const answer = await client.post(path, {});
      assert.equal(answer.status, 404);
      assert.equal(answer.contentType, 'text/html');
      assert.match(answer.text, /^<html>[\s\S]*404 Not Found/);
    });

  it('an overseas merchant may not use the calls of the mainland', async () => {
    const merchant = simulator.world.merchants().find(({ region }) => region === 'overseas');
    assert.ok(merchant);
    const answer = await client.query('V1', { merchant });
    assert.equal(answer.xml.err_code, 'NOAUTH');
    assert.equal(answer.signedWith, 'MD5');
  });

  describe('service providers', () => {
    it('order and query for a sub-merchant, and only with it', async () => {
      const { provider } = simulator.world;
      const [sub] = provider.subMerchants;
      assert.ok(sub);
      const relation = { sub_mch_id: sub.mchid, sub_appid: sub.appid };
      const without = await client.order('PARTNER1', {}, { merchant: provider });
      assert.deepEqual(
        [without.xml.err_code, without.xml.err_code_des],
        ['LACK_PARAMS', '缺少参数:sub_mch_id'],
      );
      const created = await client.order('PARTNER1', relation, { merchant: provider });
      assert.equal(created.xml.result_code, 'SUCCESS', created.text);
      assert.equal(created.xml.sub_mch_id, sub.mchid);
      assert.equal(created.xml.sub_appid, sub.appid);
      simulator.gateway.pay('PARTNER1');
      const asked = { out_trade_no: 'PARTNER1', ...relation };
      const { xml } = await client.post('/pay/orderquery', asked, { merchant: provider });
      assert.deepEqual(
        [xml.trade_state, xml.mch_id, xml.sub_mch_id, xml.sub_appid],
        ['SUCCESS', provider.mchid, sub.mchid, sub.appid],
      );
      assert.match(xml.openid ?? '', /^o/);
      assert.match(xml.sub_openid ?? '', /^o/);
      const wrongAppid = { out_trade_no: 'PARTNER1', ...relation, sub_appid: provider.appid };
      assert.equal(
        (await client.post('/pay/orderquery', wrongAppid, { merchant: provider })).xml.err_code,
        'APPID_MCHID_NOT_MATCH',
      );
      // The first merchant has the same keys but not this order.
      assert.equal((await client.query('PARTNER1')).xml.err_code, 'ORDERNOTEXIST');
    });
  });

  describe('sandbox', () => {
    const keys = ['/xdc/apiv2getsignkey/sign/getsignkey', '/sandboxnew/pay/getsignkey'];
    for (const path of keys) {
      const prefix = path.startsWith('/xdc/') ? '/xdc/apiv2sandbox' : '/sandboxnew';
      it(`${prefix}/pay/* is signed with the key of the sandbox`, async () => {
        const given = await client.post(path, { appid: '' });
        assert.equal(given.xml.return_code, 'SUCCESS');
        const key = given.xml.sandbox_signkey ?? '';
        assert.match(key, /^\w{32}$/);
        const outTradeNo = `SANDBOX${prefix.length}`;
        const order = { ...ORDER, out_trade_no: outTradeNo };
        const created = await client.post(`${prefix}/pay/unifiedorder`, order, { key });
        assert.equal(created.xml.result_code, 'SUCCESS', created.text);
        assert.equal(created.signedWith, 'MD5');
        const withOwnKey = await client.post(`${prefix}/pay/unifiedorder`, order);
        assert.equal(withOwnKey.xml.return_msg, '签名失败');
        simulator.gateway.pay(outTradeNo);
        const refund = {
          out_trade_no: outTradeNo,
          out_refund_no: outTradeNo,
          total_fee: '551',
          refund_fee: '551',
        };
        const refunded = await client.post(`${prefix}/pay/refund`, refund, { key });
        assert.equal(refunded.xml.result_code, 'SUCCESS', refunded.text);
      });
    }
  });
});

const ORDER = {
  body: 'Tea',
  total_fee: '551',
  spbill_create_ip: '203.0.113.9',
  notify_url: 'https://pay.example.com/wx',
  trade_type: 'NATIVE',
  product_id: 'tea',
};
