import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../../simulator/index.ts';
import { enrolment } from '../../../simulator/merchants/merchant.ts';
import { decryptResource } from '../../../wechatpay/v3/aead.ts';
import { control, isSigned, type RawAnswer, RawClient } from './client.ts';
import { startReceiver } from './receiver.ts';

const COMBINE = '/v3/combine-transactions';
const SECOND_MCHID = '1900088001';
const DAY = 24 * 60 * 60 * 1000;
type Body = Record<string, unknown>;

describe('simulator: combined orders', () => {
  let simulator: Simulator;
  let client: RawClient;
  let second: RawClient;
  let now: number;

  async function start(options: SimulatorOptions = {}) {
    now = Date.now();
    // The second merchant's money is collected under the first one's appid.
    const { appid } = enrolment(1).merchant;
    simulator = await startSimulator({
      clock: () => now,
      notifyDelayMs: 1e8,
      refundDelayMs: Number.POSITIVE_INFINITY,
      scenario: { merchants: [{ mchid: SECOND_MCHID, appid }] },
      ...options,
    });
    client = new RawClient(simulator, { clock: () => now });
    const other = simulator.world.find(SECOND_MCHID)?.merchant;
    assert.ok(other);
    second = new RawClient(simulator, { merchant: other, clock: () => now });
  }
  async function stop() {
    await Promise.all([client.close(), second.close()]);
    await simulator.close();
  }
  async function restart(options: SimulatorOptions) {
    await stop();
    await start(options);
  }
  before(() => start());
  // Drawing the second merchant's keys takes a while, so that one simulator serves all tests.
  beforeEach(() => simulator.gateway.reset());
  after(stop);

  const sub = (mchid: string, outTradeNo: string, changes: Body = {}): Body => ({
    mchid,
    attach: 'a',
    amount: { total_amount: 1000, currency: 'CNY' },
    out_trade_no: outTradeNo,
    description: 'Tea',
    ...changes,
  });
  const subs = (name: string): Body[] => [
    sub(simulator.merchant.mchid, `${name}-0001`),
    sub(SECOND_MCHID, `${name}-0002`, { amount: { total_amount: 500, currency: 'CNY' } }),
  ];
  const body = (name: string, changes: Body = {}): Body => ({
    combine_appid: simulator.merchant.appid,
    combine_mchid: simulator.merchant.mchid,
    combine_out_trade_no: name,
    sub_orders: subs(name),
    notify_url: 'https://pay.example.com/wx',
    ...changes,
  });
  const create = (name: string, changes: Body = {}, product = 'native') =>
    client.post(`${COMBINE}/${product}`, body(name, changes));
  const query = (name: string) => client.get(`${COMBINE}/out-trade-no/${name}`);
  const close = (name: string, changes: Body = {}) =>
    client.post(`${COMBINE}/out-trade-no/${name}/close`, {
      combine_appid: simulator.merchant.appid,
      sub_orders: subs(name).map(({ mchid, out_trade_no }) => ({ mchid, out_trade_no })),
      ...changes,
    });
  const states = async (name: string) =>
    (await query(name)).json.sub_orders.map(({ trade_state }: { trade_state: string }) => trade_state);
  const refused = ({ status, json }: RawAnswer) => [status, json.code];

  it('each product answers what the phone needs', async () => {
    const payer = { combine_payer_info: { openid: simulator.world.openid } };
    const scene = { payer_client_ip: '203.0.113.9', device_id: 'POS7' };
    const jsapi = await create('JSAPI01', payer, 'jsapi');
    assert.match(jsapi.json.prepay_id, /^wx\d{14}[0-9a-f]{20}$/);
    const app = await create('APPAPP1', { scene_info: scene }, 'app');
    assert.match(app.json.prepay_id, /^wx/);
    const h5 = await create('H5H5H51', { scene_info: { ...scene, h5_info: { type: 'Wap' } } }, 'h5');
    assert.match(h5.json.h5_url, /^https:\/\/wx\.tenpay\.com\/.*prepay_id=wx/);
    const native = await create('NATIVE1');
    assert.match(native.json.code_url, /^weixin:\/\/wxpay\/bizpayurl\?pr=/);
    for (const answer of [jsapi, app, h5, native]) {
      assert.equal(answer.status, 200);
      assert.equal(Object.keys(answer.json).length, 1);
      assert.ok(isSigned(simulator, answer.headers, answer.text));
    }
    simulator.gateway.pay('JSAPI01-0001');
    const paid = (await query('JSAPI01')).json;
    assert.deepEqual(paid.combine_payer_info, { openid: simulator.world.openid });
    assert.equal(paid.sub_orders[1].trade_type, 'JSAPI');
  });

  it('an unpaid combination is queried by its number, by who combined it', async () => {
    await create('UNPAID1');
    const { status, json } = await query('UNPAID1');
    assert.equal(status, 200);
    const { mchid, appid } = simulator.merchant;
    assert.deepEqual(json, {
      combine_appid: appid,
      combine_mchid: mchid,
      combine_out_trade_no: 'UNPAID1',
      sub_orders: [
        {
          mchid,
          out_trade_no: 'UNPAID1-0001',
          trade_state: 'NOTPAY',
          attach: 'a',
          amount: { total_amount: 1000, currency: 'CNY' },
        },
        {
          mchid: SECOND_MCHID,
          out_trade_no: 'UNPAID1-0002',
          trade_state: 'NOTPAY',
          attach: 'a',
          amount: { total_amount: 500, currency: 'CNY' },
        },
      ],
    });
    assert.deepEqual(refused(await second.get(`${COMBINE}/out-trade-no/UNPAID1`)), [404, 'ORDER_NOT_EXIST']);
    assert.deepEqual(refused(await query('NOBODY1')), [404, 'ORDER_NOT_EXIST']);
  });

  for (const [index, mchid] of [
    ['0001', 'the first'],
    ['0002', 'the second'],
  ] as const) {
    it(`paying ${mchid} of the orders pays all, each with its own transaction_id`, async () => {
      await create('PAID001', { scene_info: { device_id: 'POS7', payer_client_ip: '203.0.113.9' } });
      const paid = await control(simulator, 'POST', `/orders/PAID001-${index}/pay`, {});
      assert.equal(paid.json.combine_out_trade_no, 'PAID001');
      const { json } = await query('PAID001');
      assert.deepEqual(json.scene_info, { device_id: 'POS7' });
      assert.match(json.combine_payer_info.openid, /^o.{27}$/);
      const [one, other] = json.sub_orders;
      for (const order of [one, other]) {
        assert.deepEqual(
          [order.trade_state, order.trade_type, order.bank_type],
          ['SUCCESS', 'NATIVE', 'OTHERS'],
        );
        assert.match(order.transaction_id, /^4200\d{24}$/);
        assert.match(order.success_time, /\+08:00$/);
        assert.deepEqual(order.promotion_detail, []);
      }
      assert.notEqual(one.transaction_id, other.transaction_id);
      assert.deepEqual(other.amount, {
        total_amount: 500,
        payer_amount: 500,
        currency: 'CNY',
        payer_currency: 'CNY',
      });
      assert.equal(simulator.gateway.balance(SECOND_MCHID).UNSETTLED, 497);
      assert.equal((await control(simulator, 'POST', '/orders/PAID001-0002/pay', {})).status, 409);
    });
  }

  it('one code pays all of them', async () => {
    const { code_url } = (await create('SCAN001')).json;
    const scanned = simulator.gateway.scan(code_url);
    assert.equal(scanned.status, 'payable');
    assert.equal(scanned.order?.combine_out_trade_no, 'SCAN001');
    simulator.gateway.pay('SCAN001-0001', { codeUrl: code_url });
    assert.deepEqual(await states('SCAN001'), ['SUCCESS', 'SUCCESS']);
    assert.equal(simulator.gateway.scan(code_url).status, 'paid');
  });

  it('a coupon counts for the order it was used for', async () => {
    await create('COUPON1');
    await control(simulator, 'POST', '/orders/COUPON1-0001/pay', { coupon: { amount: 100 } });
    const [one, other] = (await query('COUPON1')).json.sub_orders;
    assert.equal(one.amount.payer_amount, 900);
    assert.equal(one.promotion_detail[0].amount, 100);
    assert.equal(other.amount.payer_amount, 500);
    await create('COUPON2');
    const tooMuch = await control(simulator, 'POST', '/orders/COUPON2-0002/pay', { coupon: { amount: 501 } });
    assert.equal(tooMuch.status, 409);
    assert.deepEqual(await states('COUPON2'), ['NOTPAY', 'NOTPAY']);
  });

  it('one notification carries the combined object, under the keys of who combined', async () => {
    const receiver = await startReceiver();
    try {
      await restart({ notifyDelayMs: 0 });
      await create('NOTIFY1', { notify_url: receiver.url });
      simulator.gateway.pay('NOTIFY1-0002');
      const { headers, body: text } = await receiver.delivery(1);
      assert.ok(isSigned(simulator, headers, text));
      const { event_type, resource } = JSON.parse(text);
      assert.deepEqual([event_type, resource.original_type], ['TRANSACTION.SUCCESS', 'transaction']);
      const plain = JSON.parse(decryptResource(resource, simulator.merchant.apiV3Key));
      assert.deepEqual(plain, (await query('NOTIFY1')).json);
      const all = simulator.gateway.notifications();
      assert.deepEqual(
        all.map(({ mchid, out_trade_no }) => [mchid, out_trade_no]),
        [[simulator.merchant.mchid, 'NOTIFY1']],
      );
    } finally {
      await receiver.close();
    }
  });

  it('equal parameters refresh the code of all orders, and the old one dies', async () => {
    const first = (await create('AGAIN01')).json.code_url;
    const again = (await create('AGAIN01')).json.code_url;
    assert.notEqual(again, first);
    assert.equal(simulator.gateway.scan(first).status, 'dead');
    assert.equal(
      (await control(simulator, 'POST', '/orders/AGAIN01-0002/pay', { code_url: first })).status,
      409,
    );
    simulator.gateway.pay('AGAIN01-0002', { codeUrl: again });
    assert.deepEqual(refused(await create('AGAIN01')), [403, 'OUT_TRADE_NO_USED']);
  });

  const OTHERS: [string, (name: string) => Body][] = [
    ['another description', (name) => ({ sub_orders: withChange(subs(name), 1, { description: 'Coffee' }) })],
    ['another notify_url', () => ({ notify_url: 'https://pay.example.com/other' })],
    ['other orders', () => ({ sub_orders: subs('OTHER01') })],
    ['one more order', (name) => ({ sub_orders: [...subs(name), sub(SECOND_MCHID, 'MORE001')] })],
    ['another number for the same orders', () => ({ combine_out_trade_no: 'USED002' })],
  ];
  for (const [name, changes] of OTHERS) {
    it(`${name} is another use of the number, and leaves nothing behind`, async () => {
      const { code_url } = (await create('USED001')).json;
      const before = simulator.gateway.orders().length;
      const answer = await create('USED001', changes('USED001'));
      assert.deepEqual(refused(answer), [403, 'OUT_TRADE_NO_USED']);
      assert.equal(simulator.gateway.orders().length, before);
      assert.equal(simulator.gateway.scan(code_url).status, 'payable');
    });
  }

  it('a number that a basic order has is used; then none of the orders is made', async () => {
    await client.order('TAKEN01-0001');
    assert.deepEqual(refused(await create('TAKEN01')), [403, 'OUT_TRADE_NO_USED']);
    assert.deepEqual(refused(await query('TAKEN01')), [404, 'ORDER_NOT_EXIST']);
    assert.equal(simulator.gateway.orders().length, 1);
    await create('TAKEN02');
    assert.deepEqual(refused(await client.order('TAKEN02-0001')), [403, 'OUT_TRADE_NO_USED']);
  });

  it('the basic calls do not know its orders', async () => {
    await create('BASIC01');
    const paid = simulator.gateway.pay('BASIC01-0001');
    const { mchid } = simulator.merchant;
    for (const answer of [
      await client.query('BASIC01-0001'),
      await client.query('BASIC01'),
      await client.get(`/v3/pay/transactions/id/${paid.transaction_id}?mchid=${mchid}`),
      await client.closeOrder('BASIC01-0001'),
      await second.get(`/v3/pay/transactions/out-trade-no/BASIC01-0002?mchid=${SECOND_MCHID}`),
    ]) {
      assert.deepEqual(refused(answer), [404, 'ORDER_NOT_EXIST']);
    }
  });

  it('closing ends all of them, and again is harmless', async () => {
    const { code_url } = (await create('CLOSE01')).json;
    for (const attempt of ['first', 'again']) {
      const answer = await close('CLOSE01');
      assert.deepEqual([answer.status, answer.text], [204, ''], attempt);
    }
    assert.deepEqual(await states('CLOSE01'), ['CLOSED', 'CLOSED']);
    assert.equal(simulator.gateway.scan(code_url).status, 'closed');
    assert.deepEqual(refused(await create('CLOSE01')), [403, 'OUT_TRADE_NO_USED']);
  });

  it('a paid combination cannot be closed', async () => {
    await create('CLOSE02');
    simulator.gateway.pay('CLOSE02-0002');
    assert.deepEqual(refused(await close('CLOSE02')), [400, 'ORDER_PAID']);
    assert.deepEqual(await states('CLOSE02'), ['SUCCESS', 'SUCCESS']);
  });

  const CLOSINGS: [string, (name: string) => Body][] = [
    ['only some of the orders', (name) => ({ sub_orders: listed(subs(name).slice(1)) })],
    ['an order too many', (name) => ({ sub_orders: listed([...subs(name), sub(SECOND_MCHID, 'MORE001')]) })],
    [
      'an order of somebody else',
      (name) => ({ sub_orders: listed(withChange(subs(name), 1, { mchid: '1900088002' })) }),
    ],
  ];
  for (const [name, changes] of CLOSINGS) {
    it(`closing with ${name} is a parameter error`, async () => {
      await create('CLOSE03');
      const answer = await close('CLOSE03', changes('CLOSE03'));
      assert.deepEqual(refused(answer), [400, 'PARAM_ERROR']);
      assert.equal(answer.json.detail.field, '/sub_orders');
      assert.deepEqual(await states('CLOSE03'), ['NOTPAY', 'NOTPAY']);
    });
  }

  it('closing needs its number, its appid and no more', async () => {
    await create('CLOSE04');
    assert.deepEqual(refused(await close('NOBODY1')), [404, 'ORDER_NOT_EXIST']);
    const appid = await close('CLOSE04', { combine_appid: 'wx0000000000000000' });
    assert.deepEqual(refused(appid), [400, 'APPID_MCHID_NOT_MATCH']);
    assert.equal((await close('CLOSE04', { combine_appid: undefined })).json.detail.field, '/combine_appid');
    assert.equal((await close('CLOSE04', { mchid: '1' })).json.detail.field, '/mchid');
    const malformed = await close('!', { sub_orders: listed(subs('CLOSE04')) });
    assert.deepEqual(
      [malformed.json.detail.field, malformed.json.detail.location],
      ['combine_out_trade_no', 'url'],
    );
  });

  it('a payment that lands while it is closed wins; a late one shows in the query', async () => {
    await create('RACE001');
    simulator.gateway.addFault({ operation: 'combine.close', kind: 'pay_before' });
    assert.deepEqual(refused(await close('RACE001')), [400, 'ORDER_PAID']);
    simulator.gateway.addFault({ operation: 'combine.query', kind: 'notpay_lag' });
    assert.deepEqual(await states('RACE001'), ['NOTPAY', 'NOTPAY']);
    assert.deepEqual(await states('RACE001'), ['SUCCESS', 'SUCCESS']);
  });

  it('when the time to pay is over for one of them, it is for all', async () => {
    await create('EXPIRE1');
    assert.equal((await control(simulator, 'POST', '/orders/EXPIRE1-0001/expire')).status, 200);
    assert.equal((await control(simulator, 'POST', '/orders/EXPIRE1-0002/pay', {})).status, 409);
    assert.deepEqual(await states('EXPIRE1'), ['NOTPAY', 'NOTPAY']);
    simulator.gateway.pay('EXPIRE1-0002', { late: true });
    assert.deepEqual(await states('EXPIRE1'), ['SUCCESS', 'SUCCESS']);
  });

  it('left unpaid for 7 days, all of them are closed', async () => {
    await create('DAYS007');
    now += 7 * DAY + 1;
    assert.deepEqual(await states('DAYS007'), ['CLOSED', 'CLOSED']);
  });

  it('each order is refunded by its own merchant with its own number', async () => {
    await create('REFUND1');
    simulator.gateway.pay('REFUND1-0001');
    const transactionId = (await query('REFUND1')).json.sub_orders[1].transaction_id;
    const refund = {
      transaction_id: transactionId,
      out_refund_no: 'R1',
      amount: { refund: 500, total: 500, currency: 'CNY' },
    };
    const foreign = await client.post('/v3/refund/domestic/refunds', refund);
    assert.deepEqual(refused(foreign), [404, 'RESOURCE_NOT_EXISTS']);
    const own = await second.post('/v3/refund/domestic/refunds', refund);
    assert.equal(own.status, 200, own.text);
    assert.equal(own.json.out_trade_no, 'REFUND1-0002');
    assert.deepEqual(await states('REFUND1'), ['SUCCESS', 'REFUND']);
  });

  it('is remembered across restarts, and forgotten by a reset', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'simulator-'));
    try {
      await restart({ dataDir });
      await create('KEPT001');
      await restart({ dataDir });
      simulator.gateway.pay('KEPT001-0002');
      assert.deepEqual(await states('KEPT001'), ['SUCCESS', 'SUCCESS']);
      simulator.gateway.reset();
      assert.deepEqual(refused(await query('KEPT001')), [404, 'ORDER_NOT_EXIST']);
      assert.equal((await create('KEPT001')).status, 200);
    } finally {
      await rm(dataDir, { recursive: true });
    }
  });

  const many = (count: number) =>
    Array.from({ length: count }, (_, index) => sub(simulator.merchant.mchid, `MANY-${index}0`));
  const changed = (changes: Body) => () => ({ sub_orders: withChange(subs('FIELDS1'), 1, changes) });
  const FIELDS: [string, () => Body, string, string?][] = [
    ['no combine_appid', () => ({ combine_appid: undefined }), '/combine_appid'],
    ['no combine_mchid', () => ({ combine_mchid: undefined }), '/combine_mchid'],
    ['a number of 5 characters', () => ({ combine_out_trade_no: 'K0001' }), '/combine_out_trade_no'],
    ['a number of 33 characters', () => ({ combine_out_trade_no: 'K'.repeat(33) }), '/combine_out_trade_no'],
    ['a single order', () => ({ sub_orders: many(1) }), '/sub_orders'],
    ['11 orders', () => ({ sub_orders: many(11) }), '/sub_orders'],
    ['the same order twice', () => ({ sub_orders: [...many(1), ...many(1)] }), '/sub_orders/1/out_trade_no'],
    ['no attach', changed({ attach: undefined }), '/sub_orders/1/attach'],
    ['a long attach', changed({ attach: 'x'.repeat(129) }), '/sub_orders/1/attach'],
    ['no description', changed({ description: undefined }), '/sub_orders/1/description'],
    ['no mchid', changed({ mchid: undefined }), '/sub_orders/1/mchid'],
    ['no amount', changed({ amount: undefined }), '/sub_orders/1/amount'],
    [
      'total in place of total_amount',
      changed({ amount: { total: 1, currency: 'CNY' } }),
      '/sub_orders/1/amount/total_amount',
    ],
    [
      'nothing to pay',
      changed({ amount: { total_amount: 0, currency: 'CNY' } }),
      '/sub_orders/1/amount/total_amount',
    ],
    [
      'more than ten million yuan',
      changed({ amount: { total_amount: 1_000_000_001, currency: 'CNY' } }),
      '/sub_orders/1/amount/total_amount',
    ],
    ['no currency', changed({ amount: { total_amount: 1 } }), '/sub_orders/1/amount/currency'],
    ['a sub_mchid of a direct merchant', changed({ sub_mchid: '1900031111' }), '/sub_orders/1/sub_mchid'],
    ['no notify_url', () => ({ notify_url: undefined }), '/notify_url'],
    ['a notify_url with a query', () => ({ notify_url: 'https://pay.example.com/wx?a=1' }), '/notify_url'],
    ['no_credit', () => ({ limit_pay: ['no_credit'] }), '/limit_pay/0'],
    ['an unknown field', () => ({ amount: { total: 1 } }), '/amount'],
    [
      'a scene without an address',
      () => ({ scene_info: { device_id: 'POS7' } }),
      '/scene_info/payer_client_ip',
    ],
    ['h5 without a scene', () => ({}), '/scene_info', 'h5'],
    [
      'h5 without device_id',
      () => ({ scene_info: { payer_client_ip: '203.0.113.9', h5_info: { type: 'Wap' } } }),
      '/scene_info/device_id',
      'h5',
    ],
    [
      'h5 without h5_info',
      () => ({ scene_info: { payer_client_ip: '203.0.113.9', device_id: 'P' } }),
      '/scene_info/h5_info',
      'h5',
    ],
    ['jsapi without a payer', () => ({}), '/combine_payer_info', 'jsapi'],
    ['jsapi without an openid', () => ({ combine_payer_info: {} }), '/combine_payer_info/openid', 'jsapi'],
  ];
  for (const [name, changes, field, product] of FIELDS) {
    it(`${name} is a parameter error at ${field}`, async () => {
      const answer = await create('FIELDS1', changes(), product);
      assert.deepEqual(refused(answer), [400, 'PARAM_ERROR'], answer.text);
      assert.deepEqual([answer.json.detail.field, answer.json.detail.location], [field, 'body']);
      assert.equal(simulator.gateway.orders().length, 0);
    });
  }

  it('takes ten orders, ten million yuan, and every documented field', async () => {
    const full = sub(simulator.merchant.mchid, 'FULL-0001', {
      amount: { total_amount: 1_000_000_000, currency: 'CNY' },
      detail: 'x',
      goods_tag: 'SPRING',
      settle_info: { profit_sharing: false, subsidy_amount: 0 },
    });
    const answer = await create('FULL001', {
      sub_orders: [full, ...many(9)],
      scene_info: { device_id: 'POS7', payer_client_ip: '203.0.113.9' },
      combine_payer_info: { openid: simulator.world.openid },
      time_start: '2026-03-01T12:00:00+08:00',
      time_expire: new Date(now + DAY).toISOString(),
      limit_pay: ['no_balance'],
    });
    assert.equal(answer.status, 200, answer.text);
  });

  it('who signs, who sells and the appid must belong together', async () => {
    const other = await create('RIGHTS1', { combine_mchid: SECOND_MCHID });
    assert.deepEqual(refused(other), [400, 'PARAM_ERROR']);
    assert.match(other.json.message, /mchid不匹配/);
    const appid = await create('RIGHTS1', { combine_appid: 'wx0000000000000000' });
    assert.deepEqual(refused(appid), [400, 'APPID_MCHID_NOT_MATCH']);
    const unknown = await create('RIGHTS1', {
      sub_orders: withChange(subs('RIGHTS1'), 1, { mchid: '1900099999' }),
    });
    assert.deepEqual(refused(unknown), [400, 'MCH_NOT_EXISTS']);
    const unbound = await create('RIGHTS1', {
      sub_orders: withChange(subs('RIGHTS1'), 1, { mchid: simulator.world.provider.mchid }),
    });
    assert.deepEqual(refused(unbound), [400, 'APPID_MCHID_NOT_MATCH']);
    assert.equal(simulator.gateway.orders().length, 0);
  });
});

function withChange(orders: Body[], index: number, changes: Body): Body[] {
  return orders.map((order, at) => (at === index ? { ...order, ...changes } : order));
}

function listed(orders: Body[]): Body[] {
  return orders.map(({ mchid, out_trade_no }) => ({ mchid, out_trade_no }));
}
