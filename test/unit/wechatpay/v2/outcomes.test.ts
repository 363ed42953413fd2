import assert from 'node:assert/strict';
import { OutcomeUnknownError, RequestRejectedError, WechatPayError } from '../../../../wechatpay/errors.ts';
import { V2 } from '../../../../wechatpay/v2/client.ts';
import {
  API_V2_KEY,
  APPID,
  answerXml,
  type Elements,
  MCHID,
  peer,
  signedElements,
  V2Gateway,
  v2Options,
} from './v2-gateway.ts';

const UNPAID = { out_trade_no: 'V1', trade_state: 'NOTPAY', trade_state_desc: '订单未支付' };

describe('v2 outcomes', () => {
  const gateway = new V2Gateway();
  let baseUrl: string;
  let v2: V2;

  before(async () => {
    baseUrl = await gateway.listen();
    v2 = new V2(v2Options(baseUrl));
  });
  after(async () => {
    await v2.close();
    await gateway.close();
  });

  const query = () => v2.orderQuery({ out_trade_no: 'V1' });
  const failure = async (call: Promise<unknown>): Promise<WechatPayError> => {
    const error = await call.then(
      () => assert.fail('it succeeded'),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof WechatPayError, String(error));
    return error;
  };
  const unknown = async (call: Promise<unknown>, code: string): Promise<WechatPayError> => {
    const error = await failure(call);
    assert.ok(error instanceof OutcomeUnknownError, error.message);
    assert.equal(error.code, code, error.message);
    assert.equal(error.retryable, true);
    return error;
  };
  const elements = (changes: Elements): Elements => ({
    return_code: 'SUCCESS',
    return_msg: 'OK',
    appid: APPID,
    mch_id: MCHID,
    nonce_str: 'n',
    result_code: 'SUCCESS',
    ...UNPAID,
    ...changes,
  });
  const says = (answer: Elements) => gateway.says(peer.Transformer.toXml(answer));

  it('a signed answer of either algorithm is believed', async () => {
    for (const type of ['MD5', 'HMAC-SHA256']) {
      gateway.says(answerXml({ ...UNPAID, sign_type: type }, type));
      assert.equal((await query()).trade_state, 'NOTPAY');
      gateway.says(answerXml(UNPAID, type));
      assert.equal((await query()).trade_state, 'NOTPAY');
    }
  });

  describe('are unknown after', () => {
    it('a success without a signature', async () => {
      says(elements({}));
      await unknown(query(), 'BAD_SIGNATURE');
      says(elements({ sign: '' }));
      await unknown(query(), 'BAD_SIGNATURE');
    });
    it('a success signed in lower case, with another key, or before it was changed', async () => {
      const genuine = signedElements(elements({}));
      says({ ...genuine, sign: genuine.sign?.toLowerCase() ?? '' });
      await unknown(query(), 'BAD_SIGNATURE');
      says(signedElements(elements({}), 'MD5', 'another key of 32 ASCII bytes...'));
      await unknown(query(), 'BAD_SIGNATURE');
      says({ ...genuine, trade_state: 'SUCCESS' });
      await unknown(query(), 'BAD_SIGNATURE');
      says({ ...genuine, extra: '1' });
      const error = await unknown(query(), 'BAD_SIGNATURE');
      assert.match(error.fix, /APIv2 key/);
    });
    it('a sign_type that its signature does not have', async () => {
      says(signedElements(elements({ sign_type: 'HMAC-SHA256' }), 'MD5'));
      await unknown(query(), 'BAD_SIGNATURE');
    });
    it('a SYSTEMERROR without a signature, mch_id and appid', async () => {
      says({
        return_code: 'SUCCESS',
        return_msg: 'OK',
        result_code: 'FAIL',
        err_code: 'SYSTEMERROR',
        err_code_des: 'system error',
      });
      const error = await unknown(query(), 'SYSTEM_ERROR');
      assert.equal(error.gatewayCode, 'SYSTEMERROR');
    });
    it('any other refusal without a signature', async () => {
      says({ return_code: 'SUCCESS', result_code: 'FAIL', err_code: 'ORDERNOTEXIST' });
      const error = await unknown(query(), 'BAD_SIGNATURE');
      assert.equal(error.gatewayCode, 'ORDERNOTEXIST');
    });
    it('a SYSTEMERROR whose signature is wrong', async () => {
      says({ ...elements({ result_code: 'FAIL', err_code: 'SYSTEMERROR' }), sign: 'F'.repeat(64) });
      await unknown(query(), 'BAD_SIGNATURE');
    });
    it('an answer of another merchant, appid or order, though it is signed', async () => {
      const changes: Elements[] = [{ mch_id: '1999999999' }, { appid: 'wxother' }, { out_trade_no: 'V2' }];
      for (const change of changes) {
        says(signedElements(elements(change)));
        await unknown(query(), 'UNEXPECTED_ANSWER');
      }
    });
    it('a signed answer without its result, or with one that is neither yes nor no', async () => {
      const changes: Elements[] = [
        { result_code: '' },
        { result_code: 'OK' },
        { result_code: 'FAIL' },
        { trade_state: '' },
        { out_trade_no: '' },
        { trade_state: 'SUCCESS' },
        { trade_state: 'SUCCESS', transaction_id: '42' },
        { total_fee: '-1' },
        { total_fee: '1e3' },
        { total_fee: ' 1' },
        { total_fee: '0x10' },
        { total_fee: '99999999999999999999' },
        { coupon_fee_0: '1.5' },
        { coupon_count: 'two' },
      ];
      for (const change of changes) {
        says(signedElements(elements(change)));
        await unknown(query(), 'UNEXPECTED_ANSWER');
      }
    });
    it('an answer without a return_code', async () => {
      for (const return_code of ['', 'OK', 'success']) {
        says(signedElements(elements({ return_code })));
        await unknown(query(), 'UNEXPECTED_ANSWER');
      }
    });
    for (const [name, body] of Object.entries({
      'an HTML page': '<html><head><title>404</title></head><body>404 Not Found</body></html>',
      nothing: '',
      text: 'SUCCESS',
      JSON: '{"return_code":"SUCCESS"}',
      'truncated XML': '<xml><return_code><![CDATA[SUCCESS]]></return_code><resu',
      'XML with a document type': `<!DOCTYPE xml [<!ENTITY a "b">]>${answerXml(UNPAID)}`,
      'two signatures': answerXml(UNPAID).replace('</xml>', '<sign>1</sign></xml>'),
      'elements within elements': '<xml><return_code><a>SUCCESS</a></return_code></xml>',
      '100,000 elements': `<xml>${'<a>1</a>'.repeat(100_000)}</xml>`,
      'UTF-16': Buffer.from(answerXml(UNPAID), 'utf16le'),
      'a NUL byte': answerXml(UNPAID).replace('订', '\0'),
      'more than a megabyte': answerXml({ ...UNPAID, attach: 'x'.repeat(1024 * 1024) }),
    })) {
      it(`${name} in place of an answer`, async () => {
        gateway.says(body);
        await unknown(query(), 'UNEXPECTED_ANSWER');
      });
    }
    it('any status but 200, whatever comes with it', async () => {
      const html = '<html><body>404 Not Found</body></html>';
      for (const [status, code] of [
        [404, 'UNEXPECTED_ANSWER'],
        [400, 'UNEXPECTED_ANSWER'],
        [302, 'UNEXPECTED_ANSWER'],
        [500, 'UNEXPECTED_ANSWER'],
        [502, 'SERVICE_UNAVAILABLE'],
        [503, 'SERVICE_UNAVAILABLE'],
        [504, 'TIMEOUT'],
      ] as const) {
        for (const body of [html, answerXml(UNPAID), '', 'x'.repeat(2 * 1024 * 1024)]) {
          gateway.says(body, { status });
          const error = await unknown(query(), code);
          assert.equal(error.httpStatus, status);
        }
      }
    });
    it('a connection that breaks, and no answer in time', async () => {
      gateway.answer = (response) => response.destroy();
      await unknown(query(), 'CONNECTION');
      const hurried = new V2({ ...v2Options(baseUrl), timeoutMs: 60 });
      gateway.answer = () => {};
      await unknown(hurried.orderQuery({ out_trade_no: 'V1' }), 'TIMEOUT');
      await hurried.close();
    });
  });

  it('a code as long as a book is cut', async () => {
    says(
      signedElements(
        elements({ result_code: 'FAIL', err_code: 'A'.repeat(5000), err_code_des: 'b'.repeat(5000) }),
      ),
    );
    const error = await failure(query());
    assert.equal(error.outcome, 'unknown');
    assert.ok(error.message.length < 1000);
    assert.equal(error.code.length, 64);
  });

  it('an error tells what was sent, and nothing secret', async () => {
    says(signedElements(elements({ result_code: 'FAIL', err_code: 'AUTHCODEEXPIRE' })));
    const error = await failure(
      v2.micropay({
        body: 'private words',
        out_trade_no: 'V1',
        total_fee: 1,
        spbill_create_ip: '203.0.113.9',
        auth_code: '134567890123456789',
      }),
    );
    assert.ok(error instanceof RequestRejectedError);
    assert.deepEqual(error.request, { method: 'POST', url: `${baseUrl}/pay/micropay` });
    const everything = JSON.stringify(error) + error.message + error.stack;
    const { sign = 'missing' } = peer.Transformer.toObject(gateway.last.body.toString());
    for (const secret of [API_V2_KEY, 'private words', '134567890123456789', sign])
      assert.ok(!everything.includes(secret));
  });
});
