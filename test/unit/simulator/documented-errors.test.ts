import assert from 'node:assert/strict';
import { type Simulator, startSimulator } from '../../../simulator/index.ts';
import { isSigned, orderBody, type RawAnswer, RawClient } from './client.ts';

const DAY = 24 * 60 * 60 * 1000;
const AUTH_CODE = '134567890123456789';
type Body = Record<string, unknown>;

describe('simulator: documented errors', () => {
  let simulator: Simulator;
  let client: RawClient;
  let now: number;

  before(async () => {
    simulator = await startSimulator({
      clock: () => now,
      notifyDelayMs: 1e8,
      refundDelayMs: Number.POSITIVE_INFINITY,
    });
    client = new RawClient(simulator, { clock: () => now });
  });
  beforeEach(() => {
    now = Date.now();
    simulator.gateway.reset();
  });
  after(async () => {
    await client.close();
    await simulator.close();
  });

  const refused = ({ status, json }: RawAnswer) => [status, json.code];
  const place = ({ json }: RawAnswer) => [json.detail?.field, json.detail?.location];

  describe('of orders, beyond those of every product', () => {
    const scene = (changes: Body = {}) => ({
      scene_info: { payer_client_ip: '203.0.113.9', h5_info: { type: 'Wap' }, ...changes },
    });
    const goods = (changes: Body) => ({
      detail: {
        goods_detail: [{ merchant_goods_id: 'SKU-88', quantity: 1, unit_price: 2790, ...changes }],
      },
    });
    const first = '/detail/goods_detail/0';
    const cases: [string, string, Body, string][] = [
      ['jsapi', 'no payer', {}, '/payer'],
      ['jsapi', 'no openid', { payer: {} }, '/payer/openid'],
      ['jsapi', 'a long openid', { payer: { openid: 'o'.repeat(129) } }, '/payer/openid'],
      ['jsapi', 'the openid of a service provider', { payer: { sp_openid: 'o' } }, '/payer/openid'],
      ['app', 'a payer', { payer: { openid: 'o' } }, '/payer'],
      ['h5', 'no scene_info', {}, '/scene_info'],
      ['h5', 'no address', scene({ payer_client_ip: undefined }), '/scene_info/payer_client_ip'],
      [
        'h5',
        'this machine as address',
        scene({ payer_client_ip: '127.0.0.1' }),
        '/scene_info/payer_client_ip',
      ],
      ['h5', 'no h5_info', scene({ h5_info: undefined }), '/scene_info/h5_info'],
      ['h5', 'no type', scene({ h5_info: {} }), '/scene_info/h5_info/type'],
      ['h5', 'an unknown type', scene({ h5_info: { type: 'Web' } }), '/scene_info/h5_info/type'],
      [
        'h5',
        'a long app_name',
        scene({ h5_info: { type: 'Wap', app_name: 'x'.repeat(65) } }),
        '/scene_info/h5_info/app_name',
      ],
      [
        'h5',
        'a long bundle_id',
        scene({ h5_info: { type: 'iOS', bundle_id: 'x'.repeat(129) } }),
        '/scene_info/h5_info/bundle_id',
      ],
      ['native', 'h5_info', scene(), '/scene_info/h5_info'],
      [
        'native',
        'a scene without address',
        { scene_info: { device_id: 'POS7' } },
        '/scene_info/payer_client_ip',
      ],
      [
        'native',
        'a long address',
        { scene_info: { payer_client_ip: '1'.repeat(46) } },
        '/scene_info/payer_client_ip',
      ],
      [
        'native',
        'a store without id',
        { scene_info: { payer_client_ip: '::1', store_info: {} } },
        '/scene_info/store_info/id',
      ],
      [
        'native',
        'a long store name',
        { scene_info: { payer_client_ip: '::1', store_info: { id: 'S', name: 'x'.repeat(257) } } },
        '/scene_info/store_info/name',
      ],
      ['native', 'a long attach', { attach: 'x'.repeat(129) }, '/attach'],
      ['native', 'a long goods_tag', { goods_tag: 'x'.repeat(33) }, '/goods_tag'],
      [
        'native',
        'a long notify_url',
        { notify_url: `https://pay.example.com/${'x'.repeat(255)}` },
        '/notify_url',
      ],
      ['native', 'a number of 33 characters', { out_trade_no: 'x'.repeat(33) }, '/out_trade_no'],
      ['native', 'an unknown limit_pay', { limit_pay: ['no_cash'] }, '/limit_pay/0'],
      ['native', 'support_fapiao as text', { support_fapiao: 'true' }, '/support_fapiao'],
      [
        'native',
        'profit_sharing as text',
        { settle_info: { profit_sharing: 'Y' } },
        '/settle_info/profit_sharing',
      ],
      ['native', 'the goods id of payment codes', goods({ wxpay_goods_id: '1' }), `${first}/wxpay_goods_id`],
      ['native', 'goods without quantity', goods({ quantity: 0 }), `${first}/quantity`],
      ['native', 'a long name of goods', goods({ goods_name: 'x'.repeat(257) }), `${first}/goods_name`],
      ['native', 'a detail of more than 6144 bytes', manyGoods(), '/detail'],
    ];
    for (const [product, name, changes, field] of cases) {
      it(`${product} with ${name} is a parameter error at ${field}`, async () => {
        const answer = await client.post(
          `/v3/pay/transactions/${product}`,
          orderBody(simulator, 'FIELDS1', changes),
        );
        assert.deepEqual(refused(answer), [400, 'PARAM_ERROR'], answer.text);
        assert.deepEqual(place(answer), [field, 'body']);
        assert.equal(simulator.gateway.orders().length, 0);
      });
    }

    it('a transaction_id of another form is INVALID_TRANSACTIONID', async () => {
      const { mchid } = simulator.merchant;
      const answer = await client.get(`/v3/pay/transactions/id/4200?mchid=${mchid}`);
      assert.deepEqual(refused(answer), [500, 'INVALID_TRANSACTIONID']);
    });

    it('a closed, a paid and a differently ordered number are OUT_TRADE_NO_USED for every product', async () => {
      await client.order('USED001');
      for (const product of ['app', 'h5', 'jsapi']) {
        const more = { app: {}, h5: scene(), jsapi: { payer: { openid: 'o' } } }[product];
        const answer = await client.post(
          `/v3/pay/transactions/${product}`,
          orderBody(simulator, 'USED001', more),
        );
        assert.deepEqual(refused(answer), [403, 'OUT_TRADE_NO_USED'], product);
      }
    });
  });

  describe('of refunds', () => {
    beforeEach(async () => {
      await client.order('PAID001');
      simulator.gateway.pay('PAID001');
    });
    const amount = (changes: Body) => ({
      amount: { refund: 1000, total: 2590, currency: 'CNY', ...changes },
    });
    const goods = (changes: Body) => ({
      goods_detail: [
        { merchant_goods_id: 'SKU', unit_price: 1, refund_amount: 1, refund_quantity: 1, ...changes },
      ],
    });
    const FIELDS: [string, Body, string][] = [
      ['no out_refund_no', { out_refund_no: undefined }, '/out_refund_no'],
      ['an empty out_refund_no', { out_refund_no: '' }, '/out_refund_no'],
      ['an out_refund_no of 65 characters', { out_refund_no: 'R'.repeat(65) }, '/out_refund_no'],
      ['an out_refund_no with a blank', { out_refund_no: 'R 1' }, '/out_refund_no'],
      ['no number of the order', { out_trade_no: undefined }, '/transaction_id'],
      ['a malformed out_trade_no', { out_trade_no: 'x y z 1' }, '/out_trade_no'],
      ['a long reason', { reason: 'x'.repeat(81) }, '/reason'],
      ['a long notify_url', { notify_url: `https://a.example.com/${'x'.repeat(256)}` }, '/notify_url'],
      ['a notify_url with a query', { notify_url: 'https://a.example.com/?a=1' }, '/notify_url'],
      ['an unknown funds_account', { funds_account: 'BASIC' }, '/funds_account'],
      ['no amount', { amount: undefined }, '/amount'],
      ['no refund', amount({ refund: undefined }), '/amount/refund'],
      ['nothing to refund', amount({ refund: 0 }), '/amount/refund'],
      ['a fraction', amount({ refund: 0.5 }), '/amount/refund'],
      ['more than the order', amount({ refund: 2591 }), '/amount/refund'],
      ['no total', amount({ total: undefined }), '/amount/total'],
      ['no currency', amount({ currency: undefined }), '/amount/currency'],
      ['another currency', amount({ currency: 'USD' }), '/amount/currency'],
      [
        'shares that do not add up',
        amount({ from: [{ account: 'AVAILABLE', amount: 999 }] }),
        '/amount/from',
      ],
      [
        'a share of an unknown account',
        amount({ from: [{ account: 'UNSETTLED', amount: 1000 }] }),
        '/amount/from/0/account',
      ],
      [
        'goods without their number',
        goods({ merchant_goods_id: undefined }),
        '/goods_detail/0/merchant_goods_id',
      ],
      ['goods without quantity', goods({ refund_quantity: 0 }), '/goods_detail/0/refund_quantity'],
      ['an unknown field', { mchid: '1' }, '/mchid'],
    ];
    for (const [name, changes, field] of FIELDS) {
      it(`${name} is a parameter error at ${field}`, async () => {
        const answer = await client.refund('PAID001', 'R1', 1000, changes);
        assert.deepEqual(refused(answer), [400, 'PARAM_ERROR'], answer.text);
        assert.deepEqual(place(answer), [field, 'body']);
        assert.equal(simulator.gateway.order('PAID001').amount.refunded, 0);
      });
    }

    it('a malformed number in the path is a parameter error', async () => {
      const answer = await client.queryRefund('R%201');
      assert.deepEqual([...refused(answer), ...place(answer)], [400, 'PARAM_ERROR', 'out_refund_no', 'url']);
    });

    it('a transaction_id of another form, or with the number of another order', async () => {
      const malformed = await client.refund('PAID001', 'R1', 1000, {
        transaction_id: '4200',
        out_trade_no: undefined,
      });
      assert.deepEqual(refused(malformed), [500, 'INVALID_TRANSACTIONID']);
      await client.order('OTHER01');
      const { transaction_id } = simulator.gateway.pay('OTHER01');
      const other = await client.refund('PAID001', 'R1', 1000, { transaction_id });
      assert.deepEqual([...refused(other), ...place(other)], [400, 'PARAM_ERROR', '/out_trade_no', 'body']);
    });

    it('TRADE_OVERDUE after 365 days', async () => {
      now += 365 * DAY;
      assert.equal((await client.refund('PAID001', 'R1', 1)).status, 200);
      now += 1;
      assert.deepEqual(refused(await client.refund('PAID001', 'R2', 1)), [403, 'TRADE_OVERDUE']);
    });

    it('a reversed order has nothing to refund', async () => {
      const { appid, mchid } = simulator.merchant;
      await client.post('/v3/pay/transactions/codepay', codeOrder('CODE001'));
      await client.post('/v3/pay/transactions/out-trade-no/CODE001/reverse', { appid, mchid });
      assert.deepEqual(refused(await client.refund('CODE001', 'R1', 1)), [404, 'RESOURCE_NOT_EXISTS']);
    });
  });

  describe('that lie outside of a simulation are arranged as faults', () => {
    const CODES = [
      ['USER_PAYING', 202],
      ['INVALID_REQUEST', 400],
      ['MCH_NOT_EXISTS', 400],
      ['ORDER_CLOSED', 400],
      ['NO_AUTH', 403],
      ['RULE_LIMIT', 403],
      ['TRADE_ERROR', 403],
      ['ACCOUNT_ERROR', 403],
      ['USER_ACCOUNT_ABNORMAL', 403],
      ['NOT_ENOUGH', 403],
      ['FREQUENCY_LIMITED', 429],
      ['RATELIMIT_EXCEEDED', 429],
      ['SYSTEM_ERROR', 500],
      ['BANK_ERROR', 500],
      ['INVALID_TRANSACTIONID', 500],
      ['OPENID_MISMATCH', 500],
      ['SERVICE_UNAVAILABLE', 503],
    ] as const;
    const calls: [string, () => Promise<RawAnswer>][] = [
      ['native.create', () => client.order('REFUSE1')],
      ['order.query', () => client.query('REFUSE1')],
      ['order.close', () => client.closeOrder('REFUSE1')],
      ['codepay.create', () => client.post('/v3/pay/transactions/codepay', codeOrder('REFUSE1'))],
      ['codepay.reverse', () => client.post('/v3/pay/transactions/out-trade-no/REFUSE1/reverse', ids())],
      ['combine.native.create', () => client.post('/v3/combine-transactions/native', combination())],
      ['combine.query', () => client.get('/v3/combine-transactions/out-trade-no/REFUSE1')],
      ['combine.close', () => client.post('/v3/combine-transactions/out-trade-no/REFUSE1/close', closing())],
      ['refund.create', () => client.refund('REFUSE1', 'R1', 1)],
      ['refund.query', () => client.queryRefund('R1')],
      [
        'refund.applyAbnormal',
        () =>
          client.post('/v3/refund/domestic/refunds/5030/apply-abnormal-refund', {
            out_refund_no: 'R1',
            type: 'MERCHANT_BANK_CARD',
          }),
      ],
      ['security.echo', () => client.post('/v3/security/echo', { echo_message: 'hi' })],
    ];
    for (const [operation, call] of calls) {
      it(`${operation}: each code with its documented status, signed, and without effect`, async () => {
        for (const [code, status] of CODES) {
          simulator.gateway.addFault({ operation, kind: 'refused', code });
          const answer = await call();
          assert.deepEqual(refused(answer), [status, code]);
          assert.ok(answer.json.message.length > 0);
          assert.ok(isSigned(simulator, answer.headers, answer.text), code);
        }
        assert.equal(simulator.gateway.orders().length, 0);
        assert.equal(simulator.gateway.state().fault_log.length, CODES.length);
      });
    }

    it('a refusal needs a code, and other faults have none', () => {
      const add = (fault: object) =>
        simulator.gateway.addFault({ operation: 'order.query', ...fault } as never);
      assert.throws(() => add({ kind: 'refused' }), /code/);
      assert.throws(() => add({ kind: 'slow', code: 'NO_AUTH' }), /code/);
      assert.throws(() => add({ kind: 'refused', code: 'NOTHING' }));
    });
  });

  const ids = () => ({ appid: simulator.merchant.appid, mchid: simulator.merchant.mchid });
  const codeOrder = (outTradeNo: string) => ({
    ...ids(),
    description: 'Tea',
    out_trade_no: outTradeNo,
    payer: { auth_code: AUTH_CODE },
    amount: { total: 2590 },
    scene_info: { store_info: { out_id: 'S01' } },
  });
  const members = () =>
    ['M-00001', 'M-00002'].map((out_trade_no) => ({ mchid: simulator.merchant.mchid, out_trade_no }));
  const combination = () => ({
    combine_appid: simulator.merchant.appid,
    combine_mchid: simulator.merchant.mchid,
    combine_out_trade_no: 'REFUSE1',
    sub_orders: members().map((member) => ({
      ...member,
      attach: 'a',
      amount: { total_amount: 1, currency: 'CNY' },
      description: 'Tea',
    })),
    notify_url: 'https://pay.example.com/wx',
  });
  const closing = () => ({ combine_appid: simulator.merchant.appid, sub_orders: members() });
});

function manyGoods(): Body {
  const goods = {
    merchant_goods_id: 'x'.repeat(32),
    goods_name: 'x'.repeat(256),
    quantity: 1,
    unit_price: 1,
  };
  return { detail: { goods_detail: Array.from({ length: 20 }, () => goods) } };
}
