import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import {
  ConfigurationError,
  OutcomeUnknownError,
  RequestRejectedError,
  WechatPay,
  WechatPayError,
} from '../../../wechatpay/index.ts';
import {
  keys,
  options,
  PROBE,
  SigningGateway,
  signatureHeaders,
  signed,
  unsigned,
} from './signing-gateway.ts';

const REFUND = {
  transaction_id: '4200',
  out_refund_no: 'R1',
  amount: { refund: 1, total: 2, currency: 'CNY' as const },
};
const PAID = { out_trade_no: 'T1', trade_state: 'SUCCESS', transaction_id: '4200' };

async function failure(call: Promise<unknown>): Promise<WechatPayError> {
  try {
    await call;
  } catch (error) {
    assert.ok(error instanceof WechatPayError, String(error));
    return error;
  }
  throw new Error('the call succeeded');
}

describe('wechatpay outcomes', () => {
  const gateway = new SigningGateway();
  let pay: WechatPay;
  let baseUrl: string;

  before(async () => {
    baseUrl = await gateway.listen();
    pay = new WechatPay({ ...options(baseUrl), timeoutMs: 2000 });
  });
  after(async () => {
    await pay.close();
    await gateway.close();
  });

  const query = () => pay.orders.queryByOutTradeNo('T1');

  describe('confirmed', () => {
    it('a signed 200', async () => {
      gateway.answer = signed(200, PAID);
      assert.deepEqual(await query(), PAID);
    });
    it('a signed 204 with its empty body', async () => {
      gateway.answer = signed(204, undefined);
      assert.equal(await pay.orders.close('T1'), undefined);
    });
    it('an answer signed with a key that is not the current one', async () => {
      const publicKeys = { PUB_KEY_ID_NEW: keys.merchantPublic, ...options().publicKeys };
      const client = new WechatPay({ ...options(baseUrl), publicKeys });
      gateway.answer = signed(200, PAID);
      assert.deepEqual(await client.orders.queryByOutTradeNo('T1'), PAID);
      assert.equal(gateway.last.headers['wechatpay-serial'], 'PUB_KEY_ID_NEW');
      await client.close();
    });
    it('an answer that arrives in pieces inside of characters', async () => {
      const body = Buffer.from(JSON.stringify({ ...PAID, trade_state_desc: '支付成功' }));
      gateway.answer = (response) => {
        response.writeHead(200, signatureHeaders(body));
        const cut = body.indexOf(Buffer.from('支')) + 1;
        response.write(body.subarray(0, cut));
        setTimeout(() => response.end(body.subarray(cut)), 20);
      };
      assert.equal((await query()).trade_state_desc, '支付成功');
    });
  });

  describe('rejected', () => {
    const cases: [number, string, string][] = [
      [400, 'PARAM_ERROR', 'PARAM_ERROR'],
      [404, 'ORDERNOTEXIST', 'ORDER_NOT_EXIST'],
      [404, 'ORDER_NOT_EXIST', 'ORDER_NOT_EXIST'],
      [404, 'RESOURCE_NOT_EXISTS', 'RESOURCE_NOT_EXISTS'],
      [403, 'NOTENOUGH', 'NOT_ENOUGH'],
      [403, 'OUT_TRADE_NO_USED', 'OUT_TRADE_NO_USED'],
      [400, 'ORDERPAID', 'ORDER_PAID'],
      [403, 'RULELIMIT', 'RULE_LIMIT'],
      [400, 'constructor', 'constructor'],
      [500, 'INVALID_TRANSACTIONID', 'INVALID_TRANSACTIONID'],
      [500, 'OPENID_MISMATCH', 'OPENID_MISMATCH'],
    ];
    for (const [status, sentCode, code] of cases) {
      it(`${status} ${sentCode} reads ${code}`, async () => {
        gateway.answer = signed(
          status,
          { code: sentCode, message: '原因' },
          { 'Request-ID': '08B3F1-268512771' },
        );
        const error = await failure(query());
        assert.ok(error instanceof RequestRejectedError);
        assert.equal(error.name, 'RequestRejectedError');
        assert.equal(error.outcome, 'rejected');
        assert.equal(error.retryable, false);
        assert.equal(error.code, code);
        assert.equal(error.gatewayCode, sentCode);
        assert.equal(error.httpStatus, status);
        assert.equal(error.requestId, '08B3F1-268512771');
        assert.match(error.message, /原因/);
        assert.ok(error.fix.length > 10 && error.message.endsWith(error.fix));
      });
    }

    it('without a signature, because refusals before authentication carry none', async () => {
      gateway.answer = unsigned(400, '{"code":"INVALID_REQUEST","message":"x"}');
      assert.equal((await failure(query())).code, 'INVALID_REQUEST');
    });
    it('the named field is told', async () => {
      const detail = { field: '/amount/currency', value: 'XYZ', issue: 'bad', location: 'body' };
      gateway.answer = signed(400, { code: 'PARAM_ERROR', message: '参数错误', detail });
      const error = await failure(query());
      assert.equal(error.field, '/amount/currency');
      assert.match(error.message, /\/amount\/currency/);
    });
    for (const [status, code] of [
      [401, 'SIGN_ERROR'],
      [403, 'NO_AUTH'],
      [403, 'NOAUTH'],
    ] as const) {
      it(`${status} ${code} is a matter of configuration`, async () => {
        gateway.answer = unsigned(status, JSON.stringify({ code, message: 'x' }));
        const error = await failure(query());
        assert.ok(error instanceof ConfigurationError);
        assert.equal(error.outcome, 'rejected');
        assert.equal(error.retryable, false);
      });
    }
    it('429 on a query or an order, to be repeated after Retry-After', async () => {
      for (const code of ['FREQUENCY_LIMITED', 'RATELIMIT_EXCEEDED']) {
        gateway.answer = unsigned(429, JSON.stringify({ code }), { 'Retry-After': '3' });
        for (const call of [query(), pay.native.create('{}'), pay.refunds.query('R1')]) {
          const error = await failure(call);
          assert.equal(error.outcome, 'rejected');
          assert.equal(error.retryable, true);
          assert.equal(error.code, 'FREQUENCY_LIMITED');
          assert.equal(error.retryAfterMs, 3000);
        }
      }
    });
    it('Retry-After as a date is counted from our clock', async () => {
      const clock = () => Date.parse('2026-03-01T00:00:00Z');
      const client = new WechatPay({ ...options(baseUrl), clock });
      gateway.answer = unsigned(429, '', { 'Retry-After': 'Sun, 01 Mar 2026 00:00:09 GMT' });
      assert.equal((await failure(client.orders.close('T1'))).retryAfterMs, 9000);
      gateway.answer = unsigned(429, '', { 'Retry-After': 'soon' });
      assert.equal((await failure(client.orders.close('T1'))).retryAfterMs, undefined);
      await client.close();
    });
    it('a bill that is still being made, to be asked for again', async () => {
      gateway.answer = signed(400, { code: 'STATEMENT_CREATING', message: '账单生成中' });
      const error = await failure(pay.bills.trade({ bill_date: '2026-03-01' }));
      assert.equal(error.outcome, 'rejected');
      assert.equal(error.retryable, true);
    });
    it('an HTML or empty or huge 4xx is no refusal of WeChat Pay’s', async () => {
      for (const body of [
        '',
        '<html>404</html>',
        '[]',
        'null',
        '{"code":5,"detail":null}',
        'x'.repeat(2 * 1024 * 1024),
      ]) {
        gateway.answer = unsigned(404, body);
        const error = await failure(query());
        assert.equal(error.outcome, 'unknown', 'a proxy spoke, not WeChat Pay');
        assert.equal(error.code, 'UNEXPECTED_ANSWER');
        assert.equal(error.gatewayCode, undefined);
      }
    });
  });

  describe('unknown', () => {
    const unknown = async (call: Promise<unknown>, code: string, retryable = true) => {
      const error = await failure(call);
      assert.ok(error instanceof OutcomeUnknownError, error.message);
      assert.equal(error.outcome, 'unknown');
      assert.equal(error.code, code);
      assert.equal(error.retryable, retryable);
      return error;
    };

    it('5xx, whatever their body', async () => {
      gateway.answer = signed(500, { code: 'SYSTEMERROR', message: 'x' });
      await unknown(query(), 'SYSTEM_ERROR');
      gateway.answer = unsigned(502, '<html><h1>502 Bad Gateway</h1></html>', {
        'Content-Type': 'text/html',
      });
      const error = await unknown(query(), 'SERVICE_UNAVAILABLE');
      assert.equal(error.httpStatus, 502);
      gateway.answer = unsigned(504, '');
      await unknown(query(), 'TIMEOUT');
      gateway.answer = unsigned(599, '{"code":"NEW_CODE"}');
      await unknown(query(), 'NEW_CODE');
    });
    it('a code that says the outcome is unknown, even with a 4xx', async () => {
      for (const [sentCode, code] of [
        ['SYSTEMERROR', 'SYSTEM_ERROR'],
        ['BANK_ERROR', 'BANK_ERROR'],
        ['USERPAYING', 'USER_PAYING'],
      ] as const) {
        gateway.answer = signed(403, { code: sentCode, message: 'x' });
        await unknown(pay.refunds.apply(REFUND), code);
      }
    });
    it('a 5xx with the code of a refusal that is not documented with it', async () => {
      gateway.answer = signed(500, { code: 'PARAM_ERROR', message: 'x' });
      await unknown(pay.refunds.apply(REFUND), 'PARAM_ERROR');
      gateway.answer = signed(502, { code: 'INVALID_TRANSACTIONID', message: 'x' });
      await unknown(pay.refunds.apply(REFUND), 'INVALID_TRANSACTIONID');
    });
    it('202, with and without a code', async () => {
      gateway.answer = signed(202, { code: 'USERPAYING', message: 'x' });
      await unknown(query(), 'USER_PAYING');
      gateway.answer = signed(202, undefined);
      await unknown(query(), 'ACCEPTED');
    });
    it('429 on a refund application: it may have been accepted', async () => {
      gateway.answer = unsigned(429, '{"code":"FREQUENCY_LIMITED"}');
      await unknown(pay.refunds.apply(REFUND), 'FREQUENCY_LIMITED');
    });
    it('408, which says nothing about how far the request came', async () => {
      gateway.answer = unsigned(408, '');
      await unknown(query(), 'TIMEOUT');
    });
    it('a redirect, which is not followed', async () => {
      const before = gateway.received.length;
      gateway.answer = unsigned(302, '', { Location: '/login' });
      await unknown(query(), 'UNEXPECTED_ANSWER');
      assert.equal(gateway.received.length, before + 1);
    });
    it('a 200 with the signature probe', async () => {
      gateway.answer = signed(200, PAID, { 'Wechatpay-Signature': PROBE });
      await unknown(query(), 'BAD_SIGNATURE');
    });
    it('a 2xx without a signature, a 204 and a 202 included', async () => {
      for (const status of [200, 202, 204]) {
        gateway.answer = unsigned(status, status === 204 ? '' : JSON.stringify(PAID));
        await unknown(query(), 'BAD_SIGNATURE');
        await unknown(pay.orders.close('T1'), 'BAD_SIGNATURE');
      }
    });
    for (const header of ['Timestamp', 'Nonce', 'Serial', 'Signature']) {
      it(`a 200 whose Wechatpay-${header} was stripped or changed`, async () => {
        for (const value of ['', 'PUB_KEY_ID_x', '1772337600', '__proto__']) {
          gateway.answer = signed(200, PAID, { [`Wechatpay-${header}`]: value });
          await unknown(query(), 'BAD_SIGNATURE');
        }
      });
    }
    it('a 200 that was signed with SM2, or with the key of somebody else', async () => {
      gateway.answer = signed(200, PAID, { 'Wechatpay-Signature-Type': 'WECHATPAY2-SM2-WITH-SM3' });
      await unknown(query(), 'BAD_SIGNATURE');
      gateway.answer = signed(200, PAID, signatureHeaders(JSON.stringify(PAID), { key: keys.merchant }));
      await unknown(query(), 'BAD_SIGNATURE');
    });
    it('a 200 whose body was changed by one space', async () => {
      gateway.answer = (response) => {
        response.writeHead(200, signatureHeaders(JSON.stringify(PAID)));
        response.end(`${JSON.stringify(PAID)} `);
      };
      await unknown(query(), 'BAD_SIGNATURE');
    });
    it('a 200 that was signed five minutes ago: a replay, or our clock', async () => {
      gateway.answer = signed(
        200,
        PAID,
        signatureHeaders(JSON.stringify(PAID), { at: Date.now() - 301_000 }),
      );
      const error = await unknown(query(), 'BAD_SIGNATURE');
      assert.match(error.fix, /clock/);
    });
    it('a signed 200 that is not this answer', async () => {
      for (const body of [
        [],
        null,
        'text',
        7,
        {},
        { ...PAID, trade_state: undefined },
        { ...PAID, out_trade_no: 'T2' },
      ]) {
        gateway.answer = signed(200, body);
        await unknown(query(), 'UNEXPECTED_ANSWER');
      }
      gateway.answer = signed(204, undefined);
      await unknown(query(), 'UNEXPECTED_ANSWER');
      gateway.answer = signed(200, { code_url: '' });
      await unknown(pay.native.create('{}'), 'UNEXPECTED_ANSWER');
      gateway.answer = signed(200, { refund_id: '50', status: 'PROCESSING', out_refund_no: 'R2' });
      await unknown(pay.refunds.apply(REFUND), 'UNEXPECTED_ANSWER');
      await unknown(pay.refunds.apply(pay.refunds.serialize(REFUND)), 'UNEXPECTED_ANSWER');
    });
    it('a payment code whose signed answer is about another order, or is paid and does not say which', async () => {
      const order = {
        out_trade_no: 'C20260301000001',
        description: 'Tea',
        amount: { total: 2590 },
        payer: { auth_code: '134567890123456789' },
        scene_info: { store_info: { out_id: 'S01' } },
      };
      const paid = { trade_state: 'SUCCESS', transaction_id: '4200' };
      for (const body of [
        paid,
        { ...paid, out_trade_no: 'T2' },
        { trade_state: 'USERPAYING', out_trade_no: 'T2' },
      ]) {
        gateway.answer = signed(200, body);
        await unknown(pay.codepay.create(order), 'UNEXPECTED_ANSWER');
        await unknown(pay.codepay.create(pay.codepay.serialize(order)), 'UNEXPECTED_ANSWER');
      }
      gateway.answer = signed(200, { trade_state: 'USERPAYING' });
      assert.equal((await pay.codepay.create(order)).trade_state, 'USERPAYING');
    });
    it('a 200 larger than any answer', async () => {
      gateway.answer = signed(200, { ...PAID, attach: 'x'.repeat(1024 * 1024) });
      await unknown(query(), 'UNEXPECTED_ANSWER');
    });
    it('no answer in time, at whatever stage it stops', async () => {
      const client = new WechatPay({ ...options(baseUrl), timeoutMs: 80 });
      gateway.answer = () => {};
      const error = await unknown(client.orders.queryByOutTradeNo('T1'), 'TIMEOUT');
      assert.match(error.message, /80 ms/);
      gateway.answer = (response) => {
        response.writeHead(200, signatureHeaders('{}'));
        response.write('{');
      };
      await unknown(client.orders.queryByOutTradeNo('T1'), 'TIMEOUT');
      await client.close();
    });
    it('a connection that breaks before, or inside of, the answer; the request is not sent twice', async () => {
      const before = gateway.received.length;
      gateway.answer = (response) => response.destroy();
      await unknown(query(), 'CONNECTION');
      gateway.answer = (response) => {
        response.writeHead(200, { ...signatureHeaders('{}'), 'Content-Length': '100' });
        response.write('{', () => response.destroy());
      };
      await unknown(pay.refunds.apply(REFUND), 'CONNECTION');
      assert.equal(gateway.received.length, before + 2);
    });
    it('a refused connection and a name that does not resolve', async () => {
      const closed = createServer();
      const port = await new Promise<number>((resolve) =>
        closed.listen(0, '127.0.0.1', () => resolve((closed.address() as { port: number }).port)),
      );
      await new Promise((resolve) => closed.close(resolve));
      for (const [url, reason] of [
        [`http://127.0.0.1:${port}`, /ECONNREFUSED/],
        ['http://gateway.invalid', /ENOTFOUND|EAI_AGAIN/],
      ] as const) {
        const client = new WechatPay({ ...options(url), timeoutMs: 5000 });
        const error = await unknown(client.orders.close('T1'), 'CONNECTION');
        assert.match(error.message, reason);
        await client.close();
      }
    });
  });

  it('an error tells what was sent, and nothing secret', async () => {
    gateway.answer = unsigned(401, '{"code":"SIGN_ERROR","message":"错误的签名，验签失败"}');
    const error = await failure(pay.refunds.apply({ ...REFUND, reason: 'private words' }));
    assert.deepEqual(error.request, { method: 'POST', url: `${baseUrl}/v3/refund/domestic/refunds` });
    const everything = JSON.stringify(error) + error.message + error.stack;
    const signature = gateway.last.headers.authorization ?? 'missing';
    for (const secret of [options().apiV3Key, 'private words', signature, 'PRIVATE KEY']) {
      assert.ok(!everything.includes(secret));
    }
  });
});
