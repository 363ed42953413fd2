import assert from 'node:assert/strict';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../../simulator/index.ts';
import { RawClient } from './client.ts';
import { type Elements, RawV2Client } from './v2-client.ts';

describe('simulator: v2 orders', () => {
  let simulator: Simulator;
  let client: RawV2Client;
  let v3: RawClient;

  async function start(options: SimulatorOptions = {}) {
    simulator = await startSimulator({ notifyDelayMs: 1e8, ...options });
    client = new RawV2Client(simulator);
    v3 = new RawClient(simulator);
  }
  afterEach(async () => {
    await client.close();
    await v3.close();
    await simulator.close();
  });

  const products: [type: string, changes: Elements, extra: Record<string, RegExp>][] = [
    ['JSAPI', { openid: 'oA1b' }, {}],
    ['NATIVE', { product_id: 'tea' }, { code_url: /^weixin:\/\/wxpay\/bizpayurl\?pr=\w+$/ }],
    ['APP', {}, {}],
    [
      'MWEB',
      { scene_info: '{"h5_info":{"type":"Wap"}}' },
      { mweb_url: /^https:\/\/wx\.tenpay\.com\/.*prepay_id=wx/ },
    ],
  ];
  for (const [trade_type, changes, extra] of products) {
    it(`${trade_type}: the order has what its front end needs, and nothing else`, async () => {
      await start();
      const { merchant } = simulator;
      const answer = await client.order('V2ORDER1', { trade_type, device_info: 'POS7', ...changes });
      const { nonce_str, sign, prepay_id, ...rest } = answer.xml;
      assert.equal(answer.signedWith, 'MD5');
      assert.match(prepay_id ?? '', /^wx\d{14}[0-9a-f]{20}$/);
      const urls = Object.keys(extra).map((name) => [name, rest[name] ?? ''] as const);
      for (const [name, url] of urls) assert.match(url, extra[name] as RegExp);
      assert.deepEqual(rest, {
        return_code: 'SUCCESS',
        return_msg: 'OK',
        appid: merchant.appid,
        mch_id: merchant.mchid,
        device_info: 'POS7',
        result_code: 'SUCCESS',
        trade_type,
        ...Object.fromEntries(urls),
      });
      assert.deepEqual([typeof nonce_str, typeof sign], ['string', 'string']);
    });
  }

  const LONG = '茶'.repeat(129);
  const refused: [what: string, code: string, message: string, changes: Elements][] = [
    ['no body', 'LACK_PARAMS', '缺少参数:body', { body: '' }],
    ['no out_trade_no', 'LACK_PARAMS', '缺少参数:out_trade_no', { out_trade_no: '' }],
    ['no total_fee', 'LACK_PARAMS', '缺少参数:total_fee', { total_fee: '' }],
    ['no spbill_create_ip', 'LACK_PARAMS', '缺少参数:spbill_create_ip', { spbill_create_ip: '' }],
    ['no notify_url', 'LACK_PARAMS', '缺少参数:notify_url', { notify_url: '' }],
    ['no trade_type', 'LACK_PARAMS', '缺少参数:trade_type', { trade_type: '' }],
    ['NATIVE without product_id', 'LACK_PARAMS', '缺少参数:product_id', { product_id: '' }],
    ['JSAPI without openid', 'LACK_PARAMS', '缺少参数:openid', { trade_type: 'JSAPI' }],
    [
      'sub_openid without sub_appid',
      'LACK_PARAMS',
      '缺少参数:sub_appid',
      { trade_type: 'JSAPI', sub_openid: 'oB' },
    ],
    ['a long body', 'PARAM_ERROR', '参数错误:body长度不能超过128', { body: LONG }],
    ['a long attach', 'PARAM_ERROR', '参数错误:attach长度不能超过127', { attach: LONG }],
    ['a long detail', 'PARAM_ERROR', '参数错误:detail长度不能超过6000', { detail: 'd'.repeat(6001) }],
    ['a long out_trade_no', 'PARAM_ERROR', '参数错误:out_trade_no格式错误', { out_trade_no: 'V'.repeat(33) }],
    [
      'a long scene_info',
      'PARAM_ERROR',
      '参数错误:scene_info长度不能超过256',
      { scene_info: `"${LONG}${LONG}"` },
    ],
    ['scene_info without JSON', 'PARAM_ERROR', '参数错误:scene_info必须为JSON', { scene_info: '{' }],
    ['no money', 'PARAM_ERROR', '参数错误:total_fee必须为正整数，单位为分', { total_fee: '0' }],
    ['yuan', 'PARAM_ERROR', '参数错误:total_fee必须为正整数，单位为分', { total_fee: '25.90' }],
    ['negative money', 'PARAM_ERROR', '参数错误:total_fee必须为正整数，单位为分', { total_fee: '-1' }],
    ['another currency', 'PARAM_ERROR', '参数错误:fee_type取值错误', { fee_type: 'HKD' }],
    ['a product of another call', 'PARAM_ERROR', '参数错误:trade_type取值错误', { trade_type: 'MICROPAY' }],
    [
      'a name for an address',
      'PARAM_ERROR',
      '参数错误:spbill_create_ip必须为IP地址',
      { spbill_create_ip: 'localhost' },
    ],
    [
      'a date as RFC 3339',
      'PARAM_ERROR',
      '参数错误:time_expire格式错误',
      { time_expire: '2026-03-01T12:30:00+08:00' },
    ],
    [
      'a month that is none',
      'PARAM_ERROR',
      '参数错误:time_expire格式错误',
      { time_expire: '20261301123000' },
    ],
  ];
  for (const [what, err_code, err_code_des, changes] of refused) {
    it(`${what} is ${err_code}`, async () => {
      await start();
      const { xml, signedWith } = await client.order('V2ORDER1', changes);
      assert.deepEqual([xml.err_code, xml.err_code_des], [err_code, err_code_des]);
      assert.equal(signedWith, 'MD5');
      assert.equal(simulator.gateway.state().orders, 0);
    });
  }

  for (const notify_url of ['http://pay.example.com/wx', 'https://pay.example.com/wx?a=b', '/wx']) {
    it(`notify_url ${notify_url} is PARAM_ERROR`, async () => {
      await start();
      assert.equal((await client.order('V2ORDER1', { notify_url })).xml.err_code, 'PARAM_ERROR');
    });
  }

  it('equal elements while unpaid give a fresh code, whatever the nonce; the old one dies', async () => {
    await start();
    const first = (await client.order('V2AGAIN1')).xml.code_url ?? '';
    const second = (await client.order('V2AGAIN1')).xml.code_url ?? '';
    assert.notEqual(first, second);
    assert.equal(simulator.gateway.scan(first).status, 'dead');
    assert.equal(simulator.gateway.scan(second).status, 'payable');
    assert.equal(simulator.gateway.state().orders, 1);
  });

  it('other elements, and numbers that are paid or closed, are refused each in its way', async () => {
    await start();
    await client.order('V2USED1');
    assert.equal((await client.order('V2USED1', { total_fee: '1' })).xml.err_code, 'OUT_TRADE_NO_USED');
    assert.equal((await v3.order('V2USED1', { description: 'Tea set' })).json.code, 'OUT_TRADE_NO_USED');
    simulator.gateway.pay('V2USED1');
    assert.equal((await client.order('V2USED1')).xml.err_code, 'ORDERPAID');
    await client.refund('V2USED1', 'VR1', 1);
    assert.equal((await client.order('V2USED1')).xml.err_code, 'ORDERPAID');
    await client.order('V2USED2');
    await client.post('/pay/closeorder', { out_trade_no: 'V2USED2' });
    assert.equal((await client.order('V2USED2')).xml.err_code, 'ORDERCLOSED');
  });

  it('an unpaid order says its state and little else', async () => {
    await start();
    await client.order('V2QUERY1', { attach: 'c=1' });
    const { xml } = await client.query('V2QUERY1');
    const { return_code, return_msg, appid, mch_id, nonce_str, sign, result_code, ...order } = xml;
    assert.deepEqual(order, {
      out_trade_no: 'V2QUERY1',
      attach: 'c=1',
      trade_state: 'NOTPAY',
      trade_state_desc: '订单未支付',
    });
  });

  it('a paid order tells everything, coupons numbered, by both numbers', async () => {
    await start({ clock: () => Date.parse('2026-03-01T12:03:11+08:00') });
    await client.order('V2QUERY2', {
      attach: 'c=1',
      trade_type: 'JSAPI',
      openid: 'oA1b',
      device_info: 'POS7',
    });
    simulator.gateway.pay('V2QUERY2', { coupon: { amount: 200 } });
    const byNumber = (await client.query('V2QUERY2')).xml;
    const { return_code, return_msg, appid, mch_id, nonce_str, sign, result_code, ...order } = byNumber;
    const { transaction_id = '', coupon_id_0 = '' } = order;
    assert.match(transaction_id, /^4200\d{24}$/);
    assert.match(coupon_id_0, /^\d+$/);
    assert.deepEqual(order, {
      device_info: 'POS7',
      openid: 'oA1b',
      is_subscribe: 'N',
      trade_type: 'JSAPI',
      bank_type: 'OTHERS',
      total_fee: '2590',
      fee_type: 'CNY',
      cash_fee: '2390',
      cash_fee_type: 'CNY',
      coupon_fee: '200',
      coupon_count: '1',
      coupon_type_0: 'CASH',
      coupon_id_0,
      coupon_fee_0: '200',
      transaction_id,
      out_trade_no: 'V2QUERY2',
      attach: 'c=1',
      time_end: '20260301120311',
      trade_state: 'SUCCESS',
      trade_state_desc: '支付成功',
    });
    const byId = (await client.post('/pay/orderquery', { transaction_id })).xml;
    assert.deepEqual({ ...byId, nonce_str: '', sign: '' }, { ...byNumber, nonce_str: '', sign: '' });
  });

  it('a coupon that the merchant funded lowers what is settled', async () => {
    await start();
    await client.order('V2COUPON1');
    simulator.gateway.pay('V2COUPON1', { coupon: { amount: 200, type: 'NOCASH' } });
    const { xml } = await client.query('V2COUPON1');
    assert.deepEqual([xml.settlement_total_fee, xml.coupon_type_0], ['2390', 'NO_CASH']);
  });

  it('what was ordered by v2 is queried and closed by v3, and the other way round', async () => {
    await start();
    await client.order('V2CROSS1');
    assert.equal((await v3.query('V2CROSS1')).json.trade_state, 'NOTPAY');
    assert.equal((await v3.closeOrder('V2CROSS1')).status, 204);
    assert.equal((await client.query('V2CROSS1')).xml.trade_state, 'CLOSED');
    await v3.order('V2CROSS2', { attach: 'tab\tand <!DOCTYPE> \u0001 control' });
    simulator.gateway.pay('V2CROSS2');
    const answer = await client.query('V2CROSS2');
    assert.equal(answer.xml.trade_state, 'SUCCESS', answer.text);
    assert.equal(answer.signedWith, 'MD5');
  });

  it('time_expire is the last moment to pay, in Asia/Shanghai', async () => {
    let now = Date.parse('2026-03-01T12:00:00+08:00');
    await start({ clock: () => now });
    await client.order('V2EXPIRE1', { time_expire: '20260301123000' });
    now = Date.parse('2026-03-01T12:29:59+08:00');
    assert.equal(simulator.gateway.order('V2EXPIRE1').payable, true);
    now = Date.parse('2026-03-01T12:30:00+08:00');
    assert.equal(simulator.gateway.order('V2EXPIRE1').payable, false);
    assert.equal((await client.query('V2EXPIRE1')).xml.trade_state, 'NOTPAY');
  });

  describe('closing', () => {
    const close = (out_trade_no: string) => client.post('/pay/closeorder', { out_trade_no });

    it('ends payment; closed, paid and unknown orders are refused', async () => {
      await start();
      await client.order('V2CLOSE1');
      const closed = await close('V2CLOSE1');
      assert.deepEqual([closed.xml.result_code, closed.xml.result_msg], ['SUCCESS', 'OK']);
      assert.equal(closed.signedWith, 'MD5');
      assert.equal((await client.query('V2CLOSE1')).xml.trade_state, 'CLOSED');
      assert.equal((await close('V2CLOSE1')).xml.err_code, 'ORDERCLOSED');
      await client.order('V2CLOSE2');
      simulator.gateway.pay('V2CLOSE2');
      assert.equal((await close('V2CLOSE2')).xml.err_code, 'ORDERPAID');
      assert.equal((await close('V2CLOSE3')).xml.err_code, 'ORDERNOTEXIST');
      assert.equal((await close('')).xml.err_code, 'LACK_PARAMS');
    });

    it('is refused for payment codes', async () => {
      await start();
      await client.micropay('V2CLOSE4', '134567890123456789', { total_fee: '100000' });
      const { xml } = await close('V2CLOSE4');
      assert.deepEqual([xml.err_code, xml.err_code_des], ['INVALID_REQUEST', '该订单请使用撤销接口']);
    });

    it('has to wait five minutes where the clock is the test own', async () => {
      let now = Date.parse('2026-03-01T12:00:00+08:00');
      await start({ clock: () => now });
      await client.order('V2CLOSE5');
      now += 299_999;
      assert.equal((await close('V2CLOSE5')).xml.err_code, 'INVALID_REQUEST');
      now += 1;
      assert.equal((await close('V2CLOSE5')).xml.result_code, 'SUCCESS');
    });

    it('the wait is divided by the time scale, and can be switched off', async () => {
      let now = Date.parse('2026-03-01T12:00:00+08:00');
      await start({ clock: () => now, timeScale: 60 });
      await client.order('V2CLOSE6');
      now += 4999;
      assert.equal((await close('V2CLOSE6')).xml.err_code, 'INVALID_REQUEST');
      now += 1;
      assert.equal((await close('V2CLOSE6')).xml.result_code, 'SUCCESS');
      await client.close();
      await v3.close();
      await simulator.close();
      await start({ clock: () => now, enforceCloseDelay: false });
      await client.order('V2CLOSE7');
      assert.equal((await close('V2CLOSE7')).xml.result_code, 'SUCCESS');
    });
  });
});
