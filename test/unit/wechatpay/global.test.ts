import 'reflect-metadata';
import assert from 'node:assert/strict';
import { createHash, webcrypto } from 'node:crypto';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { X509CertificateGenerator } from '@peculiar/x509';
import { MockAgent } from 'undici';
import { BillError, readGlobalStatement } from '../../../wechatpay/bills/index.ts';
import {
  GLOBAL_ENDPOINTS,
  WechatPayGlobal,
  type WechatPayGlobalOptions,
  WechatPayGlobalPartner,
} from '../../../wechatpay/global/index.ts';
import {
  ConfigurationError,
  OutcomeUnknownError,
  RequestRejectedError,
  WechatPay,
  WechatPayError,
} from '../../../wechatpay/index.ts';
import type { EndpointCase } from './cases/case.ts';
import {
  certificates,
  GLOBAL_CASES,
  GLOBAL_PARTNER_CASES,
  MICROPAY_ORDER,
  ORDER,
  PAID,
  REFUND,
  REFUNDED,
  SETTLEMENT,
  STATEMENT,
} from './cases/global.ts';
import {
  keys,
  MCHID,
  notification,
  options,
  PROBE,
  PUBLIC_KEY_ID,
  SigningGateway,
  signatureHeaders,
  signed,
  unsigned,
} from './signing-gateway.ts';

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
  [500, 'INVALID_TRANSACTIONID', 'INVALID_TRANSACTIONID', OutcomeUnknownError],
  [500, 'OPENID_MISMATCH', 'OPENID_MISMATCH', OutcomeUnknownError],
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

/** Answers a statement as the overseas gateway does: the signature covers the hash that a header tells. */
function statement(
  csv: string | Buffer,
  {
    sha1 = createHash('sha1').update(STATEMENT).digest('hex'),
    headers = {},
  }: { sha1?: string; headers?: Record<string, string> } = {},
) {
  return (response: ServerResponse) => {
    response.writeHead(200, {
      'Content-Type': 'text/plain; charset=utf-8',
      'Wechatpay-Statement-Sha1': sha1,
      ...signatureHeaders(JSON.stringify({ sha1 })),
      ...headers,
    });
    response.end(csv);
  };
}

