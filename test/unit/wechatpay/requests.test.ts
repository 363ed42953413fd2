import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Agent, MockAgent } from 'undici';
import { RequestRejectedError, WechatPay } from '../../../wechatpay/index.ts';
import { parseAuthorization } from '../../../wechatpay/v3/signature.ts';
import { APPID, MCHID, options, PUBLIC_KEY_ID, SigningGateway, signed } from './signing-gateway.ts';

const ORDER = {
  description: 'Tea set 茶具',
  out_trade_no: 'T20260301A000017',
  notify_url: 'https://pay.example.com/wx',
  time_expire: '2026-03-01T12:30:00+08:00',
  amount: { total: 2590, currency: 'CNY' as const },
};
const REFUND = {
  out_trade_no: ORDER.out_trade_no,
  out_refund_no: 'R1',
  amount: { refund: 1000, total: 2590, currency: 'CNY' as const },
};
const REFUND_ANSWER = {
  refund_id: '50300208882026030212345678901',
  status: 'PROCESSING',
  future_field: { a: 1 },
};

describe('wechatpay requests', () => {
  const gateway = new SigningGateway();
  let baseUrl: string;
  let pay: WechatPay;

  before(async () => {
    baseUrl = await gateway.listen();
  });
  after(async () => {
    await gateway.close();
  });
  beforeEach(() => {
    gateway.received.length = 0;
    pay = new WechatPay(options(baseUrl));
  });
  afterEach(async () => {
    await pay.close();
  });

  it('a Native order carries appid and mchid, and answers its code', async () => {
    gateway.answer = signed(200, { code_url: 'weixin://wxpay/bizpayurl?pr=Kq7Rt2Zzz' });
    assert.deepEqual(await pay.native.create(ORDER), { code_url: 'weixin://wxpay/bizpayurl?pr=Kq7Rt2Zzz' });
    assert.equal(gateway.last.method, 'POST');
    assert.equal(gateway.last.target, '/v3/pay/transactions/native');
    assert.deepEqual(JSON.parse(gateway.last.body.toString()), { ...ORDER, appid: APPID, mchid: MCHID });
    assert.ok(gateway.last.signed);
  });

  it('a serialized order is sent byte for byte, as often as it is sent', async () => {
    gateway.answer = signed(200, { code_url: 'weixin://x' });
    const body = pay.native.serialize(ORDER);
    await pay.native.create(body);
    await pay.native.create(body);
    assert.deepEqual(
      gateway.received.map((received) => received.body),
      [Buffer.from(body), Buffer.from(body)],
    );
  });

  it('a body with spaces, escapes and a character outside of UTF-16 arrives as it was given and signed', async () => {
    gateway.answer = signed(200, { code_url: 'weixin://x' });
    const body = '{ "description" : "\\u8336 茶 🍵 \\/" }\n';
    await pay.native.create(body);
    assert.equal(gateway.last.body.toString(), body);
    assert.ok(gateway.last.signed);
  });

  it('every request names the current public key, what it accepts and who asks; a GET too', async () => {
    gateway.answer = signed(200, { ...ORDER, trade_state: 'NOTPAY' });
    await pay.orders.queryByOutTradeNo(ORDER.out_trade_no);
    const { headers, signed: isSigned, body } = gateway.last;
    assert.equal(headers['wechatpay-serial'], PUBLIC_KEY_ID);
    assert.equal(headers.accept, 'application/json');
    assert.match(headers['user-agent'] ?? '', /paysaga/);
    assert.equal(headers['content-type'], undefined);
    assert.equal(body.length, 0);
    assert.ok(isSigned);
  });

  it('clock, nonce and user agent come from the options', async () => {
    await pay.close();
    pay = new WechatPay({
      ...options(baseUrl),
      clock: () => 1772337600999,
      nonce: () => 'N0NCE',
      userAgent: 'shop/7',
    });
    gateway.answer = signed(200, {});
    await assert.rejects(pay.orders.queryByOutTradeNo('T1'));
    const authorization = parseAuthorization(gateway.last.headers.authorization);
    assert.equal(authorization?.timestamp, '1772337600');
    assert.equal(authorization?.nonce, 'N0NCE');
    assert.equal(gateway.last.headers['user-agent'], 'shop/7');
  });

  it('two requests have two nonces of 32 characters', async () => {
    gateway.answer = signed(204, undefined);
    await pay.orders.close('T1');
    await pay.orders.close('T1');
    const nonces = gateway.received.map(
      ({ headers }) => parseAuthorization(headers.authorization)?.nonce ?? '',
    );
    assert.equal(new Set(nonces).size, 2);
    for (const nonce of nonces) assert.match(nonce, /^[0-9A-F]{32}$/);
  });

  it('what is signed is what arrives, for every legal out_trade_no', async () => {
    const legal = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-|*'.split('');
    const outTradeNo = fc.string({ unit: fc.constantFrom(...legal), minLength: 6, maxLength: 32 });
    await fc.assert(
      fc.asyncProperty(outTradeNo, async (number) => {
        gateway.answer = signed(200, { out_trade_no: number, trade_state: 'NOTPAY' });
        assert.equal((await pay.orders.queryByOutTradeNo(number)).out_trade_no, number);
        assert.ok(gateway.last.signed);
        const [path, query] = gateway.last.target.split('?');
        assert.equal(decodeURIComponent(path?.split('/').at(-1) ?? ''), number);
        assert.equal(query, `mchid=${MCHID}`);
      }),
      { numRuns: 40 },
    );
  });

  it('the path of a number with | and * is encoded once', async () => {
    gateway.answer = signed(204, undefined);
    await pay.orders.close('A|b*_-1');
    assert.equal(gateway.last.target, '/v3/pay/transactions/out-trade-no/A%7Cb*_-1/close');
    assert.deepEqual(JSON.parse(gateway.last.body.toString()), { mchid: MCHID });
    assert.ok(gateway.last.signed);
  });

  for (const number of ['', '..', 'a/b', 'a?b', 'a%2e', 'é', 'x'.repeat(65)]) {
    it(`the number ${JSON.stringify(number.slice(0, 8))} cannot reach another resource`, async () => {
      await assert.rejects(pay.orders.queryByOutTradeNo(number), {
        code: 'PARAM_ERROR',
        outcome: 'rejected',
      });
      await assert.rejects(pay.orders.close(number), RequestRejectedError);
      await assert.rejects(pay.refunds.query(number), RequestRejectedError);
      assert.equal(gateway.received.length, 0);
    });
  }

  it('null, fractions of a fen and emoji are refused by name before anything is sent', () => {
    const refused = (change: object, field: string) =>
      assert.throws(() => pay.native.serialize({ ...ORDER, ...change }), {
        code: 'PARAM_ERROR',
        outcome: 'rejected',
        field,
      });
    refused({ attach: null }, 'attach');
    // JSON writes it as null.
    refused({ limit_pay: ['no_credit', undefined] }, '1');
    refused({ amount: { total: 19.9 * 100 } }, 'total');
    refused({ amount: { total: Number.NaN } }, 'total');
    refused({ description: 'Tea 🍵' }, 'description');
    assert.equal(JSON.parse(pay.native.serialize({ ...ORDER, description: '茶具' })).description, '茶具');
  });

  it('an order cannot smuggle in another merchant', () => {
    const order = { ...ORDER, mchid: '1999999999', appid: 'wxother' };
    const body = JSON.parse(pay.native.serialize(order));
    assert.equal(body.mchid, MCHID);
    assert.equal(body.appid, APPID);
  });

  it('a refund is applied for and queried, unknown fields are kept', async () => {
    gateway.answer = signed(200, { ...REFUND_ANSWER, out_refund_no: 'R1' });
    assert.deepEqual(await pay.refunds.apply(REFUND), { ...REFUND_ANSWER, out_refund_no: 'R1' });
    assert.deepEqual(JSON.parse(gateway.last.body.toString()), REFUND);
    await pay.refunds.apply(pay.refunds.serialize(REFUND));
    assert.equal(gateway.last.body.toString(), pay.refunds.serialize(REFUND));

    gateway.answer = signed(200, { ...REFUND_ANSWER, out_refund_no: 'R|@*' });
    assert.equal((await pay.refunds.query('R|@*')).status, 'PROCESSING');
    assert.equal(gateway.last.target, '/v3/refund/domestic/refunds/R%7C%40*');
    assert.ok(gateway.last.signed);
  });

  it('connections are used again', async () => {
    gateway.answer = signed(204, undefined);
    for (let i = 0; i < 10; i++) await pay.orders.close('T1');
    // Two and not one: undici frees a connection one turn of the event loop after the answer.
    assert.ok(new Set(gateway.received.map(({ port }) => port)).size <= 2);
  });

  it('a dispatcher of the caller is used, and left open', async () => {
    const agent = new MockAgent();
    agent.disableNetConnect();
    agent
      .get('https://api.mch.weixin.qq.com')
      .intercept({ path: '/v3/pay/transactions/out-trade-no/T1/close', method: 'POST' })
      .reply(503, '');
    const { baseUrl: _, ...official } = options();
    const client = new WechatPay({ ...official, dispatcher: agent });
    await assert.rejects(client.orders.close('T1'), { code: 'SERVICE_UNAVAILABLE' });
    await client.close();
    agent.assertNoPendingInterceptors();
    await agent.close();

    const real = new Agent();
    gateway.answer = signed(204, undefined);
    const second = new WechatPay({ ...options(baseUrl), dispatcher: real });
    await second.close();
    await second.orders.close('T1');
    await real.close();
  });

  it('a closed client sends nothing more', async () => {
    await pay.close();
    await assert.rejects(pay.orders.close('T1'), { outcome: 'unknown', code: 'CONNECTION' });
    assert.equal(gateway.received.length, 0);
    pay = new WechatPay(options(baseUrl));
  });
});
