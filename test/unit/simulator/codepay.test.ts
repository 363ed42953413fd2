import assert from 'node:assert/strict';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../../simulator/index.ts';
import { control, type Deviation, isSigned, type RawAnswer, RawClient } from './client.ts';

const CODEPAY = '/v3/pay/transactions/codepay';
const PARTNER = '/v3/pay/partner/transactions';
const CODE = '134567890123456789';
const SECOND = 1000;
const DAY = 24 * 60 * 60 * SECOND;

describe('simulator: payment codes', () => {
  let simulator: Simulator;
  let client: RawClient;
  let now: number;

  async function start(options: SimulatorOptions = {}) {
    await client?.close();
    await simulator?.close();
    now = Date.now();
    simulator = await startSimulator({
      clock: () => now,
      notifyDelayMs: 1e8,
      refundDelayMs: Number.POSITIVE_INFINITY,
      ...options,
    });
    client = new RawClient(simulator);
  }
  beforeEach(() => start());
  afterEach(async () => {
    await client.close();
    await simulator.close();
  });

  const at = (deviation: Deviation = {}): Deviation => ({ timestamp: Math.floor(now / 1000), ...deviation });
  const body = (outTradeNo: string, changes: Record<string, unknown> = {}) => ({
    appid: simulator.merchant.appid,
    mchid: simulator.merchant.mchid,
    description: 'Tea',
    out_trade_no: outTradeNo,
    payer: { auth_code: CODE },
    amount: { total: 2590, currency: 'CNY' },
    scene_info: { device_id: 'POS7', store_info: { out_id: 'S01' } },
    ...changes,
  });
  const charge = (outTradeNo: string, changes: Record<string, unknown> = {}) =>
    client.post(CODEPAY, body(outTradeNo, changes), at());
  const query = (outTradeNo: string) =>
    client.get(`/v3/pay/transactions/out-trade-no/${outTradeNo}?mchid=${simulator.merchant.mchid}`, at());
  const reverse = (outTradeNo: string, changes: Record<string, unknown> = {}) => {
    const { appid, mchid } = simulator.merchant;
    return client.post(
      `/v3/pay/transactions/out-trade-no/${outTradeNo}/reverse`,
      { appid, mchid, ...changes },
      at(),
    );
  };
  const close = (outTradeNo: string) =>
    client.post(
      `/v3/pay/transactions/out-trade-no/${outTradeNo}/close`,
      { mchid: simulator.merchant.mchid },
      at(),
    );
  const arrange = (arrangement: object) => control(simulator, 'PUT', `/auth-codes/${CODE}`, arrangement);
  const refused = ({ status, json }: RawAnswer) => [status, json.code];

  it('a small amount is paid at once, and nobody is notified', async () => {
    const answer = await charge('CODE001', { attach: 't' });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json.trade_state, 'SUCCESS');
    assert.equal(answer.json.trade_type, 'MICROPAY');
    assert.match(answer.json.transaction_id, /^4200\d{24}$/);
    assert.match(answer.json.payer.openid, /^o.{27}$/);
    assert.equal(answer.json.attach, 't');
    assert.equal(answer.json.scene_info.device_id, 'POS7');
    assert.deepEqual((await query('CODE001')).json, answer.json);
    assert.equal(simulator.gateway.notifications().length, 0);
    assert.ok(isSigned(simulator, answer.headers, answer.text));
  });

  it('from 1000 yuan on a password is needed: the answer is nothing but the state', async () => {
    const below = await charge('CODE001', { amount: { total: 99_999 } });
    assert.equal(below.json.trade_state, 'SUCCESS');
    const answer = await charge('CODE002', { amount: { total: 100_000 } });
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.json, { trade_state: 'USERPAYING' });
    const pending = (await query('CODE002')).json;
    assert.deepEqual(
      [pending.trade_state, pending.trade_state_desc, 'transaction_id' in pending],
      ['USERPAYING', '用户支付中，需要输入密码', false],
    );
    const paid = await control(simulator, 'POST', '/orders/CODE002/pay', { openid: simulator.world.openid });
    assert.equal(paid.json.trade_state, 'SUCCESS');
    const order = (await query('CODE002')).json;
    assert.deepEqual([order.trade_state, order.payer.openid], ['SUCCESS', simulator.world.openid]);
    assert.equal(simulator.gateway.notifications().length, 0);
  });

  it('the amount that needs a password can be set, to never as well', async () => {
    await start({ passwordFrom: 100 });
    assert.equal((await charge('CODE001', { amount: { total: 100 } })).json.trade_state, 'USERPAYING');
    await start({ passwordFrom: Number.POSITIVE_INFINITY });
    assert.equal((await charge('CODE001', { amount: { total: 1e8 } })).json.trade_state, 'SUCCESS');
  });

  it('a pending password can be answered 202 USER_PAYING, for all codes or for one', async () => {
    await start({ userPayingStatus: 202 });
    const all = await charge('CODE001', { amount: { total: 100_000 } });
    assert.deepEqual(refused(all), [202, 'USER_PAYING']);
    assert.equal((await query('CODE001')).json.trade_state, 'USERPAYING');
    await start();
    await arrange({ outcome: 'password', pending_status: 202 });
    assert.deepEqual(refused(await charge('CODE001')), [202, 'USER_PAYING']);
    assert.equal((await query('CODE001')).json.trade_state, 'USERPAYING');
  });

  it('an arranged code needs a password whatever the amount, or none', async () => {
    await arrange({ outcome: 'password' });
    assert.deepEqual((await charge('CODE001')).json, { trade_state: 'USERPAYING' });
    await arrange({ outcome: 'paid', openid: simulator.world.openid, coupon: { amount: 90 } });
    const { json } = await charge('CODE002', { amount: { total: 200_000 } });
    assert.deepEqual(
      [json.trade_state, json.payer.openid, json.amount.payer_total],
      ['SUCCESS', simulator.world.openid, 199_910],
    );
    const { amount } = (await charge('CODE003', { amount: { total: 50 } })).json;
    assert.equal(amount.payer_total, 0, 'a coupon is used up to the amount');
    assert.equal((await arrange({ outcome: 'nonsense' })).status, 400);
  });

  it('a wrong password ends in PAYERROR, which cannot be paid', async () => {
    await arrange({ outcome: 'password' });
    await charge('CODE001');
    const failed = await control(simulator, 'POST', '/orders/CODE001/fail', { reason: 'wrong_password' });
    assert.equal(failed.json.trade_state, 'PAYERROR');
    const { json } = await query('CODE001');
    assert.deepEqual([json.trade_state, json.trade_state_desc], ['PAYERROR', '支付失败，请重新下单支付']);
    assert.equal((await control(simulator, 'POST', '/orders/CODE001/pay', {})).status, 409);
  });

  it('30 seconds without a password end in PAYERROR, faster when time is scaled', async () => {
    for (const [timeScale, seconds] of [
      [1, 30],
      [10, 3],
    ] as const) {
      await start({ timeScale });
      await arrange({ outcome: 'password' });
      await charge('CODE001');
      now += seconds * SECOND - 1;
      assert.equal((await query('CODE001')).json.trade_state, 'USERPAYING');
      now += 1;
      assert.equal((await query('CODE001')).json.trade_state, 'PAYERROR');
    }
  });

  it('the list of the control API knows of the end of a password, too', async () => {
    await arrange({ outcome: 'password' });
    await charge('CODE001');
    now += 30 * SECOND;
    assert.equal(simulator.gateway.orders()[0]?.trade_state, 'PAYERROR');
  });

  it('an equal request while the password is typed answers the same; the number is burnt afterwards', async () => {
    await arrange({ outcome: 'password' });
    await charge('CODE001');
    assert.deepEqual((await charge('CODE001')).json, { trade_state: 'USERPAYING' });
    const other = await charge('CODE001', { description: 'Coffee' });
    assert.deepEqual(refused(other), [403, 'OUT_TRADE_NO_USED']);
    simulator.gateway.pay('CODE001');
    assert.deepEqual(refused(await charge('CODE001')), [403, 'OUT_TRADE_NO_USED']);
    await arrange({ outcome: 'paid' });
    await charge('CODE002');
    assert.deepEqual(refused(await charge('CODE002')), [403, 'OUT_TRADE_NO_USED']);
    await client.order('CODE003', {}, at());
    assert.deepEqual(refused(await charge('CODE003')), [403, 'OUT_TRADE_NO_USED']);
  });

  for (const [code, status, state] of [
    ['NOT_ENOUGH', 403, 'PAYERROR'],
    ['TRADE_ERROR', 403, 'PAYERROR'],
    ['ACCOUNT_ERROR', 403, 'PAYERROR'],
    ['RULE_LIMIT', 403, 'PAYERROR'],
    ['BANK_ERROR', 500, 'USERPAYING'],
    ['SYSTEM_ERROR', 500, 'USERPAYING'],
  ] as const) {
    it(`a code can be arranged to answer ${status} ${code}, which leaves the order ${state}`, async () => {
      await arrange({ outcome: code });
      const answer = await charge('CODE001');
      assert.deepEqual(refused(answer), [status, code]);
      assert.ok(isSigned(simulator, answer.headers, answer.text));
      assert.equal((await query('CODE001')).json.trade_state, state);
    });
  }

  const FIELDS: [string, Record<string, unknown>, string][] = [
    ['17 digits', { payer: { auth_code: CODE.slice(1) } }, '/payer/auth_code'],
    ['19 digits', { payer: { auth_code: `${CODE}0` } }, '/payer/auth_code'],
    ['a code that starts with 16', { payer: { auth_code: `16${CODE.slice(2)}` } }, '/payer/auth_code'],
    ['a code that starts with 09', { payer: { auth_code: `09${CODE.slice(2)}` } }, '/payer/auth_code'],
    ['a code with a letter', { payer: { auth_code: `${CODE.slice(0, 17)}x` } }, '/payer/auth_code'],
    ['no payer', { payer: undefined }, '/payer'],
    ['an openid', { payer: { auth_code: CODE, openid: 'o' } }, '/payer/openid'],
    ['no scene_info', { scene_info: undefined }, '/scene_info'],
    ['no store_info', { scene_info: { device_id: 'POS7' } }, '/scene_info/store_info'],
    ['an empty store_info', { scene_info: { store_info: {} } }, '/scene_info/store_info/id'],
    ['a long store id', { scene_info: { store_info: { id: 'x'.repeat(33) } } }, '/scene_info/store_info/id'],
    ['a notify_url', { notify_url: 'https://pay.example.com/wx' }, '/notify_url'],
    ['a time_expire', { time_expire: '2026-03-01T12:30:00+08:00' }, '/time_expire'],
    [
      'the goods id of other products',
      goods({ wechatpay_goods_id: '1' }),
      '/detail/goods_detail/0/wechatpay_goods_id',
    ],
    ['no description', { description: undefined }, '/description'],
    ['a long attach', { attach: 'x'.repeat(129) }, '/attach'],
    ['another currency', { amount: { total: 1, currency: 'HKD' } }, '/amount/currency'],
    ['no amount', { amount: undefined }, '/amount'],
    ['nothing to pay', { amount: { total: 0 } }, '/amount/total'],
    ['a short number', { out_trade_no: 'C1' }, '/out_trade_no'],
  ];
  for (const [name, changes, field] of FIELDS) {
    it(`${name} is a parameter error at ${field}`, async () => {
      const answer = await charge('CODE001', changes);
      assert.deepEqual(refused(answer), [400, 'PARAM_ERROR']);
      assert.deepEqual([answer.json.detail.field, answer.json.detail.location], [field, 'body']);
    });
  }

  it('takes every documented field', async () => {
    const answer = await charge('CODE001', {
      attach: 't',
      goods_tag: 'SPRING',
      support_fapiao: false,
      ...goods({ wxpay_goods_id: '1001' }),
      scene_info: { device_id: 'POS7', device_ip: '203.0.113.9', store_info: { id: '5', out_id: 'S01' } },
      settle_info: { profit_sharing: false },
    });
    assert.equal(answer.status, 200, answer.text);
    for (const prefix of ['10', '11', '12', '13', '14', '15']) {
      const { json } = await charge(`CODE0${prefix}`, { payer: { auth_code: prefix + CODE.slice(2) } });
      assert.equal(json.trade_state, 'SUCCESS', prefix);
    }
  });

  it('an appid or mchid of somebody else is refused', async () => {
    const appid = await charge('CODE001', { appid: 'wx0000000000000000' });
    assert.deepEqual(refused(appid), [400, 'APPID_MCHID_NOT_MATCH']);
    const mchid = await charge('CODE001', { mchid: '1900099999' });
    assert.deepEqual(refused(mchid), [400, 'PARAM_ERROR']);
    assert.match(mchid.json.message, /不匹配/);
  });

  it('it cannot be closed, only reversed', async () => {
    await arrange({ outcome: 'password' });
    await charge('CODE001');
    for (const state of ['USERPAYING', 'PAYERROR', 'REVOKED']) {
      assert.equal((await query('CODE001')).json.trade_state, state);
      const answer = await close('CODE001');
      assert.deepEqual(refused(answer), [400, 'INVALID_REQUEST']);
      assert.match(answer.headers['Request-ID'] ?? '', /-268449641$/);
      if (state === 'USERPAYING') simulator.gateway.fail('CODE001', 'wrong_password');
      else await reverse('CODE001');
    }
  });

  for (const state of ['SUCCESS', 'USERPAYING', 'PAYERROR', 'REFUND'] as const) {
    it(`reversing a ${state} order makes it REVOKED for good`, async () => {
      const { appid, mchid } = simulator.merchant;
      if (state === 'USERPAYING' || state === 'PAYERROR') await arrange({ outcome: 'password' });
      await charge('CODE001');
      if (state === 'PAYERROR') simulator.gateway.fail('CODE001', 'wrong_password');
      if (state === 'REFUND') {
        const amount = { refund: 1000, total: 2590, currency: 'CNY' };
        const refund = { out_trade_no: 'CODE001', out_refund_no: 'R1', amount };
        assert.equal((await client.post('/v3/refund/domestic/refunds', refund, at())).status, 200);
      }
      assert.equal((await query('CODE001')).json.trade_state, state);
      for (const attempt of ['first', 'again']) {
        const answer = await reverse('CODE001');
        assert.equal(answer.status, 200, attempt);
        assert.deepEqual(answer.json, { appid, mchid, out_trade_no: 'CODE001' });
      }
      const { json } = await query('CODE001');
      assert.deepEqual([json.trade_state, json.trade_state_desc], ['REVOKED', '订单已撤销']);
      assert.equal((await control(simulator, 'POST', '/orders/CODE001/pay', { late: true })).status, 409);
      const refund = await client.post(
        '/v3/refund/domestic/refunds',
        {
          out_trade_no: 'CODE001',
          out_refund_no: 'R2',
          amount: { refund: 1, total: 2590, currency: 'CNY' },
        },
        at(),
      );
      assert.deepEqual(refused(refund), [404, 'RESOURCE_NOT_EXISTS']);
      assert.deepEqual(refused(await charge('CODE001')), [403, 'OUT_TRADE_NO_USED']);
      const { AVAILABLE, UNSETTLED } = simulator.gateway.balance(mchid);
      assert.equal(AVAILABLE + UNSETTLED, 0, 'all money is returned, and none of it twice');
    });
  }

  it('reversing is possible for 7 days', async () => {
    await charge('CODE001');
    await charge('CODE002');
    now += 7 * DAY;
    assert.equal((await reverse('CODE001')).status, 200);
    now += 1;
    const late = await reverse('CODE002');
    assert.deepEqual(refused(late), [400, 'INVALID_REQUEST']);
    assert.match(late.headers['Request-ID'] ?? '', /-268447914$/);
    assert.equal((await query('CODE002')).json.trade_state, 'SUCCESS');
  });

  it('orders of other products and unknown ones cannot be reversed', async () => {
    await client.order('NATIVE1', {}, at());
    assert.deepEqual(refused(await reverse('NATIVE1')), [400, 'INVALID_REQUEST']);
    const unknown = await reverse('NOBODY1');
    assert.deepEqual(refused(unknown), [404, 'ORDER_NOT_EXIST']);
    assert.match(unknown.headers['Request-ID'] ?? '', /-268512771$/);
  });

  const REVERSALS: [string, Record<string, unknown>, number, string, string | undefined][] = [
    ['no appid', { appid: undefined }, 400, 'PARAM_ERROR', '/appid'],
    ['no mchid', { mchid: undefined }, 400, 'PARAM_ERROR', '/mchid'],
    ['an unknown field', { reason: 'x' }, 400, 'PARAM_ERROR', '/reason'],
    ['a foreign appid', { appid: 'wx0000000000000000' }, 400, 'APPID_MCHID_NOT_MATCH', undefined],
    ['a foreign mchid', { mchid: '1900099999' }, 400, 'PARAM_ERROR', undefined],
  ];
  for (const [name, changes, status, code, field] of REVERSALS) {
    it(`a reversal with ${name} is ${status} ${code}`, async () => {
      await charge('CODE001');
      const answer = await reverse('CODE001', changes);
      assert.deepEqual(refused(answer), [status, code]);
      assert.equal(answer.json.detail?.field, field);
      assert.equal((await query('CODE001')).json.trade_state, 'SUCCESS');
    });
  }

  it('a reversal with a malformed number points at the path', async () => {
    const answer = await reverse('C1');
    assert.deepEqual(refused(answer), [400, 'PARAM_ERROR']);
    assert.deepEqual([answer.json.detail.field, answer.json.detail.location], ['out_trade_no', 'url']);
  });

  it('a password that is typed while the order is reversed is paid back', async () => {
    await arrange({ outcome: 'password' });
    await charge('CODE001');
    simulator.gateway.addFault({ operation: 'codepay.reverse', kind: 'pay_before' });
    assert.equal((await reverse('CODE001')).status, 200);
    const { json } = await query('CODE001');
    assert.equal(json.trade_state, 'REVOKED');
    assert.match(json.transaction_id, /^4200/);
    const { AVAILABLE, UNSETTLED } = simulator.gateway.balance(simulator.merchant.mchid);
    assert.equal(AVAILABLE + UNSETTLED, 0);
  });

  describe('of a service provider', () => {
    const partnerBody = (outTradeNo: string, changes: Record<string, unknown> = {}) => {
      const { provider } = simulator.world;
      const { appid, mchid, ...rest } = body(outTradeNo);
      return {
        sp_appid: provider.appid,
        sp_mchid: provider.mchid,
        sub_mchid: provider.subMerchants[0]?.mchid,
        ...rest,
        ...changes,
      };
    };
    const asProvider = () => at({ mchid: simulator.world.provider.mchid });
    const partnerCharge = (outTradeNo: string, changes: Record<string, unknown> = {}) =>
      client.post(`${PARTNER}/codepay`, partnerBody(outTradeNo, changes), asProvider());
    const partnerReverse = (outTradeNo: string, changes: Record<string, unknown> = {}) => {
      const { sp_appid, sp_mchid, sub_mchid } = partnerBody(outTradeNo) as Record<string, unknown>;
      return client.post(
        `${PARTNER}/out-trade-no/${outTradeNo}/reverse`,
        { sp_appid, sp_mchid, sub_mchid, ...changes },
        asProvider(),
      );
    };

    it('is paid for the sub-merchant and reversed with the same names', async () => {
      const { provider } = simulator.world;
      const [sub] = provider.subMerchants;
      assert.ok(sub);
      const { status, json } = await partnerCharge('CODE001', { sub_appid: sub.appid });
      assert.equal(status, 200);
      assert.deepEqual(
        [json.sp_appid, json.sp_mchid, json.sub_appid, json.sub_mchid, json.trade_state],
        [provider.appid, provider.mchid, sub.appid, sub.mchid, 'SUCCESS'],
      );
      assert.match(json.payer.sp_openid, /^o/);
      assert.match(json.payer.sub_openid, /^o/);
      assert.equal(simulator.gateway.balance(sub.mchid).UNSETTLED, 2590 - 16);
      const reversed = await partnerReverse('CODE001', { sub_appid: sub.appid });
      assert.equal(reversed.status, 200);
      assert.deepEqual(reversed.json, {
        sp_appid: provider.appid,
        sp_mchid: provider.mchid,
        sub_mchid: sub.mchid,
        sub_appid: sub.appid,
        out_trade_no: 'CODE001',
      });
      assert.equal(simulator.gateway.order('CODE001', provider.mchid).trade_state, 'REVOKED');
    });

    it('without sp_appid the answer is the system error of the live API', async () => {
      assert.deepEqual(refused(await partnerCharge('CODE001', { sp_appid: undefined })), [
        500,
        'SYSTEM_ERROR',
      ]);
    });

    it('a sub-merchant that is missing, its own or foreign is refused', async () => {
      const missing = await partnerCharge('CODE001', { sub_mchid: undefined });
      assert.equal(missing.json.detail.field, '/sub_mchid');
      for (const [subMchid, number] of [
        [simulator.world.provider.mchid, 268443705],
        [simulator.merchant.mchid, 268443701],
      ] as const) {
        const answer = await partnerCharge('CODE001', { sub_mchid: subMchid });
        assert.deepEqual(refused(answer), [400, 'INVALID_REQUEST']);
        assert.match(answer.headers['Request-ID'] ?? '', new RegExp(`-${number}$`));
      }
      const foreign = await partnerCharge('CODE001', { sub_appid: simulator.merchant.appid });
      assert.deepEqual(refused(foreign), [400, 'APPID_MCHID_NOT_MATCH']);
    });

    it('a merchant knows nothing of it', async () => {
      await partnerCharge('CODE001');
      assert.deepEqual(refused(await reverse('CODE001')), [404, 'ORDER_NOT_EXIST']);
      assert.deepEqual(refused(await query('CODE001')), [404, 'ORDER_NOT_EXIST']);
    });
  });
});

function goods(changes: object): Record<string, unknown> {
  return {
    detail: {
      cost_price: 2790,
      goods_detail: [{ merchant_goods_id: 'SKU-88', quantity: 1, unit_price: 2790, ...changes }],
    },
  };
}
