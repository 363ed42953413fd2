import assert from 'node:assert/strict';
import { CURRENCIES } from '../../../simulator/money/exchange-rate.ts';
import { decryptResource } from '../../../wechatpay/v3/aead.ts';
import { isSigned, orderBody } from './client.ts';
import { BASE, codeOf, MODES, OverseasDesk } from './overseas-desk.ts';
import { startReceiver } from './receiver.ts';

describe('simulator: overseas orders', () => {
  let desk: OverseasDesk;
  afterEach(() => desk.close());

  for (const mode of MODES) {
    describe(mode, () => {
      for (const [product, changes, answered, form] of [
        ['jsapi', { trade_type: 'JSAPI' }, 'prepay_id', /^wx\d{14}[0-9a-f]{20}$/],
        ['app', { trade_type: 'APP' }, 'prepay_id', /^wx/],
        ['native', { trade_type: 'NATIVE' }, 'code_url', /^weixin:\/\/wxpay\/bizpayurl\?pr=/],
        ['mweb', { trade_type: 'MWEB' }, 'mweb_url', /^https:\/\/wx\.tenpay\.com\//],
      ] as const) {
        it(`${product}: is answered ${answered} and nothing else`, async () => {
          desk = await OverseasDesk.open();
          const payer = mode === 'merchant' ? { openid: 'oA1b' } : { sub_openid: 'oB2c' };
          const body = desk.body(
            'G0001',
            {
              ...changes,
              ...(product === 'jsapi' && { payer }),
              attach: 'c=1',
              goods_tag: 'SPRING',
              limit_pay: 'no_credit',
              time_start: '2026-03-01T12:00:00+08:00',
              time_expire: '2026-03-01T12:30:00+08:00',
              scene_info: {
                payer_client_ip: '203.0.113.9',
                device_ip: '203.0.113.8',
                device_id: 'POS7',
                operator_id: 'P001',
                store_info: { id: 'S01', name: 'Harbour', address: '1 Pier Rd' },
              },
              detail: [
                {
                  cost_price: 2790,
                  receipt_id: 'R-5',
                  goods_detail: [
                    { goods_id: 'S', wxpay_goods_id: '1', goods_name: 'Tea', quantity: 1, price: 2790 },
                  ],
                },
              ],
            },
            mode,
          );
          const answer = await desk.post(`/transactions/${product}`, body, mode);
          assert.equal(answer.status, 200, answer.text);
          assert.deepEqual(Object.keys(answer.json), [answered]);
          assert.match(answer.json[answered], form);
          assert.ok(isSigned(desk.simulator, answer.headers, answer.text));
        });
      }

      it('a paid order has an id, what the customer paid in CNY, and the rate', async () => {
        desk = await OverseasDesk.open();
        const payment = { coupon: { amount: 200 }, openid: 'oA1b' };
        const id = await desk.paid('G0001', { attach: 'c=1' }, mode, payment);
        const { json } = await desk.query('G0001', mode);
        assert.match(id, /^4200\d{24}$/);
        const { promotion_id } = json.promotion_detail[0];
        assert.match(json.payer.sub_openid ?? 'o', /^o/);
        delete json.payer.sub_openid;
        assert.deepEqual(json, {
          ...desk.orderer(mode),
          out_trade_no: 'G0001',
          trade_type: 'NATIVE',
          trade_state: 'SUCCESS',
          trade_state_desc: '支付成功',
          id,
          bank_type: 'OTHERS',
          attach: 'c=1',
          success_time: '2026-03-01T12:00:00+08:00',
          payer: mode === 'merchant' ? { openid: 'oA1b' } : { sp_openid: 'oA1b' },
          // (25.90 - 2.00) HKD at 0.92
          amount: {
            total: 2590,
            payer_total: 2199,
            currency: 'HKD',
            payer_currency: 'CNY',
            exchange_rate: { type: 'SETTLEMENT_RATE', rate: 92_000_000 },
          },
          promotion_detail: [
            {
              promotion_id,
              name: '满减券',
              scope: 'GLOBAL',
              type: 'COUPON',
              amount: 200,
              currency: 'HKD',
              activity_id: promotion_id,
              wxpay_contribute_amount: 200,
              merchant_contribute_amount: 0,
              other_contribute_amount: 0,
            },
          ],
        });
        assert.deepEqual((await desk.get(`/transactions/id/${id}`, mode)).json.id, id);
      });

      it('an unpaid order has no id', async () => {
        desk = await OverseasDesk.open();
        await desk.order('G0001', {}, mode);
        assert.deepEqual((await desk.query('G0001', mode)).json, {
          ...desk.orderer(mode),
          out_trade_no: 'G0001',
          trade_type: 'NATIVE',
          trade_state: 'NOTPAY',
          trade_state_desc: '订单未支付',
          amount: { total: 2590, currency: 'HKD' },
        });
      });

      it('is closed five minutes after it was made, not before; closing again is harmless', async () => {
        desk = await OverseasDesk.open();
        await desk.order('G0001', {}, mode);
        desk.wait(5 * 60_000 - 1);
        assert.deepEqual(codeOf(await desk.closeOrder('G0001', mode)), [400, 'INVALID_REQUEST']);
        assert.equal((await desk.query('G0001', mode)).json.trade_state, 'NOTPAY');
        desk.wait(1);
        assert.equal((await desk.closeOrder('G0001', mode)).status, 204);
        assert.equal((await desk.closeOrder('G0001', mode)).status, 204);
        assert.equal((await desk.query('G0001', mode)).json.trade_state, 'CLOSED');
      });

      it('is not closed once paid, by neither number', async () => {
        desk = await OverseasDesk.open();
        const id = await desk.paid('G0001', {}, mode);
        desk.wait(5 * 60_000);
        assert.deepEqual(codeOf(await desk.closeOrder('G0001', mode)), [400, 'ORDER_PAID']);
        const byId = await desk.post(`/transactions/id/${id}/close`, desk.owner(mode), mode);
        assert.deepEqual(codeOf(byId), [400, 'ORDER_PAID']);
      });

      it('TRANSACTION.SUCCESS carries the same object as a query', async () => {
        desk = await OverseasDesk.open();
        const receiver = await startReceiver();
        try {
          await desk.paid('G0001', { notify_url: receiver.url }, mode);
          const { headers, body } = await receiver.delivery(1);
          const { event_type, resource } = JSON.parse(body);
          assert.ok(isSigned(desk.simulator, headers, body));
          assert.deepEqual([event_type, resource.original_type], ['TRANSACTION.SUCCESS', 'transaction']);
          const plaintext = JSON.parse(decryptResource(resource, desk.who(mode).apiV3Key));
          assert.deepEqual(plaintext, (await desk.query('G0001', mode)).json);
        } finally {
          await receiver.close();
        }
      });

      it('a payment code is charged, and taken back with its money', async () => {
        desk = await OverseasDesk.open();
        const { json } = await desk.charge('G0001', {}, mode);
        assert.equal(json.trade_state, 'SUCCESS');
        assert.equal(json.trade_type, 'MICROPAY');
        assert.deepEqual((await desk.query('G0001', mode)).json, json);
        const answer = await desk.reverse('G0001', mode);
        assert.deepEqual([answer.status, answer.text], [204, '']);
        assert.equal((await desk.query('G0001', mode)).json.trade_state, 'REVOKED');
        const again = await desk.post(`/micropay/transactions/id/${json.id}/reverse`, desk.owner(mode), mode);
        assert.equal(again.status, 204);
        assert.deepEqual(desk.simulator.gateway.notifications(), []);
      });
    });
  }

  it('the amount that leaves the wallet is in fen, whatever the unit of the currency', async () => {
    desk = await OverseasDesk.open();
    for (const [currency, total, payerTotal] of [
      ['USD', 2590, 18596],
      // Yen have no smaller unit: 2590 yen at 0.048 are 124.32 yuan.
      ['JPY', 2590, 12432],
      ['CNY', 2590, 2590],
      ['KRW', 1, 1],
    ] as const) {
      await desk.paid(`G${currency}`, { amount: { total, currency } });
      const { amount } = (await desk.query(`G${currency}`)).json;
      assert.deepEqual([amount.total, amount.payer_total, amount.currency], [total, payerTotal, currency]);
    }
  });

  it('takes every documented currency, and no other', async () => {
    desk = await OverseasDesk.open();
    assert.equal(CURRENCIES.length, 30);
    for (const currency of CURRENCIES) {
      const answer = await desk.order(`G${currency}`, { amount: { total: 1, currency } });
      assert.equal(answer.status, 200, currency);
    }
    const answer = await desk.order('GXYZ', { amount: { total: 1, currency: 'XYZ' } });
    assert.deepEqual([...codeOf(answer), answer.json.detail.field], [400, 'PARAM_ERROR', '/amount/currency']);
  });

  it('equal parameters refresh an unpaid order, others are OUT_TRADE_NO_USED', async () => {
    desk = await OverseasDesk.open();
    const first = await desk.order('G0001');
    const again = await desk.order('G0001');
    assert.notEqual(again.json.code_url, first.json.code_url);
    const other = await desk.order('G0001', { attach: 'other' });
    assert.deepEqual(codeOf(other), [403, 'OUT_TRADE_NO_USED']);
    desk.simulator.gateway.pay('G0001');
    assert.deepEqual(codeOf(await desk.order('G0001')), [403, 'OUT_TRADE_NO_USED']);
  });

  it('older documents call it /hk/v3', async () => {
    desk = await OverseasDesk.open();
    await desk.order('G0001');
    const url = `/hk/v3/transactions/out-trade-no/G0001?mchid=${desk.who('merchant').mchid}`;
    assert.equal((await desk.client.get(url, desk.as('merchant'))).json.out_trade_no, 'G0001');
  });

  it('an unknown order is ORDER_NOT_EXIST for every call, and so is another sub-merchant’s', async () => {
    desk = await OverseasDesk.open();
    await desk.order('G0001', {}, 'institution');
    for (const answer of [
      await desk.query('UNKNOWN'),
      await desk.get('/transactions/id/4200000000000000000000000000'),
      await desk.closeOrder('UNKNOWN'),
      await desk.reverse('UNKNOWN'),
      await desk.query('G0001'),
    ]) {
      assert.deepEqual(codeOf(answer), [404, 'ORDER_NOT_EXIST']);
    }
  });

  describe('fields', () => {
    const long = 'x'.repeat(129);
    for (const [changes, field] of [
      [{ trade_type: undefined }, '/trade_type'],
      [{ trade_type: 'APP' }, '/trade_type'],
      [{ merchant_category_code: undefined }, '/merchant_category_code'],
      [{ merchant_category_code: '411' }, '/merchant_category_code'],
      [{ notify_url: undefined }, '/notify_url'],
      [{ notify_url: 'http://pay.example.com/wx' }, '/notify_url'],
      [{ out_trade_no: 'a'.repeat(33) }, '/out_trade_no'],
      [{ out_trade_no: 'a b' }, '/out_trade_no'],
      [{ description: long }, '/description'],
      [{ attach: long }, '/attach'],
      [{ limit_pay: ['no_credit'] }, '/limit_pay'],
      [{ amount: { total: 0, currency: 'HKD' } }, '/amount/total'],
      [{ amount: { total: 25.9, currency: 'HKD' } }, '/amount/total'],
      [{ amount: { total: 1 } }, '/amount/currency'],
      [{ detail: {} }, '/detail'],
      [{ payer: { openid: 'o' } }, '/payer'],
      [{ time_expire: 'tomorrow' }, '/time_expire'],
    ] as const) {
      it(`${JSON.stringify(changes).slice(0, 60)} is refused for ${field}`, async () => {
        desk = await OverseasDesk.open();
        const answer = await desk.order('G0001', changes);
        assert.deepEqual(codeOf(answer), [400, 'PARAM_ERROR']);
        assert.equal(answer.json.detail.field, field);
        assert.equal(desk.simulator.gateway.orders().length, 0);
      });
    }

    it('JSAPI names the payer, MWEB the address of the phone, a payment code its code', async () => {
      desk = await OverseasDesk.open();
      for (const [path, changes, field] of [
        ['/transactions/jsapi', { trade_type: 'JSAPI' }, '/payer'],
        ['/transactions/mweb', { trade_type: 'MWEB' }, '/scene_info'],
        ['/transactions/mweb', { trade_type: 'MWEB', scene_info: {} }, '/scene_info/payer_client_ip'],
      ] as const) {
        const answer = await desk.post(path, desk.body('G0001', changes));
        assert.equal(answer.json.detail.field, field);
      }
      const code = await desk.charge('G0001', { payer: { auth_code: '2345' } });
      assert.equal(code.json.detail.field, '/payer/auth_code');
      const address = await desk.charge('G0001', { notify_url: 'https://pay.example.com/wx' });
      assert.equal(address.json.detail.field, '/notify_url');
    });

    it('neither merchants nor institutions act for others', async () => {
      desk = await OverseasDesk.open();
      const { mchid } = desk.who('merchant');
      const wrong = async (body: object, mode: 'merchant' | 'institution') =>
        codeOf(await desk.order('G0001', body, mode));
      assert.deepEqual(await wrong({ mchid: '1900099999' }, 'merchant'), [400, 'PARAM_ERROR']);
      assert.deepEqual(await wrong({ appid: 'wx0000000000000000' }, 'merchant'), [
        400,
        'APPID_MCHID_NOT_MATCH',
      ]);
      assert.deepEqual(await wrong({ sp_mchid: mchid }, 'institution'), [400, 'PARAM_ERROR']);
      assert.equal((await wrong({ sub_mchid: mchid }, 'institution'))[0], 400);
      assert.deepEqual(await wrong({ sub_appid: 'wx0000000000000000' }, 'institution'), [
        400,
        'APPID_MCHID_NOT_MATCH',
      ]);
      const missing = await desk.client.get(`${BASE}/transactions/out-trade-no/G0001`, desk.as('merchant'));
      assert.equal(missing.json.detail.field, 'mchid');
      const direct = await desk.client.get(
        `${BASE}/transactions/out-trade-no/G0001?mchid=${desk.who('institution').mchid}`,
        desk.as('institution'),
      );
      assert.equal(direct.json.detail.field, 'sp_mchid');
      const other = await desk.client.get(
        `${BASE}/transactions/out-trade-no/G0001?mchid=1900099999`,
        desk.as('merchant'),
      );
      assert.deepEqual(codeOf(other), [400, 'PARAM_ERROR']);
    });
  });

  describe('payment codes', () => {
    const dear = { amount: { total: 100_000, currency: 'HKD' } };

    it('a large amount waits for the password, and is paid when it was typed', async () => {
      desk = await OverseasDesk.open();
      const answer = await desk.charge('G0001', dear);
      assert.deepEqual([answer.status, answer.json], [200, { trade_state: 'USERPAYING' }]);
      assert.equal((await desk.query('G0001')).json.trade_state, 'USERPAYING');
      desk.wait(44_000);
      assert.equal((await desk.query('G0001')).json.trade_state, 'USERPAYING');
      desk.simulator.gateway.pay('G0001');
      assert.equal((await desk.query('G0001')).json.trade_state, 'SUCCESS');
      desk.wait(60_000);
      assert.equal((await desk.query('G0001')).json.trade_state, 'SUCCESS');
    });

    it('is taken back by itself after 45 seconds unpaid', async () => {
      desk = await OverseasDesk.open();
      await desk.charge('G0001', dear);
      desk.wait(45_000);
      const { trade_state, trade_state_desc } = (await desk.query('G0001')).json;
      assert.deepEqual([trade_state, trade_state_desc], ['REVOKED', '订单已撤销']);
      assert.throws(() => desk.simulator.gateway.pay('G0001'), /cannot be paid/);
      assert.deepEqual(codeOf(await desk.charge('G0001', dear)), [403, 'OUT_TRADE_NO_USED']);
    });

    it('a pending password may be answered 202 USER_PAYING', async () => {
      desk = await OverseasDesk.open({ userPayingStatus: 202 });
      assert.deepEqual(codeOf(await desk.charge('G0001', dear)), [202, 'USER_PAYING']);
    });

    it('is reversed and not closed, and other orders are closed and not reversed', async () => {
      desk = await OverseasDesk.open();
      await desk.charge('G0001');
      await desk.order('G0002');
      desk.wait(5 * 60_000);
      assert.equal((await desk.closeOrder('G0001')).status, 400);
      assert.deepEqual(codeOf(await desk.reverse('G0002')), [400, 'INVALID_REQUEST']);
    });

    it('a reversal is too late after seven days', async () => {
      desk = await OverseasDesk.open();
      await desk.charge('G0001');
      desk.wait(7 * 24 * 3600_000 + 1000);
      assert.deepEqual(codeOf(await desk.reverse('G0001')), [400, 'INVALID_REQUEST']);
    });
  });

  describe('regions', () => {
    it('mainland calls refuse overseas merchants, and overseas calls those of the mainland', async () => {
      desk = await OverseasDesk.open();
      const { appid, mchid } = desk.who('merchant');
      const { mchid: mainland } = desk.simulator.merchant;
      const now = { timestamp: desk.as('merchant').timestamp as number };
      const order = orderBody(desk.simulator, 'T000001', { appid, mchid });
      for (const answer of [
        await desk.client.post('/v3/pay/transactions/native', order, desk.as('merchant')),
        await desk.client.get(`/v3/pay/transactions/id/1?mchid=${mchid}`, desk.as('merchant')),
        await desk.client.get('/v3/bill/tradebill?bill_date=2026-02-28', desk.as('merchant')),
        await desk.client.get(`${BASE}/transactions/id/1?mchid=${mainland}`, now),
        await desk.client.post(`${BASE}/refunds`, {}, now),
        await desk.client.get(`${BASE}/statements?date=20260228&mchid=${mainland}`, now),
        await desk.client.get(`${BASE}/certificates`, now),
      ]) {
        assert.deepEqual(codeOf(answer), [400, 'INVALID_REQUEST']);
        assert.equal(answer.json.message, '暂不支持境外支付');
        assert.ok(isSigned(desk.simulator, answer.headers, answer.text));
      }
    });

    it('mainland and overseas orders of one number have nothing to do with each other', async () => {
      desk = await OverseasDesk.open();
      const now = { timestamp: desk.as('merchant').timestamp as number };
      await desk.client.order('T000001', {}, now);
      await desk.order('T000001');
      desk.simulator.gateway.pay('T000001', {}, desk.who('merchant').mchid);
      const mainland = await desk.client.get(
        `/v3/pay/transactions/out-trade-no/T000001?mchid=${desk.simulator.merchant.mchid}`,
        now,
      );
      assert.equal(mainland.json.trade_state, 'NOTPAY');
      assert.equal((await desk.query('T000001')).json.trade_state, 'SUCCESS');
    });

    it('certificates can be had on the overseas path', async () => {
      desk = await OverseasDesk.open();
      const answer = await desk.client.get(`${BASE}/certificates`, desk.as('merchant'));
      const [{ serial_no, encrypt_certificate }] = answer.json.data;
      const pem = decryptResource(encrypt_certificate, desk.who('merchant').apiV3Key);
      assert.match(serial_no, /^[1-7][0-9A-F]{39}$/);
      assert.match(pem, /^-----BEGIN CERTIFICATE-----/);
    });
  });

  it('faults spoil these calls as they do those of the mainland, payments that race included', async () => {
    desk = await OverseasDesk.open();
    const { gateway } = desk.simulator;
    gateway.addFault({ operation: 'native.create', kind: 'error_500', processed: true });
    assert.equal((await desk.order('G0001')).status, 500);
    assert.equal((await desk.query('G0001')).json.trade_state, 'NOTPAY');
    gateway.addFault({ operation: 'order.close', kind: 'pay_before' });
    desk.wait(5 * 60_000);
    assert.deepEqual(codeOf(await desk.closeOrder('G0001')), [400, 'ORDER_PAID']);
    gateway.addFault({ operation: 'order.query', kind: 'notpay_lag' });
    const { trade_state, id } = (await desk.query('G0001')).json;
    assert.deepEqual([trade_state, id], ['NOTPAY', undefined]);
    assert.equal((await desk.query('G0001')).json.trade_state, 'SUCCESS');
  });
});
