import assert from 'node:assert/strict';
import { MockAgent } from 'undici';
import { GLOBAL_ENDPOINTS } from '../../../wechatpay/global/endpoints.ts';
import {
  ConfigurationError,
  OutcomeUnknownError,
  RequestRejectedError,
  WechatPay,
  WechatPayError,
  WechatPayGlobal,
  type WechatPayGlobalOptions,
  WechatPayGlobalPartner,
} from '../../../wechatpay/index.ts';
import type { EndpointCase } from './cases/case.ts';
import { GLOBAL_CASES } from './cases/global.ts';
import {
  CERTIFICATE,
  MICROPAY_ORDER,
  ORDER,
  PAID,
  REFUND,
  REFUNDED,
  STATEMENT,
} from './cases/global-orders.ts';
import { GLOBAL_PARTNER_CASES } from './cases/global-partner.ts';
import { certificateList } from './platform-certificate.ts';
import {
  keys,
  MCHID,
  notification,
  options,
  PUBLIC_KEY_ID,
  SigningGateway,
  signatureHeaders,
  signed,
  unsigned,
} from './signing-gateway.ts';
import { STATEMENT_SHA1, statement, statementHeaders } from './statement-answer.ts';

/** Status, code on the wire, code of the error, its class. */
const ERRORS: [
  number,
  string,
  string,
  typeof WechatPayError | (abstract new (...a: never) => WechatPayError),
][] = [
  [400, 'PARAM_ERROR', 'PARAM_ERROR', RequestRejectedError],
  [400, 'INVALID_REQUEST', 'INVALID_REQUEST', RequestRejectedError],
  [400, 'APPID_MCHID_NOT_MATCH', 'APPID_MCHID_NOT_MATCH', RequestRejectedError],
  [400, 'MCH_NOT_EXISTS', 'MCH_NOT_EXISTS', RequestRejectedError],
  [400, 'ORDER_CLOSED', 'ORDER_CLOSED', RequestRejectedError],
  [400, 'ORDERPAID', 'ORDER_PAID', RequestRejectedError],
  [400, 'NO_STATEMENT_EXIST', 'NO_STATEMENT_EXIST', RequestRejectedError],
  [400, 'STATEMENT_CREATING', 'STATEMENT_CREATING', RequestRejectedError],
  [401, 'SIGN_ERROR', 'SIGN_ERROR', ConfigurationError],
  [403, 'NOAUTH', 'NO_AUTH', ConfigurationError],
  [403, 'RULELIMIT', 'RULE_LIMIT', RequestRejectedError],
  [403, 'TRADE_ERROR', 'TRADE_ERROR', RequestRejectedError],
  [403, 'ACCOUNT_ERROR', 'ACCOUNT_ERROR', RequestRejectedError],
  [403, 'USER_ACCOUNT_ABNORMAL', 'USER_ACCOUNT_ABNORMAL', RequestRejectedError],
  [403, 'OUT_TRADE_NO_USED', 'OUT_TRADE_NO_USED', RequestRejectedError],
  [403, 'NOT_ENOUGH', 'NOT_ENOUGH', RequestRejectedError],
  [404, 'ORDERNOTEXIST', 'ORDER_NOT_EXIST', RequestRejectedError],
  [404, 'RESOURCE_NOT_EXISTS', 'RESOURCE_NOT_EXISTS', RequestRejectedError],
  [202, 'USERPAYING', 'USER_PAYING', OutcomeUnknownError],
  [500, 'INVALID_TRANSACTIONID', 'INVALID_TRANSACTIONID', RequestRejectedError],
  [500, 'OPENID_MISMATCH', 'OPENID_MISMATCH', RequestRejectedError],
  [500, 'SYSTEMERROR', 'SYSTEM_ERROR', OutcomeUnknownError],
  [500, 'BANKERROR', 'BANK_ERROR', OutcomeUnknownError],
  [503, 'SERVICE_UNAVAILABLE', 'SERVICE_UNAVAILABLE', OutcomeUnknownError],
];

