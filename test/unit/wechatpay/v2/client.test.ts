import assert from 'node:assert/strict';
import { Agent, MockAgent } from 'undici';
import { ConfigurationError, RequestRejectedError } from '../../../../wechatpay/errors.ts';
import { V2, type V2Options } from '../../../../wechatpay/v2/index.ts';
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

const ORDER = {
  body: 'Tea',
  out_trade_no: 'V1',
  total_fee: 2590,
  spbill_create_ip: '203.0.113.9',
  notify_url: 'https://pay.example.com/wx',
  trade_type: 'NATIVE',
  product_id: 'tea',
} as const;
const PLACED = { trade_type: 'NATIVE', prepay_id: 'wx1', code_url: 'weixin://x' };
const REFUND = { transaction_id: '4200', out_refund_no: 'VR1', total_fee: 2590, refund_fee: 1000 };
const REFUNDED = {
  transaction_id: '4200',
  out_trade_no: 'V1',
  out_refund_no: 'VR1',
  refund_id: '5030',
  refund_fee: '1000',
  total_fee: '2590',
  cash_fee: '2590',
};
const TERMINAL = { store_id: 'S', store_name: 'N', device_id: 'D', rawdata: 'R' };

describe('the v2 client', () => {
  const gateway = new V2Gateway();
  let secure: V2Gateway;
  let server: Pair;
  let client: Pair;
  let baseUrl: string;
  let secureUrl: string;
  let v2: V2;

  before(async () => {
    [server, client] = await Promise.all([selfSigned('gateway'), selfSigned(MCHID)]);
    secure = new V2Gateway({ server, client: client.cert });
    [baseUrl, secureUrl] = await Promise.all([gateway.listen(), secure.listen()]);
    // The certificate only counts over TLS; over plain HTTP, as with a simulator, it does no harm.
    v2 = new V2({ ...v2Options(baseUrl), clientCertificate: client });
  });
  after(async () => {
    await v2.close();
    await Promise.all([gateway.close(), secure.close()]);
  });
  beforeEach(() => {
    gateway.received.length = 0;
  });

  describe('sends', () => {
    it('a serialized order byte for byte, as often as it is sent', async () => {
      gateway.says(answerXml(PLACED));
      const xml = v2.serializeUnifiedOrder(ORDER);
      await v2.unifiedOrder(xml);
      assert.equal((await v2.unifiedOrder(xml)).code_url, 'weixin://x');
      assert.deepEqual(
        gateway.received.map(({ body }) => body.toString()),
        [xml, xml],
      );
      await v2.unifiedOrder(ORDER);
      assert.equal(gateway.last.body.toString(), xml, 'with the same nonce it is the same');
    });

    it('a serialized refund byte for byte, and notices the answer to another one', async () => {
      gateway.says(answerXml(REFUNDED));
      const xml = v2.serializeRefund(REFUND);
      assert.equal((await v2.refund(xml)).refund_id, '5030');
      assert.equal(gateway.last.body.toString(), xml);
      await assert.rejects(v2.refund(v2.serializeRefund({ ...REFUND, out_refund_no: 'VR2' })), {
        code: 'UNEXPECTED_ANSWER',
        outcome: 'unknown',
      });
    });

    it('a serialized payment by code or face byte for byte, and notices the answer to another one', async () => {
      const payment = { body: 'Tea', out_trade_no: 'V2', total_fee: 2590, spbill_create_ip: '203.0.113.9' };
      const paid = { transaction_id: '4200', total_fee: '2590', out_trade_no: 'V2' };
      for (const [xml, pay] of [
        [v2.serializeMicropay({ ...payment, auth_code: '134567890123456789' }), v2.micropay.bind(v2)],
        [v2.serializeFacepay({ ...payment, face_code: 'f', fee_type: 'CNY' }), v2.facepay.bind(v2)],
      ] as const) {
        gateway.says(answerXml(paid));
        assert.equal((await pay(xml)).transaction_id, '4200');
        assert.equal(gateway.last.body.toString(), xml);
        gateway.says(answerXml({ ...paid, out_trade_no: 'V3' }));
        await assert.rejects(pay(xml), { code: 'UNEXPECTED_ANSWER', outcome: 'unknown' });
      }
    });

    it('a text of the caller that is no XML as it is', async () => {
      gateway.says(
        '<xml><return_code>FAIL</return_code><return_msg><![CDATA[XML格式错误]]></return_msg></xml>',
      );
      await assert.rejects(v2.refund('no XML'), { code: 'INVALID_REQUEST', outcome: 'rejected' });
      assert.equal(gateway.last.body.toString(), 'no XML');
    });

    it('UTF-8 XML, who asks, and one sort of signature unless it was told another', async () => {
      gateway.says(answerXml(PLACED));
      const fresh = new V2({
        mchid: MCHID,
        appid: APPID,
        apiV2Key: API_V2_KEY,
        baseUrl,
        userAgent: 'shop/7',
      });
      await fresh.unifiedOrder(ORDER);
      const first = peer.Transformer.toObject(gateway.last.body);
      assert.equal(gateway.last.headers['content-type'], 'text/xml; charset=utf-8');
      assert.equal(gateway.last.headers['user-agent'], 'shop/7');
      assert.equal(first.sign_type, 'HMAC-SHA256');
      assert.match(first.nonce_str ?? '', /^[0-9A-F]{32}$/);
      await fresh.unifiedOrder(ORDER);
      assert.notEqual(peer.Transformer.toObject(gateway.last.body).nonce_str, first.nonce_str);
      await fresh.close();
    });

    it("nobody else's merchant number and signature, though the caller names one", () => {
      const smuggled = {
        ...ORDER,
        appid: 'wxother',
        mch_id: '1999999999',
        nonce_str: 'x',
        sign_type: 'MD5',
        sign: 'F',
      };
      const { sign, ...sent } = peer.Transformer.toObject(v2.serializeUnifiedOrder(smuggled));
      assert.deepEqual(
        [sent.appid, sent.mch_id, sent.nonce_str, sent.sign_type],
        [APPID, MCHID, NONCE, 'HMAC-SHA256'],
      );
      assert.equal(sign, peer.Hash.sign('HMAC-SHA256', sent, API_V2_KEY));
    });

    it('nothing empty', () => {
      const order = { ...ORDER, attach: '', detail: undefined, sub_mch_id: '' };
      const sent = peer.Transformer.toObject(v2.serializeUnifiedOrder(order as never));
      assert.deepEqual(
        ['attach', 'detail', 'sub_mch_id'].filter((name) => name in sent),
        [],
      );
    });

    for (const [name, change, field] of [
      ['null', { attach: null }, 'attach'],
      ['a fraction of a fen', { total_fee: 19.9 * 100 }, 'total_fee'],
      ['a negative amount', { total_fee: -1 }, 'total_fee'],
      ['no number', { total_fee: Number.NaN }, 'total_fee'],
      ['a boolean', { receipt: true }, 'receipt'],
      ['a control character', { body: 'Tea\x1b' }, 'body'],
      ['a NUL byte', { attach: '\0' }, 'attach'],
      ['half a character', { attach: '\ud83c' }, 'attach'],
      ['a carriage return', { attach: 'a\r\nb' }, 'attach'],
      ['a control character in an object', { detail: { a: '\ufffe' } }, 'detail'],
      ['a document type', { attach: '<!DOCTYPE x>' }, 'attach'],
      ['a name that is none', { 'a b': '1' }, 'a b'],
    ] as const) {
      it(`not ${name}`, async () => {
        const order = { ...ORDER, ...change } as never;
        const expected = { name: 'RequestRejectedError', code: 'PARAM_ERROR', outcome: 'rejected', field };
        assert.throws(() => v2.serializeUnifiedOrder(order), expected);
        await assert.rejects(v2.unifiedOrder(order), expected);
        await assert.rejects(v2.downloadBill(order), RequestRejectedError);
        assert.equal(gateway.received.length, 0);
      });
    }
  });

  describe('reaches', () => {
    it('the backup host with the same bytes when the first cannot be reached, certificate included', async () => {
      const unreachable = 'http://127.0.0.1:1';
      const failing = new V2({
        ...v2Options(unreachable),
        backupUrl: secureUrl,
        clientCertificate: { ...client, ca: server.cert },
      });
      secure.says(answerXml(REFUNDED));
      assert.equal((await failing.refund(REFUND)).refund_id, '5030');
      assert.equal(secure.last.commonName, MCHID);
      await failing.close();
      const alone = new V2({ ...v2Options(unreachable), backupUrl: false });
      await assert.rejects(alone.orderQuery({ out_trade_no: 'V1' }), {
        code: 'CONNECTION',
        outcome: 'unknown',
      });
      await alone.close();
    });

    it('official hosts: the merchant API, its backup, and the one of face payment terminals', async () => {
      const agent = new MockAgent();
      agent.disableNetConnect();
      const face = answerXml({ result_code: '', authinfo: 'A', expires_in: '1' });
      agent
        .get('https://api.mch.weixin.qq.com')
        .intercept({ path: '/pay/unifiedorder', method: 'POST' })
        .replyWithError(Object.assign(new Error('no'), { code: 'ENOTFOUND' }));
      agent
        .get('https://api2.mch.weixin.qq.com')
        .intercept({ path: '/pay/unifiedorder', method: 'POST' })
        .reply(200, answerXml(PLACED));
      agent
        .get('https://payapp.weixin.qq.com')
        .intercept({ path: '/face/get_wxpayface_authinfo', method: 'POST' })
        .reply(200, face);
      const { baseUrl: _, ...official } = v2Options();
      const real = new V2({ ...official, dispatcher: agent });
      assert.equal((await real.unifiedOrder(ORDER)).code_url, 'weixin://x');
      assert.equal((await real.getWxpayfaceAuthinfo(TERMINAL)).authinfo, 'A');
      await real.close();
      agent.assertNoPendingInterceptors();
      await agent.close();

      gateway.says(face);
      await v2.getWxpayfaceAuthinfo(TERMINAL);
      assert.equal(gateway.last.target, '/face/get_wxpayface_authinfo', 'a simulator stands in for all');
    });

    it('nothing after it was closed', async () => {
      const closed = new V2(v2Options(baseUrl));
      await closed.close();
      await assert.rejects(closed.orderQuery({ out_trade_no: 'V1' }), { code: 'CONNECTION' });
      assert.equal(gateway.received.length, 0);
    });
  });

  describe('keeps the client certificate', () => {
    it('on the calls that need it, and shows it on no other, however they are mixed', async () => {
      const open = new V2Gateway({ server, client: client.cert }, { optional: true });
      const url = await open.listen();
      const ca = server.cert;
      const dispatcher = new Agent({ connect: { ca } });
      const both = new V2({ ...v2Options(url), dispatcher, clientCertificate: { ...client, ca } });
      open.answer = (response, { target }) =>
        response.end(
          answerXml(
            target === '/secapi/pay/refund' ? REFUNDED : { out_trade_no: 'V1', trade_state: 'NOTPAY' },
          ),
        );
      for (let round = 0; round < 3; round++) {
        await Promise.all(
          Array.from({ length: 6 }, (_, i) =>
            i % 2 ? both.refund(REFUND) : both.orderQuery({ out_trade_no: 'V1' }),
          ),
        );
      }
      assert.equal(open.received.length, 18);
      for (const { target, commonName } of open.received)
        assert.equal(commonName, target === '/secapi/pay/refund' ? MCHID : 'undefined', target);
      await both.close();
      await dispatcher.close();
      await open.close();
    });

    it('and does not pass for another one', async () => {
      const stranger = await selfSigned('1999999999');
      const other = new V2({
        ...v2Options(secureUrl),
        clientCertificate: { ...stranger, ca: server.cert },
      });
      const before = secure.received.length;
      await assert.rejects(other.refund(REFUND), { code: 'CONNECTION', outcome: 'unknown' });
      assert.equal(secure.received.length, before);
      await other.close();
    });
  });

  describe('does not start with', () => {
    const refuses = (change: Partial<Record<keyof V2Options, unknown>>, message: RegExp) =>
      assert.throws(
        () => new V2({ ...v2Options(), ...change } as V2Options),
        (error) => {
          assert.ok(error instanceof ConfigurationError);
          assert.equal(error.code, 'INVALID_CONFIGURATION');
          assert.match(error.message, message);
          assert.ok(!error.message.includes(API_V2_KEY));
          return true;
        },
      );
    it('numbers, keys, addresses and limits that cannot work', () => {
      refuses({ mchid: '' }, /mchid/);
      refuses({ appid: 'wx "' }, /appid/);
      refuses({ apiV2Key: API_V2_KEY.slice(1) }, /32 bytes, it has 31/);
      refuses({ apiV2Key: undefined }, /it has 0/);
      refuses({ signType: 'SHA1' }, /signType/);
      refuses({ baseUrl: 'https://x/path' }, /baseUrl/);
      refuses({ baseUrl: 'ftp://x' }, /baseUrl/);
      refuses({ baseUrl: 'x' }, /baseUrl/);
      refuses({ backupUrl: 'https://u:p@x' }, /backupUrl/);
      refuses({ timeoutMs: 0 }, /timeoutMs/);
    });
    it('a client certificate that cannot be read or whose key belongs to another', async () => {
      refuses({ clientCertificate: { cert: 'x', key: 'y' } }, /clientCertificate/);
      refuses({ clientCertificate: { cert: client.cert } }, /clientCertificate/);
      refuses({ clientCertificate: { cert: client.cert, key: server.key } }, /clientCertificate/);
    });
    it('several problems, and names all of them', () => {
      const problems = { mchid: '', apiV2Key: 'short', timeoutMs: -1 };
      for (const name of Object.keys(problems)) refuses(problems, new RegExp(name));
    });
  });

  describe('opens the cashier', () => {
    for (const signType of ['MD5', 'HMAC-SHA256'] as const) {
      it(`with parameters signed under ${signType}`, () => {
        const { invocation } = new V2({ ...v2Options(), signType });
        const { paySign, ...jsapi } = invocation.jsapi('wx2026');
        assert.deepEqual(jsapi, {
          appId: APPID,
          timeStamp: '1772337600',
          nonceStr: NONCE,
          package: 'prepay_id=wx2026',
          signType,
        });
        assert.equal(paySign, peer.Hash.sign(signType, jsapi, API_V2_KEY));

        const { paySign: miniSign, ...mini } = invocation.miniProgram('wx2026', { appId: 'wxmini' });
        assert.ok(!('appId' in mini));
        assert.equal(miniSign, peer.Hash.sign(signType, { appId: 'wxmini', ...mini }, API_V2_KEY));

        const { sign, ...app } = invocation.app('wx2026', { appId: 'wxapp' });
        assert.deepEqual(app, {
          appid: 'wxapp',
          partnerid: MCHID,
          prepayid: 'wx2026',
          package: 'Sign=WXPay',
          noncestr: NONCE,
          timestamp: '1772337600',
        });
        assert.equal(sign, peer.Hash.sign(signType, app, API_V2_KEY));
      });
    }
  });
});
