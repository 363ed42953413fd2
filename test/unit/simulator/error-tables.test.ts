import assert from 'node:assert/strict';
import { type Simulator, startSimulator } from '../../../simulator/index.ts';
import { isSigned, orderBody, type RawAnswer, RawClient } from './client.ts';

const DAY = 24 * 3600_000;
const CODE = '134567890123456789';

/**
 * The error tables of the documentation, one line a code, and each line with a request that gets it. What lies outside of a simulation is
 * arranged by the control API, as whoever tests a client would do it.
 */
describe('simulator: the documented errors of v3', () => {
  let simulator: Simulator;
  let client: RawClient;
  let provider: RawClient;
  let now: number;

  before(async () => {
    simulator = await startSimulator({
      clock: () => now,
      notifyDelayMs: 1e9,
      refundDelayMs: Number.POSITIVE_INFINITY,
      enforceCloseDelay: false,
    });
    const clock = () => now;
    client = new RawClient(simulator, { clock });
    provider = new RawClient(simulator, { merchant: simulator.world.provider, clock });
  });
  beforeEach(() => {
    now = Date.parse('2026-03-01T12:00:00+08:00');
    simulator.gateway.reset();
    simulator.gateway.rateLimits.enabled = false;
  });
  after(async () => {
    await Promise.all([client.close(), provider.close()]);
    await simulator.close();
  });

  const ids = () => ({ appid: simulator.merchant.appid, mchid: simulator.merchant.mchid });
  const paid = async (outTradeNo = 'TABLE01') => {
    await client.order(outTradeNo);
    return simulator.gateway.pay(outTradeNo);
  };
  const charge = (
    outcome?: 'NOT_ENOUGH' | 'TRADE_ERROR' | 'ACCOUNT_ERROR' | 'RULE_LIMIT' | 'BANK_ERROR' | 'SYSTEM_ERROR',
  ) => {
    if (outcome) simulator.gateway.paymentCodes.arrange(CODE, { outcome });
    return client.post('/v3/pay/transactions/codepay', {
      ...ids(),
      description: 'Tea',
      out_trade_no: 'TABLE01',
      payer: { auth_code: CODE },
      amount: { total: 2590 },
      scene_info: { store_info: { out_id: 'S01' } },
    });
  };
  const arranged = (code: string) => {
    simulator.gateway.addFault({ operation: 'order.query', kind: 'refused', code } as never);
    return client.query('TABLE01');
  };
  const bill = (date: string) => client.get(`/v3/bill/tradebill?bill_date=${date}`);
  const complaintUrl = '/v3/merchant-service/complaint-notifications';

  const TABLE: [status: number, code: string, when: string, how: () => Promise<RawAnswer>][] = [
    [
      202,
      'USER_PAYING',
      'a password is pending',
      () => {
        simulator.gateway.paymentCodes.arrange(CODE, { outcome: 'password', pending_status: 202 });
        return charge();
      },
    ],
    [400, 'PARAM_ERROR', 'a field is wrong', () => client.order('TABLE01', { amount: { total: 0 } })],
    [
      400,
      'INVALID_REQUEST',
      'a header is missing',
      () => client.order('TABLE01', {}, { headers: { accept: '' } }),
    ],
    [
      400,
      'APPID_MCHID_NOT_MATCH',
      'an appid is not bound',
      () => client.order('TABLE01', { appid: 'wx0000000000000000' }),
    ],
    [
      400,
      'MCH_NOT_EXISTS',
      'an order is for nobody',
      () => client.post('/v3/combine-transactions/native', combination('1999999999')),
    ],
    [
      404,
      'MCH_NOT_EXISTS',
      'a refund is for nobody',
      () => provider.refund('TABLE01', 'R1', 1, { sub_mchid: '1999999999' }),
    ],
    [400, 'ORDER_CLOSED', 'it was arranged', () => arranged('ORDER_CLOSED')],
    [
      400,
      'ORDER_PAID',
      'a paid order is closed',
      async () => {
        await paid();
        return client.closeOrder('TABLE01');
      },
    ],
    [
      400,
      'REFUND_FEE_MISMATCH',
      'a total is not that of the order',
      async () => {
        await paid();
        return client.refund('TABLE01', 'R1', 1, { amount: { refund: 1, total: 2591, currency: 'CNY' } });
      },
    ],
    [
      400,
      'STATEMENT_CREATING',
      'a bill is asked for before nine',
      () => {
        now = Date.parse('2026-03-02T08:59:59+08:00');
        return bill('2026-03-01');
      },
    ],
    [400, 'NO_STATEMENT_EXIST', 'a day was empty', () => bill('2026-02-27')],
    [
      400,
      'RESOURCE_ALREADY_EXISTS',
      'there is an address for complaints',
      async () => {
        await client.post(complaintUrl, { url: 'https://a.example.com/c' });
        return client.post(complaintUrl, { url: 'https://a.example.com/c' });
      },
    ],
    [401, 'SIGN_ERROR', 'a signature is wrong', () => client.order('TABLE01', {}, { signedBody: '' })],
    [
      403,
      'NO_AUTH',
      'a merchant asks for what is for providers',
      () =>
        client.get(
          '/v3/ecommerce/bill/fundflowbill?bill_date=2026-02-27&account_type=ALL&algorithm=AEAD_AES_256_GCM',
        ),
    ],
    [
      403,
      'OUT_TRADE_NO_USED',
      'a number is ordered otherwise',
      async () => {
        await client.order('TABLE01');
        return client.order('TABLE01', { description: 'Coffee' });
      },
    ],
    [
      403,
      'RULE_LIMIT',
      'an order has 50 refunds',
      async () => {
        await paid();
        for (let count = 1; count <= 50; count += 1) await client.refund('TABLE01', `R${count}`, 1);
        return client.refund('TABLE01', 'R51', 1);
      },
    ],
    [403, 'TRADE_ERROR', 'a code cannot be charged', () => charge('TRADE_ERROR')],
    [403, 'ACCOUNT_ERROR', 'an account is closed', () => charge('ACCOUNT_ERROR')],
    [
      403,
      'USER_ACCOUNT_ABNORMAL',
      'who paid can no longer receive',
      async () => {
        await paid();
        simulator.gateway.setPayerOf('TABLE01', 'abnormal');
        return client.refund('TABLE01', 'R1', 1);
      },
    ],
    [
      403,
      'NOT_ENOUGH',
      'a merchant has too little for a refund',
      async () => {
        await paid();
        simulator.gateway.setBalance(simulator.merchant.mchid, {
          limited: true,
          AVAILABLE: 0,
          UNSETTLED: 0,
        });
        return client.refund('TABLE01', 'R1', 1000);
      },
    ],
    [403, 'NOT_ENOUGH', 'a person has too little', () => charge('NOT_ENOUGH')],
    [
      403,
      'TRADE_OVERDUE',
      'an order is older than a year',
      async () => {
        await paid();
        now += 366 * DAY;
        return client.refund('TABLE01', 'R1', 1);
      },
    ],
    [404, 'ORDER_NOT_EXIST', 'nobody ordered', () => client.query('TABLE01')],
    [404, 'RESOURCE_NOT_EXISTS', 'nobody applied for a refund', () => client.queryRefund('R1')],
    [
      404,
      'RESOURCE_NOT_EXISTS',
      'an unpaid order is refunded',
      async () => {
        await client.order('TABLE01');
        return client.refund('TABLE01', 'R1', 1);
      },
    ],
    [
      429,
      'FREQUENCY_LIMITED',
      'refunds fail too often',
      async () => {
        simulator.gateway.rateLimits.enabled = true;
        for (let count = 0; count < 6; count += 1) await client.refund('TABLE01', 'R1', 1);
        return client.refund('TABLE01', 'R1', 1);
      },
    ],
    [429, 'RATELIMIT_EXCEEDED', 'it was arranged', () => arranged('RATELIMIT_EXCEEDED')],
    [
      500,
      'INVALID_TRANSACTIONID',
      'a number is none of WeChat Pay',
      () => client.get(`/v3/pay/transactions/id/1?mchid=${simulator.merchant.mchid}`),
    ],
    [500, 'OPENID_MISMATCH', 'it was arranged', () => arranged('OPENID_MISMATCH')],
    [500, 'SYSTEM_ERROR', 'it was arranged', () => charge('SYSTEM_ERROR')],
    [500, 'BANK_ERROR', 'a bank does not answer', () => charge('BANK_ERROR')],
    [503, 'SERVICE_UNAVAILABLE', 'it was arranged', () => arranged('SERVICE_UNAVAILABLE')],
  ];
  for (const [status, code, when, how] of TABLE) {
    it(`${status} ${code}, when ${when}`, async () => {
      const answer = await how();
      assert.deepEqual([answer.status, answer.json?.code], [status, code], answer.text);
      assert.equal(typeof answer.json.message, 'string');
      assert.match(answer.headers['Content-Type'] ?? '', /^application\/json/);
      assert.match(answer.headers['Request-ID'] ?? '', /^08[0-9A-F]{38}-\d+$/);
      const beforeAuthentication = code === 'SIGN_ERROR' || code === 'INVALID_REQUEST';
      assert.equal('Wechatpay-Signature' in answer.headers, !beforeAuthentication);
    });
  }

  const MESSAGES: [message: string, how: () => Promise<RawAnswer>][] = [
    ['Http头缺少Accept或User-Agent', () => client.order('TABLE01', {}, { headers: { 'user-agent': '' } })],
    [
      'Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》',
      () => client.order('TABLE01', {}, { headers: { authorization: 'Basic eDp5' } }),
    ],
    [
      'Http头Authorization中的timestamp与发起请求的时间不得超过5分钟',
      () => client.order('TABLE01', {}, { timestamp: Math.floor(now / 1000) - 301 }),
    ],
    [
      '商户证书序列号有误。请使用签名私钥匹配的证书序列号',
      () => client.order('TABLE01', {}, { serialNo: 'A'.repeat(40) }),
    ],
    ['错误的签名，验签失败', () => client.order('TABLE01', {}, { signedBody: '' })],
    ['http header中的mchid与post payload中的mchid不匹配', () => client.order('TABLE01', { mchid: '1' })],
    [
      '平台证书序列号Wechatpay-Serial错误',
      () =>
        client.post(
          '/v3/security/echo',
          { echo_message: 'hi', encrypted_echo_message: 'x' },
          { headers: { 'wechatpay-serial': 'PUB_KEY_ID_0' } },
        ),
    ],
    ['参数错误', () => client.order('TABLE01', { colour: 'red' })],
    ['请求的账单文件不存在', () => bill('2026-02-27')],
    ['暂不支持境外支付', () => overseas().post('/v3/pay/transactions/native', {})],
    [
      '无可用的平台证书，请在商户平台-API安全申请使用微信支付公钥',
      async () => {
        const { mchid } = simulator.merchant;
        simulator.world.change(mchid, { platformCertificates: false });
        const answer = await client.get('/v3/certificates');
        simulator.world.change(mchid, { platformCertificates: true });
        return answer;
      },
    ],
    [
      '频率限制，1个月之前的订单请降低申请频率再重试',
      async () => {
        await paid();
        now += 31 * DAY;
        simulator.gateway.rateLimits.enabled = true;
        const { orderBook, rateLimits } = simulator.gateway;
        const subject = { mchid: simulator.merchant.mchid };
        const order = orderBook.find(subject.mchid, 'TABLE01');
        // 150 a second, until a minute has seen 5000.
        for (let count = 0; count < 5000; count += 1) {
          if (count % 150 === 149) now += 1000;
          assert.equal(rateLimits.excess('refund.create', subject, order), undefined);
        }
        return client.refund('TABLE01', 'R1', 1);
      },
    ],
  ];
  for (const [message, how] of MESSAGES) {
    it(`says ${message}`, async () => assert.equal((await how()).json.message, message));
  }
  const overseas = () => {
    const merchant = simulator.world.merchants().find(({ region }) => region === 'overseas');
    return new RawClient(simulator, { merchant: merchant ?? simulator.merchant, clock: () => now });
  };
  const combination = (mchid: string) => ({
    combine_appid: simulator.merchant.appid,
    combine_mchid: simulator.merchant.mchid,
    combine_out_trade_no: 'COMBINED1',
    notify_url: 'https://pay.example.com/wx',
    sub_orders: ['MEMBER1', 'MEMBER2'].map((out_trade_no) => ({
      mchid,
      out_trade_no,
      attach: 'a',
      description: 'Tea',
      amount: { total_amount: 1, currency: 'CNY' },
    })),
  });

  it('an internal number ends Request-ID', async () => {
    await client.order('TABLE01');
    await paid('TABLE02');
    await charge();
    const numbers: [number, RawAnswer][] = [
      [0, await client.query('TABLE01')],
      [268443699, await client.order('N', {}, { signedBody: '' })],
      [268435461, await client.order('TABLE03', { description: 7 })],
      [268435464, await client.order('TABLE03', { amount: { total: 0 } })],
      [270924358, await client.order('TABLE03', { colour: 'red' })],
      [
        268501013,
        await client.post('/v3/pay/transactions/jsapi', orderBody(simulator, 'TABLE03', { payer: {} })),
      ],
      [268447843, await client.order('TABLE03', { mchid: '1' })],
      [268445527, await client.order('TABLE03', { appid: 'wx0000000000000000' })],
      [268498688, await client.order('TABLE01', { description: 'Coffee' })],
      [268449538, await client.closeOrder('TABLE02')],
      [268512771, await client.query('TABLE04')],
      [268443704, await provider.refund('TABLE01', 'R1', 1)],
      [268443705, await provider.refund('TABLE01', 'R1', 1, { sub_mchid: provider.merchant.mchid })],
      [268443701, await provider.refund('TABLE01', 'R1', 1, { sub_mchid: simulator.merchant.mchid })],
    ];
    for (const [number, { headers, text }] of numbers) {
      assert.equal(headers['Request-ID']?.split('-').at(-1), String(number), text);
    }
  });

  it('an answer after authentication is signed, whatever it says', async () => {
    const answer = await client.query('TABLE01');
    assert.ok(isSigned(simulator, answer.headers, answer.text));
  });
});