async function failure(call: Promise<unknown>): Promise<WechatPayError> {
  try {
    await call;
  } catch (error) {
    assert.ok(error instanceof WechatPayError, String(error));
    return error;
  }
  throw new Error('the call succeeded');
}

describe('wechatpay overseas', () => {
  const gateway = new SigningGateway();
  let baseUrl: string;
  let pay: WechatPayGlobal;
  let institution: WechatPayGlobalPartner;

  before(async () => {
    baseUrl = await gateway.listen();
    pay = new WechatPayGlobal(options(baseUrl));
    institution = new WechatPayGlobalPartner(options(baseUrl));
  });
  after(async () => {
    await pay.close();
    await institution.close();
    await gateway.close();
  });
  beforeEach(() => {
    gateway.received.length = 0;
  });

  const modes = [
    { mode: 'a direct merchant', cases: GLOBAL_CASES, client: () => pay },
    { mode: 'an institution', cases: GLOBAL_PARTNER_CASES, client: () => institution },
  ] as { mode: string; cases: EndpointCase<unknown>[]; client: () => unknown }[];

  for (const { mode, cases, client } of modes) {
    describe(mode, () => {
      it('every endpoint has a case, and every case an endpoint', () => {
        assert.deepEqual(
          [...new Set(cases.map(({ call }) => call))].sort(),
          Object.keys(GLOBAL_ENDPOINTS).sort(),
        );
      });

      for (const { call, name, run, method, target, body, status, answer, ...rest } of cases) {
        it(`${call}: ${name}`, async () => {
          const isText = typeof answer === 'string';
          const sent = isText || answer === undefined ? answer : { ...answer, future_field: { a: [1] } };
          gateway.answer = isText ? statement(answer) : signed(status, sent);
          const result = await run(client());

          assert.deepEqual(result, 'result' in rest ? rest.result : sent);
          assert.equal(gateway.received.length, 1);
          const { headers, ...received } = gateway.last;
          assert.equal(received.method, method);
          assert.equal(received.target, target);
          assert.ok(received.signed);
          assert.equal(headers['wechatpay-serial'], PUBLIC_KEY_ID);
          assert.equal(headers.accept, isText ? '*/*' : 'application/json');
          assert.match(headers['user-agent'] ?? '', /paysaga/);
          assert.equal(headers['content-type'], body === undefined ? undefined : 'application/json');
          if (body === undefined) assert.equal(received.body.length, 0);
          else assert.deepEqual(JSON.parse(received.body.toString()), body);
        });
      }

      for (const { call, run } of new Map(cases.map((each) => [each.call, each])).values()) {
        it(`${call}: each documented error has its class, code and advice`, async () => {
          for (const [status, wire, code, expected] of ERRORS) {
            gateway.answer = signed(status, { code: wire, message: '原因' }, { 'Request-ID': '08B3-268' });
            const error = await failure(run(client()));
            assert.ok(error instanceof expected, `${status} ${wire} gave ${error.name}`);
            assert.equal(error.code, code);
            assert.equal(error.httpStatus, status);
            assert.equal(error.requestId, '08B3-268');
            assert.ok(error.message.includes('原因') && error.message.endsWith(error.fix));
          }
          gateway.answer = signed(429, { code: 'RATELIMIT_EXCEEDED', message: 'x' });
          const limited = await failure(run(client()));
          assert.equal(limited.code, 'FREQUENCY_LIMITED');
          assert.equal(limited.retryable, true);
          assert.equal(limited.outcome, call === 'global.refunds.apply' ? 'unknown' : 'rejected');
        });

        it(`${call}: a success without a signature is not believed`, async () => {
          gateway.answer = unsigned(200, '{}', { 'Content-Type': 'application/json' });
          assert.equal((await failure(run(client()))).outcome, 'unknown');
        });
      }
    });
  }

  describe('bodies', () => {
    it('serialized orders and refunds are sent byte for byte, as often as they are sent', async () => {
      gateway.answer = signed(200, { code_url: 'weixin://x' });
      const order = pay.native.serialize(ORDER);
      await pay.native.create(order);
      await pay.native.create(order);
      gateway.answer = signed(200, { id: '5030', out_refund_no: REFUND.out_refund_no });
      const refund = pay.refunds.serialize(REFUND);
      await pay.refunds.apply(refund);
      await pay.refunds.apply(refund);
      gateway.answer = signed(200, { trade_state: 'USERPAYING' });
      const micropay = pay.micropay.serialize(MICROPAY_ORDER);
      await pay.micropay.pay(micropay);
      assert.deepEqual(
        gateway.received.map(({ body }) => body.toString()),
        [order, order, refund, refund, micropay],
      );
    });

    it('neither another merchant nor another product can be smuggled in', () => {
      const other = { mchid: '1999999999', appid: 'wxother', trade_type: 'APP' };
      assert.equal(
        pay.native.serialize({ ...ORDER, ...other }),
        pay.native.serialize({ ...ORDER, ...same() }),
      );
      assert.equal(
        pay.refunds.serialize({ ...REFUND, mchid: '1', appid: '2' } as typeof REFUND),
        JSON.stringify({ ...REFUND, mchid: MCHID, appid: options().appid }),
      );
      function same() {
        return { mchid: MCHID, appid: options().appid, trade_type: 'NATIVE' };
      }
    });

    it('fractions of a unit, null and emoji are refused by name before anything is sent', () => {
      const refused = (change: object, field: string) =>
        assert.throws(() => pay.native.serialize({ ...ORDER, ...change }), {
          code: 'PARAM_ERROR',
          outcome: 'rejected',
          field,
        });
      refused({ amount: { total: 25.9, currency: 'HKD' } }, 'total');
      refused({ attach: null }, 'attach');
      refused({ description: 'Tea 🍵' }, 'description');
    });

    for (const number of ['', '..', 'a/b', 'a?b', 'x'.repeat(65)]) {
      it(`the number ${JSON.stringify(number.slice(0, 8))} cannot reach another resource`, async () => {
        const calls = [
          () => pay.orders.queryById(number),
          () => pay.orders.queryByOutTradeNo(number),
          () => pay.orders.close(number),
          () => pay.micropay.reverseById(number),
          () => pay.micropay.reverseByOutTradeNo(number),
          () => pay.refunds.queryById(number),
          () => pay.refunds.queryByOutRefundNo(number),
        ];
        for (const call of calls) await assert.rejects(call(), { code: 'PARAM_ERROR', outcome: 'rejected' });
        assert.equal(gateway.received.length, 0);
      });
    }
  });

  describe('answers', () => {
    it('about another order or refund are not taken for the one asked for', async () => {
      gateway.answer = signed(200, { ...PAID, out_trade_no: 'G2', id: '4201' });
      for (const call of [pay.orders.queryByOutTradeNo('G1'), pay.orders.queryById('4200')]) {
        assert.equal((await failure(call)).code, 'UNEXPECTED_ANSWER');
      }
      gateway.answer = signed(200, { ...REFUNDED, out_refund_no: 'R2', id: '5031', data: [] });
      for (const call of [
        pay.refunds.apply(REFUND),
        pay.refunds.queryByOutRefundNo('R1'),
        pay.refunds.queryById('5030'),
        pay.refunds.list({ out_trade_no: 'G2' }),
        pay.refunds.list({ transaction_id: '4200' }),
      ]) {
        const error = await failure(call);
        assert.equal(error.code, 'UNEXPECTED_ANSWER');
        assert.equal(error.outcome, 'unknown');
      }
    });

    it('a repeated order answers the same, whatever the repeat was for', async () => {
      gateway.answer = signed(503, { code: 'SERVICE_UNAVAILABLE', message: 'x' });
      const body = pay.mweb.serialize(ORDER);
      assert.equal((await failure(pay.mweb.create(body))).retryable, true);
      gateway.answer = signed(200, { mweb_url: 'https://wx.tenpay.com/x?prepay_id=1' });
      const { mweb_url } = await pay.mweb.create(body);
      assert.equal(
        pay.invocation.h5(mweb_url, { redirectUrl: 'https://shop.example.com/?a=1' }),
        'https://wx.tenpay.com/x?prepay_id=1&redirect_url=https%3A%2F%2Fshop.example.com%2F%3Fa%3D1',
      );
    });
  });

  describe('hosts', () => {
    const official = (more: Partial<WechatPayGlobalOptions>) => {
      const { baseUrl: _, ...rest } = options();
      return new WechatPayGlobal({ ...rest, ...more });
    };
    const HONG_KONG = 'https://apihk.mch.weixin.qq.com';
    const MAINLAND = 'https://api.mch.weixin.qq.com';
    const PATH = { path: '/v3/global/transactions/out-trade-no/G1/close', method: 'POST' };

    for (const { first, second, preferMainlandHost } of [
      { first: HONG_KONG, second: MAINLAND, preferMainlandHost: false },
      { first: MAINLAND, second: HONG_KONG, preferMainlandHost: true },
    ]) {
      it(`${first} is asked first and ${second} when there is no connection to it`, async () => {
        const agent = new MockAgent();
        agent.disableNetConnect();
        const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
        agent.get(first).intercept(PATH).replyWithError(refused);
        agent
          .get(second)
          .intercept(PATH)
          .reply(204, '', { headers: signatureHeaders('') });
        const client = official({ dispatcher: agent, preferMainlandHost });
        await client.orders.close('G1');
        agent.assertNoPendingInterceptors();
        await agent.close();
      });

      it(`${second} is not asked when ${first} has answered badly`, async () => {
        const agent = new MockAgent();
        agent.disableNetConnect();
        agent.get(first).intercept(PATH).reply(503, '');
        const client = official({ dispatcher: agent, preferMainlandHost });
        await assert.rejects(client.orders.close('G1'), { code: 'SERVICE_UNAVAILABLE' });
        agent.assertNoPendingInterceptors();
        await agent.close();
      });
    }
  });

  describe('advice', () => {
    const refuse = (code: string, message: string, detail?: object, status = 400) => {
      gateway.answer = signed(status, { code, message, detail });
    };
    const order = {
      description: 'Tea',
      out_trade_no: 'T20260301A1',
      notify_url: 'https://x.example',
      amount: { total: 1 },
    };
    let mainland: WechatPay;
    before(() => {
      mainland = new WechatPay(options(baseUrl));
    });
    after(() => mainland.close());

    it('an overseas merchant number on the mainland API is told of WechatPayGlobal', async () => {
      refuse('INVALID_REQUEST', '暂不支持境外支付');
      const error = await failure(mainland.native.create(order));
      assert.ok(error instanceof RequestRejectedError);
      assert.equal(error.code, 'INVALID_REQUEST');
      assert.match(error.fix, /WechatPayGlobal/);
      assert.ok(error.message.endsWith(error.fix));
    });

    it('another refusal on the mainland API is not', async () => {
      refuse('INVALID_REQUEST', '订单已失效');
      assert.doesNotMatch((await failure(mainland.native.create(order))).fix, /Global/);
    });

    for (const [status, code] of [
      [400, 'INVALID_REQUEST'],
      [403, 'NO_AUTH'],
      [400, 'MCH_NOT_EXISTS'],
    ] as const) {
      it(`a mainland merchant number on the overseas API (${code}) is told of WechatPay`, async () => {
        refuse(code, '商户号不支持', undefined, status);
        assert.match((await failure(pay.native.create(ORDER))).fix, /a mainland one needs WechatPay\./);
      });
    }

    it('a refund without funds waits for payments, with the same number', async () => {
      refuse('NOT_ENOUGH', '余额不足', undefined, 403);
      assert.match((await failure(pay.refunds.apply(REFUND))).fix, /wait.*same refund number/);
    });

    it('a currency that is refused says which ones are taken', async () => {
      const detail = { field: '/amount/currency', value: 'XYZ', issue: 'bad currency', location: 'body' };
      refuse('PARAM_ERROR', '参数错误', detail);
      const overseas = await failure(pay.native.create(ORDER));
      assert.equal(overseas.field, '/amount/currency');
      assert.match(overseas.fix, /opened for.*ISO 4217/);
      assert.match((await failure(mainland.native.create(order))).fix, /CNY only/);
    });
  });

  describe('platform certificates', () => {
    const byCertificate = { key: CERTIFICATE.privateKey, serial: CERTIFICATE.serial };
    const signedByCertificate = (body: unknown) =>
      signed(200, body, signatureHeaders(JSON.stringify(body), byCertificate));
    let client: WechatPayGlobal;

    beforeEach(() => {
      const { publicKeys: _, ...rest } = options(baseUrl);
      client = new WechatPayGlobal({ ...rest, downloadCertificates: true });
    });
    afterEach(() => client.close());

    it('are downloaded from the overseas address, once, when the first answer needs them', async () => {
      gateway.answer = (response, received) => {
        const isList = received.target === '/v3/global/certificates';
        signedByCertificate(isList ? certificateList([CERTIFICATE]) : PAID)(response, received);
      };
      await client.orders.queryById(PAID.id);
      await client.orders.queryById(PAID.id);
      const order = `/v3/global/transactions/id/${PAID.id}?mchid=${MCHID}`;
      assert.deepEqual(
        gateway.received.map(({ target }) => target),
        [order, '/v3/global/certificates', order],
      );
      assert.equal(gateway.last.headers['wechatpay-serial'], CERTIFICATE.serial);
      assert.equal((await client.sensitive.encrypt('x')).serial, CERTIFICATE.serial);
    });

    it('verify statements, too', async () => {
      gateway.answer = (response, received) => {
        const isList = received.target === '/v3/global/certificates';
        if (isList) signedByCertificate(certificateList([CERTIFICATE]))(response, received);
        else statement(STATEMENT, statementHeaders(STATEMENT_SHA1, byCertificate))(response);
      };
      let csv = '';
      for await (const chunk of await client.statements.download({ date: '20260301' })) csv += chunk;
      assert.equal(csv, STATEMENT);
    });
  });

  describe('notifications', () => {
    it('of a payment carry the order with its id, currencies and rate', async () => {
      const event = await pay.notifications.open(notification('TRANSACTION.SUCCESS', PAID));
      assert.equal(event.kind, 'transaction');
      assert.deepEqual(event.resource, PAID);
    });

    it('of a refund say how it ended, whichever way they spell it', async () => {
      const { status, ...refund } = REFUNDED;
      for (const resource of [
        { ...refund, status },
        { ...refund, refund_status: status },
      ]) {
        const event = await pay.notifications.open(
          notification('REFUND.SUCCESS', resource, { originalType: 'refund' }),
        );
        assert.ok(event.kind === 'refund');
        assert.equal(event.resource.refund_status, 'SUCCESS');
        assert.equal(event.resource.out_refund_no, REFUND.out_refund_no);
      }
    });

    it('of a refund that do not say how it ended are not accepted', async () => {
      const { status: _, ...resource } = REFUNDED;
      await assert.rejects(institution.notifications.open(notification('REFUND.CLOSED', resource)), {
        verdict: 'undecryptable',
      });
    });

    it('are answered 2xx once they are stored, and otherwise so that they come again', () => {
      const raw = notification('TRANSACTION.SUCCESS', PAID);
      assert.ok([200, 204].includes(pay.notifications.accepted(raw).status));
      const refusal = pay.notifications.refused(raw, 'database is down');
      assert.ok(refusal.status >= 400);
      assert.equal(JSON.parse(refusal.body).code, 'FAIL');
    });

    it('that WeChat Pay did not sign are not accepted', async () => {
      const raw = notification('TRANSACTION.SUCCESS', PAID);
      const headers = { ...raw.headers, ...signatureHeaders(raw.body, { key: keys.merchant }) };
      await assert.rejects(pay.notifications.open({ ...raw, headers }), { verdict: 'forged' });
    });
  });
});
