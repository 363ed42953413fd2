import assert from 'node:assert/strict';
import { constants, privateDecrypt } from 'node:crypto';
import {
  ConfigurationError,
  ENDPOINTS,
  type EndpointName,
  OutcomeUnknownError,
  RequestRejectedError,
  WechatPay,
  WechatPayError,
  WechatPayPartner,
} from '../../../wechatpay/index.ts';
import type { EndpointCase } from './cases/case.ts';
import { MERCHANT_CASES } from './cases/merchant.ts';
import { PARTNER_CASES } from './cases/partner.ts';
import { isCallOf } from './cases/template.ts';
import { keys, options, PUBLIC_KEY_ID, SigningGateway, signed, unsigned } from './signing-gateway.ts';

/** The JSON that arrived, fields which were encrypted for WeChat Pay in clear text between guillemets. */
function readable(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  return JSON.parse(body.toString(), (_, value: unknown) => {
    if (typeof value !== 'string' || !/^[0-9A-Za-z+/]{342}==$/.test(value)) return value;
    const field = { key: keys.wechat, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' };
    return `«${privateDecrypt(field, Buffer.from(value, 'base64')).toString()}»`;
  });
}

/** Documented errors: status, code as sent, code as read, class, whether the same request can succeed later. */
const ERRORS: [number, string, string, typeof RequestRejectedError | typeof OutcomeUnknownError, boolean][] =
  [
    [400, 'PARAM_ERROR', 'PARAM_ERROR', RequestRejectedError, false],
    [400, 'PARAMERROR', 'PARAM_ERROR', RequestRejectedError, false],
    [400, 'INVALID_REQUEST', 'INVALID_REQUEST', RequestRejectedError, false],
    [400, 'APPID_MCHID_NOT_MATCH', 'APPID_MCHID_NOT_MATCH', RequestRejectedError, false],
    [400, 'MCH_NOT_EXISTS', 'MCH_NOT_EXISTS', RequestRejectedError, false],
    [404, 'MCH_NOT_EXISTS', 'MCH_NOT_EXISTS', RequestRejectedError, false],
    [400, 'ORDER_CLOSED', 'ORDER_CLOSED', RequestRejectedError, false],
    [400, 'ORDERCLOSED', 'ORDER_CLOSED', RequestRejectedError, false],
    [400, 'ORDER_PAID', 'ORDER_PAID', RequestRejectedError, false],
    [400, 'ORDERPAID', 'ORDER_PAID', RequestRejectedError, false],
    [400, 'REFUND_FEE_MISMATCH', 'REFUND_FEE_MISMATCH', RequestRejectedError, false],
    [400, 'NO_STATEMENT_EXIST', 'NO_STATEMENT_EXIST', RequestRejectedError, false],
    [404, 'NO_STATEMENT_EXIST', 'NO_STATEMENT_EXIST', RequestRejectedError, false],
    [400, 'STATEMENT_CREATING', 'STATEMENT_CREATING', RequestRejectedError, true],
    [400, 'SYSTEM_ERROR', 'SYSTEM_ERROR', OutcomeUnknownError, true],
    [403, 'BANKERROR', 'BANK_ERROR', OutcomeUnknownError, true],
    [403, 'USERPAYING', 'USER_PAYING', OutcomeUnknownError, true],
    [401, 'SIGN_ERROR', 'SIGN_ERROR', ConfigurationError, false],
    [401, 'SIGNERROR', 'SIGN_ERROR', ConfigurationError, false],
    [403, 'NO_AUTH', 'NO_AUTH', ConfigurationError, false],
    [403, 'NOAUTH', 'NO_AUTH', ConfigurationError, false],
    [403, 'RULE_LIMIT', 'RULE_LIMIT', RequestRejectedError, false],
    [403, 'RULELIMIT', 'RULE_LIMIT', RequestRejectedError, false],
    [403, 'TRADE_ERROR', 'TRADE_ERROR', RequestRejectedError, false],
    [403, 'TRADE_OVERDUE', 'TRADE_OVERDUE', RequestRejectedError, false],
    [403, 'ACCOUNT_ERROR', 'ACCOUNT_ERROR', RequestRejectedError, false],
    [403, 'USER_ACCOUNT_ABNORMAL', 'USER_ACCOUNT_ABNORMAL', RequestRejectedError, false],
    [403, 'OUT_TRADE_NO_USED', 'OUT_TRADE_NO_USED', RequestRejectedError, false],
    [403, 'NOT_ENOUGH', 'NOT_ENOUGH', RequestRejectedError, false],
    [403, 'NOTENOUGH', 'NOT_ENOUGH', RequestRejectedError, false],
    [404, 'ORDER_NOT_EXIST', 'ORDER_NOT_EXIST', RequestRejectedError, false],
    [404, 'ORDERNOTEXIST', 'ORDER_NOT_EXIST', RequestRejectedError, false],
    [404, 'RESOURCE_NOT_EXISTS', 'RESOURCE_NOT_EXISTS', RequestRejectedError, false],
    [429, 'FREQUENCY_LIMITED', 'FREQUENCY_LIMITED', RequestRejectedError, true],
    [429, 'RATELIMIT_EXCEEDED', 'FREQUENCY_LIMITED', RequestRejectedError, true],
    [500, 'INVALID_TRANSACTIONID', 'INVALID_TRANSACTIONID', RequestRejectedError, false],
    [500, 'OPENID_MISMATCH', 'OPENID_MISMATCH', RequestRejectedError, false],
    [500, 'SYSTEM_ERROR', 'SYSTEM_ERROR', OutcomeUnknownError, true],
    [500, 'SYSTEMERROR', 'SYSTEM_ERROR', OutcomeUnknownError, true],
    [500, 'BANK_ERROR', 'BANK_ERROR', OutcomeUnknownError, true],
    [500, 'BANKERROR', 'BANK_ERROR', OutcomeUnknownError, true],
    [502, 'SERVICE_UNAVAILABLE', 'SERVICE_UNAVAILABLE', OutcomeUnknownError, true],
    [503, 'SERVICE_UNAVAILABLE', 'SERVICE_UNAVAILABLE', OutcomeUnknownError, true],
  ];

/** Calls where a refusal for too many requests does not prove that nothing has happened. */
const MAY_HAVE_HAPPENED = new Set(['refunds.apply', 'refunds.applyAbnormal']);

describe('wechatpay endpoints', () => {
  const gateway = new SigningGateway();
  let merchant: WechatPay;
  let partner: WechatPayPartner;

  before(async () => {
    const baseUrl = await gateway.listen();
    merchant = new WechatPay(options(baseUrl));
    partner = new WechatPayPartner(options(baseUrl));
  });
  after(async () => {
    await Promise.all([merchant.close(), partner.close()]);
    await gateway.close();
  });
  beforeEach(() => {
    gateway.received.length = 0;
  });

  async function failure(call: Promise<unknown>): Promise<WechatPayError> {
    try {
      await call;
    } catch (error) {
      assert.ok(error instanceof WechatPayError, String(error));
      return error;
    }
    throw new Error('the call succeeded');
  }

  function calls<Client>(role: string, cases: EndpointCase<Client>[], client: () => Client): void {
    describe(`of a ${role}`, () => {
      for (const { call, name, run, answer, result = answer, ...expected } of cases) {
        it(`${call}: ${name}`, async () => {
          gateway.answer = Buffer.isBuffer(answer)
            ? (response) => response.end(answer)
            : signed(expected.status, answer);
          const got = await run(client());

          assert.equal(gateway.received.length, 1);
          const { method, target, headers, body, signed: isSigned } = gateway.last;
          assert.equal(method, expected.method);
          assert.equal(target, expected.target);
          assert.ok(isCallOf(ENDPOINTS[call as EndpointName], { method, target }));
          assert.deepEqual(readable(body), expected.body);
          assert.ok(isSigned);
          assert.equal(headers['wechatpay-serial'], PUBLIC_KEY_ID);
          assert.equal(headers['content-type'], expected.body && 'application/json');
          assert.deepEqual(got, result);
        });
      }
    });
  }

  function refusals<Client>(role: string, cases: EndpointCase<Client>[], client: () => Client): void {
    describe(`refused to a ${role}`, () => {
      const firstOfEach = new Map(cases.toReversed().map((one) => [one.call, one]));
      for (const [call, { run }] of firstOfEach) {
        it(`${call}: every documented error is told with what it means and what to do`, async () => {
          for (const [status, gatewayCode, code, kind, retryable] of ERRORS) {
            gateway.answer = signed(
              status,
              { code: gatewayCode, message: '原因' },
              { 'Request-ID': '08B3-0' },
            );
            const error = await failure(run(client()));
            const mayHaveHappened = status === 429 && MAY_HAVE_HAPPENED.has(call);
            const about = `${status} ${gatewayCode}`;
            assert.ok(error instanceof (mayHaveHappened ? OutcomeUnknownError : kind), about);
            const outcome = mayHaveHappened || kind === OutcomeUnknownError ? 'unknown' : 'rejected';
            assert.equal(error.outcome, outcome, about);
            assert.equal(error.retryable, retryable, about);
            assert.equal(error.code, code, about);
            assert.equal(error.gatewayCode, gatewayCode, about);
            assert.equal(error.httpStatus, status, about);
            assert.equal(error.requestId, '08B3-0', about);
            assert.ok(error.message.endsWith(error.fix), about);
            // What stands for a code nobody has thought about.
            assert.doesNotMatch(error.fix, /official page of this call/, about);
          }
        });
        it(`${call}: a page of HTML, and an unknown path or method, prove nothing`, async () => {
          for (const [status, body] of [
            [404, ''],
            [405, ''],
            [404, '<html><body>404</body></html>'],
            [502, '<html><body>502 Bad Gateway</body></html>'],
            [503, ''],
          ] as const) {
            gateway.answer = unsigned(status, body);
            const error = await failure(run(client()));
            assert.ok(error instanceof OutcomeUnknownError);
            assert.equal(error.code, status < 500 ? 'UNEXPECTED_ANSWER' : 'SERVICE_UNAVAILABLE');
            assert.equal(error.httpStatus, status);
          }
        });
      }
    });
  }

  calls('merchant', MERCHANT_CASES, () => merchant);
  calls('service provider', PARTNER_CASES, () => partner);
  refusals('merchant', MERCHANT_CASES, () => merchant);
  refusals('service provider', PARTNER_CASES, () => partner);

  it('a service provider’s requests take the service provider’s paths wherever there are some', () => {
    for (const { call, target } of PARTNER_CASES) {
      const { path, partnerPath = path, ...endpoint } = ENDPOINTS[call as EndpointName];
      assert.ok(isCallOf({ ...endpoint, path: partnerPath }, { method: endpoint.method, target }), call);
    }
    for (const { call, target } of MERCHANT_CASES) {
      const { partnerPath: _, ...endpoint } = ENDPOINTS[call as EndpointName];
      assert.ok(isCallOf(endpoint, { method: endpoint.method, target }), call);
    }
  });

  describe('paying with a code', () => {
    const order = {
      description: 'Tea',
      out_trade_no: 'C20260301000001',
      payer: { auth_code: '134567890123456789' },
      amount: { total: 1 },
      scene_info: { store_info: { out_id: 'S01' } },
    };

    for (const code of ['USER_PAYING', 'USERPAYING']) {
      it(`202 ${code} has an unknown outcome, to be queried`, async () => {
        gateway.answer = signed(202, { code, message: '需要用户输入支付密码' });
        for (const paying of [
          merchant.codepay.create(order),
          partner.codepay.create({ ...order, sub_mchid: '1' }),
        ]) {
          const error = await failure(paying);
          assert.ok(error instanceof OutcomeUnknownError);
          assert.equal(error.code, 'USER_PAYING');
          assert.equal(error.gatewayCode, code);
          assert.equal(error.httpStatus, 202);
          assert.equal(error.retryable, true);
          assert.match(error.fix, /query/);
        }
      });
    }

    it('a state of the order is an answer and not an error, whatever it is', async () => {
      for (const trade_state of ['SUCCESS', 'USERPAYING', 'PAYERROR', 'REVOKED', 'ACCEPT']) {
        const answer = {
          trade_state,
          ...(trade_state === 'SUCCESS' && { out_trade_no: order.out_trade_no }),
        };
        gateway.answer = signed(200, answer);
        assert.deepEqual(await merchant.codepay.create(order), answer);
      }
    });

    it('an order without a state, or a reversal of another order, is no answer', async () => {
      gateway.answer = signed(200, { out_trade_no: order.out_trade_no });
      assert.equal((await failure(merchant.codepay.create(order))).code, 'UNEXPECTED_ANSWER');
      gateway.answer = signed(200, { out_trade_no: 'another' });
      assert.equal((await failure(merchant.codepay.reverse(order.out_trade_no))).code, 'UNEXPECTED_ANSWER');
    });
  });
});
