import assert from 'node:assert/strict';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../../simulator/index.ts';
import { RawClient } from './client.ts';
import { type Elements, RawV2Client } from './v2-client.ts';

const AUTH_CODE = '134567890123456789';
const FACE = {
  body: 'Tea set',
  total_fee: '2590',
  fee_type: 'CNY',
  spbill_create_ip: '203.0.113.9',
  face_code: 'face-of-somebody',
};

describe('simulator: v2 payment codes and faces', () => {
  let simulator: Simulator;
  let client: RawV2Client;

  async function start(options: SimulatorOptions = {}) {
    simulator = await startSimulator({ notifyDelayMs: 1e8, ...options });
    client = new RawV2Client(simulator);
  }
  const reverse = (elements: Elements) => client.post('/secapi/pay/reverse', elements);
  const toType = { total_fee: '100000' };
  afterEach(async () => {
    await client.close();
    await simulator.close();
  });

  it('a code is paid at once and answers everything', async () => {
    await start({ clock: () => Date.parse('2026-03-01T12:03:11+08:00') });
    const answer = await client.micropay('V2CODE1', AUTH_CODE, { attach: 'c=1', device_info: 'POS7' });
    const { return_code, return_msg, appid, mch_id, nonce_str, sign, result_code, ...payment } = answer.xml;
    assert.equal(answer.signedWith, 'MD5');
    const { openid, transaction_id } = payment;
    assert.match(openid ?? '', /^o\w{27}$/);
    assert.match(transaction_id ?? '', /^4200\d{24}$/);
    assert.deepEqual(payment, {
      device_info: 'POS7',
      openid,
      is_subscribe: 'N',
      trade_type: 'MICROPAY',
      bank_type: 'OTHERS',
      total_fee: '2590',
      fee_type: 'CNY',
      cash_fee: '2590',
      cash_fee_type: 'CNY',
      transaction_id,
      out_trade_no: 'V2CODE1',
      attach: 'c=1',
      time_end: '20260301120311',
    });
    const asked = await client.post('/tools/authcodetoopenid', { auth_code: AUTH_CODE });
    assert.equal(asked.xml.openid, openid);
    assert.equal(asked.signedWith, 'MD5');
    assert.deepEqual(simulator.gateway.notifications(), []);
  });

  it('a large amount waits for the password, is queried and then paid', async () => {
    await start();
    const pending = await client.micropay('V2CODE2', AUTH_CODE, toType);
    assert.deepEqual(
      [pending.xml.result_code, pending.xml.err_code, pending.xml.err_code_des, pending.signedWith],
      ['FAIL', 'USERPAYING', '需要用户输入支付密码', 'MD5'],
    );
    assert.equal((await client.query('V2CODE2')).xml.trade_state, 'USERPAYING');
    assert.equal((await client.micropay('V2CODE2', AUTH_CODE, toType)).xml.err_code, 'USERPAYING');
    simulator.gateway.pay('V2CODE2');
    const { xml } = await client.query('V2CODE2');
    assert.deepEqual([xml.trade_state, xml.trade_type, xml.total_fee], ['SUCCESS', 'MICROPAY', '100000']);
  });

  it('who answers a pending password with 202 in v3 answers USERPAYING in v2', async () => {
    await start({ userPayingStatus: 202 });
    assert.equal((await client.micropay('V2CODE3', AUTH_CODE, toType)).xml.err_code, 'USERPAYING');
  });

  it('a password that is not typed in time is PAYERROR', async () => {
    let now = Date.parse('2026-03-01T12:00:00+08:00');
    await start({ clock: () => now });
    await client.micropay('V2CODE4', AUTH_CODE, toType);
    now += 30_000;
    const { xml } = await client.query('V2CODE4');
    assert.deepEqual([xml.trade_state, xml.trade_state_desc], ['PAYERROR', '支付失败，请重新下单支付']);
  });

  const arranged: [
    outcome: 'NOT_ENOUGH' | 'TRADE_ERROR' | 'ACCOUNT_ERROR' | 'BANK_ERROR' | 'SYSTEM_ERROR',
    code: string,
    state: string,
  ][] = [
    ['NOT_ENOUGH', 'NOTENOUGH', 'PAYERROR'],
    ['TRADE_ERROR', 'TRADE_ERROR', 'PAYERROR'],
    ['ACCOUNT_ERROR', 'TRADE_ERROR', 'PAYERROR'],
    ['BANK_ERROR', 'BANKERROR', 'USERPAYING'],
    ['SYSTEM_ERROR', 'SYSTEMERROR', 'USERPAYING'],
  ];
  for (const [outcome, err_code, state] of arranged) {
    it(`a code that was arranged to end in ${outcome} is ${err_code}, the order ${state}`, async () => {
      await start();
      simulator.gateway.paymentCodes.arrange(AUTH_CODE, { outcome });
      const { xml, signedWith } = await client.micropay('V2CODE5', AUTH_CODE);
      assert.deepEqual([xml.result_code, xml.err_code, signedWith], ['FAIL', err_code, 'MD5']);
      assert.equal((await client.query('V2CODE5')).xml.trade_state, state);
    });
  }

  it('no code, no code of WeChat Pay, and a code in a form that is none', async () => {
    await start();
    assert.equal((await client.micropay('V2CODE6', '')).xml.err_code, 'LACK_PARAMS');
    assert.equal((await client.micropay('V2CODE6', '1'.repeat(129))).xml.err_code, 'PARAM_ERROR');
    assert.equal((await client.micropay('V2CODE6', '281234567890123456')).xml.err_code, 'AUTH_CODE_INVALID');
    assert.equal(
      (await client.post('/tools/authcodetoopenid', { auth_code: '28123' })).xml.err_code,
      'AUTH_CODE_INVALID',
    );
    assert.equal((await client.post('/tools/authcodetoopenid', {})).xml.err_code, 'LACK_PARAMS');
    assert.equal(simulator.gateway.state().orders, 0);
  });

  it('numbers that are used are refused each in its way', async () => {
    await start();
    await client.micropay('V2CODE7', AUTH_CODE, toType);
    assert.equal(
      (await client.micropay('V2CODE7', '144567890123456789', toType)).xml.err_code,
      'BUYER_MISMATCH',
    );
    assert.equal((await client.micropay('V2CODE7', AUTH_CODE)).xml.err_code, 'OUT_TRADE_NO_USED');
    simulator.gateway.pay('V2CODE7');
    assert.equal((await client.micropay('V2CODE7', AUTH_CODE, toType)).xml.err_code, 'ORDERPAID');
    await reverse({ out_trade_no: 'V2CODE7' });
    assert.equal((await client.micropay('V2CODE7', AUTH_CODE, toType)).xml.err_code, 'ORDERREVERSED');
    await client.order('V2CODE8');
    await client.post('/pay/closeorder', { out_trade_no: 'V2CODE8' });
    assert.equal((await client.micropay('V2CODE8', AUTH_CODE)).xml.err_code, 'ORDERCLOSED');
  });

  describe('reversal', () => {
    it('ends a pending payment and takes a paid one back, as often as it is called', async () => {
      await start();
      await client.micropay('V2REV1', AUTH_CODE, toType);
      const { transaction_id = '' } = (await client.micropay('V2REV2', AUTH_CODE)).xml;
      const numbers: Elements[] = [
        { out_trade_no: 'V2REV1' },
        { out_trade_no: 'V2REV1' },
        { transaction_id },
        { out_trade_no: 'V2REV2' },
      ];
      for (const number of numbers) {
        const answer = await reverse(number);
        assert.deepEqual(
          [answer.xml.result_code, answer.xml.recall, answer.signedWith],
          ['SUCCESS', 'N', 'MD5'],
        );
      }
      for (const number of ['V2REV1', 'V2REV2'])
        assert.equal((await client.query(number)).xml.trade_state, 'REVOKED');
      assert.throws(() => simulator.gateway.pay('V2REV1', { late: true }));
    });

    it('is refused for unknown orders, for those of other products and after seven days', async () => {
      let now = Date.parse('2026-03-01T12:00:00+08:00');
      await start({ clock: () => now });
      await client.order('V2REV3');
      await client.micropay('V2REV4', AUTH_CODE);
      assert.equal((await reverse({ out_trade_no: 'V2REV9' })).xml.err_code, 'ORDERNOTEXIST');
      assert.equal((await reverse({})).xml.err_code, 'LACK_PARAMS');
      const other = (await reverse({ out_trade_no: 'V2REV3' })).xml;
      assert.deepEqual([other.err_code, other.recall], ['ERROR', 'N']);
      now += 7 * 24 * 3600_000 + 1;
      assert.equal((await reverse({ out_trade_no: 'V2REV4' })).xml.err_code, 'ERROR');
    });

    for (const [code, recall] of [
      ['SYSTEMERROR', 'Y'],
      ['USERPAYING', 'Y'],
      ['BANKERROR', 'Y'],
      ['INVALID_REQUEST', 'N'],
    ] as const)
      it(`${code} says recall ${recall}`, async () => {
        await start();
        await client.micropay('V2REV5', AUTH_CODE);
        simulator.gateway.addFault({ operation: 'v2.reverse', kind: 'refused', code });
        const { xml } = await reverse({ out_trade_no: 'V2REV5' });
        assert.deepEqual([xml.err_code, xml.recall], [code, recall]);
        assert.equal((await reverse({ out_trade_no: 'V2REV5' })).xml.recall, 'N');
      });
  });

  it('what was charged by v2 is reversed by v3, and the other way round', async () => {
    await start();
    const v3 = new RawClient(simulator);
    const { mchid, appid } = simulator.merchant;
    await client.micropay('V2CROSS3', AUTH_CODE);
    const reversed = await v3.post('/v3/pay/transactions/out-trade-no/V2CROSS3/reverse', { mchid, appid });
    assert.equal(reversed.status, 200);
    assert.equal((await client.query('V2CROSS3')).xml.trade_state, 'REVOKED');
    const charged = await v3.post('/v3/pay/transactions/codepay', {
      appid,
      mchid,
      description: 'Tea',
      out_trade_no: 'V2CROSS4',
      payer: { auth_code: AUTH_CODE },
      amount: { total: 1 },
      scene_info: { store_info: { id: '1' } },
    });
    assert.equal(charged.json.trade_state, 'SUCCESS');
    assert.equal((await reverse({ out_trade_no: 'V2CROSS4' })).xml.recall, 'N');
    await v3.close();
  });

  describe('faces', () => {
    const facepay = (outTradeNo: string, changes: Elements = {}) =>
      client.post(
        '/pay/facepay',
        { ...FACE, out_trade_no: outTradeNo, ...changes },
        { signType: 'HMAC-SHA256' },
      );

    it('are paid, queried and reversed on paths of their own, under HMAC-SHA256', async () => {
      await start();
      const paid = await facepay('V2FACE1', { openid: 'oFace' });
      assert.deepEqual(
        [paid.xml.result_code, paid.xml.trade_type, paid.xml.openid, paid.signedWith],
        ['SUCCESS', 'FACEPAY', 'oFace', 'HMAC-SHA256'],
      );
      const number = { out_trade_no: 'V2FACE1' };
      assert.equal((await client.post('/pay/facepayquery', number)).xml.trade_state, 'SUCCESS');
      assert.equal((await client.post('/secapi/pay/facepayreverse', number)).xml.recall, 'N');
      assert.equal((await client.query('V2FACE1')).xml.trade_state, 'REVOKED');
    });

    it('need HMAC-SHA256, a face and a currency', async () => {
      await start();
      const md5 = await client.post(
        '/pay/facepay',
        { ...FACE, out_trade_no: 'V2FACE2' },
        { signType: 'MD5' },
      );
      assert.deepEqual(md5.xml, {
        return_code: 'FAIL',
        return_msg: '参数错误:sign_type必须为HMAC-SHA256',
      });
      for (const name of ['face_code', 'fee_type']) {
        const { xml } = await facepay('V2FACE2', { [name]: '' });
        assert.deepEqual([xml.err_code, xml.err_code_des], ['LACK_PARAMS', `缺少参数:${name}`]);
      }
      assert.equal((await facepay('V2FACE2', { face_code: 'f'.repeat(129) })).xml.err_code, 'PARAM_ERROR');
      assert.equal((await facepay('V2FACE2', toType)).xml.err_code, 'USERPAYING');
    });

    const TERMINAL = {
      store_id: '1',
      store_name: 'Harbour',
      device_id: 'POS7',
      rawdata: 'raw',
      now: '1772337600',
      version: '1',
    };

    it('a terminal gets its credential, signed and without result_code', async () => {
      await start();
      const answer = await client.post('/face/get_wxpayface_authinfo', TERMINAL);
      assert.equal(answer.signedWith, 'MD5');
      assert.equal('result_code' in answer.xml, false);
      assert.deepEqual([answer.xml.return_code, answer.xml.expires_in], ['SUCCESS', '86400']);
      assert.match(answer.xml.authinfo ?? '', /^[0-9A-Za-z+/]{64}$/);
    });

    for (const name of Object.keys(TERMINAL))
      it(`a terminal without ${name} is refused with return_code FAIL`, async () => {
        await start();
        const { xml } = await client.post('/face/get_wxpayface_authinfo', { ...TERMINAL, [name]: '' });
        assert.deepEqual(xml, { return_code: 'FAIL', return_msg: `缺少参数:${name}` });
      });
  });

  describe('reports', () => {
    const REPORT = {
      interface_url: 'https://api.mch.weixin.qq.com/pay/unifiedorder',
      execute_time_: '20',
      return_code: 'SUCCESS',
      result_code: 'SUCCESS',
      user_ip: '203.0.113.9',
      time: '20260301120311',
    };

    it('are thanked for without a signature', async () => {
      await start();
      const { xml } = await client.post('/payitil/report', REPORT);
      assert.deepEqual(xml, { return_code: 'SUCCESS', return_msg: 'OK', result_code: 'SUCCESS' });
    });

    it('are checked like everything else', async () => {
      await start();
      const missing = await client.post('/payitil/report', { ...REPORT, interface_url: '' });
      assert.deepEqual([missing.xml.err_code, 'sign' in missing.xml], ['LACK_PARAMS', false]);
      const wrong = await client.post('/payitil/report', { ...REPORT, execute_time_: 'fast' });
      assert.equal(wrong.xml.err_code, 'PARAM_ERROR');
    });
  });
});