/** A platform certificate of the key with which the gateway signs. */
async function gatewayCertificate(serialNumber: string): Promise<string> {
  const signing = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  const pkcs8 = keys.wechat.export({ type: 'pkcs8', format: 'der' });
  const spki = keys.wechatPublic.export({ type: 'spki', format: 'der' });
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber,
    name: 'CN=Tenpay.com sign, O=Tenpay.com',
    notBefore: new Date('2026-01-05T02:00:00Z'),
    notAfter: new Date('2056-01-04T02:00:00Z'),
    signingAlgorithm: signing,
    keys: {
      privateKey: await webcrypto.subtle.importKey('pkcs8', pkcs8, signing, true, ['sign']),
      publicKey: await webcrypto.subtle.importKey('spki', spki, signing, true, ['verify']),
    },
  });
  return certificate.toString('pem');
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

    it('a currency that is refused says which ones are taken', async () => {
      const detail = { field: '/amount/currency', value: 'XYZ', issue: 'bad currency', location: 'body' };
      refuse('PARAM_ERROR', '参数错误', detail);
      const overseas = await failure(pay.native.create(ORDER));
      assert.equal(overseas.field, '/amount/currency');
      assert.match(overseas.fix, /opened for.*ISO 4217/);
      assert.match((await failure(mainland.native.create(order))).fix, /CNY only/);
    });
  });

  describe('statements', () => {
    const download = () => pay.statements.download({ date: '20260301' });
    async function read(): Promise<string> {
      const chunks: Buffer[] = [];
      for await (const chunk of await download()) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks).toString();
    }

    it('are read as rows', async () => {
      gateway.answer = statement(STATEMENT);
      const reader = readGlobalStatement(await download());
      const rows = [];
      for await (const row of reader) rows.push(row);
      assert.equal(rows.length, 1);
      assert.equal(rows[0]?.out_trade_no, ORDER.out_trade_no);
      assert.equal(rows[0]?.currency, 'HKD');
      assert.equal(rows[0]?.order_amount, 2590);
      assert.equal(reader.summary?.total_count, 1);
    });

    it('begin before their end has arrived', async () => {
      let rest = () => {};
      gateway.answer = (response) => {
        const sha1 = createHash('sha1').update(STATEMENT).digest('hex');
        response.writeHead(200, {
          'Wechatpay-Statement-Sha1': sha1,
          ...signatureHeaders(JSON.stringify({ sha1 })),
        });
        response.write(STATEMENT.slice(0, 300));
        rest = () => response.end(STATEMENT.slice(300));
      };
      let seen = '';
      for await (const chunk of await download()) {
        if (seen === '') rest();
        seen += chunk.toString();
      }
      assert.equal(seen, STATEMENT);
    });

    it('may come compressed; the hash is that of the CSV', async () => {
      gateway.answer = statement(gzipSync(STATEMENT), { headers: { 'Content-Encoding': 'gzip' } });
      assert.equal(await read(), STATEMENT);
    });

    it('may tell their hash in capitals', async () => {
      const sha1 = createHash('sha1').update(STATEMENT).digest('hex').toUpperCase();
      gateway.answer = statement(STATEMENT, { sha1 });
      assert.equal(await read(), STATEMENT);
    });

    it('that were changed or cut short fail at their end', async () => {
      for (const csv of [STATEMENT.replace('25.90', '95.90'), STATEMENT.slice(0, -9), '']) {
        gateway.answer = statement(csv);
        await assert.rejects(read(), (error) => {
          assert.ok(error instanceof BillError);
          return error.code === 'BILL_HASH_MISMATCH';
        });
      }
    });

    const forged: [string, Record<string, string>][] = [
      ['whose hash was changed', { 'Wechatpay-Statement-Sha1': '0'.repeat(40) }],
      ['that a probe signs', { 'Wechatpay-Signature': PROBE }],
      ['signed with a key that is not known', { 'Wechatpay-Serial': 'PUB_KEY_ID_OTHER' }],
      ['signed ten minutes ago', signatureHeaders('x', { at: Date.now() - 600_000 })],
    ];
    for (const [what, headers] of forged) {
      it(`${what} are not believed`, async () => {
        gateway.answer = statement(STATEMENT, { headers });
        const error = await failure(download());
        assert.equal(error.code, 'BAD_SIGNATURE');
        assert.equal(error.outcome, 'unknown');
      });
    }

    it('without a hash are not believed, though their signature covers an empty body', async () => {
      gateway.answer = (response) => {
        response.writeHead(200, signatureHeaders(''));
        response.end(STATEMENT);
      };
      assert.equal((await failure(download())).code, 'UNEXPECTED_ANSWER');
    });

    it('that are not believed do not hold their connection', async () => {
      let closed: Promise<unknown> = Promise.resolve();
      gateway.answer = (response) => {
        closed = once(response, 'close');
        response.writeHead(200, { 'Wechatpay-Statement-Sha1': '0'.repeat(40), ...signatureHeaders('') });
        // Never ended: only the client can close it.
        response.write(STATEMENT);
      };
      assert.equal((await failure(download())).code, 'BAD_SIGNATURE');
      await closed;
    });

    it('that nobody reads on do not hold their connection', async () => {
      let closed: Promise<unknown> = Promise.resolve();
      gateway.answer = (response) => {
        closed = once(response, 'close');
        const sha1 = createHash('sha1').update(STATEMENT).digest('hex');
        response.writeHead(200, {
          'Wechatpay-Statement-Sha1': sha1,
          ...signatureHeaders(JSON.stringify({ sha1 })),
        });
        response.write(STATEMENT);
      };
      (await download()).destroy();
      await closed;
    });

    it('whose connection breaks before anybody reads them say so to who reads', async () => {
      let closed: Promise<unknown> = Promise.resolve();
      gateway.answer = (response) => {
        closed = once(response, 'close');
        const sha1 = createHash('sha1').update(STATEMENT).digest('hex');
        response.writeHead(200, {
          'Wechatpay-Statement-Sha1': sha1,
          ...signatureHeaders(JSON.stringify({ sha1 })),
        });
        response.write(STATEMENT.slice(0, 300), () => response.destroy());
      };
      const file = await download();
      await closed;
      await assert.rejects(file.toArray(), { code: 'CONNECTION', outcome: 'unknown' });
    });

    it('of an empty day are refused, with what it means', async () => {
      gateway.answer = unsigned(400, '{"code":"NO_STATEMENT_EXIST","message":"账单不存在"}');
      const error = await failure(download());
      assert.ok(error instanceof RequestRejectedError);
      assert.equal(error.code, 'NO_STATEMENT_EXIST');
      assert.match(error.message, /账单不存在/);
    });
  });

  describe('settlements', () => {
    const FILTER = { settle_state: 'UNSETTLE' as const };
    const rows = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => ({ ...SETTLEMENT, batch_id: `B${from + i}` }));

    /** A list of so many settlements, as the gateway pages it. */
    const listOf = (total: number) => {
      gateway.answer = (response, received) => {
        const query = new URL(received.target, baseUrl).searchParams;
        const offset = Number(query.get('offset'));
        const data = rows(offset, Math.min(total, offset + Number(query.get('limit'))));
        const count = offset === 0 ? { total_count: total } : {};
        signed(200, { ...(data.length > 0 && { data }), ...count, offset, limit: data.length })(
          response,
          received,
        );
      };
    };
    async function all(limit?: number): Promise<(string | undefined)[]> {
      const batches = [];
      for await (const { batch_id } of pay.settlements.all(FILTER, limit === undefined ? {} : { limit })) {
        batches.push(batch_id);
      }
      return batches;
    }

    for (const [total, requests] of [
      [0, 1],
      [1, 1],
      [30, 1],
      [31, 2],
      [75, 3],
    ] as const) {
      it(`${total} are read with ${requests} requests`, async () => {
        listOf(total);
        assert.deepEqual(
          await all(),
          rows(0, total).map(({ batch_id }) => batch_id),
        );
        assert.equal(gateway.received.length, requests);
        assert.ok(gateway.received.every(({ signed }) => signed));
      });
    }

    it('pages are asked for only when they are needed', async () => {
      listOf(75);
      for await (const { batch_id } of pay.settlements.all(FILTER, { limit: 5 })) {
        if (batch_id === 'B6') break;
      }
      assert.deepEqual(
        gateway.received.map(({ target }) => target.split('?')[1]),
        ['settle_state=UNSETTLE&limit=5&offset=0', 'settle_state=UNSETTLE&limit=5&offset=5'],
      );
    });

    it('a list that shrinks while it is read ends', async () => {
      gateway.answer = (response, received) => {
        const first = received.target.endsWith('offset=0');
        signed(200, first ? { data: rows(0, 5), total_count: 20 } : { total_count: 5 })(response, received);
      };
      assert.equal((await all(5)).length, 5);
      assert.equal(gateway.received.length, 2);
    });

    it('a list that is never counted ends with the page that is not full', async () => {
      gateway.answer = (response, received) => {
        const first = received.target.endsWith('offset=0');
        signed(200, { data: first ? rows(0, 5) : rows(5, 7) })(response, received);
      };
      assert.equal((await all(5)).length, 7);
    });

    it('a page that fails ends the loop with its error', async () => {
      gateway.answer = (response, received) => {
        const first = received.target.endsWith('offset=0');
        (first
          ? signed(200, { data: rows(0, 5), total_count: 20 })
          : signed(500, { code: 'SYSTEM_ERROR', message: 'x' }))(response, received);
      };
      await assert.rejects(all(5), { code: 'SYSTEM_ERROR' });
    });
  });

  describe('platform certificates', () => {
    const SERIAL = '5A1BC0D2E3F405162738495A6B7C8D9E0F1A2B3C';
    const bySerial = { 'Wechatpay-Serial': SERIAL };
    let answer: unknown;
    let client: WechatPayGlobal;

    before(async () => {
      answer = certificates(SERIAL, await gatewayCertificate(SERIAL));
    });
    beforeEach(() => {
      const { publicKeys: _, ...rest } = options(baseUrl);
      client = new WechatPayGlobal({ ...rest, downloadCertificates: true });
    });
    afterEach(() => client.close());

    it('are downloaded from the overseas address, once, when the first answer needs them', async () => {
      gateway.answer = (response, received) => {
        const body = received.target === '/v3/global/certificates' ? answer : PAID;
        signed(200, body, bySerial)(response, received);
      };
      await client.orders.queryById(PAID.id);
      await client.orders.queryById(PAID.id);
      const order = `/v3/global/transactions/id/${PAID.id}?mchid=${MCHID}`;
      assert.deepEqual(
        gateway.received.map(({ target }) => target),
        [order, '/v3/global/certificates', order],
      );
      assert.equal(gateway.last.headers['wechatpay-serial'], SERIAL);
      assert.equal((await client.sensitive.encrypt('x')).serial, SERIAL);
    });

    it('verify statements, too', async () => {
      gateway.answer = (response, received) => {
        if (received.target === '/v3/global/certificates') signed(200, answer, bySerial)(response, received);
        else statement(STATEMENT, { headers: bySerial })(response);
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

    it('that WeChat Pay did not sign are not accepted', async () => {
      const raw = notification('TRANSACTION.SUCCESS', PAID);
      const headers = { ...raw.headers, ...signatureHeaders(raw.body, { key: keys.merchant }) };
      await assert.rejects(pay.notifications.open({ ...raw, headers }), { verdict: 'forged' });
    });
  });
});
